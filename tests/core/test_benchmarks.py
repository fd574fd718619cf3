"""``python -m benchmarks`` at tiny sizes, with the libraries that are here: it judges correctly."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import ours
from benchmarks.__main__ import main
from benchmarks.agreement import Expected, expected, worst_error
from benchmarks.chart import chart
from benchmarks.first_call import FIRST_CALLS
from benchmarks.peers import PEERS, NumPy
from benchmarks.report import H200_COPY, rows, summary
from benchmarks.workloads import workloads

SMALL = ["--scale", "1e-5", "--quick", "--backend", "numpy"]
SIMULATED = """
import sys
from gpuarray_cuda.plugin import use_runtime
from tests.simulator import simulated_runtime
use_runtime(simulated_runtime())
from benchmarks.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
ROOT = Path(__file__).parent.parent.parent


def report_of(tmp_path: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """The status of a run with NumPy's backend, and what it wrote."""
    path = tmp_path / "report.json"
    status = main([*SMALL, "--json", str(path), *words])
    return status, json.loads(path.read_text())


class OffByALittle(NumPy):
    """Results that a glance would take for right ones."""

    name = "off"

    def host(self, array: Any) -> np.ndarray[Any, Any]:
        return np.asarray(array) * np.float32(1.0001)

    def wait(self, result: Any) -> None:
        """At once, so that it would be the best."""


class Raising(NumPy):
    name = "raising"

    def array(self, host: np.ndarray[Any, Any]) -> Any:
        raise MemoryError("no room for this")


def test_every_workload_agrees_with_its_reference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "chart.svg"
    words = ["--peers", "numpy", "--only", "limit,spine,more", "--chart", str(picture)]
    status, report = report_of(tmp_path, *words)
    assert status == 0
    assert not report["omitted"]
    names = [w.name for w in workloads()] + [name for name, _, _ in FIRST_CALLS]
    assert {row["name"] for row in report["rows"]} >= set(names)
    for row in report["rows"]:
        assert row["peers"]["gpuarray"]["agrees"], row
        assert row["peers"]["gpuarray"].get("same bits", True), row
        if row["moved"]:
            assert row["peers"]["numpy"]["agrees"], row
            assert row["best peer"] == "numpy"
    assert report["summary"]["geometric mean"] > 0
    printed = capsys.readouterr().out
    assert "geometric mean" in printed and "WRONG" not in printed
    root = ElementTree.fromstring(picture.read_text("utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"numpy", "x[x > 0.625], 64 Mi"} <= texts


def test_kernels_and_memory_are_counted_on_the_simulator(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    words = ["--peers", "numpy", "--scale", "1e-5", "--quick", "--json", str(path)]
    words += ["--only", "axpy,sum,perceptron,gather,jacobi-in-place"]
    done = subprocess.run(
        [sys.executable, "-c", SIMULATED, *words],
        cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = {row["name"]: row["peers"]["gpuarray"] for row in json.loads(path.read_text())["rows"]}
    assert found["axpy"]["kernels"] == found["gather"]["kernels"] == 1
    assert found["axpy"]["library calls"] == 0 and found["perceptron"]["library calls"] == 2
    # Two inputs and the result, and nothing else.
    assert found["axpy"]["peak bytes"] == found["axpy"]["needed bytes"]
    assert "peak memory, MiB" in done.stdout


def test_a_wrong_result_is_marked_and_is_no_best_peer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PEERS, "off", (OffByALittle,))
    status, report = report_of(tmp_path, "--peers", "off,numpy", "--only", "softmax,sum")
    assert status == 0
    for row in report["rows"]:
        assert not row["peers"]["off"]["agrees"]
        assert row["best peer"] == "numpy"
    assert capsys.readouterr().out.count("off: WRONG by 0.0001") == 2


def test_a_wrong_result_of_ours_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = ours.Ours.host
    monkeypatch.setattr(ours.Ours, "host", lambda peer, x: right(peer, x) * np.float32(1.0001))
    status, report = report_of(tmp_path, "--peers", "numpy", "--only", "sum")
    assert status == 1
    assert report["summary"]["wrong or failed"] == ["sum"]
    assert "best peer / gpuarray" not in report["rows"][0]
    assert "gpuarray, wrong or failed: sum" in capsys.readouterr().out


def test_a_library_that_raises_is_reported_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PEERS, "raising", (Raising,))
    status, report = report_of(tmp_path, "--peers", "raising,numpy", "--only", "sum,axpy")
    assert status == 0
    assert [row["best peer"] for row in report["rows"]] == ["numpy", "numpy"]
    assert "raising: MemoryError: no room for this" in capsys.readouterr().out


def test_a_librarys_own_way_is_tried_beside_the_standards_text(tmp_path: Path) -> None:
    [work] = [w for w in workloads(1e-5) if w.name == "jacobi-in-place"]

    class Immutable(NumPy):
        """As JAX: arrays that cannot be written to."""

        name = "jax"

        def array(self, host: np.ndarray[Any, Any]) -> Any:
            copied = host.copy()
            copied.flags.writeable = False
            return copied

    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(PEERS, "jax", (Immutable,))
        _, report = report_of(tmp_path, "--peers", "jax", "--only", work.name)
    ways = report["rows"][0]["peers"]["jax"]["ways"]
    assert "read-only" in ways["as written"]["failed"]
    assert "no attribute 'at'" in ways["own"]["failed"]  # NumPy's arrays lack JAX's way


def test_nothing_new_is_started_when_time_is_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, report = report_of(tmp_path, "--peers", "numpy", "--only", "sum", "--seconds", "0")
    assert report["omitted"] == ["sum: gpuarray", "sum: gpuarray.compile", "sum: numpy"]
    assert "out of time, not run: sum: gpuarray" in capsys.readouterr().out


def test_a_compiled_row_stands_beside_the_plain_one(tmp_path: Path) -> None:
    status, report = report_of(tmp_path, "--peers", "numpy", "--only", "mask,small,small-30")
    assert status == 0
    assert [row["name"] for row in report["rows"]] == [
        "mask",
        "small-30",
        "small-30-compiled",
        "small",
    ]


@pytest.mark.parametrize(
    ("seconds", "counting"), [(0.1e-3, "softmax-compiled"), (0.3e-3, "softmax")]
)
def test_the_faster_of_the_plain_and_the_compiled_row_counts(seconds: float, counting: str) -> None:
    [work] = [w for w in workloads() if w.name == "softmax"]
    found = {"gpuarray": record(0.2e-3), "gpuarray.compile": record(seconds), "torch": record(1e-3)}
    both = rows([work], [], {"softmax": found}, "NVIDIA H200", H200_COPY, True)
    assert [row["name"] for row in both if row["counts"]] == [counting]
    assert summary(both)["geometric mean"] == pytest.approx(1e-3 / min(seconds, 0.2e-3))


def test_a_wrong_result_of_the_compiled_row_does_not_count() -> None:
    [work] = [w for w in workloads() if w.name == "softmax"]
    wrong = record(0.1e-3, agrees=False)
    found = {"gpuarray": record(0.2e-3), "gpuarray.compile": wrong, "torch": record(1e-3)}
    both = rows([work], [], {"softmax": found}, "NVIDIA H200", H200_COPY, True)
    assert [row["name"] for row in both if row["counts"]] == ["softmax"]
    assert summary(both)["wrong or failed"] == ["softmax-compiled"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--only", "softmacks"], "no softmacks"),
        (["--peers", "mlx"], "no mlx"),
        (["--chart", "speed.png"], ".svg"),
    ],
)
def test_unknown_names_are_refused(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)
    assert reason in capsys.readouterr().err


def record(seconds: float, agrees: bool = True) -> dict[str, Any]:
    return {"seconds": seconds, "agrees": agrees}


def test_targets_are_scaled_to_another_card_where_memory_is_the_bound() -> None:
    chosen = [w for w in workloads() if w.name in ("softmax", "pairwise")]
    measured = {w.name: {"gpuarray": record(0.2e-3), "torch": record(0.4e-3)} for w in chosen}
    softmax, pairwise = rows(chosen, [], measured, "NVIDIA H100", H200_COPY / 2, True)
    assert softmax["target scaled to this card"] == pytest.approx(2 * softmax["target"])
    assert softmax["reached"] and pairwise["reached"]
    assert "target scaled to this card" not in pairwise
    softmax, _ = rows(chosen, [], measured, "NVIDIA H200", H200_COPY, True)
    assert "target scaled to this card" not in softmax and not softmax["reached"]


def test_the_mean_is_geometric_and_only_right_results_are_peers() -> None:
    chosen = [w for w in workloads() if w.name in ("softmax", "sum")]
    fast_but_wrong = record(1e-6, agrees=False)
    measured = {
        "softmax": {"gpuarray": record(1.0), "cupy": record(4.0), "jax": fast_but_wrong},
        "sum": {"gpuarray": record(2.0), "cupy": record(3.0), "jax": record(2.0)},
    }
    found = summary(rows(chosen, [], measured, "", 1.0, False))
    assert found["geometric mean"] == pytest.approx(2.0)  # of 4 and 1
    assert found["worst"] == {"name": "sum", "ratio": 1.0}


def test_one_wrong_element_of_many_is_found() -> None:
    x = np.random.default_rng(1).random(1 << 22, np.float32)
    wanted = Expected((x.astype(np.float64),), ...)
    assert worst_error([x], wanted) == 0.0
    x[12345] += 1
    assert worst_error([x], wanted) > 1e-5
    assert worst_error([x[1:]], wanted) == np.inf
    assert worst_error([x.astype(np.int32)], wanted) == np.inf
    x[12345] = np.nan
    assert worst_error([x], wanted) == np.inf


@pytest.mark.parametrize("name", ["softmax", "pairwise", "jacobi-concat", "axpy"])
def test_a_sampled_reference_is_the_whole_one_at_its_rows(name: str) -> None:
    [work] = [w for w in workloads(1e-3) if w.name == name]
    inputs = work.inputs()
    sample = expected(work, inputs)
    whole = work.function(np, *(x.astype(np.float64) for x in inputs))
    np.testing.assert_allclose(sample.results[0], whole[sample.rows], rtol=1e-12)
    assert 0 < len(sample.rows) <= len(whole)


def test_a_chart_of_nothing_is_a_chart() -> None:
    assert ElementTree.fromstring(chart([], ["gpuarray", "cupy"], "a < b")) is not None


def test_a_profile_is_a_line_for_each_kernel() -> None:
    from benchmarks.profile import table

    stall = "smsp__average_warps_issue_stalled_{}_per_issue_active.ratio"
    text = f'''==PROF== Connected to process 1
"ID","Kernel Name","Metric Name","Metric Value"
"0","gpuarray_scan(Args)","gpu__time_duration.sum","1,234,000"
"0","gpuarray_scan(Args)","launch__registers_per_thread","40"
"0","gpuarray_scan(Args)","{stall.format("barrier")}","0.5"
"0","gpuarray_scan(Args)","{stall.format("wait")}","1.5"
"1","other","gpu__time_duration.sum","2,000"
==PROF== Disconnected
'''
    head, first, second = table(text.splitlines())
    assert head.split()[:3] == ["kernel", "us", "MB"]
    assert first.split() == ["gpuarray_scan", "1234", "40", "wait", "1.5,", "barrier", "0.5"]
    assert second.split() == ["other", "2"]


def test_a_profile_runs_the_workload_itself(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks.profile import main

    assert main(["softmax", "--inside", "--scale", "0.0001", "--backend", "numpy"]) == 0
    with pytest.raises(SystemExit):
        main(["no-such-workload"])
    assert "no no-such-workload; there are" in capsys.readouterr().err
