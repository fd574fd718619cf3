"""Captures in the simulator: nothing runs before the launch, and what CUDA forbids is an error."""

from __future__ import annotations

import numpy as np
import pytest

from gpuarray.errors import DeviceError

from .runtime import SimulatedDeviceRuntime, SimulatedRuntime


@pytest.fixture
def device() -> SimulatedDeviceRuntime:
    return SimulatedRuntime(devices=1).open(0)


def test_a_graph_runs_when_it_is_launched_and_each_time(device: SimulatedDeviceRuntime) -> None:
    stream, home, calling = (device.create_stream() for _ in range(3))
    source, result = (device.allocate(8, calling) for _ in range(2))
    device.fill(result, 8, calling)
    device.begin_capture(stream, home)
    inner = device.allocate(8, stream)
    constant = np.asarray([1.0])
    device.copy_in(inner, constant, stream)
    constant[0] = 9.0
    device.copy(source, inner, 8, stream)
    device.free(inner, 8, stream)
    graph = device.end_capture(stream)
    device.copy(result, source, 8, calling)
    found = np.zeros(1)
    device.wait(calling, device.record(home))
    for _ in range(2):
        device.fill(source, 8, calling)
        device.launch_graph(graph, calling)
        device.copy_out(found, source, calling)
        assert found == 1.0
    assert device.memory().used == 3 * 256
    device.wait(home, device.record(calling))
    device.free_graph(graph)
    device.synchronize()
    assert device.memory().used == 2 * 256


@pytest.mark.parametrize(
    "what", ["copy_out", "synchronize", "synchronize all", "record", "wait", "trim", "launch_graph"]
)
def test_what_cannot_be_captured_spoils_the_capture(
    device: SimulatedDeviceRuntime, what: str
) -> None:
    stream, home = device.create_stream(), device.create_stream()
    device.begin_capture(stream, home)
    empty = device.end_capture(stream)
    event = device.record(home)
    device.begin_capture(stream, home)
    pointer = device.allocate(8, stream)
    forbidden = {
        "copy_out": lambda: device.copy_out(np.zeros(1), pointer, stream),
        "synchronize": lambda: device.synchronize(stream),
        "synchronize all": lambda: device.synchronize(),
        "record": lambda: device.record(stream),
        "wait": lambda: device.wait(stream, event),
        "trim": device.trim,
        "launch_graph": lambda: device.launch_graph(empty, stream),
    }
    with pytest.raises(DeviceError, match="being captured"):
        forbidden[what]()
    device.free(pointer, 8, stream)
    with pytest.raises(DeviceError, match=f"end_capture: {what.split()[0]} was called"):
        device.end_capture(stream)
    device.synchronize()
    assert device.memory().used == 0


def test_memory_that_is_still_held_fails_the_capture(device: SimulatedDeviceRuntime) -> None:
    stream, home = device.create_stream(), device.create_stream()
    device.begin_capture(stream, home)
    device.allocate(8, stream)
    with pytest.raises(DeviceError, match="1 blocks of memory are still in use"):
        device.end_capture(stream)
