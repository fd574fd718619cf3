"""The libraries that are measured side by side, each behind the same few methods.

In: NumPy arrays, and functions written against the standard's names. Out: arrays of the library,
and the functions as one would run them there: recorded, eager, or compiled. A library that can't
be imported, or finds no GPU, raises when its class is made.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

import gpuarray
from gpuarray.plugins import Task, backend, hookimpl, register, unregister

__all__ = ["PEERS", "Ours", "Peer"]

Arrays = tuple[Any, ...]
Function = Callable[..., Any]


class Peer:
    """A library.

    Attributes
    ----------
    name
        As tables call it.
    version
        Of the library.
    namespace
        Has the functions that workloads call.
    """

    name: str
    version: str
    namespace: Any

    def array(self, host: np.ndarray[Any, Any]) -> Any:
        """The array on the device; it may still be on its way there."""
        raise NotImplementedError

    def host(self, array: Any) -> np.ndarray[Any, Any]:
        raise NotImplementedError

    def bound(self, function: Function, dynamic: bool) -> Function:
        """`function` without its first parameter, which starts the work and does not wait.

        `dynamic` says that a result's shape depends on values.
        """
        namespace = self.namespace
        return lambda *arrays: function(namespace, *arrays)

    def wait(self, result: Any) -> None:
        raise NotImplementedError

    def release(self) -> None:
        """Give unused memory back to the device."""


class Ours(Peer):
    """gpuarray, on the default CUDA device."""

    name = "gpuarray"
    version = gpuarray.__version__
    namespace = gpuarray

    def __init__(self) -> None:
        with backend("cuda") as opened:
            self.device = opened.devices[0]
            self.executor = opened.manager.get_plugin("cuda")._executor(self.device)

    def array(self, host: np.ndarray[Any, Any]) -> Any:
        return gpuarray.asarray(host, device=self.device)

    def host(self, array: Any) -> np.ndarray[Any, Any]:
        return np.asarray(array.to_device("cpu"))

    def bound(self, function: Function, dynamic: bool) -> Function:
        evaluate = gpuarray.evaluate

        def call(*arrays: Any) -> Any:
            result = function(gpuarray, *arrays)
            if result.__class__ is tuple:
                evaluate(*result)
            else:
                evaluate(result)
            return result

        return call

    def wait(self, result: Any) -> None:
        gpuarray.synchronize(self.device)

    def release(self) -> None:
        self.executor.runtime.trim()

    def kernels(self, call: Callable[[], Any]) -> int:
        """Kernels that `call` runs."""
        observer = _Observer()
        register(observer, name="benchmark-observer", backend="cuda")
        try:
            call()
        finally:
            unregister("benchmark-observer")
        return observer.tasks


class _Observer:
    """Counts the tasks that pass, and lets them pass."""

    def __init__(self) -> None:
        self.tasks = 0

    @hookimpl
    def gpuarray_run(self, task: Task) -> None:
        self.tasks += 1


class CuPy(Peer):
    """CuPy launches each operation as it comes."""

    name = "cupy"

    def __init__(self) -> None:
        import cupy

        cupy.zeros(1).sum()
        self.version = cupy.__version__
        self.namespace = cupy

    def array(self, host: np.ndarray[Any, Any]) -> Any:
        return self.namespace.asarray(host)

    def host(self, array: Any) -> np.ndarray[Any, Any]:
        result: np.ndarray[Any, Any] = self.namespace.asnumpy(array)
        return result

    def wait(self, result: Any) -> None:
        self.namespace.cuda.get_current_stream().synchronize()

    def release(self) -> None:
        self.namespace.get_default_memory_pool().free_all_blocks()


def _torch_namespace(torch: Any) -> Any:
    """PyTorch's functions under the standard's names and parameters."""

    class Namespace:
        sqrt, exp, log, abs, where = torch.sqrt, torch.exp, torch.log, torch.abs, torch.where

        @staticmethod
        def sum(x: Any, axis: int | None = None) -> Any:
            return torch.sum(x) if axis is None else torch.sum(x, dim=axis)

        @staticmethod
        def mean(x: Any, axis: int | None = None) -> Any:
            return torch.mean(x) if axis is None else torch.mean(x, dim=axis)

        @staticmethod
        def max(x: Any, axis: int | None = None) -> Any:
            return torch.amax(x) if axis is None else torch.amax(x, dim=axis)

        @staticmethod
        def argmax(x: Any, axis: int | None = None) -> Any:
            return torch.argmax(x, dim=axis)

        @staticmethod
        def var(x: Any, axis: int | None = None) -> Any:
            return torch.var(x, dim=axis, correction=0)

        @staticmethod
        def take(x: Any, indices: Any, axis: int) -> Any:
            return torch.index_select(x, axis, indices)

    return Namespace


class Torch(Peer):
    """PyTorch, eager."""

    name = "torch"

    def __init__(self) -> None:
        # One compiler process, which is gone when it is done, instead of one for each core.
        os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
        import torch

        torch.zeros(1, device="cuda")
        self.torch = torch
        self.version = torch.__version__
        self.namespace = _torch_namespace(torch)

    def array(self, host: np.ndarray[Any, Any]) -> Any:
        return self.torch.from_numpy(host).to("cuda")

    def host(self, array: Any) -> np.ndarray[Any, Any]:
        result: np.ndarray[Any, Any] = array.cpu().numpy()
        return result

    def wait(self, result: Any) -> None:
        self.torch.cuda.synchronize()

    def release(self) -> None:
        self.torch.cuda.empty_cache()


class TorchCompiled(Torch):
    """PyTorch with ``torch.compile``, for the shapes at hand."""

    name = "torch.compile"

    def bound(self, function: Function, dynamic: bool) -> Function:
        if dynamic:
            raise NotImplementedError("the shape depends on values")
        self.torch._dynamo.reset()
        compiled: Function = self.torch.compile(
            super().bound(function, dynamic), dynamic=False, fullgraph=True
        )
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
        self.jax = jax
        self.version = jax.__version__
        self.namespace = jax.numpy

    def array(self, host: np.ndarray[Any, Any]) -> Any:
        return self.jax.device_put(host)

    def host(self, array: Any) -> np.ndarray[Any, Any]:
        return np.asarray(array)

    def bound(self, function: Function, dynamic: bool) -> Function:
        eager = super().bound(function, dynamic)
        return eager if dynamic else self.jax.jit(eager)

    def wait(self, result: Any) -> None:
        self.jax.block_until_ready(result)


PEERS: dict[str, tuple[type[Peer], ...]] = {
    "cupy": (CuPy,),
    "torch": (Torch, TorchCompiled),
    "jax": (Jax,),
}
