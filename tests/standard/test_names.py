"""Every name of the standard exists, with exactly the signature of the standard.

No fixture chooses a backend where nothing is computed: a signature is the same on all of them.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

import gpuarray as xp
from tests.standard import names

_KINDS = ("positional only", "positional", "var-positional", "keyword only", "var-keyword")

Parameter = tuple[str, str, str, object]


def entries(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def name_of(entry: str) -> str:
    return entry.partition("(")[0]


def written(entry: str) -> list[Parameter]:
    """(name, kind, type of the default, default) of each parameter of an entry of the table."""
    arguments = ast.parse(f"def {entry}: ...").body[0].args  # type: ignore[attr-defined]
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    found = [
        (a, _KINDS[0] if a in arguments.posonlyargs else _KINDS[1], default)
        for a, default in zip(positional, defaults, strict=True)
    ]
    if arguments.vararg:
        found.append((arguments.vararg, _KINDS[2], None))
    keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    found += [(a, _KINDS[3], default) for a, default in keywords]
    return [(a.arg, kind, *_default(default)) for a, kind, default in found]


def _default(node: ast.expr | None) -> tuple[str, object]:
    return ("required", None) if node is None else _described(ast.literal_eval(node))


def _described(value: object) -> tuple[str, object]:
    # False == 0 == 0.0: a number may be written either way, a truth value may not.
    return ("number" if type(value) in (int, float) else type(value).__name__, value)


def actual(function: Any) -> list[Parameter]:
    """The same of something that can be called."""
    return [
        (
            p.name,
            _KINDS[p.kind],
            *(("required", None) if p.default is p.empty else _described(p.default)),
        )
        for p in inspect.signature(function).parameters.values()
    ]


def tables() -> Iterator[tuple[str, str]]:
    """(where it is, entry) for each function of the standard."""
    for text in names.CHAPTERS.values():
        yield from (("", entry) for entry in entries(text))
    yield from (("linalg", entry) for entry in entries(names.LINALG))
    yield from (("fft", entry) for entry in entries(names.FFT))


FUNCTIONS = [
    pytest.param(where, entry, id=f"{where}.{name_of(entry)}".lstrip("."))
    for where, entry in tables()
]
METHODS = [entry for text in names.ARRAY_METHODS.values() for entry in entries(text)]


def namespace(where: str) -> Any:
    return getattr(xp, where) if where else xp


def test_the_tables_are_complete() -> None:
    # Counted in the standard's lists of objects.
    assert {chapter: len(entries(text)) for chapter, text in names.CHAPTERS.items()} == {
        "creation": 16,
        "data type": 6,
        "elementwise of one operand": 38,
        "elementwise of two operands": 28,
        "elementwise, the one of three operands": 1,
        "indexing": 2,
        "inspection": 1,
        "linear algebra": 4,
        "manipulation": 15,
        "searching": 6,
        "set": 5,
        "sorting": 2,
        "statistical": 9,
        "utility": 3,
    }
    assert (len(entries(names.LINALG)), len(entries(names.FFT))) == (25, 14)
    assert (len(METHODS), len(names.ARRAY_ATTRIBUTES)) == (60, 7)
    assert len(names.DTYPES) == 13
    table = list(tables())
    assert len(set(table)) == len(table)
    assert len(set(METHODS)) == len(METHODS)


@pytest.mark.parametrize(("where", "entry"), FUNCTIONS)
def test_a_function_has_the_signature_of_the_standard(where: str, entry: str) -> None:
    function = getattr(namespace(where), name_of(entry))
    assert actual(function) == written(entry)
    assert function.__name__ == name_of(entry)


@pytest.mark.parametrize("where", ["", "linalg", "fft"])
def test_public_names_are_listed_for_a_star_import(where: str) -> None:
    listed = set(namespace(where).__all__)
    missing = {name_of(entry) for place, entry in tables() if place == where} - listed
    assert not missing
    if not where:
        assert not {*names.CONSTANTS, *names.DTYPES, "__array_api_version__"} - listed


def test_functions_of_both_namespaces_are_the_same() -> None:
    for entry in entries(names.CHAPTERS["linear algebra"]):
        assert getattr(xp.linalg, name_of(entry)) is getattr(xp, name_of(entry))


@pytest.mark.parametrize("name", names.CONSTANTS)
def test_a_constant_is_the_python_float(name: str) -> None:
    found, expected = getattr(xp, name), names.CONSTANTS[name]
    if expected is None:
        assert found is None
        return
    assert type(found) is float
    assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_the_version_is_that_of_the_table() -> None:
    assert xp.__array_api_version__ == names.VERSION


@pytest.mark.parametrize("name", names.DTYPES)
def test_a_dtype_equals_itself_alone_and_has_its_kinds(name: str) -> None:
    dtype = getattr(xp, name)
    assert [other for other in names.DTYPES if getattr(xp, other) == dtype] == [name]
    kinds = {kind for found in names.DTYPES.values() for kind in found}
    assert {kind for kind in kinds if xp.isdtype(dtype, kind)} == set(names.DTYPES[name])


# The array.


@pytest.mark.parametrize("entry", METHODS, ids=name_of)
def test_a_method_has_the_signature_of_the_standard(device: str, entry: str) -> None:
    assert actual(getattr(xp.asarray([1, 2]), name_of(entry))) == written(entry)


@pytest.mark.parametrize("name", names.ARRAY_ATTRIBUTES)
def test_an_attribute_is_a_property_that_cannot_be_set(name: str) -> None:
    found = getattr(xp.Array, name)
    assert isinstance(found, property)
    assert found.fset is None


def test_an_array_finds_its_namespace_by_each_version(device: str) -> None:
    x = xp.asarray(1)
    assert x.__array_namespace__() is xp
    assert x.__array_namespace__(api_version=None) is xp
    assert x.__array_namespace__(api_version=names.VERSION) is xp
    with pytest.raises(ValueError, match=r"2000\.01"):
        x.__array_namespace__(api_version="2000.01")


# What functions give that is no array.


@pytest.mark.parametrize("entry", entries(names.INSPECTION), ids=name_of)
def test_the_inspection_has_the_signature_of_the_standard(entry: str) -> None:
    assert actual(getattr(xp.__array_namespace_info__(), name_of(entry))) == written(entry)


def test_inspection_tells_what_the_standard_asks_for(device: str) -> None:
    info = xp.__array_namespace_info__()
    assert set(info.capabilities()) == names.CAPABILITIES
    assert set(info.default_dtypes()) == names.DEFAULT_DTYPES
    assert device in map(str, info.devices())
    assert str(info.default_device()) == device
    assert info.dtypes() == {name: getattr(xp, name) for name in names.DTYPES}
    for kind in {kind for kinds in names.DTYPES.values() for kind in kinds}:
        of_kind = {n: getattr(xp, n) for n, kinds in names.DTYPES.items() if kind in kinds}
        assert info.dtypes(kind=kind) == of_kind
        assert info.dtypes(device=xp.asarray(0).device, kind=(kind,)) == of_kind


@pytest.mark.parametrize("name", [n for n, kinds in names.DTYPES.items() if n != "bool"])
def test_limits_have_the_attributes_of_the_standard(name: str) -> None:
    dtype = getattr(xp, name)
    integral = xp.isdtype(dtype, "integral")
    limits = xp.iinfo(dtype) if integral else xp.finfo(dtype)
    for attribute, kind in (names.IINFO if integral else names.FINFO).items():
        found = getattr(limits, attribute)
        if kind is not None:
            assert type(found) is kind
    component = {"complex64": "float32", "complex128": "float64"}.get(name, name)
    assert limits.dtype == getattr(xp, component)
    assert limits.bits == int(re.sub("[a-z]", "", component))


@pytest.mark.parametrize("name", names.FIELDS)
def test_several_results_are_a_named_tuple(device: str, name: str) -> None:
    where, _, function = name.rpartition(".")
    found = getattr(namespace(where), function)(xp.asarray([[2.0, 0.0], [0.0, 1.0]]))
    assert isinstance(found, tuple)
    assert found._fields == names.FIELDS[name]  # type: ignore[attr-defined]
