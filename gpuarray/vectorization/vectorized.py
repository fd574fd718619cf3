"""`vectorize`: a scalar Python function as a function of arrays.

In: a Python function. Out: a `Vectorized`, which records one operation: C++ for a backend that
compiles, and the Python function itself, element by element, on NumPy.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.array import Array
from gpuarray.dtypes import check_integer, python_scalar
from gpuarray.operations import CustomOperation
from gpuarray.recording import broadcast_shapes, full, record, same_device
from gpuarray.vectorization.kinds import BOOL, Kind, strong
from gpuarray.vectorization.sources import Source
from gpuarray.vectorization.translation import Translator

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Vectorized", "vectorize"]

Values = np.ndarray[Any, Any]


def vectorize(function: Callable[..., Any], /) -> Vectorized:
    """A scalar Python function as an elementwise function of arrays; also as a decorator.

    On CUDA the function is translated to C++ and fuses with the operations around it. On NumPy it
    runs as it is, once for each element.

    Parameters
    ----------
    function : callable
        A function of numbers, made by ``def`` or ``lambda``, whose source is at hand. It may use
        arithmetic, comparisons, conditions, ``if``, ``while``, ``for`` over a range, ``break`` and
        ``continue``, local variables, the functions and constants of `math`, ``abs``, ``min``,
        ``max``, ``int``, ``float`` and ``bool``, numbers from outside, and other such functions.

    Returns
    -------
    Vectorized
        Takes arrays and scalars; shapes broadcast. With scalars alone it is the function itself.

    Raises
    ------
    TypeError
        It is no function; or, at a call with dtypes that are new, a part of it is not supported:
        the message names the line.

    Notes
    -----
    Types follow promotion: constants and Python scalars take the dtype of what they meet, so that
    a function of float32 computes in float32. A variable has one type. Functions of `math` give
    their argument's dtype, and integers wrap. Numbers from outside have the value that they had at
    the first call with these dtypes.

    Examples
    --------
    >>> import gpuarray as xp
    >>> @xp.vectorize
    ... def collatz(n):
    ...     steps = 0
    ...     while n != 1:
    ...         n = n // 2 if n % 2 == 0 else 3 * n + 1
    ...         steps += 1
    ...     return steps
    >>> collatz(xp.asarray([1, 2, 3, 7]))
    Array([ 0,  1,  7, 16], dtype=int64, device='cpu')
    """
    if not isinstance(function, FunctionType):
        raise TypeError(f"vectorize: needs a Python function, got {type(function).__name__}")
    return Vectorized(function)


class Vectorized:
    """A function made by `vectorize`; ``__wrapped__`` is the original."""

    __wrapped__: Callable[..., Any]

    def __init__(self, function: FunctionType) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._source = Source(function)
        self._operations: dict[tuple[Kind, ...], CustomOperation] = {}
        self._checked: set[tuple[Device, tuple[Kind, ...]]] = set()

    def __repr__(self) -> str:
        return f"<vectorized {self._source.name}>"

    def __call__(self, *args: Any) -> Any:
        """An array for arguments of which one is an array; of scalars, what the function gives."""
        name = self._source.name
        count = len(self._source.parameters)
        defaults = self._function.__defaults__ or ()
        if not count - len(defaults) <= len(args) <= count:
            raise TypeError(f"{name}: takes {count} arguments, got {len(args)}")
        given = [*args, *defaults[len(defaults) - (count - len(args)) :][: count - len(args)]]
        values = [self._argument(what, x) for what, x in zip(self._parameters, given, strict=True)]
        arrays = [x for x in values if isinstance(x, Array)]
        if not arrays:
            return self._function(*given)
        same_device(name, *arrays)
        shape = broadcast_shapes(name, *(x.shape for x in arrays))
        device = arrays[0].device
        kinds = tuple(_kind(x) for x in values)
        op = self._operation(kinds, device)
        nodes = tuple(
            (x if isinstance(x, Array) else full((), x, strong(kind), device))._node
            for x, kind in zip(values, kinds, strict=True)
        )
        return record(op, nodes, None, next(iter(op.results)), shape, device)

    @property
    def _parameters(self) -> list[str]:
        return self._source.parameters

    def _argument(self, what: str, x: Any) -> Any:
        if isinstance(x, Array):
            return x
        scalar = x.item() if isinstance(x, np.generic) else python_scalar(x)
        if scalar is None or isinstance(scalar, complex):
            raise TypeError(
                f"{self._source.name}: {what} must be an array or a real scalar, got "
                f"{type(x).__name__}"
            )
        if type(scalar) is int:
            check_integer(self._source.name, scalar, strong(int))
        return scalar

    def _operation(self, kinds: tuple[Kind, ...], device: Device) -> CustomOperation:
        found = self._operations.get(kinds)
        if found is None:
            found = self._operations[kinds] = self._translated(kinds)
        if (device, kinds) not in self._checked:
            check = device.backend.manager.hook.gpuarray_check_custom
            check(device=device, operation=found)
            self._checked.add((device, kinds))
        return found

    def _translated(self, kinds: tuple[Kind, ...]) -> CustomOperation:
        for what, kind in zip(self._parameters, kinds, strict=True):
            if strong(kind).kind == "c":
                raise TypeError(f"{self._source.name}: {what} must be real, got {kind}")
        translation = Translator(_behind).translate(self._source, kinds)
        text = "\n\n".join(translation.definitions)
        digest = hashlib.sha256(text.encode(), usedforsecurity=False).hexdigest()[:16]
        space = f"vectorized_{digest}"
        result = strong(translation.result)
        weak = tuple(not isinstance(kind, np.dtype) for kind in kinds)
        return CustomOperation(
            self._source.name,
            tuple(strong(kind) for kind in kinds),
            result,
            f"{space}::{translation.function}",
            f"namespace {space} {{\n{text}\n}}\n",
            _by_elements(self._function, weak, result),
        )


def _behind(called: Any) -> Callable[..., Any] | None:
    """The Python function behind what a translated function calls."""
    if isinstance(called, Vectorized):
        return called._function
    return called if isinstance(called, FunctionType) else None


def _kind(x: Any) -> Kind:
    if isinstance(x, Array):
        return x.dtype
    return BOOL if type(x) is bool else type(x)


def _by_elements(
    function: Callable[..., Any], weak: tuple[bool, ...], result: np.dtype[Any]
) -> Callable[..., Values]:
    """The function on NumPy: each element is a NumPy scalar, and Python's scalars stay theirs."""

    def computed(*operands: Values) -> Values:
        pairs = zip(operands, weak, strict=True)
        given = [x[(0,) * x.ndim].item() if w else x for x, w in pairs]
        arrays = [x for x, w in zip(given, weak, strict=True) if not w]
        shape = np.broadcast_shapes(*(x.shape for x in arrays))
        flat = [
            None if w else np.broadcast_to(x, shape).reshape(-1)
            for x, w in zip(given, weak, strict=True)
        ]
        found = np.empty(shape, result)
        elements = found.reshape(-1)
        for k in range(elements.size):
            elements[k] = function(
                *(x if row is None else row[k] for x, row in zip(given, flat, strict=True))
            )
        return found

    return computed
