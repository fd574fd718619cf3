"""Copies between addresses, and filling memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import Stream, copy_to_device, memcpy, memcpy2d, memset, pinned_empty


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        yield


def pinned(values: Any) -> np.ndarray[Any, Any]:
    host = pinned_empty(values.shape, values.dtype)
    host[...] = values
    return host


def elements(x: xp.Array) -> np.ndarray[Any, Any]:
    return np.asarray(x.to_device("cpu"))


def address(x: xp.Array) -> int:
    pointer: int = x.__cuda_array_interface__["data"][0]
    return pointer


def test_arrays_are_copied_among_devices_and_pinned_memory() -> None:
    host = pinned(np.arange(12, dtype="float32"))
    x, y = xp.zeros(12, dtype="float32"), xp.ones(12, dtype="float32")
    memcpy(x, host)
    memcpy(y, x * 2.0)
    out = pinned_empty(12, "float32")
    memcpy(out, y)
    xp.synchronize()
    np.testing.assert_array_equal(out, host * 2)
    memcpy(x, y, 16)
    np.testing.assert_array_equal(elements(x), [0, 2, 4, 6, *range(4, 12)])


def test_a_copy_changes_no_other_array() -> None:
    x = xp.arange(6, dtype="int32")
    y, z = xp.reshape(x, (2, 3)), x + 0
    memcpy(x, pinned(np.full(6, 9, "int32")))
    assert elements(x).tolist() == [9] * 6
    assert elements(y).tolist() == [[0, 1, 2], [3, 4, 5]] and elements(z).tolist() == [*range(6)]


def test_addresses_are_copied_as_they_are() -> None:
    x, y = xp.arange(8, dtype="float64") + 1.0, xp.zeros(8) + 0.5
    memcpy(address(y) + 16, address(x), 24)
    xp.synchronize()
    assert elements(y).tolist() == [0.5, 0.5, 1.0, 2.0, 3.0, 0.5, 0.5, 0.5]


def test_any_layout_is_read_row_major_on_any_stream() -> None:
    values = np.arange(64, dtype="float32").reshape(8, 8)
    for stream in (None, Stream()):
        x, y = copy_to_device(pinned(values)), xp.zeros((8, 8), dtype="float32")
        z = y[:]  # so that the destination gets memory of its own
        memcpy(y, x.T, stream=stream)
        np.testing.assert_array_equal(elements(y), values.T)
        assert float(xp.sum(z)) == 0


def test_work_on_other_streams_comes_in_order() -> None:
    x = xp.zeros(1000, dtype="float32")
    streams = [Stream() for _ in range(3)]
    for k, stream in enumerate(streams):
        memcpy(x, pinned(np.full(1000, k, "float32")), stream=stream)
        with streams[k - 1]:
            y = x + 1.0
            xp.evaluate(y)
        assert float(y[3]) == k + 1


def test_memory_is_filled_with_values_of_one_two_and_four_bytes() -> None:
    x = xp.zeros(8, dtype="uint32")
    for itemsize, value, expected in (
        (1, 0xAB, 0xABABABAB),
        (2, 0x1234, 0x12341234),
        (4, 0x12345678, 0x12345678),
    ):
        memset(x, value, itemsize=itemsize)
        assert elements(x).tolist() == [expected] * 8
    memset(x, 0, 8)
    assert elements(x).tolist() == [0, 0] + [0x12345678] * 6
    memset(address(x), 1, 4, itemsize=4)
    xp.synchronize()
    assert elements(x)[0] == 1


def test_rows_are_copied_at_their_pitches() -> None:
    matrix = np.arange(24, dtype="int16").reshape(4, 6)
    x, y = copy_to_device(pinned(matrix)), xp.zeros((3, 4), dtype="int16")
    memcpy2d(y, x, 6, 3, destination_pitch=8, source_pitch=12)
    expected = np.zeros((3, 4), "int16")
    expected[:, :3] = matrix[:3, :3]
    np.testing.assert_array_equal(elements(y), expected)


def test_wrong_arguments_are_named() -> None:
    x, y = xp.zeros(4), xp.zeros(8)
    with pytest.raises(ValueError, match=r"memcpy: nbytes must be given unless .* 32 and 64"):
        memcpy(x, y)
    with pytest.raises(ValueError, match=r"memcpy: nbytes must be given unless .* two addresses"):
        memcpy(4096, 8192)
    with pytest.raises(ValueError, match="memcpy: destination has 32 bytes, fewer than 64"):
        memcpy(x, y, 64)
    with pytest.raises(ValueError, match="memcpy: source must be in pinned memory"):
        memcpy(x, np.zeros(4))
    with pytest.raises(TypeError, match=r"memcpy: source must be an address, .* got list"):
        memcpy(x, [0.0], 8)
    with pytest.raises(ValueError, match="memcpy: nbytes must not be negative, got -1"):
        memcpy(x, y, -1)
    with pytest.raises(ValueError, match="memset: value must be from 0 to 255 for itemsize=1"):
        memset(x, 256)
    with pytest.raises(ValueError, match="memset: itemsize must be 1, 2 or 4, got 8"):
        memset(x, 0, itemsize=8)
    with pytest.raises(ValueError, match="multiples of itemsize=4, got 6 bytes"):
        memset(x, 0, 6, itemsize=4)
    with pytest.raises(ValueError, match="memcpy2d: source_pitch must be at least the width, 8"):
        memcpy2d(x, y, 8, 2, destination_pitch=8, source_pitch=4)
    with pytest.raises(ValueError, match="memcpy2d: source has 64 bytes, fewer than 72"):
        memcpy2d(x, y, 8, 3, destination_pitch=8, source_pitch=32)
    with pytest.raises(TypeError, match="memcpy: stream must be a Stream, got int"):
        memcpy(x, x + 1, stream=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="memcpy: needs a CUDA device"):
        memcpy(x.to_device("cpu"), x.to_device("cpu"))
