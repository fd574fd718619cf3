"""Finding backends and plugins, and choosing among backends.

In: the entry points of installed distributions, `GPUARRAY_BACKEND`, `register`. Out: one `Backend`
with a `PluginManager` of its own for each backend that is used. A backend is loaded when it is
first asked for, and not before; our own two are found as anybody's are.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pluggy

from gpuarray.devices import Device, chosen
from gpuarray.errors import BackendUnavailable
from gpuarray.graph import flush
from gpuarray.operations import RANDOM, TABLE, Operation
from gpuarray.plugins import hookspecs, library_hooks

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "Backend",
    "backend",
    "backend_of",
    "backends",
    "default_backend",
    "register",
    "unregister",
    "usable_backends",
]

BACKENDS = "gpuarray.backends"
PLUGINS = "gpuarray.plugins"
_LIBRARY_HOOKS = [
    name.removeprefix("gpuarray_") for name in vars(library_hooks) if name.startswith("gpuarray_")
]
VARIABLE = "GPUARRAY_BACKEND"
# Has what `gpuarray.cuda.profiler.annotate` does done from the beginning.
NVTX = "GPUARRAY_NVTX"


class _Manager(pluggy.PluginManager):
    """A plugin manager that says when its plugins change.

    A hook with one plain implementation does what that function does, and 1.5 us more. So
    `shortest` gives that function itself, for the hooks of tasks and of library operations.
    """

    def __init__(self, project_name: str) -> None:
        super().__init__(project_name)
        self.changed: Callable[[], None] = lambda: None
        self._monitored = False

    def register(self, plugin: object, name: str | None = None) -> str | None:
        registered = super().register(plugin, name)
        self.changed()
        return registered

    def unregister(self, plugin: object | None = None, name: str | None = None) -> object | None:
        removed = super().unregister(plugin, name)
        self.changed()
        return removed

    def add_hookcall_monitoring(self, before: Any, after: Any) -> Callable[[], None]:
        self._monitored = True
        self.changed()
        return super().add_hookcall_monitoring(before, after)

    def shortest(self, name: str) -> Callable[..., Any]:
        """The only implementation of a hook, or the hook itself where there are more."""
        hook: pluggy.HookCaller = getattr(self.hook, name)
        found = hook.get_hookimpls()
        if len(found) == 1 and not self._monitored:
            only = found[0]
            asked = hook.spec.argnames if hook.spec is not None else ()
            # Pluggy leaves out the arguments that an implementation does not name.
            if not (only.wrapper or only.hookwrapper) and set(asked) <= set(only.argnames):
                return only.function
        return hook

    def is_plain(self, name: str) -> bool:
        """Whether a hook has one implementation, and nothing that watches it."""
        return self.shortest(name) is not getattr(self.hook, name)


class Backend:
    """A backend that has started.

    Attributes
    ----------
    name
        The name of its entry point.
    manager
        Its plugins: itself, and whatever else is registered with it.
    devices
        Its devices; the first is its default.
    operations
        The operation table as its plugins have it, by name.
    """

    def __init__(self, name: str, plugin: object) -> None:
        self.name = name
        self.manager = _Manager("gpuarray")
        self.manager.add_hookspecs(hookspecs)
        self.manager.add_hookspecs(library_hooks)
        self.manager.register(plugin, name=name)
        self.operations: dict[str, Operation] = {}
        names = self.manager.hook.gpuarray_devices()
        if not names:
            raise BackendUnavailable(f"backend {name!r} has no device")
        self.devices = tuple(Device(text, self, k) for k, text in enumerate(names))
        self.manager.changed = self._choose
        self._choose()
        self.read_operations()

    def refresh(self) -> None:
        """Ask all plugins for their operations anew; what was planned with the old ones is gone."""
        self.read_operations()
        flush.forget_plans()

    def read_operations(self) -> None:
        """Ask all plugins for their operations, the backend's own first."""
        table = TABLE | RANDOM
        found = self.manager.hook.gpuarray_operations(table=MappingProxyType(table))
        # Pluggy lists the last registered first; a later plugin overrides an earlier one.
        for rows in reversed(found):
            for row in rows:
                table[row.name] = row
        self.operations = table

    def _choose(self) -> None:
        run = self.manager.shortest("gpuarray_run")
        library = {name: self.manager.shortest(f"gpuarray_{name}") for name in _LIBRARY_HOOKS}
        for found in self.devices:
            found.run = run
            found.library = library


_lock = threading.RLock()
_open: dict[str, Backend] = {}
# What each value of `GPUARRAY_BACKEND` has led to; looking for a GPU costs milliseconds.
_defaults: dict[str, Backend] = {}
# Those that can start; to find again and again that one cannot costs 3 ms each time.
_usable: tuple[Backend, ...] | None = None
# (plugin, name, the backend it is for or None for all)
_registered: list[tuple[object, str, str | None]] = []
_plugins_found = False


def backends() -> tuple[str, ...]:
    """The names of the backends that are installed, whether or not they can start here."""
    return tuple(sorted(_entry_points()))


