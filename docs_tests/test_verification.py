"""docs/autopilot-api.md and `make verify` speak of the same beliefs and fields."""

import re
from pathlib import Path

from docs_tests.tables import table_under
from verification.asking import MAX_QUESTIONS
from verification.beliefs import BELIEFS, Verdict
from verification.contacts import FIELDS, INTERNAL_FIELDS, MAIL_MAPS, VISIT_MAPS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGE = (ROOT / "docs" / "autopilot-api.md").read_text()


def test_beliefs() -> None:
    """The page lists each belief under its name, in the order of the table that is printed."""
    assert table_under("Beliefs", PAGE) == [[belief.name, belief.sentence] for belief in BELIEFS]


def test_verdicts() -> None:
    """The page explains each verdict."""
    explained = [row[0] for row in table_under("Verify it with your account", PAGE)]

    assert explained == [verdict.value for verdict in Verdict]


def test_questions() -> None:
    """Both documents promise the bound that the budget has."""
    promises = [re.findall(r"at most (\d+)\s+questions", text) for text in (README, PAGE)]

    assert promises == [[str(MAX_QUESTIONS)]] * 2


def test_fields() -> None:
    """A field may be printed by its name if, and only if, the page names it."""
    rows = table_under("Fields", PAGE)
    cells = [re.sub(r"\(.*?\)", "", fields) for _, fields in rows]
    named = {name for cell in cells for name in re.findall(r"`([\w-]+)`", cell)}
    elsewhere = {"contact_id", "lists", "custom_fields", "Unsubscribed", *MAIL_MAPS, *VISIT_MAPS}

    assert named | elsewhere == {*FIELDS, *INTERNAL_FIELDS}
    assert [name for name in elsewhere if f"`{name}`" not in PAGE] == []
