"""Where the suite contradicts the standard: its tests, corrected while they run, each with why.

In: the tests that pytest has collected. Out: the same tests, a few of them wrapped, and an account
of what was done to which. Holds no code of the suite. A correction makes a test agree with the
standard; it never makes one pass that the standard doesn't.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from conformance.report import Result

if TYPE_CHECKING:
    import pytest

__all__ = ["APPLIED", "CORRECTIONS", "NEEDED", "PROPERTY", "Correction", "account", "correct"]

PROPERTY = "correction"
"""The property of a test's report that says that it was corrected: `APPLIED` or `NEEDED`."""

APPLIED = "applied"
"""The test was wrapped, and nothing that it drew came to where it contradicts the standard."""

NEEDED = "needed"
"""The test was wrapped, and would have failed for a contradiction."""

Test = Callable[..., Any]


class Unfit(Exception):
    """The test is not as the correction knows it; the message says what it found instead."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A test that contradicts the standard, and how it is mended.

    Attributes
    ----------
    test : str
        pytest's name of it.
    section : str
        The section of the standard that it contradicts.
    contradiction : str
        What the test demands, and what the standard does.
    wrap : callable
        From the function that Hypothesis calls with what it has drawn, and a function to call
        where the correction is needed, to the function that Hypothesis shall call. Raises `Unfit`.
    """

    test: str
    section: str
    contradiction: str
    wrap: Callable[[Test, Callable[[], None]], Test]


class _Nothing:
    """What the promotion table answers for a pair that it lacks: equal to nothing."""

    __slots__ = ("_needed",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, needed: Callable[[], None]) -> None:
        self._needed = needed

    def __eq__(self, other: object) -> bool:
        if other == None:  # noqa: E711 - the comparison that the test would have made
            self._needed()
        return False


