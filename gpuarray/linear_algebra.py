"""Linear algebra functions of the main namespace: products and transposes of matrices.

In: arrays. Out: products of matrices, which a library computes from their call on; sums of products
of vectors, which are recorded and fuse. Stacks are broadcast by strides of 0, never by copies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.arguments import checked_axes, checked_integer
from gpuarray.array import Array
from gpuarray.creation import zeros
from gpuarray.dtypes import promote
from gpuarray.elementwise import conj
from gpuarray.evaluation import evaluate
from gpuarray.graph.node import LIBRARY, REDUCE, clock
from gpuarray.library import call
from gpuarray.manipulation import broadcast_to, expand_dims, permute_dims, reshape, squeeze
from gpuarray.operations import TABLE
from gpuarray.recording import binary, broadcast_shapes, cast, owned, record, same_device
from gpuarray.reductions import reduced

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["matmul", "matrix_transpose", "tensordot", "vecdot"]

Shape = tuple[int, ...]

# A product with a vector is a sum of products up to this many elements of the matrix. There the sum
# takes 0.03-0.05 ms, cuBLAS 0.07-0.09 (both mostly the host's); with 16 Mi elements and the matrix
# transposed it takes 0.13, cuBLAS 0.08 (H200). The shape alone decides, or values would depend on
# what has been computed already.
LARGEST_FUSED_MATRIX = 1 << 20

_MATMUL = ("matmul",)

# Devices that have been asked whether they can multiply matrices.
_prepared: set[Device] = set()


def matmul(x1: Array, x2: Array, /) -> Array:
    """The matrix product, also written ``x1 @ x2``.

    Parameters
    ----------
    x1 : Array
        Shape ``(..., m, k)`` or ``(k,)``, numeric.
    x2 : Array
        Shape ``(..., k, n)`` or ``(k,)``, numeric. The stacks broadcast against each other.

    Returns
    -------
    Array
        Shape ``(..., m, n)``, without the dimension that a one-dimensional operand lacks, and the
        promoted dtype. Zeros where ``k`` is 0. Integers wrap, complex numbers are not conjugated.

    Raises
    ------
    TypeError
        If an operand is not an array, or both are of dtype bool.
    ValueError
        If an operand is 0-dimensional, the shapes do not match, or the arrays are on different
        devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.matmul.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> xp.matmul(x, xp.asarray([1.0, 1.0]))
    Array([3., 7.], dtype=float64, device='cpu')
    """
    found = _usual_product(x1, x2)
    if found is not None:
        return found
    dtype = numeric_pair("matmul", x1, x2)
    for what, x in (("x1", x1), ("x2", x2)):
        if x.ndim == 0:
            raise ValueError(
                f"matmul: `{what}` must have at least one dimension, got a 0-dimensional array; "
                "multiply by it with *"
            )
    k = x1.shape[-1]
    rows = x2.shape[max(x2.ndim - 2, 0)]
    if k != rows:
        raise ValueError(
            f"matmul: the last axis of `x1`, shape {x1.shape}, has extent {k}, and that of `x2`, "
            f"shape {x2.shape}, which it is summed with, {rows}; they must be equal"
        )
    if x1.ndim == x2.ndim == 1:
        return reduced("sum", _multiplied(x1, x2), (0,), False, dtype)
    stack = broadcast_shapes("matmul", x1.shape[:-2], x2.shape[:-2])
    shape = (*stack, *x1.shape[-2:-1], *(x2.shape[-1:] if x2.ndim > 1 else ()))
    if k == 0 or 0 in shape:
        return zeros(shape, dtype=dtype, device=x1.device)
    a, b = cast(x1, dtype), cast(x2, dtype)
    if a.ndim <= 2 and b.ndim <= 2:
        return _product(a, b)
    if a.ndim == 1:
        a = expand_dims(a, 0)
    if b.ndim == 1:
        b = expand_dims(b, -1)
    a, b = in_one_stack(a, b, stack)
    (product,) = call("matmul", a=a, b=b)
    if x1.ndim == 1:
        return squeeze(product, -2)
    return squeeze(product, -1) if x2.ndim == 1 else product


def _usual_product(x1: Any, x2: Any) -> Array | None:
    """The product where there is nothing to check or to convert, in a third of the time."""
    if x1.__class__ is not Array or x2.__class__ is not Array:
        return None
    a, b = x1._node, x2._node
    left, right = a.shape, b.shape
    if (
        a.dtype is not b.dtype
        or a.device is not b.device
        or len(left) > 2
        or len(right) > 2
        or len(left) + len(right) < 3
        or left[-1] != right[0]
        or 0 in left
        or 0 in right
        or a.dtype.kind == "b"
    ):
        return None
    return _product(x1, x2)


def _product(a: Array, b: Array) -> Array:
    """The product of two matrices, or of a matrix and a vector, of one dtype and not empty.

    It is pending, so that what follows can take its memory.
    """
    left, right = a._node, b._node
    dtype, device = left.dtype, left.device
    shape = (*left.shape[:-1], *right.shape[1:])
    if len(shape) == 1:
        matrix, vector = (a, b) if len(right.shape) == 1 else (b.mT, a)
        if matrix.size <= LARGEST_FUSED_MATRIX:
            products = _multiplied(matrix, vector)._node
            return record(REDUCE, (products,), ("sum", (1,), shape), dtype, shape, device)
    if device not in _prepared and dtype.kind in "fc":
        # A library that is missing is an error of the call that needs it, not of a later flush.
        device.hook.gpuarray_prepare(device=device, name="matmul")
        _prepared.add(device)
    # It will be stored whatever happens, so it counts as the buffer that it is going to be. A sum
    # of products in a loop would otherwise keep hundreds of them.
    clock.now += math.prod(shape) * dtype.itemsize * clock.per_byte
    return record(LIBRARY, (left, right), _MATMUL, dtype, shape, device)


def matrix_transpose(x: Array, /) -> Array:
    """The transposes of matrices, also written ``x.mT``.

    Parameters
    ----------
    x : Array
        Shape ``(..., m, n)``, any dtype.

    Returns
    -------
    Array
        Shape ``(..., n, m)``, the dtype of `x`; a view.

    Raises
    ------
    TypeError
        If `x` is not an array.
    ValueError
        If `x` has fewer than two dimensions.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.matrix_transpose.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.matrix_transpose(xp.zeros((5, 3, 4))).shape
    (5, 4, 3)
    """
    if checked_operand("matrix_transpose", "x", x).ndim < 2:
        raise ValueError(
            f"matrix_transpose: `x` must have at least two dimensions, got shape {x.shape}"
        )
    return x.mT


def tensordot(
    x1: Array,
    x2: Array,
    /,
    *,
    axes: int | tuple[Sequence[int], Sequence[int]] = 2,
) -> Array:
    """The sums of products over axes of two arrays: a matrix product of more dimensions.

    Parameters
    ----------
    x1, x2 : Array
        Any shapes, numeric.
    axes : int or tuple of two sequences of int, optional
        The axes to contract, equally long in both arrays: the last so many of `x1` with the first
        of `x2`, in order, or those of `x1` and those of `x2`, in pairs. With none, this is the
        outer product.

    Returns
    -------
    Array
        The other axes of `x1`, followed by those of `x2`; the promoted dtype. Complex numbers are
        not conjugated.

    Raises
    ------
    TypeError
        If an operand is not an array, both are of dtype bool, or an axis is not an integer.
    IndexError
        If an axis is out of range.
    ValueError
        If the contracted axes do not match, one is named twice, there are more than an array has,
        or the arrays are on different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.tensordot.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.tensordot(xp.ones((2, 3, 4)), xp.ones((4, 3)), axes=((1, 2), (1, 0)))
    Array([12., 12.], dtype=float64, device='cpu')
    """
    dtype = numeric_pair("tensordot", x1, x2)
    first, second = _contracted(x1, x2, axes)
    rest1 = tuple(d for d in range(x1.ndim) if d not in first)
    rest2 = tuple(d for d in range(x2.ndim) if d not in second)
    if not first:
        return _multiplied(expand_dims(x1, tuple(range(-x2.ndim, 0))), x2)
    a = permute_dims(x1, rest1 + first)
    b = permute_dims(x2, second + rest2)
    if not rest1 and not rest2:
        return reduced("sum", _multiplied(a, b), tuple(range(a.ndim)), False, dtype)
    m, n = len(rest1), len(first)
    shape = a.shape[:m] + b.shape[n:]
    k = math.prod(b.shape[:n])
    a = reshape(a, (math.prod(a.shape[:m]), k))
    b = reshape(b, (k, math.prod(b.shape[n:])))
    return reshape(matmul(a, b), shape)


def vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """The dot products of vectors, the first of which is conjugated.

    Parameters
    ----------
    x1, x2 : Array
        Numeric, with ``n`` elements along the axis each. The other axes broadcast.
    axis : int, optional
        The axis of the vectors, counted from the end: in ``[-N, -1]``, where ``N`` is the smaller
        number of dimensions.

    Returns
    -------
    Array
        The broadcast shape without the axis; the promoted dtype, in which integers wrap. Pending:
        what computes the vectors and what follows are fused with it.

    Raises
    ------
    TypeError
        If an operand is not an array, both are of dtype bool, or the axis is not an integer.
    IndexError
        If the axis is out of range.
    ValueError
        If the vectors differ in length, the other axes do not broadcast, or the arrays are on
        different devices.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.vecdot.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> complex(xp.vecdot(xp.asarray([1j, 2.0]), xp.asarray([1.0, 3.0])))
    (6-1j)
    """
    dtype = numeric_pair("vecdot", x1, x2)
    d = vector_axis("vecdot", x1, x2, axis)
    if x1.shape[d] != x2.shape[d]:
        raise ValueError(
            f"vecdot: vectors along axis {d} must be equally long, got `x1` of shape {x1.shape} "
            f"and `x2` of shape {x2.shape}"
        )
    products = _multiplied(conj(x1) if x1.dtype.kind == "c" else x1, x2)
    return reduced("sum", products, (products.ndim + d,), False, dtype)


def checked_operand(name: str, what: str, x: Any) -> Array:
    """`x`, or `TypeError` where it is not an array; `what` is the argument's name."""
    if x.__class__ is not Array:
        raise TypeError(
            f"{name}: `{what}` must be a gpuarray array, got {type(x).__name__}; "
            "convert it with asarray() first"
        )
    return x


