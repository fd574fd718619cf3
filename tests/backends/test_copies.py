"""Copies and pickles of arrays, pending or not, are arrays of their own."""

import copy
import pickle

import numpy as np
import pytest

import gpuarray as xp


@pytest.mark.parametrize("pending", [False, True])
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_is_independent(device, host, copied, pending):
    x = xp.asarray([1.0, 2.0, 3.0]) * 2
    if not pending:
        xp.evaluate(x)
    y = copied(x)
    assert (y.dtype, y.shape, y.device) == (x.dtype, x.shape, device)
    y[0] = 9
    y += 1
    np.testing.assert_array_equal(host(y), [10, 5, 7])
    np.testing.assert_array_equal(host(x), [2, 4, 6])


@pytest.mark.parametrize("other", [np.arange(3.0), [0.0, 1.0, 2.0], (0.0, 1.0, 2.0)])
def test_equality_with_what_is_no_array_is_an_error(device, other):
    x = xp.asarray([0.0, 1.0, 2.0])
    with pytest.raises(TypeError, match=r"equal: .*convert it with asarray\(\)"):
        x == other  # noqa: B015
    with pytest.raises(TypeError, match=r"equal: .*convert it with asarray\(\)"):
        other != x  # noqa: B015
    assert (x == None) is False  # noqa: E711


def test_a_scalar_array_formats_as_its_value(device):
    assert f"{xp.asarray(1.5):.2f}" == "1.50"
    assert f"{xp.asarray([1.5])}".startswith("Array([1.5]")
