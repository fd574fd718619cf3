"""The libraries that are measured side by side, each behind the same few methods.

In: NumPy arrays, and workloads, which are written against the standard's names. Out: arrays of the
library, and the ways to run a workload there: recorded, eager, or compiled. A library that can't
be imported, or finds no GPU, raises when its class is made. TF32 is off everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.workload import Array, Function, Workload

__all__ = ["PEERS", "CuPy", "Jax", "NotApplicable", "NumPy", "Peer", "Torch"]

# What NVIDIA's libraries read when they are loaded, whoever loads them.
os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
os.environ.pop("CUPY_TF32", None)

Record = dict[str, Any]


class NotApplicable(Exception):
    """A library has no such way to run a workload; no failure."""


class Peer:
    """A library.

    Attributes
    ----------
    name
        As tables call it.
    version
        Of the library.
    library
        What a workload's own way gets.
    namespace
        Has the functions that workloads call, under the standard's names.
    late
        Whether it is measured after all others, since it takes long, and its compiler leaves
        threads and processes behind that take the processor from whoever comes next.
    """

    name: str
    version: str
    library: Any
    namespace: Any
    late = False

    def array(self, host: Array) -> Any:
        """The array on the device; it may still be on its way there."""
        raise NotImplementedError

    def host(self, array: Any) -> Array:
        raise NotImplementedError

    def ways(self, workload: Workload) -> dict[str, Function]:
        """Functions of the inputs that start the work and do not wait, by what they are called."""
        found = {"as written": self.called(workload.function, workload.dynamic)}
        own = workload.own.get(self.name)
        if own is not None:
            found["own"] = self.prepared(_first(own, self.library), workload.dynamic)
        return found

    def called(self, function: Function, dynamic: bool) -> Function:
        """`function` without its first parameter; `dynamic`: a shape depends on values."""
        return self.prepared(_first(function, self.namespace), dynamic)

    def prepared(self, call: Function, dynamic: bool) -> Function:
        """`call` as this library runs it best."""
        return call

    def wait(self, result: Any) -> None:
        raise NotImplementedError

    def release(self) -> None:
        """Give unused memory back to the device."""

    @contextmanager
    def watch(self) -> Iterator[Record]:
        """Within the block, count; after it the record has ``peak``, the bytes that were in use.

        That is, more than before the block; a library that cannot tell leaves it out.
        """
        yield {}


def _first(function: Function, first: Any) -> Function:
    return lambda *arrays: function(first, *arrays)


class _Named:
    """A library with some of the standard's names that it lacks."""

    def __init__(self, library: Any, **names: Any) -> None:
        self._library = library
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)


class NumPy(Peer):
    """NumPy, on the processor."""

    name = "numpy"
    version = np.__version__
    library = namespace = np

    def array(self, host: Array) -> Array:
        return host.copy()  # a workload may write to it

    def host(self, array: Any) -> Array:
        return np.asarray(array)

    def prepared(self, call: Function, dynamic: bool) -> Function:
        def quiet(*arrays: Any) -> Any:
            with np.errstate(all="ignore"):
                return call(*arrays)

        return quiet

    def wait(self, result: Any) -> None:
        pass


class CuPy(Peer):
    """CuPy launches each operation as it comes."""

    name = "cupy"

    def __init__(self) -> None:
        import cupy

        cupy.zeros(1).sum()
        self.version = cupy.__version__
        self.library = cupy
        self.namespace = _Named(
            cupy,
            concat=cupy.concatenate,
            cumulative_sum=cupy.cumsum,
            astype=lambda x, dtype: x.astype(dtype),
        )

    def array(self, host: Array) -> Any:
        return self.library.asarray(host)

    def host(self, array: Any) -> Array:
        result: Array = self.library.asnumpy(array)
        return result

    def wait(self, result: Any) -> None:
        self.library.cuda.get_current_stream().synchronize()

    def release(self) -> None:
        self.library.get_default_memory_pool().free_all_blocks()

    @contextmanager
    def watch(self) -> Iterator[Record]:
        """What the pool holds afterwards: it has no peak, but gives nothing back by itself."""
        self.release()
        pool = self.library.get_default_memory_pool()
        before = pool.total_bytes()
        found: Record = {}
        yield found
        found["peak"] = pool.total_bytes() - before


class CuPyFused(CuPy):
    """CuPy with `cupy.fuse`, for workloads that are elementwise."""

    name = "cupy.fuse"

    def ways(self, workload: Workload) -> dict[str, Function]:
        inputs = workload.inputs()
        if workload.sampled != len(inputs) or {x.ndim for x in inputs} != {1}:
            raise NotApplicable("cupy.fuse is for elementwise functions")
        call = super().called(workload.function, workload.dynamic)

        def fused(*arrays: Any) -> Any:
            return call(*arrays)

        return {"fused": self.library.fuse(kernel_name="fused")(fused)}


