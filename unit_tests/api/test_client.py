"""Tests of `client`."""

import json
import logging
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import Any

import certifi
import pytest
import requests
from airbyte_cdk.models import FailureType
from pydantic import SecretStr
from requests_mock import Mocker

from source_autopilot.api import transport
from source_autopilot.api.client import Answer, Client
from source_autopilot.api.error_mapping import KEY_HEADER
from source_autopilot.api.rate_limiter import Chain, RateLimiter
from source_autopilot.api.retry_policy import (
    COMMAND_POLICY,
    COMMAND_SECONDS,
    ONE_TRY_POLICY,
    QUESTION_POLICY,
    READ_POLICY,
    Deadline,
    RetryPolicy,
)
from source_autopilot.api.transport import MAX_SILENCE_SECONDS
from source_autopilot.errors import (
    PageRefused,
    RequestFailed,
    UnreadableBody,
    UnreadablePage,
    UserFacingError,
)
from unit_tests.support.clock import Clock, WaitingByClock
from unit_tests.support.constants import KEY, URL

LISTS = URL + "lists"
PAGE = {"lists": [{"list_id": "contactlist_1", "title": "Ladies"}]}

FOUND: dict[str, Any] = {"json": PAGE}
LIMITED: dict[str, Any] = {"status_code": 429}
TROUBLE: dict[str, Any] = {"status_code": 503}
NO_KEY: dict[str, Any] = {  # [doc]
    "status_code": 400,
    "json": {"error": "Bad Request", "message": "No autopilotapikey header provided."},
}

LIMITED_SENTENCE = (
    "Autopilot is limiting requests (429). Nothing is wrong with your settings; the next attempt"
    " may succeed. If this lasts for more than a day, ask Autopilot's support."
)
TROUBLE_SENTENCE = (
    "Autopilot has trouble on its side (503). Nothing is wrong with your settings; the next attempt"
    " may succeed. If this lasts for more than a day, ask Autopilot's support."
)
KEY_SENTENCE = (
    "Autopilot does not accept the API key (401). Copy the key from Autopilot (Settings >"
    " Autopilot API) into this source's API Key again; regenerating a key in Autopilot stops the"
    " old one at once."
)


class RecordingListener:
    """Keeps what it was told of, in order."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def record_refusal(
        self, stream_name: str, *, requests_per_second: float, pause_seconds: float | None
    ) -> None:
        """A request was refused because of the rate limit."""
        self.told.append(
            {"stream": stream_name, "rate": requests_per_second, "pause": pause_seconds}
        )

    def record_failure(self, stream_name: str, *, seen: str, pause_seconds: float | None) -> None:
        """A request failed for another reason."""
        self.told.append({"stream": stream_name, "seen": seen, "pause": pause_seconds})


class RecordingLimiter(RateLimiter):
    """Lets through and learns as any other, says a known rate, and keeps what it is told."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock.now, partial(WaitingByClock, clock))
        self.chains: list[Chain | None] = []
        self.pauses: list[float | None] = []
        self.successes = 0
        self.unanswered_count = 0

    def acquire(self, chain: Chain | None = None, deadline: Deadline | None = None) -> bool:
        self.chains.append(chain)
        return super().acquire(chain, deadline)

    def refused(self, pause_seconds: float | None) -> float:
        self.pauses.append(pause_seconds)
        super().refused(pause_seconds)
        return 2.5

    def succeeded(self) -> None:
        self.successes += 1
        super().succeeded()

    def unanswered(self) -> None:
        self.unanswered_count += 1
        super().unanswered()


