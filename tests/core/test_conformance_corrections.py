"""`conformance.corrections`, on tests of our own that have the faults of the suite's."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import gpuarray as xp
from conformance import corrections
from conformance.__main__ import main
from conformance.corrections import CORRECTIONS, account, correct
from conformance.report import Result, corrected
from tests.core.test_conformance import small_suite

CAN_CAST, DUNDER_DLPACK = (correction.test for correction in CORRECTIONS)
WITHOUT_PROMOTION, WITHOUT_COPY = (correction.wrap for correction in CORRECTIONS)

TESTS = {
    "dtype_helpers": """
import gpuarray as xp

promotion_table = {(xp.float32, xp.float64): xp.float64}
""",
    "test_data_type_functions": """
from hypothesis import example, given, strategies
import gpuarray as xp
from . import dtype_helpers as dh

dtypes = strategies.sampled_from([xp.float32, xp.float64, xp.complex64])

@given(_from=dtypes, to=dtypes)
@example(_from=xp.complex64, to=xp.float64)
def test_can_cast(_from, to):
    if dh.promotion_table.get((_from, xp.float64)) == to:
        assert xp.can_cast(_from, to)

def test_the_table_of_others():
    assert dh.promotion_table.get((xp.complex64, xp.float64)) is None
""",
    "test_dlpack": """
from hypothesis import example, given, strategies

class Memory:
    def __dlpack_device__(self):
        return 2, 0

    def __dlpack__(self, *, copy=None, dl_device=None):
        if copy is False and dl_device is not None:
            raise BufferError("a copy is needed")

def words(**values):
    return strategies.fixed_dictionaries({}, optional=values)

@given(
    x=strategies.builds(Memory),
    copy_kw=words(copy=strategies.booleans()),
    dl_device_kw=words(dl_device=strategies.just((1, 0))),
)
@example(x=Memory(), copy_kw={"copy": False}, dl_device_kw={"dl_device": (1, 0)})
def test_dunder_dlpack(x, copy_kw, dl_device_kw):
    x.__dlpack__(**copy_kw, **dl_device_kw)
