"""Which custom fields the account has: asked with a request or two, or read from a catalog.

Nothing here fails a discover or a sync: whatever goes wrong costs columns, and is a warning.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from airbyte_cdk.models import ConfiguredAirbyteCatalog
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.api.client import Client
from source_autopilot.api.retry_policy import ONE_TRY_POLICY
from source_autopilot.errors import PageRefused, UnreadableFields, UnreadablePage
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

PATH = "contacts/custom_fields"  # [client]


def discover_columns(
    client: Client, logger: logging.Logger, *, start_date: datetime
) -> list[CustomColumn]:
    """The columns of the account's custom fields.

    Where Autopilot does not list the fields, those that the first page of contacts has, or none.
    The list gets half of the time that is left, so that there is some for the page.
    """
    sooner = replace(client, deadline=client.deadline and client.deadline.half())
    fields = _ask(sooner, _list_fields, logger)
    if fields is not None:
        return make_columns(fields)
    fields = _ask(client, lambda client: _find_in_contacts(client, start_date), logger)
    if fields is None:
        logger.warning(
            "The custom fields of contacts get no columns of their own this time; their values are"
            " in the column custom_fields. Refresh the source's schema later to get the columns."
        )
        return []
    logger.warning(
        f"Columns are made for the {len(fields)} custom fields that are in the first page of"
        " contacts; the values of others are in the column custom_fields only."
    )
    return make_columns(fields)


def choose_columns(
    catalog: ConfiguredAirbyteCatalog, client: Client, logger: logging.Logger
) -> list[CustomColumn]:
    """The custom columns that a sync fills: those of the catalog, whose schema says what they hold.

    A catalog written by hand may have no schema: then the account is asked, once.
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
    fields = _ask(replace(client, policy=ONE_TRY_POLICY), _list_fields, logger)
    if fields is None:
        logger.warning(
            "The custom fields of contacts get no columns of their own in this sync; their values"
            " are in the column custom_fields."
        )
    return make_columns(fields or [])


def find_known_fields(catalog: ConfiguredAirbyteCatalog) -> frozenset[str]:
    """The fields that discover knew when the catalog's contacts were configured."""
    schemas = [
        configured.stream.json_schema
        for configured in catalog.streams
        if configured.stream.name == "contacts"
    ]
    return parse_known_fields(schemas[0]) if schemas else frozenset()


def _list_fields(client: Client) -> list[CustomField]:
    def parse(body: bytes) -> list[CustomField]:
        return parse_fields(decode(body).value)

    try:
        return client.get(client.base_url + PATH, parse, stream="custom fields").content
    except PageRefused as refused:
        raise UnreadableFields(f"it refuses the request ({refused.status})") from None


def _find_in_contacts(client: Client, start_date: datetime) -> list[CustomField]:
    first = Contacts(client, start_date=start_date).first_page({})
    return find_fields(first.content.rows if first else [])


def _ask(
    client: Client, question: Callable[[Client], list[CustomField]], logger: logging.Logger
) -> list[CustomField] | None:
    """The answer, or None and a warning if there is none."""
    try:
        # A key that is refused here may still read everything else.
        return question(replace(client, ends_all=False))
    except (AirbyteTracedException, UnreadableFields, UnreadablePage) as failure:
        reason = str(failure)
    except Exception as bug:
        reason = type(bug).__name__  # its text may hold a contact's data
    logger.warning(f"Autopilot does not say which custom fields there are: {reason}")
    return None
