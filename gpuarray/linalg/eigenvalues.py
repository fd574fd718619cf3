"""Linear algebra: eigenvalues and eigenvectors of square matrices.

In: square matrices, in stacks. Out: what a library computes from the call on. Iterations that do
not converge raise `numpy.linalg.LinAlgError` at the call.
"""

from __future__ import annotations

from typing import NamedTuple

from gpuarray.array import Array
from gpuarray.creation import zeros
from gpuarray.dtypes import complex64, promote, real_of
from gpuarray.linalg.matrices import checked_square, factorised

__all__ = ["EigResult", "EighResult", "eig", "eigh", "eigvals", "eigvalsh"]

_NOT_CONVERGED = "the eigenvalues of `x` did not converge; NaN and infinity have none"


class EigResult(NamedTuple):
    """Eigenvalues, and eigenvectors in columns, of any square matrices; complex."""

    eigenvalues: Array
    eigenvectors: Array


class EighResult(NamedTuple):
    """Real eigenvalues, and eigenvectors in columns, of Hermitian matrices."""

    eigenvalues: Array
    eigenvectors: Array


def eig(x: Array, /) -> EigResult:
    """The eigenvalues and eigenvectors of square matrices.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, n)``, real or complex floating. For Hermitian matrices `eigh` is faster.

    Returns
    -------
    EigResult
        `eigenvalues`, shape ``(..., n)``, in no particular order, and `eigenvectors`, shape
        ``(..., n, n)``, of length 1, one in each column. Both are complex, of the precision of
        `x`, even where all eigenvalues are real.

    Raises
    ------
    TypeError
        If `x` is not a floating array.
    ValueError
        If the matrices are not square.
    numpy.linalg.LinAlgError
        If the iteration does not converge, or `x` has elements that are not finite.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.eig.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> values, vectors = xp.linalg.eig(xp.asarray([[0.0, -1.0], [1.0, 0.0]]))
    >>> float(xp.max(xp.abs(xp.real(values)))) < 1e-15, vectors.dtype
    (True, dtype('complex128'))
    """
    checked_square("eig", "x", x)
    if 0 in x.shape:
        dtype = promote(x.dtype, complex64)
        return EigResult(
            zeros(x.shape[:-1], dtype=dtype, device=x.device),
            zeros(x.shape, dtype=dtype, device=x.device),
        )
    return EigResult(*factorised("eig", "eig", _NOT_CONVERGED, a=x))


def eigh(x: Array, /) -> EighResult:
    """The eigenvalues and eigenvectors of Hermitian, or real symmetric, matrices.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, n)``, real or complex floating. Only the lower triangles are read.

    Returns
    -------
    EighResult
        `eigenvalues`, shape ``(..., n)``, ascending, of the real dtype of the precision of `x`, and
        `eigenvectors`, shape ``(..., n, n)`` and the dtype of `x`, orthonormal, one in each column.

    Raises
    ------
    TypeError
        If `x` is not a floating array.
    ValueError
        If the matrices are not square.
    numpy.linalg.LinAlgError
        If the iteration does not converge.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.eigh.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> values = xp.linalg.eigh(xp.asarray([[2.0, 1.0], [1.0, 2.0]])).eigenvalues
    >>> round(float(values[0]), 6), round(float(values[1]), 6)
    (1.0, 3.0)
    """
    checked_square("eigh", "x", x)
    if 0 in x.shape:
        return EighResult(
            zeros(x.shape[:-1], dtype=real_of(x.dtype), device=x.device),
            zeros(x.shape, dtype=x.dtype, device=x.device),
        )
    return EighResult(*factorised("eigh", "eigh", _NOT_CONVERGED, a=x))


def eigvals(x: Array, /) -> Array:
    """The eigenvalues of square matrices.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, n)``, real or complex floating. For Hermitian matrices `eigvalsh` is
        faster.

    Returns
    -------
    Array
        Shape ``(..., n)``, in no particular order; complex, of the precision of `x`.

    Raises
    ------
    TypeError, ValueError, numpy.linalg.LinAlgError
        As for `eig`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.eigvals.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> values = xp.linalg.eigvals(xp.asarray([[2.0, 1.0], [0.0, 2.0]]))
    >>> complex(xp.sum(values))
    (4+0j)
    """
    checked_square("eigvals", "x", x)
    if 0 in x.shape:
        return zeros(x.shape[:-1], dtype=promote(x.dtype, complex64), device=x.device)
    (found,) = factorised("eigvals", "eigvals", _NOT_CONVERGED, a=x)
    return found


def eigvalsh(x: Array, /) -> Array:
    """The eigenvalues of Hermitian, or real symmetric, matrices.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, n)``, real or complex floating. Only the lower triangles are read.

    Returns
    -------
    Array
        Shape ``(..., n)``, ascending; the real dtype of the precision of `x`.

    Raises
    ------
    TypeError, ValueError, numpy.linalg.LinAlgError
        As for `eigh`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.eigvalsh.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> values = xp.linalg.eigvalsh(xp.asarray([[0.0, 2.0], [2.0, 0.0]]))
    >>> round(float(values[0]), 6), round(float(values[1]), 6)
    (-2.0, 2.0)
    """
    checked_square("eigvalsh", "x", x)
    if 0 in x.shape:
        return zeros(x.shape[:-1], dtype=real_of(x.dtype), device=x.device)
    (found,) = factorised("eigvalsh", "eigvalsh", _NOT_CONVERGED, a=x)
    return found
