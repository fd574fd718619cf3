"""Recording: from an operation and its operands to an array that holds a pending node.

In: rows of the operation table, arrays and Python scalars. Out: arrays. What a user can get wrong
is checked here, so what is recorded runs. `binary` and `unary` are the hot path, half a
microsecond an operation (Python 3.11, Xeon): they look rules up, and whatever is rare leaves
through the functions below them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.dtypes import (
    INTEGER_BOUNDS,
    canonical,
    check_integer,
    promote,
    promote_scalar,
    python_scalar,
)
from gpuarray.graph import flush
from gpuarray.graph.node import CAST, DEBUG, FULL, VIEW, Node, clock, leaf, trace, viewed
from gpuarray.operations import TABLE
from gpuarray.operations.operation import CATEGORIES

if TYPE_CHECKING:
    from gpuarray.devices import Device
    from gpuarray.operations import Operation

__all__ = [
    "binary",
    "broadcast_shapes",
    "cast",
    "full",
    "nary",
    "operand",
    "owned",
    "power",
    "promote_operands",
    "quotient",
    "record",
    "same_device",
    "same_values",
    "ternary",
    "unary",
    "view",
]

DType = np.dtype[Any]
Shape = tuple[int, ...]
Scalar = bool | int | float | complex

_SQUARE, _POW, _RECIPROCAL, _DIVIDE = (TABLE[n] for n in ("square", "pow", "reciprocal", "divide"))
_REAL_FLOATING = CATEGORIES["real floating"]
# Integers that every floating dtype takes without a look at its range.
_SMALL = 1 << 62


def unary(op: Operation, x: Any) -> Array:
    """Record an operation of one array."""
    if type(x) is not Array:
        raise _not_an_array(op.name, (x,))
    left = x
    a = left._node
    try:
        dtype = op.table[a.dtype]
    except KeyError:
        dtype = _unary_rule(op, a.dtype)
    now = clock.now + 1
    clock.now = now
    low = a.low
    if now < low:
        low = now
    # As Node.__init__ and Array.__init__ do, without their calls: a third of the cost.
    node = Node.__new__(Node)
    node.op = op
    node.inputs = (a,)
    node.attributes = None
    node.dtype = dtype
    node.shape = a.shape
    node.device = a.device
    node.low = low
    node.epoch = 0
    if DEBUG:
        trace(node)
    if now - low >= clock.limit:
        flush.flush((node,))
    array = Array.__new__(Array)
    array._node = node
    return array


def binary(op: Operation, x1: Any, x2: Any) -> Array:
    """Record an operation of two operands, at least one of them an array."""
    if type(x1) is Array:
        left = x1
        a = left._node
        shape = a.shape
        device = a.device
        low = a.low
        if type(x2) is Array:
            right = x2
            b = right._node
            if b.device is not device:
                raise _mixed_devices(op.name, (x1, x2))
            if b.shape is not shape and b.shape != shape:
                shape = _broadcast(op.name, shape, b.shape)
            try:
                dtype = op.table[a.dtype][b.dtype]
            except KeyError:
                dtype = _binary_rule(op, a.dtype, b.dtype)
            if b.low < low:
                low = b.low
            inputs = (a, b)
        else:
            kind = type(x2)
            try:
                dtype = op.table[a.dtype][kind]
            except KeyError:
                if kind not in _SCALARS:
                    return binary(op, x1, operand(op.name, x2, left))
                dtype = _binary_rule(op, a.dtype, kind)
            if kind is int and not -_FITS[a.dtype] <= x2 < _FITS[a.dtype]:
                check_integer(op.name, x2, a.dtype)
            inputs = (a, x2)
    elif type(x2) is Array:
        right = x2
        b = right._node
        shape = b.shape
        device = b.device
        low = b.low
        kind = type(x1)
        try:
            dtype = op.table[kind][b.dtype]
        except KeyError:
            if kind not in _SCALARS:
                return binary(op, operand(op.name, x1, right), x2)
            dtype = _binary_rule(op, kind, b.dtype)
        if kind is int and not -_FITS[b.dtype] <= x1 < _FITS[b.dtype]:
            check_integer(op.name, x1, b.dtype)
        inputs = (x1, b)
    else:
        raise _not_an_array(op.name, (x1, x2))
    now = clock.now + 1
    clock.now = now
    if now < low:
        low = now
    node = Node.__new__(Node)
    node.op = op
    node.inputs = inputs
    node.attributes = None
    node.dtype = dtype
    node.shape = shape
    node.device = device
    node.low = low
    node.epoch = 0
    if DEBUG:
        trace(node)
    if now - low >= clock.limit:
        flush.flush((node,))
    array = Array.__new__(Array)
    array._node = node
    return array


def power(x1: Any, x2: Any) -> Array:
    """Record a power; a square, by far the most frequent one, is a product."""
    kind = type(x2)
    if (kind is int or kind is float) and x2 == 2 and type(x1) is Array:
        left = x1
        a = left._node
        if a.dtype.kind != "b" and promote_scalar(a.dtype, kind) is a.dtype:
            return unary(_SQUARE, x1)
    return binary(_POW, x1, x2)


def quotient(x1: Any, x2: Any) -> Array:
    """Record a quotient; the reciprocal that ``1 / x`` asks for takes half the time of one."""
    kind = type(x1)
    if (kind is int or kind is float) and x1 == 1 and type(x2) is Array:
        right = x2
        b = right._node
        if b.dtype in _REAL_FLOATING:
            return unary(_RECIPROCAL, x2)
    return binary(_DIVIDE, x1, x2)


def ternary(op: Operation, x1: Any, x2: Any, x3: Any) -> Array:
    """Record an operation of three operands, such as `where` and `clip`.

    Operands before `op.uncast` keep their dtype and must be arrays.
    """
    operands = (x1, x2, x3)
    kinds: list[Any] = []
    inputs: list[Any] = []
    shape: Any = None
    device: Any = None
    integers = False
    for x in operands:
        if type(x) is Array:
            array = x
            a = array._node
            kinds.append(a.dtype)
            inputs.append(a)
            if shape is None:
                shape = a.shape
                device = a.device
            elif a.device is not device:
                same_device(op.name, *[y for y in operands if type(y) is Array])
            elif a.shape is not shape and a.shape != shape:
                shape = _broadcast(op.name, shape, a.shape)
        else:
            kinds.append(type(x))
            inputs.append(x)
            integers = integers or type(x) is int
    try:
        promoted, dtype = op.table[tuple(kinds)]
    except KeyError:
        return _ternary_rule(op, operands)
    if integers:
        for x in operands[op.uncast :]:
            if type(x) is int:
                check_integer(op.name, x, promoted)
    return record(op, tuple(inputs), None, dtype, shape, device)


def _ternary_rule(op: Operation, operands: tuple[Any, ...]) -> Array:
    """Keep in `op.table` the promoted dtype and the result's for operands of these kinds."""
    arrays = [x for x in operands if type(x) is Array]
    if not arrays:
        raise _not_an_array(op.name, operands)
    checked = tuple(
        x if type(x) is Array or type(x) in _SCALARS else operand(op.name, x, arrays[0])
        for x in operands
    )
    promoted = promote_operands(op.name, checked[op.uncast :])
    if promoted not in op.dtypes:
        raise _wrong_dtype(op, [promoted])
    kinds = tuple(x._node.dtype if type(x) is Array else type(x) for x in checked)
    op.table[kinds] = promoted, op.results[op.loops[promoted]]
    return ternary(op, *checked)