""",
}
ONE_TEST = {"test_constants": "def test_e(): pass"}


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GPUARRAY_CACHE_DIR", str(tmp_path / "cache"))


def run(directory: Path, *words: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """The exit status, how the tests ended, and what is written about the run."""
    path = directory / "results.json"
    fixed = ["--backend", "numpy", "--suite", str(directory), "--max-examples", "5"]
    status = main([*fixed, "--json", str(path), *words])
    written = json.loads(path.read_text())
    return status, {test["name"]: test["outcome"] for test in written["tests"]}, written["about"]


# Runs


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=str)
def test_a_run_names_the_corrections_that_it_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: list[str]
) -> None:
    status, found, about = run(small_suite(tmp_path, TESTS), *workers)
    assert status == 0
    assert len(found) == 3  # among them: no other test sees a corrected table
    assert about["uncorrected"] is False
    assert [(told["test"], told["state"]) for told in about["corrections"]] == [
        (CAN_CAST, "needed"),
        (DUNDER_DLPACK, "needed"),
    ]
    output = capsys.readouterr().out
    for correction in CORRECTIONS:
        assert f"  {correction.test}  ({correction.section})\n" in output
        assert correction.contradiction in output
    assert "Not needed" not in output
    assert "not corrected" not in output


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=str)
def test_uncorrected_the_suite_runs_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: list[str]
) -> None:
    status, found, about = run(small_suite(tmp_path, TESTS), "--uncorrected", *workers)
    assert status == 1
    assert found[CAN_CAST] == found[DUNDER_DLPACK] == "failed"
    assert about["uncorrected"] is True
    assert about["corrections"] == []
    output = capsys.readouterr().out
    assert "suite of unknown commit (the pinned one is 55fcc60179ef), uncorrected; " in output
    assert "corrected, where" not in output
    assert "not corrected" not in output


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=str)
def test_a_run_says_which_corrections_do_not_fit_and_fails_for_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: list[str]
) -> None:
    tests = {**ONE_TEST, "test_dlpack": "def test_dunder_dlpack(): pass"}
    status, _, about = run(small_suite(tmp_path, tests), *workers)
    assert status == 0
    assert [(told["state"], told["reason"]) for told in about["corrections"]] == [
        ("not applied", "no such test"),
        ("not applied", "it is no test of Hypothesis"),
    ]
    told = capsys.readouterr().out.partition("\nnot corrected:\n")[2]
    assert f"  {CAN_CAST}\n    no such test\n" in told
    assert f"  {DUNDER_DLPACK}\n    it is no test of Hypothesis\n" in told


def test_the_corrections_of_tests_that_are_not_selected_are_not_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found, about = run(small_suite(tmp_path, {**TESTS, **ONE_TEST}), "-k", "test_e")
    assert list(found) == ["array_api_tests/test_constants.py::test_e"]
    assert about["corrections"] == []
    assert "corrected" not in capsys.readouterr().out


def test_each_correction_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text()
    for correction in CORRECTIONS:
        assert correction.test.removeprefix("array_api_tests/") in text


# can_cast


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("tiny.dtype_helpers")
    module.promotion_table = {(xp.float32, xp.float64): xp.float64}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_a_missing_promotion_is_equal_to_no_dtype(helpers: ModuleType) -> None:
    needed: list[None] = []

    def test(_from: object, to: object) -> None:
        found.append(helpers.promotion_table.get((_from, xp.float64)) == to)

    found: list[bool] = []
    test.__module__ = "tiny.test_data_type_functions"
    table = helpers.promotion_table
    wrapped = WITHOUT_PROMOTION(test, lambda: needed.append(None))
    for dtype in (xp.bool, xp.int64, xp.complex64):
        wrapped(_from=xp.complex64, to=dtype)
    assert needed == []
    wrapped(_from=xp.complex64, to=xp.float64)
    assert len(needed) == 1
    wrapped(xp.float32, to=xp.float64)
    assert found == [False, False, False, False, True]
    assert helpers.promotion_table is table
    test(xp.complex64, xp.float64)
    assert found[-1] is True


def test_the_table_is_whole_again_after_a_failure(helpers: ModuleType) -> None:
    def test() -> None:
        raise AssertionError("on purpose")

    test.__module__ = "tiny.test_data_type_functions"
    table = helpers.promotion_table
    with pytest.raises(AssertionError, match="on purpose"):
        WITHOUT_PROMOTION(test, lambda: None)()
    assert helpers.promotion_table is table


def test_the_corrected_table_differs_in_what_it_lacks_alone() -> None:
    nothing = corrections._Nothing(lambda: None)
    table = corrections._Table({"a": 1}, nothing)
    assert (table["a"], table.get("a"), table.get("b", 2)) == (1, 1, 2)
    assert table.get("b") is nothing
    assert (list(table), len(table), "b" in table) == (["a"], 1, False)
    with pytest.raises(KeyError):
        table["b"]


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (None, "tiny.dtype_helpers has no mapping of the name promotion_table"),
        ({("f4", "f8"): "f8"}, "no dtype of this library is equal to None"),
    ],
)
def test_a_suite_with_another_table_is_not_corrected(
    helpers: ModuleType, table: object, reason: str
) -> None:
    def test() -> None:
        pass

    test.__module__ = "tiny.test_data_type_functions"
    helpers.promotion_table = table  # type: ignore[attr-defined]
    with pytest.raises(corrections.Unfit, match=reason):
        WITHOUT_PROMOTION(test, lambda: None)


# __dlpack__


class Memory:
    """Has the methods of the protocol; refuses what `refuses` says."""

    def __init__(self, device: int, refuses: Callable[[Any, Any], bool]) -> None:
        self._device = device
        self._refuses = refuses

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._device, 0

    def __dlpack__(
        self, *, copy: object = None, max_version: object = None, dl_device: object = None
    ) -> None:
        if self._refuses(copy, dl_device):
            raise BufferError("refused")


def forbidden(copy: object, dl_device: object) -> bool:
    return copy is False and dl_device is not None


def never(copy: object, dl_device: object) -> bool:
    return False


HOST = (1, 0)
COPIES: list[dict[str, Any]] = [{}, {"copy": None}, {"copy": True}, {"copy": False}]
PLACES: list[dict[str, Any]] = [{}, {"dl_device": HOST}]
VERSIONS: list[dict[str, Any]] = [{}, {"max_version": (1, 0)}]


def dunder_dlpack(
    x: Any,
    copy_kw: dict[str, Any],
    max_version_kw: dict[str, Any],
    dl_device_kw: dict[str, Any],
    data: object,
) -> None:
    x.__dlpack__(**copy_kw, **max_version_kw, **dl_device_kw)


def judged(x: Memory, test: Callable[..., None] = dunder_dlpack) -> tuple[list[Any], int]:
    """The requests for which the corrected test fails, and for how many it was needed."""
    failed: list[Any] = []
    needed: list[None] = []
    wrapped = WITHOUT_COPY(test, lambda: needed.append(None))
    for copy in COPIES:
        for place in PLACES:
            for version in VERSIONS:
                given = {"copy_kw": copy, "dl_device_kw": place, "max_version_kw": version}
                try:
                    wrapped(x=x, data=None, **given)
                except (AssertionError, BufferError):
                    failed.append(copy | place | version)
    return failed, len(needed)


NO_COPY_TO_HOST = [{"copy": False, "dl_device": HOST} | version for version in VERSIONS]


@pytest.mark.parametrize("device", [2, 10])
def test_device_memory_without_a_copy_for_the_host_must_be_refused(device: int) -> None:
    assert judged(Memory(device, forbidden)) == ([], 2)
    assert judged(Memory(device, never)) == (NO_COPY_TO_HOST, 0)  # the suite lets this pass


def test_what_fails_says_which_request_it_was() -> None:
    wrapped = WITHOUT_COPY(dunder_dlpack, lambda: None)
    place = {"dl_device": HOST}
    with pytest.raises(AssertionError, match=r"copy=False, dl_device=\(1, 0\).* raise BufferError"):
        wrapped(
            x=Memory(2, never),
            copy_kw={"copy": False},
            max_version_kw={},
            dl_device_kw=place,
            data=None,
        )


@pytest.mark.parametrize("device", [1, 3, 13, 8])  # the host's, pinned, managed; Metal: unknown
def test_other_memory_is_judged_as_before(device: int) -> None:
    assert judged(Memory(device, never)) == ([], 0)
    assert judged(Memory(device, forbidden)) == (NO_COPY_TO_HOST, 0)


def test_no_other_request_may_be_refused() -> None:
    for copy, to_host in [(None, True), (True, True), (False, False), (None, False)]:
        place = HOST if to_host else None

        def refuses(c: object, d: object, copy: Any = copy, place: Any = place) -> bool:
            return forbidden(c, d) or (c is copy and d == place)

        failed, needed = judged(Memory(2, refuses))
        assert needed == 2
        assert failed
        assert all((found.get("copy"), found.get("dl_device")) == (copy, place) for found in failed)


def test_a_suite_without_the_fault_needs_no_correction() -> None:
    def mended(x: Any, copy_kw: Any, max_version_kw: Any, dl_device_kw: Any, data: object) -> None:
        if copy_kw.get("copy") is False and dl_device_kw:
            with pytest.raises(BufferError):
                x.__dlpack__(**copy_kw, **max_version_kw, **dl_device_kw)

    assert judged(Memory(2, forbidden), mended) == ([], 0)


def test_a_suite_with_other_arguments_is_not_corrected() -> None:
    def test(x: object, kw: object) -> None:
        pass

    with pytest.raises(corrections.Unfit, match="no argument copy_kw, dl_device_kw"):
        WITHOUT_COPY(test, lambda: None)


# What is told


def test_a_correction_without_its_test_is_told() -> None:
    assert correct([]) == {CAN_CAST: "no such test", DUNDER_DLPACK: "no such test"}
    items: Any = [SimpleNamespace(nodeid=f"{DUNDER_DLPACK}[{number}]") for number in range(2)]
    assert correct(items)[DUNDER_DLPACK] == "the suite has 2 tests of this name"


def test_a_correction_that_was_not_needed_and_one_that_came_too_late_are_told() -> None:
    results = {
        CAN_CAST: Result(CAN_CAST, "data type functions", "passed", correction="applied"),
        DUNDER_DLPACK: Result(DUNDER_DLPACK, "data interchange", "failed"),
    }
    told = account(results, {})
    assert [found["state"] for found in told] == ["applied", "not applied"]
    applied, refused = corrected(told).split("not corrected:\n")
    assert CAN_CAST in applied
    assert "Not needed in this run." in applied
    assert refused == f"  {DUNDER_DLPACK}\n    the test ended before it was corrected"
    assert account({}, {}) == []
