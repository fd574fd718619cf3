"""Capture a stream's work as a CUDA graph, and launch it.

In come stream handles, out go graphs that own the memory of the work in them. The driver writes
down what is enqueued between `begin` and `end`, addresses included, and runs none of it.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuarray.errors import DeviceError

from .arena import Arena
from .context import INVALID_CONTEXT, OUT_OF_MEMORY, Context
from .memory import DeviceMemory

__all__ = ["CapturedGraph", "Captures"]


class CapturedGraph:
    """An executable graph, and the memory whose addresses are written in it.

    `blocks` hold what came from the host during the capture, as (pointer, bytes).
    """

    __slots__ = ("arena", "blocks", "executable", "home")

    def __init__(
        self, executable: Any, arena: Arena, blocks: list[tuple[int, int]], home: int
    ) -> None:
        self.executable = executable
        self.arena = arena
        self.blocks = blocks
        self.home = home


class Captures:
    """Captures of one device, one at a time.

    Attributes
    ----------
    stream
        The stream that is being captured, or -1.
    lock
        Held during a capture. What concerns all streams of the context, such as waiting for it,
        is an error meanwhile, in any thread.
    """

    __slots__ = ("_context", "_current", "_home", "_kept", "_launch", "_memory", "lock", "stream")

    def __init__(self, context: Context, memory: DeviceMemory) -> None:
        self._context = context
        self._current = context.current()
        self._memory = memory
        self._launch = context.driver.cuGraphLaunch
        self._home = 0
        self._kept: list[tuple[int, NDArray[Any]]] = []
        self.stream = -1
        self.lock = threading.RLock()

    def begin(self, stream: int, home: int) -> None:
        """See `runtime.DeviceRuntime.begin_capture`."""
        context, driver = self._context, self._context.driver
        self.lock.acquire()
        self._current = context.current()
        try:
            self._memory.open_arena(stream, home)
            # The relaxed mode: finalizers may run at any moment, in this thread too, and they free
            # memory and unload modules, which the other modes forbid. The stream is nobody else's,
            # so that nothing else can get into the graph.
            mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
            # Current until the end: the kernels are without a context, and a graph asks for one.
            self._current.__enter__()
            context.check(driver.cuStreamBeginCapture(stream, mode), "capture a stream")
        except BaseException:
            self._current.__exit__(None, None, None)
            self._memory.close_arena(stream).close()
            self.lock.release()
            raise
        self._home = home
        self._kept = []
        self.stream = stream

    def keep(self, host: NDArray[Any]) -> int:
        """Where the bytes of an array will be whenever the graph runs."""
        pointer = self._memory.allocate(host.nbytes, self._home)
        self._kept.append((pointer, np.array(host)))
        return pointer

    def end(self, stream: int) -> tuple[CapturedGraph, list[tuple[int, NDArray[Any]]]]:
        """The graph, and what has to be copied to the device before it is launched.

        See `runtime.DeviceRuntime.end_capture`.
        """
        context, driver = self._context, self._context.driver
        kept, home = self._kept, self._home
        self._kept, self.stream = [], -1
        blocks = [(pointer, host.nbytes) for pointer, host in kept]
        graph: Any = None
        try:
            graph = context.check(driver.cuStreamEndCapture(stream), "capture a stream")
            executable = self._instantiated(graph)
        except BaseException:
            arena = self._memory.close_arena(stream)
            self._give_back(arena, blocks, home)
            raise
        finally:
            if graph is not None:
                driver.cuGraphDestroy(graph)
            self._current.__exit__(None, None, None)
            self.lock.release()
        arena = self._memory.close_arena(stream)
        found = CapturedGraph(executable, arena, blocks, home)
        if arena.lent:
            count = len(arena.lent)
            self.free(found)
            raise DeviceError(f"cuda:{context.ordinal}: {count} blocks of a graph are still in use")
        return found, kept

    def launch(self, graph: Any, stream: int) -> None:
        """See `runtime.DeviceRuntime.launch_graph`."""
        code = self._launch(graph.executable, stream)[0]
        if code == INVALID_CONTEXT:
            with self._context.current():
                code = self._launch(graph.executable, stream)[0]
        if code != 0:
            raise self._context.error(code, "launch the graph of a compiled function")
        self._context.last_kernel = "the graph of a compiled function"

    def free(self, graph: Any) -> None:
        """See `runtime.DeviceRuntime.free_graph`."""
        try:
            # What still runs is finished first, by the driver.
            with self._context.current():
                self._context.driver.cuGraphExecDestroy(graph.executable)
        except Exception:  # at interpreter exit any name may be gone
            return
        self._give_back(graph.arena, graph.blocks, graph.home)

    def _instantiated(self, graph: Any) -> Any:
        context, driver = self._context, self._context.driver
        code, executable = driver.cuGraphInstantiate(graph, 0)
        if code == OUT_OF_MEMORY:
            # The stream is no longer captured, so that the device can be waited for.
            self._memory.trim()
            code, executable = driver.cuGraphInstantiate(graph, 0)
        if code != 0:
            raise context.error(code, "make a graph of a compiled function")
        return executable

    def _give_back(self, arena: Arena, blocks: list[tuple[int, int]], home: int) -> None:
        arena.close()
        for pointer, nbytes in blocks:
            self._memory.free(pointer, nbytes, home)
