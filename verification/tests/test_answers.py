"""What a run finds of headers, refusals, and answers that are no pages."""

import pytest

from source_autopilot.api.base_url import VENDOR_URL
from source_autopilot.api.transport import Reply
from verification.asking import BudgetSpent, Key, NoAnswer
from verification.beliefs import BELIEFS, judge
from verification.questions import KeyRefused, collect
from verification.tests.support import (
    DOES_NOT_HOLD,
    HOLDS,
    KEY,
    NOT_MET,
    Autopilot,
    contacts_of,
    find,
    investigate,
    make_ids,
    of,
    reply_with,
)

CONTACTS = contacts_of(make_ids(3))
PAGE = {"contacts": CONTACTS, "total_contacts": 3}
ERROR = {"error": "Bad", "message": "no"}


def find_first(reply: Reply | NoAnswer, *names: str) -> list[tuple[str, str]]:
    """Verdicts and details, where this is the answer to the first question."""
    return of(find(Autopilot(CONTACTS, replies={"contacts": reply})), *names)


def test_refusals() -> None:
    """A wrong key, none, and what is not there: the status and the kind of body."""
    findings = find(Autopilot(CONTACTS))

    assert of(findings, "wrong-key", "missing-key", "unknown-segment", "unknown-path") == [
        (HOLDS, "401, an object with error, message"),
        (HOLDS, "400, an object with error, message"),
        (HOLDS, "404, an object with error, message"),
        (HOLDS, "404, an object with error, message"),
    ]


@pytest.mark.parametrize(
    ("reply", "verdict", "seen"),
    [
        (reply_with(b"", 410), DOES_NOT_HOLD, "410, an empty body"),
        (reply_with(b"<html>", 404), HOLDS, "404, HTML"),
        (reply_with(b"gone", 404), HOLDS, "404, no JSON"),
        (reply_with({"code": "A", "message": "B", "Ann": 1}, 404), HOLDS,
         "404, an object with message, code, 1 more"),
        (reply_with(PAGE), DOES_NOT_HOLD, "200, an object with 2 more"),
        (reply_with(ERROR, 503), NOT_MET, "status 503"),
        (reply_with(ERROR, 429), NOT_MET, "status 429"),
        (NoAnswer("ReadTimeout"), NOT_MET, "ReadTimeout"),
    ],
)  # fmt: skip
def test_refusals__of_another_kind(reply: Reply | NoAnswer, verdict: str, seen: str) -> None:
    """A refusal that is another one is shown; trouble is none, and says nothing of it."""
    findings = find(Autopilot(CONTACTS, replies={"no_such_thing": reply}))

    assert of(findings, "unknown-path") == [(verdict, seen)]


@pytest.mark.parametrize(
    ("headers", "belief", "verdict", "seen"),
    [
        ({}, "content-type", HOLDS, "application/json"),
        ({"Content-Type": "text/html; charset=utf-8"}, "content-type", DOES_NOT_HOLD,
         "text/html with a charset"),
        ({"Content-Type": "Ann/Lee"}, "content-type", DOES_NOT_HOLD, "`aaa/aaa`"),
        ({"Content-Length": "12"}, "framing", HOLDS, "with a length"),
        ({"transfer-encoding": "chunked"}, "framing", HOLDS, "chunked"),
        ({}, "framing", DOES_NOT_HOLD, "without a length"),
        ({"Connection": "close"}, "connection", HOLDS, "closed"),
        ({"Connection": "keep-alive"}, "connection", NOT_MET, "kept alive"),
        ({"retry-after": "Ann"}, "limit-headers", DOES_NOT_HOLD, "`Retry-After`"),
        ({"X-Rate-Limit-Of-Ann": "1"}, "limit-headers", DOES_NOT_HOLD,
         "another header on the rate limit"),
        ({"X-Other": "1"}, "limit-headers", HOLDS, "none"),
    ],
)  # fmt: skip
def test_headers(headers: dict[str, str], belief: str, verdict: str, seen: str) -> None:
    """Headers are shown as what they mean; of unknown ones neither name nor value."""

    def ask(path: str, key: Key) -> Reply:
        reply = reply_with(PAGE)
        return Reply(200, {**reply.headers, **headers}, reply.body, 0.4)

    assert of(find(ask), belief) == [(verdict, seen)]


