"""The page for those who come from PyCUDA has all its names, and ours on it are there."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import inspect
import math
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import Event, Global, RawKernel, RawModule, Stream
from tests.core.pycuda_names import NAMES

PAGE = Path(__file__).parents[2] / "docs" / "from-pycuda.md"
TEXT = PAGE.read_text("utf-8")
REFERENCE = (PAGE.parent / "reference.md").read_text("utf-8")

# Parameters that have rows of their own, beside the names of the manual.
PARAMETERS = {
    "pycuda.driver": "Function.__call__.shared Function.__call__.stream "
    "Function.__call__.time_kernel",
    "pycuda.compiler": "SourceModule.no_extern_c SourceModule.options SourceModule.include_dirs "
    "SourceModule.arch SourceModule.code SourceModule.nvcc SourceModule.keep "
    "SourceModule.cache_dir",
    "pycuda.elementwise": "ElementwiseKernel.arguments ElementwiseKernel.operation "
    "ElementwiseKernel.preamble ElementwiseKernel.name ElementwiseKernel.options "
    "ElementwiseKernel.keep ElementwiseKernel.__call__.range ElementwiseKernel.__call__.slice "
    "ElementwiseKernel.__call__.stream",
    "pycuda.reduction": "ReductionKernel.dtype_out ReductionKernel.neutral "
    "ReductionKernel.reduce_expr ReductionKernel.map_expr ReductionKernel.arguments "
    "ReductionKernel.allocator ReductionKernel.options ReductionKernel.keep "
    "ReductionKernel.__call__.stream ReductionKernel.__call__.out",
}

# What names on the page stand for where they have attributes, or are called with keywords.
STANDS_FOR: dict[str, Any] = {
    "xp": xp, "x": xp.Array, "y": xp.Array, "np": np, "a": np.ndarray, "math": math,
    "functools": functools,
    "kernel": RawKernel, "module": RawModule, "variable": Global, "stream": Stream, "event": Event,
    "rng": xp.random.Generator,
}  # fmt: skip
# Names of theirs, and what a call gives that cuda.core documents.
THEIRS = ("pycuda", "drv", "buffer", "f")


def manual(module: str) -> set[str]:
    """The names of a module in PyCUDA's manual, members with their owners."""
    found = set()
    for line in NAMES[module].replace("\n    ", " ").split("\n"):
        owner, _, members = line.partition(":")
        found |= {owner, *(f"{owner}.{member}" for member in members.split())} - {""}
    return found


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of the page's tables: the module that they are about, and two cells."""
    module = ""
    for line in TEXT.split("\n"):
        if line.startswith("## "):
            module = ""
        if line.startswith("#"):
            module = next(iter(re.findall(r"`(pycuda[\w.]*)`", line)), module)
        cells = re.fullmatch(r"\| (.*?) \| (.*) \|", line)
        if cells and "`" in cells[1]:
            yield module, cells[1], cells[2]


def named(cell: str) -> set[str]:
    """The names of a left cell; "`A`, `B`: `x` `y`" has A and B, and two members of each."""
    owners, _, members = cell.partition(": ")
    spans = re.findall(r"`([^`]+)`", owners)
    inner = re.findall(r"`([^`]+)`", members)
    return {*spans, *(f"{owner}.{member}" for owner in spans for member in inner)}


def covered(module: str) -> set[str]:
    return {name for found, left, _ in rows() if found == module for name in named(left)}


@pytest.mark.parametrize("module", NAMES)
def test_every_name_of_the_manual_has_a_row(module: str) -> None:
    patterns = covered(module)
    missing = [n for n in manual(module) if not any(fnmatchcase(n, p) for p in patterns)]
    assert not missing


@pytest.mark.parametrize("module", NAMES)
def test_rows_are_about_names_that_there_are(module: str) -> None:
    known = manual(module) | set(PARAMETERS.get(module, "").split())
    strange = [p for p in covered(module) if not any(fnmatchcase(n, p) for n in known)]
    assert not strange
    short = [p for p in covered(module) if "*" in p and len(p.split(".")[-1]) < 5]
    assert not short  # a pattern says which names it means


def spans() -> Iterator[str]:
    """Code of ours on the page, in the right cells of tables and between them."""
    plain = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    for line in plain.split("\n"):
        cells = re.fullmatch(r"\| (.*?) \| (.*) \|", line)
        yield from re.findall(r"`([^`]+)`", cells[2] if cells else line)


def resolved(node: ast.expr, missing: set[str]) -> Any:
    """What an expression on the page is: an object of ours, its class, or None if unknown."""
    if isinstance(node, ast.Name):
        if node.id == "cuda" and importlib.util.find_spec("cuda"):
            return importlib.import_module("cuda")
        return STANDS_FOR.get(node.id)
    if isinstance(node, ast.Call):
        function = resolved(node.func, missing)
        if inspect.isclass(function):
            return function
        kind = getattr(function, "__annotations__", {}).get("return")
        if kind == "ModuleType":
            return function()
        return getattr(function, "__globals__", {}).get(kind)
    if not isinstance(node, ast.Attribute):
        return None
    owner = resolved(node.value, missing)
    if owner is None or isinstance(owner, property):
        return None
    if inspect.ismodule(owner) and owner.__name__.split(".")[0] == "cuda":
        name = f"{owner.__name__}.{node.attr}"
        if not hasattr(owner, node.attr) and importlib.util.find_spec(name):
            return importlib.import_module(name)
    # Fields of named tuples are members of their class; other instances' attributes are properties.
    if not hasattr(owner, node.attr):
        missing.add(ast.unparse(node))
        return None
    return getattr(owner, node.attr)


def parsed(span: str) -> ast.AST | None:
    """The syntax tree of a span; None where it is no Python, such as a command."""
    text = f"{span} pass" if span.endswith(":") else span
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


def missing_names() -> tuple[set[str], set[str]]:
    """Names, keywords and variables on the page that are not there, and all that were looked at."""
    missing: set[str] = set()
    seen: set[str] = set()
    known = {*STANDS_FOR, *THEIRS, "cuda", *manual("pycuda.driver")}
    for span in spans():
        tree = parsed(span)
        if tree is None:
            assert not re.search(r"\b(xp|gpuarray)\.\w", span), span
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                seen.add(ast.unparse(node))
                resolved(node, missing)
                root = re.match(r"\w+", ast.unparse(node))
                assert root and root[0] in known, span
            if isinstance(node, ast.Assign) and span.startswith("GPUARRAY_"):
                seen.add(span)
                if f"`{span.split('=')[0]}`" not in REFERENCE:
                    missing.add(span)
            if isinstance(node, ast.Call) and node.keywords:
                function = resolved(node.func, missing)
                if isinstance(node.func, ast.Name) and function is not None:
                    function = function.__call__  # `kernel(...)` is a launch
                parameters = inspect.signature(function).parameters if function else {}
                for keyword in node.keywords:
                    text = f"{ast.unparse(node.func)}({keyword.arg}=)"
                    seen.add(text)
                    if function and keyword.arg not in parameters:
                        missing.add(text)
    return missing, seen


def test_our_names_on_the_page_are_there() -> None:
    missing, seen = missing_names()
    assert not missing
    assert {"xp.cuda.Graph", "stream.add_callback", "kernel(cluster=)"} <= seen


def test_what_is_looked_at_can_be_missing() -> None:
    tree = parsed("xp.summ(x, axis=0)")
    assert tree is not None
    missing: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            resolved(node, missing)
    assert missing == {"xp.summ"}
