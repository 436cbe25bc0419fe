"""The columns of the `contacts` table: how each is made from its field of a contact document.

Says which column has which type; the descriptions for users are in schemas/contacts.json. The
fields and their shapes come from autopilot-api.md ("A contact"). What is not listed here is kept as
it came. Pure.
"""

from collections.abc import Callable
from typing import Any

from source_autopilot.records.converters import Misfit, boolean, integer, text
from source_autopilot.records.rows import Columns, Row, to_row
from source_autopilot.records.timestamps import moment


def _map_to_rows(
    key_column: str, value_column: str, convert: Callable[[Any], Any]
) -> Callable[[Any], list[Row]]:
    def rows_of_map(value: Any) -> list[Row]:
        if value == []:  # an empty map may arrive so [seen]
            return []
        if not isinstance(value, dict):
            raise Misfit
        try:
            return [{key_column: name, value_column: convert(it)} for name, it in value.items()]
        except Misfit:
            rows = [{key_column: name, value_column: _fitting(it)} for name, it in value.items()]
            raise Misfit(instead=rows) from None

    def _fitting(held: Any) -> Any:
        try:
            return convert(held)
        except Misfit as misfit:
            return misfit.instead

    return rows_of_map


def _custom_fields(value: Any) -> list[Row]:
    if value == {}:
        return []
    if not isinstance(value, list):
        raise Misfit
    rows, fits = [], True
    for entry in value:
        row = _custom_field_as_seen(entry)
        if row is None:
            if not isinstance(entry, dict):
                raise Misfit
            row, misfits = to_row(entry, _CUSTOM_FIELD)
            fits = fits and not misfits
        rows.append(row)
    if not fits:
        raise Misfit(instead=rows)
    return rows


def _custom_field_as_seen(entry: Any) -> Row | None:
    """The row of an entry with just the fields that were published [seen], of the usual types.

    What `to_row` makes of it too, in a third of the time: a contact may have dozens.
    """
    try:
        kind, held, field_type = entry["kind"], entry["value"], entry["fieldType"]
        deleted = entry["deleted"]
    except (KeyError, TypeError, IndexError):
        return None
    if len(entry) > 4 or type(kind) is not str or type(field_type) is not str:
        return None
    if type(deleted) is not bool:
        return None
    return {"kind": kind, "value": text(held), "field_type": field_type, "deleted": deleted}


def _range(value: Any) -> Row | None:
    if value in ("", []):
        return None
    if not isinstance(value, dict):
        raise Misfit
    row, misfits = to_row(value, _RANGE)
    if misfits:
        raise Misfit(instead=row)
    return row


def _texts(value: Any) -> list[str | None]:
    if not isinstance(value, list):
        raise Misfit
    return [text(item) for item in value]


_CUSTOM_FIELD = Columns({"kind": text, "value": text, "field_type": text, "deleted": boolean})
_RANGE = Columns({"min": integer, "max": integer})
_visits = _map_to_rows("url", "value", boolean)
_mails = _map_to_rows("id", "timestamp", moment)

COLUMNS = Columns(
    {
        **dict.fromkeys(
            "contact_id name first_name last_name salutation email phone mobile_phone fax twitter"
            " linkedin title company industry number_of_employees website mailing_street"
            " mailing_city mailing_state mailing_postal_code mailing_country type status"
            " lead_source owner_name".split(),
            text,
        ),
        **dict.fromkeys(["company_priority", "api_originated", "unsubscribed"], boolean),
        **dict.fromkeys(
            "created_at updated_at first_visit_at first_conversion_at unsubscribed_at".split(),
            moment,
        ),
        **dict.fromkeys("anywhere_page_visits anywhere_form_submits anywhere_utm".split(), _visits),
        **dict.fromkeys(
            "mail_received mail_opened mail_clicked mail_bounced mail_hardbounced mail_complained"
            " mail_unsubscribed mail_sent mail_replied".split(),
            _mails,
        ),
        "lists": _texts,
        "employees_range": _range,
        "custom_fields": _custom_fields,
    }
)
