"""The chapters of the standard, and which of them a test of the suite belongs to.

In: where a test stands, its parameters, its extension mark. Out: a chapter's title. The names and
signatures of functions are tested in two modules of their own and counted with their chapters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["CHAPTERS", "chapter_of"]

CHAPTERS: Mapping[str, str] = {
    "array_object": "array object",
    "constants": "constants",
    "creation": "creation functions",
    "data_type": "data type functions",
    "dlpack": "data interchange",
    "elementwise": "elementwise functions",
    "indexing": "indexing functions",
    "inspection": "inspection",
    "linear_algebra": "linear algebra functions",
    "manipulation": "manipulation functions",
    "searching": "searching functions",
    "set": "set functions",
    "sorting": "sorting functions",
    "statistical": "statistical functions",
    "utility": "utility functions",
    "fft": "fft extension",
    "linalg": "linalg extension",
}
"""From the standard's short name of a chapter to its title, in the order of the table."""

# Where the suite's name of a chapter is another than the standard's.
_CATEGORIES = {
    "array_attribute": "array_object",
    "array_method": "array_object",
    "info": "inspection",
}
_MODULES = {
    "info": "inspection",
    # The extension's tests carry a mark; the others there are those of the main namespace.
    "linalg": "linear_algebra",
    "operators_and_elementwise": "elementwise",
    "special_cases": "elementwise",
}


def chapter_of(
    module: str, parameters: Mapping[str, Any] | None = None, extension: str | None = None
) -> str:
    """The title of the chapter that a test belongs to; `module` itself where none is known.

    Parameters
    ----------
    module : str
        The name of the test's module or file, with or without what stands before it.
    parameters : mapping, optional
        What pytest calls the test with.
    extension : str, optional
        The extension that the test is marked with.

    Examples
    --------
    >>> chapter_of("array_api_tests.test_special_cases")
    'elementwise functions'
    >>> chapter_of("array_api_tests.test_has_names", {"category": "linalg", "name": "svd"})
    'linalg extension'
    """
    parameters = parameters or {}
    name = module.removesuffix(".py").replace("/", ".").rpartition(".")[2].removeprefix("test_")
    if extension is not None:
        key = extension
    elif name == "has_names":
        category = parameters.get("category", "")
        key = _CATEGORIES.get(category, category)
    elif name == "signatures":
        # The stub that the signature is compared with lives in a module named after its chapter.
        key = _key(getattr(parameters.get("stub"), "__module__", name).rpartition(".")[2])
    else:
        key = _key(name)
    return CHAPTERS.get(key, key or module)


def _key(name: str) -> str:
    name = name.removesuffix("_functions")
    return _MODULES.get(name, name)
