"""What docs/autopilot-api.md believes of the API, and how the evidence decides each belief. Pure.

The page lists the same beliefs under the same names, and a test compares the two.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import Enum

from verification.evidence import Evidence

MAX_OBSERVATIONS = 6  # of one belief in the table, the most frequent ones


class Verdict(Enum):
    """What the evidence says of a belief."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    NOT_MET = "was not met"


@dataclass(frozen=True)
class Belief:
    """One belief.

    Attributes:
        name: its stable name, in the table and in the page.
        sentence: what is believed, in Markdown.
        question: the kind of question that would show it; its failures explain a lack of evidence.
        expected: matches the observations that speak for it.
        is_always: whether one other observation refutes it; else one expected one confirms it.
    """

    name: str
    sentence: str
    question: str
    expected: str
    is_always: bool = True


@dataclass(frozen=True)
class Finding:
    """A belief's verdict, and what was seen."""

    belief: Belief
    verdict: Verdict
    detail: str


def judge(belief: Belief, evidence: Evidence) -> Finding:
    """What the evidence says of a belief.

    Nothing that was seen is "was not met", and so is, of something that may occur, its absence.
    """
    seen = evidence.seen.get(belief.name)
    if not seen:
        reasons = [reason for reason, _ in evidence.failures[belief.question].most_common()]
        return Finding(belief, Verdict.NOT_MET, _join_some(reasons))
    matches = [bool(re.fullmatch(belief.expected, observation)) for observation in seen]
    if belief.is_always:
        verdict = Verdict.HOLDS if all(matches) else Verdict.DOES_NOT_HOLD
    else:
        verdict = Verdict.HOLDS if any(matches) else Verdict.NOT_MET
    return Finding(belief, verdict, describe_shares(seen, seen.total()))


def describe_shares(seen: Counter[str], total: int) -> str:
    """Observations with their shares of `total`, the most frequent ones first."""
    if list(seen.values()) == [total]:
        return next(iter(seen))
    shares = [f"{text} ({_share(number, total)})" for text, number in seen.most_common()]
    return _join_some(shares)


def _share(number: int, total: int) -> str:
    percent = round(100 * number / total)
    return f"{percent} %" if percent else "less than 1 %"


def _join_some(texts: list[str]) -> str:
    more = len(texts) - MAX_OBSERVATIONS
    return "; ".join([*texts[:MAX_OBSERVATIONS], *([f"{more} more"] if more > 0 else [])])


_ERROR = "an object with error, message"
_TIME = (
    r"empty text|a whole number of 1[23] digits|`9{4}-99-99a99:99:99([.]9{1,9})?(a|[+-]99:99)`"
    r"|`aaa, 99? aaa 9999 99:99:99 aaa`"
)
_LIST_ID = "begins with `contactlist_`"