def nary(name: str, op: object, arrays: tuple[Array, ...], attributes: tuple[object, ...],
         dtype: DType, shape: Shape) -> Array:  # fmt: skip
    """Record a structural operation of one or more arrays, which must share a device."""
    same_device(name, *arrays)
    inputs = tuple(x._node for x in arrays)
    return record(op, inputs, attributes, dtype, shape, inputs[0].device)


def record(
    op: object,
    inputs: tuple[Any, ...],
    attributes: tuple[object, ...] | None,
    dtype: DType,
    shape: Shape,
    device: Device,
) -> Array:
    """An array of a new pending node; flushes it where the graph has reached a limit."""
    now = clock.now + 1
    clock.now = now
    low = now
    for x in inputs:
        if type(x) is Node:
            source = x
            if source.low < low:
                low = source.low
    node = Node.__new__(Node)
    node.op = op
    node.inputs = inputs
    node.attributes = attributes
    node.dtype = dtype
    node.shape = shape
    node.device = device
    node.low = low
    node.epoch = 0
    if DEBUG:
        trace(node)
    if now - low >= clock.limit:
        flush.flush((node,))
    array = Array.__new__(Array)
    array._node = node
    return array


def full(shape: Shape, value: Scalar, dtype: DType, device: Device) -> Array:
    """An array of one value, which is an argument of the kernels that read it."""
    return record(FULL, (value,), (dtype, shape), dtype, shape, device)


def cast(x: Array, dtype: DType) -> Array:
    """`x` in another dtype, or `x` itself."""
    node = x._node
    if node.dtype is dtype:
        return x
    return record(CAST, (node,), (dtype,), dtype, node.shape, node.device)


def view(x: Array, shape: Shape, maps: tuple[tuple[int, int, int], ...]) -> Array:
    """An affine selection of `x`: dimension d is read at ``start + step * index[axis]``.

    `maps` holds ``(axis, start, step)`` for each dimension of `x`; axis -1 stands for a fixed
    index. A view of a leaf is a leaf of the same buffer, and costs nothing.
    """
    node = x._node
    if node.op is not None or 0 in shape:
        return record(VIEW, (node,), (shape, maps), node.dtype, shape, node.device)
    offset, layout = viewed(node.layout, shape, maps)
    assert node.buffer is not None
    part = Array(leaf(node.device, node.buffer, node.offset + offset, layout))
    return part if node.buffer.exclusive else owned(part)


