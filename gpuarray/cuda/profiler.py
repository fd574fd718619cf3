"""For profilers such as Nsight Systems: what they collect, and named ranges in what they show.

In: names, and the functions of Python that evaluate arrays. Out: NVTX ranges of the host's time,
through the package `nvtx`, which has to be installed for them, and CUDA's collection switched on
and off.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from gpuarray.cuda.raw_module import executor_of
from gpuarray.devices import device as find_device
from gpuarray.plugins import register, unregister
from gpuarray.plugins.manager import is_registered
from gpuarray.watching import Watcher

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["NAME", "Ranges", "annotate", "profile", "range", "start", "stop"]

NAME = "gpuarray.nvtx"
_DOMAIN = "gpuarray"


def start(device: Device | str | None = None) -> None:
    """Let a profiler collect from now on, if it was told to wait for that.

    For instance ``nsys profile --capture-range=cudaProfilerApi``.

    Raises
    ------
    TypeError
        The device is no CUDA device.
    """
    executor_of("profiler.start", find_device(device)).runtime.profile(True)


def stop(device: Device | str | None = None) -> None:
    """Let a profiler collect no longer; waits for the device before."""
    runtime = executor_of("profiler.stop", find_device(device)).runtime
    runtime.synchronize()
    runtime.profile(False)


@contextmanager
def profile(device: Device | str | None = None) -> Iterator[None]:
    """A profiler collects what runs within the block."""
    start(device)
    try:
        yield
    finally:
        stop(device)


@contextmanager
def range(name: str) -> Iterator[None]:  # shadows Python's, which this module does not use
    """The block is a range of that name on the host's time line.

    Raises
    ------
    TypeError
        `name` is no text.
    ModuleNotFoundError
        The package `nvtx` is not installed.
    """
    if not isinstance(name, str):
        raise TypeError(f"profiler.range: name must be text, got {type(name).__name__}")
    nvtx = _nvtx()
    nvtx.push_range(name, domain=_DOMAIN)
    try:
        yield
    finally:
        nvtx.pop_range(domain=_DOMAIN)


def annotate(on: bool = True) -> None:
    """Put a range around the launch of each kernel and library operation, or no longer.

    It is named after the function of Python that evaluates, its line, and the operations: ``train
    (model.py:12): exp multiply sum``. ``GPUARRAY_NVTX=1`` does it from the beginning. Compiled
    functions are replayed task by task meanwhile.

    Raises
    ------
    ModuleNotFoundError
        The package `nvtx` is not installed.
    """
    find_device(None)  # by now those are registered that are there from the beginning
    there = is_registered(NAME)
    if on and not there:
        register(Ranges(), name=NAME)
    elif there and not on:
        unregister(NAME)


class Ranges(Watcher):
    """The plugin behind `annotate`."""

    def __init__(self) -> None:
        self._nvtx = _nvtx()

    def begin(self, name: str, shape: tuple[int, ...], device: Device) -> None:
        self._nvtx.push_range(f"{_caller()}: {name}", domain=_DOMAIN)

    def end(self, token: None, done: bool) -> None:
        self._nvtx.pop_range(domain=_DOMAIN)


def _caller() -> str:
    """The innermost function outside of gpuarray, and its line."""
    frame: Any = sys._getframe(1)
    while frame is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    if frame is None:
        return "gpuarray"
    code = frame.f_code
    return f"{code.co_qualname} ({PurePath(code.co_filename).name}:{frame.f_lineno})"


def _is_ours(module: str) -> bool:
    return module.split(".")[0] in ("gpuarray", "gpuarray_cuda", "gpuarray_numpy", "pluggy")


def _nvtx() -> Any:
    try:
        return import_module("nvtx")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "profiler: ranges need the package nvtx: pip install nvtx, or 'gpuarray-xp[profile]'"
        ) from None
