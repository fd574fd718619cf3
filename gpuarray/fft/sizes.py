"""The sizes of a Fourier transform: arguments checked, arrays cropped, padded and scaled.

In: arguments as users give them, and the function's name for messages. Out: axes that are not
negative, sizes of at least 1, and arrays with pending changes of size and scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from gpuarray.arguments import checked_array, checked_axes, checked_integer, checked_shape
from gpuarray.array import Array
from gpuarray.creation import zeros
from gpuarray.dtypes import complex64, promote
from gpuarray.elementwise import multiply
from gpuarray.manipulation import concat
from gpuarray.recording import cast, view

__all__ = [
    "Axes",
    "Norm",
    "Sizes",
    "axes_and_sizes",
    "axis_and_size",
    "complex_input",
    "real_input",
    "resized",
    "scale",
    "scaled",
]

Axes = Sequence[int] | None
Sizes = Sequence[int] | None
Norm = Literal["backward", "ortho", "forward"]
Integers = tuple[int, ...]

# Transforms of real arrays, and those that take complex ones in their place.
_OF_COMPLEX = {"rfft": "fft", "rfftn": "fftn", "ihfft": "ifft"}


def complex_input(name: str, x: Any) -> Array:
    """`x` as a complex array of its precision; `TypeError` unless it is floating."""
    if checked_array(name, x).dtype.kind not in "fc":
        raise TypeError(
            f"{name}: needs floating arrays, `x` is {x.dtype}; cast with astype() first"
        )
    return cast(x, promote(x.dtype, complex64))


def real_input(name: str, x: Any) -> Array:
    """`x`, or `TypeError` unless it is a real floating array."""
    if checked_array(name, x).dtype.kind != "f":
        raise TypeError(
            f"{name}: needs real floating arrays, `x` is {x.dtype}; "
            + (f"use {_OF_COMPLEX[name]}()" if x.dtype.kind == "c" else "cast with astype() first")
        )
    return x  # type: ignore[no-any-return]


def axis_and_size(
    name: str, x: Array, n: int | None, axis: int, *, halved: bool = False
) -> tuple[Integers, Integers]:
    """`axes_and_sizes` of a transform along one axis."""
    axes = checked_axes(name, (axis,), x.ndim)
    return axes, _complete(name, "n", x, axes, (n,), halved)


def axes_and_sizes(
    name: str, x: Array, s: Sizes, axes: Axes, *, halved: bool = False
) -> tuple[Integers, Integers]:
    """The axes of a transform, and its size along each.

    `halved` says that `x` holds the half of a Hermitian spectrum along the last of the axes, so
    that the size is that of the result.
    """
    if axes is None:
        if s is not None:
            raise ValueError(f"{name}: `s` needs `axes`, the axes that its sizes belong to")
        found = tuple(range(x.ndim))
    else:
        found = checked_axes(name, axes, x.ndim)
    if s is None:
        return found, _complete(name, "s", x, found, (None,) * len(found), halved)
    if not isinstance(s, tuple | list):
        raise TypeError(f"{name}: `s` must be a sequence of integers, got {type(s).__name__}")
    if len(s) != len(found):
        raise ValueError(f"{name}: `s` has {len(s)} sizes for {len(found)} axes")
    sizes = [checked_integer(name, "each of `s`", size) for size in s]
    given = tuple(None if size == -1 else size for size in sizes)
    return found, _complete(name, "s", x, found, given, halved)


def _complete(
    name: str,
    what: str,
    x: Array,
    axes: Integers,
    sizes: tuple[int | None, ...],
    halved: bool,
) -> Integers:
    """Sizes with those of `x` where there is None; all must be at least 1."""
    found = []
    for place, (d, size) in enumerate(zip(axes, sizes, strict=True)):
        if size is None:
            last = place == len(axes) - 1
            found.append(2 * (x.shape[d] - 1) if halved and last else x.shape[d])
        else:
            found.append(checked_integer(name, f"`{what}`", size))
        if found[-1] < 1:
            origin = f"`{what}` is {size}" if size is not None else f"`x` has shape {x.shape}"
            raise ValueError(
                f"{name}: the size along axis {d} must be at least 1, got {found[-1]}: {origin}"
            )
    shape = list(x.shape)
    for d, size in zip(axes, found, strict=True):
        shape[d] = size
    checked_shape(name, shape)
    return tuple(found)


def resized(x: Array, axes: Integers, sizes: Integers) -> Array:
    """`x`, along each of the axes without what is beyond the size, or with zeros up to it."""
    shape = list(x.shape)
    for d, size in zip(axes, sizes, strict=True):
        shape[d] = min(shape[d], size)
    if tuple(shape) != x.shape:
        x = view(x, tuple(shape), tuple((d, 0, 1) for d in range(x.ndim)))
    for d, size in zip(axes, sizes, strict=True):
        if shape[d] < size:
            padding = (*shape[:d], size - shape[d], *shape[d + 1 :])
            x = concat([x, zeros(padding, dtype=x.dtype, device=x.device)], axis=d)
            shape[d] = size
    return x


def scale(name: str, norm: Norm, sizes: Integers, *, inverse: bool) -> float:
    """What the transform has to be multiplied with."""
    if norm not in ("backward", "ortho", "forward"):
        raise ValueError(f"{name}: `norm` must be 'backward', 'ortho' or 'forward', got {norm!r}")
    n = math.prod(sizes)
    if norm == "ortho":
        return 1 / math.sqrt(n)
    return 1 / n if inverse == (norm == "backward") else 1.0


def scaled(x: Array, factor: float) -> Array:
    """`x` times a number, in the precision of `x`."""
    return x if factor == 1 else multiply(x, factor)
