"""Pinned memory, and copies that are not waited for."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import (
    Stream,
    copy_to_device,
    copy_to_host,
    memory_info,
    pinned_empty,
    set_memory_limit,
    transfers,
    trim_memory,
)
from gpuarray.errors import OutOfMemory


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        yield


def filled(shape: Any, dtype: str = "float32") -> np.ndarray[Any, Any]:
    host = pinned_empty(shape, dtype)
    host[...] = np.arange(host.size).reshape(host.shape)
    return host


def test_a_pinned_array_is_a_numpy_array() -> None:
    host = filled((3, 4), "int16")
    assert host.shape == (3, 4) and host.dtype == np.int16 and host.flags.c_contiguous
    assert int(host.sum()) == 66
    assert pinned_empty(0).shape == (0,) and pinned_empty(2).dtype == np.float64


def test_values_go_to_the_device_and_back() -> None:
    for dtype in ("bool", "uint8", "float32", "complex128"):
        host = pinned_empty((5, 7), dtype)
        host[...] = np.arange(35).reshape(5, 7) % 3
        x = copy_to_device(host)
        assert x.shape == (5, 7) and x.dtype == dtype
        out = pinned_empty((5, 7), dtype)
        copy_to_host(x, out).synchronize()
        np.testing.assert_array_equal(out, host)


def test_copies_and_kernels_of_two_streams_keep_their_order() -> None:
    streams = [Stream(), Stream()]
    inputs = [filled(1000) + np.float32(0) for _ in range(6)]
    pinned, outs, events = [], [], []
    for k, values in enumerate(inputs):
        host = pinned_empty(1000, "float32")
        host[...] = values * k
        pinned.append(host)
        outs.append(pinned_empty(1000, "float32"))
        with streams[k % 2]:
            events.append(copy_to_host(copy_to_device(host) * 2.0 + 1.0, outs[-1]))
    for k, (event, out) in enumerate(zip(events, outs, strict=True)):
        event.synchronize()
        np.testing.assert_array_equal(out, np.arange(1000, dtype="float32") * k * 2 + 1)


def test_any_layout_arrives_row_major() -> None:
    x = xp.reshape(xp.arange(12, dtype="float32"), (3, 4)).T[::2]
    out = pinned_empty((2, 3), "float32")
    copy_to_host(x, out).synchronize()
    np.testing.assert_array_equal(out, np.arange(12, dtype="f4").reshape(3, 4).T[::2])


def test_memory_lives_as_long_as_a_copy_or_an_array_has_it() -> None:
    host = filled(10)
    block = weakref.ref(host.base if isinstance(host.base, np.ndarray) else host)
    x = copy_to_device(host[2:8])
    del host
    xp.synchronize()
    assert np.asarray(x.to_device("cpu")).tolist() == [2, 3, 4, 5, 6, 7]
    copy_to_device(filled(1))  # which lets go of what is done
    xp.synchronize()
    copy_to_device(filled(1))
    transfers._under_way.clear()
    gc.collect()
    assert block() is None


def test_finished_copies_let_go_of_their_arrays_behind_unfinished_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transfers._under_way.clear()
    x, out = copy_to_device(filled(4)), pinned_empty(4, "float32")
    slow, quick = Stream(), Stream()
    with slow:
        pending = copy_to_host(x, out)
    reached = type(pending._runtime).reached
    monkeypatch.setattr(
        type(pending._runtime),
        "reached",
        lambda self, event: event is not pending._event and reached(self, event),
    )
    blocks = []
    with quick:
        for _ in range(5):
            target = pinned_empty(4, "float32")
            blocks.append(weakref.ref(target.base))
            copy_to_host(x, target).synchronize()
            del target
    copy_to_host(x, out)
    gc.collect()
    assert [block() for block in blocks] == [None] * 5
    assert len(transfers._under_way["cuda:0", slow.handle]) == 1
    monkeypatch.undo()
    xp.synchronize()


def test_wrong_arguments_are_named() -> None:
    host = filled((4, 4))
    with pytest.raises(ValueError, match="copy_to_device: host must be in pinned memory"):
        copy_to_device(np.zeros(3))
    with pytest.raises(ValueError, match="copy_to_device: host must be C-contiguous"):
        copy_to_device(host.T)
    with pytest.raises(TypeError, match="copy_to_device: host must be a NumPy array, got list"):
        copy_to_device([1.0])  # type: ignore[arg-type]
    x = copy_to_device(host)
    with pytest.raises(ValueError, match=r"out must be writable, float32 of shape \(4, 4\), got"):
        copy_to_host(x, host[0])
    with pytest.raises(TypeError, match="copy_to_host: needs a gpuarray array"):
        copy_to_host(host, host)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="pinned_empty: needs a CUDA device"):
        pinned_empty(3, device="cpu")
    with pytest.raises(ValueError, match="negative"):
        pinned_empty(-1)

    @xp.compile
    def wrong(y: xp.Array) -> xp.Array:
        return y + copy_to_device(host)

    with pytest.raises(TypeError, match="copy_to_device needs the values"):
        wrong(xp.zeros((4, 4), dtype="float32"))


def test_memory_is_counted_limited_and_given_back() -> None:
    before = memory_info()
    x = xp.zeros(1 << 20, dtype="float32") + 1.0
    xp.evaluate(x)
    now = memory_info()
    assert now.used - before.used >= 4 << 20 and now.held >= now.used and now.peak >= now.used
    assert now.limit is not None and now.total is not None and now.limit <= now.total
    del x
    assert memory_info().used <= before.used + 1024
    trim_memory()
    try:
        set_memory_limit(memory_info().used + (1 << 20))
        with pytest.raises(OutOfMemory, match="limit"):
            xp.evaluate(xp.zeros(1 << 22, dtype="float32") + 1.0)
    finally:
        set_memory_limit(now.limit)
    assert memory_info().limit == now.limit
    for wrong, kind in ((0, ValueError), (1 << 60, ValueError), (1.5, TypeError)):
        with pytest.raises(kind, match="set_memory_limit: nbytes must be"):
            set_memory_limit(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="memory_info: needs a CUDA device"):
        memory_info("cpu")
