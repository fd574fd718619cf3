"""The sources of the kernels that are written by hand, in ``kernels/*.cuh``.

In: a kernel's file, the files that it uses, and the constants that all of them are compiled for.
Out: one source for the compiler, `struct Args` first, with the device functions that it calls.
"""

from __future__ import annotations

import functools
from importlib.resources import files

from gpuarray_cuda.codegen.device_functions import source_for

__all__ = ["ELEMENT_TYPES", "constant", "kernel_functions", "kernel_source", "type_name"]

ELEMENT_TYPES = {
    **{f"int{bits}": f"i{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"u{bits}" for bits in (8, 16, 32, 64)},
    "bool": "u8",
    "float32": "f32",
    "float64": "f64",
    "complex64": "c64",
    "complex128": "c128",
}
"""The C names of dtypes, by name; that of bool is its byte, which kernels move and compare."""


@functools.cache
def _file(name: str) -> tuple[str, str]:
    """The `struct Args` of a file, if there is one, and the rest of its text.

    The first paragraph says what the file is about, to its reader.
    """
    text = files("gpuarray_cuda").joinpath("kernels", f"{name}.cuh").read_text("utf-8")
    body = text.split("\n\n", 1)[1]
    if not body.startswith("struct Args {"):
        return "", body
    arguments, rest = body.split("\n\n", 1)
    return arguments, rest


@functools.lru_cache(maxsize=1024)
def kernel_source(
    kernel: str,
    constants: tuple[tuple[str, str], ...],
    *uses: str,
    members: str = "",
    functions: str = "",
) -> str:
    """The source of the kernels of file `kernel`.

    Parameters
    ----------
    kernel : str
        A file of ``kernels/``, without its suffix.
    constants : tuple of (str, str)
        Declarations to stand before the code, by `constant` and `type_name`.
    *uses : str
        The files that it needs, in the order of their definitions.
    members, functions : str
        What else its arguments have, and functions that stand before its code.

    Examples
    --------
    >>> constants = (type_name("T", "f32"), constant("RIGHT", False), constant("BLOCK", 256))
    >>> source = kernel_source("search", constants)
    >>> "constexpr bool RIGHT = false;" in source
    True
    """
    arguments, body = _file(kernel)
    declared = "\n".join(f"{name} = {value};" for name, value in constants)
    if members:
        arguments = f"{arguments.strip().removesuffix('};')}{members}}};"
    used = [_file(name)[1] for name in uses]
    text = "\n\n".join((declared, arguments, *used, *([functions] if functions else []), body))
    return source_for(text) + "\n" + text


def kernel_functions(name: str) -> str:
    """What a file of ``kernels/`` defines, for the functions of another kernel."""
    return _file(name)[1]


def constant(name: str, value: bool | int | str) -> tuple[str, str]:
    """The declaration of a constant: a bool, an integer, or a character."""
    if isinstance(value, bool):
        return f"constexpr bool {name}", "true" if value else "false"
    if isinstance(value, int):
        return f"constexpr int {name}", str(value)
    return f"constexpr char {name}", f"'{value}'"


def type_name(name: str, c_type: str) -> tuple[str, str]:
    """The declaration of a type."""
    return f"using {name}", c_type
