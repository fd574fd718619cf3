"""The hooks of library operations: those with a better algorithm than a fused loop.

All are *firstresult*. Operands are `Operand`s on `device`, with any strides; they must not be
written to. The results are new `Operand`s, in any layout of the shape that is said here, computed
in the order of earlier work. Stacks: dimensions before those named are the same for all operands,
and of the results. Shapes and dtypes have been checked, and nothing is of size zero. A hook that
answers None leaves the operation to the next plugin, and in the end to NumPy on the host.
`gpuarray.operations.library` has the same functions for NumPy arrays: the meaning of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray.plugins.hookspecs import hookspec

if TYPE_CHECKING:
    from gpuarray.devices import Device
    from gpuarray.graph.node import Layout
    from gpuarray.graph.program import Operand, Task

__all__: list[str] = []


@hookspec
def gpuarray_prepare(device: Device, name: str) -> None:
    """Make a library operation ready that is about to be recorded for the first time on `device`.

    `name` is "matmul", of floating or complex matrices. Raise `BackendUnavailable` if it can't be
    computed for want of something that has to be installed. Optional.
    """


@hookspec(firstresult=True)
def gpuarray_matmul(device: Device, a: Operand, b: Operand) -> list[Operand]:  # type: ignore[empty-body]
    """The product of ``(..., m, k)`` and ``(..., k, n)``, of one dtype, bool and integers too.

    Of two matrices without a stack the product is row-major, and aligned to 16 bytes: products are
    recorded, and what follows them is planned before they are computed.
    """


@hookspec(firstresult=True)
def gpuarray_matmul_add(device: Device, a: Operand, b: Operand, c: Operand) -> list[Operand] | None:
    """``a @ b + c`` for two matrices and `c` ``(m, n)``, which may be one row with a stride of 0.

    Each sum is rounded as `gpuarray_matmul` and an addition would round it: the bits are the same.
    A backend need not have it: where nobody answers, these two are run. Results as there.
    """


@hookspec(firstresult=True)
def gpuarray_matmul_scaled(
    device: Device, a: Operand, b: Operand, scale: float
) -> list[Operand] | None:
    """``scale * (a @ b)`` for two real floating matrices, with a finite number that is not 0.

    `scale` is rounded to their dtype, and each element as `gpuarray_matmul` and a multiplication
    would round it. Optional, and with a result, as `gpuarray_matmul_add`.
    """


# Along the last axis


@hookspec(firstresult=True)
def gpuarray_sort(device: Device, x: Operand, descending: bool) -> list[Operand]:  # type: ignore[empty-body]
    """`x`, real or bool, sorted; NaN is above all numbers, and -0 is 0."""


@hookspec(firstresult=True)
def gpuarray_argsort(device: Device, x: Operand, descending: bool) -> list[Operand]:  # type: ignore[empty-body]
    """The int64 positions that sort `x`; equal elements keep their order."""


@hookspec(firstresult=True)
def gpuarray_searchsorted(  # type: ignore[empty-body]
    device: Device, x: Operand, values: Operand, right: bool
) -> list[Operand]:
    """For each of `values`, how many of the ascending 1-d `x` are below it, as int64.

    With `right`, those that are equal to it count too. Both have one real dtype.
    """


@hookspec(firstresult=True)
def gpuarray_scan(device: Device, x: Operand, kind: str) -> list[Operand]:  # type: ignore[empty-body]
    """The inclusive running "sum" or "prod" of `x`, in its dtype.

    Row-major, and aligned to 16 bytes: scans are recorded, as products are.
    """


@hookspec(firstresult=True)
def gpuarray_scan_joined(
    device: Device,
    x: Operand | None,
    kind: str,
    layout: Layout,
    before: Task | None,
    after: Task | None,
    position: int,
) -> Operand | None:
    """A scan of `x`, or of what the task `before` computes, and what `after` makes of it.

    `layout` is that of what is scanned, along its last axis. Both tasks are of one output, which
    they write row by row, an element at each point of their loops; neither is to be run as it is.
    Input `position` of `after`, which holds None, is the scan, read at the point that is written.
    The result is that of `after`, or without it the scan. The bits are those of `gpuarray_run` and
    `gpuarray_scan`. Asked only where no plugin replaces or watches these two. Optional: without an
    answer they are run.
    """


# Of a size that depends on values: these wait for it


@hookspec(firstresult=True)
def gpuarray_select(device: Device, x: Operand, mask: Operand) -> list[Operand]:  # type: ignore[empty-body]
    """The elements of `x` for which the bools in `mask`, of its shape, hold; 1-d, in order."""


@hookspec(firstresult=True)
def gpuarray_unique(device: Device, x: Operand) -> list[Operand]:  # type: ignore[empty-body]
    """The distinct elements of a 1-d `x`, real or bool, as `gpuarray_sort` has them.

    Zeros are equal, and no NaN equals another.
    """


# Fourier transforms, unnormalised, over `axes`, which are not negative


@hookspec(firstresult=True)
def gpuarray_fft(  # type: ignore[empty-body]
    device: Device, x: Operand, axes: tuple[int, ...], inverse: bool
) -> list[Operand]:
    """The transform of a complex `x`; `inverse` changes the sign of the exponent only."""


@hookspec(firstresult=True)
def gpuarray_rfft(device: Device, x: Operand, axes: tuple[int, ...]) -> list[Operand]:  # type: ignore[empty-body]
    """The transform of a real `x`: of n along the last of `axes`, the first n // 2 + 1."""


