"""Memory of a graph: blocks that the work within it uses again and again, and nothing else does.

In come byte counts, out go device pointers whose blocks stay where they are until the graph is
gone. What is freed while the graph is being captured is handed out again by later calls of the
same capture, which run in the order of the calls.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Arena"]


class Arena:
    """Blocks of device memory.

    Parameters
    ----------
    take : callable
        Gives a new block of so many bytes.
    give : callable
        Takes a pointer and the size of its block back.

    Attributes
    ----------
    lent : set
        The pointers that are in use.
    """

    __slots__ = ("_blocks", "_free", "_give", "_take", "lent")

    def __init__(self, take: Callable[[int], int], give: Callable[[int, int], None]) -> None:
        self._take = take
        self._give = give
        self._blocks: dict[int, int] = {}
        self._free: dict[int, list[int]] = {}
        self.lent: set[int] = set()

    @property
    def nbytes(self) -> int:
        """All that it has taken."""
        return sum(self._blocks.values())

    def allocate(self, size: int) -> int:
        """A block of `size` bytes: one that was given back, or a new one."""
        free = self._free.get(size)
        if free:
            pointer = free.pop()
        else:
            pointer = self._take(size)
            self._blocks[pointer] = size
        self.lent.add(pointer)
        return pointer

    def free(self, pointer: int, size: int) -> None:
        """Take a block back; one of the same stream that was allocated before joins the others."""
        self.lent.discard(pointer)
        self._blocks.setdefault(pointer, size)
        self._free.setdefault(size, []).append(pointer)

    def close(self) -> None:
        """Give all blocks back but those that are still lent, which their holders will free."""
        for pointer, size in self._blocks.items():
            if pointer not in self.lent:
                self._give(pointer, size)
        self._blocks.clear()
        self._free.clear()
