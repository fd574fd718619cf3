"""Linear algebra: outer and cross products of vectors, and powers of matrices.

In: vectors or square matrices. Out: pending products of vectors; powers that a library computes.
"""

from __future__ import annotations

from gpuarray.arguments import checked_integer
from gpuarray.array import Array
from gpuarray.elementwise import multiply, subtract
from gpuarray.linalg.matrices import checked_square, identities
from gpuarray.linalg.systems import inverses
from gpuarray.linear_algebra import matmul, numeric_pair, vector_axis
from gpuarray.manipulation import expand_dims, roll
from gpuarray.recording import same_values

__all__ = ["cross", "matrix_power", "outer"]


def cross(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """The cross products of vectors of three elements.

    Parameters
    ----------
    x1, x2 : Array
        Numeric, with three elements along the axis each. The other axes broadcast.
    axis : int, optional
        The axis of the vectors, counted from the end: in ``[-N, -1]``, where ``N`` is the smaller
        number of dimensions.

    Returns
    -------
    Array
        The broadcast shape and the promoted dtype. Pending.

    Raises
    ------
    TypeError
        If an operand is not an array, both are of dtype bool, or the axis is not an integer.
    IndexError
        If the axis is out of range.
    ValueError
        If a vector has not three elements, the other axes do not broadcast, or the arrays are on
        different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.cross.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.linalg.cross(xp.asarray([1, 0, 0]), xp.asarray([0, 1, 0]))
    Array([0, 0, 1], dtype=int64, device='cpu')
    """
    numeric_pair("cross", x1, x2)
    d = vector_axis("cross", x1, x2, axis)
    for what, x in (("x1", x1), ("x2", x2)):
        if x.shape[d] != 3:
            raise ValueError(
                f"cross: `{what}` must have 3 elements along axis {d}, got shape {x.shape}"
            )
    # Element i of the product is made of elements i + 1 and i + 2 of the vectors, modulo 3.
    return subtract(
        multiply(roll(x1, -1, axis=d), roll(x2, -2, axis=d)),
        multiply(roll(x1, -2, axis=d), roll(x2, -1, axis=d)),
    )


def outer(x1: Array, x2: Array, /) -> Array:
    """The products of each element of one vector with each of another.

    Parameters
    ----------
    x1 : Array
        Shape ``(n,)``, numeric.
    x2 : Array
        Shape ``(m,)``, numeric.

    Returns
    -------
    Array
        Shape ``(n, m)``, the promoted dtype. Pending, so that it need not be stored. Complex
        numbers are not conjugated.

    Raises
    ------
    TypeError
        If an operand is not an array, or both are of dtype bool.
    ValueError
        If an operand is not one-dimensional, or the arrays are on different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.outer.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.linalg.outer(xp.asarray([1, 2]), xp.asarray([3, 4, 5]))
    Array([[ 3,  4,  5],
           [ 6,  8, 10]], dtype=int64, device='cpu')
    """
    numeric_pair("outer", x1, x2)
    for what, x in (("x1", x1), ("x2", x2)):
        if x.ndim != 1:
            raise ValueError(f"outer: `{what}` must be one-dimensional, got shape {x.shape}")
    return multiply(expand_dims(x1, -1), x2)


def matrix_power(x: Array, n: int, /) -> Array:
    """Square matrices, multiplied with themselves.

    Parameters
    ----------
    x : Array
        Shape ``(..., m, m)``, real or complex floating.
    n : int
        How often; a negative one multiplies the inverses, and 0 gives identities.

    Returns
    -------
    Array
        The shape and dtype of `x`. It takes about ``2 * log2(n)`` products.

    Raises
    ------
    TypeError
        If `x` is not a floating array, or `n` not an integer.
    ValueError
        If the matrices are not square.
    numpy.linalg.LinAlgError
        If `n` is negative and a matrix is exactly singular.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.matrix_power.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.linalg.matrix_power(xp.asarray([[1.0, 1.0], [0.0, 1.0]]), 10)
    Array([[ 1., 10.],
           [ 0.,  1.]], dtype=float64, device='cpu')
    """
    checked_square("matrix_power", "x", x)
    exponent = checked_integer("matrix_power", "`n`", n)
    if exponent == 0:
        return identities(x.shape[:-2], x.shape[-1], x.shape[-1], x.dtype, x.device)
    square = inverses("matrix_power", x) if exponent < 0 else x
    result: Array | None = None
    remaining = abs(exponent)
    while True:
        if remaining % 2:
            result = square if result is None else matmul(result, square)
        remaining //= 2
        if not remaining:
            assert result is not None
            return same_values(result)
        square = matmul(square, square)
