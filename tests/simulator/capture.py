"""Graphs in the simulator: what is enqueued during a capture is kept, and run by each launch.

In: the calls of `SimulatedDeviceRuntime` for a stream that is being captured. Out: a graph, whose
work is done with the same addresses on the stream that launches it. What CUDA forbids during a
capture is an error here, and spoils the capture.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from gpuarray.errors import DeviceError

__all__ = ["CapturingDevice", "Graph"]

Work = Callable[[int], None]


class Graph:
    """The work of a graph; `allocations` are its memory, and `lent` that which is still in use."""

    def __init__(self, stream: int, home: int) -> None:
        self.stream = stream
        self.home = home
        self.work: list[Work] = []
        self.allocations: dict[int, int] = {}
        self.lent: set[int] = set()
        self.broken = ""


class CapturingDevice:
    """The part of a simulated device that captures."""

    _call: Any
    _runtime: Any
    _freed: Any
    allocate: Any

    def __init__(self) -> None:
        self._capture: Graph | None = None
        self._graphs: dict[int, Graph] = {}  # by the pointers of their memory

    def begin_capture(self, stream: int, home: int) -> None:
        with self._call("begin_capture"):
            if self._capture is not None:
                raise DeviceError("begin_capture: another stream is being captured")
            if stream < 16 or home == stream:
                raise DeviceError(f"begin_capture: stream {stream} with memory of {home}")
            self._capture = Graph(stream, home)

    def end_capture(self, stream: int) -> Graph:
        with self._call("end_capture"):
            graph = self._capture
            if graph is None or graph.stream != stream:
                raise DeviceError(f"end_capture: stream {stream} is not being captured")
            self._capture = None
            if graph.lent and not graph.broken:
                graph.broken = f"{len(graph.lent)} blocks of memory are still in use"
            if graph.broken:
                self._give_back(graph)
                raise DeviceError(f"end_capture: {graph.broken}")
            return graph

    def launch_graph(self, graph: Any, stream: int) -> None:
        with self._call("launch_graph", reports=True):
            if self._capturing(stream):
                raise self.spoilt("launch_graph")
            self._runtime.instruments.add(graph_launches=1)
        for work in graph.work:
            work(stream)

    def free_graph(self, graph: Any) -> None:
        if not sys.is_finalizing():
            graph.work.clear()
            self._give_back(graph)

    def _capturing(self, stream: int | None) -> bool:
        """Whether `stream`, or for None any, is being captured."""
        capture = self._capture
        return capture is not None and stream in (None, capture.stream)

    def deferred(self, stream: int, work: Work) -> bool:
        """Whether `work` is for later, since its stream is being captured."""
        if self._capture is None or self._capture.stream != stream:
            return False
        self._capture.work.append(work)
        return True

    def spoilt(self, what: str) -> DeviceError:
        """The error of a call that a capture does not allow; the capture will fail, too."""
        assert self._capture is not None
        self._capture.broken = f"{what} was called for a stream that is being captured"
        return DeviceError(f"{what}: the stream is being captured")

    def _forbid(self, what: str, stream: int | None) -> None:
        if self._capturing(stream):
            raise self.spoilt(what)

    def _allocated(self, nbytes: int) -> int:
        """Memory of the graph that is being captured."""
        graph = self._capture
        assert graph is not None
        self._capture = None  # the memory itself comes from another stream
        try:
            pointer: int = self.allocate(nbytes, graph.home)
        finally:
            self._capture = graph
        if pointer:
            graph.allocations[pointer] = nbytes
            graph.lent.add(pointer)
            self._graphs[pointer] = graph
        return pointer

    def _belongs(self, pointer: int, stream: int) -> bool:
        """Whether freed memory is a graph's, and stays with it."""
        graph = self._graphs.get(pointer)
        if graph is None or stream != graph.stream:
            return False
        graph.lent.discard(pointer)
        return True

    def _give_back(self, graph: Graph) -> None:
        for pointer, nbytes in graph.allocations.items():
            del self._graphs[pointer]
            if pointer not in graph.lent:
                self._freed.append((pointer, nbytes, graph.home))
        graph.allocations.clear()

    def capturing_libraries(self, libraries: Any) -> Any:
        """Let the calls of libraries be deferred, too."""
        for name, method in inspect.getmembers(libraries, inspect.ismethod):
            signature = inspect.signature(method)
            if not name.startswith("_") and "stream" in signature.parameters:
                setattr(libraries, name, self._deferring(name, method, signature))
        return libraries

    def _deferring(
        self, name: str, method: Callable[..., Any], signature: inspect.Signature
    ) -> Callable[..., Any]:
        @wraps(method)
        def called(*args: Any, **keywords: Any) -> Any:
            if self._capture is None:
                return method(*args, **keywords)
            given = signature.bind(*args, **keywords).arguments
            if self._capturing(given["stream"]) and signature.return_annotation not in (
                None,
                "None",
            ):
                raise self.spoilt(name)  # it waits for what it returns
            if self.deferred(given["stream"], lambda s: method(**{**given, "stream": s})):
                return None
            return method(*args, **keywords)

        return called
