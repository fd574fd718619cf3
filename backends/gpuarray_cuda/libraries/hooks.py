"""The hooks of linear algebra and Fourier transforms, answered with NVIDIA's libraries.

In: operands on a device. Out: new ones, computed in the order of the calling thread's stream. The
host waits where a failure of a matrix has to be known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gpuarray.devices import Device
from gpuarray.plugins import Operand, hookimpl

from . import decompositions, eigenvalues, products, systems, transforms

if TYPE_CHECKING:
    from gpuarray_cuda.executor import Executor

__all__ = ["LibraryHooks"]


class LibraryHooks:
    """Answers the hooks of a class that has the executors of devices."""

    executor: Callable[[Device], Executor]

    @hookimpl
    def gpuarray_prepare(self, device: Device, name: str) -> None:
        executor = self.executor(device)
        executor.runtime.libraries.load(executor.stream)

    @hookimpl
    def gpuarray_matmul(self, device: Device, a: Operand, b: Operand) -> list[Operand]:
        # As `_answer`, in less time: small products are many.
        executor = self.executor(device)
        found = products.matmul(executor, a, b)
        if not (a.buffer.exclusive and b.buffer.exclusive):
            executor.let_others_wait(executor.stream)
        return [found]

    @hookimpl
    def gpuarray_matmul_add(
        self, device: Device, a: Operand, b: Operand, c: Operand
    ) -> list[Operand] | None:
        executor = self.executor(device)
        found = products.matmul_add(executor, a, b, c)
        if found is None:
            return None
        if not (a.buffer.exclusive and b.buffer.exclusive and c.buffer.exclusive):
            executor.let_others_wait(executor.stream)
        return [found]

    @hookimpl
    def gpuarray_matmul_scaled(
        self, device: Device, a: Operand, b: Operand, scale: float
    ) -> list[Operand] | None:
        executor = self.executor(device)
        found = products.matmul_scaled(executor, a, b, scale)
        if found is None:
            return None
        if not (a.buffer.exclusive and b.buffer.exclusive):
            executor.let_others_wait(executor.stream)
        return [found]

    @hookimpl
    def gpuarray_fft(
        self, device: Device, x: Operand, axes: tuple[int, ...], inverse: bool
    ) -> list[Operand]:
        return self._answer(device, transforms.complex_transform, x, axes, inverse)

    @hookimpl
    def gpuarray_rfft(self, device: Device, x: Operand, axes: tuple[int, ...]) -> list[Operand]:
        return self._answer(device, transforms.real_to_complex, x, axes)

    @hookimpl
    def gpuarray_irfft(
        self, device: Device, x: Operand, axes: tuple[int, ...], size: int
    ) -> list[Operand]:
        return self._answer(device, transforms.complex_to_real, x, axes, size)

    @hookimpl
    def gpuarray_cholesky(self, device: Device, a: Operand, upper: bool) -> list[Operand]:
        return self._answer(device, systems.cholesky, a, upper)

    @hookimpl
    def gpuarray_qr(self, device: Device, a: Operand, complete: bool) -> list[Operand]:
        return self._answer(device, decompositions.qr, a, complete)

    @hookimpl
    def gpuarray_svd(self, device: Device, a: Operand, full: bool) -> list[Operand]:
        return self._answer(device, decompositions.svd, a, full)

    @hookimpl
    def gpuarray_svdvals(self, device: Device, a: Operand) -> list[Operand]:
        return self._answer(device, decompositions.singular_values, a)

    @hookimpl
    def gpuarray_eigh(self, device: Device, a: Operand) -> list[Operand]:
        return self._answer(device, eigenvalues.eigh, a)

    @hookimpl
    def gpuarray_eigvalsh(self, device: Device, a: Operand) -> list[Operand]:
        return self._answer(device, eigenvalues.eigvalsh, a)

    @hookimpl
    def gpuarray_eig(self, device: Device, a: Operand) -> list[Operand]:
        return self._answer(device, eigenvalues.eig, a)

    @hookimpl
    def gpuarray_eigvals(self, device: Device, a: Operand) -> list[Operand]:
        return self._answer(device, eigenvalues.eigvals, a)

    @hookimpl
    def gpuarray_solve(self, device: Device, a: Operand, b: Operand) -> list[Operand]:
        return self._answer(device, systems.solve, a, b)

    @hookimpl
    def gpuarray_inv(self, device: Device, a: Operand) -> list[Operand]:
        return self._answer(device, systems.inverse, a)

    @hookimpl
    def gpuarray_det(self, device: Device, a: Operand) -> list[Operand]:
        return self._answer(device, systems.determinant, a)

    @hookimpl
    def gpuarray_slogdet(self, device: Device, a: Operand) -> list[Operand]:
        return self._answer(device, systems.signed_logarithm, a)

    def _answer(
        self, device: Device, operation: Callable[..., Any], *arguments: Any
    ) -> list[Operand]:
        executor = self.executor(device)
        found = operation(executor, *arguments)
        for x in arguments:
            if isinstance(x, Operand) and not x.buffer.exclusive:
                executor.let_others_wait(executor.stream)
        return [found] if isinstance(found, Operand) else found
