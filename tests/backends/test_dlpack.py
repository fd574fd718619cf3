"""DLPack in both directions: the same memory, the same values, and who may see whose writes."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import weakref
from enum import Enum

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.dtypes import DTYPES
from gpuarray.interop import capsules
from gpuarray.interop.capsules import Tensor, consumed
from tests.backends.other_library import DEFAULT_STREAM, Raw, Theirs, View

name_of = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(
    ("PyCapsule_GetName", ctypes.pythonapi)
)


def pointer_of(x: xp.Array) -> int:
    return consumed(x.__dlpack__()).tensor.pointer


def is_ours_alone(x: xp.Array) -> bool:
    return x._node.buffer.exclusive


# Export


def test_the_device_is_numbered_as_in_dlpack(device):
    assert xp.zeros(1).__dlpack_device__() == ((1, 0) if device == "cpu" else (2, 0))


@pytest.mark.parametrize(
    ("max_version", "name"),
    [
        (None, b"dltensor"),
        ((0, 8), b"dltensor"),
        ((1, 0), b"dltensor_versioned"),
        ((1, 3), b"dltensor_versioned"),
        ((2, 0), b"dltensor_versioned"),
    ],
)
def test_the_capsule_is_one_that_the_consumer_knows(device, max_version, name):
    assert name_of(xp.zeros(1).__dlpack__(max_version=max_version)) == name


@pytest.mark.parametrize("versioned", [False, True])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_capsule_describes_the_array(device, dtype, versioned):
    x = xp.astype(xp.asarray([[1, 0, 1], [0, 1, 1]]), dtype)
    tensor = consumed(x.__dlpack__(max_version=(1, 0) if versioned else None)).tensor
    assert tensor.dtype is dtype
    assert (tensor.shape, tensor.strides) == ((2, 3), (3, 1))
    assert tensor.device == x.__dlpack_device__()
    assert not (tensor.read_only or tensor.copied)


def test_a_capsule_of_no_dimensions_and_of_no_elements(device):
    assert consumed(xp.asarray(5.0).__dlpack__(max_version=(1, 0))).tensor.shape == ()
    empty = consumed(xp.zeros((2, 0)).__dlpack__(max_version=(1, 0))).tensor
    assert (empty.pointer, empty.shape) == (0, (2, 0))


def test_a_transpose_is_exported_with_its_strides(device):
    x = xp.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    y = x.T
    del x
    tensor = consumed(y.__dlpack__(max_version=(1, 0))).tensor
    assert (tensor.shape, tensor.strides) == ((3, 2), (1, 3))


@pytest.mark.parametrize("made", [lambda x: xp.flip(x), lambda x: xp.broadcast_to(x[0], (3,))])
def test_layouts_that_few_libraries_take_are_copied(device, host, made):
    x = xp.asarray([1.0, 2.0, 3.0])
    y = made(x)
    expected = host(y)
    del x
    view = View(y)
    assert view.tensor.strides == (1,)
    np.testing.assert_array_equal(view.read(), expected)
    view.write([7.0, 8.0, 9.0])
    np.testing.assert_array_equal(host(y), [7, 8, 9])


@pytest.mark.parametrize("versioned", [False, True])
def test_the_consumer_and_the_array_have_one_memory(device, host, versioned):
    x = xp.asarray([1.0, 2.0, 3.0])
    view = View(x, max_version=(1, 0) if versioned else None)
    np.testing.assert_array_equal(view.read(), [1, 2, 3])
    view.write([4.0, 5.0, 6.0])
    np.testing.assert_array_equal(host(x), [4, 5, 6])
    # All exports are of the same memory.
    assert View(x).tensor.pointer == view.tensor.pointer


def test_what_was_computed_from_the_array_never_changes(device, host):
    x = xp.asarray([1.0, 2.0, 3.0])
    before = x * 2
    part = x[1:]
    other = xp.asarray(x, copy=True)
    view = View(x)
    after = x * 3
    later = x[:2]
    folded = xp.sum(x, axis=())
    reshaped = xp.reshape(x, (3, 1))
    same = xp.reshape(x, (3,))
    view.write(0.0)
    np.testing.assert_array_equal(host(x), [0, 0, 0])
    for found, expected in (
        (before, [2, 4, 6]),
        (part, [2, 3]),
        (other, [1, 2, 3]),
        (after, [3, 6, 9]),
        (later, [1, 2]),
        (folded, [1, 2, 3]),
        (reshaped, [[1], [2], [3]]),
        (same, [1, 2, 3]),
    ):
        np.testing.assert_array_equal(host(found), expected)


def test_a_whole_assignment_takes_the_values_and_not_the_memory(device, host):
    x = xp.asarray([1.0, 2.0, 3.0])
    view = View(x)
    y = xp.zeros(3)
    y[:] = x
    view.write(0.0)
    np.testing.assert_array_equal(host(y), [1, 2, 3])


@pytest.mark.parametrize(
    "update", [lambda x: x.__iadd__(1), lambda x: x.__setitem__(0, 9.0)], ids=["add", "set"]
)
def test_an_update_never_writes_memory_that_is_lent(device, host, update):
    x = xp.asarray([1.0, 2.0, 3.0])
    view = View(x)
    update(x)
    expected = host(x)
    np.testing.assert_array_equal(view.read(), [1, 2, 3])
    view.write(0.0)
    np.testing.assert_array_equal(host(x), expected)


def test_memory_is_ours_alone_again_when_the_consumer_is_done(device, host):
    x = xp.asarray([1.0, 2.0, 3.0])
    views = [View(x), View(x)]
    address = views[0].tensor.pointer
    views[1].write([4.0, 5.0, 6.0])
    views.pop()
    assert not is_ours_alone(x)
    views.pop()
    assert is_ours_alone(x)
    y = x + 1
    assert y._node.op is not None  # recorded, and not run at once
    np.testing.assert_array_equal(host(y), [5, 6, 7])
    del y
    x[0] = 9.0
    np.testing.assert_array_equal(host(x), [9, 5, 6])
    assert pointer_of(x) == address  # in place


def test_lent_memory_outlives_the_array(device):
    x = xp.asarray([1.0, 2.0, 3.0])
    view = View(x)
    del x
    gc.collect()
    view.write([7.0, 8.0, 9.0])
    np.testing.assert_array_equal(view.read(), [7, 8, 9])


@pytest.mark.parametrize("max_version", [None, (1, 0)])
def test_a_capsule_that_nobody_consumes_gives_the_memory_back(device, max_version):
    x = xp.asarray([1.0, 2.0])
    xp.evaluate(x)
    capsule = x.__dlpack__(max_version=max_version)
    assert not is_ours_alone(x)
    del capsule
    assert is_ours_alone(x)


def test_a_capsule_is_given_back_where_its_consumer_fails(device):
    x = xp.asarray([1.0, 2.0])
    view = View(x)
    producers = [Raw(view.tensor._replace(device=(7, 0)), keep=view)]
    producers[0].__dlpack_device__ = lambda: (1, 0)
    alive = weakref.ref(view)
    del view
    # NumPy destroys the capsule while it raises.
    with pytest.raises((BufferError, RuntimeError), match=r"[Uu]nsupported device"):
        np.from_dlpack(producers.pop())
    gc.collect()
    assert alive() is None


def test_copies_are_flagged_as_copies(device, host):
    x = xp.asarray([1.0, 2.0, 3.0])
    view = View(x, copy=True, max_version=(1, 0))
    assert view.tensor.copied
    assert is_ours_alone(x)
    view.write(0.0)
    np.testing.assert_array_equal(host(x), [1, 2, 3])
    assert not consumed(x.__dlpack__(copy=False, max_version=(1, 0))).tensor.copied


def test_a_pending_array_is_computed(device, host):
    x = xp.asarray([1.0, 2.0]) * 3 + 1
    np.testing.assert_array_equal(View(x).read(), [4, 7])


@pytest.mark.parametrize("pending", [False, True])
def test_the_host_fetch_gives_a_copy_from_any_other_device(device, pending):
    x = xp.asarray([[1.0, 2.0], [3.0, 4.0]])
    if pending:
        x = x + 1
    expected = [[2, 3], [4, 5]] if pending else [[1, 2], [3, 4]]
    found = consumed(x.__dlpack__(dl_device=(1, 0), max_version=(1, 0)))
    assert found.tensor.device == (1, 0)
    assert found.tensor.copied == (device != "cpu")
    array = np.from_dlpack(x, device="cpu")
    np.testing.assert_array_equal(array, expected)
    if device != "cpu":
        array[0, 0] = 9.0  # a copy is the consumer's own
        assert float(x[0, 0]) == expected[0][0]
        with pytest.raises(BufferError, match="copy=False"):
            x.__dlpack__(dl_device=(1, 0), copy=False)


def test_the_device_may_be_a_member_of_an_enumeration(device):
    class Kind(Enum):
        CPU = 1

    capsule = xp.zeros(2).__dlpack__(dl_device=(Kind.CPU, 0), max_version=(1, 0))
    assert consumed(capsule).tensor.device == (1, 0)


def test_a_device_that_cannot_be_had_is_an_error(device):
    with pytest.raises(BufferError, match=r"dl_device \(8, 0\)"):
        xp.zeros(2).__dlpack__(dl_device=(8, 0))
    if device == "cpu":
        with pytest.raises(BufferError, match="dl_device"):
            xp.zeros(2).__dlpack__(dl_device=(2, 0))


@pytest.mark.parametrize(
    ("keywords", "error", "named"),
    [
        ({"copy": "no"}, TypeError, "copy"),
        ({"max_version": 1}, TypeError, "max_version"),
        ({"max_version": (1, 0, 0)}, TypeError, "max_version"),
        ({"dl_device": 1}, TypeError, "dl_device"),
        ({"dl_device": ("cpu", 0)}, TypeError, "dl_device"),
        ({"dl_device": (1, 0), "stream": 1}, ValueError, "stream"),
    ],
)
def test_wrong_arguments_are_named(device, keywords, error, named):
    with pytest.raises(error, match=named):
        xp.zeros(2).__dlpack__(**keywords)


def test_a_host_array_takes_no_stream():
    with xp.backend("numpy"), pytest.raises(ValueError, match="stream"):
        xp.zeros(2).__dlpack__(stream=1)


@pytest.mark.parametrize("stream", [0, -2])
def test_there_are_numbers_that_are_no_stream(stream):
    with xp.backend("cuda"), pytest.raises(ValueError, match="stream"):
        xp.zeros(2).__dlpack__(stream=stream)


@pytest.mark.parametrize("stream", [True, "1", 1.0])
def test_a_stream_is_an_integer(stream):
    with xp.backend("cuda"), pytest.raises(TypeError, match="stream"):
        xp.zeros(2).__dlpack__(stream=stream)


def test_numpy_reads_every_dtype(device):
    for dtype in DTYPES:
        x = xp.astype(xp.asarray([[0, 1], [1, 0]]), dtype)
        found = np.from_dlpack(x, device="cpu")
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, [[0, 1], [1, 0]])


# Import


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_an_import_is_the_same_memory(device, host, dtype):
    x = xp.astype(xp.asarray([[0, 1, 1], [1, 0, 0]]), dtype)
    xp.evaluate(x)
    y = xp.from_dlpack(Theirs(x))
    assert (y.dtype, y.shape, y.device) == (dtype, (2, 3), device)
    np.testing.assert_array_equal(host(y), host(x))
    assert pointer_of(y) == pointer_of(x)


def test_an_import_takes_any_strides(device, host):
    base = np.arange(24.0).reshape(2, 3, 4)
    x = xp.asarray(base)
    view = View(x)
    first = view.tensor.pointer
    for strides, shape, start, expected in (
        ((12, 4, 1), (2, 3, 4), 0, base),
        ((1, 4), (4, 3), 0, base[0].T),
        ((-1,), (4,), 3, base[0, 0, ::-1]),
        ((0, 4), (5, 3), 1, np.broadcast_to(base[0, :, 1], (5, 3))),
        ((-12, 8), (2, 2), 12, base[::-1, ::2, 0]),
        ((), (), 7, base[0, 1, 3]),
    ):
        tensor = Tensor(first + 8 * start, view.tensor.device, base.dtype, shape, strides)
        y = xp.from_dlpack(Raw(tensor, keep=view))
        np.testing.assert_array_equal(host(y), expected)
        np.testing.assert_array_equal(host(y * 2 + 1), expected * 2 + 1)
        np.testing.assert_array_equal(host(xp.from_dlpack(Raw(tensor), copy=True)), expected)


def test_an_import_without_elements(device):
    place = xp.zeros(1).__dlpack_device__()
    x = xp.from_dlpack(Raw(Tensor(0, place, np.dtype("f4"), (0, 3), (3, 1))))
    assert (x.shape, x.dtype, x.device) == ((0, 3), xp.float32, device)


def test_what_the_owner_writes_is_seen_in_the_import_alone(device, host):
    theirs = xp.asarray([1.0, 2.0, 3.0])
    view = View(theirs)
    x = xp.from_dlpack(Theirs(theirs))
    found = [
        (x * 2, [2, 4, 6]),
        (x[1:], [2, 3]),
        (xp.reshape(x, (1, 3)), [[1, 2, 3]]),
        (xp.flip(x), [3, 2, 1]),
        (xp.asarray(x, copy=True), [1, 2, 3]),
        (xp.roll(x, 0), [1, 2, 3]),
        (xp.concat((x,)), [1, 2, 3]),
        (xp.where(x > 1, x, 0.0), [0, 2, 3]),
        (xp.linalg.vecdot(x, x), 14),
        (xp.sort(x, descending=True), [3, 2, 1]),
        (xp.from_dlpack(Theirs(theirs), copy=True), [1, 2, 3]),
    ]
    view.write(0.0)
    np.testing.assert_array_equal(host(x), [0, 0, 0])
    for y, expected in found:
        np.testing.assert_array_equal(host(y), expected)


@pytest.mark.parametrize(
    "update", [lambda x: x.__iadd__(1), lambda x: x.__setitem__(0, 9.0)], ids=["add", "set"]
)
def test_nothing_done_to_an_import_is_written_to_its_owner(device, host, update):
    theirs = xp.asarray([1.0, 2.0, 3.0])
    x = xp.from_dlpack(Theirs(theirs))
    update(x)
    assert float(x[0]) != 1.0
    np.testing.assert_array_equal(host(theirs), [1, 2, 3])


def test_an_index_and_a_mask_may_be_imported(device, host):
    x = xp.asarray([10.0, 20.0, 30.0])
    index = xp.asarray([2, 0])
    mask = xp.asarray([True, False, True])
    np.testing.assert_array_equal(host(x[xp.from_dlpack(Theirs(index))]), [30, 10])
    np.testing.assert_array_equal(host(x[xp.from_dlpack(Theirs(mask))]), [10, 30])


def test_an_import_keeps_its_owner_alive_and_lets_it_go(device):
    theirs = xp.asarray([1.0, 2.0, 3.0])
    xp.evaluate(theirs)
    x = xp.from_dlpack(Theirs(theirs))
    assert not is_ours_alone(theirs)
    y = x * 2
    del x
    gc.collect()
    assert is_ours_alone(theirs)
    assert float(y[2]) == 6.0


def test_a_copy_that_the_producer_makes_is_ours_alone(device, host):
    theirs = xp.asarray([1.0, 2.0, 3.0])
    producer = Theirs(theirs)
    x = xp.from_dlpack(producer, copy=True)
    assert producer.asked["copy"] is True
    assert is_ours_alone(x)
    assert is_ours_alone(theirs)
    address = pointer_of(x)
    x[0] = 9.0
    y = x + 1
    assert y._node.op is not None
    np.testing.assert_array_equal(host(y), [10, 3, 4])
    np.testing.assert_array_equal(host(theirs), [1, 2, 3])
    assert pointer_of(x) == address


def test_a_read_only_import_is_read_only_for_the_next_library(device):
    x = xp.asarray([1.0, 2.0])
    view = View(x)
    y = xp.from_dlpack(Raw(view.tensor._replace(read_only=True), keep=view))
    again = consumed(y.__dlpack__(max_version=(1, 0))).tensor
    assert again.read_only
    assert again.pointer == view.tensor.pointer


@pytest.mark.parametrize("copy", [None, False, True])
def test_libraries_from_before_the_standard_of_2023(device, host, copy):
    theirs = xp.asarray([1.0, 2.0, 3.0])
    x = xp.from_dlpack(Theirs(theirs, old=True), copy=copy)
    assert is_ours_alone(x) == (copy is True)
    View(theirs).write(0.0)
    np.testing.assert_array_equal(host(x), [1, 2, 3] if copy else [0, 0, 0])


def test_a_producer_is_asked_for_what_is_needed(device):
    producer = Theirs(xp.asarray([1.0]))
    xp.from_dlpack(producer)
    assert producer.asked["max_version"] == (1, 0)
    assert "copy" not in producer.asked
    assert ("stream" in producer.asked) == (device != "cpu")
    xp.from_dlpack(producer, copy=False)
    assert producer.asked["copy"] is False


def test_from_dlpack_of_our_own_array_is_that_array(device, host):
    x = xp.asarray([1.0, 2.0])
    assert xp.from_dlpack(x) is x
    assert xp.from_dlpack(x, device=device, copy=False) is x
    y = xp.from_dlpack(x, copy=True)
    x[0] = 9.0
    np.testing.assert_array_equal(host(y), [1, 2])


@pytest.mark.parametrize("wrapped", [lambda x: x, Theirs], ids=["ours", "theirs"])
def test_an_array_moves_to_the_device_asked_for(device, host, wrapped):
    x = xp.asarray([1.0, 2.0])
    for target in ("cpu", "cuda:0", "cuda:1"):
        if target == "cuda:1" and len(xp.zeros(1, device="cuda").device.backend.devices) < 2:
            continue
        for copy in (None, True):
            y = xp.from_dlpack(wrapped(x), device=target, copy=copy)
            assert y.device == target
            np.testing.assert_array_equal(host(y), [1, 2])
        if target == device:
            assert xp.from_dlpack(wrapped(x), device=target, copy=False).device == target
            continue
        # The standard names both.
        for error in (BufferError, ValueError):
            with pytest.raises(error, match="copy=False"):
                xp.from_dlpack(wrapped(x), device=target, copy=False)


def test_pinned_host_memory_is_host_memory():
    a = np.arange(3.0)
    tensor = Tensor(a.ctypes.data, (3, 0), a.dtype, (3,), (1,))
    x = xp.from_dlpack(Raw(tensor, keep=a))
    assert x.device == "cpu"
    a[0] = 5.0
    assert float(x[0]) == 5.0


def test_managed_memory_is_that_of_its_gpu(host):
    with xp.backend("cuda"):
        view = View(xp.asarray([1.0, 2.0]))
        x = xp.from_dlpack(Raw(view.tensor._replace(device=(13, 0)), keep=view))
        assert x.device == "cuda:0"
        np.testing.assert_array_equal(host(x), [1, 2])


def test_a_device_without_a_backend_is_an_error_unless_the_producer_copies():
    a = np.arange(3.0)

    class OnRocm:
        def __dlpack_device__(self):
            return (10, 0)

        def __dlpack__(self, **keywords):
            assert keywords["dl_device"] == (1, 0)
            return a.__dlpack__(max_version=(1, 0))

    with pytest.raises(BufferError, match=r"\(10, 0\).*device=\"cpu\""):
        xp.from_dlpack(OnRocm())
    np.testing.assert_array_equal(xp.from_dlpack(OnRocm(), device="cpu"), a)
    with pytest.raises(ValueError, match="copy=False"):
        xp.from_dlpack(OnRocm(), device="cpu", copy=False)


@pytest.mark.parametrize(
    ("given", "named"), [("f2", "float16"), ("M8[s]", None), (np.longdouble, None)]
)
def test_dtypes_that_the_standard_does_not_have_are_errors(given, named):
    a = np.zeros(2, given)
    with pytest.raises(BufferError, match=named):
        xp.from_dlpack(a)


def test_what_has_no_dlpack_is_an_error(device):
    with pytest.raises(AttributeError, match=r"list has no __dlpack__.*asarray\(\)"):
        xp.from_dlpack([1, 2])
    with pytest.raises(TypeError, match="copy"):
        xp.from_dlpack(xp.zeros(1), copy="no")
    with pytest.raises(ValueError, match="device"):
        xp.from_dlpack(np.zeros(1), device="nowhere")


def test_a_capsule_is_consumed_once(device):
    capsule = xp.asarray([1.0, 2.0]).__dlpack__(max_version=(1, 0))
    consumed(capsule)
    assert name_of(capsule) == b"used_dltensor_versioned"
    with pytest.raises(BufferError, match="consumed before"):
        consumed(capsule)
    with pytest.raises(BufferError, match="no DLPack capsule"):
        consumed(5)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda m: setattr(m, "major", 2), r"DLPack 2\.0"),
        (lambda m: setattr(m.tensor.dtype, "code", 4), "code 4, 64 bits"),
        (lambda m: setattr(m.tensor.dtype, "lanes", 2), "2 lanes"),
        (lambda m: setattr(m.tensor.dtype, "bits", 24), "24 bits"),
    ],
)
def test_a_capsule_that_is_not_understood_is_not_consumed(device, change, named):
    x = xp.asarray([1.0, 2.0])
    xp.evaluate(x)
    capsule = x.__dlpack__(max_version=(1, 0))
    change(capsules._Versioned.from_address(capsules._get_pointer(capsule, b"dltensor_versioned")))
    with pytest.raises(BufferError, match=named):
        consumed(capsule)
    assert name_of(capsule) == b"dltensor_versioned"
    del capsule
    assert is_ours_alone(x)


def test_memory_that_a_gpu_cannot_reach_is_an_error():
    a = np.arange(4.0)
    with xp.backend("cuda"):
        x = Raw(Tensor(a.ctypes.data, (2, 0), a.dtype, (4,), (1,)), keep=a)
        with pytest.raises(BufferError, match="no address of memory of 'cuda:0'"):
            xp.from_dlpack(x)
        view = View(xp.asarray([1.0, 2.0]))
        tensor = view.tensor._replace(pointer=view.tensor.pointer + 4, shape=(1,))
        with pytest.raises(BufferError, match="aligned to the 8 bytes of float64"):
            xp.from_dlpack(Raw(tensor, keep=view))


def test_numpy_arrays_of_any_layout_come_in():
    with xp.backend("numpy"):
        a = np.arange(12.0).reshape(3, 4)
        for view in (a, a.T, a[::2, ::-1], a[1], a[:, 1:3], a[:0], np.broadcast_to(a[0], (2, 4))):
            x = xp.from_dlpack(view)
            np.testing.assert_array_equal(x, view)
            np.testing.assert_array_equal(x + 1, view + 1)


# Streams


def test_streams_wait_for_each_other(host):
    """The simulator reports every access that is not ordered after those it depends on."""
    with xp.backend("cuda"):
        x = xp.asarray([1.0, 2.0, 3.0])
        view = View(x, stream=1)
        view.write([4.0, 5.0, 6.0])
        y = x * 2
        view.write([7.0, 8.0, 9.0])
        z = x * 2
        mask = x > 7
        view.write(0.0)
        np.testing.assert_array_equal(host(y), [8, 10, 12])
        np.testing.assert_array_equal(host(z), [14, 16, 18])
        np.testing.assert_array_equal(host(mask), [False, True, True])
        view.let_go()
        x[1] = 5.0
        np.testing.assert_array_equal(host(x), [0, 5, 0])
        xp.synchronize()


def test_what_a_consumer_does_on_its_own_stream_is_waited_for(host):
    with xp.backend("cuda"):
        x = xp.asarray([1.0, 2.0, 3.0])
        xp.evaluate(x)
        stream = x._node.buffer.runtime.create_stream()
        view = View(x, stream=stream)
        view.write([4.0, 5.0, 6.0])
        np.testing.assert_array_equal(host(x + 1), [5, 6, 7])
        view = View(x, stream=stream)
        view.write(0.0)
        view.let_go()
        del x, view
        gc.collect()
        xp.synchronize()


def test_an_imports_memory_may_be_used_by_its_owner_when_it_is_let_go(host):
    with xp.backend("cuda"):
        theirs = xp.asarray([1.0, 2.0, 3.0])
        view = View(theirs)
        x = xp.from_dlpack(Theirs(theirs))
        y = xp.sum(x)
        mask = xp.from_dlpack(Theirs(theirs)) > 1
        del x
        view.write(0.0)
        assert float(y) == 6.0
        np.testing.assert_array_equal(host(mask), [False, True, True])
        xp.synchronize()


def test_the_owner_frees_what_it_copied_for_us_when_we_are_done_with_it(host):
    with xp.backend("cuda"):
        ours = xp.asarray([1.0, 2.0])
        xp.evaluate(ours)
        runtime = ours._node.buffer.runtime

        class Allocation:
            def __init__(self):
                self.pointer = runtime.allocate(16, DEFAULT_STREAM)
                runtime.copy_in(self.pointer, np.asarray([3.0, 4.0]), DEFAULT_STREAM)

            def __del__(self):
                runtime.free(self.pointer, 16, DEFAULT_STREAM)

        memory = Allocation()
        tensor = Tensor(memory.pointer, (2, 0), np.dtype("f8"), (2,), (1,), copied=True)
        x = xp.from_dlpack(Raw(tensor, keep=memory))
        del memory
        x[0] = 5.0  # in place: nobody else has it
        assert pointer_of(x) == tensor.pointer
        y = x + 1
        xp.evaluate(y)
        del x
        gc.collect()
        np.testing.assert_array_equal(host(y), [6, 5])
        xp.synchronize()


def test_no_order_is_made_where_none_is_wanted():
    with xp.backend("cuda"):
        x = xp.asarray([1.0, 2.0])
        xp.evaluate(x)
        runtime = x._node.buffer.runtime
        calls = []
        runtime_wait = runtime.wait
        runtime.wait = lambda *a: calls.append(a) or runtime_wait(*a)
        try:
            unordered = x.__dlpack__(stream=-1)
            assert unordered is not None
            assert calls == []
            y = xp.asarray([1.0])
            capsule = y.__dlpack__(stream=2)
            assert capsule is not None
            assert [stream for stream, _ in calls] == [2]
        finally:
            del runtime.wait


def test_memory_that_is_lent_at_exit_is_no_problem():
    program = (
        "import numpy as np, gpuarray as xp\n"
        "x = xp.asarray([1.0, 2.0])\n"
        "held = [np.from_dlpack(x), xp.from_dlpack(np.arange(3.0)), x.__dlpack__()]\n"
        "held.append(held)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GPUARRAY_BACKEND": "numpy"},
    )
    assert (done.returncode, done.stderr) == (0, "")
