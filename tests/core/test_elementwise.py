"""The chapter of elementwise functions: signatures, and what `clip` accepts."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray import elementwise
from gpuarray.operations import TABLE


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    with xp.backend("numpy"):
        yield


def test_every_function_is_public_and_in_one_module() -> None:
    assert set(elementwise.__all__) == set(TABLE) - {"where"}
    for name in elementwise.__all__:
        assert getattr(xp, name) is getattr(elementwise, name)


@pytest.mark.parametrize("name", sorted(set(elementwise.__all__) - {"clip"}))
def test_parameters_are_positional_and_named_as_in_the_standard(name: str) -> None:
    parameters = inspect.signature(getattr(elementwise, name)).parameters
    assert list(parameters) == (["x"] if TABLE[name].arity == 1 else ["x1", "x2"])
    assert all(p.kind is p.POSITIONAL_ONLY for p in parameters.values())


def test_parameters_of_clip() -> None:
    x, low, high = inspect.signature(elementwise.clip).parameters.values()
    assert x.kind is x.POSITIONAL_ONLY
    assert (low.name, low.default, low.kind) == ("min", None, low.POSITIONAL_OR_KEYWORD)
    assert (high.name, high.default, high.kind) == ("max", None, high.POSITIONAL_OR_KEYWORD)


@pytest.mark.parametrize("name", [row.name for row in TABLE.values() if row.name != "where"])
def test_a_dtype_outside_the_category_is_a_type_error_that_names_both(name: str) -> None:
    row = TABLE[name]
    wrong = next((d for d in (np.dtype("?"), np.dtype("c16")) if d not in row.dtypes), None)
    if wrong is None:
        assert row.accepts == "all"
        return
    x = xp.asarray([1], dtype=wrong)
    with pytest.raises(TypeError, match=rf"^{name}: needs .* got {wrong}"):
        getattr(xp, name)(*[x] * min(row.arity, 2))


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({}, [-5, 2, 9]),
        ({"min": 0}, [0, 2, 9]),
        ({"max": 4}, [-5, 2, 4]),
        ({"min": 0, "max": 4}, [0, 2, 4]),
        ({"min": 7, "max": 3}, [3, 3, 3]),
    ],
)
@pytest.mark.parametrize("dtype", ["int8", "int64", "float32", "float64"])
def test_clip_keeps_the_dtype(bounds: dict[str, int], expected: list[int], dtype: str) -> None:
    found = xp.clip(xp.asarray([-5, 2, 9], dtype=dtype), **bounds)
    assert found.dtype == np.dtype(dtype)
    assert [float(found[i]) for i in range(3)] == expected
    arrays = {name: xp.asarray(bound, dtype=dtype) for name, bound in bounds.items()}
    found = xp.clip(xp.asarray([-5, 2, 9], dtype=dtype), **arrays)
    assert found.dtype == np.dtype(dtype)
    assert [float(found[i]) for i in range(3)] == expected


def test_clip_without_bounds_is_another_array() -> None:
    x = xp.asarray([1, 2])
    y = xp.clip(x)
    y += 1
    assert [int(x[0]), int(y[0])] == [1, 2]


def test_clip_passes_nan_on_from_anywhere() -> None:
    x = xp.asarray([math.nan, 1.0])
    assert math.isnan(float(xp.clip(x, 0.0, 1.0)[0]))
    assert math.isnan(float(xp.clip(x, math.nan, 1.0)[1]))
    assert math.isnan(float(xp.clip(x, 0.0, xp.asarray(math.nan))[1]))


def test_clip_broadcasts_its_bounds() -> None:
    found = xp.clip(xp.asarray([1, 5]), xp.asarray([[0], [3]]), xp.asarray([4, 4]))
    assert found.shape == (2, 2)
    assert [int(found[1, 0]), int(found[1, 1])] == [3, 4]


def test_clip_takes_integer_bounds_beyond_the_dtype() -> None:
    x = xp.asarray([3, 200], dtype=xp.uint8)
    assert [int(v) for v in (xp.clip(x, -1, 300)[0], xp.clip(x, -1, 300)[1])] == [3, 200]
    with pytest.raises(OverflowError, match="clip: 300 is out of range for uint8"):
        xp.clip(x, 300)
    with pytest.raises(OverflowError, match="clip: -1 is out of range for uint8"):
        xp.clip(x, None, -1)


def test_clip_takes_numpy_scalars_without_their_dtype() -> None:
    x = xp.asarray([1.0], dtype=xp.float32)
    assert xp.clip(x, np.float64(0.0), np.int8(1)).dtype == xp.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5.0, 1.0), "clip: needs an array of a real dtype, got float"),
        (([1, 2], 0.5), "clip: min=0.5 is a float and x is int64; give an int"),
        (([1, 2], [0.5, 1.5]), "clip: min is float64, which does not promote to the int64 of x"),
        (([1.0, 2.0], None, [1j, 2j]), "clip: max is complex128, which does not promote"),
    ],
)
def test_clip_says_what_is_wrong(arguments: tuple[Any, ...], message: str) -> None:
    given = [xp.asarray(a) if isinstance(a, list) else a for a in arguments]
    with pytest.raises(TypeError, match=message):
        xp.clip(*given)


def test_clip_names_shapes_that_do_not_broadcast() -> None:
    with pytest.raises(ValueError, match=r"^clip: "):
        xp.clip(xp.asarray([1, 2]), xp.asarray([1, 2, 3]))
