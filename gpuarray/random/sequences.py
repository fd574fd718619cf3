"""Draws from sequences: choices, permutations, and vectors that belong together.

In: arrays, or a length. Out: elements of them in a random order or at random places; vectors from
multivariate distributions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray.arguments import checked_axis, checked_flag
from gpuarray.array import Array
from gpuarray.creation import asarray
from gpuarray.devices import device as find_device
from gpuarray.dtypes import float64
from gpuarray.elementwise import exp, log
from gpuarray.indexing import take, take_along_axis
from gpuarray.linear_algebra import matmul
from gpuarray.manipulation import reshape
from gpuarray.random.continuous import Continuous
from gpuarray.random.discrete import Discrete
from gpuarray.random.draws import Size
from gpuarray.recording import cast
from gpuarray.searching import searchsorted
from gpuarray.sorting import argsort
from gpuarray.statistics import max as maximum
from gpuarray.statistics import sum as total

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Sequences"]

HostArray = np.ndarray[Any, Any]

_TOLERANCE = 1e-8


class Sequences(Continuous, Discrete):
    """Choices, permutations and multivariate distributions of `Generator`."""

    def choice(
        self, a: int | Array, size: Size = None, *, replace: bool = True,
        p: npt.ArrayLike | Array | None = None, axis: int = 0,
    ) -> Array:  # fmt: skip
        """Elements of an array at random places.

        Parameters
        ----------
        a : int or Array
            The array, or the length of ``arange(a)``.
        size : int or tuple of int, optional
            How many; they replace the axis. None: one, and the axis is left out.
        replace : bool, optional
            Whether an element may come more than once.
        p : array of shape (n,), optional
            The probability of each; they add up to 1. None: all are equally likely.
        axis : int, optional
            The axis along which is chosen.

        Returns
        -------
        Array
            The dtype of `a`, int64 for a length.

        Raises
        ------
        TypeError
            `a` is neither an integer nor an array.
        ValueError
            There are too few elements, or `p` does not fit.

        Examples
        --------
        >>> from gpuarray.random import Generator
        >>> Generator(1).choice(10, 3, replace=False).shape
        (3,)
        """
        n, source = self._source("choice", a, axis)
        replace = checked_flag("choice", "replace", replace)
        shape = self._shape("choice", size)
        count = int(np.prod(shape))
        device = source.device if source is not None else self._device or find_device(None)
        chances = None if p is None else _probabilities(p, n)
        if count and not n:
            raise ValueError("choice: nothing to choose from: a has no elements")
        if replace and chances is None:
            places = self.integers(0, max(n, 1), shape)
        elif replace and chances is not None:
            # The last bound is 1, which no draw reaches.
            bounds = np.cumsum(chances)
            places = searchsorted(
                asarray(bounds / bounds[-1], device=device),
                self._unit(shape, device, float64),
                side="right",
            )
        else:
            possible = n if chances is None else int(np.count_nonzero(chances))
            if count > possible:
                raise ValueError(
                    f"choice: {count} of {possible} elements cannot be had without replacement"
                )
            order = self._order(n, device) if chances is None else self._race(chances, device)
            places = reshape(order[:count], shape)
        if source is None:
            return places
        return take(source, places, axis=checked_axis("choice", axis, source.ndim))

    def permutation(self, x: int | Array, *, axis: int = 0) -> Array:
        """The parts of an array along an axis in random order, or the numbers below `x`.

        Parameters
        ----------
        x : int or Array
            The array, or how many numbers.
        axis : int, optional
            The axis whose order is random.

        Examples
        --------
        >>> from gpuarray.random import Generator
        >>> sorted(int(k) for k in Generator(1).permutation(4))
        [0, 1, 2, 3]
        """
        n, source = self._source("permutation", x, axis)
        device = source.device if source is not None else self._device or find_device(None)
        order = self._order(n, device)
        if source is None:
            return order
        return take(source, order, axis=checked_axis("permutation", axis, source.ndim))

    def permuted(self, x: Array, *, axis: int = -1) -> Array:
        """An array whose rows along an axis are each in a random order of their own."""
        _, source = self._source("permuted", x, axis)
        if source is None:
            raise TypeError("permuted: x must be an array, got an integer")
        order = argsort(self._draw("random_pair", source.shape, source.device, 2), axis=axis)
        return take_along_axis(source, order, axis=axis)

    def shuffle(self, x: Array, *, axis: int = 0) -> None:
        """Put the parts of an array along an axis into random order, in place."""
        if not isinstance(x, Array):
            raise TypeError(f"shuffle: x must be an array, got {type(x).__name__}")
        x[...] = self.permutation(x, axis=axis)

    def bytes(self, length: int) -> bytes:
        """`length` random bytes, on the host."""
        if isinstance(length, bool) or not isinstance(length, int | np.integer) or length < 0:
            raise ValueError(f"bytes: length must be an integer of at least 0, got {length!r}")
        words = self._draw("random_word", (-(-length // 4),), self._device or find_device(None), 1)
        return np.asarray(words.to_device("cpu")).astype("<u4").tobytes()[:length]

    def multivariate_normal(
        self, mean: npt.ArrayLike | Array, cov: npt.ArrayLike | Array, size: Size = None, *,
        method: str = "svd", dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """Vectors of normal numbers with these means and this covariance matrix.

        Parameters
        ----------
        mean : array of shape (n,)
            The means.
        cov : array of shape (n, n)
            Symmetric, without negative eigenvalues, which is not checked.
        size : int or tuple of int, optional
            How many vectors.
        method : {"svd", "eigh", "cholesky"}, optional
            How the root of the matrix is found. "cholesky" is the fastest, and needs positive
            eigenvalues.
        dtype : dtype, optional
            float32 or float64 (None).

        Returns
        -------
        Array
            Shape ``(*size, n)``.

        Raises
        ------
        ValueError
            The shapes do not match, or there is no such method.
        """
        from gpuarray import linalg

        wanted = self._floating("multivariate_normal", dtype)
        device = self._device or find_device(None)
        middle, matrix = (
            cast(x if isinstance(x, Array) else asarray(x, device=device), wanted)
            for x in (mean, cov)
        )
        n = middle.shape[0] if middle.ndim == 1 else -1
        if matrix.shape != (n, n):
            raise ValueError(
                "multivariate_normal: mean must have shape (n,) and cov (n, n), got "
                f"{middle.shape} and {matrix.shape}"
            )
        shape = (*self._shape("multivariate_normal", size), n)
        z = self._standard_normal(shape, middle.device, wanted)
        if method == "cholesky":
            root = linalg.cholesky(matrix).T
        elif method == "eigh":
            values, vectors = linalg.eigh(matrix)
            root = (vectors * (values * cast(values > 0, wanted)) ** 0.5).T
        elif method == "svd":
            _, values, vectors = linalg.svd(matrix)
            root = values[:, None] ** 0.5 * vectors
        else:
            raise ValueError(
                f"multivariate_normal: method must be svd, eigh or cholesky, got {method!r}"
            )
        return matmul(z, root) + middle

    def dirichlet(
        self, alpha: npt.ArrayLike | Array, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """Vectors of non-negative numbers that add up to 1; `alpha` has positive parameters.

        Returns
        -------
        Array
            Shape ``(*size, k)`` for `alpha` of shape ``(k,)``.
        """
        _, device, wanted, (parameters,) = self._arguments("dirichlet", None, dtype, alpha=alpha)
        if not isinstance(parameters, Array) or parameters.ndim != 1:
            raise ValueError("dirichlet: alpha must have one dimension")
        shape = (*self._shape("dirichlet", size), *parameters.shape)
        logs = self._log_gamma(shape, device, cast(parameters, float64))
        shares = exp(logs - maximum(logs, axis=-1, keepdims=True))
        return cast(shares / total(shares, axis=-1, keepdims=True), wanted)

    # What the above have in common

    @staticmethod
    def _source(name: str, a: Any, axis: int) -> tuple[int, Array | None]:
        """The number of parts along an axis, and the array, if it is not just a number."""
        if isinstance(a, list | tuple | np.ndarray):
            a = asarray(a)
        if isinstance(a, Array):
            if not a.ndim:
                raise ValueError(f"{name}: needs an array of at least one dimension")
            return a.shape[checked_axis(name, axis, a.ndim)], a
        if isinstance(a, bool | np.bool_) or not isinstance(a, int | np.integer):
            raise TypeError(f"{name}: needs an integer or an array, got {type(a).__name__}")
        if a < 0:
            raise ValueError(f"{name}: the number of elements must be at least 0, got {a}")
        return int(a), None

    def _order(self, n: int, device: Device) -> Array:
        """The numbers below n in a random order: those of 64 random bits each."""
        return argsort(self._draw("random_pair", (n,), device, 2))

    def _race(self, chances: HostArray, device: Device) -> Array:
        """All places, in the order in which they would be drawn with these chances.

        Each gets an exponential number with its chance as the rate; the smallest is first.
        """
        u = self._unit(chances.shape, device, float64, is_open=True)
        times: Array = -log(u) / asarray(chances, device=device)
        return argsort(times)


def _probabilities(p: Any, n: int) -> HostArray:
    """Checked, in float64."""
    host = np.asarray(p.to_device("cpu") if isinstance(p, Array) else p, np.float64)
    if host.shape != (n,):
        raise ValueError(f"choice: p must have shape ({n},), got {host.shape}")
    if not np.all(host >= 0) or abs(host.sum() - 1) > _TOLERANCE:
        raise ValueError("choice: p must not be negative, and add up to 1")
    return host
