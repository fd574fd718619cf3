"""Creation functions: identities, triangles, and coordinates of grids.

In: extents, matrices, vectors. Out: arrays with a pending formula of the position of an element,
which fuses with what reads it; `meshgrid` gives views.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy.typing as npt

from gpuarray.arguments import checked_array, checked_integer
from gpuarray.array import Array
from gpuarray.creation.ranges import iota
from gpuarray.devices import device as find_device
from gpuarray.dtypes import canonical, float64
from gpuarray.operations import TABLE
from gpuarray.recording import binary, cast, same_device, ternary, view

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["eye", "meshgrid", "tril", "triu"]


def eye(
    n_rows: int,
    n_cols: int | None = None,
    /,
    *,
    k: int = 0,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
) -> Array:
    """A matrix with ones on a diagonal and zeros elsewhere.

    Parameters
    ----------
    n_rows : int
        Rows.
    n_cols : int, optional
        Columns; None: as many as rows.
    k : int, optional
        Which diagonal: 0 is the main one, positive ones lie above it, negative ones below.
    dtype : dtype, optional
        None: float64.
    device : Device or str, optional
        None: the default device.

    Returns
    -------
    Array
        Of shape ``(n_rows, n_cols)``.

    Raises
    ------
    TypeError
        If an argument is not an integer.
    ValueError
        If an extent is negative.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.eye.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.eye(3, 4, k=1)
    >>> float(x[0, 1]), float(x[0, 0])
    (1.0, 0.0)
    """
    rows = checked_integer("eye", "n_rows", n_rows)
    columns = rows if n_cols is None else checked_integer("eye", "n_cols", n_cols)
    if rows < 0 or columns < 0:
        raise ValueError(f"eye: the extents must not be negative, got {rows} and {columns}")
    wanted = float64 if dtype is None else canonical(dtype)
    diagonal = _diagonal("eye", k, rows, columns)
    row, column = _positions(rows, columns, diagonal, find_device(device))
    return cast(binary(TABLE["equal"], column, row), wanted)


def tril(x: Array, /, *, k: int = 0) -> Array:
    """The lower triangles of matrices: what lies above a diagonal is zero.

    Parameters
    ----------
    x : Array
        Shape ``(..., m, n)``, any dtype.
    k : int, optional
        The last diagonal to keep: 0 is the main one, positive ones lie above it.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or `k` not an integer.
    ValueError
        If `x` has fewer than two dimensions.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.tril.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.sum(xp.tril(xp.ones((3, 3)))))
    6.0
    """
    return _triangle("tril", "less_equal", x, k)


def triu(x: Array, /, *, k: int = 0) -> Array:
    """The upper triangles of matrices: what lies below a diagonal is zero.

    Parameters
    ----------
    x : Array
        Shape ``(..., m, n)``, any dtype.
    k : int, optional
        The first diagonal to keep: 0 is the main one, positive ones lie above it.

    Returns
    -------
    Array
        The shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is not an array, or `k` not an integer.
    ValueError
        If `x` has fewer than two dimensions.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.triu.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.sum(xp.triu(xp.ones((3, 3)), k=1)))
    3.0
    """
    return _triangle("triu", "greater_equal", x, k)


def meshgrid(*arrays: Array, indexing: Literal["xy", "ij"] = "xy") -> tuple[Array, ...]:
    """The coordinates of every point of a grid, from those of its axes.

    Parameters
    ----------
    *arrays : Array
        One-dimensional, of lengths ``n1, n2, ...``: the coordinates along each axis.
    indexing : {"xy", "ij"}, optional
        "ij": array i varies along axis i. "xy": the first two axes change places, so that the
        first array varies along the columns of a matrix.

    Returns
    -------
    tuple of Array
        One for each of `arrays`, of its dtype and of shape ``(n1, n2, ...)``, or
        ``(n2, n1, ...)`` for "xy". They are views and take no memory.

    Raises
    ------
    TypeError
        If something is not an array.
    ValueError
        If an array is not one-dimensional, the arrays are on different devices, or `indexing` is
        neither of the two.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.meshgrid.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x, y = xp.meshgrid(xp.arange(3), xp.arange(2))
    >>> x.shape, int(x[1, 2]), int(y[1, 2])
    ((2, 3), 2, 1)
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij', got {indexing!r}")
    for x in arrays:
        if checked_array("meshgrid", x).ndim != 1:
            raise ValueError(f"meshgrid: needs one-dimensional arrays, got shape {x.shape}")
    if not arrays:
        return ()
    same_device("meshgrid", *arrays)
    axes = list(range(len(arrays)))
    if indexing == "xy" and len(axes) > 1:
        axes[:2] = 1, 0
    # Exchanging two is its own inverse, so `axes` serves both ways.
    shape = tuple(arrays[i].shape[0] for i in axes)
    return tuple(view(x, shape, ((axis, 0, 1),)) for x, axis in zip(arrays, axes, strict=True))


def _triangle(name: str, comparison: str, x: Array, k: int) -> Array:
    if checked_array(name, x).ndim < 2:
        raise ValueError(f"{name}: needs at least two dimensions, got shape {x.shape}")
    rows, columns = x.shape[-2:]
    row, column = _positions(rows, columns, _diagonal(name, k, rows, columns), x.device)
    inside = binary(TABLE[comparison], column, row)
    # False is the zero that leaves every dtype as it is.
    return ternary(TABLE["where"], inside, x, False)


def _diagonal(name: str, k: int, rows: int, columns: int) -> int:
    """`k`, or the nearest diagonal to it that is just outside the matrix."""
    return max(-rows, min(checked_integer(name, "k", k), columns))


def _positions(rows: int, columns: int, k: int, device: Device) -> tuple[Array, Array]:
    """Where the diagonal crosses each row, shape ``(rows, 1)``; each column's number."""
    row = binary(TABLE["add"], view(iota(rows, device), (rows, 1), ((0, 0, 1),)), k)
    return row, iota(columns, device)
