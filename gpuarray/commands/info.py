"""``python -m gpuarray info``: what gpuarray finds on this machine.

In: nothing. Out: lines of text. Each installed backend is started, and one that can't start is
reported with its reason; that is an error only if it is the one that was asked for.
"""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import gpuarray
from gpuarray import compiled
from gpuarray.devices import Device, default_device
from gpuarray.errors import BackendUnavailable
from gpuarray.plugins import MemoryInfo, backends

__all__ = ["info"]


def info() -> int:
    """Print the report; 0.

    Raises
    ------
    BackendUnavailable
        At the end of the report: the backend that `GPUARRAY_BACKEND` names cannot start.
    """
    found: dict[str, tuple[Device, ...] | str] = {name: _devices(name) for name in backends()}
    default: Device | None = None
    problem: BackendUnavailable | None = None
    try:
        default = default_device()
    except (BackendUnavailable, ValueError) as error:
        problem = BackendUnavailable(str(error))

    _line("gpuarray", gpuarray.__version__)
    _line("standard", f"Python array API {gpuarray.__array_api_version__}")
    _line("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    _line("NumPy", np.__version__)
    _line("recorder", "compiled" if compiled.in_use() else "pure Python")
    print("backends")
    for name, devices in found.items():
        _entry(name, devices if isinstance(devices, str) else ", ".join(devices))
    print("devices")
    for devices in found.values():
        for device in () if isinstance(devices, str) else devices:
            chosen = " (default)" if device is default else ""
            _entry(device, f"{device.hook.gpuarray_describe(device=device)}{chosen}")
            _entry("", _memory(device.hook.gpuarray_memory(device=device)))
    _line("kernel cache", _cache())
    print("environment")
    for name, value in _environment():
        _entry(name, value)
    if problem is not None:
        raise problem
    return 0


def _line(name: str, value: str) -> None:
    print(f"{name:<15}{value}")


def _entry(name: str, value: str) -> None:
    print(f"  {name:<13}{value}")


def _devices(name: str) -> tuple[Device, ...] | str:
    """A backend's devices, or why it has none."""
    try:
        with gpuarray.backend(name) as opened:
            return opened.devices
    except BackendUnavailable as error:
        return f"cannot start: {error}"
    except Exception as error:  # a stranger's plugin may fail in any way, and this is the report
        return f"is broken: {type(error).__name__}: {error}"


def _memory(memory: MemoryInfo) -> str:
    parts = [f"{_size(memory.used)} used", f"{_size(memory.held)} held"]
    for value, word in (
        (memory.limit, "the limit"),
        (memory.free, "free"),
        (memory.total, "in all"),
    ):
        if value is not None:
            parts.append(f"{_size(value)} {word}")
    return ", ".join(parts)


def _size(nbytes: float) -> str:
    """Bytes for a human.

    Examples
    --------
    >>> _size(3 << 29)
    '1.5 GiB'
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if nbytes < 1024:
            return f"{nbytes:.3g} {unit}"
        nbytes /= 1024
    return f"{nbytes:.4g} TiB"


def _cache() -> str:
    """Where compiled kernels are kept, and how many there are.

    It exists whether or not CUDA starts here, so the backend's module is asked, and no hook.
    """
    try:
        directory: Path | None = importlib.import_module("gpuarray_cuda.cache").cache_directory()
    except ModuleNotFoundError:
        return "none: the CUDA backend is not installed"
    if directory is None:
        return "off"
    try:
        kernels = [entry.stat().st_size for entry in directory.glob("*.kernel")]
    except OSError:
        kernels = []
    return f"{directory} ({len(kernels)} kernels, {_size(sum(kernels))})"


def _environment() -> Iterator[tuple[str, str]]:
    """The variables that are set and change what gpuarray does."""
    names = [n for n in os.environ if n.startswith("GPUARRAY_") or n == "CUDA_VISIBLE_DEVICES"]
    for name in sorted(names):
        yield name, f"= {os.environ[name]}"
    if not names:
        yield "", "no GPUARRAY_ variable is set"
