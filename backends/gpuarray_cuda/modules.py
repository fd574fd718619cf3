"""Modules: a user's CUDA C++, compiled with NVRTC, loaded, and launched with any arguments.

In comes a source, out goes a `CudaModule` with kernels and variables. Cubins are kept on disk with
the names that C++ gives to the kernels in them.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from gpuarray.errors import DeviceError

from .cache import KernelCache
from .compile import compile_message
from .context import OUT_OF_MEMORY, Context, packages

__all__ = ["CudaModule", "CudaRawKernel", "Modules"]

_STANDARD = "-std=c++17"


class CudaRawKernel:
    """A kernel of a module; see `runtime.RawKernel`."""

    def __init__(self, context: Context, name: str, owner: Any) -> None:
        driver = context.driver
        handle = int(owner.handle)
        self.name = name
        self.function = driver.CUfunction(handle)
        self._owner = owner  # unloads the code when it goes
        query = driver.CUkernel(handle)
        found: list[tuple[int, int]] = []
        with context.current():
            while True:
                code, offset, size = driver.cuKernelGetParamInfo(query, len(found))
                if code != 0:
                    break
                found.append((int(offset), int(size)))
            attribute = driver.CUfunction_attribute
            values = [
                int(
                    context.check(
                        driver.cuKernelGetAttribute(a, query, context.ordinal),
                        f"read the attributes of kernel {name!r}",
                    )
                )
                for a in (
                    attribute.CU_FUNC_ATTRIBUTE_NUM_REGS,
                    attribute.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES,
                    attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES,
                    attribute.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK,
                )
            ]
        self.parameters = tuple(found)
        self.registers, self.local_bytes, self.static_shared_bytes, self.max_threads = values


class CudaModule:
    """A loaded cubin; see `runtime.Module`."""

    def __init__(self, context: Context, code: Any, names: Mapping[str, str]) -> None:
        self._context = context
        self._code = code
        self._names = names
        self._kernels: dict[str, CudaRawKernel] = {}

    def kernel(self, name: str) -> CudaRawKernel:
        """See `runtime.Module.kernel`."""
        found = self._kernels.get(name)
        if found is None:
            lowered = self._names[name]
            owner = self._code.get_kernel(lowered)
            found = self._kernels[name] = CudaRawKernel(self._context, name, owner)
        return found

    def variable(self, name: str) -> tuple[int, int]:
        """See `runtime.Module.variable`."""
        driver = self._context.driver
        with self._context.current():
            library = driver.CUlibrary(int(self._code.handle))
            code, address, nbytes = driver.cuLibraryGetGlobal(library, name.encode())
        if code != 0:
            raise KeyError(name)
        return int(address), int(nbytes)


class Modules:
    """Compiles, loads and launches for one device.

    Parameters
    ----------
    context : Context
        The device; `last_kernel` is kept up to date there.
    cache : KernelCache
        Where cubins are kept.
    make_room : Callable[[], object]
        Gives unused memory back to the device, for when a launch finds none.
    """

    def __init__(self, context: Context, cache: KernelCache, make_room: Any) -> None:
        self._context = context
        self._cache = cache
        self._make_room = make_room

    def load(
        self,
        source: str,
        name: str,
        options: tuple[str, ...],
        expressions: tuple[str, ...],
        headers: Mapping[str, str],
    ) -> CudaModule:
        """See `runtime.DeviceRuntime.load`."""
        nvrtc = packages().nvrtc
        _, major, minor = nvrtc.nvrtcVersion()
        architecture = self._context.architecture
        whole = (f"-arch={architecture}", _STANDARD, *_includes(), *options)
        text = json.dumps(
            [f"NVRTC {major}.{minor}", whole, expressions, sorted(headers.items()), source]
        )
        key = hashlib.sha256(text.encode(), usedforsecurity=False).hexdigest()
        kept = self._cache.get(key)
        if kept is None:
            kept = _compiled(nvrtc, source, name, whole, expressions, headers)
            self._cache.put(key, kept)
        length = int.from_bytes(kept[:8], "little")
        names: dict[str, str] = json.loads(kept[8 : 8 + length])
        try:
            with self._context.current():
                code = packages().core.ObjectCode.from_cubin(kept[8 + length :], name=name)
                return CudaModule(self._context, code, names)
        except Exception as error:  # cuda.core has no public name for its exceptions
            raise DeviceError(f"module {name!r} does not load: {error}") from error

    def launch(
        self,
        kernel: Any,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        shared_bytes: int,
        stream: int,
        packed: bytes,
        pointers: Sequence[int],
    ) -> None:
        """See `runtime.DeviceRuntime.launch_raw`."""
        context = self._context
        driver = context.driver
        doing = (
            f"launch kernel {kernel.name!r} (grid {grid}, block {block}, {shared_bytes} bytes of "
            f"shared memory, {kernel.registers} registers)"
        )
        buffer = ctypes.create_string_buffer(packed, max(len(packed), 1))
        base = ctypes.addressof(buffer)
        places = [base + offset for offset, _ in kernel.parameters]
        addresses = (ctypes.c_void_p * max(len(places), 1))(*places)
        with context.current():
            self._allow_shared(kernel, shared_bytes)
            for again in (True, False):
                code = driver.cuLaunchKernel(
                    kernel.function, *grid, *block, shared_bytes, stream,
                    ctypes.addressof(addresses), 0,
                )[0]  # fmt: skip
                if code != OUT_OF_MEMORY or not again:
                    break
                self._make_room()
        if code != 0:
            raise context.error(code, doing)
        # Only now: a fault that this launch reports is an earlier kernel's.
        context.last_kernel = kernel.name

    def _allow_shared(self, kernel: Any, shared_bytes: int) -> None:
        """More than 48 KiB of shared memory have to be asked for."""
        context, driver = self._context, self._context.driver
        attribute = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        if shared_bytes + kernel.static_shared_bytes > 48 << 10:
            context.check(
                driver.cuKernelSetAttribute(
                    attribute, shared_bytes, driver.CUkernel(int(kernel.function)), context.ordinal
                ),
                f"let kernel {kernel.name!r} have {shared_bytes} bytes of shared memory",
            )

    def read(self, module: CudaModule, name: str, host: NDArray[Any], stream: int) -> None:
        """See `runtime.DeviceRuntime.read_variable`."""
        address, _ = module.variable(name)
        driver = self._context.driver
        self._copied(
            stream,
            lambda: driver.cuMemcpyDtoHAsync(int(host.ctypes.data), address, host.nbytes, stream),
            f"read variable {name!r}",
        )

    def write(self, module: CudaModule, name: str, host: NDArray[Any], stream: int) -> None:
        """See `runtime.DeviceRuntime.write_variable`."""
        address, _ = module.variable(name)
        driver = self._context.driver
        self._copied(
            stream,
            lambda: driver.cuMemcpyHtoDAsync(address, int(host.ctypes.data), host.nbytes, stream),
            f"write variable {name!r}",
        )

    def _copied(self, stream: int, copy: Any, doing: str) -> None:
        context = self._context
        with context.current():
            context.check(copy(), doing)
            context.check(context.driver.cuStreamSynchronize(stream), doing)


def _includes() -> tuple[str, ...]:
    """The headers of an installed toolkit, where the environment says that there is one."""
    for variable in ("CUDA_HOME", "CUDA_PATH"):
        folder = os.environ.get(variable)
        if folder and os.path.isdir(os.path.join(folder, "include")):
            return (f"-I{os.path.join(folder, 'include')}",)
    return ()


def _compiled(
    nvrtc: Any,
    source: str,
    name: str,
    options: tuple[str, ...],
    expressions: tuple[str, ...],
    headers: Mapping[str, str],
) -> bytes:
    """The names of the kernels as JSON, behind their length in 8 bytes, and the cubin."""
    texts = [text.encode() for text in headers.values()]
    names = [included.encode() for included in headers]
    _, program = nvrtc.nvrtcCreateProgram(
        source.encode(), f"{name}.cu".encode(), len(texts), texts, names
    )
    try:
        for expression in expressions:
            nvrtc.nvrtcAddNameExpression(program, expression.encode())
        given = [option.encode() for option in options]
        (code,) = nvrtc.nvrtcCompileProgram(program, len(given), given)
        if code != nvrtc.nvrtcResult.NVRTC_SUCCESS:
            _, size = nvrtc.nvrtcGetProgramLogSize(program)
            log = bytearray(size)
            nvrtc.nvrtcGetProgramLog(program, log)
            message = log.decode(errors="replace").strip("\0\n ")
            raise DeviceError(compile_message(name, source, message or str(code)))
        lowered = {}
        for expression in expressions:
            _, found = nvrtc.nvrtcGetLoweredName(program, expression.encode())
            lowered[expression] = found.decode()
        _, size = nvrtc.nvrtcGetCUBINSize(program)
        cubin = bytearray(size)
        nvrtc.nvrtcGetCUBIN(program, cubin)
    finally:
        nvrtc.nvrtcDestroyProgram(program)
    head = json.dumps(lowered).encode()
    return len(head).to_bytes(8, "little") + head + bytes(cubin)
