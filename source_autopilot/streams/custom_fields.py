"""Which custom fields the account has: asked with a request or two, or read from a catalog.

Only a refusal for good costs columns, with a warning. Trouble that may pass is an error: a platform
that takes over changes of the schema would drop the columns for a hiccup (docs/decisions/0013).
"""

import logging
from dataclasses import replace
from datetime import datetime

import requests
from airbyte_cdk.models import ConfiguredAirbyteCatalog

from source_autopilot.api.client import Client
from source_autopilot.errors import PageRefused, RequestFailed, UnreadableFields, UnreadablePage
from source_autopilot.records.custom_columns import (
    CustomColumn,
    CustomField,
    find_fields,
    make_columns,
    parse_columns,
    parse_fields,
    parse_known_fields,
)
from source_autopilot.records.page import decode
from source_autopilot.streams.tables import Contacts
from source_autopilot.text import format_count

PATH = "contacts/custom_fields"  # [client]
NO_LIST = "Autopilot does not say which custom fields there are"


def discover_columns(
    client: Client, logger: logging.Logger, *, start_date: datetime
) -> list[CustomColumn]:
    """The columns of the account's custom fields.

    Where Autopilot refuses to list the fields, those that the first page of contacts has. Raises
    UserFacingError if the key is wrong, and if Autopilot is in trouble.
    """
    try:
        return make_columns(_list_fields(client))
    except UnreadableFields as refusal:
        logger.warning(f"{NO_LIST}: {refusal}")
    first = Contacts(client, start_date=start_date).first_page({})
    fields = find_fields(first.content.rows if first else [])
    logger.warning(
        f"Columns are made for {format_count(len(fields), 'custom field')}, found in the first page"
        " of contacts; the values of others are in the column custom_fields only."
    )
    return make_columns(fields)


def choose_columns(
    catalog: ConfiguredAirbyteCatalog, client: Client, logger: logging.Logger
) -> list[CustomColumn]:
    """The custom columns that a sync fills: those of the catalog, whose schema says what they hold.

    A catalog written by hand may have no schema: then the account is asked, as patiently as for a
    page. Raises UserFacingError as `discover_columns`.
    """
    schemas = [
        configured.stream.json_schema
        for configured in catalog.streams
        if configured.stream.name == "contacts"
    ]
    if not schemas:
        return []
    if schemas[0].get("properties"):
        return parse_columns(schemas[0])
    logger.info("The catalog has no schema of contacts: asking Autopilot for the custom fields.")
    try:
        return make_columns(_list_fields(client))
    except UnreadableFields as refusal:
        logger.warning(
            f"{NO_LIST}: {refusal}. They get no columns of their own in this sync; their values are"
            " in the column custom_fields."
        )
        return []


def find_known_fields(catalog: ConfiguredAirbyteCatalog) -> frozenset[str]:
    """The fields that discover knew when the catalog's contacts were configured."""
    schemas = [
        configured.stream.json_schema
        for configured in catalog.streams
        if configured.stream.name == "contacts"
    ]
    return parse_known_fields(schemas[0]) if schemas else frozenset()


def _list_fields(client: Client) -> list[CustomField]:
    """The fields that Autopilot lists. Raises UnreadableFields if it never will."""

    def parse(body: bytes) -> list[CustomField]:
        return parse_fields(decode(body).value)

    # A key that is refused here may still read everything else.
    asking = replace(client, ends_all=False)
    try:
        return asking.get(client.base_url + PATH, parse, stream="custom fields").content
    except UnreadablePage as unreadable:
        raise UnreadableFields(str(unreadable)) from None
    except RequestFailed as failure:
        # A key without rights to the list may have rights to contacts [guess].
        if isinstance(failure, PageRefused) or failure.status == requests.codes.forbidden:
            raise UnreadableFields(f"it refuses the request ({failure.status}).") from None
        raise
