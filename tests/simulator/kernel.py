"""Generated CUDA source to a kernel that the CPU can run.

Comes in: the text that NVRTC would get.  Goes out: a `SimulatedKernel`, which checks a launch as a
driver does, runs it to its end and reports faults with the line of the source.
"""

from __future__ import annotations

import ctypes
import functools
import re
import struct
import threading
from collections.abc import Sequence
from typing import Any

from gpuarray.errors import DeviceError

from . import compiler

STATIC_SHARED_LIMIT = 48 * 1024  # static shared memory has no opt-in maximum
SECTION_MARKER = 64  # what GASIM_EXPORT adds, so that the section always exists
MAX_BLOCK = 1024
MAX_GRID = 2**31 - 1

# Whatever makes a thread wait for another.  One that is mentioned is taken as used.
WAITING = re.compile(
    r"\b(__sync(threads|warp)\w*|__shfl_\w+|__(ballot|any|all|match_any)_sync|__activemask"
    r"|__reduce_\w+_sync|__nanosleep)\b"
)
# A PTX instruction of one or two floats, which the header has as a function.
PTX = re.compile(
    r'asm\("([\w.]+) %0, %1(?:, %2)?;" : "=f"\((\w+)\) : "f"\((\w+)\)(?:, "f"\((\w+)\))?\);'
)
WIDE_PRODUCT = re.compile(
    r'asm\("mul\.wide\.u32 %0, %1, %2;" : "=l"\((\w+)\) : "r"\((\w+)\), "r"\((\w+)\)\);'
)
# Copies to shared memory, which the header has, too.
COPY = re.compile(
    r'asm volatile\("[^"]*cp\.async\.c[ag]\.shared\.global [^"]*, (\d+);}" :: ([^;]*);'
)
COUNT = re.compile(
    r'asm\("\{ \.reg \.pred p; setp\.ne\.u32 p, %1, 0; @p add\.u32 %0, %0, 1; }" '
    r': "\+r"\((\w+)\) : "r"\((.*)\)\);'
)
WAIT_FOR_COPIES = 'asm volatile("cp.async.wait_all;" ::: "memory");'
DYNAMIC_SHARED = re.compile(
    r"\bextern\s+__shared__\s+((?:(?:__align__|alignas)\s*\([^)]*\)\s*)?)([^;\[=]*?)"
    r"(?:(?:__align__|alignas)\s*\([^)]*\)\s*)?(\w+)\s*\[\s*\]\s*;"
)
LAUNCH_BOUNDS = re.compile(r"__launch_bounds__\s*\(\s*(\d+)")
NAME_AFTER_BOUNDS = re.compile(r"__launch_bounds__\s*\(\s*(\d+)[^)]*\)[^({;]*?\b(\w+)\s*\(")

# Launches share the engine's fibers and each kernel's `__shared__` variables.
_launching = threading.Lock()


class _Module(ctypes.Structure):
    """`gasim_module` of launch.h, as far as Python reads it."""

    _fields_ = (("argument_bytes", ctypes.c_ulonglong), ("shared_bytes", ctypes.c_ulonglong))


@functools.cache
def engine() -> ctypes.CDLL:
    """The compiled engine.cpp, with the signatures of its functions declared."""
    text = (compiler.HERE / "engine.cpp").read_text()
    library = ctypes.CDLL(str(compiler.shared_object(text, compiler.ENGINE_FLAGS)))
    pointer, size, unsigned = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint
    signatures: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "gasim_launch": (
            ctypes.c_int,
            (
                *(pointer, ctypes.POINTER(unsigned), unsigned, ctypes.c_ulonglong),
                *(ctypes.c_char_p, ctypes.c_char_p, size, ctypes.POINTER(ctypes.c_void_p)),
            ),
        ),
        "gasim_reserve": (pointer, (size,)),
        "gasim_unreserve": (None, (pointer, size)),
        "gasim_commit": (ctypes.c_int, (pointer, size)),
        "gasim_release": (ctypes.c_int, (pointer, size)),
        "gasim_first_written": (ctypes.c_longlong, (pointer, size)),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def translation_unit(source: str, name: str) -> str:
    """`source` between the simulator's header and its export, ready for a C++ compiler.

    The unnamed namespace makes every function of the kernel local, so that `__shared__` variables
    of templates may share one section, and two kernels may define the same names.
    """
    waits = int(WAITING.search(source) is not None)
    source = prepared(source)
    header = compiler.HERE / "cuda_on_cpu.h"
    return (
        f'#define GASIM_FIBERS {waits}\n#include "{header}"\nnamespace {{\n'
        f'#line 1 "{name}.cu"\n{source}\n}}\nGASIM_EXPORT({name})\n'
    )


def prepared(source: str) -> str:
    """`source` with dynamic shared memory and PTX as the header has them."""
    return without_ptx(DYNAMIC_SHARED.sub(r"\2* const \3 = (\2*)gasim_dynamic;", source))


