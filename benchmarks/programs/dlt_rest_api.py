"""The tables as dlt's rest_api source reads them in parallel, up to the rows in files.

What dlt does after that (normalise, load) is left out: it is the destination's work elsewhere.
"""

from __future__ import annotations

import os
from typing import Any

import dlt
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from dlt.sources.rest_api import rest_api_source
from requests import Request, Response


class BookmarkPaginator(BasePaginator):  # type: ignore[misc] # dlt is not in this venv
    """The next page is at the first one's address, a slash, and the bookmark."""

    def __init__(self) -> None:
        super().__init__()
        self._first: str | None = None
        self._bookmark: str | None = None

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        self._bookmark = response.json().get("bookmark")
        self._has_next_page = bool(self._bookmark)

    def update_request(self, request: Request) -> None:
        self._first = self._first or request.url
        request.url = f"{self._first}/{self._bookmark}"


def pair(contact: dict[str, Any]) -> dict[str, Any]:
    """The two columns of a pair; the first one dlt has copied from the parent."""
    columns = ("_smart_segments_segment_id", "contact_id")
    return {column: contact[column] for column in columns}


def resource(name: str, path: str, rows: str, **more: Any) -> dict[str, Any]:
    """One endpoint."""
    endpoint = {"path": path, "data_selector": rows, "paginator": BookmarkPaginator()}
    return {"name": name, "endpoint": endpoint, "parallelized": True, **more}


source = rest_api_source(
    {
        "client": {
            "base_url": os.environ["BENCHMARK_URL"] + "/",
            "auth": {
                "type": "api_key",
                "name": "autopilotapikey",
                "api_key": os.environ["BENCHMARK_KEY"],
                "location": "header",
            },
        },
        "resources": [
            resource("contacts", "contacts", "contacts"),
            resource("lists", "lists", "lists"),
            resource("smart_segments", "smart_segments", "segments"),
            resource(
                "smart_segments_contacts",
                "smart_segments/{resources.smart_segments.segment_id}/contacts",
                "contacts",
                include_from_parent=["segment_id"],
                processing_steps=[{"map": pair}],
            ),
        ],
    }
)
pipeline = dlt.pipeline("benchmark", pipelines_dir=os.getcwd(), destination="filesystem")
tables = os.environ["BENCHMARK_TABLES"].split()
pipeline.extract(source.with_resources(*tables), loader_file_format="jsonl")
