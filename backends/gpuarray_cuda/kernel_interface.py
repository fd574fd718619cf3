"""Kernels, modules of users, shapes of launches: the part of `runtime` that is about code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Kernel", "LaunchShape", "Module", "RawKernel"]


@dataclass(frozen=True, slots=True)
class LaunchShape:
    """How a user's kernel is launched.

    Attributes
    ----------
    grid, block : tuple[int, int, int]
        Blocks of the grid, threads of a block.
    shared_bytes : int
        Dynamic shared memory of a block.
    cluster : tuple[int, int, int] or None
        Blocks of a cluster, which divide the grid; None where the kernel says it, or there is none.
    cooperative : bool
        Whether all blocks run at once, so that they can wait for each other.
    """

    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared_bytes: int = 0
    cluster: tuple[int, int, int] | None = None
    cooperative: bool = False


class Kernel(Protocol):
    """A compiled kernel; opaque, and good only for the runtime that compiled it.

    `registers` (per thread) and `local_bytes` (spills and local arrays, per thread) are what the
    compiler reports, 0 where unknown.
    """

    @property
    def name(self) -> str: ...

    @property
    def registers(self) -> int: ...

    @property
    def local_bytes(self) -> int: ...


class RawKernel(Protocol):
    """A kernel of a user's module, with parameters of any types.

    `parameters` has the byte at which each begins among the arguments, and its size;
    `static_shared_bytes` and `max_threads` are of a block.
    """

    @property
    def name(self) -> str: ...

    @property
    def parameters(self) -> tuple[tuple[int, int], ...]: ...

    @property
    def registers(self) -> int: ...

    @property
    def local_bytes(self) -> int: ...

    @property
    def static_shared_bytes(self) -> int: ...

    @property
    def max_threads(self) -> int: ...

    def active_blocks(self, threads: int, shared_bytes: int) -> int:
        """How many blocks of so many threads a multiprocessor runs at once."""

    def best_block(self, shared_bytes: int) -> tuple[int, int]:
        """The fewest blocks that fill the device, and the threads of such a block."""


class Module(Protocol):
    """Loaded code of a user's; `kernel` and `variable` raise `KeyError` for a name it lacks."""

    def kernel(self, name: str) -> RawKernel:
        """The kernel that an expression names; in compiled code, its name there."""

    def kernels(self) -> list[str]:
        """The names that `kernel` takes."""

    def variable(self, name: str) -> tuple[int, int]:
        """Address and bytes of a variable on the device."""
