"""Another library, as far as sharing memory goes: objects with the protocols and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

import gpuarray as xp
from gpuarray.interop.capsules import Tensor, consumed, produced

# What CUDA calls the legacy default stream.
DEFAULT_STREAM = 1


class Theirs:
    """Somebody else's array, whose memory is that of an array of ours that nobody else holds.

    `asked` are the keywords of the last request. `old` stands for a library from before the
    standard of 2023.
    """

    def __init__(self, x: xp.Array, *, old: bool = False) -> None:
        self.x = x
        self.old = old
        self.asked: dict[str, Any] = {}

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.x.__dlpack_device__()

    def __dlpack__(self, **keywords: Any) -> Any:
        if self.old and keywords.keys() - {"stream"}:
            raise TypeError("unexpected keyword argument")
        self.asked = keywords
        return self.x.__dlpack__(**keywords)


class OnlyInterface:
    """Somebody else's array with nothing but a ``__cuda_array_interface__``."""

    def __init__(self, interface: dict[str, Any], keep: object = None) -> None:
        self.__cuda_array_interface__ = interface
        self.keep = keep


class Raw:
    """A capsule of any tensor, on any device."""

    def __init__(self, tensor: Tensor, keep: object = None, versioned: bool = True) -> None:
        self.tensor = tensor
        self.keep = keep
        self.versioned = versioned

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.tensor.device

    def __dlpack__(self, **keywords: Any) -> Any:
        return produced(self.tensor, self.keep, self.versioned)


class View:
    """What another library sees of an array of ours: it reads and writes the memory itself.

    On a GPU it works on `stream`, with the runtime of the backend.
    """

    def __init__(self, x: xp.Array, stream: int = DEFAULT_STREAM, **keywords: Any) -> None:
        self.on_gpu = x.__dlpack_device__()[0] == 2
        self.stream = stream
        if self.on_gpu:
            keywords["stream"] = stream
        self.held: Any = consumed(x.__dlpack__(**keywords))
        self.tensor = self.held.tensor
        if self.on_gpu:
            self.runtime: Any = x._node.buffer.runtime
        assert self.tensor.strides == contiguous(self.tensor.shape)

    @property
    def nbytes(self) -> int:
        return int(np.prod(self.tensor.shape)) * self.tensor.dtype.itemsize

    def read(self) -> np.ndarray[Any, Any]:
        found = np.empty(self.tensor.shape, self.tensor.dtype)
        if self.on_gpu:
            self.runtime.copy_out(found, self.tensor.pointer, self.stream)
        else:
            found[...] = host_memory(self.tensor)
        return found

    def write(self, values: Any) -> None:
        new = np.ascontiguousarray(np.broadcast_to(values, self.tensor.shape), self.tensor.dtype)
        if self.on_gpu:
            self.runtime.copy_in(self.tensor.pointer, new, self.stream)
        else:
            host_memory(self.tensor)[...] = new

    def let_go(self) -> None:
        self.held = None


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Row-major strides, in elements."""
    return tuple(int(np.prod(shape[d + 1 :])) for d in range(len(shape)))


def host_memory(tensor: Tensor) -> np.ndarray[Any, Any]:
    """Host memory as a NumPy array."""

    class Memory:
        __array_interface__ = {  # noqa: RUF012
            "version": 3,
            "typestr": tensor.dtype.str,
            "shape": tensor.shape,
            "strides": tuple(s * tensor.dtype.itemsize for s in tensor.strides),
            "data": (tensor.pointer, False),
        }

    return np.asarray(Memory())
