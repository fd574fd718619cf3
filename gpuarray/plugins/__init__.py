"""The public interface of backends and plugins.

A plugin is any object with methods marked `hookimpl` and named after the hooks of
`gpuarray.plugins.hookspecs`. A backend is a plugin that answers all of them; it is found through
the entry-point group ``gpuarray.backends``. Other plugins come from the group ``gpuarray.plugins``
or through `register`, and stand before the backend.
"""

from gpuarray.graph.node import Buffer
from gpuarray.graph.program import Operand, Program, Step, Task
from gpuarray.operations import Operation
from gpuarray.plugins.hookspecs import MemoryInfo, hookimpl
from gpuarray.plugins.manager import backend, backends, register, unregister
from gpuarray.recording import binary, ternary, unary

__all__ = [
    "Buffer",
    "MemoryInfo",
    "Operand",
    "Operation",
    "Program",
    "Step",
    "Task",
    "backend",
    "backends",
    "binary",
    "hookimpl",
    "register",
    "ternary",
    "unary",
    "unregister",
]
