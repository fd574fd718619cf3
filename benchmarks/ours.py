"""gpuarray beside its peers: on a GPU, on the simulator, or, to try things out, on NumPy.

In: the name of a backend. Out: a `Peer` that can also say what copying costs on its device, how
many kernels a call launches, and how much memory it takes at its peak.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import gpuarray
from benchmarks.peers import NotApplicable, Peer, Record
from benchmarks.timing import measure
from benchmarks.workload import Array, Function, Workload
from gpuarray.plugins import backend

__all__ = ["Ours", "OursCompiled", "has_compile"]


def has_compile() -> bool:
    """Whether this version has `gpuarray.compile`."""
    return hasattr(gpuarray, "compile")


class Ours(Peer):
    """gpuarray, on the first device of a backend.

    Attributes
    ----------
    device
        The device.
    executor
        What runs tasks there; None on NumPy.
    """

    name = "gpuarray"
    version = gpuarray.__version__
    library = namespace = gpuarray

    def __init__(self, name: str = "cuda") -> None:
        with backend(name) as opened:
            self.device = opened.devices[0]
            self.executor: Any = None
            if name == "cuda":
                self.executor = opened.manager.get_plugin("cuda").executor(self.device)

    @property
    def device_name(self) -> str:
        return self.executor.runtime.properties.name if self.executor else "NumPy"

    def array(self, host: Array) -> Any:
        return gpuarray.asarray(host, device=self.device, copy=True)

    def host(self, array: Any) -> Array:
        return np.asarray(array.to_device("cpu"))

    def prepared(self, call: Function, dynamic: bool) -> Function:
        evaluate = gpuarray.evaluate

        def evaluated(*arrays: Any) -> Any:
            result = call(*arrays)
            if result.__class__ is tuple:
                evaluate(*result)
            else:
                evaluate(result)
            return result

        return evaluated

    def wait(self, result: Any) -> None:
        gpuarray.synchronize(self.device)

    def release(self) -> None:
        if self.executor:
            self.executor.runtime.trim()

    def copy_bandwidth(self, nbytes: int) -> float:
        """Bytes read and written in a second by a copy within the device."""
        values = np.random.default_rng(5).integers(0, 256, nbytes, np.uint8)
        if self.executor:
            runtime, stream = self.executor.runtime, self.executor.stream
            source, destination = (self.executor.allocate(nbytes) for _ in range(2))
            runtime.copy_in(source.pointer, values, stream)

            def copy() -> None:
                runtime.copy(destination.pointer, source.pointer, nbytes, stream)
        else:
            copied = np.empty_like(values)

            def copy() -> None:
                np.copyto(copied, values)

        return 2 * nbytes / measure(copy, self.wait).seconds

    @contextmanager
    def watch(self) -> Iterator[Record]:
        """Besides the peak, ``kernels`` launched and ``library calls`` made."""
        found: Record = {}
        if not self.executor:
            yield found
            return
        self.release()
        runtime = self.executor.runtime
        with _Watched(runtime) as watched:
            yield found
        found |= {
            "kernels": watched.kernels,
            "library calls": watched.library_calls,
            "peak": watched.peak,
        }


class OursCompiled(Ours):
    """gpuarray with `gpuarray.compile`, for the workloads at the limit, as peers have theirs."""

    name = "gpuarray.compile"

    def ways(self, workload: Workload) -> dict[str, Function]:
        if workload.group != "limit":
            raise NotApplicable("only those at the limit are compiled")
        if workload.dynamic:
            raise NotApplicable("its shape depends on values")
        return super().ways(workload)

    def prepared(self, call: Function, dynamic: bool) -> Function:
        # What a compiled function gives is in memory: nothing is left to evaluate.
        return gpuarray.compile(call)


class _Watched:
    """Stands between a runtime and its callers: counts what passes, and the bytes in use.

    The pool's own peak is that of the whole process, which cannot tell one workload from another.
    """

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self._used = 0
        self.kernels = self.library_calls = self.peak = 0

    def __enter__(self) -> _Watched:
        runtime = self._runtime
        self._saved = {name: getattr(runtime, name) for name in _WATCHED}
        self._own = set(vars(runtime))
        for name in _WATCHED:
            setattr(runtime, name, getattr(self, f"_{name}", None) or _Calls(self))
        return self

    def __exit__(self, *_: object) -> None:
        for name, value in self._saved.items():
            if name in self._own:
                setattr(self._runtime, name, value)
            else:
                delattr(self._runtime, name)

    def _launch(self, *arguments: Any) -> None:
        self.kernels += 1
        self._saved["launch"](*arguments)

    def _allocate(self, nbytes: int, stream: int) -> int:
        pointer: int = self._saved["allocate"](nbytes, stream)
        self._used += nbytes
        self.peak = max(self.peak, self._used)
        return pointer

    def _free(self, pointer: int, nbytes: int, stream: int) -> None:
        self._used -= nbytes
        self._saved["free"](pointer, nbytes, stream)

    @property
    def asked(self) -> Any:
        return self._saved["libraries"]

    def library(self, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(self._saved["libraries"], name)

        def counted(*arguments: Any, **keywords: Any) -> Any:
            self.library_calls += 1
            return function(*arguments, **keywords)

        return counted


class _Calls:
    """NVIDIA's libraries, whose calls are counted."""

    def __init__(self, watched: _Watched) -> None:
        self._watched = watched

    def __getattr__(self, name: str) -> Any:
        if name in _QUESTIONS:
            return getattr(self._watched.asked, name)
        return self._watched.library(name)


# Methods of the libraries that start no work.
_QUESTIONS = ("adds", "load")

_WATCHED = ("launch", "allocate", "free", "libraries")
