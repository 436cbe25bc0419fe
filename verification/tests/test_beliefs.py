"""How evidence decides a belief."""

import re
from collections import Counter

import pytest

from verification.beliefs import BELIEFS, Belief, Verdict, describe_shares, judge
from verification.evidence import Evidence

ALWAYS = Belief("name", "Sentence.", "question", "good|better")
SOMETIMES = Belief("name", "Sentence.", "question", "good|better", is_always=False)


def evidence_of(*observations: str) -> Evidence:
    """These observations, and a question that failed."""
    evidence = Evidence()
    for observation in observations:
        evidence.observe("name", observation)
    evidence.fail("question", "status 500")
    return evidence


@pytest.mark.parametrize(
    ("observations", "always", "sometimes"),
    [
        (["good"], Verdict.HOLDS, Verdict.HOLDS),
        (["good", "better"], Verdict.HOLDS, Verdict.HOLDS),
        (["good", "bad"], Verdict.DOES_NOT_HOLD, Verdict.HOLDS),
        (["bad"], Verdict.DOES_NOT_HOLD, Verdict.NOT_MET),
        (["not good"], Verdict.DOES_NOT_HOLD, Verdict.NOT_MET),
    ],
)
def test_judge(observations: list[str], always: Verdict, sometimes: Verdict) -> None:
    """One observation refutes what always holds, and confirms what may occur."""
    evidence = evidence_of(*observations)

    assert judge(ALWAYS, evidence).verdict == always
    assert judge(SOMETIMES, evidence).verdict == sometimes


def test_judge__without_evidence() -> None:
    """What came in place of an answer is said."""
    finding = judge(ALWAYS, evidence_of())

    assert (finding.verdict, finding.detail) == (Verdict.NOT_MET, "status 500")


@pytest.mark.parametrize(
    ("seen", "total", "text"),
    [
        ({"a": 3}, 3, "a"),
        ({"a": 1}, 4, "a (25 %)"),
        ({"a": 1, "b": 999}, 1000, "b (100 %); a (less than 1 %)"),
        (dict.fromkeys("abcdefgh", 1), 8, "; ".join(f"{x} (12 %)" for x in "abcdef") + "; 2 more"),
    ],
)
def test_shares(seen: dict[str, int], total: int, text: str) -> None:
    """Shares and no counts, which could tell an account's size; the most frequent ones first."""
    assert describe_shares(Counter(seen), total) == text


def test_beliefs__names() -> None:
    """Each name is there once, and is one word."""
    names = [belief.name for belief in BELIEFS]

    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch("[a-z-]+", name)] == []
