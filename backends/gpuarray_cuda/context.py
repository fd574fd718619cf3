"""Find the CUDA packages, the driver and the devices, and open a device's primary context.

In comes a device's number, out go its handle, its properties and the errors of its driver.
Every reason why CUDA can't start becomes `BackendUnavailable` here, with what to do about it.
Importing this module imports no CUDA package; the first call that needs one does.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from gpuarray.errors import BackendUnavailable, DeviceError, OutOfMemory

from .runtime import DeviceProperties

__all__ = ["INVALID_CONTEXT", "OUT_OF_MEMORY", "Context", "Packages", "device_count", "packages"]

INSTALL = "pip install gpuarray-xp[cuda]"

# The driver's numbers are part of its ABI.  They are written out so that a result can be compared
# without an attribute look-up in the bindings.
OUT_OF_MEMORY = 2
INVALID_CONTEXT = 201

NEEDED_CUDA = 13000  # cuda.bindings 13 and NVRTC 13 make cubins that older drivers don't load
NEEDED_DRIVER = "580"

# Errors after which the driver refuses every later call in this process.
LOST_CONTEXT = frozenset(
    {
        "CUDA_ERROR_ASSERT",
        "CUDA_ERROR_CONTAINED",
        "CUDA_ERROR_ECC_UNCORRECTABLE",
        "CUDA_ERROR_HARDWARE_STACK_ERROR",
        "CUDA_ERROR_ILLEGAL_ADDRESS",
        "CUDA_ERROR_ILLEGAL_INSTRUCTION",
        "CUDA_ERROR_INVALID_ADDRESS_SPACE",
        "CUDA_ERROR_INVALID_PC",
        "CUDA_ERROR_LAUNCH_FAILED",
        "CUDA_ERROR_LAUNCH_TIMEOUT",
        "CUDA_ERROR_MISALIGNED_ADDRESS",
        "CUDA_ERROR_NVLINK_UNCORRECTABLE",
        "CUDA_ERROR_TENSOR_MEMORY_LEAK",
    }
)


@dataclass(frozen=True, slots=True)
class Packages:
    """The modules of CUDA Python, imported; typed `Any` because the bindings ship no types."""

    driver: Any
    nvrtc: Any
    core: Any


@functools.cache
def packages() -> Packages:
    """Import the CUDA packages, once.

    Raises
    ------
    BackendUnavailable
        If one is not installed, or is installed but broken.
    """
    try:
        return Packages(
            driver=importlib.import_module("cuda.bindings.driver"),
            nvrtc=importlib.import_module("cuda.bindings.nvrtc"),
            core=importlib.import_module("cuda.core"),
        )
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            f"cuda: the Python package {error.name!r} is not installed; {INSTALL}"
        ) from error
    except Exception as error:
        raise BackendUnavailable(
            f"cuda: the CUDA packages do not import ({error}); reinstall them: "
            f"{INSTALL} --force-reinstall"
        ) from error


def describe(driver: Any, code: Any) -> str:
    """A driver error in words: ``CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)``."""
    try:
        name = driver.cuGetErrorName(code)[1].decode()
        meaning = driver.cuGetErrorString(code)[1].decode()
    except Exception:  # a code newer than the driver; the number is all there is to say
        return f"CUDA error {int(code)}"
    return f"{name} ({meaning})"


def device_count(environment: Mapping[str, str] = os.environ) -> int:
    """Start the driver and count the devices; at least 1.

    Raises
    ------
    BackendUnavailable
        If there is no package, no driver, a driver older than CUDA 13, or no visible device.
    """
    driver = packages().driver
    try:
        code, version = driver.cuDriverGetVersion()
    except Exception as error:
        # The bindings look the library up on the first call, and say that it is missing by an
        # exception of their own, another one in each version.
        raise BackendUnavailable(
            "cuda: no NVIDIA driver was found (libcuda is not on this machine's library path); "
            f"install NVIDIA driver {NEEDED_DRIVER} or newer, or set GPUARRAY_BACKEND=numpy"
        ) from error
    if code == 0 and version < NEEDED_CUDA:
        raise BackendUnavailable(
            f"cuda: the NVIDIA driver is too old: it supports CUDA {_dotted(version)}, and "
            f"CUDA {_dotted(NEEDED_CUDA)} is needed; install driver {NEEDED_DRIVER} or newer"
        )
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if code == 0:
        (code,) = driver.cuInit(0)
    count = 0
    if code == 0:
        code, count = driver.cuDeviceGetCount()
    if code not in (0, 100):  # 100: no device
        raise BackendUnavailable(
            f"cuda: the NVIDIA driver does not start: {describe(driver, code)}; see whether "
            "nvidia-smi works in this environment, and whether this process was forked after "
            "CUDA was used (start such a process with the 'spawn' method)"
        )
    if code == 0 and count > 0:
        return int(count)
    if visible is not None and visible.strip() in ("", "-1", "NoDevFiles"):
        raise BackendUnavailable(
            f"cuda: CUDA_VISIBLE_DEVICES={visible!r} hides every device; unset it, or name one "
            "(CUDA_VISIBLE_DEVICES=0)"
        )
    hint = "" if visible is None else f" (CUDA_VISIBLE_DEVICES={visible!r})"
    raise BackendUnavailable(
        f"cuda: the driver works but finds no CUDA device{hint}; see what nvidia-smi lists, or "
        "set GPUARRAY_BACKEND=numpy"
    )


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"


class Context:
    """One device's primary context, which other libraries in the process share.

    Attributes
    ----------
    ordinal : int
        The device's number.
    driver : module
        ``cuda.bindings.driver``.
    device : cuda.core.Device
        Kept so that the primary context stays alive.
    properties : DeviceProperties
        What the generators need to know.
    architecture : str
        What to compile for, such as ``"sm_90"``.
    host_memory_is_read_late : bool
        Whether the device reads pageable host memory itself, so that a copy from there may go on
        after the call.
    last_kernel : str
        Name of the kernel that was launched last, for the message of a fault that is found
        later.  Empty when the device has been idle since.
    """

    __slots__ = (
        "architecture",
        "device",
        "driver",
        "handle",
        "host_memory_is_read_late",
        "last_kernel",
        "ordinal",
        "properties",
    )

    def __init__(self, ordinal: int) -> None:
        count = device_count()
        if not 0 <= ordinal < count:
            there = "cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
            raise BackendUnavailable(f"cuda: there is no device cuda:{ordinal}; there is {there}")
        modules = packages()
        self.ordinal = ordinal
        self.driver = modules.driver
        self.last_kernel = ""
        previous = int(self.driver.cuCtxGetCurrent()[1])
        try:
            self.device = modules.core.Device(ordinal)
            self.device.set_current()
            self.handle = int(self.driver.cuCtxGetCurrent()[1])
            self.properties = self._read_properties()
        except BackendUnavailable:
            raise
        except Exception as error:
            raise BackendUnavailable(
                f"cuda:{ordinal}: the device does not open ({error}); see whether nvidia-smi "
                "shows it as free and in the default compute mode"
            ) from error
        finally:
            if previous:
                # The thread was using another library's context; it must find it unchanged.
                self.driver.cuCtxSetCurrent(self.driver.CUcontext(previous))
        self.architecture = self._choose_architecture(modules.nvrtc)

    def _read_properties(self) -> DeviceProperties:
        attributes = self.device.properties
        if not attributes.memory_pools_supported:
            raise BackendUnavailable(
                f"cuda:{self.ordinal}: this device or its virtualisation has no stream-ordered "
                "memory pools, which gpuarray needs; use another device"
            )
        self.host_memory_is_read_late = bool(attributes.pageable_memory_access)
        capability = self.device.compute_capability
        _free, total = self.check(self.driver.cuMemGetInfo(), "read the memory size")
        return DeviceProperties(
            name=str(self.device.name),
            compute_capability=(int(capability[0]), int(capability[1])),
            multiprocessors=int(attributes.multiprocessor_count),
            l2_bytes=int(attributes.l2_cache_size),
            shared_bytes_per_block=int(attributes.max_shared_memory_per_block_optin),
            total_bytes=int(total),
        )

    def _choose_architecture(self, nvrtc: Any) -> str:
        """The newest target of the compiler whose cubins this device loads."""
        try:
            code, supported = nvrtc.nvrtcGetSupportedArchs()
        except Exception as error:
            raise BackendUnavailable(
                f"cuda: the compiler NVRTC was not found (nvidia-cuda-nvrtc); {INSTALL}"
            ) from error
        major, minor = self.properties.compute_capability
        device = 10 * major + minor
        # A cubin runs on its own architecture and on later minor versions of the same major one.
        fitting = [int(a) for a in supported if int(a) // 10 == major and int(a) <= device]
        if int(code) != 0 or not fitting:
            known = ", ".join(f"sm_{int(a)}" for a in supported)
            raise BackendUnavailable(
                f"cuda:{self.ordinal}: {self.properties.name} is sm_{device}, and the installed "
                f"NVRTC compiles for {known}; for a newer device upgrade it "
                "(pip install -U nvidia-cuda-nvrtc), an older one CUDA 13 no longer supports"
            )
        return f"sm_{max(fitting)}"

    def current(self) -> Current:
        """``with context.current():`` makes this context the thread's own for the block."""
        return Current(self)

    def check(self, result: tuple[Any, ...], doing: str) -> Any:
        """What a driver call returned besides its code; raises if the code is an error."""
        if result[0] != 0:
            raise self.error(result[0], doing)
        return result[1] if len(result) == 2 else result[1:]

    def error(self, code: Any, doing: str) -> DeviceError | OutOfMemory:
        """The exception for a driver error that came up while `doing` (an infinitive)."""
        what = describe(self.driver, code)
        if code == OUT_OF_MEMORY:
            return OutOfMemory(f"cuda:{self.ordinal}: no memory left to {doing}: {what}")
        if what.split(" ", 1)[0] not in LOST_CONTEXT:
            return DeviceError(f"cuda:{self.ordinal}: could not {doing}: {what}")
        culprit = (
            f"the kernel launched last was {self.last_kernel!r}, so it or one before it is the "
            "cause"
            if self.last_kernel
            else "no kernel of gpuarray was pending, so another library's is the likely cause"
        )
        return DeviceError(
            f"cuda:{self.ordinal}: the device faulted, found when trying to {doing}: {what}; "
            f"{culprit}. The device's context and all memory on it are lost for this process: "
            "start a new one (CUDA_LAUNCH_BLOCKING=1 makes the fault appear at its own launch)"
        )


class Current:
    """The block of `Context.current`; restores the context that the thread had before.

    The driver keeps the current context by thread, and other libraries change it.  Asking costs
    0.1 us, so that it is asked every time, not remembered.
    """

    __slots__ = ("_context", "_previous")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._previous: Any = None

    def __enter__(self) -> None:
        driver = self._context.driver
        previous = driver.cuCtxGetCurrent()[1]
        if int(previous) != self._context.handle:
            self._previous = previous
            code = driver.cuCtxSetCurrent(driver.CUcontext(self._context.handle))[0]
            if code != 0:
                raise self._context.error(code, "enter the context")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._previous is not None:
            self._context.driver.cuCtxSetCurrent(self._previous)
