"""From records to rows: the best peer, targets, targets scaled to another card, and the means.

In: workloads and what was measured. Out: dictionaries as the file of ``--json`` has them; tables
and charts are made of nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from benchmarks.first_call import FIRST_CALLS
from benchmarks.peers import Record
from benchmarks.workload import Workload

__all__ = ["rows", "summary"]

# Bytes read and written in a second by a copy within the H200 of which the targets speak.
H200_COPY = 4.264e12
OURS, COMPILED = "gpuarray", "gpuarray.compile"


def rows(
    workloads: Sequence[Workload],
    first_calls: Sequence[str],
    measured: Mapping[str, Mapping[str, Record]],
    card: str,
    copy: float,
    with_targets: bool,
) -> list[Record]:
    """A row for each workload that has run, and one more where ours has been compiled.

    Parameters
    ----------
    workloads, first_calls
        What was chosen, in the order of the table.
    measured
        Records by the names of workload and library.
    card, copy
        The device's name, and the bytes that a copy reads and writes there in a second.
    with_targets
        False where sizes are not those that the targets are for.
    """
    found: list[Record] = []

    def add(row: Record, records: Mapping[str, Record], target: float | None) -> None:
        row["peers"] = dict(records)
        ours = row["peers"].get(OURS, {})
        others = [
            (record["seconds"], name)
            for name, record in row["peers"].items()
            if name != OURS and record.get("agrees") and "seconds" in record
        ]
        if others:
            seconds, row["best peer"] = min(others)
            if ours.get("agrees"):
                row["best peer / gpuarray"] = seconds / ours["seconds"]
        if with_targets and target is not None:
            row["target"] = limit = target
            if row["bound"] == "memory" and "H200" not in card:
                row["target scaled to this card"] = limit = target * H200_COPY / copy
            row["reached"] = bool(ours.get("agrees")) and ours["seconds"] <= limit
        found.append(row)

    for workload in workloads:
        records = dict(measured.get(workload.name, {}))
        compiled = records.pop(COMPILED, {})
        if not records:
            continue
        compiled_is_best = _seconds(compiled) < _seconds(records.get(OURS, {}))
        row = {
            "name": workload.name,
            "title": workload.title,
            "group": workload.group,
            "bound": workload.bound,
            "moved": workload.moved,
            # As peers do, we count at our best, compiled or not.
            "counts": not compiled_is_best,
        }
        add(row, records, workload.target)
        if compiled and "skipped" not in compiled:
            title = "    the same, gpuarray.compile"
            row = row | {
                "name": f"{workload.name}-compiled",
                "title": title,
                "counts": compiled_is_best,
            }
            for name in ("best peer", "best peer / gpuarray", "target", "reached"):
                row.pop(name, None)
            add(row, records | {OURS: compiled}, workload.compiled_target)
    for name, title, target in FIRST_CALLS:
        if name in first_calls and name in measured:
            row = {"name": name, "title": title, "group": "limit", "bound": "host", "moved": 0}
            add(row | {"counts": False}, measured[name], target)
    return found


def _seconds(record: Record) -> float:
    """The time of a record; infinite where there is none, or the result is wrong."""
    seconds: float = record["seconds"] if record.get("agrees") and "seconds" in record else math.inf
    return seconds


def summary(found: Sequence[Record]) -> Record:
    """The geometric mean of (best peer's time / ours), over what counts, and the worst of them."""

    def mean(chosen: Sequence[Record]) -> float | None:
        ratios = [row["best peer / gpuarray"] for row in chosen]
        return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None

    compared = [row for row in found if "best peer / gpuarray" in row]
    counting = [row for row in compared if row["counts"]]
    plain = [row for row in compared if row["moved"] and not row["name"].endswith("-compiled")]
    result: Record = {
        "rows": len(counting),
        "geometric mean": mean(counting),
        "geometric mean, never compiled": mean(plain),
        "wrong or failed": [
            row["name"] for row in found if not row["peers"].get(OURS, {}).get("agrees")
        ],
        "not the same bits": [
            row["name"] for row in found if not row["peers"].get(OURS, {}).get("same bits", True)
        ],
    }
    if counting:
        worst = min(counting, key=lambda row: row["best peer / gpuarray"])
        result["worst"] = {"name": worst["name"], "ratio": worst["best peer / gpuarray"]}
    return result
