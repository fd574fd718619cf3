"""Modules of users' kernels in the simulator: several kernels and variables in one shared object.

Comes in: CUDA C++ and the names of instances of templates.  Goes out: a `SimulatedModule`, which
answers `gpuarray_cuda.kernel_interface.Module`.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping, Sequence

from gpuarray.errors import DeviceError
from gpuarray_cuda.runtime import DeviceProperties

from . import compiler
from .kernel import MAX_BLOCK, NAME_AFTER_BOUNDS, SECTION_MARKER, WAITING, prepared

__all__ = ["SimulatedModule", "SimulatedRawKernel", "with_headers"]

_VARIABLE = re.compile(
    r"^\s*(?:static\s+)?(?:__device__|__constant__|__managed__)\s+(?!.*\()[\w:<>,\s*]*?"
    r"\b(?P<name>\w+)\s*(?:\[[^;=]*\])*\s*(?:=[^;]*)?;",
    re.MULTILINE,
)
# What a multiprocessor of sm_90 runs at once.
_THREADS = 2048
_BLOCKS = 32
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


class _Parameters(ctypes.Structure):
    """`gasim_parameters` of cuda_on_cpu.h."""

    _fields_ = (
        ("count", ctypes.c_uint),
        ("offsets", ctypes.c_uint * 64),
        ("sizes", ctypes.c_uint * 64),
    )


class _Exported(ctypes.Structure):
    """`gasim_module` of launch.h, as far as Python reads it."""

    _fields_ = (("argument_bytes", ctypes.c_ulonglong), ("shared_bytes", ctypes.c_ulonglong))


class SimulatedRawKernel:
    """A kernel of a module; answers `gpuarray_cuda.kernel_interface.RawKernel`."""

    registers = 0
    local_bytes = 0

    def __init__(
        self,
        library: ctypes.CDLL,
        number: int,
        name: str,
        source: str,
        properties: DeviceProperties,
    ) -> None:
        self._properties = properties
        self.name = name
        self.source = source
        exported = _Exported.in_dll(library, f"gpuarray_sim_module_{number}")
        self.module = ctypes.addressof(exported)
        found = _Parameters.in_dll(library, f"gpuarray_sim_parameters_{number}")
        self.parameters = tuple((found.offsets[k], found.sizes[k]) for k in range(found.count))
        self.static_shared_bytes = exported.shared_bytes - SECTION_MARKER
        bounds = {m[2]: int(m[1]) for m in NAME_AFTER_BOUNDS.finditer(source)}
        self.max_threads = min(bounds.get(name.split("<")[0], MAX_BLOCK), MAX_BLOCK)
        self._library = library  # unloads the code when it goes

    def active_blocks(self, threads: int, shared_bytes: int) -> int:
        """As many as threads and shared memory allow; registers are not counted."""
        blocks = min(_THREADS // threads, _BLOCKS)
        taken = shared_bytes + self.static_shared_bytes
        return min(blocks, self._properties.shared_bytes_per_block // taken) if taken else blocks

    def best_block(self, shared_bytes: int) -> tuple[int, int]:
        """The largest block of those that fill a multiprocessor best."""
        threads = max(
            range(32, self.max_threads + 1, 32),
            key=lambda n: (n * self.active_blocks(n, shared_bytes), n),
        )
        blocks = self.active_blocks(threads, shared_bytes)
        return self._properties.multiprocessors * blocks, threads


class SimulatedModule:
    """The kernels and variables of one source."""

    def __init__(
        self,
        source: str,
        options: Sequence[str],
        expressions: Sequence[str],
        properties: DeviceProperties,
    ) -> None:
        plain = _COMMENT.sub("", source)
        self._names = list(dict.fromkeys(expressions))
        self._variables = [m["name"] for m in _VARIABLE.finditer(plain)]
        waits = int(WAITING.search(source) is not None)
        header = compiler.HERE / "cuda_on_cpu.h"
        macros = [x[2:].replace("=", " ", 1) for x in options if x.startswith("-D")]
        exports = [f"GASIM_EXPORT_RAW({k}, {name})" for k, name in enumerate(self._names)]
        exports += [f"GASIM_EXPORT_VARIABLE({k}, {x})" for k, x in enumerate(self._variables)]
        text = "\n".join(
            [
                f"#define GASIM_FIBERS {waits}",
                f'#include "{header}"',
                *(f"#define {macro}" for macro in macros),
                "namespace {",
                '#line 1 "module.cu"',
                prepared(source),
                "}",
                "namespace {",
                "alignas(64) __shared__ unsigned char gasim_section_exists[64];",
                *exports,
                "}",
                "",
            ]
        )
        path = compiler.shared_object(text, compiler.KERNEL_FLAGS, compiler.KERNEL_LIBRARIES)
        self._library = ctypes.CDLL(str(path))
        self._kernels = {
            name: SimulatedRawKernel(self._library, k, name, source, properties)
            for k, name in enumerate(self._names)
        }

    def kernel(self, name: str) -> SimulatedRawKernel:
        found = self._kernels.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def kernels(self) -> list[str]:
        return list(self._names)

    def variable(self, name: str) -> tuple[int, int]:
        if name not in self._variables:
            raise KeyError(name)
        number = self._variables.index(name)
        address = getattr(self._library, f"gpuarray_sim_variable_{number}")
        address.restype = ctypes.c_void_p
        nbytes = ctypes.c_ulonglong.in_dll(self._library, f"gpuarray_sim_bytes_{number}")
        found = address()
        if found is None:
            raise DeviceError(f"variable {name!r} has no address")
        return int(found), nbytes.value


def with_headers(source: str, headers: Mapping[str, str]) -> str:
    """`source` with the text of headers in the place of their inclusion."""

    def included(match: re.Match[str]) -> str:
        name = match[1]
        if name not in headers:
            raise DeviceError(f"cannot open source file {name!r}")
        return with_headers(headers[name], headers)

    return re.sub(r"^\s*#\s*include\s*[<\"]([^>\"]+)[>\"]", included, source, flags=re.MULTILINE)
