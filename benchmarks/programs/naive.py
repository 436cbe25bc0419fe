"""A connector as the CDK's tutorial teaches it: streams and pages one after the other.

It passes every document on unchanged, so it does less than any connector with the same tables.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import requests
from airbyte_cdk.entrypoint import launch
from airbyte_cdk.models import ConnectorSpecification, SyncMode
from airbyte_cdk.sources import AbstractSource
from airbyte_cdk.sources.streams import Stream
from airbyte_cdk.sources.streams.http import HttpStream, HttpSubStream


class Naive(HttpStream):
    """An endpoint whose pages hold an array of rows and perhaps a bookmark."""

    rows: str

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = config

    @property
    def url_base(self) -> str:
        return str(self.config["url"]) + "/"

    def request_headers(self, *_: Any, **__: Any) -> Mapping[str, Any]:
        return {"autopilotapikey": self.config["api_key"]}

    def next_page_token(self, response: requests.Response) -> Mapping[str, Any] | None:
        bookmark = response.json().get("bookmark")
        return {"bookmark": bookmark} if bookmark else None

    def parse_response(
        self, response: requests.Response, **_: Any
    ) -> Iterable[MutableMapping[str, Any]]:
        yield from response.json()[self.rows]

    def get_json_schema(self) -> Mapping[str, Any]:  # type: ignore[override] # it is cached
        return {"type": "object", "properties": {}}


class Contacts(Naive):
    """All contacts."""

    name = "contacts"
    primary_key = "contact_id"
    rows = "contacts"

    def path(self, *, next_page_token: Mapping[str, Any] | None = None, **_: Any) -> str:
        return f"contacts/{next_page_token['bookmark']}" if next_page_token else "contacts"


class Lists(Naive):
    """All lists."""

    name = "lists"
    primary_key = "list_id"
    rows = "lists"

    def path(self, **_: Any) -> str:
        return "lists"


class SmartSegments(Naive):
    """All segments."""

    name = "smart_segments"
    primary_key = "segment_id"
    rows = "segments"

    def path(self, **_: Any) -> str:
        return "smart_segments"


class SmartSegmentsContacts(HttpSubStream, Naive):
    """The members of every segment."""

    name = "smart_segments_contacts"
    primary_key = ["segment_id", "contact_id"]  # noqa: RUF012 - as the CDK's own examples do
    rows = "contacts"

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(parent=SmartSegments(config), config=config)

    def path(
        self,
        *,
        stream_slice: Mapping[str, Any] | None = None,
        next_page_token: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> str:
        path = f"smart_segments/{(stream_slice or {})['parent']['segment_id']}/contacts"
        return f"{path}/{next_page_token['bookmark']}" if next_page_token else path

    def parse_response(
        self,
        response: requests.Response,
        *,
        stream_slice: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> Iterable[MutableMapping[str, Any]]:
        segment_id = (stream_slice or {})["parent"]["segment_id"]
        for contact in response.json()["contacts"]:
            yield {"segment_id": segment_id, "contact_id": contact["contact_id"]}


class SourceNaive(AbstractSource):
    """All four tables, without anything that a tutorial leaves out."""

    def spec(self, logger: Any) -> ConnectorSpecification:
        return ConnectorSpecification(connectionSpecification={"type": "object"})

    def check_connection(self, logger: Any, config: Mapping[str, Any]) -> tuple[bool, Any]:
        next(iter(Lists(config).read_records(SyncMode.full_refresh)), None)
        return True, None

    def streams(self, config: Mapping[str, Any]) -> list[Stream]:
        return [kind(config) for kind in (Contacts, Lists, SmartSegments, SmartSegmentsContacts)]


if __name__ == "__main__":
    launch(SourceNaive(), sys.argv[1:])
