"""A backend without a library operation gets NumPy's, through the host, and a word about it."""

import warnings

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.devices import chosen
from gpuarray.library import fallbacks
from gpuarray.plugins import hookimpl, library_hooks
from gpuarray.plugins.manager import Backend, _Manager
from gpuarray_numpy.plugin import NumpyBackend


class Unsorted(NumpyBackend):
    """A backend that has everything but sorting."""

    gpuarray_sort = None


@pytest.fixture
def unsorted():
    """The only device of such a backend, as the default one."""
    backend = Backend("unsorted", Unsorted())
    token = chosen.set(backend.devices[0])
    yield backend.devices[0]
    chosen.reset(token)
    del fallbacks["unsorted", "sort"]


def test_numpy_computes_what_a_backend_lacks(unsorted):
    x = xp.asarray([[3.0, 1.0, 2.0], [0.0, np.nan, -1.0]]) * 1
    with pytest.warns(RuntimeWarning, match="sort: backend 'unsorted' has no such operation"):
        found = xp.sort(x)
    assert found.device is unsorted
    np.testing.assert_array_equal(np.asarray(found), [[1, 2, 3], [-1, 0, np.nan]])


def test_the_warning_comes_once_and_names_the_line_that_called(unsorted):
    x = xp.asarray([3, 1, 2])
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        for _ in range(3):
            xp.sort(x)
    assert [warning.filename for warning in given] == [__file__]
    assert fallbacks["unsorted", "sort"] == 3


def test_what_it_has_is_its_own(unsorted):
    xp.argsort(xp.asarray([3, 1, 2]))
    assert ("unsorted", "argsort") not in fallbacks


@pytest.mark.parametrize(
    "function", ["svd", "svdvals", "eigh", "eigvalsh", "eig", "eigvals", "pinv"]
)
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_iterations_are_not_begun_on_what_is_not_finite(function, value):
    x = xp.asarray([[1.0, 2.0, 0.0], [value, 3.0, 1.0], [1.0, 1.0, 5.0]], device="cpu")
    with pytest.raises(np.linalg.LinAlgError, match=f"{function}: .*NaN and infinity"):
        getattr(xp.linalg, function)(x)


def test_a_lone_implementation_is_called_itself_unless_it_leaves_arguments_out():
    class Plugin:
        @hookimpl
        def gpuarray_matmul(self, device, a, b):
            return [a, b]

        @hookimpl
        def gpuarray_sort(self, x):
            return [x]

    manager, plugin = _Manager("gpuarray"), Plugin()
    manager.add_hookspecs(library_hooks)
    manager.register(plugin)
    assert manager.shortest("gpuarray_matmul") == plugin.gpuarray_matmul
    assert manager.shortest("gpuarray_sort")(device=None, x=1, descending=False) == [1]
    manager.register(Plugin())
    assert manager.shortest("gpuarray_matmul")(device=None, a=1, b=2) == [1, 2]
