"""Statistical functions: running sums and products.

In: an array and one of its axes. Out: a new array, pending, computed in the dtype of the result;
each row along the axis is one scan.
"""

from __future__ import annotations

import math

import numpy.typing as npt

from gpuarray.arguments import checked_array, checked_axis, checked_flag
from gpuarray.array import Array
from gpuarray.graph.node import LIBRARY, clock
from gpuarray.manipulation import concat, moveaxis
from gpuarray.recording import cast, full, record, same_values
from gpuarray.statistics import accumulation_dtype

__all__ = ["cumulative_prod", "cumulative_sum"]


def cumulative_sum(
    x: Array,
    /,
    *,
    axis: int | None = None,
    dtype: npt.DTypeLike | None = None,
    include_initial: bool = False,
) -> Array:
    """The sums of each element with all before it.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, ...)``, any dtype.
    axis : int, optional
        The axis along which elements are added; it may be left out where there is only one.
    dtype : dtype, optional
        The dtype in which elements are added, and of the result. None: that of `x`, but int64 for
        bools and signed integers, and uint64 for unsigned ones.
    include_initial : bool, optional
        Whether a zero comes first.

    Returns
    -------
    Array
        The shape of `x`, or ``(..., n + 1, ...)`` with `include_initial`. Integers wrap.

    Raises
    ------
    TypeError
        If `x` is not an array, the axis is not an integer, `dtype` is bool, or `x` is complex and
        `dtype` is not.
    IndexError
        If the axis is out of range.
    ValueError
        If `axis` is left out and `x` has not exactly one dimension.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.cumulative_sum.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.cumulative_sum(xp.asarray([1, 2, 3]), include_initial=True)
    Array([0, 1, 3, 6], dtype=int64, device='cpu')
    """
    return _scanned("cumulative_sum", "sum", x, axis, dtype, include_initial)


def cumulative_prod(
    x: Array,
    /,
    *,
    axis: int | None = None,
    dtype: npt.DTypeLike | None = None,
    include_initial: bool = False,
) -> Array:
    """The products of each element with all before it.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, ...)``, any dtype.
    axis : int, optional
        The axis along which elements are multiplied; it may be left out where there is only one.
    dtype : dtype, optional
        The dtype in which elements are multiplied, and of the result. None: that of `x`, but
        int64 for bools and signed integers, and uint64 for unsigned ones.
    include_initial : bool, optional
        Whether a one comes first.

    Returns
    -------
    Array
        The shape of `x`, or ``(..., n + 1, ...)`` with `include_initial`. Integers wrap.

    Raises
    ------
    TypeError, IndexError, ValueError
        As for `cumulative_sum`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.cumulative_prod.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.cumulative_prod(xp.asarray([2.0, 3.0, 4.0]))
    Array([ 2.,  6., 24.], dtype=float64, device='cpu')
    """
    return _scanned("cumulative_prod", "prod", x, axis, dtype, include_initial)


def _scanned(
    name: str,
    kind: str,
    x: Array,
    axis: int | None,
    dtype: npt.DTypeLike | None,
    include_initial: bool,
) -> Array:
    wanted = accumulation_dtype(name, checked_array(name, x), dtype)
    include_initial = checked_flag(name, "include_initial", include_initial)
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"{name}: axis must be given for an array of {x.ndim} dimensions")
        axis = 0
    d = checked_axis(name, axis, x.ndim)
    found = cast(x, wanted)
    if found.size:
        last = d == x.ndim - 1
        node = (found if last else moveaxis(found, d, -1))._node
        # Pending, so that one pass over memory can compute what goes in and what comes out. It
        # counts as the buffer that it is going to be.
        clock.now += math.prod(node.shape) * wanted.itemsize * clock.per_byte
        found = record(LIBRARY, (node,), ("scan", kind), wanted, node.shape, node.device)
        if not last:
            found = moveaxis(found, -1, d)
    if not include_initial:
        return same_values(found)
    shape = (*x.shape[:d], 1, *x.shape[d + 1 :])
    first = full(shape, 0 if kind == "sum" else 1, wanted, x.device)
    return concat((first, found), axis=d)
