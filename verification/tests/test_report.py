"""The table: what it shows, and what it never shows, whatever the API answers."""

import json
from collections.abc import Iterator
from datetime import date
from itertools import cycle
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from source_autopilot.api.transport import Reply
from verification.asking import Key, NoAnswer
from verification.beliefs import BELIEFS
from verification.contacts import CUSTOM_TYPES, FIELDS, INTERNAL_FIELDS
from verification.evidence import Evidence
from verification.questions import KeyRefused, collect
from verification.report import write_report
from verification.tests.support import URL, Autopilot, contacts_of, investigate, make_ids

TODAY = date(2026, 11, 26)
ANY_INPUT = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=40)

# With these signs the report's own words have no row of four that has a rare one in it.
RARE = set("QXZKqxzщ北")
PRIVATE = st.text("QXZKqxzщ北7 -#|`@:/\n\ud800", min_size=1, max_size=60)
NUMBERS = st.integers(10**6, 10**14) | st.integers() | st.floats()
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | PRIVATE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PRIVATE, inner, max_size=3),
    max_leaves=5,
)


def objects(names: list[str], values: st.SearchStrategy[Any] = VALUES) -> st.SearchStrategy[Any]:
    """Objects with some of these documented keys, and others."""
    documented = st.dictionaries(st.sampled_from(names), values, max_size=8)
    return st.builds(
        dict[str, Any].__or__, st.dictionaries(PRIVATE, VALUES, max_size=2), documented
    )


CUSTOM_FIELDS = st.lists(
    objects(
        ["kind", "value", "fieldType", "deleted", "name"],
        VALUES | st.sampled_from(sorted(CUSTOM_TYPES)),
    ),
    max_size=3,
)
CONTACTS = objects(
    [*FIELDS, *INTERNAL_FIELDS, "custom"], VALUES | CUSTOM_FIELDS | st.dictionaries(PRIVATE, VALUES)
)
PAGES = st.fixed_dictionaries(
    {"contacts": st.lists(CONTACTS, min_size=2, max_size=4)},
    optional={"total_contacts": NUMBERS, "bookmark": PRIVATE, "QXZK": VALUES},
)
ROWS = st.lists(objects(["list_id", "segment_id", "title"]), max_size=4)
DOCUMENTS = {
    "contacts": PAGES,
    "lists": objects(["lists", "bookmark"], ROWS),
    "smart_segments": objects(["segments", "bookmark"], ROWS),
    "contacts/custom_fields": CUSTOM_FIELDS | VALUES,
    "account": objects(["instanceId", "fullName", "email"]),
}
HEADERS = st.dictionaries(
    st.sampled_from(["Content-Type", "Connection", "Retry-After", "Transfer-Encoding"]) | PRIVATE,
    PRIVATE,
    max_size=3,
)


def texts(value: object) -> Iterator[str]:
    """Every text and long number in JSON, names of undocumented fields too."""
    if isinstance(value, dict):
        yield from value.keys() - FIELDS.keys()
        for held in value.values():
            yield from texts(held)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value
    elif type(value) is int and abs(value) >= 10**6:
        yield str(abs(value))


def find_leaks(report: str, private: str) -> list[str]:
    """Four signs in a row of a private text that are in the report; the whole of a number."""
    if private.isdecimal() and len(private) > 6:
        return [private] if private in report else []
    pieces = [private[start : start + 4] for start in range(len(private) - 3)]
    return [piece for piece in pieces if RARE & set(piece) and piece in report]


@ANY_INPUT
@given(
    documents=st.fixed_dictionaries(DOCUMENTS),
    pages=st.lists(PAGES, min_size=1, max_size=3),
    headers=HEADERS,
    key=st.text("QXZK0123456789", min_size=8, max_size=32),
)
def test_report__shows_nothing_private(
    documents: dict[str, Any], pages: list[Any], headers: dict[str, str], key: str
) -> None:
    """No text, number, name of a field, header or key: only documented words and shapes."""
    following = cycle(pages)

    def ask(path: str, key: Key) -> Reply:
        document = documents.get(path) or next(following)
        return Reply(200, headers, json.dumps(document).encode(), 0.4)

    evidence = collect(ask, base_url=URL, api_key=SecretStr(key))
    report = write_report(evidence, questions=1, today=TODAY)

    private = [key, *headers, *headers.values(), *texts([documents, pages])]
    assert [leak for text in private for leak in find_leaks(report, text)] == []


@ANY_INPUT
@given(
    replies=st.lists(
        st.builds(NoAnswer, st.sampled_from(["ReadTimeout", "SSLError"]))
        | st.builds(
            Reply,
            st.sampled_from([200, 200, 302, 401, 404, 429, 500, 999]),
            st.dictionaries(st.text(), st.text(), max_size=2),
            st.binary(max_size=20)
            | st.just(b"[" * 100_000)
            | st.just(b"9" * 5000)
            | VALUES.map(lambda value: json.dumps(value).encode())
            | st.one_of(PAGES, *DOCUMENTS.values()).map(lambda body: json.dumps(body).encode()),
            st.floats(0, 300),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_report__is_written_whatever_comes(replies: list[Reply | NoAnswer]) -> None:
    """No answer ends a run but a refused key; every belief has its row, and every row its cells."""
    rest = iter(replies)

    def ask(path: str, key: Key) -> Reply | NoAnswer:
        return next(rest, replies[-1])

    try:
        report = write_report(investigate(ask), questions=1, today=TODAY)
    except KeyRefused:
        first = replies[0]
        assert isinstance(first, Reply)
        assert first.status == 401
        return

    rows = [line.split("|") for line in report.split("\n") if line.startswith("|")]
    names = [row[1].strip() for row in rows if len(row) == 6]
    assert names == ["belief", "---", *(belief.name for belief in BELIEFS)]
    assert {len(row) for row in rows} <= {4, 6}


def test_report() -> None:
    """The verdicts in numbers, a row for a belief, and the fields that were met."""
    contacts = contacts_of(make_ids(3), Fax="Ann")

    report = write_report(investigate(Autopilot(contacts)), questions=17, today=TODAY)

    assert "## Autopilot's API on 2026-11-26\n" in report
    assert " not met, after 17 questions. Shapes only: " in report
    assert "| order | Pages ascend by contact id, in byte order. | holds | ascending |\n" in report
    assert (
        "| definitions | The custom fields come as a bare array. | was not met | status 404 |"
        in (report)
    )
    assert "\n| `Fax` | text |" in report
    assert "budget" not in report


def test_report__incomplete() -> None:
    """That the budget did not reach is said."""
    evidence = Evidence()
    evidence.is_complete = False

    assert "The budget of questions" in write_report(evidence, questions=30, today=TODAY)