@pytest.fixture(autouse=True)
def _monotonic(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(time, "monotonic", clock.now)


def parse(body: bytes) -> Any:
    """The JSON of a body; UnreadableBody if it is none."""
    try:
        return json.loads(body)
    except ValueError:
        raise UnreadableBody(f"{len(body)} bytes that are not JSON") from None


def get_lists(client: Client) -> Any:
    """The content of the first page of lists."""
    return client.get(LISTS, parse, stream="lists").content


def give_up(client: Client) -> RequestFailed:
    """The error with which the first page of lists is given up."""
    with pytest.raises(RequestFailed) as raised:
        get_lists(client)
    assert type(raised.value) is RequestFailed
    return raised.value


def retry_after(seconds: float, status: int = 429) -> dict[str, Any]:
    """An answer that asks for a pause."""
    return {"status_code": status, "headers": {"Retry-After": str(seconds)}}


def slowly(
    clock: Clock, seconds: float, status: int, error: Exception | None = None
) -> dict[str, Any]:
    """An answer, or the lack of one, after some seconds."""

    def answer(_: Any, context: Any) -> str:
        clock.sleep(seconds)
        if error:
            raise error
        context.status_code = status
        return json.dumps(PAGE)

    return {"text": answer}


# What is sent.


def test_get__sends_the_key(client: Client, autopilot: Mocker) -> None:
    """The key travels in the vendor's header, in the URL never."""
    autopilot.get(LISTS, **FOUND)

    get_lists(client)

    [request] = autopilot.request_history
    assert request.headers["autopilotapikey"] == KEY
    assert request.url == LISTS


def test_get__answer(
    client: Client, autopilot: Mocker, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer is what `decode` makes of the body, and how long Autopilot took for it."""
    monkeypatch.setattr("requests.sessions.preferred_clock", clock.now)
    autopilot.get(LISTS, [TROUBLE, slowly(clock, 3.5, 200)])

    answer = client.get(LISTS, bytes.decode, stream="lists")

    assert answer == Answer(json.dumps(PAGE), 3.5)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (READ_POLICY, (10, 120)),
        (COMMAND_POLICY, (2, 12)),
        (ONE_TRY_POLICY, (2, 12)),
        (replace(READ_POLICY, connect_seconds=3, answer_seconds=4), (3, 4)),
    ],
)
def test_get__timeouts(
    client: Client, autopilot: Mocker, policy: RetryPolicy, expected: tuple[float, float]
) -> None:
    """The policy's seconds for a connection and for an answer are sent along."""
    autopilot.get(LISTS, **FOUND)

    get_lists(replace(client, policy=policy))

    [request] = autopilot.request_history
    timeout: object = request.timeout
    assert timeout == expected


def test_get__timeouts_before_a_deadline(client: Client, autopilot: Mocker, clock: Clock) -> None:
    """Neither a connection nor an answer gets more seconds than the deadline leaves."""
    autopilot.get(LISTS, **FOUND)

    for seconds in (100, 10, 4):
        get_lists(replace(client, policy=COMMAND_POLICY, deadline=Deadline(seconds, clock.now)))

    connect_seconds, answer_seconds = zip(
        *(request.timeout for request in autopilot.request_history), strict=True
    )
    assert (connect_seconds[0], answer_seconds[0]) == (2, 12)
    assert 0 < connect_seconds[1] <= 2
    assert 0 < answer_seconds[1] <= 10
    assert 0 < connect_seconds[2] <= 4
    assert 0 < answer_seconds[2] <= 4


def test_get__slow_connection_before_a_deadline(
    client: Client, autopilot: Mocker, clock: Clock
) -> None:
    """A connection and its answer together get no more seconds than the deadline leaves."""
    autopilot.get(LISTS, **FOUND)

    get_lists(replace(client, policy=COMMAND_POLICY, deadline=Deadline(8, clock.now)))

    [request] = autopilot.request_history
    timeout: Any = request.timeout
    assert sum(timeout) <= 8


def test_get__takes_turns(client: Client, autopilot: Mocker, clock: Clock) -> None:
    """Every try waits for its turn at the limiter, as the chain that it belongs to."""
    limiter = RecordingLimiter(clock)
    autopilot.get(LISTS, [TROUBLE, LIMITED, FOUND, FOUND])
    client = replace(client, limiter=limiter)

    with limiter.chain() as chain:
        client.get(LISTS, parse, stream="lists", chain=chain)
    get_lists(client)

    assert limiter.chains == [chain, chain, chain, None]


def test_get__proxies_and_certificates(
    client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies and certificates are those of the environment."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "elsewhere.example")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    autopilot.get(LISTS, **FOUND)

    get_lists(client)

    [request] = autopilot.request_history
    assert request.proxies["https"] == "http://proxy.example:3128"
    assert request.verify == certifi.where()


def test_get__no_proxy(client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that the environment says to reach directly is reached so."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "autopilot.example")
    autopilot.get(LISTS, **FOUND)

    get_lists(client)

    [request] = autopilot.request_history
    assert "https" not in request.proxies


def test_get__keeps_to_this_machine(
    client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain http request to this machine passes no proxy, which could read the key."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    url = "http://127.0.0.1:8080/v1/"
    autopilot.get(url + "lists", **FOUND)

    replace(client, base_url=url).get(url + "lists", parse, stream="lists")

    [request] = autopilot.request_history
    assert request.proxies == {}


def test_get__one_session(
    client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is read once: all requests of a client share a session."""
    autopilot.get(LISTS, **FOUND)
    get_lists(client)

    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    get_lists(client)

    assert ["https" in request.proxies for request in autopilot.request_history] == [False, False]


@pytest.mark.parametrize("first", [True, False], ids=["copied-later", "copied-before"])
def test_get__copies_share_a_session(
    client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    """A copy has no connections of its own, whichever of the two asks first."""
    autopilot.get(LISTS, **FOUND)
    copy = replace(client, policy=QUESTION_POLICY, ends_all=False)
    get_lists(client if first else copy)

    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    get_lists(copy if first else client)

    assert ["https" in request.proxies for request in autopilot.request_history] == [False, False]


def test_get__a_copy_for_another_account(client: Client, autopilot: Mocker) -> None:
    """A copy with another address or key asks there, with that key."""
    elsewhere = "https://autopilot.example/v1/"
    autopilot.get(LISTS, **FOUND)
    autopilot.get(elsewhere + "lists", **FOUND)
    get_lists(client)

    get_lists(replace(client, api_key=SecretStr("other")))
    replace(client, base_url=elsewhere).get(elsewhere + "lists", parse, stream="lists")

    asked = [(sent.url, sent.headers[KEY_HEADER]) for sent in autopilot.request_history]
    assert asked == [(LISTS, KEY), (LISTS, "other"), (elsewhere + "lists", KEY)]


def test_get__debug_log(
    client: Client, autopilot: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    """The debug log has each request's URL, and the key nowhere."""
    autopilot.get(LISTS, [TROUBLE, FOUND])

    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="airbyte"):
        get_lists(client)

    lines = [record for record in caplog.records if record.name == "airbyte"]
    assert [(line.levelname, line.getMessage()) for line in lines] == [
        ("DEBUG", f"GET {LISTS}"),
        ("DEBUG", f"GET {LISTS}"),
    ]
    assert KEY not in caplog.text


def test_client__hides_the_key(client: Client) -> None:
    """The key is not in a client's text, which may end up in a log."""
    assert KEY not in f"{client!r} {client}"


@pytest.mark.parametrize("status", [200, 201, 203, 299])
def test_get__answer_of_any_success(client: Client, autopilot: Mocker, status: int) -> None:
    """Where the status says success, the body says whether it is a page."""
    autopilot.get(LISTS, json=PAGE, status_code=status)

    assert get_lists(client) == PAGE


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204])
def test_get__success_without_a_page(client: Client, autopilot: Mocker, status: int) -> None:
    """An empty body is no page, whatever its status says, and worth another try."""
    autopilot.get(LISTS, [{"status_code": status}, FOUND])

    assert get_lists(client) == PAGE
    assert autopilot.call_count == 2


@pytest.mark.parametrize(
    "body",
    [
        {"text": ""},
        {"text": "gone"},
        {"text": "<html>Not Found</html>"},
        {"json": {"error": "Not Found", "message": "No such thing."}},
        {"json": {"code": "ResourceNotFound", "message": "/v1/lists does not exist"}},
        {"json": PAGE},
    ],
    ids=str,
)
@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_get__refusal_in_any_words(
    client: Client, autopilot: Mocker, status: int, body: dict[str, Any]
) -> None:
    """A refusal means what its status means, whatever its body is."""
    autopilot.get(LISTS, status_code=status, **body)

    with pytest.raises(PageRefused) as raised:
        get_lists(client)

    assert (raised.value.status, autopilot.call_count) == (status, 1)


def test_get__no_key_arrives(client: Client, autopilot: Mocker) -> None:
    """That no key arrives is said by the body of a 400; then another try cannot help."""
    autopilot.get(LISTS, **NO_KEY)

    error = give_up(client)

    assert (error.failure_type, error.status) == (FailureType.config_error, 400)
    assert str(error.message).startswith("Autopilot says that no API key arrives (400). Copy the")
    assert autopilot.call_count == 1


def test_get__unusable_environment(
    client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an environment in which no request can be sent none is, and all others end as well."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:password@:3128")

    error = give_up(client)

    assert error.failure_type == FailureType.config_error
    assert error.message == (
        "No request can be sent: HTTPS_PROXY is no address of a proxy, such as"
        " http://proxy.example:3128. Correct that environment variable where the connector runs, or"
        " remove it."
    )
    with pytest.raises(RequestFailed, match="No request can be sent"):
        client.limiter.acquire()
    assert autopilot.call_count == 0


# Trouble that passes.


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 429])
def test_get__survives_a_status(client: Client, autopilot: Mocker, status: int) -> None:
    """Trouble on Autopilot's side that passes costs tries, and no page."""
    autopilot.get(LISTS, [{"status_code": status}] * 3 + [FOUND])

    assert get_lists(client) == PAGE
    assert autopilot.call_count == 4


@pytest.mark.parametrize(
    "trouble",
    [
        {"exc": requests.ConnectTimeout},
        {"exc": requests.ReadTimeout},
        {"exc": requests.ConnectionError},
        {"exc": requests.exceptions.ChunkedEncodingError},
        {"exc": requests.exceptions.SSLError},
        {"text": '{"lists":[{"list_id":"contactl'},
        {"text": "<html>maintenance</html>"},
        {"text": ""},
    ],
    ids=str,
)
def test_get__survives_a_broken_answer(
    client: Client, autopilot: Mocker, trouble: dict[str, Any]
) -> None:
    """An answer that does not come, breaks off or cannot be read is asked for again."""
    autopilot.get(LISTS, [trouble, FOUND])

    assert get_lists(client) == PAGE
    assert autopilot.call_count == 2


# The pauses.


def test_get__pauses(client: Client, autopilot: Mocker, naps: list[float]) -> None:
    """Each pause is twice as long as the one before."""
    autopilot.get(LISTS, [TROUBLE] * 5 + [FOUND])

    assert get_lists(client) == PAGE
    assert naps == [1, 2, 4, 8, 16]


def test_get__pause_that_the_api_asks_for(
    client: Client, autopilot: Mocker, naps: list[float]
) -> None:
    """Retry-After is waited out in place of the pause of its try."""
    autopilot.get(LISTS, [TROUBLE, retry_after(7, 503), TROUBLE, FOUND])

    assert get_lists(client) == PAGE
    assert naps == [1, 7, 4]


def test_get__rate_limit_pauses_all(
    client: Client, autopilot: Mocker, clock: Clock, naps: list[float]
) -> None:
    """The pause of a refusal is the limiter's, for all requests, and not one of the request's."""
    autopilot.get(LISTS, [retry_after(30), FOUND])

    assert get_lists(client) == PAGE
    assert not any(naps)
    assert 30 <= clock.seconds < 35


# Trouble that stays.


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (TROUBLE, TROUBLE_SENTENCE),
        ({"status_code": 408}, "Autopilot took too long to answer (408). Nothing is wrong"),
        ({"exc": requests.ReadTimeout}, "Autopilot did not answer in time (ReadTimeout). The next"),
        ({"exc": requests.exceptions.SSLError}, "No secure connection to Autopilot could be made"),
        ({"exc": requests.ConnectionError}, "The connection to Autopilot failed or broke off ("),
        ({"text": "<html>"}, "Autopilot's answer cannot be read: 6 bytes that are not JSON. Noth"),
    ],
    ids=str,
)
def test_get__gives_up(
    client: Client, autopilot: Mocker, naps: list[float], trouble: dict[str, Any], sentence: str
) -> None:
    """Trouble that stays ends after six tries in a transient error with the table's sentence."""
    autopilot.get(LISTS, **trouble)

    error = give_up(client)

    assert str(error.message).startswith(sentence)
    assert error.failure_type == FailureType.transient_error
    assert autopilot.call_count == 6
    assert naps == [1, 2, 4, 8, 16]


