"""Linear algebra: diagonals of matrices, and their sums.

In: matrices of any dtype, in stacks. Out: views and pending sums.
"""

from __future__ import annotations

import numpy.typing as npt

from gpuarray.arguments import checked_integer
from gpuarray.array import Array
from gpuarray.data_types import check_cast
from gpuarray.dtypes import canonical
from gpuarray.linalg.matrices import checked_stack
from gpuarray.recording import view
from gpuarray.statistics import sum

__all__ = ["diagonal", "trace"]


def diagonal(x: Array, /, *, offset: int = 0) -> Array:
    """A diagonal of each matrix.

    Parameters
    ----------
    x : Array
        Shape ``(..., m, n)``, any dtype.
    offset : int, optional
        Which diagonal: 0 is the main one, positive ones lie above it, negative ones below.

    Returns
    -------
    Array
        Shape ``(..., k)``, with as many elements as the diagonal has, none where it lies outside;
        the dtype of `x`. A view.

    Raises
    ------
    TypeError
        If `x` is not an array, or `offset` not an integer.
    ValueError
        If `x` has fewer than two dimensions.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.diagonal.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.linalg.diagonal(xp.asarray([[1, 2, 3], [4, 5, 6]]), offset=1)
    Array([2, 6], dtype=int64, device='cpu')
    """
    return _diagonal("diagonal", x, offset)


def trace(x: Array, /, *, offset: int = 0, dtype: npt.DTypeLike | None = None) -> Array:
    """The sum over a diagonal of each matrix.

    Parameters
    ----------
    x : Array
        Shape ``(..., m, n)``, numeric.
    offset : int, optional
        Which diagonal, as for `diagonal`.
    dtype : dtype, optional
        The dtype in which elements are added, and of the result. None: that of `x`, but int64 for
        signed integers and uint64 for unsigned ones.

    Returns
    -------
    Array
        Shape ``(...)``; zero where the diagonal has no elements. Pending.

    Raises
    ------
    TypeError
        If `x` is not an array or of dtype bool, `offset` is not an integer, `dtype` is bool, or
        `x` is complex and `dtype` is not.
    ValueError
        If `x` has fewer than two dimensions.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.trace.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> int(xp.linalg.trace(xp.asarray([[1, 2], [3, 4]], dtype=xp.int8)))
    5
    """
    elements = _diagonal("trace", x, offset)
    if x.dtype.kind == "b":
        raise TypeError("trace: `x` must be numeric, got bool; cast with astype() first")
    if dtype is not None:
        if canonical(dtype).kind == "b":
            raise TypeError("trace: `dtype` must be numeric, got bool")
        check_cast("trace", x.dtype, canonical(dtype))
    return sum(elements, axis=-1, dtype=dtype)


def _diagonal(name: str, x: Array, offset: int) -> Array:
    rows, columns = checked_stack(name, "x", x).shape[-2:]
    k = checked_integer(name, "`offset`", offset)
    count = max(min(rows + min(k, 0), columns - max(k, 0)), 0)
    stack = x.ndim - 2
    # Both dimensions of a matrix advance with the one of its diagonal. Where there is none, its
    # first element would lie outside.
    row, column = (max(-k, 0), max(k, 0)) if count else (0, 0)
    maps = (*((d, 0, 1) for d in range(stack)), (stack, row, 1), (stack, column, 1))
    return view(x, (*x.shape[:-2], count), maps)
