"""The device functions that a kernel calls, as C++ source to stand before it.

In: the text of a kernel. Out: the element types and, from ``device/*.cuh``, exactly the functions
that the text names and those they need. Short sources are the point: NVRTC parses all it is given.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib.resources import files

__all__ = ["source_for"]

# In the order of definition before use; in between, only templates on their arguments' types.
_FILES = (
    "types",
    "integer",
    "real",
    "lanes",
    "random",
    "more_random",
    "complex_arithmetic",
    "complex_exponential",
    "complex_hyperbolic",
    "patches",
    "copies",
    "warp",
    "reductions",
)

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_DEFINED = re.compile(
    r"\bstruct (?:alignas\([^{]*\) )?(\w+)"
    r"|\busing (\w+)"
    r"|\bconstexpr bool (\w+)"
    r"|__forceinline__ [\w<>]+ (operator|\w+(?=\())"
)
_COMPLEX_TYPES = frozenset({"complex_t", "c64", "c128"})


@dataclass(frozen=True, slots=True)
class _Unit:
    """A paragraph of a ``.cuh`` file: a definition, or overloads that belong together."""

    text: str
    mentions: frozenset[str]
    on_complex: bool  # left out of kernels without complex numbers, whatever overload they name


@dataclass(frozen=True, slots=True)
class _Library:
    units: tuple[_Unit, ...]
    defining: dict[str, list[int]]  # a name, and the units with an overload of it
    names: frozenset[str]


@functools.cache
def _library() -> _Library:
    folder = files(__package__).joinpath("device")
    units: list[_Unit] = []
    defining: dict[str, list[int]] = {}
    for name in _FILES:
        # The first paragraph says what the file is about.
        paragraphs = folder.joinpath(f"{name}.cuh").read_text("utf-8").strip().split("\n\n")[1:]
        for paragraph in paragraphs:
            for defined in {next(filter(None, found)) for found in _DEFINED.findall(paragraph)}:
                defining.setdefault(defined, []).append(len(units))
            mentions = frozenset(_IDENTIFIER.findall(re.sub(r"//.*", "", paragraph)))
            units.append(_Unit(paragraph, mentions, name.startswith("complex_")))
    return _Library(tuple(units), defining, frozenset(defining))


def source_for(text: str) -> str:
    """The C++ source that has to stand before a kernel, or any other text, to compile it.

    Parameters
    ----------
    text : str
        CUDA C++ that names element types (``f32``, ``c128``), ``cast``, ``vec_t`` or device
        functions (``ga_floor_divide``). Operators of complex numbers come with the types.

    Returns
    -------
    str
        The same for every text that names the same things.

    Examples
    --------
    >>> "f64 ga_product" in source_for("f64 r = ga_maximum(x, y);")
    False
    """
    return _source(_library().names.intersection(_IDENTIFIER.findall(text)))


@functools.lru_cache(maxsize=4096)
def _source(roots: frozenset[str]) -> str:
    library = _library()
    with_complex = not roots.isdisjoint(_COMPLEX_TYPES)
    wanted: set[int] = set()
    pending = {"i8", *roots}
    if with_complex:
        pending.add("operator")
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        seen.add(name)
        for index in library.defining[name]:
            unit = library.units[index]
            if index not in wanted and (with_complex or not unit.on_complex):
                wanted.add(index)
                pending |= (unit.mentions & library.names) - seen
    return "\n\n".join(library.units[index].text for index in sorted(wanted)) + "\n"
