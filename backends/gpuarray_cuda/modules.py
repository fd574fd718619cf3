"""Modules: a user's kernels, from CUDA C++ or from compiled code, and their variables.

In comes a source, or cubins, fat binaries, PTX and code for the linker; out goes a `CudaModule`.
What is made of a source is kept on disk, with the names that C++ gives to the kernels in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from gpuarray.errors import DeviceError

from .cache import KernelCache
from .context import Context, packages
from .kernel_interface import LaunchShape
from .raw_kernels import CudaRawKernel, launch
from .sources import Source, compiled, kind_of, target_options

__all__ = ["CudaModule", "Modules"]


class CudaModule:
    """Loaded code; see `kernel_interface.Module`.

    `names` are what kernels are called in the code, by the names that they are asked for; None
    where they are asked for by those.
    """

    def __init__(self, context: Context, code: Any, names: Mapping[str, str] | None) -> None:
        self._context = context
        self._code = code
        self._names = names
        self._kernels: dict[str, CudaRawKernel] = {}
        self._library = context.driver.CUlibrary(int(code.handle))
        # The driver loads late: what it does not take it may refuse when a kernel is asked for.
        self._found = {name: code.get_kernel(lowered) for name, lowered in (names or {}).items()}

    def kernel(self, name: str) -> CudaRawKernel:
        """See `kernel_interface.Module.kernel`."""
        found = self._kernels.get(name)
        if found is None:
            if self._names is None and name not in self.kernels():
                raise KeyError(name)
            owner = self._code.get_kernel(name) if self._names is None else self._found[name]
            found = self._kernels[name] = CudaRawKernel(self._context, name, owner)
        return found

    def kernels(self) -> list[str]:
        """See `kernel_interface.Module.kernels`."""
        if self._names is not None:
            return list(self._names)
        context, driver = self._context, self._context.driver
        doing = "list the kernels of a module"
        with context.current():
            count = context.check(driver.cuLibraryGetKernelCount(self._library), doing)
            found = context.check(driver.cuLibraryEnumerateKernels(count, self._library), doing)
            return [context.check(driver.cuKernelGetName(x), doing).decode() for x in found]

    def variable(self, name: str) -> tuple[int, int]:
        """See `kernel_interface.Module.variable`."""
        driver = self._context.driver
        with self._context.current():
            code, address, nbytes = driver.cuLibraryGetGlobal(self._library, name.encode())
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
        Gives unused memory back to the device, for when loading or launching finds none.
    """

    def __init__(
        self, context: Context, cache: KernelCache, make_room: Callable[[], object]
    ) -> None:
        self._context = context
        self._cache = cache
        self._make_room = make_room

    def load(self, source: Source) -> CudaModule:
        """See `runtime.DeviceRuntime.load`."""
        key = self._key(source)
        kept = self._cache.get(key)
        if kept is not None:
            try:
                return self._opened(kept, source.name)
            except DeviceError:
                # Whole, yet the driver does not take it, or it is short of memory: either way a
                # new one and another try are right.
                self._cache.discard(key)
                self._make_room()
        cubin, names = compiled(source, self._context.architecture)
        head = json.dumps(names).encode()
        made = len(head).to_bytes(8, "little") + head + cubin
        module = self._opened(made, source.name)
        self._cache.put(key, made)
        return module

    def load_code(self, codes: Sequence[bytes], name: str) -> CudaModule:
        """See `runtime.DeviceRuntime.load_code`."""
        makers = packages().core.ObjectCode
        parts = [getattr(makers, f"from_{kind_of(code)}")(code, name=name) for code in codes]

        def opened() -> Any:
            if len(codes) == 1 and kind_of(codes[0]) != "ltoir":
                return parts[0]
            core = packages().core
            options = core.LinkerOptions(
                name=name,
                arch=self._context.architecture,
                link_time_optimization=any(kind_of(code) == "ltoir" for code in codes) or None,
            )
            return core.Linker(*parts, options=options).link("cubin")

        return self._module(opened, None, name)

    def launch(self, kernel: CudaRawKernel, shape: LaunchShape, stream: int, packed: bytes) -> None:
        """See `runtime.DeviceRuntime.launch_raw`."""
        launch(self._context, self._make_room, kernel, shape, stream, packed)

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

    def _key(self, source: Source) -> str:
        """What the code depends on, in one hexadecimal number."""
        _, major, minor = packages().nvrtc.nvrtcVersion()
        options = (*target_options(self._context.architecture, "cubin"), *source.options)
        parts = [
            f"NVRTC {major}.{minor}", options, source.expressions, sorted(source.headers),
            source.text,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts).encode(), usedforsecurity=False).hexdigest()

    def _opened(self, kept: bytes, name: str) -> CudaModule:
        length = int.from_bytes(kept[:8], "little")
        names: dict[str, str] = json.loads(kept[8 : 8 + length])
        code = packages().core.ObjectCode
        return self._module(lambda: code.from_cubin(kept[8 + length :], name=name), names, name)

    def _module(
        self, opened: Callable[[], Any], names: Mapping[str, str] | None, name: str
    ) -> CudaModule:
        try:
            with self._context.current():
                return CudaModule(self._context, opened(), names)
        except Exception as error:  # cuda.core has no public name for its exceptions
            raise DeviceError(f"module {name!r} does not load: {error}") from error

    def _copied(self, stream: int, copy: Callable[[], Any], doing: str) -> None:
        context = self._context
        with context.current():
            context.check(copy(), doing)
            context.check(context.driver.cuStreamSynchronize(stream), doing)
