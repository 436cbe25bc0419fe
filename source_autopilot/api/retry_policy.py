"""How long `check` and `read` wait for the API, and how often they try. Pure."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Patience:
    """How long to wait and how often to try before giving up. Times in seconds.

    `read_seconds` bound the silence between two bytes, `whole_seconds` an answer as a whole.
    The CDK looks at `total_seconds` before a try and not after it, so the last two tries may both
    begin in time and end after it.
    """

    connect_seconds: float
    read_seconds: float
    whole_seconds: float
    retries: int
    total_seconds: int
    longest_pause_seconds: float


PATIENCE_OF_READ = Patience(
    connect_seconds=10,
    read_seconds=30,
    whole_seconds=60,
    retries=5,
    total_seconds=100,
    longest_pause_seconds=120,
)
# A forecast is worth no second try.
PATIENCE_OF_FORECAST = Patience(
    connect_seconds=2,
    read_seconds=3,
    whole_seconds=4,
    retries=0,
    total_seconds=1,
    longest_pause_seconds=0,
)
# `check` has 30 s in all, start-up included: somebody waits in front of the form.
PATIENCE_OF_CHECK = Patience(
    connect_seconds=3,
    read_seconds=5,
    whole_seconds=8,
    retries=3,
    total_seconds=6,
    longest_pause_seconds=5,
)
# `discover` may ask twice, for the custom fields and for a page of contacts, and has 30 s as well.
PATIENCE_OF_DISCOVER = Patience(
    connect_seconds=3,
    read_seconds=4,
    whole_seconds=6,
    retries=2,
    total_seconds=3,
    longest_pause_seconds=3,
)
# Asked once: a sync whose catalog does not say which custom fields there are, and a discover that
# was slow so far.
PATIENCE_FOR_ONE_QUESTION = replace(
    PATIENCE_OF_DISCOVER, retries=0, total_seconds=1, longest_pause_seconds=0
)
