"""How much an account has, found out with a few requests: what a forecast needs."""

import time
from collections.abc import Callable
from datetime import datetime

from source_autopilot.api.client import Api
from source_autopilot.forecast import Totals
from source_autopilot.records.page import UnreadablePage
from source_autopilot.streams.tables import Contacts, SmartSegments, SmartSegmentsContacts

MOST_SEGMENTS = 20  # that are asked for how many members they have
MOST_SECONDS = 8.0  # of the 30 that a check has in all


class NoSurvey(ValueError):
    """The account could not be measured. The text says why, for a person."""


def survey(
    api: Api, *, lists: int, start_date: datetime, now: Callable[[], float] = time.monotonic
) -> Totals:
    """The account's totals, by the first page of each chain.

    Raises NoSurvey if Autopilot doesn't say how many contacts there are or takes too long, and
    what the streams raise.
    """
    began = now()
    contacts, seconds = Contacts(api, start_date=start_date).first_page({})
    if contacts.total is None:
        raise NoSurvey("Autopilot does not say how many contacts there are")
    segments, _ = SmartSegments(api).first_page({})
    pairs, members, all_seconds = SmartSegmentsContacts(api), [], [seconds]
    for segment in segments.rows[:MOST_SEGMENTS]:
        if now() - began > MOST_SECONDS:
            break
        try:
            page, seconds = pairs.first_page({"segment_id": segment["segment_id"]})
        except UnreadablePage:  # such as a segment that was deleted meanwhile
            continue
        members.append(len(page.rows) if page.total is None else page.total)
        all_seconds.append(seconds)
    if segments.rows and not members:
        raise NoSurvey("Autopilot answers too slowly, or not for any smart segment")
    return Totals(
        contacts=contacts.total,
        lists=lists,
        segments=len(segments.rows),
        members=members,
        page_seconds=sum(all_seconds) / len(all_seconds),
    )
