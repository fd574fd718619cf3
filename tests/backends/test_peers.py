"""Copies between two CUDA devices, which do not pass the host."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import can_access_peer, mapped_empty, memcpy
from gpuarray.devices import all_devices
from tests.backends.conftest import REAL
from tests.simulator import simulated_runtime


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        if "cuda:1" not in all_devices():
            pytest.skip("needs two CUDA devices")
        yield


def elements(x: xp.Array) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray(x.to_device("cpu"))


def test_a_copy_goes_from_device_to_device() -> None:
    x = xp.arange(1000, dtype="float32") + 1.0
    xp.evaluate(x)
    if REAL:
        y = (x + 1.0).to_device("cuda:1")
    else:
        with simulated_runtime().counting() as counted:
            y = (x + 1.0).to_device("cuda:1")
        assert (counted.bytes_in, counted.bytes_out, counted.bytes_between) == (0, 0, 4000)
        assert counted.synchronizations == 0
        assert simulated_runtime().devices[1].addresses.peer_copies
    assert str(y.device) == "cuda:1" and y.shape == x.shape and y.dtype == x.dtype
    np.testing.assert_array_equal(elements(y * 2.0), (np.arange(1000) + 2) * 2)
    np.testing.assert_array_equal(elements(y.to_device("cuda:0") - x), np.ones(1000))


def test_layouts_and_dtypes_arrive_as_they_are() -> None:
    for dtype in ("bool", "int8", "float64", "complex64"):
        x = xp.astype(xp.reshape(xp.arange(24, dtype="int32") % 5, (2, 3, 4)), dtype)
        for view in (x, xp.permute_dims(x, (2, 0, 1)), x[1:, ::2], x[:, ::-1], x[:, :0]):
            y = view.to_device("cuda:1")
            assert y.shape == view.shape and y.dtype == dtype
            np.testing.assert_array_equal(elements(y), elements(view))


def test_the_memory_may_be_freed_and_overwritten_at_once() -> None:
    copies = []
    for k in range(20):
        x = xp.zeros(1 << 16, dtype="float32") + float(k)
        copies.append(x.to_device("cuda:1"))
        memcpy(x, xp.zeros(1 << 16, dtype="float32"))
        del x
    assert [float(y[-1]) for y in copies] == [*range(20)]


def test_memory_that_others_may_write_is_copied_too() -> None:
    x = mapped_empty(5, "float64")
    memcpy(x, xp.ones(5))
    assert elements(x.to_device("cuda:1")).tolist() == [1.0] * 5


def test_a_device_reaches_itself() -> None:
    assert can_access_peer("cuda:0", "cuda:0")
    assert can_access_peer("cuda:0", "cuda:1") in (False, True)
    with pytest.raises(TypeError, match="can_access_peer: needs a CUDA device"):
        can_access_peer("cuda:0", "cpu")
