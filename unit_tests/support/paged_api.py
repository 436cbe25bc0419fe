"""A table of the API whose pages follow each other by the ids of contacts, as requests-mock has it.

Apart from the simulator, which is for whole syncs: here a test says what becomes of each question.
"""

import json
import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from requests_mock import Mocker

from unit_tests.support.constants import URL

PAGE_SIZE = 10

Answer = Any
"""A JSON body, a text, a status, or an exception that is raised in place of an answer."""


def make_ids(number: int) -> list[str]:
    """So many ids of contacts, evenly over all that there may be."""
    step = 2**32 // number
    return [f"person_{place * step:08X}-0000-4000-8000-000000000000" for place in range(number)]


class PagedApi:
    """A table of contacts, or of a segment's members, in pages of PAGE_SIZE.

    Attributes:
        ids: of its rows, in order.
        total: what it says that it has.
        answer_question: what an id gets that it does not have; the pages behind it by default.
        answer_page: what becomes of any other page's body.
        questions: the ids that it does not have, and was asked for.
        asked: whether it was asked for so many.
        requests: how many requests came.
    """

    def __init__(
        self,
        autopilot: Mocker,
        ids: Sequence[str],
        *,
        path: str = "contacts",
        total: int | None = None,
        questions_awaited: int = 1,
    ) -> None:
        self.ids = list(ids)
        self.total = len(self.ids) if total is None else total
        self.answer_question: Callable[[str], Answer] = self.page_behind
        self.answer_page: Callable[[str | None, dict[str, Any]], Answer]
        self.answer_page = lambda bookmark, body: body
        self.questions: list[str] = []
        self.asked = threading.Event()
        self.requests = 0
        self._questions_awaited = questions_awaited
        self._path = URL + path
        autopilot.get(re.compile(f"^{re.escape(self._path)}(/[^/]*)?$"), text=self._answer)

    def page_behind(self, bookmark: str | None) -> dict[str, Any]:
        """The page that follows a row, or the place where it would be."""
        begin = bisect_right(self.ids, bookmark) if bookmark else 0
        end = begin + PAGE_SIZE
        ids = self.ids[begin:end]
        more = {"bookmark": ids[-1]} if end < len(self.ids) else {}
        return {
            "contacts": [{"contact_id": contact_id} for contact_id in ids],
            "total_contacts": self.total,
            **more,
        }

    def _answer(self, request: Any, context: Any) -> str:
        self.requests += 1
        bookmark = request.url.removeprefix(self._path).strip("/") or None
        found = self._find_answer(bookmark)
        if isinstance(found, Exception):
            raise found
        if isinstance(found, int):
            context.status_code = found
        return found if isinstance(found, str) else json.dumps(found)

    def _find_answer(self, bookmark: str | None) -> Answer:
        if bookmark is None or bookmark in self.ids:
            return self.answer_page(bookmark, self.page_behind(bookmark))
        self.questions.append(bookmark)
        found = self.answer_question(bookmark)
        if len(self.questions) >= self._questions_awaited:
            self.asked.set()
        return found
