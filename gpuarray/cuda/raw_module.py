"""Modules of a user's own: `RawModule`, its variables, and sources as compiled code.

In: CUDA C++, or cubins, fat binaries, PTX and code for the linker. Out: kernels (`RawKernel`) and
variables, on each device where they are used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray.array import Array
from gpuarray.cuda.signatures import signatures
from gpuarray.devices import device as find_device
from gpuarray_cuda.sources import KINDS, Source

if TYPE_CHECKING:
    from gpuarray.cuda.raw_kernel import RawKernel
    from gpuarray.devices import Device

__all__ = ["Global", "RawModule", "compile_code", "executor_of"]

_Path = str | os.PathLike[str]

# Files whose text is CUDA C++; others hold compiled code.
_SOURCES = (".cu", ".cuh", ".cpp", ".cc", ".h", ".hpp")


class RawModule:
    """Code with kernels, loaded when it is first used on a device.

    Parameters
    ----------
    source : str, bytes or sequence of bytes, optional
        CUDA C++, which is compiled for each device and kept on disk; its kernels need not be
        ``extern "C"``. Or compiled code: a cubin, a fat binary, PTX, or LTO-IR, which nvJitLink
        links; several are linked.
    path : str, path or sequence of those, optional
        Files to read this from; what ends in .cu, .cuh, .cpp, .cc, .h or .hpp is CUDA C++.
    options : sequence of str, optional
        More options for NVRTC, such as ``"--use_fast_math"`` or ``"-DN=3"``. C++17 and the device's
        architecture are given; products and sums are contracted, as CUDA does it.
    name_expressions : sequence of str, optional
        Instances of templates, and kernels in namespaces: ``"add<float>"``, ``"mine::scale"``.
    headers : mapping of str to str, optional
        Texts that the source may include, by name. Those of a CUDA toolkit are found where
        ``CUDA_HOME`` or ``CUDA_PATH`` says.
    name : str, optional
        For messages; that of the file, or "module".

    Raises
    ------
    TypeError
        What is given is neither text nor bytes, or options come with compiled code.
    ValueError
        Neither or both of `source` and `path` are given, or a source among several.
    OSError
        A file can't be read.

    Notes
    -----
    Kernels of compiled code have the names that they have there, and nothing says what their
    parameters are: a Python number is refused for one, a scalar of NumPy must have its size, and
    every array counts as written to.

    Examples
    --------
    >>> from gpuarray.cuda import RawModule
    >>> module = RawModule('extern "C" __global__ void scale(float* x, float factor, int n) {}')
    >>> module.get_kernel("scale")
    <gpuarray.cuda.RawKernel scale(float* x, float factor, int n)>
    """

    def __init__(
        self,
        source: str | bytes | Sequence[bytes] | None = None,
        *,
        path: _Path | Sequence[_Path] | None = None,
        options: Sequence[str] = (),
        name_expressions: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> None:
        if (source is None) == (path is None):
            raise ValueError("RawModule: give either a source or a path")
        if isinstance(options, str) or isinstance(name_expressions, str):
            raise TypeError("RawModule: options and name_expressions must be sequences of texts")
        parts: Sequence[str | bytes]
        if path is not None:
            paths = [Path(p) for p in ([path] if isinstance(path, str | os.PathLike) else path)]
            parts = [_read(p) for p in paths]
            name = name or (paths[0].stem if paths else None)
        elif isinstance(source, str | bytes):
            parts = [source]
        else:
            parts = _codes(source)
        self.name = name or "module"
        self._loaded: dict[Device, Any] = {}
        self._codes: tuple[bytes, ...] = tuple(x for x in parts if isinstance(x, bytes))
        texts = [x for x in parts if isinstance(x, str)]
        if len(parts) > 1 and texts:
            raise ValueError(
                "RawModule: only compiled code is linked; compile the source with "
                "compile_code(source, 'ltoir') first"
            )
        if not parts:
            raise ValueError("RawModule: there is no code, got an empty sequence")
        self._signatures = signatures(texts[0]) if texts else {}
        self._source: Source | None = None
        if texts:
            plain = [s.name for s in self._signatures.values() if s.outermost and not s.template]
            expressions = tuple(dict.fromkeys([*plain, *name_expressions]))
            self._source = _source(texts[0], self.name, options, expressions, headers)
        elif options or name_expressions or headers:
            raise TypeError(
                "RawModule: options, name_expressions and headers are for CUDA C++, got compiled "
                "code"
            )

    def get_kernel(self, name: str) -> RawKernel:
        """A kernel by its name, or by one of `name_expressions`.

        Raises
        ------
        ValueError
            There is no such kernel in the source. For compiled code, the first launch says so.
        """
        from gpuarray.cuda.raw_kernel import RawKernel

        if self._source is not None and name not in self._source.expressions:
            raise self._no_kernel(name, self._source.expressions)
        base = name.split("<")[0].split("::")[-1]
        return RawKernel._of(self, name, self._signatures.get(base))

    def get_global(self, name: str, *, device: Device | str | None = None) -> Global:
        """A ``__device__`` or ``__constant__`` variable.

        Raises
        ------
        ValueError
            There is no such variable.
        """
        found = find_device(device)
        module = self._on(found)
        try:
            _, nbytes = module.variable(name)
        except KeyError:
            raise ValueError(f"{self.name}: no variable {name!r} on the device") from None
        return Global(name, nbytes, module, found)

    def compile(self, *, device: Device | str | None = None) -> None:
        """Compile now, for a device; otherwise the first launch does it."""
        self._on(find_device(device))

    def kernel_on(self, name: str, device: Device) -> Any:
        """A kernel on a device, as its runtime has it."""
        module = self._on(device)
        try:
            return module.kernel(name)
        except KeyError:
            raise self._no_kernel(name, module.kernels()) from None

    def _no_kernel(self, name: str, known: Sequence[str]) -> ValueError:
        return ValueError(
            f"{self.name}: no kernel {name!r}; there are: {', '.join(known) or 'none'} (instances "
            "of templates have to be among name_expressions)"
        )

    def _on(self, device: Device) -> Any:
        """The module on a device."""
        found = self._loaded.get(device)
        if found is None:
            runtime = executor_of(self.name, device).runtime
            if self._source is not None:
                found = runtime.load(self._source)
            else:
                found = runtime.load_code(self._codes, self.name)
            self._loaded[device] = found
        return found


def compile_code(
    source: str,
    kind: str = "cubin",
    *,
    options: Sequence[str] = (),
    name_expressions: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    name: str = "module",
    device: Device | str | None = None,
) -> bytes:
    """CUDA C++ as code for a device, to be kept in a file or linked with other code.

    Parameters
    ----------
    source, options, name_expressions, headers, name
        As for `RawModule`. Kernels that are not ``extern "C"`` have names that C++ makes.
    kind : str, optional
        "cubin", code of the device; "ptx", which the driver compiles when it is loaded, also for
        later devices; or "ltoir", which is optimised when it is linked.
    device : optional
        Where it is to run: the default device, or another.

    Returns
    -------
    bytes
        For `RawModule`.

    Raises
    ------
    ValueError
        `kind` is another.
    TypeError
        The device is no CUDA device.
    DeviceError
        The source does not compile; the message shows the lines in question.

    Examples
    --------
    A function in one source, a kernel in another, linked:

    >>> from gpuarray.cuda import RawModule, compile_code
    >>> def linked(function, kernel):
    ...     return RawModule([compile_code(text, "ltoir") for text in (function, kernel)])
    """
    if kind not in KINDS:
        raise ValueError(f"compile_code: kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if not isinstance(source, str):
        raise TypeError(f"compile_code: source must be text, got {type(source).__name__}")
    runtime = executor_of("compile_code", find_device(device)).runtime
    made: bytes = runtime.translate(
        _source(source, name, options, tuple(name_expressions), headers), kind
    )
    return made


def _source(
    text: str,
    name: str,
    options: Sequence[str],
    expressions: tuple[str, ...],
    headers: Mapping[str, str] | None,
) -> Source:
    return Source(text, name, tuple(options), expressions, tuple((headers or {}).items()))


def _read(path: Path) -> str | bytes:
    return path.read_text("utf-8") if path.suffix in _SOURCES else path.read_bytes()


def _codes(given: Any) -> Sequence[bytes]:
    """A sequence of compiled code, or an error."""
    if not isinstance(given, list | tuple) or not all(isinstance(x, bytes) for x in given):
        raise TypeError(
            "RawModule: source must be text, bytes or a sequence of bytes, got "
            f"{type(given).__name__}"
        )
    return given


class Global:
    """A variable of a module on a device; made by `RawModule.get_global`."""

    def __init__(self, name: str, nbytes: int, module: Any, device: Device) -> None:
        self.name = name
        self.nbytes = nbytes
        self._module = module
        self._device = device

    def set(self, values: npt.ArrayLike) -> None:
        """Fill the variable; `values` have all its bytes.

        It is done when this returns, behind the work before of the calling thread's stream.
        """
        host = np.ascontiguousarray(_on_host(values))
        if host.nbytes != self.nbytes:
            raise ValueError(
                f"{self.name}: has {self.nbytes} bytes, got {host.nbytes} of {host.dtype}"
            )
        executor = executor_of(self.name, self._device)
        executor.runtime.write_variable(self._module, self.name, host, executor.stream)

    def get(self, dtype: npt.DTypeLike) -> np.ndarray[Any, Any]:
        """Its elements as a NumPy array of one dimension; waits for the work of the stream."""
        wanted = np.dtype(dtype)
        if self.nbytes % wanted.itemsize:
            raise ValueError(f"{self.name}: has {self.nbytes} bytes, no multiple of a {wanted}")
        host = np.empty(self.nbytes // wanted.itemsize, wanted)
        executor = executor_of(self.name, self._device)
        executor.runtime.read_variable(self._module, self.name, host, executor.stream)
        return host


def _on_host(values: Any) -> np.ndarray[Any, Any]:
    return np.asarray(values.to_device("cpu") if isinstance(values, Array) else values)


def executor_of(name: str, device: Device) -> Any:
    """What runs work on a CUDA device; `TypeError` where it is another backend's."""
    backend: Any = device.backend.manager.get_plugin("cuda")
    if backend is None:
        raise TypeError(f"{name}: needs a CUDA device, and the arrays are on {str(device)!r}")
    return backend.executor(device)
