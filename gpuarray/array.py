"""The array object: a handle on a node, with the standard's operators, attributes and methods.

In: a node. Out: the same node, or a new one. An array owns nothing but the reference; `x += y` and
`x[k] = v` give it a new node, and no other array notices.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray import operations
from gpuarray.graph.node import Node, pending
from gpuarray.recording import binary, power, quotient, unary

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Array"]

_ops = operations.TABLE
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

_OPERANDS = (bool, int, float, complex, np.generic)


class Array:
    """An n-dimensional array on a device, made by the functions of `gpuarray`.

    Arrays are values: a slice is a copy that costs nothing, and an update of one array changes no
    other. Operations are recorded and run when a value is needed.

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.asarray([1.0, 2.0, 3.0])
    >>> float(xp.sum(x * x))
    14.0
    """

    __slots__ = ("__weakref__", "_node")
    # NumPy arrays and scalars on the left of an operator leave it to us.
    __array_priority__ = 1000
    __array_ufunc__ = None

    _node: Node

    def __init__(self, node: Node) -> None:
        if node.__class__ is not pending:
            raise TypeError("Array: arrays are made by gpuarray.asarray() and the like")
        self._node = node

    # Attributes

    @property
    def dtype(self) -> np.dtype[Any]:
        """The data type, a `numpy.dtype`."""
        return self._node.dtype

    @property
    def device(self) -> Device:
        """The device, which compares equal to its name."""
        return self._node.device

    @property
    def shape(self) -> tuple[int, ...]:
        """The extent of each axis."""
        return self._node.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._node.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self._node.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._node.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return math.prod(self._node.shape) * self._node.dtype.itemsize

    @property
    def T(self) -> Array:  # noqa: N802  (the standard's name)
        """The transpose of a matrix, shape ``(m, n)`` to ``(n, m)``; `ValueError` otherwise."""
        if self.ndim != 2:
            raise ValueError(
                f"T: needs a 2-dimensional array, got {self.ndim} dimensions; use permute_dims()"
            )
        from gpuarray.manipulation import permute_dims

        return permute_dims(self, (1, 0))

    @property
    def mT(self) -> Array:  # noqa: N802  (the standard's name)
        """The transpose of the last two axes, shape ``(..., m, n)`` to ``(..., n, m)``."""
        if self.ndim < 2:
            raise ValueError(f"mT: needs at least 2 dimensions, got {self.ndim}")
        from gpuarray.manipulation import permute_dims

        axes = (*range(self.ndim - 2), self.ndim - 1, self.ndim - 2)
        return permute_dims(self, axes)

    # Conversions: each needs the value, and so flushes.

    def __bool__(self) -> bool:
        return bool(self._item("bool"))

    def __int__(self) -> int:
        return int(self._item("int", "iubf"))

    def __float__(self) -> float:
        return float(self._item("float", "iubf"))

    def __complex__(self) -> complex:
        return complex(self._item("complex"))

    def __index__(self) -> int:
        return int(self._item("operator.index", "iu"))

    def _item(self, what: str, kinds: str = "iubfc") -> Any:
        if self.shape != ():
            raise TypeError(
                f"{what}(): needs a 0-dimensional array, got shape {self.shape}; index it first"
            )
        if self.dtype.kind not in kinds:
            raise TypeError(f"{what}(): cannot convert an array of {self.dtype}")
        from gpuarray.interop.numpy import to_numpy

        return to_numpy(self)[()].item()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        """A NumPy array of a CPU array's elements, a copy; `TypeError` for any other device."""
        from gpuarray.interop.numpy import as_array

        return as_array(self, dtype, copy)

    def __array_namespace__(self, /, *, api_version: str | None = None) -> ModuleType:
        """The module that holds the functions for this array."""
        import gpuarray

        if api_version not in (None, *_VERSIONS):
            raise ValueError(
                f"__array_namespace__: api_version {api_version!r} is not among {_VERSIONS}"
            )
        return gpuarray

    def to_device(self, device: Any, /, *, stream: Any = None) -> Array:
        """This array on another device; itself if it is there already.

        Raises `ValueError` where there is no such device, and for a `stream` (streams are ordered
        by themselves).
        """
        from gpuarray.interop.numpy import move

        return move(self, device, stream)

    def __repr__(self) -> str:
        from gpuarray.interop.numpy import represent

        return represent(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len(): a 0-dimensional array has no length")
        return self.shape[0]

    def __iter__(self) -> Any:
        if not self.shape:
            raise TypeError("iter(): a 0-dimensional array cannot be iterated over")
        return (self[i] for i in range(self.shape[0]))

    __hash__ = None  # type: ignore[assignment]

    # Indexing

    def __getitem__(self, key: Any, /) -> Array:
        from gpuarray.indexing import get

        return get(self, key)

    def __setitem__(self, key: Any, value: Any, /) -> None:
        from gpuarray.indexing import updated

        self._node = updated(self, key, value)._node

    # Operators. NotImplemented gives the other operand's class its turn, and in the end Python's
    # own TypeError.

    def __add__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(ADD, self, other)
        return NotImplemented

    def __radd__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return binary(ADD, other, self)
        return NotImplemented

    def __iadd__(self, other: Any, /) -> Array:
        return self._update(ADD, other)

    def __sub__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(SUBTRACT, self, other)
        return NotImplemented

    def __rsub__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return binary(SUBTRACT, other, self)
        return NotImplemented

    def __isub__(self, other: Any, /) -> Array:
        return self._update(SUBTRACT, other)

    def __mul__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(MULTIPLY, self, other)
        return NotImplemented

    def __rmul__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return binary(MULTIPLY, other, self)
        return NotImplemented

    def __imul__(self, other: Any, /) -> Array:
        return self._update(MULTIPLY, other)

    def __truediv__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(DIVIDE, self, other)
        return NotImplemented

    def __rtruediv__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return quotient(other, self)
        return NotImplemented

    def __itruediv__(self, other: Any, /) -> Array:
        return self._update(DIVIDE, other)

    def __floordiv__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(FLOOR_DIVIDE, self, other)
        return NotImplemented

    def __rfloordiv__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return binary(FLOOR_DIVIDE, other, self)
        return NotImplemented

    def __ifloordiv__(self, other: Any, /) -> Array:
        return self._update(FLOOR_DIVIDE, other)

    def __mod__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(REMAINDER, self, other)
        return NotImplemented

    def __rmod__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return binary(REMAINDER, other, self)
        return NotImplemented

    def __imod__(self, other: Any, /) -> Array:
        return self._update(REMAINDER, other)

    def __pow__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return power(self, other)
        return NotImplemented

    def __rpow__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return binary(POW, other, self)
        return NotImplemented

    def __ipow__(self, other: Any, /) -> Array:
        return self._update(POW, other)

    def __and__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(AND, self, other)
        return NotImplemented

    def __rand__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return binary(AND, other, self)
        return NotImplemented

    def __iand__(self, other: Any, /) -> Array:
        return self._update(AND, other)

    def __or__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(OR, self, other)
        return NotImplemented

    def __ror__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return binary(OR, other, self)
        return NotImplemented

    def __ior__(self, other: Any, /) -> Array:
        return self._update(OR, other)

    def __xor__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(XOR, self, other)
        return NotImplemented

    def __rxor__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return binary(XOR, other, self)
        return NotImplemented

    def __ixor__(self, other: Any, /) -> Array:
        return self._update(XOR, other)

    def __lshift__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(LEFT_SHIFT, self, other)
        return NotImplemented

    def __rlshift__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return binary(LEFT_SHIFT, other, self)
        return NotImplemented

    def __ilshift__(self, other: Any, /) -> Array:
        return self._update(LEFT_SHIFT, other)

    def __rshift__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(RIGHT_SHIFT, self, other)
        return NotImplemented

    def __rrshift__(self, other: Any, /) -> Array:
        if isinstance(other, _OPERANDS):
            return binary(RIGHT_SHIFT, other, self)
        return NotImplemented

    def __irshift__(self, other: Any, /) -> Array:
        return self._update(RIGHT_SHIFT, other)

    def __eq__(self, other: Any, /) -> Array:  # type: ignore[override]
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(EQUAL, self, other)
        return NotImplemented

    def __ne__(self, other: Any, /) -> Array:  # type: ignore[override]
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(NOT_EQUAL, self, other)
        return NotImplemented

    def __lt__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(LESS, self, other)
        return NotImplemented

    def __le__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(LESS_EQUAL, self, other)
        return NotImplemented

    def __gt__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(GREATER, self, other)
        return NotImplemented

    def __ge__(self, other: Any, /) -> Array:
        if other.__class__ is Array or isinstance(other, _OPERANDS):
            return binary(GREATER_EQUAL, self, other)
        return NotImplemented

    def __neg__(self, /) -> Array:
        return unary(NEGATIVE, self)

    def __pos__(self, /) -> Array:
        return unary(POSITIVE, self)

    def __abs__(self, /) -> Array:
        return unary(ABS, self)

    def __invert__(self, /) -> Array:
        return unary(INVERT, self)

    def _update(self, op: operations.Operation, other: Any) -> Array:
        """An in-place operator: the result replaces the node, with the dtype and shape it had."""
        if other.__class__ is not Array and not isinstance(other, _OPERANDS):
            return NotImplemented  # type: ignore[no-any-return]
        result = binary(op, self, other)._node
        node = self._node
        if result.shape != node.shape:
            raise ValueError(
                f"{op.name}: in place, the result's shape {result.shape} must be that of the "
                f"array, {node.shape}"
            )
        if result.dtype is not node.dtype:
            raise TypeError(
                f"{op.name}: in place, the result's dtype {result.dtype} must be that of the "
                f"array, {node.dtype}; cast with astype() first"
            )
        self._node = result
        return self


_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")