@pytest.mark.parametrize(
    ("status", "failure_type", "sentence"),
    [
        (401, FailureType.config_error, KEY_SENTENCE),
        (403, FailureType.config_error, "Autopilot does not allow this API key to read this (403)"),
        (302, FailureType.transient_error, "Autopilot's address answered with a redirect (302)"),
        (600, FailureType.system_error, "Autopilot answered with status 600, which this connector"),
    ],
)
def test_get__gives_up_at_once(
    client: Client,
    autopilot: Mocker,
    naps: list[float],
    status: int,
    failure_type: FailureType,
    sentence: str,
) -> None:
    """What no other try can mend gets no other try."""
    autopilot.get(LISTS, status_code=status)

    error = give_up(client)

    assert str(error.message).startswith(sentence)
    assert error.failure_type == failure_type
    assert (autopilot.call_count, naps) == (1, [])


def test_get__redirect(client: Client, autopilot: Mocker) -> None:
    """A redirect is not followed: its target, which would get the key, is never asked."""
    target = "https://elsewhere.example/lists"
    autopilot.get(LISTS, status_code=302, headers={"Location": target})
    autopilot.get(target, **FOUND)

    give_up(client)

    assert [request.url for request in autopilot.request_history] == [LISTS]


def test_get__cannot_be_sent(client: Client, autopilot: Mocker) -> None:
    """A request that cannot be sent is a fault of the connector, and not sent again."""
    autopilot.get(LISTS, exc=requests.exceptions.InvalidHeader)

    error = give_up(client)

    assert error.failure_type == FailureType.system_error
    assert autopilot.call_count == 1


