"""Operations of a user's own, which are in no table: rows that bring their definition along.

In: the dtypes of operands and result, C++ source, and a NumPy function. Out: a `CustomOperation`,
which is recorded, planned and fused as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .operation import DType, NumPyFunction, Operation, _without_warnings

__all__ = ["CustomFold", "CustomOperation"]

_BOOL = np.dtype(bool)


class CustomOperation(Operation):
    """An elementwise operation that a user has written; compared by identity.

    Parameters
    ----------
    name : str
        For messages.
    operands : tuple of dtype
        Each operand is of this dtype already; none is promoted.
    result : dtype
        Of the result.
    function : str
        The C++ function to call, with its namespace.
    definition : str
        The C++ source that defines it, to stand in front of a kernel. Element types are called
        ``f32``, ``i64``, ``c128`` and so on there.
    numpy : callable
        The value, from NumPy arrays of the dtypes of the operands.
    """

    __slots__ = ("definition", "operands")

    definition: str
    operands: tuple[DType, ...]

    def __init__(
        self,
        name: str,
        operands: tuple[DType, ...],
        result: DType,
        function: str,
        definition: str,
        numpy: NumPyFunction,
    ) -> None:
        places = ", ".join(f"{{{k}}}" for k in range(len(operands)))
        values: dict[str, Any] = {
            "name": name,
            "arity": len(operands),
            "accepts": "all",
            "result": "same",
            "numpy": _without_warnings(numpy),
            "c": f"{function}({places})",
            "loop": "same",
            # All operands keep their dtypes, so that the one of the operation is always the same.
            "uncast": len(operands),
            "dtypes": frozenset((_BOOL,)),
            "loops": {_BOOL: result},
            "results": {result: result},
            "table": {},
            "definition": definition,
            "operands": operands,
        }
        for attribute, value in values.items():
            object.__setattr__(self, attribute, value)

    def row(self, table: Mapping[str, Operation]) -> Operation:
        return self


class CustomFold(str):
    """A fold that a user has written; it stands where a reduction has its name.

    The name is unique to the definition. ``ga_<name><T>`` is the C++ struct of its state, with the
    methods that those of `gpuarray_cuda/codegen/device/reductions.cuh` have.

    Attributes
    ----------
    definition
        The C++ source that defines the struct, to stand in front of a kernel.
    """

    definition: str

    def __new__(cls, name: str, definition: str) -> CustomFold:
        found = super().__new__(cls, name)
        found.definition = definition
        return found