def numeric_pair(name: str, x1: Any, x2: Any) -> np.dtype[Any]:
    """The promoted dtype of two arrays on one device, which must be numeric."""
    checked_operand(name, "x1", x1)
    checked_operand(name, "x2", x2)
    same_device(name, x1, x2)
    dtype = promote(x1.dtype, x2.dtype)
    if dtype.kind == "b":
        raise TypeError(
            f"{name}: `x1` and `x2` must be numeric, got bool and bool; cast with astype() first"
        )
    return dtype


def vector_axis(name: str, x1: Array, x2: Array, axis: Any) -> int:
    """An axis that both arrays have, counted from the end as broadcasting aligns them."""
    number = checked_integer(name, "`axis`", axis)
    fewest = min(x1.ndim, x2.ndim)
    if fewest == 0:
        raise IndexError(
            f"{name}: `x1` and `x2` must have at least one dimension, got arrays of {x1.ndim} and "
            f"{x2.ndim} dimensions"
        )
    if not -fewest <= number <= -1:
        raise IndexError(
            f"{name}: `axis` must count from the end, in [-{fewest}, -1] for arrays of {x1.ndim} "
            f"and {x2.ndim} dimensions, got {number}"
        )
    return number


def in_one_stack(a: Array, b: Array, stack: Shape) -> tuple[Array, Array]:
    """Matrices in memory, with dimensions of stride 0 where their own stack is smaller."""
    operands = [x if x.shape[:-2] == stack else owned(x) for x in (a, b)]
    # Evaluated first: of a pending array, every repetition would be computed and stored.
    evaluate(*operands)
    a, b = (
        x if x.shape[:-2] == stack else broadcast_to(x, (*stack, *x.shape[-2:])) for x in operands
    )
    return a, b


