"""What the CUDA backend would compile, and what NVRTC makes of it.

In: a function that records and evaluates arrays. Out: the sources of its kernels, exactly as a user
gets them: the core plans, the executor chooses shapes as for an H200, and a runtime that has no
device keeps the sources instead of compiling them. `compile_all` gives each kernel's resources.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from gpuarray.devices import Device, chosen
from gpuarray.plugins.manager import Backend
from gpuarray_cuda.codegen.device_functions import source_for
from gpuarray_cuda.compile import OPTIONS
from gpuarray_cuda.executor import RESIDENT
from gpuarray_cuda.plugin import CudaBackend
from gpuarray_cuda.runtime import DeviceProperties, MemoryStatistics

__all__ = [
    "ARCHITECTURES",
    "Resources",
    "Source",
    "compile_all",
    "on_architectures",
    "ptx",
    "resources",
    "sources",
]

ARCHITECTURES = ("sm_80", "sm_90", "sm_100")
# Dtypes whose kernels are compiled for all of them: one of each size but two bytes, whose kernels
# take fewer registers than those of one byte and are the same otherwise.
_EVERYWHERE = ("int8", "float32", "float64", "complex128")

H200 = DeviceProperties(
    name="H200 without a device",
    compute_capability=(9, 0),
    multiprocessors=132,
    l2_bytes=60 << 20,
    shared_bytes_per_block=227 << 10,
    total_bytes=141 << 30,
)


def on_architectures(dtypes: Sequence[str]) -> list[tuple[str, str]]:
    """Dtypes and architectures: all of `dtypes` on sm_90, a few on the others."""
    pairs = itertools.product(dtypes, ARCHITECTURES)
    return [(d, name) for d, name in pairs if name == "sm_90" or d in _EVERYWHERE]


class Source(NamedTuple):
    """A kernel to compile: the text that NVRTC would get, and its name there."""

    text: str
    name: str
    arguments: str


class Resources(NamedTuple):
    """What a thread of a kernel takes: registers, and bytes that ptxas spilled to memory."""

    registers: int
    spilled: int


@dataclass(frozen=True)
class _Kernel:
    name: str
    registers: int = 0
    local_bytes: int = 0


class SourceRuntime:
    """Answers `gpuarray_cuda.runtime`: memory is addresses only, and nothing is ever computed."""

    ordinal = 0
    properties = H200

    def __init__(self) -> None:
        self.compiled: dict[Source, None] = {}
        self._addresses = itertools.count(1 << 40, 1 << 40)
        self._streams = itertools.count(16)

    def device_count(self) -> int:
        return 1

    def open(self, ordinal: int) -> SourceRuntime:
        return self

    def create_stream(self) -> int:
        return next(self._streams)

    def allocate(self, nbytes: int, stream: int) -> int:
        return next(self._addresses)

    def free(self, pointer: int, nbytes: int, stream: int) -> None:
        pass

    def copy_in(self, pointer: int, host: Any, stream: int) -> None:
        pass

    def copy_out(self, host: Any, pointer: int, stream: int) -> None:
        host[...] = 0

    def copy(self, destination: int, source: int, nbytes: int, stream: int) -> None:
        pass

    def fill(self, pointer: int, nbytes: int, stream: int) -> None:
        pass

    def compile(self, source: str, name: str, arguments: str) -> _Kernel:
        self.compiled[Source(source, name, arguments)] = None
        return _Kernel(name)

    def launch(self, kernel: _Kernel, *arguments: Any) -> None:
        pass

    def record(self, stream: int) -> object:
        return None

    def wait(self, stream: int, event: object) -> None:
        pass

    def synchronize(self, stream: int | None = None) -> None:
        pass

    def memory(self) -> MemoryStatistics:
        return MemoryStatistics(0, 0, H200.total_bytes, H200.total_bytes, H200.total_bytes, 0)

    def trim(self) -> int:
        return 0


@contextmanager
def _device() -> Iterator[tuple[SourceRuntime, Device]]:
    """A device of its own, made the default one; no other test sees it."""
    runtime = SourceRuntime()
    device = Backend("cuda", CudaBackend(runtime)).devices[0]
    token = chosen.set(device)
    try:
        yield runtime, device
    finally:
        chosen.reset(token)


def sources(record: Callable[[], None]) -> list[Source]:
    """The kernels that `record` makes the backend compile, in order."""
    with _device() as (runtime, _):
        record()
        return list(runtime.compiled)


# A kernel's own text begins here; what stands before are device functions, which kernels share.
_OWN = re.compile(r"^struct Args \{", re.MULTILINE)
# Generated code names what it may not need, such as the index of a lane.
_UNUSED = re.compile(r"was (declared but never referenced|set but never used)")
_USED = re.compile(
    r"Compiling entry function '(\w+)' for.*?(\d+) bytes spill stores.*?Used (\d+) registers",
    re.DOTALL,
)


def _together(kernels: Sequence[Source]) -> str:
    """One source for several kernels, number k in a namespace and called ``<name>_<k>``.

    The front end then reads the device functions once, which halves the time.
    """
    parts = []
    for k, kernel in enumerate(kernels):
        start = _OWN.search(kernel.text)
        assert start is not None
        own = re.sub(rf"\b{kernel.name}\b", f"{kernel.name}_{k}", kernel.text[start.start() :])
        parts.append(f"namespace kernel_{k} {{\n{own}\n}}\n")
    text = "".join(parts)
    return source_for(text) + text


def _program(text: str, architecture: str, *more: str) -> tuple[Any, Any, str]:
    """NVRTC, its program after compiling, and its log."""
    from cuda.bindings import nvrtc

    _, program = nvrtc.nvrtcCreateProgram(text.encode(), b"kernels.cu", 0, [], [])
    # As `Compiler` has cuda.core pass them.
    options = [
        f"-arch={architecture}",
        f"-std={OPTIONS['std']}",
        f"--fmad={str(OPTIONS['fma']).lower()}",
        "--minimal",
        *more,
    ]
    assert set(OPTIONS) == {"std", "fma", "minimal"}
    (code,) = nvrtc.nvrtcCompileProgram(program, len(options), [o.encode() for o in options])
    _, size = nvrtc.nvrtcGetProgramLogSize(program)
    log = bytearray(size)
    nvrtc.nvrtcGetProgramLog(program, log)
    message = log.decode().strip("\0\n ")
    assert code == nvrtc.nvrtcResult.NVRTC_SUCCESS, message[:4000]
    return nvrtc, program, message


def resources(text: str, architecture: str) -> dict[str, Resources]:
    """What each kernel of a source takes; fails on any warning of the compiler."""
    nvrtc, program, log = _program(text, architecture, "--ptxas-options=-v")
    nvrtc.nvrtcDestroyProgram(program)
    warned = [line for line in log.splitlines() if ": warning" in line]
    unexpected = [line for line in warned if not _UNUSED.search(line)]
    assert not unexpected, "\n".join(unexpected)
    return {name: Resources(int(used), int(spilled)) for name, spilled, used in _USED.findall(log)}


def compile_all(kernels: Sequence[Source], architecture: str) -> list[Resources]:
    """What each of the kernels takes on an architecture; those that spill, with more registers."""
    found = _compiled(kernels, architecture)
    for resident in RESIDENT[1:]:
        again = [k for k, taken in enumerate(found) if taken.spilled]
        if not again:
            break
        bounded = [_bounded(kernels[k], resident) for k in again]
        for k, taken in zip(again, _compiled(bounded, architecture), strict=True):
            found[k] = min(found[k], taken, key=lambda t: t.spilled)
    return found


def _compiled(kernels: Sequence[Source], architecture: str) -> list[Resources]:
    found = resources(_together(kernels), architecture)
    return [found[f"{kernel.name}_{k}"] for k, kernel in enumerate(kernels)]


def _bounded(kernel: Source, resident: int) -> Source:
    """The kernel as `signature` begins it for so many blocks."""
    text = re.sub(r"__launch_bounds__\((\d+)\)", rf"__launch_bounds__(\1, {resident})", kernel.text)
    assert text != kernel.text
    return kernel._replace(text=text)


def ptx(kernel: Source, architecture: str = "sm_90") -> str:
    """The PTX of a kernel, to see how it moves memory."""
    nvrtc, program, _ = _program(kernel.text, architecture)
    _, size = nvrtc.nvrtcGetPTXSize(program)
    text = bytearray(size)
    nvrtc.nvrtcGetPTX(program, text)
    nvrtc.nvrtcDestroyProgram(program)
    return text.decode()