def register(plugin: object, *, name: str, backend: str | None = None) -> None:
    """Put a plugin before a backend's own hooks, or before those of every backend.

    Parameters
    ----------
    plugin : object
        Has methods marked `gpuarray.plugins.hookimpl`.
    name : str
        What `unregister` takes; unused so far.
    backend : str, optional
        The backend it is for.

    Raises
    ------
    ValueError
        The name is taken, or no backend of that name is installed.
    pluggy.PluginValidationError
        A method marked as a hook is none.
    """
    with _lock:
        if is_registered(name) or name in backends():
            raise ValueError(f"register: a plugin named {name!r} is registered already")
        if backend is not None:
            _entry_point(backend)
        for opened in _open.values():
            if backend in (None, opened.name):
                opened.manager.register(plugin, name=name)
                opened.manager.check_pending()
                opened.refresh()
        _registered.append((plugin, name, backend))


def is_registered(name: str) -> bool:
    """Whether `register` has a plugin of this name, or one was found."""
    return any(taken == name for _, taken, _ in _registered)


def unregister(name: str) -> None:
    """Take a plugin out again; `ValueError` if none of that name is registered."""
    with _lock:
        entry = next((e for e in _registered if e[1] == name), None)
        if entry is None:
            raise ValueError(f"unregister: no plugin named {name!r} is registered")
        _registered.remove(entry)
        for opened in _open.values():
            if opened.manager.has_plugin(name):
                opened.manager.unregister(name=name)
                opened.refresh()


def open_backend(name: str) -> Backend:
    """The backend of a name, started on first use."""
    with _lock:
        found = _open.get(name)
        if found is None:
            plugin = _entry_point(name).load()
            found = Backend(name, plugin() if isinstance(plugin, type) else plugin)
            _load_plugins()
            for other, its_name, wanted in _registered:
                if wanted in (None, name):
                    found.manager.register(other, name=its_name)
            found.manager.check_pending()
            found.read_operations()
            _open[name] = found
        return found


def usable_backends() -> tuple[Backend, ...]:
    """The installed backends that can start here, started."""
    global _usable
    if _usable is None:
        found = []
        for name in backends():
            try:
                found.append(open_backend(name))
            except BackendUnavailable:
                continue
        _usable = tuple(found)
    return _usable


def default_backend() -> Backend:
    """The backend that `GPUARRAY_BACKEND` asks for: `auto`, if it is unset, is CUDA, else NumPy.

    Raises
    ------
    BackendUnavailable
        The backend it names cannot start; there is no silent fallback.
    ValueError
        It names none that is installed.
    """
    name = os.environ.get(VARIABLE, "auto") or "auto"
    found = _defaults.get(name)
    if found is None:
        found = _defaults[name] = _automatic() if name == "auto" else open_backend(name)
    return found


def _automatic() -> Backend:
    if "cuda" in _entry_points():
        try:
            return open_backend("cuda")
        except BackendUnavailable:
            # This is what `auto` means; `python -m gpuarray info` says why.
            return open_backend("numpy")
    return open_backend("numpy")


def backend_of(device: str) -> Backend:
    """The backend that has a device of this name, or whose default device it might be."""
    prefix = device.split(":")[0]
    names = sorted(_entry_points(), key=lambda name: (name != prefix, name != "numpy", name))
    for name in names:
        try:
            candidate = open_backend(name)
        except BackendUnavailable:
            if name == prefix:
                raise
            continue
        if any(found.split(":")[0] == prefix for found in candidate.devices):
            return candidate
    there = [str(d) for opened in _open.values() for d in opened.devices]
    raise ValueError(f"device: there is no {device!r}; the devices are {', '.join(sorted(there))}")


@contextmanager
def backend(name: str) -> Iterator[Backend]:
    """Make a backend's first device the default for new arrays, within a block.

    Parameters
    ----------
    name : str
        "numpy", "cuda", or that of an installed backend.

    Raises
    ------
    ValueError
        No backend of that name is installed.
    BackendUnavailable
        It cannot start.

    Examples
    --------
    >>> import gpuarray as xp
    >>> with xp.backend("numpy"):
    ...     x = xp.asarray([1.0, 2.0])
    >>> x.device
    'cpu'
    """
    opened = open_backend(name)
    token = chosen.set(opened.devices[0])
    try:
        yield opened
    finally:
        chosen.reset(token)


def _entry_points(group: str = BACKENDS) -> dict[str, EntryPoint]:
    # A third of the time that importing gpuarray takes, and needed only when a backend is.
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=group)}


def _entry_point(name: str) -> EntryPoint:
    found = _entry_points()
    if name not in found:
        there = ", ".join(repr(n) for n in sorted(found)) or "none"
        raise ValueError(
            f"backend: there is no {name!r} ({VARIABLE} or backend()); installed are {there}"
        )
    return found[name]


def _load_plugins() -> None:
    """Register, once, the plugins that distributions offer to every backend."""
    global _plugins_found
    if _plugins_found:
        return
    _plugins_found = True
    for point in _entry_points(PLUGINS).values():
        plugin = point.load()
        _registered.append((plugin() if isinstance(plugin, type) else plugin, point.name, None))
    if os.environ.get(NVTX, "") not in ("", "0"):
        from gpuarray.cuda.profiler import NAME, Ranges

        _registered.append((Ranges(), NAME, None))
