"""The results of a run: the table, the list of what failed and was skipped, and the JSON document.

In: one `Result` for each test. Out: text, or a dictionary that `json` can write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from conformance.chapters import CHAPTERS

__all__ = ["OUTCOMES", "Result", "corrected", "counts", "document", "listing", "table"]

OUTCOMES = ("passed", "failed", "skipped", "xfailed")


@dataclass(frozen=True, slots=True)
class Result:
    """How a test ended.

    Attributes
    ----------
    name : str
        pytest's name of it: ``array_api_tests/test_fft.py::test_fft``.
    chapter : str
        The chapter of the standard, a title of `CHAPTERS`.
    outcome : str
        One of `OUTCOMES`.
    seconds : float
        How long it took.
    reason : str
        One line that says why, unless it passed.
    detail : str
        The whole traceback, if it failed.
    correction : str
        Whether it was corrected: a state of `conformance.corrections`, or nothing.
    """

    name: str
    chapter: str
    outcome: str
    seconds: float = 0.0
    reason: str = ""
    detail: str = ""
    correction: str = ""


def counts(results: Iterable[Result]) -> dict[str, int]:
    """How many tests ended in each way, in the order of `OUTCOMES`.

    Examples
    --------
    >>> counts([Result("test_e", "constants", "passed")])
    {'passed': 1, 'failed': 0, 'skipped': 0, 'xfailed': 0}
    """
    found = Counter(result.outcome for result in results)
    return {outcome: found[outcome] for outcome in OUTCOMES}


def _by_chapter(results: Iterable[Result]) -> dict[str, list[Result]]:
    chapters: dict[str, list[Result]] = {title: [] for title in CHAPTERS.values()}
    for result in results:
        chapters.setdefault(result.chapter, []).append(result)
    return {title: found for title, found in chapters.items() if found}


def table(results: Sequence[Result]) -> str:
    """One line for each chapter, in the order of the standard, and one for all of them.

    Examples
    --------
    >>> print(table([Result("test_e", "constants", "passed")]))
    chapter      passed  failed  skipped  xfailed
    constants         1       0        0        0
    all               1       0        0        0
    """
    rows = [(title, counts(found)) for title, found in _by_chapter(results).items()]
    rows.append(("all", counts(results)))
    width = max(len("chapter"), *(len(title) for title, _ in rows)) + 2
    lines = ["".join([f"{'chapter':<{width}}", *(f"  {word}" for word in OUTCOMES)])]
    for title, found in rows:
        numbers = (f"  {found[word]:>{len(word)}}" for word in OUTCOMES)
        lines.append("".join([f"{title:<{width}}", *numbers]))
    return "\n".join(lines)


def listing(results: Iterable[Result]) -> str:
    """The names of the tests that failed, and of those that were skipped or xfailed, with why.

    Examples
    --------
    >>> print(listing([Result("test_e", "constants", "skipped", reason="flaky")]))
    skipped:
      test_e
        flaky
    """
    lines: list[str] = []
    found = sorted(results, key=lambda result: result.name)
    for outcome in OUTCOMES[1:]:
        matching = [result for result in found if result.outcome == outcome]
        if matching:
            lines.append(f"{outcome}:")
        for result in matching:
            lines.append(f"  {result.name}")
            lines += [f"    {result.reason}"] if result.reason else []
    return "\n".join(lines)


def corrected(corrections: Sequence[Mapping[str, str]]) -> str:
    """The corrections of a run: those that were applied, and those that were not, with why.

    Examples
    --------
    >>> correction = {"test": "test_e", "section": "Constants", "contradiction": "It has e = 3."}
    >>> print(corrected([correction | {"state": "applied"}]))
    corrected, where the suite contradicts the standard:
      test_e  (Constants)
        It has e = 3.
        Not needed in this run.
    >>> print(corrected([correction | {"state": "not applied", "reason": "no such test"}]))
    not corrected:
      test_e
        no such test
    """
    lines: list[str] = []
    applied = [found for found in corrections if found["state"] != "not applied"]
    if applied:
        lines.append("corrected, where the suite contradicts the standard:")
    for found in applied:
        lines += [f"  {found['test']}  ({found['section']})", f"    {found['contradiction']}"]
        lines += ["    Not needed in this run."] if found["state"] == "applied" else []
    refused = [found for found in corrections if found["state"] == "not applied"]
    if refused:
        lines.append("not corrected:")
    for found in refused:
        lines += [f"  {found['test']}", f"    {found['reason']}"]
    return "\n".join(lines)


def document(results: Sequence[Result], about: Mapping[str, Any]) -> dict[str, Any]:
    """All there is to know of a run, for `json.dump`.

    ``about`` is `about`; ``totals`` and each of ``chapters`` are `counts`; ``tests`` are the
    results by name, without the fields that are empty.
    """
    return {
        "about": dict(about),
        "totals": counts(results),
        "chapters": {title: counts(found) for title, found in _by_chapter(results).items()},
        "tests": [
            {field: value for field, value in asdict(result).items() if value != ""}
            for result in sorted(results, key=lambda result: result.name)
        ],
    }
