"""The evidence as Markdown, ready for a public issue. Pure."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

from verification.beliefs import BELIEFS, Verdict, describe_shares, judge
from verification.evidence import Evidence
from verification.shapes import describe_amount


def write_report(evidence: Evidence, *, questions: int, today: date) -> str:
    """Two tables: the beliefs with their verdicts, and the documented fields that were met."""
    return "\n".join(_lines(evidence, questions, today))


def _lines(evidence: Evidence, questions: int, today: date) -> Iterator[str]:
    findings = [judge(belief, evidence) for belief in BELIEFS]
    counts = Counter(finding.verdict for finding in findings)
    yield f"## Autopilot's API on {today}"
    yield ""
    yield (
        f"Of {len(findings)} beliefs {counts[Verdict.HOLDS]} hold, {counts[Verdict.DOES_NOT_HOLD]}"
        f" do not hold, {counts[Verdict.NOT_MET]} not met, after {questions} questions. Shapes"
        " only: a digit is shown as 9, a letter as a."
    )
    if not evidence.is_complete:
        yield "The budget of questions or of time was spent before all were asked."
    yield ""
    yield "| belief | what docs/autopilot-api.md says | verdict | seen |"
    yield "| --- | --- | --- | --- |"
    for finding in findings:
        belief = finding.belief
        verdict = finding.verdict.value
        if finding.verdict == Verdict.DOES_NOT_HOLD:
            verdict = f"**{verdict}**"
        yield f"| {belief.name} | {belief.sentence} | {verdict} | {finding.detail} |"
    if evidence.contacts:
        yield ""
        yield from _field_lines(evidence)


def _field_lines(evidence: Evidence) -> Iterator[str]:
    amount = describe_amount(evidence.contacts)
    yield f"Documented fields, in {amount} contacts; the shares are of all of these:"
    yield ""
    yield "| field | types and spellings |"
    yield "| --- | --- |"
    for name, seen in sorted(evidence.fields.items()):
        yield f"| `{name}` | {describe_shares(seen, evidence.contacts)} |"
