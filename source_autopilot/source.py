"""The source: spec, check, the list of streams, and the read of a catalog.

Turns what is wrong with settings and catalogs into errors that Airbyte shows to a person.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from airbyte_cdk.models import (
    AirbyteCatalog,
    AirbyteMessage,
    AirbyteStateMessage,
    ConfiguredAirbyteCatalog,
    ConnectorSpecification,
    FailureType,
    SyncMode,
)
from airbyte_cdk.sources.streams import Stream
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.api.base_url import api_url
from source_autopilot.api.client import Api
from source_autopilot.api.rate_limiter import RequestBudget
from source_autopilot.api.retry_policy import (
    PATIENCE_OF_CHECK,
    PATIENCE_OF_DISCOVER,
    PATIENCE_OF_FORECAST,
    PATIENCE_OF_READ,
    Patience,
)
from source_autopilot.cdk_log import for_people
from source_autopilot.config import Config, InvalidConfig, connection_specification, parse_config
from source_autopilot.errors import ExplainedError
from source_autopilot.failures import reported_once
from source_autopilot.forecast import Forecast, sentences, warning
from source_autopilot.input_files import SourceWithInputFiles
from source_autopilot.records.custom_columns import columns_of
from source_autopilot.records.page import UnreadablePage
from source_autopilot.streams.custom_fields import columns_of_catalog, fields_of_account
from source_autopilot.streams.tables import Lists, all_streams
from source_autopilot.survey import NoSurvey, survey
from source_autopilot.sync.reader import ConcurrentRead
from source_autopilot.sync.record_batch import in_records
from source_autopilot.sync.state import MalformedState

# A check has 30 s; one that was slow so far has none left for a forecast.
SECONDS_BEFORE_FORECAST = 8.0
STREAM_NAMES = ["contacts", "lists", "smart_segments", "smart_segments_contacts"]


class SourceAutopilot(SourceWithInputFiles):
    """Autopilot's contacts, lists, smart segments, and who is in which segment.

    `in_pages` has `read` yield a RecordPage for each page in place of its records.
    """

    def __init__(self, *, in_pages: bool = False) -> None:
        super().__init__()
        self._in_pages = in_pages
        self._running: ConcurrentRead | None = None

    def spec(self, logger: logging.Logger) -> ConnectorSpecification:
        """What the setup form asks for."""
        return ConnectorSpecification(connectionSpecification=connection_specification())

    def configure(self, config: Mapping[str, Any], temp_dir: str) -> Mapping[str, Any]:
        """The settings with the key as it is sent, so that the CDK masks exactly that in logs.

        Unlike the CDK's own method this one writes nothing to disk: the settings hold the key.
        """
        key = config.get("api_key")
        return {**config, "api_key": key.strip()} if isinstance(key, str) else config

    def check_connection(
        self, logger: logging.Logger, config: Mapping[str, Any]
    ) -> tuple[bool, Any]:
        """Ask Autopilot for the lists: one small answer, which the Singer tap reads too [client].

        Raises AirbyteTracedException. Nothing retries a check, so whatever goes wrong is for the
        person in front of the form: always a config error.
        """
        settings, api = _settled(config, PATIENCE_OF_CHECK)
        began = time.monotonic()
        with for_people():
            try:
                lists = len(list(Lists(api).read_records(SyncMode.full_refresh)))
            except AirbyteTracedException as failure:
                raise _config_error(str(failure)) from None
            if time.monotonic() - began < SECONDS_BEFORE_FORECAST:
                _log_forecast(settings, api, lists, logger)
        return True, None

    def discover(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteCatalog:
        """The four streams; contacts with a column for each custom field of the account.

        A key that may not ask for these, or an API in trouble, costs their columns and a warning.
        Raises AirbyteTracedException for unusable settings.
        """
        settings, api = _settled(config, PATIENCE_OF_DISCOVER)
        start_date = settings.start_date
        columns = columns_of(fields_of_account(api, logger, start_date=start_date))
        streams = all_streams(api, start_date=start_date, custom=columns)
        return AirbyteCatalog(streams=[it.as_airbyte_stream() for it in streams])

    def streams(self, config: Mapping[str, Any]) -> list[Stream]:
        """The four streams, which share one request budget, without the columns of custom fields.

        Raises AirbyteTracedException.
        """
        settings, api = _settled(config, PATIENCE_OF_READ)
        return [*all_streams(api, start_date=settings.start_date)]

    def read(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage]:
        """The records of the catalog's streams, with the states that vouch for them.

        Raises AirbyteTracedException: a config error before anything is read if the catalog names
        an unknown stream or a state makes no sense; SyncFailed when streams failed.
        """
        _require_known_streams(catalog)
        settings, api = _settled(config, PATIENCE_OF_READ)
        columns = columns_of_catalog(catalog, api, logger)
        streams = all_streams(api, start_date=settings.start_date, custom=columns)
        by_name = {stream.name: stream for stream in streams}
        configured = [
            by_name[name] for name in dict.fromkeys(it.stream.name for it in catalog.streams)
        ]
        try:
            self._running = ConcurrentRead(configured, state, logger)
        except MalformedState as malformed:
            raise _config_error(
                f"The saved state of this connection cannot be used: {malformed}. Clear the"
                " connection's state, or leave --state out, and sync again from the start."
            ) from None
        messages = reported_once(self._running.messages())
        yield from messages if self._in_pages else in_records(messages)

    def stop(self) -> bool:
        """End a read that is running soon; False if there is none. Not for the reading thread."""
        if not self._running:
            return False
        self._running.stop()
        return True


def _log_forecast(settings: Config, api: Api, lists: int, logger: logging.Logger) -> None:
    """Say what a sync will cost; whatever goes wrong with that, the check has passed."""
    hasty = replace(api, patience=PATIENCE_OF_FORECAST)
    try:
        totals = survey(hasty, lists=lists, start_date=settings.start_date)
        forecast = Forecast(totals, settings.frequency)
        said, problem = list(sentences(forecast)), warning(forecast)
    except Exception as failure:
        explained = isinstance(failure, AirbyteTracedException | NoSurvey | UnreadablePage)
        reason = failure if explained else type(failure).__name__
        logger.warning(f"No forecast of a sync can be made: {reason}")
        return
    for sentence in said:
        logger.info(sentence)
    if problem:
        logger.warning(problem)


def _settled(config: Mapping[str, Any], patience: Patience) -> tuple[Config, Api]:
    settings = checked(config)
    try:
        url = api_url(os.environ)
    except InvalidConfig as invalid:
        raise _config_error(str(invalid)) from None
    return settings, Api(url, settings.api_key, RequestBudget(), patience)


def checked(config: Mapping[str, Any]) -> Config:
    """The settings of a config file. Raises AirbyteTracedException, a config error."""
    try:
        return parse_config(config)
    except InvalidConfig as invalid:
        raise _config_error(str(invalid)) from None


def _require_known_streams(catalog: ConfiguredAirbyteCatalog) -> None:
    unknown = sorted({it.stream.name for it in catalog.streams} - set(STREAM_NAMES))
    if unknown:
        raise _config_error(
            f"Autopilot has no stream {', '.join(unknown)}: expected {', '.join(STREAM_NAMES)}."
            " Refresh the source's schema and remove what is not there."
        )


def _config_error(message: str) -> AirbyteTracedException:
    return ExplainedError(message=message, failure_type=FailureType.config_error)
