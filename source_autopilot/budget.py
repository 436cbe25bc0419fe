"""One request budget, shared by all streams of a sync."""

from datetime import timedelta

from airbyte_cdk.sources.streams.call_rate import (
    APIBudget,
    MovingWindowCallRatePolicy,
    Rate,
)

# What the Singer tap that runs in production keeps to [client]; early docs said 5 [doc]. An
# account's true limit shows itself as 429, which `errors` waits out.
REQUESTS_PER_SECOND = 20


def request_budget() -> APIBudget:
    """A budget that lets at most 20 requests through in any second, whoever sends them."""
    rate = Rate(limit=REQUESTS_PER_SECOND, interval=timedelta(seconds=1))
    return APIBudget(policies=[MovingWindowCallRatePolicy(rates=[rate], matchers=[])])
