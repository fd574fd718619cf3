"""Linear algebra: solutions of systems of linear equations, and inverses.

In: square matrices, in stacks, and right-hand sides. Out: what a library computes from the call
on. Exactly singular matrices raise `numpy.linalg.LinAlgError` at the call.
"""

from __future__ import annotations

import math

from gpuarray.array import Array
from gpuarray.creation import zeros
from gpuarray.dtypes import promote
from gpuarray.linalg.matrices import checked_floating, checked_square, factorised
from gpuarray.linear_algebra import in_one_stack
from gpuarray.manipulation import expand_dims, moveaxis, reshape, squeeze
from gpuarray.recording import broadcast_shapes, cast, same_device

__all__ = ["inv", "inverses", "solve"]


def inv(x: Array, /) -> Array:
    """The inverses of square matrices.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, n)``, real or complex floating.

    Returns
    -------
    Array
        The shape and dtype of `x`. To multiply by an inverse, `solve` is faster and more accurate.

    Raises
    ------
    TypeError
        If `x` is not a floating array.
    ValueError
        If the matrices are not square.
    numpy.linalg.LinAlgError
        If a matrix is exactly singular. One that is so but for rounding has an inverse of large
        numbers.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.inv.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.linalg.inv(xp.asarray([[2.0, 0.0], [0.0, 4.0]]))
    Array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float64, device='cpu')
    """
    return inverses("inv", x)


def solve(x1: Array, x2: Array, /) -> Array:
    """The solutions ``x`` of systems of linear equations, ``x1 @ x = x2``.

    Parameters
    ----------
    x1 : Array
        Coefficients: shape ``(..., n, n)``, real or complex floating.
    x2 : Array
        Right-hand sides: shape ``(n,)``, the same one for all matrices, or ``(..., n, k)``, one in
        each column. The stacks broadcast against each other. Real or complex floating.

    Returns
    -------
    Array
        Shape ``(..., n)`` if `x2` is one-dimensional, else ``(..., n, k)``; the promoted dtype. One
        matrix is factorised once, for however many right-hand sides.

    Raises
    ------
    TypeError
        If an operand is not a floating array.
    ValueError
        If the matrices are not square, the shapes do not match, or the arrays are on different
        devices.
    numpy.linalg.LinAlgError
        If a matrix is exactly singular. One that is so but for rounding has a solution of large
        numbers.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.solve.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> a = xp.asarray([[3.0, 1.0], [1.0, 2.0]])
    >>> xp.linalg.solve(a, xp.asarray([9.0, 8.0]))
    Array([2., 3.], dtype=float64, device='cpu')
    """
    n = checked_square("solve", "x1", x1).shape[-1]
    checked_floating("solve", "x2", x2)
    same_device("solve", x1, x2)
    dtype = promote(x1.dtype, x2.dtype)
    if x2.ndim == 0 or x2.shape[max(x2.ndim - 2, 0)] != n:
        raise ValueError(
            f"solve: `x2` must have shape ({n},) or (..., {n}, k) for `x1` of shape {x1.shape}, "
            f"got {x2.shape}"
        )
    one = x2.ndim == 1
    sides = cast(expand_dims(x2, -1) if one else x2, dtype)
    stack = broadcast_shapes("solve", x1.shape[:-2], sides.shape[:-2])
    shape = (*stack, *sides.shape[-2:])
    if 0 in shape:
        solution = zeros(shape, dtype=dtype, device=x1.device)
    elif math.prod(x1.shape[:-2]) == 1:
        solution = reshape(_solved_once(reshape(cast(x1, dtype), (n, n)), sides), shape)
    else:
        a, b = in_one_stack(cast(x1, dtype), sides, stack)
        solution = _solved(a, b)
    return squeeze(solution, -1) if one else solution


def inverses(name: str, x: Array) -> Array:
    """The inverses of `x`; errors name the function that asks for them."""
    checked_square(name, "x", x)
    if 0 in x.shape:
        return zeros(x.shape, dtype=x.dtype, device=x.device)
    failure = "`x` has an exactly singular matrix; pinv() gives pseudo-inverses"
    (found,) = factorised(name, "inv", failure, a=x)
    return found


def _solved(a: Array, b: Array) -> Array:
    failure = "`x1` has an exactly singular matrix; pinv(x1) @ x2 gives least-squares solutions"
    (solution,) = factorised("solve", "solve", failure, a=a, b=b)
    return solution


def _solved_once(a: Array, sides: Array) -> Array:
    """The solutions for one matrix: the stack of right-hand sides becomes more columns."""
    if sides.ndim == 2:
        return _solved(a, sides)
    rows_first = moveaxis(sides, -2, 0)
    n = a.shape[0]
    solution = _solved(a, reshape(rows_first, (n, -1)))
    return moveaxis(reshape(solution, rows_first.shape), 0, -2)
