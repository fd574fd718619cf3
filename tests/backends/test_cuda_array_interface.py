"""The CUDA array interface: the memory of an array by its address, both ways."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.dtypes import DTYPES
from tests.backends.other_library import OnlyInterface, View


@pytest.fixture(autouse=True)
def _on_a_gpu():
    with xp.backend("cuda"):
        yield


@pytest.fixture
def host():
    return lambda x: np.asarray(x.to_device("cpu"))


def test_an_array_on_the_host_has_none():
    x = xp.zeros(2, device="cpu")
    assert not hasattr(x, "__cuda_array_interface__")
    with pytest.raises(AttributeError, match="'cpu'"):
        x.__cuda_array_interface__  # noqa: B018


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_it_describes_the_array(dtype):
    x = (
        xp.astype(xp.asarray([[0, 1], [1, 0]]), dtype) + xp.astype(xp.asarray(False), dtype)[...]
        if dtype.kind != "b"
        else xp.asarray([[False, True], [True, False]])
    )
    found = x.__cuda_array_interface__
    assert found["version"] == 3
    assert found["shape"] == (2, 2)
    assert np.dtype(found["typestr"]) == dtype
    assert found["strides"] is None
    pointer, read_only = found["data"]
    assert pointer == View(x).tensor.pointer
    assert read_only is False
    assert isinstance(found["stream"], int)
    assert found["stream"] != 0


def test_strides_are_in_bytes():
    x = xp.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    y = x.T
    del x
    assert y.__cuda_array_interface__["strides"] == (8, 24)
    assert y.__cuda_array_interface__["shape"] == (3, 2)
    empty = xp.zeros((0, 2)).__cuda_array_interface__
    assert (empty["shape"], empty["data"][0]) == ((0, 2), 0)


def test_the_memory_lives_as_long_as_the_object_and_is_not_written(host):
    x = xp.asarray([1.0, 2.0, 3.0])
    shown = OnlyInterface(x.__cuda_array_interface__, keep=x)
    x += 1
    x[0] = 9.0
    old = xp.asarray(shown, copy=False)
    np.testing.assert_array_equal(host(old), [1, 2, 3])
    np.testing.assert_array_equal(host(x), [9, 3, 4])
    again = xp.asarray(OnlyInterface(x.__cuda_array_interface__), copy=False)
    np.testing.assert_array_equal(host(again), [9, 3, 4])


def test_the_memory_is_ours_alone_again_when_the_object_is_gone():
    x = xp.asarray([1.0, 2.0, 3.0])
    for _ in range(3):
        assert hasattr(x, "__cuda_array_interface__")
    buffer = x._node.buffer
    assert not buffer.exclusive
    del x
    gc.collect()
    assert buffer.exclusive


def test_what_was_computed_before_and_after_is_kept_apart(host):
    x = xp.asarray([1.0, 2.0, 3.0])
    before = x * 2
    shared = xp.asarray(OnlyInterface(x.__cuda_array_interface__, keep=x), copy=False)
    after = x * 3
    view = View(shared)
    view.write(0.0)
    for found, expected in ((x, [0, 0, 0]), (before, [2, 4, 6]), (after, [3, 6, 9])):
        np.testing.assert_array_equal(host(found), expected)


def test_asarray_copies_unless_it_must_not(host):
    theirs = xp.asarray([[1.0, 2.0], [3.0, 4.0]])
    interface = theirs.__cuda_array_interface__
    copied = xp.asarray(OnlyInterface(interface, keep=theirs))
    shared = xp.asarray(OnlyInterface(interface, keep=theirs), copy=False)
    assert copied.device == shared.device == "cuda:0"
    cast = xp.asarray(OnlyInterface(interface, keep=theirs), dtype=xp.float32)
    with pytest.raises(ValueError, match="copy=False"):
        xp.asarray(OnlyInterface(interface), dtype=xp.float32, copy=False)
    with pytest.raises(ValueError, match="copy=False"):
        xp.asarray(OnlyInterface(interface), device="cpu", copy=False)
    moved = xp.asarray(OnlyInterface(interface), device="cpu")
    View(theirs).write(0.0)
    np.testing.assert_array_equal(host(shared), [[0, 0], [0, 0]])
    for found in (copied, cast, moved):
        np.testing.assert_array_equal(host(found), [[1, 2], [3, 4]])


def test_it_is_found_before_the_default_device():
    theirs = xp.asarray([1.0, 2.0])
    shown = OnlyInterface(theirs.__cuda_array_interface__, keep=theirs)
    with xp.backend("numpy"):
        assert xp.asarray(shown).device == "cuda:0"


def test_the_memory_of_another_gpu_is_found_there(host):
    if len(theirs_devices()) < 2:
        pytest.skip("one GPU")
    theirs = xp.asarray([1.0, 2.0], device="cuda:1")
    found = xp.asarray(OnlyInterface(theirs.__cuda_array_interface__, keep=theirs))
    assert found.device == "cuda:1"
    np.testing.assert_array_equal(host(found), [1, 2])


def theirs_devices():
    return xp.zeros(1).device.backend.devices


def test_strides_and_read_only_memory_come_in(host):
    theirs = xp.asarray([[1.0, 2.0], [3.0, 4.0]])
    interface = theirs.__cuda_array_interface__
    interface |= {"strides": (8, 16), "data": (interface["data"][0], True), "version": 2}
    del interface["stream"]
    x = xp.asarray(OnlyInterface(interface, keep=theirs), copy=False)
    np.testing.assert_array_equal(host(x), [[1, 3], [2, 4]])
    assert x.__cuda_array_interface__["data"][1] is True


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"mask": object()}, "mask"),
        ({"typestr": ">f8"}, "dtype"),
        ({"typestr": "<f2"}, "float16"),
        ({"strides": (4,)}, "strides"),
        ({"data": (0, False)}, "no address"),
        ({"data": (np.zeros(2).ctypes.data, False)}, "no address"),
    ],
)
def test_what_cannot_be_taken_is_named(changes, named):
    theirs = xp.asarray([1.0, 2.0])
    interface = theirs.__cuda_array_interface__ | changes
    with pytest.raises(BufferError, match=named):
        xp.asarray(OnlyInterface(interface, keep=theirs))
