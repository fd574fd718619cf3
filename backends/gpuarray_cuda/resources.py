"""Memory resources of a user's: where the memory of arrays comes from instead of the pool.

In: a resource with `allocate` and `deallocate`. Out: blocks of it, each of which goes back to the
resource that it came from. Knows nothing of limits and statistics.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gpuarray.errors import OutOfMemory

__all__ = ["PoolResource", "Resource", "Resources"]


class Resource(Protocol):
    """What gives memory: addresses aligned to 256 bytes, in the order of a stream's work."""

    def allocate(self, nbytes: int, stream: int) -> int: ...

    def deallocate(self, pointer: int, nbytes: int, stream: int) -> None: ...


class PoolResource:
    """The pool of a device as a resource, for others to take their memory from.

    `take(nbytes, stream)` gives an address or 0, `give(pointer, nbytes, stream)` takes it back;
    `blocks` has the bytes of each that is out.
    """

    __slots__ = ("_give", "_take", "blocks")

    def __init__(
        self, take: Callable[[int, int], int], give: Callable[[int, int, int], None]
    ) -> None:
        self._take = take
        self._give = give
        self.blocks: dict[int, int] = {}

    def allocate(self, nbytes: int, stream: int) -> int:
        """An address, or `MemoryError`."""
        pointer = self._take(nbytes, stream)
        if not pointer:
            raise MemoryError(f"the device has no {nbytes} bytes left")
        self.blocks[pointer] = nbytes
        return pointer

    def deallocate(self, pointer: int, nbytes: int, stream: int) -> None:
        """Take a block back."""
        self._give(pointer, self.blocks.pop(pointer), stream)


class Resources:
    """The resource of now, and the blocks that are out of this one and earlier ones.

    Attributes
    ----------
    current : Resource, optional
        None: the device's own pool.
    blocks : dict
        For each pointer, the bytes, and the function that takes it back.
    """

    __slots__ = ("blocks", "current")

    def __init__(self) -> None:
        self.current: Resource | None = None
        self.blocks: dict[int, tuple[int, Callable[[int, int, int], None]]] = {}

    @property
    def nbytes(self) -> int:
        """Of all blocks."""
        return sum(size for size, _ in list(self.blocks.values()))

    def allocate(self, nbytes: int, stream: int) -> int:
        """A block of the current resource.

        Raises
        ------
        OutOfMemory
            The resource has raised a `MemoryError`, or has given no address.
        ValueError
            The address is not aligned to 256 bytes.
        """
        resource = self.current
        assert resource is not None
        try:
            pointer = resource.allocate(nbytes, stream)
        except OutOfMemory:
            raise
        except MemoryError as error:
            raise OutOfMemory(f"the memory resource has no {nbytes} bytes left: {error}") from error
        if not pointer:
            raise OutOfMemory(f"the memory resource has no {nbytes} bytes left")
        if pointer % 256:
            resource.deallocate(pointer, nbytes, stream)
            raise ValueError(
                f"the memory resource gave the address {pointer:#x}; it has to be a multiple of 256"
            )
        self.blocks[pointer] = nbytes, resource.deallocate
        return pointer

    def free(self, pointer: int, stream: int) -> int:
        """Give a block back to where it came from; its bytes."""
        nbytes, deallocate = self.blocks.pop(pointer)
        deallocate(pointer, nbytes, stream)
        return nbytes