def _torch_namespace(torch: Any) -> Any:
    """PyTorch's functions under the standard's names and parameters."""

    def reduced(function: Callable[..., Any], **always: Any) -> Callable[..., Any]:
        def call(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
            if axis is None:
                return function(x, **always)
            return function(x, dim=axis, keepdim=keepdims, **always)

        return call

    class Namespace:
        sqrt, exp, log, abs, where = torch.sqrt, torch.exp, torch.log, torch.abs, torch.where
        tanh, matmul, int32 = torch.tanh, torch.matmul, torch.int32
        sum = staticmethod(reduced(torch.sum))
        mean = staticmethod(reduced(torch.mean))
        max = staticmethod(reduced(torch.amax))
        argmax = staticmethod(reduced(torch.argmax))
        var = staticmethod(reduced(torch.var, correction=0))
        std = staticmethod(reduced(torch.std, correction=0))

        @staticmethod
        def astype(x: Any, dtype: Any) -> Any:
            return x.to(dtype)

        @staticmethod
        def take(x: Any, indices: Any, axis: int) -> Any:
            return torch.index_select(x, axis, indices)

        @staticmethod
        def concat(arrays: Any, axis: int) -> Any:
            return torch.cat(arrays, dim=axis)

        @staticmethod
        def flip(x: Any, axis: int) -> Any:
            return torch.flip(x, (axis,))

        @staticmethod
        def roll(x: Any, shift: int, axis: int) -> Any:
            return torch.roll(x, shift, axis)

        @staticmethod
        def cumulative_sum(x: Any) -> Any:
            return torch.cumsum(x, 0)

    return Namespace


class Torch(Peer):
    """PyTorch, eager."""

    name = "torch"

    def __init__(self) -> None:
        # One compiler process, which is gone when it is done, instead of one for each core.
        os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
        import torch

        torch.zeros(1, device="cuda")
        torch.set_float32_matmul_precision("highest")
        self.torch = self.library = torch
        self.version = torch.__version__
        self.namespace = _torch_namespace(torch)

    def array(self, host: Array) -> Any:
        return self.torch.from_numpy(host).to("cuda")

    def host(self, array: Any) -> Array:
        result: Array = array.cpu().numpy()
        return result

    def wait(self, result: Any) -> None:
        self.torch.cuda.synchronize()

    def release(self) -> None:
        self.torch.cuda.empty_cache()

    @contextmanager
    def watch(self) -> Iterator[Record]:
        cuda = self.torch.cuda
        cuda.reset_peak_memory_stats()
        before = cuda.memory_allocated()
        found: Record = {}
        yield found
        found["peak"] = cuda.max_memory_allocated() - before


class TorchCompiled(Torch):
    """PyTorch with ``torch.compile``, for the shapes at hand."""

    name = "torch.compile"
    late = True

    def ways(self, workload: Workload) -> dict[str, Function]:
        found = super().ways(workload)
        if workload.bound == "host":
            # As CUDA graphs, which is what it offers against the host's costs.
            call = _first(workload.function, self.namespace)
            found["reduce-overhead"] = self.torch.compile(
                call, dynamic=False, fullgraph=True, mode="reduce-overhead"
            )
        return found

    def prepared(self, call: Function, dynamic: bool) -> Function:
        if dynamic:
            raise NotApplicable("the shape depends on values")
        self.torch._dynamo.reset()
        compiled: Function = self.torch.compile(call, dynamic=False, fullgraph=True)
        return compiled


class Jax(Peer):
    """JAX with ``jax.jit``; 64-bit dtypes are on, float32 stays float32."""

    name = "jax"

    def __init__(self) -> None:
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        os.environ.setdefault("JAX_ENABLE_X64", "1")
        import jax

        platform = jax.devices()[0].platform
        if platform not in ("gpu", "cuda"):
            raise RuntimeError(f"JAX runs on {platform}")
        # Its own default is TF32.
        jax.config.update("jax_default_matmul_precision", "highest")
        self.jax = self.library = jax
        self.version = jax.__version__
        self.namespace = jax.numpy

    def array(self, host: Array) -> Any:
        return self.jax.device_put(host)

    def host(self, array: Any) -> Array:
        return np.asarray(array)

    def prepared(self, call: Function, dynamic: bool) -> Function:
        return call if dynamic else self.jax.jit(call)

    def wait(self, result: Any) -> None:
        self.jax.block_until_ready(result)


PEERS: dict[str, tuple[type[Peer], ...]] = {
    "cupy": (CuPy, CuPyFused),
    "torch": (Torch, TorchCompiled),
    "jax": (Jax,),
    "numpy": (NumPy,),
}
