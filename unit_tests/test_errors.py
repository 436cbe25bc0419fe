"""Tests of `explained`."""

from airbyte_cdk.models import FailureType, StreamDescriptor

from source_autopilot.errors import ExplainedError


def test_as_airbyte_message__no_stack_trace() -> None:
    """The person who reads it learns what happened and what to do, not where in the code."""
    lists = StreamDescriptor(name="lists")
    try:
        raise ExplainedError(message="Wait a day.", failure_type=FailureType.transient_error)
    except ExplainedError as failure:
        messages = [
            failure.as_airbyte_message(lists),
            failure.as_sanitized_airbyte_message(stream_descriptor=lists),
        ]

    for message in messages:
        assert message.trace
        assert message.trace.error
        error = message.trace.error
        assert (error.message, error.stack_trace) == ("Wait a day.", None)
        assert (error.failure_type, error.stream_descriptor) == (FailureType.transient_error, lists)
