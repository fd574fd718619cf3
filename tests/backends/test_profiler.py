"""`gpuarray.cuda.profiler`: ranges around what runs, by way of a module that notes them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import gpuarray as xp
from gpuarray.cuda import RawKernel, profiler
from gpuarray.plugins import hookimpl, register, unregister

from .conftest import REAL


class Noting(ModuleType):
    """Stands for the package `nvtx`."""

    def __init__(self) -> None:
        super().__init__("nvtx")
        self.open: list[str] = []
        self.names: list[str] = []

    def push_range(self, message: str, domain: str) -> None:
        assert domain == "gpuarray"
        self.open.append(message)
        self.names.append(message)

    def pop_range(self, domain: str) -> None:
        assert domain == "gpuarray"
        self.open.pop()


@pytest.fixture
def nvtx(monkeypatch: pytest.MonkeyPatch) -> Iterator[Noting]:
    noting = Noting()
    monkeypatch.setitem(sys.modules, "nvtx", noting)
    yield noting
    profiler.annotate(False)


def train(x: Any, y: Any) -> float:
    return float(xp.sum(xp.exp(x) * y))


def test_each_launch_is_named_after_function_line_and_operations(device: str, nvtx: Noting) -> None:
    x, y = xp.arange(5.0), xp.ones(5)
    train(x, y)
    assert nvtx.names == []
    profiler.annotate()
    profiler.annotate()
    train(x, y)
    xp.evaluate(xp.sort(x))
    line = train.__code__.co_firstlineno + 1
    where = "test_each_launch_is_named_after_function_line_and_operations"
    assert nvtx.names[0] == f"train (test_profiler.py:{line}): exp multiply sum"
    assert nvtx.names[1].startswith(f"{where} (test_profiler.py:")
    assert nvtx.names[1].endswith(": sort")
    assert nvtx.open == []
    before = len(nvtx.names)
    profiler.annotate(False)
    train(x, y)
    assert len(nvtx.names) == before


def test_kernels_of_ones_own_and_ranges_nest(nvtx: Noting) -> None:
    profiler.annotate()
    seen: list[list[str]] = []

    class Watching:
        @hookimpl(tryfirst=True)
        def gpuarray_launch(self) -> None:
            seen.append(list(nvtx.open))

    with xp.backend("cuda"):
        x = xp.zeros(4)
        xp.evaluate(x)
        register(Watching(), name="watching")
        try:
            with profiler.range("epoch"), profiler.range("step"):
                RawKernel("__global__ void fill(double* x) { x[0] = 1; }", "fill")(1, 1, (x,))
        finally:
            unregister("watching")
    ((epoch, step, kernel),) = seen
    assert (epoch, step) == ("epoch", "step")
    assert kernel.endswith(": fill") and nvtx.open == []


def test_ranges_end_where_something_fails(device: str, nvtx: Noting) -> None:
    class Failing:
        @hookimpl
        def gpuarray_run(self) -> None:
            raise ZeroDivisionError

    profiler.annotate()
    x = xp.ones(3)
    register(Failing(), name="failing")
    try:
        with pytest.raises(ZeroDivisionError), profiler.range("outer"):
            float(xp.sum(x * 2.0))
    finally:
        unregister("failing")
    assert nvtx.open == [] and len(nvtx.names) == 2


def test_without_the_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "nvtx", None)
    for wanted in (profiler.annotate, profiler.range("x").__enter__):
        with pytest.raises(ModuleNotFoundError, match="pip install nvtx"):
            wanted()
    with pytest.raises(TypeError, match=r"profiler.range: name must be text, got int"):
        profiler.range(3).__enter__()  # type: ignore[arg-type]


def test_the_environment_switches_ranges_on(tmp_path: Any) -> None:
    (tmp_path / "nvtx.py").write_text(
        "def push_range(message, domain): print('push', message)\n"
        "def pop_range(domain): print('pop')\n"
    )
    program = (
        "import gpuarray as xp\ndef f(x):\n    return float(xp.sum(x))\nf(xp.asarray([1.0]))\n"
    )
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    chosen = {"GPUARRAY_NVTX": "1", "GPUARRAY_BACKEND": "numpy", "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, env={**os.environ, **chosen},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "push f (<string>:3): sum\npop\n"), done.stderr


def test_collection_starts_and_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin: Any = None
    with xp.backend("cuda") as opened:
        plugin = opened.manager.get_plugin("cuda")
        runtime = plugin.executor(opened.devices[0]).runtime
        calls: list[bool] = []
        if not REAL:
            monkeypatch.setattr(runtime, "profile", calls.append)
        with pytest.raises(ZeroDivisionError), profiler.profile():
            1 / 0  # noqa: B018
        profiler.start()
        profiler.stop("cuda:0")
    assert REAL or calls == [True, False, True, False]
    with pytest.raises(TypeError, match=r"profiler.start: needs a CUDA device"):
        profiler.start("cpu")
