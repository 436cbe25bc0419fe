"""Which custom fields the account has: asked with a request or two, or read from a catalog.

Nothing here fails a discover or a sync: whatever goes wrong costs columns, and is a warning.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import requests
from airbyte_cdk.models import ConfiguredAirbyteCatalog
from airbyte_cdk.sources.streams.http.error_handlers import ErrorResolution, ResponseAction
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.api.client import Api
from source_autopilot.api.endpoint import JsonObject
from source_autopilot.api.error_mapping import AutopilotErrorHandler, json_body
from source_autopilot.api.rate_limiter import RequestBudget
from source_autopilot.api.retry_policy import PATIENCE_FOR_ONE_QUESTION
from source_autopilot.records.custom_columns import CustomColumn, columns_of, columns_of_schema
from source_autopilot.records.custom_field import (
    CustomField,
    UnreadableFields,
    fields_of_answer,
    fields_of_contacts,
)
from source_autopilot.records.page import UnreadablePage
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.pagination import Chain
from source_autopilot.streams.tables import Contacts

# A discover has 30 s, also on a busy machine: what was slow so far leaves time for one more try,
# or for none.
SECONDS_BEFORE_ONE_TRY = 4.0
SECONDS_BEFORE_FALLBACK = 12.0


class _QuietErrorHandler(AutopilotErrorHandler):
    """Lets a 429 pass for any other trouble.

    For a 429 the CDK prints that the stream is running, and no catalog has a stream of this name.
    """

    def interpret_response(self, response: requests.Response | Exception | None) -> ErrorResolution:
        verdict = super().interpret_response(response)
        if verdict.response_action == ResponseAction.RATE_LIMITED:
            return replace(verdict, response_action=ResponseAction.RETRY)
        return verdict


class CustomFields(AutopilotStream):
    """The account's list of its custom fields, which is no table of its own."""

    rows_field = "custom_fields"
    document_key = "name"

    def path_parts(self, stream_slice: JsonObject) -> list[str]:
        return ["contacts", "custom_fields"]

    def get_error_handler(self) -> AutopilotErrorHandler:
        return _QuietErrorHandler(self.api.patience, self.api.budget.waits.of(self.name))

    def fields(self) -> list[CustomField]:
        """The fields. Raises UnreadableFields, and what `first_page` raises."""
        response = self.fetch({}, Chain(None))
        if response.status_code != requests.codes.ok:
            raise UnreadableFields(f"it refuses the request ({response.status_code})")
        return fields_of_answer(json_body(response).value)


def fields_of_account(
    api: Api,
    logger: logging.Logger,
    *,
    start_date: datetime,
    now: Callable[[], float] = time.monotonic,
    new_budget: Callable[[], RequestBudget] = RequestBudget,
) -> list[CustomField]:
    """The account's custom fields, or those that its first page of contacts has, or none.

    Each question has a budget of its own: a key that is refused for one closes that one only.
    """
    began = now()
    listed = CustomFields(replace(api, budget=new_budget()))
    fields = _answered(listed.fields, logger)
    if fields is not None:
        return fields
    took = now() - began
    if took < SECONDS_BEFORE_FALLBACK:
        patience = api.patience if took < SECONDS_BEFORE_ONE_TRY else PATIENCE_FOR_ONE_QUESTION
        fresh = replace(api, budget=new_budget(), patience=patience)
        contacts = Contacts(fresh, start_date=start_date)
        fields = _answered(lambda: _of_first_page(contacts), logger)
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
    return fields


def columns_of_catalog(
    catalog: ConfiguredAirbyteCatalog, api: Api, logger: logging.Logger
) -> list[CustomColumn]:
    """The custom columns that a sync fills: those of the catalog, so that they mean what they say.

    A catalog written by hand may have no schema: then the account is asked, once.
    """
    schemas = [it.stream.json_schema for it in catalog.streams if it.stream.name == "contacts"]
    if not schemas:
        return []
    if schemas[0].get("properties"):
        return columns_of_schema(schemas[0])
    # A budget of its own, or a refusal would close the one of the sync.
    once = replace(api, budget=RequestBudget(), patience=PATIENCE_FOR_ONE_QUESTION)
    fields = _answered(CustomFields(once).fields, logger)
    if fields is None:
        logger.warning(
            "The custom fields of contacts get no columns of their own in this sync; their values"
            " are in the column custom_fields."
        )
    return columns_of(fields or [])


def _of_first_page(contacts: Contacts) -> list[CustomField]:
    page, _ = contacts.first_page({})
    return fields_of_contacts(page.rows)


def _answered(
    question: Callable[[], list[CustomField]], logger: logging.Logger
) -> list[CustomField] | None:
    """The answer; None with a warning if there is none."""
    try:
        return question()
    except Exception as failure:
        told = isinstance(failure, AirbyteTracedException | UnreadableFields | UnreadablePage)
        reason = failure if told else type(failure).__name__
    logger.warning(f"Autopilot does not say which custom fields there are: {reason}")
    return None
