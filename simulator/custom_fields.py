"""The custom fields of an account, and the values that contacts have in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple

from .field import Field, iso

_DECADE_MS = 10 * 365 * 24 * 60 * 60 * 1000


class CustomField(NamedTuple):
    """A field's name and type, the column that the product must give it, and how many have it.

    `deleted` fields are those that the account no longer lists, while contacts keep their values.
    An `odd` field has values that are not of its type, which its column cannot show.
    """

    name: str
    field_type: str
    column: str
    likelihood: float = 0.4
    deleted: bool = False
    odd: bool = False


DEFINITIONS = (
    CustomField("Test Field", "string", "custom_test_field"),
    CustomField("Favourite colour", "string", "custom_favourite_colour"),
    CustomField("Répondu à l'enquête", "boolean", "custom_répondu_à_l_enquête"),
    CustomField("Renewal date", "date", "custom_renewal_date", odd=True),
    CustomField("Seats", "integer", "custom_seats"),
    CustomField("Score", "float", "custom_score"),
    CustomField("Interests", "list", "custom_interests"),
    CustomField("Old CRM #", "string", "custom_old_crm", deleted=True),
    CustomField("Preferences", "list", "custom_preferences", deleted=True),
)
"""What an account has by default. Names have spaces, `#`, and any script [seen, client]."""

_TYPES = ("string", "integer", "float", "boolean", "date")

TWENTY = tuple(
    CustomField(f"Answer {n}", _TYPES[n % len(_TYPES)], f"custom_answer_{n}", likelihood=1.0)
    for n in range(1, 21)
)
"""Twenty fields of all types, which every contact with custom fields has."""

AWKWARD = (
    CustomField("Fields", "string", "custom_fields_616f48c1"),
    CustomField("!!!", "integer", "custom_unnamed_e84c538e"),
    CustomField("2nd e-mail", "string", "custom_2nd_e_mail"),
    CustomField("NPS score", "integer", "custom_nps_score_6441a1dc"),
    CustomField("NPS-Score", "string", "custom_nps_score_ecd41aee"),
    CustomField("北京", "float", "custom_北京"),
    CustomField(
        "Has the customer agreed to the terms and conditions of 2024?",
        "boolean",
        "custom_has_the_customer_agreed_to_the_terms_and_condit_e96ff087",
    ),
    CustomField(
        "Wie zufrieden sind Sie mit unserem Kundendienst für Geschäftskunden?",
        "date",
        "custom_wie_zufrieden_sind_sie_mit_unserem_kundendienst_21d51a94",
    ),
)
"""Names that are hard to make columns of: taken, empty, too long, alike. The hexadecimal digits are
the beginning of a name's SHA-256."""

Value = tuple[object, str | None, object]
"""What the API sends, its text in the array of custom fields, and what is in the typed column."""
Maker = Callable[[Random, int], Value]


def _text(dice: Random, now_ms: int) -> Value:
    if dice.random() < 0.1:
        return ["a", 1], '["a",1]', '["a",1]'  # an array broke a client [client G]
    value = dice.choice(("This is a test", "", 'say "hi"\nand leave', "naïve 😀", "12", "null"))
    return value, value, value


def _boolean(dice: Random, now_ms: int) -> Value:
    return dice.choice(((True, "true", True), (False, "false", False), ("true", "true", True)))


def _date(dice: Random, now_ms: int) -> Value:
    at_ms = now_ms - dice.randrange(_DECADE_MS)
    text = iso(at_ms)
    midnight = f"{text[:10]}T00:00:00.000Z"
    written = ((text, text, text), (at_ms, str(at_ms), text), (text[:10], text[:10], midnight))
    return dice.choice((*written, ("", "", None)))  # "" in a date broke a client [client G]


def _integer(dice: Random, now_ms: int) -> Value:
    number = dice.choice((0, 25, -3, 9007199254740993))
    return (number if dice.random() < 0.7 else str(number)), str(number), number


def _float(dice: Random, now_ms: int) -> Value:
    number = dice.choice((0.5, 99.25, -1.75, 3))  # a whole one broke a client [client G]
    if dice.random() < 0.7:
        return number, str(number), number
    return str(number), str(number), float(number)


def _nested(dice: Random, now_ms: int) -> Value:
    sent, text = dice.choice(((["a", 1], '["a",1]'), ({"mail": True}, '{"mail":true}')))
    return sent, text, text


_ODD_VALUES: tuple[Value, ...] = (("soon", "soon", None), ([2017], "[2017]", None))  # [client G]

_MAKERS: dict[str, Maker] = {
    "string": _text,
    "boolean": _boolean,
    "date": _date,
    "integer": _integer,
    "float": _float,
    "list": _nested,
}


def make_custom_fields(dice: Random, now_ms: int, fields: Sequence[CustomField]) -> Iterator[Field]:
    """The `custom_fields` attribute of one contact, and the columns that must come of it.

    It is absent in a contact that has no value [seen A], which is at least one in five.
    """
    if dice.random() < 0.2:
        return
    sent: list[object] = []
    expected: list[object] = []
    for field in fields:
        if dice.random() >= field.likelihood:
            continue
        value, text, typed = _MAKERS[field.field_type](dice, now_ms)
        if field.odd and dice.random() < 0.1:
            value, text, typed = dice.choice(_ODD_VALUES)
        if dice.random() < 0.1:
            value, text, typed = None, None, None  # null broke a client, too [client G]
        rest = {"kind": field.name, "deleted": field.deleted}
        sent.append({**rest, "value": value, "fieldType": field.field_type})
        expected.append({**rest, "value": text, "field_type": field.field_type})
        if not field.deleted:
            yield Field(None, None, field.column, typed)
    if sent:
        yield Field("custom_fields", sent, "custom_fields", expected)
