"""Plugins that watch what runs: a call before and one behind each task.

In: the hooks that work passes. Out: calls of `begin` and `end`, which a subclass of `Watcher` has.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from gpuarray.plugins import hookimpl, library_hooks

if TYPE_CHECKING:
    from gpuarray.devices import Device
    from gpuarray.plugins import Task

__all__ = ["Watcher"]

Watched = Generator[None, Any, Any]


class Watcher:
    """A plugin whose `begin` and `end` stand around each kernel and each library operation.

    While it is registered, compiled functions are replayed task by task.
    """

    def begin(self, name: str, shape: tuple[int, ...], device: Device) -> Any:
        """Called before: `name` are the operations, or what a user's kernel is called."""
        raise NotImplementedError

    def end(self, token: Any, done: bool) -> None:
        """Called behind, with what `begin` gave; not `done` where it failed, or nobody did it."""
        raise NotImplementedError

    def _around(self, name: str, shape: tuple[int, ...], device: Device) -> Watched:
        token = self.begin(name, shape, device)
        result = None
        try:
            result = yield
            return result
        finally:
            self.end(token, result is not None)

    @hookimpl(wrapper=True)
    def gpuarray_run(self, task: Task) -> Watched:
        return (yield from self._around(" ".join(task.step.names), task.step.shape, task.device))

    @hookimpl(wrapper=True)
    def gpuarray_launch(self, device: Device, name: str, grid: tuple[int, ...]) -> Watched:
        return (yield from self._around(name, grid, device))


def _library(name: str) -> Callable[..., Watched]:
    """The wrapper of a hook of a library operation."""

    def watched(self: Watcher, device: Device) -> Watched:
        return (yield from self._around(name.removeprefix("gpuarray_"), (), device))

    watched.__name__ = name
    wrapper: Callable[..., Watched] = hookimpl(wrapper=True)(watched)
    return wrapper


for _name in vars(library_hooks):
    if _name.startswith("gpuarray_") and _name != "gpuarray_prepare":
        setattr(Watcher, _name, _library(_name))