@pytest.mark.parametrize(
    ("seconds", "verdict", "seen"),
    [(0.4, HOLDS, "up to 1 s"), (3.9, HOLDS, "1 to 4 s"), (9, DOES_NOT_HOLD, "4 to 10 s")],
)
def test_page_seconds(seconds: float, verdict: str, seen: str) -> None:
    """How long pages take, as one of a few ranges."""
    reply = Reply(200, {}, reply_with(PAGE).body, seconds)

    findings = find(lambda path, key: reply)

    assert of(findings, "page-seconds") == [(verdict, seen)]


@pytest.mark.parametrize(
    ("padding", "verdict", "seen"),
    [(1000, HOLDS, "50 to 200 kB"), (1, DOES_NOT_HOLD, "up to 50 kB")],
)
def test_page_bytes(padding: int, verdict: str, seen: str) -> None:
    """How large full pages are; smaller ones say nothing of it."""
    contacts = contacts_of(make_ids(101), Name="x" * padding)

    assert of(find(Autopilot(contacts)), "page-bytes", "page-size") == [
        (verdict, seen),
        (HOLDS, "100 contacts"),
    ]
    assert of(find(Autopilot(contacts[:99])), "page-bytes", "page-size") == [(NOT_MET, "")] * 2


def test_endpoints() -> None:
    """Answers in the documented shapes."""
    documents = {
        "lists": {"lists": [{"list_id": "contactlist_1 a", "title": "A"}]},
        "smart_segments": {"segments": [{"segment_id": "contactlist_sseg1", "title": "A"}]},
        "contacts/custom_fields": [{"name": "Pet", "fieldType": "string"}],
        "account": {"instanceId": "1", "fullName": "Ann", "email": "a@b"},
    }
    autopilot = Autopilot(CONTACTS, {"contactlist_sseg1": contacts_of(["a"], Fax="1")}, documents)

    findings = find(autopilot)

    assert of(findings, "lists", "lists-rows", "lists-ids", "lists-spaces") == [
        (HOLDS, "an object with lists"),
        (HOLDS, "an object with list_id, title"),
        (HOLDS, "begins with `contactlist_`"),
        (HOLDS, "with a space"),
    ]
    assert of(findings, "segments", "segments-rows", "segments-ids", "members", "account") == [
        (HOLDS, "an object with segments"),
        (HOLDS, "an object with segment_id, title"),
        (HOLDS, "begins with `contactlist_`"),
        (HOLDS, "more than an id"),
        (HOLDS, "an object with instanceId, fullName, email"),
    ]
    assert of(findings, "definitions", "definitions-rows", "custom-types") == [
        (HOLDS, "an array"),
        (HOLDS, "an object with name, fieldType"),
        (HOLDS, "string"),
    ]


def test_endpoints__in_other_shapes() -> None:
    """Pages of lists, an object of fields, unknown types, segments that give ids alone."""
    documents = {
        "lists": {"lists": [{"id": 7, "title": "A"}], "bookmark": "b"},
        "smart_segments": {"segments": [{"segment_id": "Ladies", "title": "A"}]},
        "contacts/custom_fields": [{"kind": "Pet", "fieldType": "Animal"}, "Pet"],
        "account": [],
    }
    autopilot = Autopilot(CONTACTS, {"Ladies": contacts_of(["a"])}, documents)

    findings = find(autopilot)

    assert of(findings, "lists", "lists-rows", "lists-ids", "lists-spaces") == [
        (DOES_NOT_HOLD, "an object with lists, bookmark"),
        (DOES_NOT_HOLD, "an object with title, 1 more"),
        (DOES_NOT_HOLD, "null"),
        (NOT_MET, ""),
    ]
    assert of(findings, "segments-ids", "members", "account") == [
        (DOES_NOT_HOLD, "`aaaaaa`"),
        (DOES_NOT_HOLD, "an id alone"),
        (DOES_NOT_HOLD, "an empty array"),
    ]
    assert of(findings, "definitions-rows", "custom-types") == [
        (DOES_NOT_HOLD, "an object with fieldType, 1 more (50 %); text (50 %)"),
        (DOES_NOT_HOLD, "`aaaaaa` (50 %); null (50 %)"),
    ]


