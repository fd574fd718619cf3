"""A user's CUDA C++, compiled with NVRTC to a cubin, to PTX or to code for the linker.

In: a source, options, headers, and the names of kernels as C++ writes them. Out: code, and the
names that the kernels have in it. Needs no driver.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpuarray.errors import DeviceError

from .compile import compile_message
from .context import packages

__all__ = ["KINDS", "Source", "compiled", "kind_of", "target_options"]

KINDS = ("cubin", "ptx", "ltoir")

Names = Mapping[str, str]

_STANDARD = "-std=c++17"
# How NVRTC's functions that give code of a kind are called.
_GETTERS = {"cubin": "CUBIN", "ptx": "PTX", "ltoir": "LTOIR"}

_ELF = b"\x7fELF"
_FATBIN = (b"\x50\xed\x55\xba", b"\xb1\x43\x62\x46")


@dataclass(frozen=True, slots=True)
class Source:
    """What NVRTC is given.

    `expressions` name kernels whose names in the code are wanted; `headers` are what the source may
    include, by name; `name` is for messages.
    """

    text: str
    name: str
    options: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


def kind_of(code: bytes) -> str:
    """What compiled code is, by its first bytes: "cubin", "fatbin", "ptx" or "ltoir"."""
    if code.startswith(_ELF):
        return "cubin"
    if code.startswith(_FATBIN):
        return "fatbin"
    # PTX is text, which says its version and its target.
    text = code[: 1 << 16]
    return "ptx" if b".version" in text and b".target" in text else "ltoir"


def target_options(architecture: str, kind: str) -> tuple[str, ...]:
    """NVRTC's options that stand before a user's."""
    more = ("-dlto",) if kind == "ltoir" else ()
    return (f"-arch={architecture}", _STANDARD, *more, *_includes())


def _includes() -> tuple[str, ...]:
    """The headers of an installed toolkit, where the environment says that there is one."""
    for variable in ("CUDA_HOME", "CUDA_PATH"):
        folder = os.environ.get(variable)
        if folder and os.path.isdir(os.path.join(folder, "include")):
            return (f"-I{os.path.join(folder, 'include')}",)
    return ()


def compiled(source: Source, architecture: str, kind: str = "cubin") -> tuple[bytes, Names]:
    """The code, and the name in it of each expression.

    Parameters
    ----------
    source : Source
        What to compile.
    architecture : str
        Such as ``"sm_90"``.
    kind : str
        One of `KINDS`.

    Raises
    ------
    DeviceError
        If it does not compile; the message shows the lines in question.
    """
    nvrtc = packages().nvrtc
    (program,) = _checked(
        nvrtc,
        nvrtc.nvrtcCreateProgram(
            source.text.encode(),
            f"{source.name}.cu".encode(),
            len(source.headers),
            [text.encode() for _, text in source.headers],
            [included.encode() for included, _ in source.headers],
        ),
        f"take the source of {source.name!r}",
    )
    try:
        for expression in source.expressions:
            _checked(
                nvrtc,
                nvrtc.nvrtcAddNameExpression(program, expression.encode()),
                f"look for {expression!r}",
            )
        options = (*target_options(architecture, kind), *source.options)
        (result,) = nvrtc.nvrtcCompileProgram(
            program, len(options), [option.encode() for option in options]
        )
        if result != nvrtc.nvrtcResult.NVRTC_SUCCESS:
            log = _text(nvrtc, "ProgramLog", program)
            raise DeviceError(compile_message(source.name, source.text, log or str(result)))
        names = {}
        for expression in source.expressions:
            (lowered,) = _checked(
                nvrtc,
                nvrtc.nvrtcGetLoweredName(program, expression.encode()),
                f"say what {expression!r} is called in the code",
            )
            names[expression] = lowered.decode()
        return _bytes(nvrtc, _GETTERS[kind], program), names
    finally:
        nvrtc.nvrtcDestroyProgram(program)


def _checked(nvrtc: Any, result: Sequence[Any], doing: str) -> Sequence[Any]:
    if result[0] != nvrtc.nvrtcResult.NVRTC_SUCCESS:
        raise DeviceError(f"NVRTC could not {doing}: {result[0]}")
    return result[1:]


def _bytes(nvrtc: Any, what: str, program: Any) -> bytes:
    """What a pair of NVRTC's functions gives: its size, and then its bytes."""
    doing = f"give its {what}"
    (size,) = _checked(nvrtc, getattr(nvrtc, f"nvrtcGet{what}Size")(program), doing)
    found = bytearray(size)
    _checked(nvrtc, getattr(nvrtc, f"nvrtcGet{what}")(program, found), doing)
    return bytes(found)


def _text(nvrtc: Any, what: str, program: Any) -> str:
    return _bytes(nvrtc, what, program).decode(errors="replace").strip("\0\n ")