@pytest.mark.parametrize(
    ("status", "bookmark", "page"),
    [
        (400, "b1", "the page at bookmark b1"),
        (404, "b1", "the page at bookmark b1"),
        (410, "b1", "the page at bookmark b1"),
        (422, "b1", "the page at bookmark b1"),
        (400, None, "the first page"),
        (404, None, "the first page"),
        (410, None, "the first page"),
        (422, None, "the first page"),
    ],
)
def test_get__page_refused(
    client: Client, autopilot: Mocker, status: int, bookmark: str | None, page: str
) -> None:
    """A page that is not there is refused at once; the error knows its status and bookmark."""
    autopilot.get(LISTS, status_code=status)

    with pytest.raises(PageRefused) as raised:
        client.get(LISTS, parse, stream="lists", bookmark=bookmark)

    assert (raised.value.status, raised.value.bookmark) == (status, bookmark)
    assert raised.value.failure_type == FailureType.transient_error
    verb = "refuses" if status in (400, 422) else "does not find"
    advice = "What the bookmark points at may" if bookmark else "Nothing is wrong with your"
    assert str(raised.value.message).startswith(
        f"lists: Autopilot {verb} {page} ({status}). {advice}"
    )
    assert autopilot.call_count == 1


@pytest.mark.parametrize(("seconds", "tries"), [(MAX_SILENCE_SECONDS, 3), (120, 2)])
def test_get__trouble_that_takes_long(
    client: Client, autopilot: Mocker, clock: Clock, seconds: float, tries: int
) -> None:
    """No further try when the tries that failed took 150 s: three silences, or two slow answers."""
    autopilot.get(LISTS, **slowly(clock, seconds, 200, requests.ReadTimeout()))

    give_up(client)

    assert autopilot.call_count == tries
    assert tries * seconds < clock.seconds < tries * seconds + 5


@pytest.mark.parametrize(("policy", "seconds"), [(READ_POLICY, 149), (COMMAND_POLICY, 11)])
def test_get__pauses_are_trouble(
    client: Client, autopilot: Mocker, clock: Clock, policy: RetryPolicy, seconds: float
) -> None:
    """The pause of 1 s behind a slow try makes it 150 s, and 12 s for a command: that's enough."""
    autopilot.get(LISTS, [slowly(clock, seconds, 503), TROUBLE, FOUND])

    give_up(replace(client, policy=policy))

    assert autopilot.call_count == 2


def test_get__turns_are_no_trouble(client: Client, autopilot: Mocker) -> None:
    """The wait for a turn at the limiter is none of the seconds that a failed try took."""
    autopilot.get(LISTS, [retry_after(119), TROUBLE, retry_after(119), TROUBLE, FOUND])

    assert get_lists(client) == PAGE
    assert autopilot.call_count == 5


@pytest.mark.parametrize("status", [429, 503])
def test_get__pause_too_long(client: Client, autopilot: Mocker, clock: Clock, status: int) -> None:
    """A pause beyond the policy's is not waited for."""
    autopilot.get(LISTS, **retry_after(121, status))

    error = give_up(client)

    assert error.message == (
        f"Autopilot asks to wait for 2 minutes ({status}), longer than an attempt should. Nothing"
        " is wrong with your settings; the next attempt may succeed. If this lasts for more than a"
        " day, ask Autopilot's support."
    )
    assert error.failure_type == FailureType.transient_error
    assert (autopilot.call_count, clock.seconds) == (1, 0)


