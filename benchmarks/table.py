"""The tables that ``python -m benchmarks`` prints, as lines of text.

In: rows and a summary of `report`. Out: lines. A ``!`` marks a time whose result was wrong, which
no best peer can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.peers import Record

__all__ = ["memory_table", "speed_table", "summary_lines"]

OURS = "gpuarray"
TITLE = 46


def speed_table(rows: Sequence[Record], peers: Sequence[str], copy: float) -> list[str]:
    """A line for each row, and one for each failure; `copy` is the copy's bytes in a second."""
    others = [name for name in peers if name != OURS]
    head = f"{'work':<{TITLE}}{OURS:>10}{'spread':>8}{'GB/s':>7}{'/copy':>7}{'kernels':>8}"
    head += "".join(f"{name:>14}" for name in others)
    head += f"{'best/ours':>10}  target"
    lines = [head, "-" * len(head)]
    for row in rows:
        ours = row["peers"].get(OURS, {})
        line = f"{row['title']:<{TITLE}}{_time(ours):>10}"
        line += f"{_spread(ours):>8}"
        if "GB/s" in ours:
            line += f"{ours['GB/s']:>7.0f}{1e9 * ours['GB/s'] / copy:>7.2f}"
        else:
            line += f"{'':>14}"
        line += f"{_kernels(ours):>8}"
        line += "".join(f"{_time(row['peers'].get(name, {})):>14}" for name in others)
        ratio = row.get("best peer / gpuarray")
        line += f"{ratio:>10.2f}" if ratio is not None else f"{'':>10}"
        lines.append(line + _target(row))
        for name, record in row["peers"].items():
            if name != OURS and row["name"].endswith("-compiled"):
                continue  # said below the row before
            if "failed" in record:
                lines.append(f"    {name}: {record['failed'][:150]}")
            elif "error" in record and not record["agrees"]:
                lines.append(f"    {name}: WRONG by {record['error']:.2g} (relative to float64)")
            if not record.get("same bits", True):
                lines.append(f"    {name}: a second call gave OTHER BITS")
    return lines


def memory_table(rows: Sequence[Record], peers: Sequence[str]) -> list[str]:
    """Peaks beside what inputs and outputs need, in MiB; where ours is known."""
    names = [
        name for name in peers if any("peak bytes" in row["peers"].get(name, {}) for row in rows)
    ]
    if not names:
        return []
    head = f"{'peak memory, MiB':<{TITLE}}{'in + out':>10}{'/ours':>7}"
    lines = [head + "".join(f"{name:>14}" for name in names)]
    for row in rows:
        ours = row["peers"].get(OURS, {})
        if "needed bytes" not in ours:
            continue
        needed = ours["needed bytes"]
        share = f"{ours['peak bytes'] / needed:.2f}" if "peak bytes" in ours else ""
        line = f"{row['title']:<{TITLE}}{needed / 2**20:>10.4g}{share:>7}"
        for name in names:
            peak = row["peers"].get(name, {}).get("peak bytes")
            line += f"{peak / 2**20:>14.4g}" if peak is not None else f"{'-':>14}"
        lines.append(line)
    return lines


def summary_lines(summary: Record, omitted: Sequence[str]) -> list[str]:
    """The means, the worst row, and what went wrong."""
    lines = []
    if summary["geometric mean"] is not None:
        worst = summary["worst"]
        lines += [
            f"best peer's time / ours, {summary['rows']} rows (compiled where that is "
            f"faster; first calls apart): geometric mean {summary['geometric mean']:.3f}, worst "
            f"{worst['ratio']:.3f} ({worst['name']})",
            f"without gpuarray.compile: {summary['geometric mean, never compiled']:.3f}",
        ]
    for name in ("wrong or failed", "not the same bits"):
        if summary[name]:
            lines.append(f"gpuarray, {name}: {', '.join(summary[name])}")
    if omitted:
        lines.append(f"out of time, not run: {', '.join(omitted)}")
    return lines


def _seconds(seconds: float) -> str:
    if seconds < 100e-6:
        return f"{1e6 * seconds:.2f} us"
    return f"{1e3 * seconds:.4g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _time(record: Record) -> str:
    if "failed" in record:
        return "failed"
    if "seconds" not in record:
        return "-"
    return _seconds(record["seconds"]) + ("" if record["agrees"] else " !")


def _spread(record: Record) -> str:
    if "low" not in record:
        return ""
    return f"{100 * (record['high'] - record['low']) / record['seconds']:.1f}%"


def _kernels(record: Record) -> str:
    calls = record.get("library calls")
    return f"{record.get('kernels', '')}" + (f"+{calls}" if calls else "")


def _target(row: Record) -> str:
    if "target" not in row:
        return ""
    verdict = "reached" if row["reached"] else "MISSED"
    scaled: Any = row.get("target scaled to this card")
    if scaled is None:
        return f"  <= {_seconds(row['target'])} {verdict}"
    return f"  H200 {_seconds(row['target'])}, scaled <= {_seconds(scaled)} {verdict}"