class _Table(Mapping[Any, Any]):
    """The suite's promotion table, but that a pair it lacks gives `_Nothing` in place of None."""

    def __init__(self, table: Mapping[Any, Any], nothing: _Nothing) -> None:
        self._table = table
        self._nothing = nothing

    def __getitem__(self, key: Any) -> Any:
        return self._table[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def get(self, key: Any, default: Any = None) -> Any:
        found = self._table.get(key, default)
        return self._nothing if found is None else found


def _no_promotion_is_no_dtype(test: Test, needed: Callable[[], None]) -> Test:
    package = test.__module__.rpartition(".")[0]
    helpers = sys.modules.get(f"{package}.dtype_helpers")
    table = getattr(helpers, "promotion_table", None)
    if not isinstance(table, Mapping):
        raise Unfit(f"{package}.dtype_helpers has no mapping of the name promotion_table")
    if not any(dtype == None for dtype in table.values()):  # noqa: E711 - as above
        raise Unfit("no dtype of this library is equal to None")
    corrected_table = _Table(table, _Nothing(needed))

    @wraps(test)
    def corrected(*given: Any, **drawn: Any) -> None:
        with patch.object(helpers, "promotion_table", corrected_table):
            test(*given, **drawn)

    return corrected


# DLPack's types of devices whose memory has no address on the host: CUDA and ROCm. Pinned and
# managed memory have types of their own, and need no copy; of other devices we don't know.
_OUT_OF_REACH = (2, 10)
_HOST = 1


def _device_memory_is_not_lent_to_the_host(test: Test, needed: Callable[[], None]) -> Test:
    gone = {"x", "copy_kw", "dl_device_kw"} - signature(test).parameters.keys()
    if gone:
        raise Unfit(f"it has no argument {', '.join(sorted(gone))}")

    @wraps(test)
    def corrected(**drawn: Any) -> None:
        x = drawn["x"]
        asked = drawn.get("max_version_kw", {}) | drawn["copy_kw"] | drawn["dl_device_kw"]
        to_host = asked.get("dl_device", (None, 0))[0] == _HOST
        if (
            not to_host
            or asked.get("copy") is not False
            or x.__dlpack_device__()[0] not in _OUT_OF_REACH
        ):
            test(**drawn)
            return
        try:
            x.__dlpack__(**asked)
        except BufferError:
            pass
        else:
            words = ", ".join(f"{name}={value!r}" for name, value in asked.items())
            raise AssertionError(f"__dlpack__({words}) of device memory must raise BufferError")
        try:
            test(**drawn)
        except BufferError:
            needed()

    return corrected


CORRECTIONS: tuple[Correction, ...] = (
    Correction(
        "array_api_tests/test_data_type_functions.py::test_can_cast",
        "Data Type Functions, can_cast; Type Promotion Rules",
        "It takes None for the promotion of a pair of dtypes that has none, and compares that with "
        "the dtype to cast to. NumPy's float64 is equal to None, so the test demands that "
        "complex64, and everything else, can be cast to float64; no rule of promotion says so.",
        _no_promotion_is_no_dtype,
    ),
    Correction(
        "array_api_tests/test_dlpack.py::test_dunder_dlpack",
        "Array Object, array.__dlpack__: dl_device and copy",
        "It asks for memory of the host and for no copy, and demands success. Memory of a GPU "
        "reaches the host only by a copy, and the standard has BufferError for a copy that is "
        "needed and forbidden. The corrected test demands that error.",
        _device_memory_is_not_lent_to_the_host,
    ),
)
"""All corrections. Each one is of a test that Hypothesis draws for, and that is there once."""


def correct(
    items: Iterable[pytest.Item], corrections: Iterable[Correction] = CORRECTIONS
) -> dict[str, str]:
    """Apply the corrections to the tests that they are of.

    Returns
    -------
    dict
        From the name of each test that could not be corrected to the reason.
    """
    by_name: dict[str, list[pytest.Item]] = {}
    for item in items:
        by_name.setdefault(item.nodeid.partition("[")[0], []).append(item)
    refused = {}
    for correction in corrections:
        try:
            _apply(correction, by_name.get(correction.test, []))
        except Unfit as reason:
            refused[correction.test] = str(reason)
    return refused


def _apply(correction: Correction, items: list[pytest.Item]) -> None:
    if len(items) != 1:
        raise Unfit(f"the suite has {len(items)} tests of this name" if items else "no such test")
    (item,) = items
    handle: Any = getattr(getattr(item, "obj", None), "hypothesis", None)
    if not hasattr(handle, "inner_test"):
        raise Unfit("it is no test of Hypothesis")
    properties = item.user_properties

    def needed() -> None:
        if (PROPERTY, NEEDED) not in properties:
            properties.append((PROPERTY, NEEDED))

    # The way that Hypothesis offers to plugins of pytest.
    handle.inner_test = correction.wrap(handle.inner_test, needed)
    properties.append((PROPERTY, APPLIED))


def account(
    results: Mapping[str, Result],
    refused: Mapping[str, str],
    corrections: Iterable[Correction] = CORRECTIONS,
) -> list[dict[str, str]]:
    """What became of each correction in a run, but of those whose tests were not selected.

    Parameters
    ----------
    results : mapping
        The results by name.
    refused : mapping
        What `correct` returned.

    Returns
    -------
    list of dict
        ``test``, ``section``, ``contradiction``, and ``state``: ``needed``, ``applied``, or ``not
        applied``, with the ``reason`` of that.
    """
    told = []
    for correction in corrections:
        found = results.get(correction.test)
        if correction.test in refused:
            outcome = {"state": "not applied", "reason": refused[correction.test]}
        elif found is None:
            continue
        elif found.correction:
            outcome = {"state": found.correction}
        else:
            outcome = {"state": "not applied", "reason": "the test ended before it was corrected"}
        known = {name: getattr(correction, name) for name in ("test", "section", "contradiction")}
        told.append(known | outcome)
    return told
