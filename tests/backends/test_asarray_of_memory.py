"""`asarray` of memory that others own: copied, or, where that is forbidden, shared."""

from __future__ import annotations

import array

import numpy as np
import pytest

import gpuarray as xp
from tests.backends.other_library import Theirs, View


@pytest.mark.parametrize("copy", [None, True])
def test_host_memory_is_copied(device, host, copy):
    a = np.arange(3.0)
    x = xp.asarray(a, copy=copy)
    a[:] = 9.0
    assert x.device == device
    np.testing.assert_array_equal(host(x), [0, 1, 2])
    assert (x + 1)._node.op is not None


def test_host_memory_is_shared_without_a_copy():
    with xp.backend("numpy"):
        for a in (np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3)[::-1, ::2]):
            x = xp.asarray(a, copy=False)
            before = x + 1
            a[0, 0] = 9.0
            np.testing.assert_array_equal(x, a)
            assert float(before[0, 0]) != 10.0
            assert np.shares_memory(np.from_dlpack(x), a)
            x += 1
            assert a[0, 0] == 9.0
        items = array.array("d", [1.0, 2.0])
        y = xp.asarray(items, dtype=xp.float64, copy=False)
        items[0] = 5.0
        np.testing.assert_array_equal(y, [5, 2])
        assert xp.asarray(b"ab", copy=False).dtype == xp.uint8


def test_memory_that_may_not_be_written_is_exported_as_such():
    with xp.backend("numpy"):
        a = np.arange(3.0)
        a.flags.writeable = False
        x = xp.asarray(a, copy=False)
        assert not np.from_dlpack(x).flags.writeable
        x[0] = 5.0
        assert np.from_dlpack(x).flags.writeable
        assert a[0] == 0.0


@pytest.mark.parametrize(
    ("obj", "keywords"),
    [
        (np.arange(3.0), {"dtype": "float32"}),
        (np.arange(3.0), {"device": "cuda:0"}),
        (np.zeros(3, [("a", "i1"), ("b", "f8")])["b"], {}),
        ([1.0], {}),
        (2.0, {}),
    ],
)
def test_without_a_copy_where_one_is_needed_raises(obj, keywords):
    with xp.backend("numpy"), pytest.raises(ValueError, match="copy=False"):
        xp.asarray(obj, copy=False, **keywords)


def test_arrays_of_other_libraries_are_copied(device, host):
    theirs = xp.asarray([[1, 2], [3, 4]])
    found = [
        xp.asarray(Theirs(theirs)),
        xp.asarray(Theirs(theirs), copy=True),
        xp.asarray(Theirs(theirs, old=True)),
        xp.asarray(Theirs(theirs), dtype=xp.float64),
        xp.asarray(Theirs(theirs), device="cpu"),
        xp.asarray(Theirs(theirs), device="cuda:0"),
    ]
    shared = xp.asarray(Theirs(theirs), copy=False)
    View(theirs).write(0)
    np.testing.assert_array_equal(host(shared), [[0, 0], [0, 0]])
    assert [x.device for x in found] == [device] * 4 + ["cpu", "cuda:0"]
    assert found[3].dtype == xp.float64
    for x in found:
        np.testing.assert_array_equal(host(x), [[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="copy=False"):
        xp.asarray(Theirs(theirs), dtype=xp.float64, copy=False)


def test_arrays_stay_on_their_gpu_and_leave_the_host_for_the_default_device():
    with xp.backend("cuda"):
        on_gpu = Theirs(xp.asarray([1.0]))
        on_host = Theirs(xp.asarray([1.0], device="cpu"))
        assert xp.asarray(on_host).device == "cuda:0"
        with xp.backend("numpy"):
            assert xp.asarray(on_gpu).device == "cuda:0"
            assert xp.asarray(on_host).device == "cpu"


def test_what_dlpack_cannot_give_comes_by_numpys_protocol(device, host):
    class Sparse:
        def __dlpack_device__(self):
            return (1, 0)

        def __dlpack__(self, **keywords):
            raise BufferError("not strided")

        def __array__(self, dtype=None, copy=None):
            return np.asarray([1.0, 0.0])

    np.testing.assert_array_equal(host(xp.asarray(Sparse())), [1, 0])
    del Sparse.__array__
    with pytest.raises(BufferError, match="not strided"):
        xp.asarray(Sparse())


def test_complex_memory_does_not_become_real(device):
    for obj in (np.zeros(2, "c8"), Theirs(xp.zeros(2, dtype=xp.complex64))):
        with pytest.raises(TypeError, match="asarray: cannot cast complex64 to float32"):
            xp.asarray(obj, dtype=xp.float32)