def test_get__pause_too_long_for_a_command(client: Client, autopilot: Mocker) -> None:
    """How long a pause may be is the policy's: a command doesn't wait as long as a read."""
    autopilot.get(LISTS, **retry_after(6))

    error = give_up(replace(client, policy=COMMAND_POLICY))

    assert str(error.message).startswith("Autopilot asks to wait for 6 s (429), longer than an")
    assert autopilot.call_count == 1


# Answers that are no page to trust.


def test_get__unreadable_page(client: Client, autopilot: Mocker, naps: list[float]) -> None:
    """JSON that is no page is not asked for again: the error of `decode` is the caller's."""
    autopilot.get(LISTS, **FOUND)
    listener = RecordingListener()

    def refuse(body: bytes) -> None:
        raise UnreadablePage("it has no rows")

    with pytest.raises(UnreadablePage, match=r"^it has no rows$"):
        replace(client, listener=listener).get(LISTS, refuse, stream="lists")

    assert (autopilot.call_count, naps, listener.told) == (1, [], [])


def test_get__answer_too_large(
    client: Client, autopilot: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that is too large is not asked for again."""
    monkeypatch.setattr(transport, "MAX_BYTES", 2**20)
    autopilot.get(LISTS, body=BytesIO(b" " * (2**20 + 1)))

    with pytest.raises(UnreadablePage, match=r"^it has more than 1 MB$"):
        get_lists(client)

    assert autopilot.call_count == 1


@pytest.mark.parametrize("status", [429, 503])
def test_get__body_of_a_failure(client: Client, autopilot: Mocker, status: int) -> None:
    """What a refusal says is no page, even where it could be read as one."""
    autopilot.get(LISTS, [{"status_code": status, "json": {"lists": []}}, FOUND])

    assert get_lists(client) == PAGE


# Trouble in mixtures.


@pytest.mark.parametrize(
    ("troubles", "expected_requests"),
    [
        ([TROUBLE, LIMITED], 11),
        ([LIMITED, TROUBLE], 12),
        ([LIMITED] * 5 + [TROUBLE], 36),
        ([{"exc": requests.ReadTimeout}, LIMITED, {"text": "<html>"}], 9),
    ],
    ids=["503 429", "429 503", "five 429 503", "timeout 429 html"],
)
def test_get__refusals_use_up_no_tries(
    client: Client,
    autopilot: Mocker,
    naps: list[float],
    troubles: list[dict[str, Any]],
    expected_requests: int,
) -> None:
    """Six tries fail for other reasons, however many are refused by the rate limit between them."""
    autopilot.get(LISTS, troubles * 10)

    error = give_up(client)

    assert error.failure_type == FailureType.transient_error
    assert autopilot.call_count == expected_requests
    assert [seconds for seconds in naps if seconds] == [1, 2, 4, 8, 16]


@pytest.mark.parametrize(
    "troubles", [[TROUBLE, LIMITED] * 5, [LIMITED, TROUBLE] * 5, ([LIMITED] * 5 + [TROUBLE]) * 5]
)
def test_get__survives_mixed_trouble(
    client: Client, autopilot: Mocker, troubles: list[dict[str, Any]]
) -> None:
    """Five tries may fail for other reasons, however many are refused between them."""
    autopilot.get(LISTS, [*troubles, FOUND])

    assert get_lists(client) == PAGE
    assert autopilot.call_count == len(troubles) + 1


# The rate limit.


def limited_until(clock: Clock, seconds: float, pause_seconds: float) -> dict[str, Any]:
    """Refusals until a moment of the clock, and the page from then on."""

    def answer(_: Any, context: Any) -> str:
        if clock.seconds >= seconds:
            return json.dumps(PAGE)
        context.status_code = 429
        context.headers["Retry-After"] = str(pause_seconds)
        return ""

    return {"text": answer}


@pytest.mark.parametrize("pause_seconds", [7, 30, 119])
def test_get__rate_limit_that_stays(
    client: Client, autopilot: Mocker, clock: Clock, pause_seconds: int
) -> None:
    """A rate limit is waited out for ten minutes, whatever pauses it asks for, and no longer."""
    autopilot.get(LISTS, **retry_after(pause_seconds))

    error = give_up(client)

    assert error.message == LIMITED_SENTENCE
    assert error.failure_type == FailureType.transient_error
    assert 600 <= clock.seconds < 600 + pause_seconds + 10


def test_get__rate_limit_without_pauses(client: Client, autopilot: Mocker, clock: Clock) -> None:
    """Ten minutes it is also where the API does not say how long to wait."""
    autopilot.get(LISTS, **slowly(clock, 5, 429))

    assert give_up(client).message == LIMITED_SENTENCE
    assert 600 <= clock.seconds < 660


@pytest.mark.parametrize(
    ("refused_seconds", "expected_requests"), [(0.0, 2), (599.9, 2), (600.0, 1), (700.0, 1)]
)
def test_get__refused_for_ten_minutes(
    client: Client,
    autopilot: Mocker,
    clock: Clock,
    refused_seconds: float,
    expected_requests: int,
) -> None:
    """What counts is how long the limiter's requests, of all callers, have been refused."""

    class Limiter(RateLimiter):
        @property
        def refused_seconds(self) -> float:
            return refused_seconds

    autopilot.get(LISTS, [LIMITED, FOUND])

    with suppress(UserFacingError):
        get_lists(replace(client, limiter=Limiter(clock.now, partial(WaitingByClock, clock))))

    assert autopilot.call_count == expected_requests


@pytest.mark.parametrize("seconds", [540, 599])
def test_get__rate_limit_that_passes(
    client: Client, autopilot: Mocker, clock: Clock, seconds: float
) -> None:
    """A request that gets through within ten minutes is as good as any other."""
    autopilot.get(LISTS, **limited_until(clock, seconds, 9))

    assert get_lists(client) == PAGE
    assert seconds <= clock.seconds < seconds + 20


@pytest.mark.parametrize("through", [FOUND, TROUBLE, {"status_code": 404}])
def test_get__rate_limit_that_lets_another_through(
    client: Client, autopilot: Mocker, clock: Clock, through: dict[str, Any]
) -> None:
    """Any other answer, here another caller's after nine minutes, starts the ten minutes anew."""
    other = replace(client, policy=ONE_TRY_POLICY, ends_all=False)
    autopilot.get(URL + "contacts", **through)
    at: list[float] = []

    def answer(_: Any, context: Any) -> str:
        if clock.seconds >= 540 and not at:
            at.append(clock.seconds)
            with suppress(UserFacingError):
                other.get(URL + "contacts", parse, stream="contacts")
        context.status_code = 429
        context.headers["Retry-After"] = "9"
        return ""

    autopilot.get(LISTS, text=answer)

    assert give_up(client).message == LIMITED_SENTENCE
    assert 540 <= at[0] < 560
    assert at[0] + 600 <= clock.seconds < at[0] + 650


def test_get__refusals_before_a_page(client: Client, autopilot: Mocker, clock: Clock) -> None:
    """The ten minutes are of the refusals since the last page, and not of all there ever were."""
    autopilot.get(LISTS, [retry_after(100)] * 4 + [FOUND])

    assert [get_lists(client), get_lists(client)] == [PAGE, PAGE]
    autopilot.get(LISTS, [retry_after(100)] * 4 + [FOUND])
    assert get_lists(client) == PAGE
    assert 800 <= clock.seconds < 830


def test_get__tells_the_limiter(client: Client, autopilot: Mocker, clock: Clock) -> None:
    """The limiter hears of each refusal with its pause, each other answer, and each lack of one."""
    limiter = RecordingLimiter(clock)
    autopilot.get(LISTS, [retry_after(7), LIMITED, {"exc": requests.ReadTimeout}, TROUBLE, FOUND])

    get_lists(replace(client, limiter=limiter))

    assert (limiter.pauses, limiter.successes, limiter.unanswered_count) == ([7, None], 2, 1)


def test_get__tells_the_limiter_of_dropped_answers(
    client: Client, autopilot: Mocker, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that is too large is under way no more."""
    monkeypatch.setattr(transport, "MAX_BYTES", 10)
    limiter = RecordingLimiter(clock)
    autopilot.get(LISTS, **FOUND)

    with pytest.raises(UnreadablePage):
        get_lists(replace(client, limiter=limiter))

    assert (limiter.successes, limiter.unanswered_count) == (0, 1)


def test_get__rate_limit_of_a_command(client: Client, autopilot: Mocker, naps: list[float]) -> None:
    """For a command a refusal is a failed try like any other: it waits, and gives up after three.

    Its pauses are those of failed tries, or what the API asks for.
    """
    autopilot.get(LISTS, [retry_after(4), LIMITED, LIMITED, FOUND])

    error = give_up(replace(client, policy=COMMAND_POLICY))

    assert error.message == LIMITED_SENTENCE
    assert error.failure_type == FailureType.transient_error
    assert (autopilot.call_count, naps) == (3, [4, 2])


def test_get__mixed_trouble_of_a_command(client: Client, autopilot: Mocker) -> None:
    """A command has three tries for refusals and other trouble together."""
    autopilot.get(LISTS, [LIMITED, TROUBLE, LIMITED, FOUND])

    give_up(replace(client, policy=COMMAND_POLICY))

    assert autopilot.call_count == 3


def test_get__rate_limit_counts_how_long_refusals_take(
    client: Client, autopilot: Mocker, clock: Clock
) -> None:
    """A command's refusals that come slowly are trouble that takes long."""
    autopilot.get(LISTS, **slowly(clock, 11, 429))

    give_up(replace(client, policy=COMMAND_POLICY))

    assert autopilot.call_count == 2


@pytest.mark.parametrize("trouble", [TROUBLE, LIMITED, {"exc": requests.ReadTimeout}], ids=str)
def test_get__one_try(
    client: Client, autopilot: Mocker, naps: list[float], trouble: dict[str, Any]
) -> None:
    """What a command can do without is asked for once."""
    autopilot.get(LISTS, **trouble)

    give_up(replace(client, policy=ONE_TRY_POLICY))

    assert (autopilot.call_count, naps) == (1, [])


# Deadlines.


def test_get__after_a_deadline(client: Client, autopilot: Mocker, clock: Clock) -> None:
    """No try begins after the deadline, and the error says that time ran out."""
    listener = RecordingListener()
    deadline = Deadline(5, clock.now)
    clock.sleep(5)

    error = give_up(replace(client, deadline=deadline, listener=listener))

    assert error.message == (
        "Autopilot answers too slowly: there was no time left to ask for more. Nothing is wrong"
        " with your settings; the next attempt may succeed. If this lasts for more than a day, ask"
        " Autopilot's support."
    )
    assert error.failure_type == FailureType.transient_error
    assert (autopilot.call_count, listener.told) == (0, [])


def test_get__just_before_a_deadline(client: Client, autopilot: Mocker, clock: Clock) -> None:
    """A try begins as long as there is any time left."""
    autopilot.get(LISTS, **FOUND)

    assert get_lists(replace(client, deadline=Deadline(0.1, clock.now))) == PAGE


def test_get__deadline_passes_while_waiting_for_a_turn(
    client: Client, autopilot: Mocker, clock: Clock, limiter: RateLimiter
) -> None:
    """A turn that would come after the deadline is not waited for any longer than that."""
    limiter.refused(30)

    error = give_up(replace(client, deadline=Deadline(5, clock.now)))

    assert str(error.message).startswith("Autopilot answers too slowly: there was no time left to")
    assert (autopilot.call_count, clock.seconds) == (0, 5)


@pytest.mark.parametrize("trouble", [TROUBLE, LIMITED], ids=str)
def test_get__pause_beyond_a_deadline(
    client: Client, autopilot: Mocker, naps: list[float], clock: Clock, trouble: dict[str, Any]
) -> None:
    """A pause that would reach the deadline is not begun: the error is that of the last try."""
    autopilot.get(LISTS, **trouble)
    limited = replace(READ_POLICY, max_limited_seconds=None)

    error = give_up(replace(client, policy=limited, deadline=Deadline(7, clock.now)))

    assert error.message == (TROUBLE_SENTENCE if trouble is TROUBLE else LIMITED_SENTENCE)
    assert (autopilot.call_count, naps) == (3, [1, 2])


@pytest.mark.parametrize("status", [429, 503])
def test_get__slow_answers_before_a_deadline(
    client: Client, autopilot: Mocker, clock: Clock, status: int
) -> None:
    """A command's deadline holds although every answer takes as long as it may."""
    autopilot.get(LISTS, **slowly(clock, 12, status))
    command = replace(client, policy=COMMAND_POLICY, deadline=Deadline(COMMAND_SECONDS, clock.now))

    give_up(command)

    assert clock.seconds <= COMMAND_SECONDS


# A question whose answer may be that there is no such page.


@pytest.fixture
def asking(client: Client, clock: Clock) -> Client:
    """Asks one such question, which is bounded as a whole."""
    deadline = Deadline(45, clock.now)
    return replace(client, policy=QUESTION_POLICY, ends_all=False, deadline=deadline)


@pytest.mark.parametrize(
    "trouble", [TROUBLE, {"exc": requests.ReadTimeout}, {"text": "<html>"}], ids=str
)
def test_question__is_repeated_once(
    asking: Client, autopilot: Mocker, naps: list[float], trouble: dict[str, Any]
) -> None:
    """Trouble may pass; a second time it is the answer."""
    autopilot.get(LISTS, [trouble, FOUND])
    assert get_lists(asking) == PAGE

    autopilot.get(LISTS, **trouble)
    give_up(asking)

    assert (autopilot.call_count, naps) == (4, [1, 1])


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_question__no_is_an_answer(asking: Client, autopilot: Mocker, status: int) -> None:
    """A refused page is asked for once."""
    autopilot.get(LISTS, status_code=status)

    with pytest.raises(PageRefused):
        get_lists(asking)

    assert autopilot.call_count == 1


def test_question__not_worth_the_rate_limit(asking: Client, autopilot: Mocker) -> None:
    """A refusal because of the rate limit ends the question, and is told from a "no"."""
    autopilot.get(LISTS, [LIMITED, FOUND])

    assert give_up(asking).status == 429
    assert autopilot.call_count == 1


def test_question__no_turn_before_its_deadline(
    asking: Client, autopilot: Mocker, clock: Clock
) -> None:
    """What could not be sent because all requests pause was not answered with a "no" either."""
    asking.limiter.refused(100.0)

    assert give_up(asking).status == 429

    assert clock.seconds <= 45
    assert autopilot.call_count == 0


@pytest.mark.parametrize("trouble", [LIMITED, retry_after(100), retry_after(100, 503)], ids=str)
def test_question__ends_at_its_deadline(
    asking: Client, client: Client, autopilot: Mocker, clock: Clock, trouble: dict[str, Any]
) -> None:
    """However long a limit lasts or a pause is asked for, and it ends nothing else."""
    autopilot.get(LISTS, **trouble)
    autopilot.get(URL + "contacts", **FOUND)

    give_up(asking)

    assert clock.seconds <= 45
    assert client.get(URL + "contacts", parse, stream="contacts").content == PAGE


# Errors that concern all requests.


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ({"status_code": 401}, KEY_SENTENCE),
        ({"status_code": 403}, "Autopilot does not allow this API key to read this (403). Copy"),
        (NO_KEY, "Autopilot says that no API key arrives (400). Copy the key"),
        (retry_after(9999), "Autopilot asks to wait for 3 hours (429), longer than an attempt"),
        (retry_after(60), LIMITED_SENTENCE),
    ],
    ids=str,
)
def test_get__ends_all(
    client: Client, autopilot: Mocker, trouble: dict[str, Any], sentence: str
) -> None:
    """What concerns the account ends all requests of the limiter, each in the same sentence."""
    autopilot.get(LISTS, **trouble)
    autopilot.get(URL + "contacts", **FOUND)
    first = give_up(client)

    others: list[UserFacingError] = []
    for _ in range(2):
        with pytest.raises(UserFacingError) as raised:
            client.get(URL + "contacts", parse, stream="contacts")
        others.append(raised.value)

    assert str(first.message).startswith(sentence)
    assert [(error.message, error.failure_type) for error in others] == [
        (first.message, first.failure_type)
    ] * 2
    assert len({id(error) for error in (first, *others)}) == 3  # each collects its own traceback
    assert autopilot.request_history[-1].url == LISTS


