"""A bar chart of the rows, as SVG: each library's time over gpuarray's, on a logarithmic axis.

In: rows of `report`. Out: the text of an SVG file. A bar to the right of the line at 1 is a library
that takes longer than gpuarray.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from benchmarks.peers import Record

__all__ = ["chart"]

OURS = "gpuarray"
COLOURS = ("#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#aa3377", "#bbbbbb")
WIDTH, LEFT, RIGHT, TOP = 900, 290, 60, 70
BAR, GAP = 9, 12


def chart(rows: Sequence[Record], peers: Sequence[str], title: str) -> str:
    """The chart of the rows that ours and at least one other library have a right result for."""
    shown = [row for row in rows if "best peer / gpuarray" in row]
    names = [
        name
        for name in peers
        if name != OURS and any(_ratio(row, name) is not None for row in shown)
    ]
    ratios = [r for row in shown for name in names if (r := _ratio(row, name)) is not None]
    low = math.floor(math.log10(min(ratios, default=1.0) / 1.01))
    high = math.ceil(math.log10(max(ratios, default=1.0) * 1.01))
    span = WIDTH - LEFT - RIGHT

    def place(ratio: float) -> float:
        return LEFT + span * (math.log10(ratio) - low) / (high - low)

    height = TOP + sum(BAR * len(names) + GAP for _ in shown) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="10" y="20" font-size="14">{escape(title)}</text>',
    ]
    for k, name in enumerate(names):
        x = 10 + 120 * k
        parts.append(f'<rect x="{x}" y="32" width="10" height="10" fill="{_colour(k)}"/>')
        parts.append(f'<text x="{x + 14}" y="41">{escape(name)}</text>')
    for exponent in range(low, high + 1):
        x = place(10.0**exponent)
        stroke = "black" if exponent == 0 else "#cccccc"
        parts.append(
            f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - 24}" stroke="{stroke}"/>'
        )
        parts.append(
            f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle">{10.0**exponent:g}</text>'
        )
    y = TOP
    for row in shown:
        middle = y + BAR * len(names) / 2 + 4
        parts.append(
            f'<text x="{LEFT - 8}" y="{middle:.1f}" text-anchor="end">{escape(row["title"])}</text>'
        )
        for k, name in enumerate(names):
            ratio = _ratio(row, name)
            if ratio is not None:
                start, end = sorted((place(1.0), place(ratio)))
                parts.append(
                    f'<rect x="{start:.1f}" y="{y}" width="{max(end - start, 0.5):.1f}" '
                    f'height="{BAR - 1}" fill="{_colour(k)}"/>'
                )
                parts.append(
                    f'<text x="{max(end, place(1.0)) + 3:.1f}" y="{y + BAR - 1}" '
                    f'font-size="8">{ratio:.2f}</text>'
                )
            y += BAR
        y += GAP
    return "\n".join([*parts, "</svg>"]) + "\n"


def _colour(k: int) -> str:
    return COLOURS[k % len(COLOURS)]


def _ratio(row: Record, name: str) -> float | None:
    """The time of a library with a right result over ours."""
    record = row["peers"].get(name, {})
    if "seconds" not in record or not record["agrees"]:
        return None
    seconds: float = record["seconds"]
    ratio: float = seconds / row["peers"][OURS]["seconds"]
    return ratio