def owned(x: Array) -> Array:
    """`x` itself, or its values now where another library can write to its memory."""
    node = x._node
    if node.op is None and not node.buffer.exclusive:  # type: ignore[union-attr]
        return record(CAST, (node,), (node.dtype,), node.dtype, node.shape, node.device)
    return x


def same_values(x: Array) -> Array:
    """Another array with the values of `x`, which nothing that is done to `x` will change."""
    return Array(owned(x)._node)


def same_device(name: str, *arrays: Array) -> None:
    """Raise `ValueError` unless all arrays are on one device."""
    for x in arrays:
        if x._node.device is not arrays[0]._node.device:
            raise _mixed_devices(name, arrays)


def promote_operands(name: str, operands: tuple[Any, ...]) -> DType:
    """The dtype of arrays and Python scalars together; scalars count by kind alone."""
    dtype: DType | None = None
    for x in operands:
        if x.__class__ is Array:
            dtype = x._node.dtype if dtype is None else promote(dtype, x._node.dtype)
    scalars = [x.__class__ for x in operands if x.__class__ is not Array]
    if dtype is None:
        # Only scalars beside an array that stands outside promotion: NumPy's defaults.
        dtype = np.dtype(bool)
    for kind in scalars:
        dtype = promote_scalar(dtype, kind)
    return dtype


@lru_cache(maxsize=65536)
def _broadcast(name: str, a: Shape, b: Shape) -> Shape:
    if len(a) < len(b):
        a, b = b, a
    padded = (1,) * (len(a) - len(b)) + b
    shape = []
    for m, n in zip(a, padded, strict=True):
        if m != n and m != 1 and n != 1:
            raise ValueError(f"{name}: shapes {a} and {b} do not broadcast: {m} against {n}")
        shape.append(n if m == 1 else m)
    return tuple(shape)


def broadcast_shapes(name: str, *shapes: Shape) -> Shape:
    """The shape that all of `shapes` broadcast to; `ValueError` names the pair that does not."""
    shape: Shape = ()
    for other in shapes:
        shape = _broadcast(name, shape, other)
    return shape


_SCALARS = frozenset((bool, int, float, complex))

# For each dtype a bound that every integer scalar below it (in magnitude) fits, so the check of
# nearly every scalar is one comparison; unsigned dtypes always take the exact check.
_FITS = {d: 0 if low == 0 else high for d, (low, high) in INTEGER_BOUNDS.items()}
_FITS.update({np.dtype(d): _SMALL for d in ("bool", "f4", "f8", "c8", "c16")})


def _unary_rule(op: Operation, dtype: DType) -> DType:
    if dtype not in op.dtypes:
        raise _wrong_dtype(op, [dtype])
    result: DType = op.table.setdefault(dtype, op.results[op.loops[dtype]])
    return result


def _binary_rule(op: Operation, a: Any, b: Any) -> DType:
    """The result's dtype from two dtypes, or a dtype and a scalar's type; kept in `op.table`."""
    if isinstance(a, type):
        promoted = promote_scalar(b, a)
    elif isinstance(b, type):
        promoted = promote_scalar(a, b)
    else:
        promoted = promote(a, b)
    if promoted not in op.dtypes:
        raise _wrong_dtype(op, [a, b])
    dtype = op.results[op.loops[promoted]]
    op.table.setdefault(a, {})[b] = dtype
    return dtype


def operand(name: str, x: Any, like: Array) -> Any:
    """`x` as an operand: a Python scalar, or the typed 0-d array of a NumPy scalar."""
    scalar = python_scalar(x)
    if scalar is not None:
        return scalar
    if isinstance(x, np.generic):
        return full((), x.item(), canonical(x.dtype), like._node.device)
    raise _not_an_array(name, (x,))


def _described(x: Any) -> str:
    if x.__class__ is Array:
        return str(x._node.dtype)
    return x.__name__ if isinstance(x, type) else str(x)


def _wrong_dtype(op: Operation, found: list[Any]) -> TypeError:
    given = " and ".join(map(_described, found))
    return TypeError(f"{op.name}: needs {op.accepts} arrays, got {given}; cast with astype() first")


def _mixed_devices(name: str, arrays: tuple[Array, ...]) -> ValueError:
    found = " and ".join(dict.fromkeys(repr(str(x._node.device)) for x in arrays))
    return ValueError(
        f"{name}: the arrays are on different devices, {found}; move one with to_device() first"
    )


def _not_an_array(name: str, operands: tuple[Any, ...]) -> TypeError:
    wrong = [type(x).__name__ for x in operands if x.__class__ is not Array]
    if all(kind in ("bool", "int", "float", "complex") for kind in wrong):
        return TypeError(f"{name}: needs at least one gpuarray array, got only Python scalars")
    return TypeError(
        f"{name}: needs a gpuarray array or a Python scalar, got {wrong[0]}; "
        "convert it with asarray() first"
    )


# The two modules need each other; `gpuarray/__init__.py` imports this one first, so that all
# that `array` takes from here is defined by now.
from gpuarray.array import Array  # noqa: E402
