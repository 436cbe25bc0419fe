"""How long the API asks to wait before the next try, if it does: the header Retry-After."""

import time
from email.utils import parsedate_to_datetime

import requests
from airbyte_cdk.sources.streams.http.error_handlers import BackoffStrategy


class RetryAfter(BackoffStrategy):
    """Waits as long as the answer's Retry-After asks; without one the CDK's own pause applies."""

    def backoff_time(
        self,
        response_or_exception: requests.Response | requests.RequestException | None,
        attempt_count: int,
    ) -> float | None:
        """Seconds to wait, or None."""
        if isinstance(response_or_exception, requests.Response):
            return retry_after(response_or_exception)
        return None


def retry_after(response: requests.Response) -> float | None:
    """The seconds in a Retry-After header, written as a number or an HTTP date; None without."""
    header = response.headers.get("Retry-After", "").strip()
    if header.isdecimal():
        return float(header)
    try:
        return max(parsedate_to_datetime(header).timestamp() - time.time(), 0)
    except (ValueError, TypeError, OverflowError):
        return None
