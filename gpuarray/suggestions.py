"""Names that a module does not have: an error that says which one may have been meant.

In: a module's name and what was asked of it. Out: the `AttributeError` to raise. What is looked
for costs nothing until a name is missing.
"""

from __future__ import annotations

import difflib
import importlib

__all__ = ["unknown_name"]

_NAMESPACES = ("gpuarray", "gpuarray.linalg", "gpuarray.fft")


def unknown_name(module: str, name: str) -> AttributeError:
    """The error for a missing attribute of one of the standard's namespaces.

    Examples
    --------
    >>> raise unknown_name("gpuarray", "arrange")
    Traceback (most recent call last):
        ...
    AttributeError: module 'gpuarray' has no attribute 'arrange'; did you mean 'arange'?
    >>> raise unknown_name("gpuarray", "inv")
    Traceback (most recent call last):
        ...
    AttributeError: module 'gpuarray' has no attribute 'inv'; did you mean 'linalg.inv'?
    """
    error = AttributeError(f"module {module!r} has no attribute {name!r}")
    # The import system and others ask for such names, and do with the answer what they like.
    if name.startswith("_"):
        return error
    others = [n for n in _NAMESPACES if n != module]
    found = [f"{other}.{name}" for other in others if name in _names(other)]
    found = found or difflib.get_close_matches(name, _names(module), n=3)
    if found:
        meant = " or ".join(repr(n.removeprefix("gpuarray.")) for n in found)
        error.args = (f"{error}; did you mean {meant}?",)
    return error


def _names(module: str) -> list[str]:
    return list(importlib.import_module(module).__all__)