@pytest.mark.parametrize(
    ("reply", "seen"),
    [
        (reply_with(b"<html>"), "HTML"),
        (reply_with({"error": "Ann"}), "an object with error"),
        (reply_with(PAGE, 403), "status 403"),
        (reply_with(PAGE, 302), "status 302"),
        (reply_with(PAGE, 500), "status 500"),
    ],
)
def test_first_page__that_is_none(reply: Reply, seen: str) -> None:
    """What came in its place stands beside each belief about it, and the rest is asked for."""
    findings = find(Autopilot(replies={"contacts": reply}))

    assert of(findings, "order", "times", "wrong-key") == [
        (NOT_MET, seen),
        (NOT_MET, seen),
        (HOLDS, "401, an object with error, message"),
    ]


def test_first_page__refused_for_its_key() -> None:
    """A key that is not accepted ends the run after one question."""
    autopilot = Autopilot(replies={"contacts": reply_with(ERROR, 401)})

    with pytest.raises(KeyRefused):
        investigate(autopilot)

    assert autopilot.asked == ["contacts"]


def test_first_page__without_an_answer() -> None:
    """An API that is not there is asked one question."""
    autopilot = Autopilot(replies={"contacts": NoAnswer("ConnectTimeout")})

    findings = find(autopilot)

    assert of(findings, "order", "lists") == [(NOT_MET, "ConnectTimeout"), (NOT_MET, "")]
    assert autopilot.asked == ["contacts"]


@pytest.mark.parametrize(
    ("url", "reply", "verdict", "seen"),
    [
        (VENDOR_URL, reply_with(PAGE), HOLDS, "an answer"),
        (VENDOR_URL, NoAnswer("SSLError"), DOES_NOT_HOLD, "no answer: SSLError"),
        ("https://localhost/", reply_with(PAGE), NOT_MET, "another address was asked"),
    ],
)
def test_address(url: str, reply: Reply | NoAnswer, verdict: str, seen: str) -> None:
    """The vendor's address is judged only where it was asked."""
    evidence = collect(lambda path, key: reply, base_url=url, api_key=KEY)

    [belief] = [belief for belief in BELIEFS if belief.name == "address"]
    finding = judge(belief, evidence)
    assert (finding.verdict.value, finding.detail) == (verdict, seen)


def test_limit() -> None:
    """One refusal because of the rate limit is seen."""
    findings = find(Autopilot(CONTACTS, replies={"account": reply_with(ERROR, 429)}))

    assert findings["let-through"].verdict.value == DOES_NOT_HOLD
    assert find(Autopilot(CONTACTS))["let-through"].verdict.value == HOLDS


def test_questions__of_a_large_account() -> None:
    """25 at most, however large the account is; a large segment costs one."""
    ids = make_ids(900)
    segments = {f"contactlist_sseg{n}": contacts_of(ids[:300]) for n in range(20)}
    segments["contactlist_sseg1"] = contacts_of(ids)
    rows = [{"segment_id": segment_id, "title": "A"} for segment_id in segments]
    autopilot = Autopilot(contacts_of(ids), segments, {"smart_segments": {"segments": rows}})

    find(autopilot)

    of_members = [path.split("/")[1] for path in autopilot.asked if "/contactlist_sseg" in path]
    assert [of_members.count(f"contactlist_sseg{n}") for n in range(4)] == [3, 1, 3, 0]
    assert len(autopilot.asked) == 25 - 2


def test_questions__when_the_budget_is_spent() -> None:
    """What was seen so far is kept, and that not all was asked is known."""
    autopilot = Autopilot(CONTACTS)

    def ask(path: str, key: Key) -> Reply | NoAnswer:
        if len(autopilot.asked) == 3:
            raise BudgetSpent
        return autopilot(path, key)

    evidence = investigate(ask)

    assert not evidence.is_complete
    assert evidence.seen["missing-key"] == {"400, an object with error, message": 1}
    assert investigate(autopilot).is_complete
