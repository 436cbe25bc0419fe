"""Tests of `errors`."""

import ast
import inspect
import re
from pathlib import Path

import pytest
from airbyte_cdk.models import FailureType, StreamDescriptor
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_autopilot import errors
from source_autopilot.errors import (
    PageRefused,
    RequestFailed,
    SyncFailed,
    SyncStopped,
    UserFacingError,
    config_error,
    transient_error,
)

DRAWN_CLASS = re.compile(r"^    (?P<branch>[ │├└─]*)(?P<name>[A-Z]\w+)")


def drawn_parents() -> dict[str, str | None]:
    """The parent of each class as the tree in the module's docstring draws it; None for a root."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        drawn = DRAWN_CLASS.match(line)
        if drawn:
            depth = len(drawn["branch"]) // 4
            path[depth:] = [drawn["name"]]
            parents[drawn["name"]] = path[depth - 1] if depth else None
    return parents


def real_parents() -> dict[str, str]:
    """The parent of each class that the module defines."""
    return {
        name: found.__base__.__name__
        for name, found in inspect.getmembers(errors, inspect.isclass)
        if found.__module__ == errors.__name__ and found.__base__
    }


def test_errors__tree() -> None:
    """The tree at the top of the module has every class of it, below its real parent."""
    drawn = drawn_parents()

    assert {name: parent for name, parent in drawn.items() if parent} == real_parents()
    assert [name for name, parent in drawn.items() if not parent] == [
        AirbyteTracedException.__name__,
        ValueError.__name__,
    ]


def test_errors__all_in_one_place() -> None:
    """No other module of the package defines an exception."""
    ancestors = {"Exception", *drawn_parents()}
    package = Path(errors.__file__).parent
    elsewhere = [
        (path.name, node.name)
        for path in package.rglob("*.py")
        if path != Path(errors.__file__)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and ancestors & {base.id for base in node.bases if isinstance(base, ast.Name)}
    ]

    assert elsewhere == []


@pytest.mark.parametrize(
    "error",
    [
        UserFacingError(message="Wait a day.", failure_type=FailureType.transient_error),
        RequestFailed("Wait a day.", FailureType.transient_error),
        PageRefused("Wait a day.", FailureType.transient_error, status=404, bookmark="b1"),
        SyncFailed(message="Wait a day.", failure_type=FailureType.transient_error),
    ],
)
def test_as_airbyte_message__no_stack_trace(error: UserFacingError) -> None:
    """The person who reads it learns what happened and what to do, not where in the code."""
    lists = StreamDescriptor(name="lists")
    try:
        raise error
    except UserFacingError as failure:
        messages = [
            failure.as_airbyte_message(lists),
            failure.as_sanitized_airbyte_message(stream_descriptor=lists),
        ]

    for message in messages:
        assert message.trace
        assert message.trace.error
        found = message.trace.error
        assert (found.message, found.stack_trace) == ("Wait a day.", None)
        assert (found.failure_type, found.stream_descriptor) == (FailureType.transient_error, lists)


def test_page_refused__what_was_refused() -> None:
    """A stream can judge a refusal by the status and the bookmark, without reading the sentence."""
    refused = PageRefused("Gone.", FailureType.transient_error, status=410, bookmark=None)

    assert (refused.status, refused.bookmark, str(refused)) == (410, None, "Gone.")
    assert not refused.may_be_the_end


def test_sync_stopped() -> None:
    """A sync that was stopped may be tried again: nothing is wrong with the settings."""
    stopped = SyncStopped()

    assert stopped.failure_type == FailureType.transient_error
    assert str(stopped) == (
        "The sync was stopped from outside before it was complete. Its next attempt goes on from"
        " the last state."
    )


def test_config_error() -> None:
    """What only a person can mend is a config error, which Airbyte does not try again."""
    error = config_error("Copy the key again.")

    assert type(error) is UserFacingError
    assert (error.failure_type, error.message) == (FailureType.config_error, "Copy the key again.")


def test_transient_error() -> None:
    """What may pass by itself is a transient error, which Airbyte tries again."""
    error = transient_error("Wait.")

    assert type(error) is UserFacingError
    assert (error.failure_type, error.message) == (FailureType.transient_error, "Wait.")
