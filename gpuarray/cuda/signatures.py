"""The kernels that a CUDA C++ source declares, and their parameters.

In: a source. Out: a `Signature` for each kernel, as far as its text tells: the dtype behind a
pointer is known for types of C and NumPy, and unknown for what templates and macros make.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from gpuarray.cuda.parameters import TYPES

__all__ = ["Declared", "Signature", "signatures"]

DType = np.dtype[Any]

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_KERNEL = re.compile(
    r"(?P<template>template\s*<[^{};()]*>\s*)?(?:extern\s+\"C\"\s+)?(?:static\s+|inline\s+)*"
    r"(?:void\s+)?__global__\s+(?:void\s+)?(?:__launch_bounds__\s*\([^)]*\)\s*)?"
    r"(?:__cluster_dims__\s*\([^)]*\)\s*)?(?:void\s+)?(?P<name>\w+)\s*\("
)
_QUALIFIERS = re.compile(r"\b(?:__restrict__|__restrict|__grid_constant__|volatile|struct)\b")
# What the standard's headers call them; no header is needed for their names here.
_MORE = {
    **{f"{sign}int{bits}_t": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "unsigned long long int": "uint64", "long long int": "int64", "long int": "int64",
}  # fmt: skip


class Declared(NamedTuple):
    """A parameter: its text, whether it is a pointer, and to what is never written.

    `dtype` is that of the value, or of what the pointer leads to; None where the text does not say.
    """

    text: str
    pointer: bool
    constant: bool
    dtype: DType | None


class Signature(NamedTuple):
    """A kernel's name and parameters; `template` and `outermost` say where it stands."""

    name: str
    parameters: tuple[Declared, ...]
    template: bool
    outermost: bool

    def __str__(self) -> str:
        return f"{self.name}({', '.join(p.text for p in self.parameters)})"


def signatures(source: str) -> dict[str, Signature]:
    """The kernels that are declared in a source, by name."""
    text = _COMMENT.sub(" ", source)
    found = {}
    for match in _KERNEL.finditer(text):
        end = _closing(text, match.end())
        parts = _split(text[match.end() : end])
        before = re.sub(r"extern\s+\"C\"\s*\{", "", text[: match.start()])
        depth = before.count("{") - before.count("}")
        outermost = depth == 0 or (depth < 0 and 'extern "C"' in text)
        found[match["name"]] = Signature(
            match["name"],
            tuple(map(_declared, parts)),
            match["template"] is not None,
            outermost,
        )
    return found


def _closing(text: str, start: int) -> int:
    """Where the parenthesis that is open at `start` closes."""
    depth = 1
    for k in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[k], 0)
        if depth == 0:
            return k
    return len(text)


def _split(text: str) -> list[str]:
    """Parameters, at the commas that stand in no brackets."""
    parts, depth, last = [], 0, 0
    for k, c in enumerate(text):
        depth += {"(": 1, "<": 1, "[": 1, "{": 1}.get(c, 0)
        depth -= {")": 1, ">": 1, "]": 1, "}": 1}.get(c, 0)
        if c == "," and depth == 0:
            parts.append(text[last:k])
            last = k + 1
    parts.append(text[last:])
    return [part.strip() for part in parts if part.strip() not in ("", "void")]


def _declared(text: str) -> Declared:
    shown = " ".join(text.split())
    plain = _QUALIFIERS.sub(" ", shown).strip()
    pointer = "*" in plain or "[" in plain
    constant = bool(re.match(r"const\b|\w+(\s\w+)*\sconst\s*\*", plain))
    kind = re.sub(r"\[[^\]]*\]", "", plain).split("*")[0] if pointer else plain
    words = [w for w in re.findall(r"[\w:<>]+", kind) if w != "const"]
    if not pointer and len(words) > 1 and " ".join(words) not in TYPES | _MORE:
        words = words[:-1]  # the name
    elif pointer and "*" not in plain and len(words) > 1:
        words = words[:-1]
    name = " ".join(words)
    dtype = TYPES.get(name)
    if dtype is None and name in _MORE:
        dtype = np.dtype(_MORE[name])
    several = plain.count("*") > 1
    return Declared(shown, pointer, constant and pointer, None if several else dtype)
