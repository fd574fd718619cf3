"""The operators of arrays, as a base class of `Array` that has nothing else.

In: an array and an array or scalar. Out: an array with a pending node; in place, the same array
with another node. What an operator means is the row of its operation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray import recording
from gpuarray.graph.node import Node
from gpuarray.operations import TABLE, Operation

if TYPE_CHECKING:
    from gpuarray.array import Array

__all__ = ["Operators"]

_ops = TABLE
ABS, ADD, SUBTRACT, MULTIPLY = (_ops[n] for n in ("abs", "add", "subtract", "multiply"))
DIVIDE, FLOOR_DIVIDE, REMAINDER, POW = (
    _ops[n] for n in ("divide", "floor_divide", "remainder", "pow")
)
NEGATIVE, POSITIVE, INVERT = (_ops[n] for n in ("negative", "positive", "bitwise_invert"))
AND, OR, XOR = (_ops[n] for n in ("bitwise_and", "bitwise_or", "bitwise_xor"))
LEFT_SHIFT, RIGHT_SHIFT = (_ops[n] for n in ("bitwise_left_shift", "bitwise_right_shift"))
EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL = (
    _ops[n]
    for n in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
)  # fmt: skip

_OPERANDS = (float, int, complex, np.generic)
# What `asarray` takes and operators do not: each operator says so.
_CONVERTIBLE = (np.ndarray, list, tuple)


class Operators:
    """Arithmetic, comparison and bitwise operators over `_node`."""

    __slots__ = ("__weakref__", "_node")

    _node: Node

    # Operators. NotImplemented gives the other operand's class its turn, and in the end Python's
    # own TypeError; NumPy, which gives us the turn, would name no way out.

    def __add__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(ADD, self, other)
        return _refused(ADD.name, other)

    def __radd__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return recording.binary(ADD, other, self)
        return _refused(ADD.name, other)

    def __iadd__(self, other: Any, /) -> Array:
        return self._update(ADD, other)

    def __sub__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(SUBTRACT, self, other)
        return _refused(SUBTRACT.name, other)

    def __rsub__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return recording.binary(SUBTRACT, other, self)
        return _refused(SUBTRACT.name, other)

    def __isub__(self, other: Any, /) -> Array:
        return self._update(SUBTRACT, other)

    def __mul__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(MULTIPLY, self, other)
        return _refused(MULTIPLY.name, other)

    def __rmul__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return recording.binary(MULTIPLY, other, self)
        return _refused(MULTIPLY.name, other)

    def __imul__(self, other: Any, /) -> Array:
        return self._update(MULTIPLY, other)

    def __truediv__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(DIVIDE, self, other)
        return _refused(DIVIDE.name, other)

    def __rtruediv__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return recording.quotient(other, self)
        return _refused(DIVIDE.name, other)

    def __itruediv__(self, other: Any, /) -> Array:
        return self._update(DIVIDE, other)

    def __floordiv__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(FLOOR_DIVIDE, self, other)
        return _refused(FLOOR_DIVIDE.name, other)

    def __rfloordiv__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return recording.binary(FLOOR_DIVIDE, other, self)
        return _refused(FLOOR_DIVIDE.name, other)

    def __ifloordiv__(self, other: Any, /) -> Array:
        return self._update(FLOOR_DIVIDE, other)

    def __mod__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(REMAINDER, self, other)
        return _refused(REMAINDER.name, other)

    def __rmod__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return recording.binary(REMAINDER, other, self)
        return _refused(REMAINDER.name, other)

    def __imod__(self, other: Any, /) -> Array:
        return self._update(REMAINDER, other)

    def __pow__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.power(self, other)
        return _refused(POW.name, other)

    def __rpow__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return recording.binary(POW, other, self)
        return _refused(POW.name, other)

    def __ipow__(self, other: Any, /) -> Array:
        return self._update(POW, other)

    def __matmul__(self, other: Any, /) -> Array:
        if type(other) is type(self):
            return _product(self, other)
        return _refused("matmul", other, "a gpuarray array")

    def __rmatmul__(self, other: Any, /) -> Array:
        # A product of matrices has no scalar operands, and arrays of ours come first.
        return _refused("matmul", other, "a gpuarray array")

    def __imatmul__(self, other: Any, /) -> Array:
        if type(other) is not type(self):
            return NotImplemented
        result = _product(self, other)._node
        if result.shape != self._node.shape or result.dtype is not self._node.dtype:
            raise _not_in_place("matmul", result, self._node)
        self._node = result
        return self  # type: ignore[return-value]

    def __and__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(AND, self, other)
        return _refused(AND.name, other)

    def __rand__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return recording.binary(AND, other, self)
        return _refused(AND.name, other)

    def __iand__(self, other: Any, /) -> Array:
        return self._update(AND, other)

    def __or__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(OR, self, other)
        return _refused(OR.name, other)

    def __ror__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return recording.binary(OR, other, self)
        return _refused(OR.name, other)

    def __ior__(self, other: Any, /) -> Array:
        return self._update(OR, other)

    def __xor__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(XOR, self, other)
        return _refused(XOR.name, other)

    def __rxor__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return recording.binary(XOR, other, self)
        return _refused(XOR.name, other)

    def __ixor__(self, other: Any, /) -> Array:
        return self._update(XOR, other)

    def __lshift__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(LEFT_SHIFT, self, other)
        return _refused(LEFT_SHIFT.name, other)

    def __rlshift__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return recording.binary(LEFT_SHIFT, other, self)
        return _refused(LEFT_SHIFT.name, other)

    def __ilshift__(self, other: Any, /) -> Array:
        return self._update(LEFT_SHIFT, other)

    def __rshift__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(RIGHT_SHIFT, self, other)
        return _refused(RIGHT_SHIFT.name, other)

    def __rrshift__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return recording.binary(RIGHT_SHIFT, other, self)
        return _refused(RIGHT_SHIFT.name, other)

    def __irshift__(self, other: Any, /) -> Array:
        return self._update(RIGHT_SHIFT, other)

    def __eq__(self, other: Any, /) -> Array:  # type: ignore[override]
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(EQUAL, self, other)
        if isinstance(other, _CONVERTIBLE):
            # Python would compare identities and call the arrays different.
            return recording.binary(EQUAL, self, other)
        return NotImplemented

    def __ne__(self, other: Any, /) -> Array:  # type: ignore[override]
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(NOT_EQUAL, self, other)
        if isinstance(other, _CONVERTIBLE):
            # Python would compare identities and call the arrays different.
            return recording.binary(NOT_EQUAL, self, other)
        return NotImplemented

    def __lt__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(LESS, self, other)
        return _refused(LESS.name, other)

    def __le__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(LESS_EQUAL, self, other)
        return _refused(LESS_EQUAL.name, other)

    def __gt__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(GREATER, self, other)
        return _refused(GREATER.name, other)

    def __ge__(self, other: Any, /) -> Array:
        if type(other) is type(self) or isinstance(other, _OPERANDS):
            return recording.binary(GREATER_EQUAL, self, other)
        return _refused(GREATER_EQUAL.name, other)

    def __neg__(self, /) -> Array:
        return recording.unary(NEGATIVE, self)

    def __pos__(self, /) -> Array:
        return recording.unary(POSITIVE, self)

    def __abs__(self, /) -> Array:
        return recording.unary(ABS, self)

    def __invert__(self, /) -> Array:
        return recording.unary(INVERT, self)

    def _update(self, op: Operation, other: Any) -> Array:
        """An in-place operator: the result replaces the node, with the dtype and shape it had."""
        if type(other) is not type(self) and not isinstance(other, _OPERANDS):
            return NotImplemented  # type: ignore[no-any-return]
        result = recording.binary(op, self, other)._node
        if result.shape != self._node.shape or result.dtype is not self._node.dtype:
            raise _not_in_place(op.name, result, self._node)
        self._node = result
        return self  # type: ignore[return-value]


def _refused(name: str, other: Any, needed: str = "a gpuarray array or a scalar") -> Array:
    """NotImplemented, or the error for a NumPy array beside one of ours."""
    if isinstance(other, np.ndarray):
        raise TypeError(
            f"{name}: needs {needed}, got {type(other).__name__}; convert it with asarray() first"
        )
    return NotImplemented  # type: ignore[no-any-return]


def _not_in_place(name: str, result: Node, node: Node) -> Exception:
    if result.shape != node.shape:
        return ValueError(
            f"{name}: in place, the result's shape {result.shape} must be that of the array, "
            f"{node.shape}"
        )
    return TypeError(
        f"{name}: in place, the result's dtype {result.dtype} must be that of the array, "
        f"{node.dtype}; cast with astype() first"
    )


def _product(x1: Any, x2: Any) -> Array:
    from gpuarray.linear_algebra import matmul

    return matmul(x1, x2)