@pytest.mark.parametrize(
    "trouble",
    [{"status_code": 401}, retry_after(9999), retry_after(60)],
    ids=str,
)
def test_get__ends_itself_only(client: Client, autopilot: Mocker, trouble: dict[str, Any]) -> None:
    """A question that may be refused for itself leaves all others alone."""
    autopilot.get(LISTS, **trouble)
    autopilot.get(URL + "contacts", **FOUND)

    give_up(replace(client, ends_all=False))

    assert client.get(URL + "contacts", parse, stream="contacts").content == PAGE


@pytest.mark.parametrize(
    "trouble",
    [
        TROUBLE,
        retry_after(9999, 503),
        {"status_code": 302},
        {"status_code": 400},
        {"status_code": 404},
        {"status_code": 405},
        {"exc": requests.ReadTimeout},
    ],
    ids=str,
)
def test_get__concerns_one_request(
    client: Client, autopilot: Mocker, trouble: dict[str, Any]
) -> None:
    """An error that doesn't concern the account ends its own request and no other."""
    autopilot.get(LISTS, **trouble)
    autopilot.get(URL + "contacts", **FOUND)

    with pytest.raises(UserFacingError):
        get_lists(client)

    assert client.get(URL + "contacts", parse, stream="contacts").content == PAGE


