"""Linear algebra: Cholesky, QR and singular value decompositions.

In: matrices, in stacks. Out: factors that a library computes from the call on. Matrices that are
not positive definite, and iterations that do not converge, raise `numpy.linalg.LinAlgError` there.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from gpuarray.arguments import checked_flag
from gpuarray.array import Array
from gpuarray.creation import zeros
from gpuarray.dtypes import real_of
from gpuarray.library import call
from gpuarray.linalg.matrices import checked_matrices, checked_square, factorised, identities

__all__ = [
    "QRResult",
    "SVDResult",
    "cholesky",
    "qr",
    "singular_values",
    "singular_vectors",
    "svd",
    "svdvals",
]

_NOT_CONVERGED = "the singular values of `x` did not converge; NaN and infinity have none"


class QRResult(NamedTuple):
    """Orthonormal columns, and an upper triangle."""

    Q: Array
    R: Array


class SVDResult(NamedTuple):
    """Left singular vectors in columns, singular values, right singular vectors in rows."""

    U: Array
    S: Array
    Vh: Array


def cholesky(x: Array, /, *, upper: bool = False) -> Array:
    """The Cholesky factors of positive definite Hermitian, or real symmetric, matrices.

    Parameters
    ----------
    x : Array
        Shape ``(..., n, n)``, real or complex floating. Only the triangle that is asked for is
        read; that the matrix is Hermitian is not checked.
    upper : bool, optional
        Whether the factor is the upper triangle U of ``x = U^H @ U``, rather than the lower one L
        of ``x = L @ L^H``.

    Returns
    -------
    Array
        The shape and dtype of `x`, with zeros in the other triangle.

    Raises
    ------
    TypeError
        If `x` is not a floating array, or `upper` no bool.
    ValueError
        If the matrices are not square.
    numpy.linalg.LinAlgError
        If a matrix is not positive definite.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.cholesky.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.linalg.cholesky(xp.asarray([[4.0, 2.0], [2.0, 5.0]]))
    Array([[2., 0.],
           [1., 2.]], dtype=float64, device='cpu')
    """
    checked_square("cholesky", "x", x)
    upper = checked_flag("cholesky", "`upper`", upper)
    if 0 in x.shape:
        return zeros(x.shape, dtype=x.dtype, device=x.device)
    failure = "`x` has a matrix that is not positive definite"
    (factor,) = factorised("cholesky", "cholesky", failure, a=x, upper=upper)
    return factor


def qr(x: Array, /, *, mode: Literal["reduced", "complete"] = "reduced") -> QRResult:
    """Matrices as products of orthonormal columns and an upper triangle.

    Parameters
    ----------
    x : Array
        Shape ``(..., m, n)``, real or complex floating.
    mode : {"reduced", "complete"}, optional
        How many columns Q has: k = min(m, n), or m.

    Returns
    -------
    QRResult
        `Q`, shape ``(..., m, k)``, and `R`, shape ``(..., k, n)`` with zeros below the diagonal; k
        is m if complete. The dtype of `x`. The diagonal of R is real, and of either sign.

    Raises
    ------
    TypeError
        If `x` is not a floating array.
    ValueError
        If `x` has fewer than two dimensions, or `mode` is neither of the two.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.qr.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> q, r = xp.linalg.qr(xp.ones((3, 2)), mode="complete")
    >>> q.shape, r.shape
    ((3, 3), (3, 2))
    """
    checked_matrices("qr", "x", x)
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: `mode` must be 'reduced' or 'complete', got {mode!r}")
    complete = mode == "complete"
    if 0 in x.shape:
        *stack, m, n = x.shape
        k = m if complete else min(m, n)
        return QRResult(
            identities(tuple(stack), m, k, x.dtype, x.device),
            zeros((*stack, k, n), dtype=x.dtype, device=x.device),
        )
    return QRResult(*call("qr", a=x, complete=complete))


def svd(x: Array, /, *, full_matrices: bool = True) -> SVDResult:
    """Matrices as products ``U @ diag(S) @ Vh`` of orthonormal columns, numbers, orthonormal rows.

    Parameters
    ----------
    x : Array
        Shape ``(..., m, n)``, real or complex floating.
    full_matrices : bool, optional
        Whether U and Vh are square; if not, they have k = min(m, n) columns and rows, which is all
        that the product needs.

    Returns
    -------
    SVDResult
        `U`, shape ``(..., m, m)`` or ``(..., m, k)``, and `Vh`, shape ``(..., n, n)`` or
        ``(..., k, n)``, of the dtype of `x`; `S`, shape ``(..., k)``, the singular values,
        descending, of the real dtype of the precision of `x`.

    Raises
    ------
    TypeError
        If `x` is not a floating array, or `full_matrices` no bool.
    ValueError
        If `x` has fewer than two dimensions.
    numpy.linalg.LinAlgError
        If the iteration does not converge, as where `x` has elements that are not finite.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.svd.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> u, s, vh = xp.linalg.svd(xp.ones((4, 2)), full_matrices=False)
    >>> u.shape, s.shape, vh.shape
    ((4, 2), (2,), (2, 2))
    """
    full = checked_flag("svd", "`full_matrices`", full_matrices)
    return singular_vectors("svd", x, full)


def svdvals(x: Array, /) -> Array:
    """The singular values of matrices.

    Parameters
    ----------
    x : Array
        Shape ``(..., m, n)``, real or complex floating.

    Returns
    -------
    Array
        Shape ``(..., min(m, n))``, descending; the real dtype of the precision of `x`.

    Raises
    ------
    TypeError, ValueError, numpy.linalg.LinAlgError
        As for `svd`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.linalg.svdvals.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> s = xp.linalg.svdvals(xp.asarray([[3.0, 0.0], [0.0, -4.0]]))
    >>> round(float(s[0]), 6), round(float(s[1]), 6)
    (4.0, 3.0)
    """
    return singular_values("svdvals", x)


def singular_vectors(name: str, x: Array, full: bool) -> SVDResult:
    """The decomposition of `x`; errors name the function that asks for it."""
    checked_matrices(name, "x", x)
    if 0 in x.shape:
        *stack, m, n = x.shape
        k = min(m, n)
        return SVDResult(
            identities(tuple(stack), m, m if full else k, x.dtype, x.device),
            zeros((*stack, k), dtype=real_of(x.dtype), device=x.device),
            identities(tuple(stack), n if full else k, n, x.dtype, x.device),
        )
    return SVDResult(*factorised(name, "svd", _NOT_CONVERGED, a=x, full=full))


def singular_values(name: str, x: Array) -> Array:
    """The singular values of `x`; errors name the function that asks for them."""
    checked_matrices(name, "x", x)
    if 0 in x.shape:
        shape = (*x.shape[:-2], min(x.shape[-2:]))
        return zeros(shape, dtype=real_of(x.dtype), device=x.device)
    (found,) = factorised(name, "svdvals", _NOT_CONVERGED, a=x)
    return found
