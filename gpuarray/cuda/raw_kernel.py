"""Kernels of a user's own on our arrays: `RawKernel`.

In: a kernel of a module, arrays, scalars, structs and addresses. Out: its launch, checked before.
What a kernel writes is seen by the array that it was given, and by no other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from gpuarray.array import Array
from gpuarray.cuda.arguments import check_argument, check_cluster, extents, value_bytes
from gpuarray.cuda.ownership import copied, layout_of, own
from gpuarray.cuda.raw_module import RawModule, executor_of
from gpuarray.cuda.signatures import Declared, Signature, signatures
from gpuarray.devices import device as find_device
from gpuarray.evaluation import evaluate
from gpuarray.graph.tape import needs_value, recordings
from gpuarray_cuda.kernel_interface import LaunchShape

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["RawKernel"]

Extents = int | Sequence[int]


class RawKernel:
    """A kernel; of a source with just one, or of a `RawModule` by `RawModule.get_kernel`.

    Parameters
    ----------
    source, options, name_expressions, headers
        As for `RawModule`; what `name` is an instance of need not be named twice.
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
        source: str | bytes,
        name: str,
        *,
        options: Sequence[str] = (),
        name_expressions: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if isinstance(source, str):
            known = signatures(source)
            if name not in known or known[name].template:
                name_expressions = (*name_expressions, name)
        module = RawModule(
            source, options=options, name_expressions=name_expressions, headers=headers,
            name=name.split("<")[0],
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

    def occupancy(
        self, block: Extents, *, shared_bytes: int = 0, device: Device | str | None = None
    ) -> int:
        """How many blocks a multiprocessor runs at once; 0 where a block does not fit."""
        threads = math.prod(extents(self.name, "block", block))
        found = find_device(device)
        kernel = self._on(found)
        self._check_block(kernel, threads, shared_bytes, executor_of(self.name, found))
        blocks: int = kernel.active_blocks(threads, shared_bytes)
        return blocks

    def suggested_launch(
        self, *, shared_bytes: int = 0, device: Device | str | None = None
    ) -> tuple[int, int]:
        """Blocks and threads of a block with which a device is as full as it gets.

        For a kernel whose threads each take every so many elements; where each takes one, the
        number of blocks follows from the elements.
        """
        found = find_device(device)
        kernel = self._on(found)
        self._check_block(kernel, 1, shared_bytes, executor_of(self.name, found))
        grid, block = kernel.best_block(shared_bytes)
        return grid, block

    def __call__(
        self,
        grid: Extents,
        block: Extents,
        args: Sequence[Any],
        *,
        shared_bytes: int = 0,
        cluster: Extents | None = None,
        cooperative: bool = False,
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
        cluster : int or sequence of int, optional
            Blocks of a cluster, at most 16, which reach each other's shared memory; from compute
            capability 9.0 on. They divide the grid.
        cooperative : bool, optional
            Whether all blocks run at once, so that they may wait for each other.

        Raises
        ------
        TypeError
            The number or the kind of the arguments is wrong: a dtype, a NumPy array.
        ValueError
            A device or an extent is wrong, or a cooperative grid does not fit the device.
        DeviceError
            The source does not compile, or the driver refuses the launch.
        """
        if recordings:
            needs_value(f"a launch of kernel {self.name}")
        given = tuple(args)
        shape = LaunchShape(
            extents(self.name, "grid", grid),
            extents(self.name, "block", block),
            shared_bytes,
            None if cluster is None else extents(self.name, "cluster", cluster),
            cooperative,
        )
        device = self._device(given)
        executor = executor_of(self.name, device)
        kernel = self._on(device)
        declared = self._declared(len(given))
        self._check(kernel, given, declared, shape, executor)
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
        used = [p for (_, x), p in zip(places, pointers, strict=True) if x.size]
        launch = executor.runtime.launch_raw
        device.hook.gpuarray_launch(
            device=device, name=self.name, grid=shape.grid, block=shape.block,
            launch=partial(launch, kernel, shape, stream, bytes(packed), used),
        )  # fmt: skip

    def _on(self, device: Device) -> Any:
        return self._module.kernel_on(self.name, device)

    def _device(self, args: tuple[Any, ...]) -> Device:
        """Where the arrays are; the default CUDA device if there are none."""
        devices = list(dict.fromkeys(x.device for x in args if isinstance(x, Array)))
        if len(devices) > 1:
            found = " and ".join(repr(str(x)) for x in devices)
            raise ValueError(
                f"{self.name}: the arrays are on different devices, {found}; move one with "
                "to_device() first"
            )
        return devices[0] if devices else find_device(None)

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
        declared: list[Declared | None],
        shape: LaunchShape,
        executor: Any,
    ) -> None:
        count = len(kernel.parameters)
        if len(args) != count:
            raise TypeError(
                f"{self.name}: takes {count} arguments, got {len(args)}: {self._described()}"
            )
        threads = math.prod(shape.block)
        self._check_block(kernel, threads, shape.shared_bytes, executor)
        properties = executor.runtime.properties
        if shape.cluster is not None:
            check_cluster(self.name, shape.grid, shape.cluster, properties.compute_capability)
        if shape.cooperative:
            blocks = math.prod(shape.grid)
            most = kernel.active_blocks(threads, shape.shared_bytes) * properties.multiprocessors
            if blocks > most:
                raise ValueError(
                    f"{self.name}: a cooperative grid of blocks with {threads} threads may have "
                    f"{most} blocks on this device, got {blocks}"
                )
        for k, (x, parameter) in enumerate(zip(args, declared, strict=True)):
            check_argument(self.name, k, x, parameter, kernel.parameters[k][1])

    def _check_block(self, kernel: Any, threads: int, shared_bytes: int, executor: Any) -> None:
        if threads > kernel.max_threads:
            raise ValueError(
                f"{self.name}: block has {threads} threads, and the kernel may have "
                f"{kernel.max_threads}"
            )
        room = executor.runtime.properties.shared_bytes_per_block - kernel.static_shared_bytes
        if isinstance(shared_bytes, bool) or not isinstance(shared_bytes, int):
            raise TypeError(
                f"{self.name}: shared_bytes must be an integer, got {type(shared_bytes).__name__}"
            )
        if not 0 <= shared_bytes <= room:
            raise ValueError(
                f"{self.name}: shared_bytes must be from 0 to {room}, got {shared_bytes}"
            )


def _address(x: Array, constant: bool, stream: int) -> int:
    """Where an array's elements are for work on a stream, which comes after what it has to.

    A function of its own, so that no frame below a launch holds the node: a tool that keeps frames
    (compute-sanitizer does) would make the next launch copy the array.
    """
    node: Any = x._node
    buffer = node.buffer
    address = buffer.read_on(stream) if constant else buffer.write_on(stream)
    return int(address + node.offset)
