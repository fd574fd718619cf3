"""Load compiled kernels and launch them, cheaply.

In comes a cubin, out goes a `CudaKernel`; in come a kernel and its values, and work is enqueued.
A launch makes no ctypes object and no tuple of types: a precompiled struct writes the values into
the kernel's own buffer, whose address the driver gets as an int. Where the hot modules are
compiled, the driver is called by its address (`direct.pyx`), not through the bindings.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from typing import Any

from .context import INVALID_CONTEXT, OUT_OF_MEMORY, Context, packages

__all__ = [
    "UNASKED_SHARED_BYTES",
    "CudaKernel",
    "LaunchKernel",
    "Launcher",
    "allow_shared",
    "kernel_attributes",
    "launch_kernel",
]

LaunchKernel = Callable[[int, int, int, int, int, int], int]
"""Handle, blocks, threads, bytes of shared memory, stream, address of the arguments; a code."""

# Dynamic shared memory that a kernel may have without asking; more needs an attribute.
UNASKED_SHARED_BYTES = 48 << 10

# The version of CUDA that `direct.pyx` has the types of `cuLaunchKernel` from.
_LAUNCH_SINCE = 4000


class CudaKernel:
    """A loaded kernel and its argument buffer.

    `handle` is the driver's context-less kernel handle: it takes the context from the stream
    that it is launched on, so that the launching thread needs none.
    """

    __slots__ = (
        "_addresses",
        "_owner",
        "arguments",
        "buffer",
        "handle",
        "heads",
        "local_bytes",
        "name",
        "pack",
        "pack_head",
        "parameters",
        "registers",
        "shared_allowed",
        "static_shared_bytes",
        "tail",
    )

    def __init__(self, name: str, arguments: str, owner: Any, handle: int) -> None:
        self.name = name
        self.arguments = arguments
        self.handle = handle
        self._owner = owner  # unloads the code when it goes
        self.registers = 0
        self.local_bytes = 0
        self.static_shared_bytes = 0
        self.shared_allowed = UNASKED_SHARED_BYTES
        layout = _layout(arguments)
        self.pack: Callable[..., None] = layout.pack_into
        # What stands in the buffer behind the values that are written for each launch, and what
        # writes those; by their number in `heads`.
        self.tail: Sequence[int | float] = ()
        self.pack_head = self.pack
        self.heads: dict[int, Callable[..., None]] = {}
        self.buffer = ctypes.create_string_buffer(max(8, layout.size))
        # The driver wants an array of pointers to the arguments; there is one, the struct.
        self._addresses = (ctypes.c_void_p * 1)(ctypes.addressof(self.buffer))
        self.parameters = ctypes.addressof(self._addresses)


def launch_kernel(driver: Any) -> LaunchKernel:
    """How kernels are launched in this process.

    Raises
    ------
    RuntimeError
        The driver does not say where its function is.
    """
    try:
        from gpuarray_cuda.direct import Launch
    except ModuleNotFoundError:  # which only a compiled package has
        function, call = driver.CUfunction, driver.cuLaunchKernel

        def launch(
            handle: int, grid: int, block: int, shared_bytes: int, stream: int, parameters: int
        ) -> int:
            code: int = call(
                function(handle), grid, 1, 1, block, 1, 1, shared_bytes, stream, parameters, 0
            )[0]
            return code

        return launch
    flags = driver.CUdriverProcAddress_flags.CU_GET_PROC_ADDRESS_LEGACY_STREAM
    code, address, _ = driver.cuGetProcAddress(b"cuLaunchKernel", _LAUNCH_SINCE, flags)
    if code != 0:
        raise RuntimeError(f"cuda: the driver does not say where cuLaunchKernel is: {code}")
    return Launch(int(address)).launch


def _layout(arguments: str) -> struct.Struct:
    return struct.Struct("=" + arguments.replace("f", "f4x"))


class Launcher:
    """Loads and launches kernels of one device.

    Parameters
    ----------
    context : Context
        The device; `last_kernel` is kept up to date there.
    make_room : Callable[[], object]
        Gives unused memory back to the device, for when loading or launching finds none.
    launch : LaunchKernel
        The driver's function, as `launch_kernel` finds it.
    """

    __slots__ = ("_context", "_driver", "_launch", "_make_room")

    def __init__(
        self, context: Context, make_room: Callable[[], object], launch: LaunchKernel
    ) -> None:
        self._context = context
        self._driver = context.driver
        self._launch = launch
        self._make_room = make_room

    def load(self, cubin: bytes, name: str, arguments: str) -> CudaKernel:
        """Load the kernel `name` of `cubin`.

        Raises
        ------
        Exception
            What cuda.core raises if the driver does not take the cubin.
        """
        context = self._context
        with context.current():
            owner = packages().core.ObjectCode.from_cubin(cubin, name=name).get_kernel(name)
            kernel = CudaKernel(name, arguments, owner, int(owner.handle))
            values = kernel_attributes(
                context, kernel.handle, name, "NUM_REGS", "LOCAL_SIZE_BYTES", "SHARED_SIZE_BYTES"
            )
        kernel.registers, kernel.local_bytes, kernel.static_shared_bytes = values
        kernel.shared_allowed = max(0, UNASKED_SHARED_BYTES - kernel.static_shared_bytes)
        return kernel

    def launch(
        self,
        kernel: CudaKernel,
        grid: int,
        block: int,
        shared_bytes: int,
        stream: int,
        values: Sequence[int | float],
        tail: Sequence[int | float] = (),
    ) -> None:
        """See `runtime.DeviceRuntime.launch`."""
        try:
            if tail and tail is kernel.tail:
                kernel.pack_head(kernel.buffer, 0, *values)
            else:
                self._pack(kernel, values, tail)
        except struct.error as error:
            kernel.tail = ()
            values = (*values, *tail)
            raise ValueError(
                f"kernel {kernel.name!r} takes {kernel.arguments!r} "
                f"({len(kernel.arguments)} values), got {len(values)} values {values!r}: {error}"
            ) from error
        if shared_bytes > kernel.shared_allowed:
            allow_shared(self._context, kernel, shared_bytes)
        code = self._launch(kernel.handle, grid, block, shared_bytes, stream, kernel.parameters)
        if code != 0:
            self._launch_again(code, kernel, grid, block, shared_bytes, stream)
        # Only now: a fault that this launch reports is an earlier kernel's.
        self._context.last_kernel = kernel.name

    def _pack(
        self, kernel: CudaKernel, values: Sequence[int | float], tail: Sequence[int | float]
    ) -> None:
        kernel.tail = ()
        kernel.pack(kernel.buffer, 0, *values, *tail)
        if tail.__class__ is tuple:  # which nobody can change
            head = kernel.heads.get(len(values))
            if head is None:
                head = _layout(kernel.arguments[: len(values)]).pack_into
                kernel.heads[len(values)] = head
            kernel.pack_head, kernel.tail = head, tail

    def _launch_again(
        self, code: int, kernel: CudaKernel, grid: int, block: int, shared_bytes: int, stream: int
    ) -> None:
        if code == OUT_OF_MEMORY:
            # The driver loads code and local memory at the first launch, and the pool may hold
            # all that there is.
            self._make_room()
        if code in (OUT_OF_MEMORY, INVALID_CONTEXT):
            with self._context.current():
                code = self._launch(
                    kernel.handle, grid, block, shared_bytes, stream, kernel.parameters
                )
        if code != 0:
            raise self._context.error(
                self._driver.CUresult(code),
                f"launch kernel {kernel.name!r} (grid {grid}, block {block}, "
                f"{shared_bytes} bytes of shared memory, {kernel.registers} registers)",
            )


def kernel_attributes(context: Context, handle: int, name: str, *names: str) -> list[int]:
    """Attributes of a kernel on a device, whose context is current, by CUDA's names of them."""
    driver = context.driver
    kernel = driver.CUkernel(handle)
    return [
        int(
            context.check(
                driver.cuKernelGetAttribute(
                    getattr(driver.CUfunction_attribute, f"CU_FUNC_ATTRIBUTE_{attribute}"),
                    kernel,
                    context.ordinal,
                ),
                f"read the attributes of kernel {name!r}",
            )
        )
        for attribute in names
    ]


def allow_shared(context: Context, kernel: Any, shared_bytes: int) -> None:
    """Let a kernel have so much dynamic shared memory, which has to be asked for.

    `kernel` has `name`, `handle`, `static_shared_bytes`, and `shared_allowed`, which is kept up to
    date.
    """
    if shared_bytes <= kernel.shared_allowed:
        return
    driver = context.driver
    most = context.properties.shared_bytes_per_block - kernel.static_shared_bytes
    if shared_bytes > most:
        raise context.error(
            driver.CUresult.CUDA_ERROR_INVALID_VALUE,
            f"launch kernel {kernel.name!r}: it asks for {shared_bytes} bytes of dynamic "
            f"shared memory, and the device has {most} for it",
        )
    with context.current():
        context.check(
            driver.cuKernelSetAttribute(
                driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                most,
                driver.CUkernel(kernel.handle),
                context.ordinal,
            ),
            f"let kernel {kernel.name!r} have {most} bytes of shared memory",
        )
    kernel.shared_allowed = most