def without_ptx(source: str) -> str:
    """`source` with calls of the header's functions in the place of PTX instructions."""

    def call(found: re.Match[str]) -> str:
        operands = ", ".join(filter(None, found.group(3, 4)))
        return f"{found[2]} = gasim_{found[1].replace('.', '_')}({operands});"

    source = PTX.sub(call, source)
    source = WIDE_PRODUCT.sub(r"\1 = (unsigned long long)\2 * \3;", source)
    source = COUNT.sub(r"\1 += \2 != 0;", source)
    source = COPY.sub(r"gasim_copy_async(shared, global, \1);", source)
    return source.replace(WAIT_FOR_COPIES, "gasim_wait_for_copies();")


def launch_bounds(source: str, name: str) -> int:
    """The most threads that ``__launch_bounds__`` allows the kernel, where it is a number."""
    for match in NAME_AFTER_BOUNDS.finditer(source):
        if match[2] == name:
            return min(int(match[1]), MAX_BLOCK)
    bounds = LAUNCH_BOUNDS.findall(source)
    return min(int(bounds[0]), MAX_BLOCK) if len(bounds) == 1 else MAX_BLOCK


class KernelFault(Exception):
    """A kernel stopped: what it said, and the address that it touched, if that was the fault."""

    def __init__(self, text: str, address: int) -> None:
        super().__init__(text)
        self.text = text
        self.address = address


class SimulatedKernel:
    """A kernel compiled for the CPU; answers `gpuarray_cuda.kernel_interface.Kernel`.

    Parameters
    ----------
    source, name, arguments
        As `DeviceRuntime.compile` gets them.
    """

    registers = 0
    local_bytes = 0

    def __init__(self, source: str, name: str, arguments: str) -> None:
        if not set(arguments) <= {"q", "d", "f"}:
            raise ValueError(f"{name}: arguments are made of 'q', 'd' and 'f', got {arguments!r}")
        self.name = name
        self.arguments = arguments
        self.source = source
        try:
            path = compiler.shared_object(
                translation_unit(source, name), compiler.KERNEL_FLAGS, compiler.KERNEL_LIBRARIES
            )
            self._library = ctypes.CDLL(str(path))
        except (DeviceError, OSError) as error:
            raise DeviceError(f"{name}: {error}\n{numbered(source)}") from None
        self._packing = struct.Struct("=" + arguments.replace("f", "f4x"))
        self._threads = launch_bounds(source, name)
        module = _Module.in_dll(self._library, "gpuarray_sim_module")
        self._module = ctypes.addressof(module)
        self.shared_bytes = module.shared_bytes - SECTION_MARKER
        if module.argument_bytes != max(self._packing.size, 1):
            raise DeviceError(
                f"{name}: Args has {module.argument_bytes} bytes, "
                f"arguments {arguments!r} make {self._packing.size}"
            )
        if self.shared_bytes > STATIC_SHARED_LIMIT:
            raise DeviceError(
                f"{name}: {self.shared_bytes} bytes of static shared memory, "
                f"the most is {STATIC_SHARED_LIMIT}; use dynamic shared memory"
            )

    def pack(self, values: Sequence[int | float]) -> bytes:
        """The argument struct that holds `values`."""
        try:
            return self._packing.pack(*values)
        except struct.error as error:
            raise ValueError(f"{self.name}: {values} for {self.arguments!r}: {error}") from None

    def check(self, grid: int, block: int, shared_bytes: int, shared_limit: int) -> None:
        """Refuse what a driver refuses."""
        if not 1 <= grid <= MAX_GRID:
            raise DeviceError(f"{self.name}: grid of {grid} blocks, from 1 to {MAX_GRID} allowed")
        if not 1 <= block <= self._threads:
            raise DeviceError(
                f"{self.name}: blocks of {block} threads, from 1 to {self._threads} allowed"
            )
        total = self.shared_bytes + shared_bytes
        if shared_bytes < 0 or total > shared_limit:
            raise DeviceError(
                f"{self.name}: {total} bytes of shared memory a block, the most is {shared_limit}"
            )

    def run(self, grid: int, block: int, shared_bytes: int, seed: int, arguments: bytes) -> None:
        """Run every thread to its end.

        Raises
        ------
        KernelFault
            If one could not get there.
        """
        shape = (grid, 1, 1, block, 1, 1)
        run_module(self._module, shape, shared_bytes, seed, arguments, self.source)


def run_module(
    module: int,
    shape: tuple[int, ...],
    shared_bytes: int,
    seed: int,
    arguments: bytes,
    source: str,
) -> None:
    """Run every thread of a grid; `shape` has the extents of the grid and of a block."""
    address = ctypes.c_void_p()
    text = ctypes.create_string_buffer(512)
    with _launching:
        failed = engine().gasim_launch(
            *(module, (ctypes.c_uint * 6)(*shape), shared_bytes, seed & (2**64 - 1), arguments),
            *(text, len(text), ctypes.byref(address)),
        )
    if failed:
        message = text.value.decode()
        lines = source.splitlines()
        numbers = dict.fromkeys(int(n) for n in re.findall(r"line (\d+)", message))
        found = "".join(f"\n  {n}: {lines[n - 1].strip()}" for n in numbers if n)
        raise KernelFault(message + found, address.value or 0)


def numbered(source: str) -> str:
    """`source` with line numbers, for messages."""
    lines = source.splitlines()
    return "\n".join(f"{number:4d}  {line}" for number, line in enumerate(lines, 1))
