"""The four tables, as declarations: where their documents are and what becomes of them.

How pages are fetched is said in `http_stream`, which columns a contact has in `contact`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

import requests
from airbyte_cdk.models import SyncMode

from source_autopilot.api.client import Api
from source_autopilot.api.endpoint import JsonObject
from source_autopilot.records.contact import COLUMNS
from source_autopilot.records.custom_columns import CustomColumn, schema_properties
from source_autopilot.records.custom_values import CustomValues
from source_autopilot.records.members import decode_members
from source_autopilot.records.rows import Row
from source_autopilot.records.timestamps import rfc3339
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.sync.state import Partition
from source_autopilot.text import counted


class Lists(AutopilotStream):
    """The lists of the account. One page [doc, client]."""

    rows_field = "lists"
    document_key = "list_id"

    def path_parts(self, stream_slice: JsonObject) -> list[str]:
        return ["lists"]


class SmartSegments(AutopilotStream):
    """The smart segments of the account. One page [doc, client]."""

    rows_field = "segments"
    document_key = "segment_id"

    def path_parts(self, stream_slice: JsonObject) -> list[str]:
        return ["smart_segments"]


class Contacts(AutopilotStream):
    """The contacts that were updated since the start date, and those that never were.

    The API cannot filter; the Singer tap keeps contacts without `updated_at` as well [client].
    Beside the columns that all accounts have there are those of this account's custom fields.
    """

    rows_field = "contacts"
    document_key = "contact_id"
    columns = COLUMNS

    def __init__(
        self, api: Api, *, start_date: datetime, custom: Sequence[CustomColumn] = ()
    ) -> None:
        super().__init__(api)
        self._start = rfc3339(start_date)
        self._custom_columns = custom
        self._custom_values = CustomValues(custom)

    def get_json_schema(self) -> JsonObject:  # type: ignore[override] # the CDK's has a cache
        return self._schema

    @cached_property
    def _schema(self) -> JsonObject:
        # The CDK asks for the schema with every record.
        static = super().get_json_schema()
        custom = schema_properties(self._custom_columns)
        return {**static, "properties": {**static["properties"], **custom}}

    def path_parts(self, stream_slice: JsonObject) -> list[str]:
        return ["contacts"]

    def records(self, document: JsonObject, stream_slice: JsonObject) -> Iterable[Row]:
        """The contact's row, or nothing if its last update lies before the start date."""
        [row] = super().records(document, stream_slice)
        if not self._is_recent(row.get("updated_at")):
            return ()
        misfits = self._custom_values.fill(row, document)
        if misfits:
            self.tally.misfits(misfits)
        return (row,)

    def _is_recent(self, updated_at: str | None) -> bool:
        # Without their Z, moments sort as text (see `values.moment`).
        return updated_at is None or updated_at[:-1] >= self._start[:-1]

    def told(self) -> Iterable[str]:
        return self._custom_values.told()

    def left_out(self, rows: int) -> str:
        if not rows:
            return ""
        contacts = counted(rows, "contact")
        return f"{contacts} left out: last updated before the start date {self._start}"


class SmartSegmentsContacts(AutopilotStream):
    """Who is in which smart segment: a slice per segment, a row per member. Never filtered."""

    rows_field = "contacts"
    document_key = "contact_id"
    decode = staticmethod(decode_members)

    def __init__(self, api: Api) -> None:
        super().__init__(api)
        self._segments = SmartSegments(api)
        self._deleted: list[str] = []

    @property
    def primary_key(self) -> list[str]:
        return ["segment_id", "contact_id"]

    def partitions(self) -> Iterable[Partition]:
        """A partition for every segment that the account has now."""
        for segment in self._segments.read_records(SyncMode.full_refresh):
            yield {"segment_id": segment["segment_id"]}

    def path_parts(self, stream_slice: JsonObject) -> list[str]:
        return ["smart_segments", stream_slice["segment_id"], "contacts"]

    def records(self, document: JsonObject, stream_slice: JsonObject) -> Iterable[Row]:
        """The pair of the slice's segment and the contact; the contact's other fields stay out."""
        return [{"segment_id": stream_slice["segment_id"], "contact_id": document["contact_id"]}]

    def on_refused(self, partition: Partition, bookmark: str | None, status: int) -> None:
        """A segment that is gone has no members; a bookmark that is gone is an error."""
        if bookmark or status not in (requests.codes.not_found, requests.codes.gone):
            super().on_refused(partition, bookmark, status)
        self._deleted.append(partition["segment_id"])
        self.logger.warning(
            f"{self.name}: segment {partition['segment_id']} was deleted while the sync ran;"
            " it has no members any more."
        )

    def left_out(self, rows: int) -> str:
        if not self._deleted:
            return ""
        return f"{counted(len(self._deleted), 'segment')} left out: deleted while the sync ran"


def all_streams(
    api: Api, *, start_date: datetime, custom: Sequence[CustomColumn] = ()
) -> list[AutopilotStream]:
    """The four streams in the order of the catalog; contacts with these custom columns."""
    return [
        Contacts(api, start_date=start_date, custom=custom),
        Lists(api),
        SmartSegments(api),
        SmartSegmentsContacts(api),
    ]
