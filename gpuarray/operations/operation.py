"""One row of the operation table: what an elementwise operation accepts, gives, and is computed by.

In: a name, dtype rules, a NumPy function and a C expression. Out: an `Operation`, its dtypes looked
up in dictionaries. Knows nothing of arrays, promotion, graphs or backends.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["CATEGORIES", "LOOPS", "RESULTS", "DType", "Operation"]

DType: TypeAlias = np.dtype[Any]
NumPyFunction: TypeAlias = Callable[..., Any]

_BOOL = (np.dtype("bool"),)
_SIGNED = tuple(map(np.dtype, ("int8", "int16", "int32", "int64")))
_UNSIGNED = tuple(map(np.dtype, ("uint8", "uint16", "uint32", "uint64")))
_REAL_FLOATING = tuple(map(np.dtype, ("float32", "float64")))
_COMPLEX = tuple(map(np.dtype, ("complex64", "complex128")))
_INTEGER = _SIGNED + _UNSIGNED

CATEGORIES: Mapping[str, frozenset[DType]] = {
    "all": frozenset(_BOOL + _INTEGER + _REAL_FLOATING + _COMPLEX),
    "numeric": frozenset(_INTEGER + _REAL_FLOATING + _COMPLEX),
    "real": frozenset(_INTEGER + _REAL_FLOATING),
    "integer": frozenset(_INTEGER),
    "integer or bool": frozenset(_INTEGER + _BOOL),
    "bool": frozenset(_BOOL),
    "floating": frozenset(_REAL_FLOATING + _COMPLEX),
    "real floating": frozenset(_REAL_FLOATING),
    "complex": frozenset(_COMPLEX),
    "uint64": frozenset((np.dtype("uint64"),)),
    "float64": frozenset((np.dtype("float64"),)),
}
"""The standard's data type categories, and two dtypes; a key reads well in "needs <key> arrays"."""


def _same(dtype: DType) -> DType:
    return dtype


def _true_divide(promoted: DType) -> DType:
    # The standard leaves the quotient of integers open; NumPy's answer is float64 for every width.
    return np.dtype("float64") if promoted.kind in "iu" else promoted


def _bool(loop: DType) -> DType:
    return np.dtype("bool")


def _real(loop: DType) -> DType:
    return np.dtype(f"f{loop.itemsize // 2}") if loop.kind == "c" else loop


LOOPS: Mapping[str, Callable[[DType], DType]] = {"same": _same, "true divide": _true_divide}
"""From the promoted dtype of the operands to the dtype the operation is computed in."""


def _always(name: str) -> Callable[[DType], DType]:
    dtype = np.dtype(name)
    return lambda loop: dtype


RESULTS: Mapping[str, Callable[[DType], DType]] = {
    "same": _same,
    "bool": _bool,
    "real": _real,
    **{name: _always(name) for name in ("uint32", "float32", "float64")},
}
"""From the dtype the operation is computed in to the dtype of its result."""


class Remembered:
    """What the recorder has looked up for an operation, in `table`: the first thing it asks for."""

    __slots__ = ("table",)

    table: dict[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Operation(Remembered):
    """An elementwise operation; compared and hashed by identity.

    Parameters
    ----------
    name : str
        The standard's name, which is also the key of the row.
    arity : int
        How many operands it takes, at most 3.
    accepts : str
        A key of `CATEGORIES`: the promoted dtypes it is defined for.
    result : str
        A key of `RESULTS`: the dtype of the result, from the loop dtype.
    numpy : callable
        The value, from NumPy arrays that are already cast to the loop dtype. It obeys the special
        cases of the standard and never returns a view. The row wraps it, so that it never
        warns and returns an array for zero-dimensional operands too.
    c : str or mapping of str to str
        The C expression, as a `str.format` template: ``{0} {1} {2}`` are the operands, already of
        the loop type, ``{T}`` is the C name of that type. A mapping is keyed by the kind of the
        loop dtype, ``b i u f c`` as in `numpy.dtype.kind`, with ``*`` for the kinds not listed.
    loop : str, optional
        A key of `LOOPS`: the loop dtype, from the promoted dtype.
    uncast : int, optional
        How many leading operands stand outside promotion and keep their dtype (the condition of
        ``where``).

    Attributes
    ----------
    dtypes : frozenset of numpy.dtype
        The promoted dtypes it accepts.
    loops : dict
        From an accepted promoted dtype to the loop dtype.
    results : dict
        From a loop dtype to the dtype of the result.
    table : dict
        Empty at first; the recorder keeps what it has looked up for this operation here.

    Raises
    ------
    ValueError
        If `accepts`, `result` or `loop` is not a key of its table.

    Examples
    --------
    >>> import numpy as np
    >>> from gpuarray.operations.elementwise import DIVIDE
    >>> DIVIDE.loops[np.dtype("int32")]
    dtype('float64')
    """

    name: str
    arity: int
    accepts: str
    result: str
    numpy: NumPyFunction
    c: str | Mapping[str, str]
    loop: str = "same"
    uncast: int = 0
    dtypes: frozenset[DType] = field(init=False, repr=False)
    loops: dict[DType, DType] = field(init=False, repr=False)
    results: dict[DType, DType] = field(init=False, repr=False)
    table: dict[Any, Any] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for label, key, known in (
            ("accepts", self.accepts, CATEGORIES),
            ("result", self.result, RESULTS),
            ("loop", self.loop, LOOPS),
        ):
            if key not in known:
                raise ValueError(
                    f"operation {self.name!r}: {label}={key!r} is unknown; use one of "
                    + ", ".join(map(repr, known))
                )
        dtypes = CATEGORIES[self.accepts]
        loops = {dtype: LOOPS[self.loop](dtype) for dtype in dtypes}
        assign = functools.partial(object.__setattr__, self)
        assign("dtypes", dtypes)
        assign("loops", loops)
        assign("results", {loop: RESULTS[self.result](loop) for loop in loops.values()})
        assign("numpy", _without_warnings(self.numpy))

    def row(self, table: Mapping[str, Operation]) -> Operation:
        """The row that computes this operation where `table` is the backend's."""
        return table[self.name]

    def expression(self, loop: DType) -> str:
        """The C expression for a loop dtype, as a `str.format` template.

        Examples
        --------
        >>> import numpy as np
        >>> from gpuarray.operations.elementwise import LESS
        >>> LESS.expression(np.dtype("float32")).format("v1", "v2", T="f32")
        'v1 < v2'
        """
        if isinstance(self.c, str):
            return self.c
        kind = loop.kind
        return self.c[kind] if kind in self.c else self.c["*"]


def _without_warnings(function: NumPyFunction) -> Callable[..., npt.NDArray[Any]]:
    @functools.wraps(function)
    def call(*operands: npt.NDArray[Any]) -> npt.NDArray[Any]:
        with np.errstate(all="ignore"):
            return np.asarray(function(*operands))

    return call
