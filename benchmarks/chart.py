"""The chart of docs/performance.md: bars, as an SVG that is readable on light and on dark."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape

from .measure import Run

WIDTH, LABELS, NUMBERS = 760, 150, 210
BAR, GAP, HEAD = 16, 6, 44

_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.ours { fill: #0b7a5c } .peer { fill: #8a949e } .part { fill: none; stroke: #c0392b }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .ours { fill: #2fbf91 } .peer { fill: #6e7781 } .part { stroke: #ff7b72 }
}"""


def draw_chart(runs: list[Run]) -> str:
    """An SVG with a group of bars for each workload: seconds, or processor seconds without a limit.

    A run that did not deliver everything is an empty bar.
    """
    y, shapes = 0, []
    for workload, group in groupby(runs, lambda run: run.workload):
        of_workload = list(group)
        if len(of_workload) < 2:  # no peer to compare with
            continue
        what = "seconds" if workload.floor_seconds else "processor seconds"
        shapes.append(_text(0, y + 28, f"{workload.title}: {what}", "title"))
        shapes.extend(_draw_bars(of_workload, y + HEAD))
        y += HEAD + len(of_workload) * (BAR + GAP)
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + GAP}" role="img">\n'
        f"<title>This connector and its peers: shorter is better</title>\n"
        f"<style>\n{_STYLE}\n</style>\n{body}\n</svg>\n"
    )


def _draw_bars(runs: list[Run], top: int) -> Iterator[str]:
    longest = max(map(_length, runs))
    room = WIDTH - LABELS - NUMBERS
    for index, run in enumerate(runs):
        y = top + index * (BAR + GAP)
        width = max(1.0, room * _length(run) / longest)
        complete = run.complete == "yes"
        look = ("ours" if index == 0 else "peer") if complete else "part"
        yield _text(0, y + 13, run.peer.name)
        yield f'<rect class="{look}" x="{LABELS}" y="{y}" width="{width:.1f}" height="{BAR}"/>'
        yield _text(LABELS + width + 8, y + 13, _number(run) if complete else "incomplete")


def _length(run: Run) -> float:
    return run.seconds if run.ratio is not None else run.usage.cpu_seconds


def _number(run: Run) -> str:
    ratio = "" if run.ratio is None else f" ({run.ratio:.2f} of the floor)"
    return f"{_length(run):.1f} s{ratio}"


def _text(x: float, y: float, content: str, look: str = "") -> str:
    return f'<text class="{look}" x="{x:.0f}" y="{y}">{escape(content)}</text>'
