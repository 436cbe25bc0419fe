"""No command shows the key in any form, whatever the API does: through the entrypoint."""

import base64
import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import requests
from airbyte_cdk.logger import AirbyteLogFormatter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests_mock import ANY, Mocker

from source_autopilot import source
from source_autopilot.api.rate_limiter import RateLimiter
from source_autopilot.run import execute
from source_autopilot.source import SourceAutopilot
from source_autopilot.sync.shutdown import StopSignals
from unit_tests.support.clock import Clock, WaitingByClock

CATALOG = {
    "streams": [
        {
            "stream": {
                "name": "contacts",
                "json_schema": {},
                "supported_sync_modes": ["full_refresh"],
            },
            "sync_mode": "full_refresh",
            "destination_sync_mode": "overwrite",
        }
    ]
}
# Every sign that an HTTP header can carry and a key could have, but for the space.
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40)
Answer = Callable[[str], dict[str, Any]]

# What an API could do to have the key repeated: the table of faults, with the key in each answer.
FAULTS: dict[str, Answer] = {
    **{
        f"status {status}": lambda key, status=status: {  # type: ignore[misc]
            "status_code": status,
            "text": f"bad key {key}",
            "headers": {"Location": f"https://elsewhere.example/?key={quote(key)}"},
        }
        for status in (201, 204, 302, 400, 401, 403, 404, 405, 408, 410, 422, 429, 500, 503)
    },
    "pause": lambda key: {"status_code": 429, "headers": {"Retry-After": "1"}, "text": key},
    "long pause": lambda key: {"status_code": 429, "headers": {"Retry-After": "9999"}},
    "no key header": lambda key: {"status_code": 400, "text": f"No autopilotapikey header {key}"},
    "html": lambda key: {"text": f"<html>{key}</html>"},
    "cut JSON": lambda key: {"text": json.dumps({"contacts": [{"contact_id": key}]})[:-1]},
    "null rows": lambda key: {"json": {"contacts": None, "key": key}},
    "row without a key": lambda key: {"json": {"contacts": [{"Name": key}]}},
    "no object": lambda key: {"json": [key]},
    **{
        kind.__name__: lambda key, kind=kind: {"exc": kind(f"header autopilotapikey: {key}")}  # type: ignore[misc]
        for kind in (
            requests.ConnectionError,
            requests.ReadTimeout,
            requests.exceptions.SSLError,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.InvalidHeader,
            requests.exceptions.InvalidURL,
        )
    },
}


def forms(key: str) -> set[str]:
    """The key as it is, and as it may be written."""
    plain = {key, quote(key), quote(key, safe=""), quote_plus(key), json.dumps(key)[1:-1]}
    packed = {base64.b64encode(key.encode()), base64.urlsafe_b64encode(key.encode())}
    return plain | {encoded.decode() for encoded in packed}


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[list[str]], str]]:
    """Everything that a command prints and logs, written as the CDK writes it."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(AirbyteLogFormatter())
    logging.getLogger().addHandler(handler)

    def of(arguments: list[str]) -> str:
        try:
            with suppress(SystemExit):
                execute(SourceAutopilot(), arguments, StopSignals())
        finally:
            logging.getLogger("airbyte").setLevel(logging.INFO)  # --debug changes it for good
        written = capsys.readouterr()
        logged = log.getvalue()
        log.seek(0)
        log.truncate()
        return written.out + written.err + logged

    yield of
    logging.getLogger().removeHandler(handler)


@pytest.fixture(autouse=True)
def _limiter_waits_by_clock(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    waiting = partial(WaitingByClock, clock)
    monkeypatch.setattr(source, "RateLimiter", lambda: RateLimiter(clock.now, waiting))


@pytest.mark.usefixtures("naps")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=KEYS,
    fault=st.sampled_from(sorted(FAULTS)),
    verb=st.sampled_from(["check", "read"]),
    debug=st.sampled_from([[], ["--debug"]]),
)
def test_key__never_shown(
    key: str,
    fault: str,
    verb: str,
    debug: list[str],
    tmp_path: Path,
    printed: Callable[[list[str]], str],
) -> None:
    """Not literally, url-encoded, in JSON or in base64; with debug logs neither."""
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps({"api_key": key}))
    catalog.write_text(json.dumps(CATALOG))
    arguments = [verb, *debug, "--config", str(config)]
    with Mocker() as autopilot:
        autopilot.get(ANY, **FAULTS[fault](key))
        output = printed(arguments if verb == "check" else [*arguments, "--catalog", str(catalog)])

    assert output
    shown = [output[output.index(form) - 60 :][:160] for form in forms(key) if form in output]
    assert not shown
