"""Arguments and results of compiled functions: arrays in nested tuples, lists and dicts.

In: any such structure. Out: a key that says all but the arrays, the arrays, and a `Template` that
puts others in their places. What is neither an array nor a plain value is refused by name.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Sequence
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from gpuarray.array import Array

__all__ = ["Template", "describe_argument", "unpack"]

# Values that are the same wherever they are equal and of one type.
_PLAIN = frozenset((bool, int, str, bytes, type(None), type(...)))
# Values that are themselves and nothing else.
_NAMED = (np.dtype, type, ModuleType, FunctionType, BuiltinFunctionType, enum.Enum)


class _UnsupportedError(Exception):
    """A value that is neither array, container nor plain; `path` leads there."""

    def __init__(self, value: object, path: str = "") -> None:
        self.value = value
        self.path = path


def describe_argument(
    function: Callable[..., Any], which: int | str, x: Any, key: list[Any], arrays: list[Array]
) -> None:
    """Append what an argument is to `key`, and the arrays in it to `arrays`.

    `which` is its position or name. Raises `TypeError`, which names the argument, for what a
    compiled function does not take.
    """
    try:
        _describe(x, key, arrays)
    except _UnsupportedError as error:
        name = which if isinstance(which, str) else _name_of(function, which)
        raise _wrong_argument(function, name, error) from None


def _describe(x: Any, key: list[Any], arrays: list[Array]) -> None:
    kind = type(x)
    key.append(kind)
    if kind is Array:
        arrays.append(x)
    elif kind in _PLAIN:
        key.append(x)
    elif kind is float or kind is complex:
        # Zeros of both signs are equal, and no NaN is; as text they are what they are.
        key.append(repr(x))
    elif kind is dict:
        key.append(len(x))
        for name, value in x.items():
            _describe(name, key, arrays)
            _inside(value, f"[{name!r}]", key, arrays)
    elif kind is list or _is_tuple(x):
        key.append(len(x))
        for position, value in enumerate(x):
            _inside(value, f"[{position}]", key, arrays)
    elif kind is slice:
        for value in (x.start, x.stop, x.step):
            _describe(value, key, arrays)
    elif isinstance(x, np.generic):
        key.append((x.dtype, x.tobytes()))
    elif isinstance(x, _NAMED):
        key.append(x)
    else:
        raise _UnsupportedError(x)


def _is_tuple(x: Any) -> bool:
    """Whether `x` is a tuple, or a named one."""
    return type(x) is tuple or (isinstance(x, tuple) and hasattr(x, "_fields"))


def _inside(x: Any, step: str, key: list[Any], arrays: list[Array]) -> None:
    try:
        _describe(x, key, arrays)
    except _UnsupportedError as error:
        error.path = step + error.path
        raise


def _name_of(function: Callable[..., Any], position: int) -> str:
    try:
        names = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        names = []
    if position < len(names) and names[position].kind is not inspect.Parameter.VAR_POSITIONAL:
        return names[position].name
    return f"number {position + 1}"


def _wrong_argument(function: Callable[..., Any], name: str, error: _UnsupportedError) -> TypeError:
    kind = type(error.value).__name__
    hint = "; convert it with asarray() first" if isinstance(error.value, np.ndarray) else ""
    return TypeError(
        f"compile: {name_of(function)}: argument {name}{error.path} is of type {kind}; it takes "
        "arrays, numbers, strings, None, dtypes, functions and modules, in tuples, lists and "
        f"dicts{hint}"
    )


def name_of(function: Callable[..., Any]) -> str:
    """What messages call a function."""
    return getattr(function, "__qualname__", None) or repr(function)


class Template:
    """A structure whose arrays are numbers of their position among the different arrays in it."""

    __slots__ = ("_parts", "is_array")

    def __init__(self, parts: Any) -> None:
        self._parts = parts
        # Whether it is a single array, and nothing around it.
        self.is_array = type(parts) is int

    def fill(self, arrays: Sequence[Array]) -> Any:
        """The structure with `arrays` in it."""
        return _filled(self._parts, arrays)


def unpack(function: Callable[..., Any], result: Any) -> tuple[Template, list[Array]]:
    """The structure of a result, and its different arrays."""
    arrays: list[Array] = []
    positions: dict[int, int] = {}
    try:
        parts = _parts(result, arrays, positions)
    except _UnsupportedError as error:
        raise TypeError(
            f"compile: {name_of(function)}: returns {type(error.value).__name__}"
            f"{' at ' + error.path if error.path else ''}; it may return arrays, numbers, "
            "strings and None, in tuples, lists and dicts"
        ) from None
    return Template(parts), arrays


def _parts(x: Any, arrays: list[Array], positions: dict[int, int]) -> Any:
    kind = type(x)
    if kind is Array:
        if id(x) not in positions:
            positions[id(x)] = len(arrays)
            arrays.append(x)
        return positions[id(x)]
    if kind is dict:
        for name in x:
            _describe(name, [], [])
        found = [_part(v, f"[{k!r}]", arrays, positions) for k, v in x.items()]
        return dict, tuple(x), found
    if kind is list or _is_tuple(x):
        found = [_part(v, f"[{k}]", arrays, positions) for k, v in enumerate(x)]
        return kind, None, found
    _describe(x, [], [])
    return None, None, x


def _part(x: Any, step: str, arrays: list[Array], positions: dict[int, int]) -> Any:
    try:
        return _parts(x, arrays, positions)
    except _UnsupportedError as error:
        error.path = step + error.path
        raise


def _filled(parts: Any, arrays: Sequence[Array]) -> Any:
    if type(parts) is int:
        return arrays[parts]
    kind, names, found = parts
    if kind is None:
        return found
    values = [_filled(part, arrays) for part in found]
    if kind is dict:
        return dict(zip(names, values, strict=True))
    if kind is list:
        return values
    # A named tuple takes its fields one by one.
    return tuple(values) if kind is tuple else kind(*values)
