"""A plugin that watches tasks, written against `gpuarray.plugins` alone."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from gpuarray.plugins import Buffer, Task, hookimpl, register, unregister

__all__ = ["Observer", "observing"]

_numbers = itertools.count()


class Observer:
    """What has run.

    Attributes
    ----------
    names
        For each task that ran, the names of its operations.
    stored
        For each new buffer that a task wrote, its bytes.
    """

    def __init__(self) -> None:
        self.names: list[tuple[str, ...]] = []
        self.stored: list[int] = []

    @property
    def tasks(self) -> int:
        return len(self.names)

    @hookimpl(wrapper=True)
    def gpuarray_run(self, task: Task) -> Generator[None, list[Buffer], list[Buffer]]:
        buffers: Any = yield
        self.names.append(task.step.names)
        for output, base in zip(task.step.outputs, task.bases, strict=True):
            if base is None:
                self.stored.append(output.layout.nbytes)
        return buffers  # type: ignore[no-any-return]


@contextmanager
def observing(plugin: Any = None) -> Iterator[Any]:
    """`plugin`, an `Observer` unless given, registered within a block."""
    found = Observer() if plugin is None else plugin
    name = f"observer-{next(_numbers)}"
    register(found, name=name)
    try:
        yield found
    finally:
        unregister(name)
