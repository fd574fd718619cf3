"""Kernels of a user's own in CUDA C++, on our arrays: `RawModule` and `RawKernel`.

In: a source. Out: kernels that are launched with arrays, scalars, structs and addresses, each
checked before the launch. What a kernel writes is seen by the array that it was given, and by no
other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray.array import Array
from gpuarray.cuda.arguments import check_argument, extents, value_bytes
from gpuarray.cuda.ownership import copied, layout_of, own
from gpuarray.cuda.signatures import Declared, Signature, signatures
from gpuarray.devices import device as find_device
from gpuarray.evaluation import evaluate
from gpuarray.graph.tape import needs_value, recordings

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Global", "RawKernel", "RawModule", "executor_of"]

Extents = int | Sequence[int]


class RawModule:
    """CUDA C++ with kernels, compiled when it is first used on a device, and kept on disk.

    Parameters
    ----------
    source : str
        The source. Kernels need not be ``extern "C"``.
    options : sequence of str, optional
        More options for NVRTC, such as ``"--use_fast_math"`` or ``"-DN=3"``. C++17 and the device's
        architecture are given; products and sums are contracted, as CUDA does it.
    name_expressions : sequence of str, optional
        Instances of templates, and kernels in namespaces: ``"add<float>"``, ``"mine::scale"``.
    headers : mapping of str to str, optional
        Texts that the source may include, by name. Those of a CUDA toolkit are found where
        ``CUDA_HOME`` or ``CUDA_PATH`` says.
    name : str, optional
        For messages.

    Examples
    --------
    >>> from gpuarray.cuda import RawModule
    >>> module = RawModule('extern "C" __global__ void scale(float* x, float factor, int n) {}')
    >>> module.get_kernel("scale")
    <gpuarray.cuda.RawKernel scale(float* x, float factor, int n)>
    """

    def __init__(
        self,
        source: str,
        *,
        options: Sequence[str] = (),
        name_expressions: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        name: str = "module",
    ) -> None:
        if not isinstance(source, str):
            raise TypeError(f"RawModule: source must be text, got {type(source).__name__}")
        if isinstance(options, str) or isinstance(name_expressions, str):
            raise TypeError("RawModule: options and name_expressions must be sequences of texts")
        self.name = name
        self._source = source
        self._options = tuple(options)
        self._headers = dict(headers or {})
        self._signatures = signatures(source)
        plain = [s.name for s in self._signatures.values() if s.outermost and not s.template]
        self._expressions = tuple(dict.fromkeys([*plain, *name_expressions]))
        self._loaded: dict[Device, Any] = {}

    def get_kernel(self, name: str) -> RawKernel:
        """A kernel by its name, or by one of `name_expressions`.

        Raises
        ------
        ValueError
            There is no such kernel in the source.
        """
        if name not in self._expressions:
            known = ", ".join(self._expressions) or "none"
            raise ValueError(
                f"{self.name}: no kernel {name!r}; there are: {known} (instances of templates have "
                "to be among name_expressions)"
            )
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

    def _on(self, device: Device) -> Any:
        """The module on a device."""
        found = self._loaded.get(device)
        if found is None:
            runtime = executor_of(self.name, device).runtime
            found = self._loaded[device] = runtime.load(
                self._source, self.name, self._options, self._expressions, self._headers
            )
        return found


class Global:
    """A variable of a module on a device; made by `RawModule.get_global`."""

    def __init__(self, name: str, nbytes: int, module: Any, device: Device) -> None:
        self.name = name
        self.nbytes = nbytes
        self._module = module
        self._device = device

    def set(self, values: npt.ArrayLike) -> None:
        """Fill the variable, in the order of the work before; `values` have all its bytes."""
        host = np.ascontiguousarray(_on_host(values))
        if host.nbytes != self.nbytes:
            raise ValueError(
                f"{self.name}: has {self.nbytes} bytes, got {host.nbytes} of {host.dtype}"
            )
        executor = executor_of(self.name, self._device)
        executor.runtime.write_variable(self._module, self.name, host, executor.stream)

    def get(self, dtype: npt.DTypeLike) -> np.ndarray[Any, Any]:
        """Its elements as a NumPy array of one dimension; waits for the work before."""
        wanted = np.dtype(dtype)
        if self.nbytes % wanted.itemsize:
            raise ValueError(f"{self.name}: has {self.nbytes} bytes, no multiple of a {wanted}")
        host = np.empty(self.nbytes // wanted.itemsize, wanted)
        executor = executor_of(self.name, self._device)
        executor.runtime.read_variable(self._module, self.name, host, executor.stream)
        return host


class RawKernel:
    """A kernel; of a source with just one, or of a `RawModule` by `RawModule.get_kernel`.

    Parameters
    ----------
    source, options, name_expressions, headers
        As for `RawModule`; an instance of a template that is `name` need not be named twice.
    name : str
        The kernel.

    Examples
    --------
    >>> from gpuarray.cuda import RawKernel
    >>> RawKernel("__global__ void fill(int* x, int value) { x[threadIdx.x] = value; }", "fill")
    <gpuarray.cuda.RawKernel fill(int* x, int value)>
    """

    def __init__(
        self,
        source: str,
        name: str,
        *,
        options: Sequence[str] = (),
        name_expressions: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        known = signatures(source) if isinstance(source, str) else {}
        more = () if name in known and not known[name].template else (name,)
        module = RawModule(
            source, options=options, name_expressions=(*name_expressions, *more),
            headers=headers, name=name.split("<")[0],
        )  # fmt: skip
        kernel = module.get_kernel(name)
        self._module, self.name, self._signature = kernel._module, kernel.name, kernel._signature

    _module: RawModule
    name: str
    _signature: Signature | None

    @classmethod
    def _of(cls, module: RawModule, name: str, signature: Signature | None) -> RawKernel:
        kernel = cls.__new__(cls)
        kernel._module, kernel.name, kernel._signature = module, name, signature
        return kernel

    def __repr__(self) -> str:
        return f"<gpuarray.cuda.RawKernel {self._described()}>"

    def attributes(self, *, device: Device | str | None = None) -> dict[str, int]:
        """What the kernel takes on a device: registers and local bytes of a thread, shared bytes
        of a block, and the most threads that a block may have."""
        kernel = self._on(find_device(device))
        names = ("registers", "local_bytes", "static_shared_bytes", "max_threads")
        return {name: getattr(kernel, name) for name in names}

    def __call__(
        self, grid: Extents, block: Extents, args: Sequence[Any], *, shared_bytes: int = 0
    ) -> None:
        """Launch the kernel, behind the work that its arrays wait for; it is not waited for.

        Parameters
        ----------
        grid, block : int or sequence of int
            Blocks of the grid and threads of a block, along up to three dimensions.
        args : sequence
            For a pointer an array, which the kernel finds in row-major order, or an address as an
            integer; for a value a scalar of Python or NumPy, and for a struct a scalar of a
            structured dtype. A pointer to ``const`` is read, any other may be written to: then the
            array gets memory of its own before, if other arrays have the same.
        shared_bytes : int, optional
            Dynamic shared memory of each block.

        Raises
        ------
        TypeError
            The number or the kind of the arguments is wrong: a dtype, a NumPy array.
        ValueError
            A device or an extent is wrong.
        DeviceError
            The source does not compile, or the driver refuses the launch.
        """
        if recordings:
            needs_value(f"a launch of kernel {self.name}")
        given = tuple(args)
        shape = tuple(extents(self.name, "grid", grid) + extents(self.name, "block", block))
        device = self._device(given)
        kernel = self._on(device)
        self._check(kernel, given, shape, shared_bytes, device)
        executor = executor_of(self.name, device)
        declared = self._declared(len(given))
        packed = bytearray(sum(kernel.parameters[-1]) if kernel.parameters else 0)
        arrays: list[tuple[Array, bool]] = []
        places: list[tuple[int, Array]] = []
        for k, (x, (offset, size)) in enumerate(zip(given, kernel.parameters, strict=True)):
            parameter = declared[k]
            if isinstance(x, Array):
                constant = parameter is not None and parameter.constant
                evaluate(x)
                if constant and not layout_of(x).contiguous:
                    x = copied(x, executor)
                arrays.append((x, constant))
                places.append((offset, x))
            else:
                value = value_bytes(self.name, k, parameter, x, size)
                packed[offset : offset + size] = value
        for array, constant in arrays:
            if not constant:
                own(array, executor)
        stream = executor.stream
        pointers = [_address(x, constant, stream) for x, constant in arrays]
        for (offset, _), pointer in zip(places, pointers, strict=True):
            packed[offset : offset + 8] = pointer.to_bytes(8, "little")
        executor.runtime.launch_raw(
            kernel, shape[:3], shape[3:], shared_bytes, stream, bytes(packed),
            [p for (_, x), p in zip(places, pointers, strict=True) if x.size],
        )  # fmt: skip

    def _on(self, device: Device) -> Any:
        return self._module._on(device).kernel(self.name)

    def _device(self, args: tuple[Any, ...]) -> Device:
        """Where the arrays are; the default CUDA device if there are none."""
        devices = list(dict.fromkeys(x.device for x in args if isinstance(x, Array)))
        if len(devices) > 1:
            found = " and ".join(repr(str(x)) for x in devices)
            raise ValueError(
                f"{self.name}: the arrays are on different devices, {found}; move one with "
                "to_device() first"
            )
        device = devices[0] if devices else find_device(None)
        executor_of(self.name, device)
        return device

    def _described(self) -> str:
        return self.name if self._signature is None else str(self._signature)

    def _declared(self, count: int) -> list[Declared | None]:
        """What the source says of each parameter; nothing where it has another number of them."""
        known = self._signature
        if known is None or len(known.parameters) != count:
            return [None] * count
        return list(known.parameters)

    def _check(
        self,
        kernel: Any,
        args: tuple[Any, ...],
        shape: tuple[int, ...],
        shared_bytes: int,
        device: Device,
    ) -> None:
        count = len(kernel.parameters)
        if len(args) != count:
            raise TypeError(
                f"{self.name}: takes {count} arguments, got {len(args)}: {self._described()}"
            )
        threads = shape[3] * shape[4] * shape[5]
        if threads > kernel.max_threads:
            raise ValueError(
                f"{self.name}: block {shape[3:]} has {threads} threads, and the kernel may have "
                f"{kernel.max_threads}"
            )
        room = executor_of(self.name, device).runtime.properties.shared_bytes_per_block
        room -= kernel.static_shared_bytes
        if not 0 <= shared_bytes <= room:
            raise ValueError(
                f"{self.name}: shared_bytes must be from 0 to {room}, got {shared_bytes}"
            )
        for k, (x, parameter) in enumerate(zip(args, self._declared(count), strict=True)):
            check_argument(self.name, k, x, parameter, kernel.parameters[k][1])


def _address(x: Array, constant: bool, stream: int) -> int:
    """Where an array's elements are for work on a stream, which comes after what it has to.

    A function of its own, so that no frame below a launch holds the node: a tool that keeps frames
    (compute-sanitizer does) would make the next launch copy the array.
    """
    node: Any = x._node
    buffer = node.buffer
    address = buffer.read_on(stream) if constant else buffer.write_on(stream)
    return int(address + node.offset)


def _on_host(values: Any) -> np.ndarray[Any, Any]:
    return np.asarray(values.to_device("cpu") if isinstance(values, Array) else values)


def executor_of(name: str, device: Device) -> Any:
    """What runs work on a CUDA device; `TypeError` where it is another backend's."""
    backend: Any = device.backend.manager.get_plugin("cuda")
    if backend is None:
        raise TypeError(f"{name}: needs a CUDA device, and the arrays are on {str(device)!r}")
    return backend.executor(device)