# The listener.


def test_get__tells_of_failures(client: Client, autopilot: Mocker) -> None:
    """The listener hears of each try that failed and of the pause behind it, None for the last."""
    listener = RecordingListener()
    autopilot.get(
        LISTS,
        [
            TROUBLE,
            {"exc": requests.ReadTimeout},
            {"text": "<html>"},
            retry_after(7, 500),
            {"status_code": 408},
            {"exc": requests.exceptions.SSLError},
        ],
    )

    give_up(replace(client, listener=listener))

    assert [(told["stream"], told["seen"], told["pause"]) for told in listener.told] == [
        ("lists", "Autopilot has trouble on its side (503)", 1),
        ("lists", "Autopilot did not answer in time (ReadTimeout)", 2),
        ("lists", "Autopilot's answer cannot be read: 6 bytes that are not JSON", 4),
        ("lists", "Autopilot has trouble on its side (500)", 7),
        ("lists", "Autopilot took too long to answer (408)", 16),
        ("lists", "No secure connection to Autopilot could be made (SSLError)", None),
    ]


@pytest.mark.parametrize("policy", [READ_POLICY, COMMAND_POLICY])
def test_get__tells_of_refusals(
    client: Client, autopilot: Mocker, clock: Clock, policy: RetryPolicy
) -> None:
    """The listener hears of each refusal: the rate from now on, and the pause that was asked for.

    A refusal is told of as one also where it counts as a failed try.
    """
    listener = RecordingListener()
    autopilot.get(LISTS, [LIMITED, retry_after(3), FOUND])

    get_lists(replace(client, policy=policy, limiter=RecordingLimiter(clock), listener=listener))

    assert listener.told == [
        {"stream": "lists", "rate": 2.5, "pause": None},
        {"stream": "lists", "rate": 2.5, "pause": 3},
    ]


