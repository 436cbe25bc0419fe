"""Contact documents for hypothesis, and a validator for the rows that are made of them.

The documents have every field of docs/autopilot-api.md in every shape seen there. Odd ones are
wilder than the API: any field may be null, empty or of another type, and unknown fields turn up.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft7Validator, FormatChecker
from jsonschema.protocols import Validator
from jsonschema.validators import extend

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
EPOCH_MS = st.integers(0, 253_402_300_799_999)
ISO = st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z")
TIMES = ISO | EPOCH_MS | st.just("")

TEXT_FIELDS = (
    "Name FirstName LastName Salutation Email Phone MobilePhone Fax Twitter LinkedIn Title Company"
    " Industry NumberOfEmployees Website MailingStreet MailingCity MailingState MailingPostalCode"
    " MailingCountry type Status LeadSource owner_name owner_first_name lastTimezone lastLocation"
).split()
BOOLEAN_FIELDS = ["company_priority", "api_originated", "unsubscribed", "Unsubscribed"]
TIME_FIELDS = (
    "created_at updated_at first_visit_at first_conversion_at unsubscribed_at lastEngagement"
    " latestSubscribe"
).split()
VISIT_FIELDS = ["anywhere_page_visits", "anywhere_form_submits", "anywhere_utm"]
MAIL_FIELDS = (
    "mail_received mail_opened mail_clicked mail_bounced mail_hardbounced mail_complained"
    " mail_unsubscribed mail_sent mail_replied"
).split()

EMPTY_MAP: st.SearchStrategy[Any] = st.sampled_from([{}, []])
VISITS = st.dictionaries(st.text(), st.just(True), max_size=3) | EMPTY_MAP
MAILS = st.dictionaries(st.text(), EPOCH_MS, max_size=3) | EMPTY_MAP
CUSTOM_FIELDS = st.lists(
    st.fixed_dictionaries(
        {"kind": st.text(), "value": JSON},
        optional={"fieldType": st.text(), "deleted": st.booleans()},
    ),
    max_size=3,
)
RANGE = st.fixed_dictionaries({}, optional={"min": st.integers(0, 9**9), "max": st.integers(0, 9)})

AS_DOCUMENTED: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(TEXT_FIELDS, st.text(max_size=20)),
    **dict.fromkeys(BOOLEAN_FIELDS, st.booleans()),
    **dict.fromkeys(TIME_FIELDS, TIMES),
    **dict.fromkeys(VISIT_FIELDS, VISITS),
    **dict.fromkeys(MAIL_FIELDS, MAILS),
    "lists": st.none() | st.lists(st.text(), max_size=3),
    "employeesRange": RANGE,
    "custom_fields": CUSTOM_FIELDS,
}
IDS = st.uuids().map(lambda uuid: f"person_{str(uuid).upper()}")


def contacts() -> st.SearchStrategy[dict[str, Any]]:
    """Documents as docs/autopilot-api.md describes them."""
    return st.fixed_dictionaries({"contact_id": IDS}, optional=AS_DOCUMENTED)


# Fields that share a column with a documented one, or are called like a column that is no field's.
ALIKE = "Email email E-mail CustomFields Lists employees_range other_fields custom_seats".split()


def odd_contacts() -> st.SearchStrategy[dict[str, Any]]:
    """Documents with any JSON in any field, and with fields that nobody knows."""
    odd = {field: JSON | strategy for field, strategy in AS_DOCUMENTED.items()}
    known = st.fixed_dictionaries({"contact_id": IDS}, optional=odd)
    unknown = st.dictionaries(st.text() | st.sampled_from(ALIKE), JSON | CUSTOM_FIELDS, max_size=4)
    return st.builds(lambda more, document: {**more, **document}, unknown, known)


FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time")
def is_rfc_3339_in_utc(value: object) -> bool:
    """Whether a time is written as destinations need it: in UTC, which they read from its Z."""
    if not isinstance(value, str):
        return True  # null; which types there may be is said by another keyword of the schema
    try:
        return value.endswith("Z") and bool(datetime.fromisoformat(value[:-1]))
    except ValueError:
        return False


def schema_validator(schema: Mapping[str, Any]) -> Validator:
    """A validator of rows, as strict as a destination: 1.0 is no integer, times are parsed."""
    types = Draft7Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    strict = extend(Draft7Validator, type_checker=types)  # type: ignore[no-untyped-call]
    validator: Validator = strict(schema, format_checker=FORMATS)
    return validator
