"""What a workload is, and the random arrays it starts from.

In: sizes and seeds. Out: `Workload`, one row of the table, and makers of its inputs, which are the
same in each process. Nothing here knows a library other than NumPy.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

__all__ = ["Array", "Arrays", "Function", "Workload", "normal", "positions", "uniform"]

Array = np.ndarray[Any, Any]
Arrays = tuple[Array, ...]
Function = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One row of the table.

    Attributes
    ----------
    name, title
        As ``--only`` takes it, and as the table shows it.
    group
        ``limit``, ``spine`` (both have targets, from two issues) or ``more`` (no target).
    inputs
        Makes the inputs.
    function
        ``function(xp, *inputs)``, with the standard's names only, so that each library runs the
        same text; an array or a tuple of arrays. It may write to its inputs.
    moved
        Bytes that have to move: inputs once and outputs once, in each sweep of an iteration.
    target, compiled_target
        Seconds on an H200; the second through `gpuarray.compile`.
    bound
        What limits it on a GPU: a target of ``memory`` can be carried over to another card.
    sampled
        How many leading inputs are cut to a few rows for the reference: row k of a result depends
        on rows k of these alone. 0: the whole result is compared.
    sample_rows
        How many rows at random are compared then, besides those at both ends.
    halo
        Row k of a result depends on rows k - halo to k + halo.
    dynamic
        Whether a result's shape depends on values.
    long
        Hundreds of operations, which occupy a slow compiler for minutes: it gets them last.
    tolerance
        Of the norm of the difference over the norm of the reference; for integers, of the share of
        elements that differ.
    own
        A library's own way, beside the standard's text, by the name of the peer:
        ``function(library, *inputs)``. The better one counts.
    without
        Libraries that it is not run with, and why.
    """

    name: str
    title: str
    inputs: Callable[[], Arrays]
    function: Function
    moved: int
    group: Literal["limit", "spine", "more"] = "more"
    target: float | None = None
    compiled_target: float | None = None
    bound: Literal["memory", "arithmetic", "host"] = "memory"
    sampled: int = 0
    sample_rows: int = 1 << 20
    halo: int = 0
    dynamic: bool = False
    long: bool = False
    # float32 has 6e-8; a dozen operations, and sums that grow to 1e8, lose a digit or two. One
    # element of 64 Mi that is wrong by its own size is 1.2e-4, and a product in TF32 5e-4.
    tolerance: float = 1e-5
    own: Mapping[str, Function] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)


@functools.lru_cache(maxsize=6)
def uniform(shape: tuple[int, ...], dtype: str = "float32", seed: int = 1) -> Array:
    """Random elements: reals from [0.1, 1.1), integers over their whole range."""
    generator = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "i":
        information = np.iinfo(kind)
        return generator.integers(information.min, information.max, shape, kind, endpoint=True)
    if kind.kind == "c":
        return uniform(shape, "float64", seed) * (1 + 0.5j)
    return generator.random(shape, dtype=kind) + kind.type(0.1)  # type: ignore[no-any-return]


@functools.lru_cache(maxsize=6)
def normal(shape: tuple[int, ...], scale: float = 1.0, seed: int = 1) -> Array:
    """Normally distributed elements, float32."""
    found = np.random.default_rng(seed).standard_normal(shape, np.float32)
    return found * np.float32(scale)


@functools.lru_cache(maxsize=2)
def positions(rows: int, count: int) -> Array:
    """`count` indices into `rows` rows, int64."""
    return np.random.default_rng(9).integers(0, rows, count)
