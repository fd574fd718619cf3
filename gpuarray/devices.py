"""Devices: where arrays are and operations run.

In: names such as "cpu" and "cuda:0". Out: `Device` objects, one for each name. A device is found
through its backend's hooks; nothing here knows what a backend is made of.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpuarray.plugins.manager import Backend

__all__ = ["Device", "all_devices", "default_device", "device"]


class Device(str):
    """A device, which compares and prints as its name; there is one object for each name.

    Attributes
    ----------
    backend
        The backend that it belongs to.
    hook
        The hooks of that backend, ready to call.
    run
        Its hook `gpuarray_run`, or the function behind it where there is only one.
    library
        Its hooks of library operations, likewise, by their names without ``gpuarray_``.
    ordinal
        Its position among the backend's devices.
    """

    backend: Backend
    hook: Any
    run: Any
    library: dict[str, Any]
    ordinal: int

    def __new__(cls, name: str, backend: Backend, ordinal: int) -> Device:
        self = super().__new__(cls, name)
        self.backend = backend
        self.hook = backend.manager.hook
        self.run = self.hook.gpuarray_run
        self.library = {}
        self.ordinal = ordinal
        return self

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return device, (str(self),)


# What `gpuarray.backend(...)` has chosen for the running block, if anything.
chosen: ContextVar[Device | None] = ContextVar("gpuarray_device", default=None)


# The devices found so far, by the names asked for: finding a backend takes milliseconds.
_known: dict[str, Device] = {}


def default_device() -> Device:
    """Where new arrays go: `gpuarray.backend`'s choice, else that of `GPUARRAY_BACKEND`."""
    found = chosen.get()
    if found is None:
        from gpuarray.plugins.manager import default_backend

        found = default_backend().devices[0]
    return found


def device(name: object) -> Device:
    """The device of a name, or the default one for None.

    Raises
    ------
    ValueError
        There is no device of that name; the message lists those there are.
    BackendUnavailable
        Its backend cannot start.
    TypeError
        `name` is no string.
    """
    if name is None:
        return default_device()
    if isinstance(name, Device):
        return name
    if not isinstance(name, str):
        raise TypeError(f"device: needs a name such as 'cpu' or 'cuda:0', got {name!r}")
    known = _known.get(name)
    if known is not None:
        return known
    from gpuarray.plugins.manager import backend_of

    backend = backend_of(name)
    for found in backend.devices:
        if found == name or found == f"{name}:0":
            _known[name] = found
            return found
    there = ", ".join(repr(str(d)) for d in backend.devices)
    raise ValueError(f"device: there is no {name!r}; backend {backend.name!r} has {there}")


def all_devices() -> tuple[Device, ...]:
    """The devices of all backends that can start, those of the default backend first."""
    from gpuarray.plugins.manager import usable_backends

    first = default_device().backend
    others = [found for found in usable_backends() if found is not first]
    return tuple(d for found in (first, *others) for d in found.devices)
