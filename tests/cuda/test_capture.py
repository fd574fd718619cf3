"""How the driver is asked for graphs, and what happens to their memory.  Needs no GPU."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gpuarray.errors import DeviceError, OutOfMemory
from gpuarray_cuda.capture import Captures
from gpuarray_cuda.context import Context
from gpuarray_cuda.memory import DeviceMemory

from .test_memory import FakePool

STREAM, HOME, CALLING = 0x10, 0x20, 0x30


class Driver:
    """Answers with success, or with the codes in `codes`, one after the other; notes all calls."""

    CUstreamCaptureMode = SimpleNamespace(CU_STREAM_CAPTURE_MODE_RELAXED="relaxed")

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.codes: dict[str, list[int]] = {}
        self.current = 0

    def CUcontext(self, handle: int) -> int:
        return handle

    def cuCtxGetCurrent(self) -> tuple[int, int]:
        return 0, self.current

    def cuCtxSetCurrent(self, handle: int) -> tuple[int]:
        self.current = handle
        return (0,)

    def cuGetErrorName(self, code: int) -> tuple[int, bytes]:
        return 0, f"CUDA_ERROR_{code}".encode()

    def cuGetErrorString(self, code: int) -> tuple[int, bytes]:
        return 0, b"in words"

    def _answer(self, name: str, *arguments: Any) -> int:
        self.calls.append((name, *arguments))
        codes = self.codes.get(name)
        return codes.pop(0) if codes else 0

    def cuStreamBeginCapture(self, stream: int, mode: str) -> tuple[int]:
        assert mode == "relaxed"
        return (self._answer("begin", stream),)

    def cuStreamEndCapture(self, stream: int) -> tuple[int, Any]:
        code = self._answer("end", stream)
        return code, None if code else "graph"

    def cuGraphInstantiate(self, graph: str, flags: int) -> tuple[int, Any]:
        code = self._answer("instantiate", graph, flags)
        return code, None if code else "executable"

    def cuGraphDestroy(self, graph: str) -> tuple[int]:
        return (self._answer("destroy", graph),)

    def cuGraphExecDestroy(self, executable: str) -> tuple[int]:
        return (self._answer("destroy", executable),)

    def cuGraphLaunch(self, executable: str, stream: int) -> tuple[int]:
        return (self._answer("launch", executable, stream),)


@pytest.fixture
def made() -> tuple[Driver, DeviceMemory, Captures]:
    driver = Driver()
    context: Any = Context.__new__(Context)
    context.driver, context.handle, context.ordinal, context.last_kernel = driver, 7, 0, ""
    memory = DeviceMemory("cuda:0", FakePool(), 1 << 40)
    return driver, memory, Captures(context, memory)


def used(memory: DeviceMemory) -> int:
    return memory.statistics().used


def test_a_graph_is_made_launched_and_given_back(
    made: tuple[Driver, DeviceMemory, Captures],
) -> None:
    driver, memory, captures = made
    captures.begin(STREAM, HOME)
    assert (captures.stream, driver.current) == (STREAM, 7)
    pointer = memory.allocate(1000, STREAM)
    host = np.ones(100)
    place = captures.keep(host)
    host[0] = 2.0
    memory.free(pointer, 1000, STREAM)
    graph, kept = captures.end(STREAM)
    assert (captures.stream, driver.current) == (-1, 0)
    assert kept[0][0] == place
    np.testing.assert_array_equal(kept[0][1], np.ones(100))
    captures.launch(graph, CALLING)
    assert used(memory) == 1024 + 1024
    captures.free(graph)
    assert used(memory) == 0
    assert driver.calls == [
        ("begin", STREAM),
        ("end", STREAM),
        ("instantiate", "graph", 0),
        ("destroy", "graph"),
        ("launch", "executable", CALLING),
        ("destroy", "executable"),
    ]


def test_an_instantiation_that_finds_no_memory_is_tried_again(
    made: tuple[Driver, DeviceMemory, Captures],
) -> None:
    driver, memory, captures = made
    driver.codes["instantiate"] = [2]
    captures.begin(STREAM, HOME)
    captures.end(STREAM)
    driver.codes["instantiate"] = [2, 2]
    captures.begin(STREAM, HOME)
    memory.free(memory.allocate(1000, STREAM), 1000, STREAM)
    with pytest.raises(OutOfMemory, match="graph of a compiled function"):
        captures.end(STREAM)
    assert used(memory) == 0
    assert ("destroy", "executable") not in driver.calls


@pytest.mark.parametrize("name", ["begin", "end", "instantiate"])
def test_a_capture_that_fails_is_over(
    made: tuple[Driver, DeviceMemory, Captures], name: str
) -> None:
    driver, memory, captures = made
    driver.codes[name] = [901]

    def capture() -> None:
        captures.begin(STREAM, HOME)
        memory.free(memory.allocate(1000, STREAM), 1000, STREAM)
        captures.end(STREAM)

    with pytest.raises(DeviceError, match="CUDA_ERROR_901"):
        capture()
    assert (captures.stream, driver.current, used(memory)) == (-1, 0, 0)
    captures.begin(STREAM, HOME)
    captures.end(STREAM)


def test_memory_that_is_still_held_fails_the_capture(
    made: tuple[Driver, DeviceMemory, Captures],
) -> None:
    driver, memory, captures = made
    captures.begin(STREAM, HOME)
    held = memory.allocate(1000, STREAM)
    with pytest.raises(DeviceError, match="1 blocks of a graph are still in use"):
        captures.end(STREAM)
    assert driver.calls[-1] == ("destroy", "executable")
    memory.free(held, 1000, STREAM)
    assert used(memory) == 0


def test_a_thread_without_a_context_launches_in_the_devices(
    made: tuple[Driver, DeviceMemory, Captures],
) -> None:
    driver, _, captures = made
    captures.begin(STREAM, HOME)
    graph, _ = captures.end(STREAM)
    driver.codes["launch"] = [201]
    captures.launch(graph, CALLING)
    driver.codes["launch"] = [700]
    with pytest.raises(DeviceError, match="launch the graph"):
        captures.launch(graph, CALLING)
