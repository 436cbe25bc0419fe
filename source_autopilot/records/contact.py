"""The columns of the `contacts` table: how each is made from its field of a contact.

Says which column has which type; the descriptions for users are in schemas/contacts.json. The
fields and their shapes come from docs/autopilot-api.md ("A contact"). A field without a column here
is in `other_fields`.
"""

from typing import Any

from source_autopilot.records.converters import Converter, Rejected, to_boolean, to_integer, to_text
from source_autopilot.records.rows import Columns, Row, fill_columns
from source_autopilot.records.timestamps import to_timestamp

_CUSTOM_FIELD = Columns(
    {"kind": to_text, "value": to_text, "field_type": to_text, "deleted": to_boolean}
)
_EMPLOYEES_RANGE = Columns({"min": to_integer, "max": to_integer})


def _visits_to_rows(value: Any) -> list[Row] | Rejected:
    return _map_to_rows(value, "url", "value", to_boolean)


def _mails_to_rows(value: Any) -> list[Row] | Rejected:
    return _map_to_rows(value, "id", "timestamp", to_timestamp)


def _map_to_rows(
    value: Any, key_column: str, value_column: str, convert: Converter
) -> list[Row] | Rejected:
    """`{"a": 1}` -> `[{key_column: "a", value_column: 1}]`."""
    if value == []:  # an empty map may arrive so [seen]
        return []
    if not isinstance(value, dict):
        return Rejected(value)
    rows, rejected = [], []
    for key, held in value.items():
        converted = convert(held)
        if isinstance(converted, Rejected):
            rejected.append(converted.example)
            converted = converted.replacement
        rows.append({key_column: key, value_column: converted})
    return Rejected(rejected[0], rows) if rejected else rows


def _to_custom_fields(value: Any) -> list[Row] | Rejected:
    if value == {}:
        return []
    if not isinstance(value, list):
        return Rejected(value)
    rows, rejected, is_whole = [], [], True
    for entry in value:
        if isinstance(entry, dict):
            row, other, misfits = fill_columns(entry, _CUSTOM_FIELD)
            rows.append(row)
            if other:
                is_whole = False
                rejected += [example for _, example in misfits]
        elif entry is not None:
            rejected.append(entry)
    if is_whole and not rejected:
        return rows
    return Rejected(rejected[0] if rejected else None, rows)


def _to_employees_range(value: Any) -> Row | Rejected | None:
    if value in ("", []):
        return None
    if not isinstance(value, dict):
        return Rejected(value)
    row, other, misfits = fill_columns(value, _EMPLOYEES_RANGE)
    if not other:
        return row
    return Rejected(misfits[0][1] if misfits else None, row)


def _to_texts(value: Any) -> list[str | None] | Rejected:
    return [to_text(item) for item in value] if isinstance(value, list) else Rejected(value)


COLUMNS = Columns(
    {
        **dict.fromkeys(
            "contact_id name first_name last_name salutation email phone mobile_phone fax twitter"
            " linkedin title company industry number_of_employees website mailing_street"
            " mailing_city mailing_state mailing_postal_code mailing_country type status"
            " lead_source owner_name owner_first_name last_timezone last_location".split(),
            to_text,
        ),
        **dict.fromkeys(["company_priority", "api_originated", "unsubscribed"], to_boolean),
        **dict.fromkeys(
            "created_at updated_at first_visit_at first_conversion_at unsubscribed_at"
            " last_engagement latest_subscribe".split(),
            to_timestamp,
        ),
        **dict.fromkeys(
            "anywhere_page_visits anywhere_form_submits anywhere_utm".split(), _visits_to_rows
        ),
        **dict.fromkeys(
            "mail_received mail_opened mail_clicked mail_bounced mail_hardbounced mail_complained"
            " mail_unsubscribed mail_sent mail_replied".split(),
            _mails_to_rows,
        ),
        "lists": _to_texts,
        "employees_range": _to_employees_range,
        "custom_fields": _to_custom_fields,
    }
)