def test_get__tells_of_the_last_refusal(client: Client, autopilot: Mocker, clock: Clock) -> None:
    """The refusal that ends a request is told of like those before."""
    listener = RecordingListener()
    autopilot.get(LISTS, **LIMITED)

    give_up(
        replace(
            client,
            policy=COMMAND_POLICY,
            limiter=RecordingLimiter(clock),
            listener=listener,
        )
    )

    assert listener.told == [{"stream": "lists", "rate": 2.5, "pause": None}] * 3


def test_get__tells_before_the_pause(client: Client, autopilot: Mocker, clock: Clock) -> None:
    """The listener hears of a failed try before the pause, and not behind it."""
    told_at: list[float] = []

    class Listener(RecordingListener):
        def record_failure(self, *args: Any, **kwargs: Any) -> None:
            told_at.append(clock.seconds)

    autopilot.get(LISTS, [retry_after(100, 503), FOUND])

    get_lists(replace(client, listener=Listener()))

    assert told_at == [0]


@pytest.mark.parametrize(
    "answer",
    [
        FOUND,
        {"status_code": 401},
        {"status_code": 302},
        {"status_code": 404},
        {"status_code": 405},
        retry_after(9999),
        {"exc": requests.exceptions.InvalidHeader},
    ],
    ids=str,
)
def test_get__nothing_to_tell(client: Client, autopilot: Mocker, answer: dict[str, Any]) -> None:
    """The listener hears of no try that succeeded, nor of one that no other can mend."""
    listener = RecordingListener()
    autopilot.get(LISTS, **answer)

    with suppress(UserFacingError):
        get_lists(replace(client, listener=listener))

    assert listener.told == []