@hookspec(firstresult=True)
def gpuarray_irfft(  # type: ignore[empty-body]
    device: Device, x: Operand, axes: tuple[int, ...], size: int
) -> list[Operand]:
    """The inverse of `gpuarray_rfft`, to `size` real elements along the last of `axes`.

    Along it `x` has size // 2 + 1; what Hermitian symmetry makes zero there is ignored.
    """


# Linear algebra over the last two axes, in stacks, of float32, float64, complex64, complex128.
# Failures raise `numpy.linalg.LinAlgError`.


@hookspec(firstresult=True)
def gpuarray_cholesky(device: Device, a: Operand, upper: bool) -> list[Operand]:  # type: ignore[empty-body]
    """The Cholesky factor of the Hermitian `a`, read from the triangle that is asked for.

    The other triangle of the result is zero. Raises where `a` is not positive definite.
    """


@hookspec(firstresult=True)
def gpuarray_qr(device: Device, a: Operand, complete: bool) -> list[Operand]:  # type: ignore[empty-body]
    """[q, r]: ``(m, k)`` and ``(k, n)`` with k = min(m, n), or m if `complete`."""


@hookspec(firstresult=True)
def gpuarray_svd(device: Device, a: Operand, full: bool) -> list[Operand]:  # type: ignore[empty-body]
    """[u, s, vh], singular values descending; ``(m, k)``, ``(k,)``, ``(k, n)``, or square."""


@hookspec(firstresult=True)
def gpuarray_svdvals(device: Device, a: Operand) -> list[Operand]:  # type: ignore[empty-body]
    """The singular values, descending."""


@hookspec(firstresult=True)
def gpuarray_eigh(device: Device, a: Operand) -> list[Operand]:  # type: ignore[empty-body]
    """[ascending eigenvalues, eigenvectors] of a Hermitian `a`, read from its lower triangle."""


@hookspec(firstresult=True)
def gpuarray_eigvalsh(device: Device, a: Operand) -> list[Operand]:  # type: ignore[empty-body]
    """The ascending eigenvalues of a Hermitian `a`."""


@hookspec(firstresult=True)
def gpuarray_eig(device: Device, a: Operand) -> list[Operand]:  # type: ignore[empty-body]
    """[eigenvalues, eigenvectors of length 1] of a square `a`, complex."""


@hookspec(firstresult=True)
def gpuarray_eigvals(device: Device, a: Operand) -> list[Operand]:  # type: ignore[empty-body]
    """The eigenvalues of a square `a`, complex."""


@hookspec(firstresult=True)
def gpuarray_solve(device: Device, a: Operand, b: Operand) -> list[Operand]:  # type: ignore[empty-body]
    """The solution x, ``(n, k)``, of a @ x = b; raises where `a` is exactly singular."""


@hookspec(firstresult=True)
def gpuarray_inv(device: Device, a: Operand) -> list[Operand]:  # type: ignore[empty-body]
    """The inverse; raises where `a` is exactly singular."""


@hookspec(firstresult=True)
def gpuarray_det(device: Device, a: Operand) -> list[Operand]:  # type: ignore[empty-body]
    """The determinant."""


@hookspec(firstresult=True)
def gpuarray_slogdet(device: Device, a: Operand) -> list[Operand]:  # type: ignore[empty-body]
    """[sign, logarithm of the absolute value] of the determinant; [0, -inf] where it is 0."""
