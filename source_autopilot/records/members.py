"""The body of a page of a segment's members -> the members' ids, and nothing else of them. Pure.

The API sends whole contacts, of which a pair is only the id: reading no more than that takes a
quarter of the time, and an account may have more members than contacts.
"""

from contextlib import suppress
from typing import Any, TypedDict

import msgspec

from source_autopilot.records.page import Body, decode
from source_autopilot.records.sanitize import has_nul


class _Member(TypedDict):
    contact_id: str


class _Members(TypedDict, total=False):
    contacts: list[_Member]
    bookmark: Any
    total_contacts: Any


_IDS = msgspec.json.Decoder(_Members)


def decode_members(body: bytes) -> Body:
    """The JSON value of a body, with nothing of its contacts but `contact_id`.

    A body with anything unusual where the ids are, or no JSON, is taken as `decode` takes it.
    Raises UnreadableBody.
    """
    if not has_nul(body):  # which `decode` mends
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return Body(_IDS.decode(body), {})
    return decode(body)
