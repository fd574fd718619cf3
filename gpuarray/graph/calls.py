"""Library calls within a plan: what a hook is given, and how its result lies.

In: a `LIBRARY` vertex whose inputs are laid out. Out: a `Call`, which knows slots and layouts, and
no node. A call is a step of its own between kernels, so what follows a product may be written over
it (see `donation`).
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.graph.node import Layout, contiguous_layout, intern_layout, leaf
from gpuarray.graph.program import Operand
from gpuarray.graph.tape import call_hook, recordings
from gpuarray.operations.library import LIBRARY

if TYPE_CHECKING:
    from gpuarray.devices import Device
    from gpuarray.graph.vertex import Vertex

__all__ = ["Call", "answer", "call_of", "fallbacks"]

fallbacks: Counter[tuple[str, str]] = Counter()
"""How often each (backend, operation) was computed by NumPy for a backend that lacks it."""


class Call:
    """Slot `slot` is what the library hook ``gpuarray_<name>`` makes of its operands.

    Attributes
    ----------
    slot
        Where the result goes, row-major and of `layout`.
    operands
        By the hook's keywords: the slot of each, and how it lies for the hook.
    result
        The result as the hook gives it, which may have an axis of extent 1 more.
    releases
        Slots that no later action needs.
    """

    __slots__ = ("layout", "name", "operands", "releases", "result", "slot")

    def __init__(
        self,
        slot: int,
        name: str,
        operands: tuple[tuple[str, int, Layout], ...],
        result: Layout,
        layout: Layout,
    ) -> None:
        self.slot = slot
        self.name = name
        self.operands = operands
        self.result = result
        self.layout = layout
        self.releases: tuple[int, ...] = ()


def answer(
    name: str, device: Device, operands: Mapping[str, Operand], parameters: Mapping[str, Any]
) -> list[Operand]:
    """The results of the library hook ``gpuarray_<name>``, or of NumPy where nobody answers it."""
    if recordings:
        found = call_hook(name, device, operands, parameters)
    else:
        hook = getattr(device.hook, f"gpuarray_{name}")
        found = hook(device=device, **operands, **parameters)
    if found is None:
        return _by_numpy(name, device, operands, parameters)
    return found  # type: ignore[no-any-return]


def call_of(v: Vertex) -> Call:
    """The call of a hook on what has been laid out; vectors are matrices of one row or column."""
    assert v.attributes is not None
    name: Any = v.attributes[0]
    a, b = v.parents
    assert a.layout is not None and b.layout is not None
    left, right = _as_row(a.layout), _as_column(b.layout)
    v.layout = contiguous_layout(v.dtype, v.shape)
    result = contiguous_layout(v.dtype, (left.shape[0], right.shape[1]))
    return Call(v.slot, name, (("a", a.slot, left), ("b", b.slot, right)), result, v.layout)


def _as_row(layout: Layout) -> Layout:
    """A vector as a matrix of one row; matrices are as they are."""
    if len(layout.shape) > 1:
        return layout
    (n,), (stride,) = layout.shape, layout.strides
    return intern_layout(layout.dtype, (1, n), (n * abs(stride), stride), layout.alignment)


def _as_column(layout: Layout) -> Layout:
    """A vector as a matrix of one column; matrices are as they are."""
    if len(layout.shape) > 1:
        return layout
    (n,), (stride,) = layout.shape, layout.strides
    return intern_layout(layout.dtype, (n, 1), (stride, 1), layout.alignment)


def _by_numpy(
    name: str,
    device: Any,
    operands: Mapping[str, Operand],
    parameters: Mapping[str, Any],
) -> list[Operand]:
    # What turns arrays into NumPy's stands above the graph.
    from gpuarray.array import Array
    from gpuarray.interop.numpy import to_numpy

    backend = device.backend.name
    fallbacks[backend, name] += 1
    if fallbacks[backend, name] == 1:
        warnings.warn(
            f"{name}: backend {backend!r} has no such operation; NumPy computes it on the host",
            RuntimeWarning,
            stacklevel=_level_of_the_caller(),
        )
    asked = f"{name}(), which backend {backend!r} leaves to NumPy,"
    arrays = {k: Array(leaf(device, *x)) for k, x in operands.items()}
    host = {k: to_numpy(x, asked) for k, x in arrays.items()}
    # Not ascontiguousarray, which gives a 0-dimensional array an axis.
    results = [np.asarray(x, order="C") for x in LIBRARY[name](**host, **parameters)]
    return [
        Operand(
            device.hook.gpuarray_copy_in(device=device, array=x),
            0,
            contiguous_layout(x.dtype, x.shape),
        )
        for x in results
    ]


def _level_of_the_caller() -> int:
    """The `stacklevel`, for a warning of the function that asks, of the first frame outside."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("gpuarray."):
        frame, level = frame.f_back, level + 1
    return level