def _multiplied(x1: Array, x2: Array) -> Array:
    return binary(TABLE["multiply"], x1, x2)


def _contracted(x1: Array, x2: Array, axes: Any) -> tuple[Shape, Shape]:
    """The axes of `x1` and of `x2` that are summed over, in pairs of equal extent."""
    if isinstance(axes, tuple | list):
        if len(axes) != 2:
            raise ValueError(
                f"tensordot: `axes` must be an integer or two sequences, got {len(axes)} items"
            )
        first = checked_axes("tensordot", axes[0], x1.ndim)
        second = checked_axes("tensordot", axes[1], x2.ndim)
    else:
        n = checked_integer("tensordot", "`axes`", axes)
        if not 0 <= n <= min(x1.ndim, x2.ndim):
            raise ValueError(
                f"tensordot: `axes` must be in [0, {min(x1.ndim, x2.ndim)}] for arrays of "
                f"{x1.ndim} and {x2.ndim} dimensions, got {n}"
            )
        first, second = tuple(range(x1.ndim - n, x1.ndim)), tuple(range(n))
    if [x1.shape[d] for d in first] != [x2.shape[d] for d in second]:
        raise ValueError(
            f"tensordot: axes {first} of `x1`, shape {x1.shape}, and axes {second} of `x2`, shape "
            f"{x2.shape}, must have the same extents"
        )
    # In the order in which `x1` has them, so that contiguous matrices need no copy.
    pairs = sorted(zip(first, second, strict=True))
    return tuple(d for d, _ in pairs), tuple(d for _, d in pairs)
