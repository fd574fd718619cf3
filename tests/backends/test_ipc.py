"""Memory that two processes use: on a device only, the simulator has no other processes."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import IpcHandle, from_ipc_handle, ipc_empty, ipc_handle, memcpy
from gpuarray.errors import DeviceError
from tests.backends.conftest import REAL


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        yield


def add_in_another_process(handle: IpcHandle, results: Any) -> None:
    with xp.backend("cuda"):
        x = from_ipc_handle(handle)
        results.put(np.asarray(x.to_device("cpu")))
        memcpy(x, x + 1.0)
        xp.synchronize()
        results.put("done")


@pytest.mark.skipif(not REAL, reason="needs a device")
def test_two_processes_write_to_one_array() -> None:
    x = ipc_empty((3, 5), "float32")
    memcpy(x, xp.reshape(xp.arange(15, dtype="float32"), (3, 5)))
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    other = context.Process(target=add_in_another_process, args=(ipc_handle(x), results))
    other.start()
    np.testing.assert_array_equal(results.get(timeout=120), np.arange(15).reshape(3, 5))
    assert results.get(timeout=120) == "done"
    other.join(timeout=120)
    assert other.exitcode == 0
    np.testing.assert_array_equal(x.to_device("cpu"), np.arange(1, 16).reshape(3, 5))


@pytest.mark.skipif(REAL, reason="of the simulator")
def test_the_simulator_says_that_it_has_no_other_processes() -> None:
    x = ipc_empty(4)
    memcpy(x, xp.ones(4))
    assert float(xp.sum(x)) == 4
    with pytest.raises(DeviceError, match="the simulator has no memory that another process"):
        ipc_handle(x)
    with pytest.raises(DeviceError, match="the simulator cannot open memory of another process"):
        from_ipc_handle(IpcHandle(bytes(64), 0, "<f8", (4,), "cuda:0"))


def test_a_handle_is_pickled_whole() -> None:
    handle = IpcHandle(bytes(range(64)), 8, "<f4", (2, 3), "cuda:0")
    assert pickle.loads(pickle.dumps(handle)) == handle


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="ipc_handle: x must be in memory of ipc_empty"):
        ipc_handle(xp.ones(3))
    with pytest.raises(TypeError, match="from_ipc_handle: needs an IpcHandle, got bytes"):
        from_ipc_handle(b"")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="ipc_empty: needs a CUDA device"):
        ipc_empty(3, device="cpu")
