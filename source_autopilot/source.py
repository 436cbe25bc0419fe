"""The source: spec, check, discover, the list of streams, and the read of a catalog.

Turns what is wrong with settings, catalogs and states into errors that Airbyte shows to a person.
"""

import logging
import os
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
from airbyte_cdk.sources import AbstractSource
from airbyte_cdk.sources.streams import Stream
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot.api.base_url import find_base_url
from source_autopilot.api.client import Client
from source_autopilot.api.error_mapping import MOVED_TO_ORTTO, PLEASE_REPORT
from source_autopilot.api.rate_limiter import RateLimiter
from source_autopilot.api.retry_policy import (
    COMMAND_POLICY,
    COMMAND_SECONDS,
    ONE_TRY_POLICY,
    READ_POLICY,
    Deadline,
)
from source_autopilot.config import (
    DOCUMENTATION_URL,
    Config,
    Switches,
    connection_specification,
    describe_unknown_settings,
    parse_config,
    read_switches,
)
from source_autopilot.errors import (
    InvalidConfig,
    InvalidState,
    RequestFailed,
    UnknownTotals,
    config_error,
)
from source_autopilot.forecast import describe_account, log_forecast, measure_account
from source_autopilot.streams.base import AutopilotStream
from source_autopilot.streams.custom_fields import (
    choose_columns,
    discover_columns,
    find_known_fields,
)
from source_autopilot.streams.tables import STREAM_NAMES, Lists, create_streams
from source_autopilot.sync.reader import Reader
from source_autopilot.sync.record_batch import unpack_batches


class SourceAutopilot(AbstractSource):
    """Autopilot's contacts, lists, smart segments, and the members of each segment.

    With `in_batches`, `read` yields a RecordBatch for each page in place of its records.
    """

    def __init__(self, *, in_batches: bool = False) -> None:
        super().__init__()
        self._in_batches = in_batches
        self._reader: Reader | None = None

    def spec(self, logger: logging.Logger) -> ConnectorSpecification:
        """What the setup form asks for."""
        return ConnectorSpecification(
            documentationUrl=DOCUMENTATION_URL, connectionSpecification=connection_specification()
        )

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

        Nothing retries a check, so whatever goes wrong is for the person in front of the form:
        always a config error, of which the CDK makes the status FAILED. The forecast gets the time
        that the lists leave.
        """
        _warn_of_unknown_settings(config, logger)
        try:
            settings, client = _connect(config, Deadline(COMMAND_SECONDS))
            switches = _find_switches()
            lists = len(list(Lists(client).read_records(SyncMode.full_refresh)))
            client = replace(client, policy=ONE_TRY_POLICY)
            _log_forecast(settings, client, lists, logger, switches)
        except RequestFailed as failure:
            sentences = [str(failure), *([MOVED_TO_ORTTO] if failure.may_be_the_end else [])]
            raise config_error(" ".join(sentences)) from None
        except AirbyteTracedException as failure:
            raise config_error(str(failure)) from None
        except Exception as bug:  # keeps its stack trace, as anywhere else
            raise AirbyteTracedException(
                message=f"The connector has a fault ({type(bug).__name__}). {PLEASE_REPORT}",
                failure_type=FailureType.config_error,
                exception=bug,
            ) from None
        return True, None

    def discover(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteCatalog:
        """The four streams; contacts with a column for each custom field of the account.

        Raises UserFacingError for unusable settings, a wrong key, and an API in trouble: a platform
        that takes over changes of the schema would drop the columns for a hiccup.
        """
        settings, client = _connect(config, Deadline(COMMAND_SECONDS))
        columns = discover_columns(client, logger, start_date=settings.start_date)
        streams = create_streams(client, start_date=settings.start_date, custom=columns)
        return AirbyteCatalog(streams=[stream.as_airbyte_stream() for stream in streams])

    def streams(self, config: Mapping[str, Any]) -> list[Stream]:
        """The four streams, which share one rate limiter, without columns of custom fields.

        Raises UserFacingError.
        """
        settings, client = _connect(config)
        return [*create_streams(client, start_date=settings.start_date)]

    def read(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage]:
        """The records of the catalog's streams, with the states that cover them.

        Raises UserFacingError: a config error before anything is read if the catalog names an
        unknown stream or a state makes no sense; SyncFailed when streams failed.
        """
        _warn_of_unknown_settings(config, logger)
        settings, client = _connect(config)
        names = list(dict.fromkeys(configured.stream.name for configured in catalog.streams))
        _require_known_streams(names)
        columns = choose_columns(catalog, client, logger)
        known_fields = find_known_fields(catalog)

        def create(client: Client) -> list[AutopilotStream]:
            streams = create_streams(
                client, start_date=settings.start_date, custom=columns, known_fields=known_fields
            )
            by_name = {stream.name: stream for stream in streams}
            return [by_name[name] for name in names]

        try:
            self._reader = Reader(
                client,
                create,
                state,
                logger,
                frequency=settings.frequency,
                switches=_find_switches(),
            )
        except InvalidState as invalid:
            raise config_error(
                f"The saved state of this connection (--state) cannot be used: {invalid}. Clear the"
                " connection's state, or leave --state out, and sync again from the start."
            ) from None
        messages = self._reader.read()
        yield from messages if self._in_batches else unpack_batches(messages)

    def stop(self) -> bool:
        """Stop the running read soon; False if there is none. Not for the reading thread."""
        if not self._reader:
            return False
        self._reader.stop()
        return True


def validate_settings(config: Mapping[str, Any]) -> Config:
    """The settings of a config file. Raises UserFacingError, a config error."""
    try:
        return parse_config(config)
    except InvalidConfig as invalid:
        raise config_error(str(invalid)) from None


def _warn_of_unknown_settings(config: Mapping[str, Any], logger: logging.Logger) -> None:
    for sentence in describe_unknown_settings(config):
        logger.warning(sentence)


def _connect(config: Mapping[str, Any], deadline: Deadline | None = None) -> tuple[Config, Client]:
    settings = validate_settings(config)
    try:
        base_url = find_base_url(os.environ)
    except InvalidConfig as invalid:
        raise config_error(str(invalid)) from None
    policy = COMMAND_POLICY if deadline else READ_POLICY
    return settings, Client(base_url, settings.api_key, RateLimiter(), policy, deadline)


def _find_switches() -> Switches:
    try:
        return read_switches(os.environ)
    except InvalidConfig as invalid:
        raise config_error(str(invalid)) from None


def _log_forecast(
    settings: Config, client: Client, lists: int, logger: logging.Logger, switches: Switches
) -> None:
    """Log what a sync will cost; whatever goes wrong with that, the check has passed."""
    try:
        totals = measure_account(
            client,
            lists=lists,
            start_date=settings.start_date,
            side_by_side=switches.side_by_side,
        )
        for sentence in describe_account(totals):
            logger.info(sentence)
        log_forecast(totals.forecast(settings.frequency))
    except (AirbyteTracedException, UnknownTotals) as failure:
        logger.warning(f"No forecast of a sync can be made: {failure}")
    except Exception as bug:  # its text may hold a contact's data
        logger.warning(f"No forecast of a sync can be made: {type(bug).__name__}")


def _require_known_streams(names: list[str]) -> None:
    unknown = sorted(set(names) - set(STREAM_NAMES))
    if unknown:
        raise config_error(
            f"Autopilot has no stream {', '.join(unknown)}: expected {', '.join(STREAM_NAMES)}."
            " Refresh the source's schema and remove what is not there."
        )
