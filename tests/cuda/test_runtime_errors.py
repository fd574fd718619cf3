"""Why CUDA can't start, as the user reads it.  Needs no GPU and no CUDA package."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from gpuarray.errors import BackendUnavailable, DeviceError, OutOfMemory
from gpuarray_cuda import context as context_module
from gpuarray_cuda.context import Context, Packages, device_count
from gpuarray_cuda.driver import CudaRuntime


class Driver:
    """Answers as a driver does, with the state that a test gives it."""

    NAMES: ClassVar = {
        2: ("CUDA_ERROR_OUT_OF_MEMORY", "out of memory"),
        100: ("CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"),
        400: ("CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"),
        700: ("CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"),
        803: ("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver"),
    }

    def __init__(
        self, version: int = 13000, init: int = 0, count: int = 1, library: bool = True
    ) -> None:
        self.version, self.init, self.count, self.library = version, init, count, library

    def cuDriverGetVersion(self) -> tuple[int, int]:
        if not self.library:
            raise RuntimeError("failed to load libcuda.so.1")
        return 0, self.version

    def cuInit(self, flags: int) -> tuple[int]:
        return (self.init,)

    def cuDeviceGetCount(self) -> tuple[int, int]:
        return 0, self.count

    def cuGetErrorName(self, code: int) -> tuple[int, bytes]:
        return 0, self.NAMES[code][0].encode()

    def cuGetErrorString(self, code: int) -> tuple[int, bytes]:
        return 0, self.NAMES[code][1].encode()


def use(monkeypatch: pytest.MonkeyPatch, driver: Driver) -> None:
    modules = Packages(driver=driver, nvrtc=None, core=None)
    monkeypatch.setattr(context_module, "packages", lambda: modules)


def message(environment: dict[str, str] | None = None) -> str:
    with pytest.raises(BackendUnavailable) as raised:
        device_count(environment or {})
    return str(raised.value)


@pytest.fixture
def fresh_packages() -> Any:
    context_module.packages.cache_clear()
    yield
    context_module.packages.cache_clear()


def test_importing_the_runtime_imports_no_cuda_package() -> None:
    program = (
        "import sys, gpuarray_cuda.driver\n"
        "assert not [m for m in sys.modules if m == 'cuda' or m.startswith('cuda.')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=_environment())


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_a_missing_package_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, fresh_packages: None
) -> None:
    def fail(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(context_module.importlib, "import_module", fail)
    text = message()
    assert "'cuda.bindings.driver' is not installed" in text
    assert "pip install gpuarray-xp[cuda]" in text


def test_a_broken_package_says_what_it_said(
    monkeypatch: pytest.MonkeyPatch, fresh_packages: None
) -> None:
    def fail(name: str) -> None:
        raise ImportError("cuda.bindings 12.x or 13.x must be installed")

    monkeypatch.setattr(context_module.importlib, "import_module", fail)
    text = message()
    assert "must be installed" in text
    assert "reinstall" in text


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Driver(library=False))
    text = message()
    assert "no NVIDIA driver was found" in text
    assert "driver 580 or newer" in text
    assert "GPUARRAY_BACKEND=numpy" in text


def test_an_old_driver_names_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Driver(version=12040))
    text = message()
    assert "CUDA 12.4" in text
    assert "CUDA 13.0" in text
    assert "580" in text


@pytest.mark.parametrize("driver", [Driver(init=100), Driver(count=0)])
def test_no_device(monkeypatch: pytest.MonkeyPatch, driver: Driver) -> None:
    use(monkeypatch, driver)
    assert "finds no CUDA device;" in message()
    assert "CUDA_VISIBLE_DEVICES='7'" in message({"CUDA_VISIBLE_DEVICES": "7"})


@pytest.mark.parametrize("value", ["", "-1"])
def test_devices_that_the_environment_hides(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    use(monkeypatch, Driver(init=100))
    text = message({"CUDA_VISIBLE_DEVICES": value})
    assert f"CUDA_VISIBLE_DEVICES={value!r} hides every device" in text
    assert "unset it" in text


def test_a_driver_that_does_not_start_gives_its_own_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, Driver(init=803))
    text = message()
    assert "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH" in text
    assert "unsupported display driver" in text


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Driver(count=2))
    runtime = CudaRuntime()
    assert runtime.device_count() == 2
    with pytest.raises(BackendUnavailable, match=r"no device cuda:2; there is cuda:0 to cuda:1"):
        runtime.open(2)
    with pytest.raises(BackendUnavailable, match="no device cuda:-1"):
        runtime.open(-1)


def bare_context(last_kernel: str) -> Context:
    context = object.__new__(Context)
    context.ordinal, context.driver, context.last_kernel = 0, Driver(), last_kernel
    return context


def test_a_fault_names_the_kernel_launched_last() -> None:
    error = bare_context("fused_add_exp").error(700, "wait for the device")
    assert isinstance(error, DeviceError)
    assert "'fused_add_exp'" in str(error)
    assert "CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)" in str(error)
    assert "start a new one" in str(error)
    assert "another library's" in str(bare_context("").error(700, "wait for the device"))


def test_other_errors_do_not_blame_a_kernel() -> None:
    error = bare_context("k").error(400, "record an event")
    assert str(error) == (
        "cuda:0: could not record an event: CUDA_ERROR_INVALID_HANDLE (invalid resource handle)"
    )
    assert isinstance(bare_context("k").error(2, "create a stream"), OutOfMemory)
    assert "CUDA error 12345" in str(bare_context("k").error(12345, "create a stream"))


def test_check_gives_what_the_driver_returned() -> None:
    context = bare_context("")
    assert context.check((0, 5), "") == 5
    assert context.check((0, 5, 6), "") == (5, 6)
    assert context.check((0,), "") == ()


@pytest.mark.parametrize(
    ("capability", "supported", "chosen"),
    [
        ((9, 0), [75, 80, 90, 100], "sm_90"),
        ((8, 9), [75, 80, 86], "sm_86"),  # a cubin runs on later minor versions
        ((12, 1), [120, 121], "sm_121"),
    ],
)
def test_the_architecture_is_one_that_compiler_and_device_share(
    capability: tuple[int, int], supported: list[int], chosen: str
) -> None:
    context = bare_context("")
    context.properties = SimpleNamespace(name="GPU", compute_capability=capability)
    nvrtc = SimpleNamespace(nvrtcGetSupportedArchs=lambda: (0, supported))
    assert context._choose_architecture(nvrtc) == chosen


@pytest.mark.parametrize("capability", [(7, 0), (13, 0)])
def test_a_device_that_the_compiler_does_not_know(capability: tuple[int, int]) -> None:
    context = bare_context("")
    context.properties = SimpleNamespace(name="GPU", compute_capability=capability)
    nvrtc = SimpleNamespace(nvrtcGetSupportedArchs=lambda: (0, [75, 80, 90]))
    with pytest.raises(BackendUnavailable, match="compiles for sm_75, sm_80, sm_90"):
        context._choose_architecture(nvrtc)


def test_a_missing_compiler_names_the_extra() -> None:
    context = bare_context("")

    def fail() -> None:
        raise RuntimeError("libnvrtc not found")

    with pytest.raises(BackendUnavailable, match=r"NVRTC was not found.*gpuarray-xp\[cuda\]"):
        context._choose_architecture(SimpleNamespace(nvrtcGetSupportedArchs=fail))
