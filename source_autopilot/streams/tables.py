"""The four tables, as declarations: where their documents are and what becomes of them.

How pages are asked for is in `base`, which columns a contact has in `records.contact`.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import requests
from airbyte_cdk.models import SyncMode
from airbyte_cdk.sources.utils.casing import camel_to_snake

from source_autopilot.api.client import Answer, Client
from source_autopilot.errors import PageRefused
from source_autopilot.records.contact import COLUMNS
from source_autopilot.records.converters import to_text
from source_autopilot.records.custom_columns import KNOWN_FIELDS, CustomColumn, schema_properties
from source_autopilot.records.custom_values import CustomValues
from source_autopilot.records.page import Page, decode_members
from source_autopilot.records.rows import Columns, Row
from source_autopilot.records.timestamps import format_timestamp
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.pagination import Partition
from source_autopilot.text import format_count


class Lists(AutopilotStream):
    """The lists of the account. One page [doc, client]."""

    rows_field = "lists"
    document_key = "list_id"
    columns = Columns({"list_id": to_text, "title": to_text})

    def path_parts(self, partition: Partition) -> list[str]:
        return ["lists"]


class SmartSegments(AutopilotStream):
    """The smart segments of the account. One page [doc, client]."""

    rows_field = "segments"
    document_key = "segment_id"
    columns = Columns({"segment_id": to_text, "title": to_text})

    def path_parts(self, partition: Partition) -> list[str]:
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
        self,
        client: Client,
        *,
        start_date: datetime,
        custom: Sequence[CustomColumn] = (),
        known_fields: Collection[str] = frozenset(),
    ) -> None:
        super().__init__(client)
        self._start = format_timestamp(start_date)
        self._custom_columns = custom
        self._custom_values = CustomValues(custom, known=known_fields)

    def get_json_schema(self) -> Mapping[str, Any]:  # type: ignore[override] # the CDK's has a cache
        return self._schema

    @cached_property
    def _schema(self) -> Mapping[str, Any]:
        # The CDK asks for the schema with every record.
        static = super().get_json_schema()
        custom = schema_properties(self._custom_columns)
        known = [column.field for column in self._custom_columns]
        return {**static, "properties": {**static["properties"], **custom}, KNOWN_FIELDS: known}

    def path_parts(self, partition: Partition) -> list[str]:
        return ["contacts"]

    def records(self, document: Mapping[str, Any], partition: Partition) -> Iterable[Row]:
        """The contact's row, or nothing if its last update lies before the start date."""
        [row] = super().records(document, partition)
        if not self._is_recent(row.get("updated_at")):
            return ()
        misfits = self._custom_values.fill(row, document)
        if misfits:
            self.warnings.count_rejected(misfits, kept_in="custom_fields")
        return (row,)

    def notes(self) -> Iterable[str]:
        return self._custom_values.notes()

    def left_out(self, rows: int) -> str:
        if not rows:
            return ""
        contacts = format_count(rows, "contact")
        return f"{contacts} left out: last updated before the start date {self._start}"

    def _is_recent(self, updated_at: str | None) -> bool:
        # Without their Z, timestamps sort as text.
        return updated_at is None or updated_at[:-1] >= self._start[:-1]


class SmartSegmentsContacts(AutopilotStream):
    """The members of each smart segment: a partition per segment. Never filtered."""

    rows_field = "contacts"
    document_key = "contact_id"
    columns = Columns({"contact_id": to_text})
    decode = staticmethod(decode_members)

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._segments = SmartSegments(client)
        self._deleted: list[str] = []

    @property
    def primary_key(self) -> list[str]:
        return ["segment_id", "contact_id"]

    def stream_slices(
        self,
        *,
        sync_mode: SyncMode = SyncMode.full_refresh,
        cursor_field: list[str] | None = None,
        stream_state: Mapping[str, Any] | None = None,
    ) -> Iterable[Partition]:
        """A partition for every segment that the account has now, however often it is listed."""
        segments = self._segments.read_records(SyncMode.full_refresh)
        for segment_id in dict.fromkeys(segment["segment_id"] for segment in segments):
            yield {"segment_id": segment_id}

    def path_parts(self, partition: Partition) -> list[str]:
        return ["smart_segments", partition["segment_id"], "contacts"]

    def pages(
        self,
        partition: Partition,
        bookmark: str | None = None,
        *,
        pages_left: Callable[[], float] | None = None,
        question_seconds: float | None = None,
    ) -> Generator[Answer[Page], None, None]:
        """The pages of a segment's members; none if the segment is gone."""
        try:
            yield from super().pages(
                partition, bookmark, pages_left=pages_left, question_seconds=question_seconds
            )
        except PageRefused as refused:
            if refused.bookmark or not self._is_gone(partition, refused.status):
                raise
            self._deleted.append(partition["segment_id"])
            self.logger.warning(
                f"{self.name}: segment {partition['segment_id']} was deleted while the sync ran;"
                " it has no members any more."
            )

    def _is_gone(self, partition: Partition, status: int | None) -> bool:
        """Whether a segment is there no more: by the status [doc], or the list of segments says so.

        Any 4xx may mean it [client G], but it may mean as well that the request is no good.
        """
        says_so = status in (requests.codes.not_found, requests.codes.gone)
        return says_so or partition not in list(self.stream_slices())

    def records(self, document: Mapping[str, Any], partition: Partition) -> Iterable[Row]:
        """The pair of segment and contact; the contact's other fields stay out."""
        return [{"segment_id": partition["segment_id"], "contact_id": document["contact_id"]}]

    def describe(self, partition: Partition) -> str:
        return f"{self.name}, segment {partition['segment_id']}"

    def left_out(self, rows: int) -> str:
        if not self._deleted:
            return ""
        return f"{format_count(len(self._deleted), 'segment')} left out: deleted while the sync ran"


STREAM_NAMES = [
    camel_to_snake(table.__name__)
    for table in (Contacts, Lists, SmartSegments, SmartSegmentsContacts)
]


def create_streams(
    client: Client,
    *,
    start_date: datetime,
    custom: Sequence[CustomColumn] = (),
    known_fields: Collection[str] = frozenset(),
) -> list[AutopilotStream]:
    """The streams in the order of STREAM_NAMES; contacts with these custom columns.

    `known_fields` are the custom fields of which a person decided whether they have a column.
    """
    return [
        Contacts(client, start_date=start_date, custom=custom, known_fields=known_fields),
        Lists(client),
        SmartSegments(client),
        SmartSegmentsContacts(client),
    ]