BELIEFS = (
    # Transport
    Belief("address", "The API answers at its address, over https.", "address", "an answer"),
    Belief("key-shape", "A key has 32 hexadecimal digits.", "contacts", "32 .*"),
    Belief("let-through", "Two requests a second are let through.", "contacts", "let through"),
    Belief(
        "limit-headers",
        "No answer has a `Retry-After` or a header on the rate limit.",
        "contacts",
        "none",
    ),
    Belief("wrong-key", "A wrong key gets 401 and JSON.", "wrong-key", f"401, {_ERROR}"),
    Belief("missing-key", "No key gets 400 and JSON.", "missing-key", f"400, {_ERROR}"),
    Belief(
        "unknown-segment", "A segment that is not there gets a 4xx.", "unknown-segment", "4.., .*"
    ),
    Belief("unknown-path", "A path that is not there gets 404.", "unknown-path", "404, .*"),
    Belief(
        "content-type",
        "Answers say `application/json`, without a charset.",
        "contacts",
        "application/json",
    ),
    Belief(
        "framing",
        "Answers are chunked or have a length.",
        "contacts",
        "chunked|with a length",
    ),
    Belief("connection", "Some connections are closed.", "contacts", "closed", is_always=False),
    Belief(
        "page-seconds",
        "A page of contacts takes up to 4 seconds.",
        "contacts",
        "up to 1 s|1 to 4 s",
    ),
    Belief(
        "page-bytes", "100 contacts have 50 kB to 1 MB.", "contacts", "50 to 200 kB|200 kB to 1 MB"
    ),
    # Endpoints
    Belief(
        "page",
        "A page of contacts is an object with `contacts`, `total_contacts` and, but for the last,"
        " `bookmark`.",
        "contacts",
        "contacts, total_contacts(, bookmark)?",
    ),
    Belief("lists", "The lists come in one answer.", "lists", "an object with lists"),
    Belief(
        "lists-rows",
        "A list has `list_id` and `title`.",
        "lists",
        "an object with list_id, title",
    ),
    Belief("lists-ids", "A list's id begins with `contactlist_`.", "lists", _LIST_ID),
    Belief(
        "lists-spaces",
        "Ids of lists may have spaces.",
        "lists",
        "with a space",
        is_always=False,
    ),
    Belief("segments", "The segments come in one answer.", "segments", "an object with segments"),
    Belief(
        "segments-rows",
        "A segment has `segment_id` and `title`.",
        "segments",
        "an object with segment_id, title",
    ),
    Belief("segments-ids", "A segment's id begins with `contactlist_`.", "segments", _LIST_ID),
    Belief("members", "A segment's members are whole contacts.", "members", "more than an id"),
    Belief(
        "definitions",
        "The custom fields come as a bare array.",
        "definitions",
        "an array|an empty array",
    ),
    Belief(
        "definitions-rows",
        "A custom field has `name` and `fieldType`.",
        "definitions",
        "an object with name, fieldType",
    ),
    Belief(
        "custom-types",
        "Its type is `string`, `integer`, `float`, `date` or `boolean`.",
        "definitions",
        "string|integer|float|date|boolean",
    ),
    Belief(
        "account",
        "The account has `instanceId`, `fullName` and `email`.",
        "account",
        "an object with instanceId, fullName, email.*",
    ),
    # Pages and bookmarks
    Belief("page-size", "Every page but the last has 100 contacts.", "contacts", "100 contacts"),
    Belief("last-bookmark", "The last page has no `bookmark`.", "members", "absent"),
    Belief(
        "bookmark",
        "A bookmark is the id of the last contact of its page, or of the first of the next.",
        "contacts",
        "the (last id of its|first id of the next) page",
    ),
    Belief(
        "border",
        "A page begins with its bookmark's contact, or behind it.",
        "contacts",
        "begins (with|behind) it",
    ),
    Belief("overlap", "No contact is on two neighbouring pages.", "contacts", "none on both"),
    Belief("order", "Pages ascend by contact id, in byte order.", "contacts", "ascending"),
    Belief(
        "bookmark-again",
        "A bookmark brings the same page when it is asked for again.",
        "bookmark-again",
        "the same page",
    ),
    Belief(
        "any-id",
        "The id of any contact works as a bookmark.",
        "any-id",
        "begins (with|behind) it",
    ),
    Belief(
        "start-key",
        "An id that was never issued works as a start key.",
        "start-key",
        "begins behind it",
    ),
    Belief(
        "start-key-far",
        "So does one that is far from the first page.",
        "start-key-far",
        "begins behind it",
    ),
    Belief(
        "start-key-end",
        "A start key behind all ids brings an empty page without a bookmark.",
        "start-key-end",
        "an empty page",
    ),
    Belief("total", "`total_contacts` is a number.", "contacts", "none|fewer.*|about.*|more.*"),
    Belief("total-exact", "`total_contacts` is exact.", "members", "exact"),
    # A contact
    Belief(
        "contact-id",
        "A contact's id is `person_` or `person_AP2-` and a UUID.",
        "contacts",
        "`person_.*` and a UUID.*",
    ),
    Belief("email", "`Email` may be absent.", "contacts", "absent", is_always=False),
    Belief("updated-at", "`updated_at` may be absent.", "contacts", "absent", is_always=False),
    Belief(
        "lists-of-contact",
        "`lists` is an array of ids that begin with `contactlist_`.",
        "contacts",
        _LIST_ID,
    ),
    Belief(
        "standard-types",
        "Documented fields have the documented types.",
        "contacts",
        "as described",
    ),
    Belief(
        "unknown-fields",
        "There are fields that nobody described.",
        "contacts",
        ".*",
        is_always=False,
    ),
    Belief(
        "unsubscribed",
        "`unsubscribed` is also spelled `Unsubscribed`.",
        "contacts",
        ".*`Unsubscribed`",
        is_always=False,
    ),
    Belief("times", "Times come in the spellings listed under Times.", "contacts", _TIME),
    # Custom fields
    Belief(
        "custom-absent",
        "`custom_fields` is absent in a contact without any.",
        "contacts",
        "absent",
    ),
    Belief(
        "custom-entries",
        "An entry has `kind`, `value`, `fieldType` and `deleted`.",
        "contacts",
        "kind, value, fieldType, deleted",
    ),
    Belief("custom-values", "A value fits its `fieldType`.", "contacts", "as its type says"),
    Belief(
        "custom-dates",
        "Dates come in the spellings listed under Times.",
        "contacts",
        _TIME,
    ),
    Belief("custom-map", "The map `custom` does not come.", "contacts", "absent"),
    # What a contact did
    Belief("visits", "`anywhere_*` maps a text to true.", "contacts", "true or false"),
    Belief(
        "empty-maps",
        "An empty map may arrive as `[]`.",
        "contacts",
        "an empty array",
        is_always=False,
    ),
    Belief(
        "mails",
        "`mail_*` maps a message id to epoch milliseconds.",
        "contacts",
        "a whole number of 1[23] digits",
    ),
    Belief(
        "mail-ids",
        "A message id has up to 130 characters.",
        "contacts",
        "up to 130 characters",
    ),
    Belief(
        "mail-names",
        "There are `mail_sent` and `mail_replied`.",
        "contacts",
        "`mail_(sent|replied)`",
        is_always=False,
    ),
)
