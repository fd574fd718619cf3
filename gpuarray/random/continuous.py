"""Continuous distributions: each a formula of uniform or normal numbers, which fuses.

In: parameters, sizes and dtypes. Out: arrays with pending draws. A parameter is a number or an
array; the result has the shape that they broadcast to, or `size`. Numbers are checked; for an
element of an array that no distribution has, the draw is NaN or follows the formula.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray.array import Array
from gpuarray.dtypes import float64
from gpuarray.elementwise import abs as absolute
from gpuarray.elementwise import exp, expm1, log, log1p, remainder, sign, sqrt, tan
from gpuarray.random.draws import Draws, Parameter, Size, check_not_negative
from gpuarray.recording import cast
from gpuarray.searching import where

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Continuous"]


class Continuous(Draws):
    """The continuous distributions of `Generator`."""

    def random(self, size: Size = None, *, dtype: npt.DTypeLike | None = None) -> Array:
        """Numbers in [0, 1), all equally likely.

        Parameters
        ----------
        size : int or tuple of int, optional
            The shape; None: a 0-dimensional array.
        dtype : dtype, optional
            float32, in multiples of 2**-24, or float64 (None), in multiples of 2**-53.

        Returns
        -------
        Array
            The same bits on every backend.

        Examples
        --------
        >>> from gpuarray.random import Generator
        >>> Generator(1).random(3, dtype="float32").dtype
        dtype('float32')
        """
        shape, device, wanted, _ = self._arguments("random", size, dtype)
        return self._unit(shape, device, wanted)

    def uniform(
        self, low: Parameter = 0.0, high: Parameter = 1.0, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """Numbers in [low, high); rounding may give `high` itself, as in NumPy."""
        shape, device, wanted, (a, b) = self._arguments("uniform", size, dtype, low=low, high=high)
        return self._unit(shape, device, wanted) * (b - a) + a

    def standard_normal(self, size: Size = None, *, dtype: npt.DTypeLike | None = None) -> Array:
        """Normal numbers with mean 0 and standard deviation 1.

        By Box and Muller's transform, in additions, products, quotients and roots that every
        backend rounds alike: the same bits on each. The largest float32 is 6.76, the largest
        float64 8.65.

        Examples
        --------
        >>> from gpuarray.random import Generator
        >>> Generator(1).standard_normal((2, 3)).shape
        (2, 3)
        """
        shape, device, wanted, _ = self._arguments("standard_normal", size, dtype)
        return self._standard_normal(shape, device, wanted)

    def normal(
        self, loc: Parameter = 0.0, scale: Parameter = 1.0, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """Normal numbers with mean `loc` and standard deviation `scale`, which is at least 0."""
        shape, device, wanted, (mean, deviation) = self._arguments(
            "normal", size, dtype, loc=loc, scale=scale
        )
        check_not_negative("normal", "scale", deviation)
        return self._standard_normal(shape, device, wanted) * deviation + mean

    def lognormal(
        self, mean: Parameter = 0.0, sigma: Parameter = 1.0, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """Numbers whose logarithm is normal with this mean and standard deviation."""
        return exp(self.normal(mean, sigma, size, dtype=dtype))

    def standard_exponential(
        self, size: Size = None, *, dtype: npt.DTypeLike | None = None
    ) -> Array:
        """Exponential numbers with mean 1."""
        shape, device, wanted, _ = self._arguments("standard_exponential", size, dtype)
        return -self._log_unit(shape, device, wanted)

    def exponential(
        self, scale: Parameter = 1.0, size: Size = None, *, dtype: npt.DTypeLike | None = None
    ) -> Array:
        """Exponential numbers with mean `scale`, which is at least 0."""
        shape, device, wanted, (mean,) = self._arguments("exponential", size, dtype, scale=scale)
        check_not_negative("exponential", "scale", mean)
        return -self._log_unit(shape, device, wanted) * mean

    def laplace(
        self, loc: Parameter = 0.0, scale: Parameter = 1.0, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """Laplace's double exponential distribution around `loc`; `scale` is at least 0."""
        shape, device, wanted, (middle, width) = self._arguments(
            "laplace", size, dtype, loc=loc, scale=scale
        )
        check_not_negative("laplace", "scale", width)
        v = self._unit(shape, device, wanted, is_open=True) - 0.5
        return middle - sign(v) * log1p(-2.0 * absolute(v)) * width

    def logistic(
        self, loc: Parameter = 0.0, scale: Parameter = 1.0, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """The logistic distribution around `loc`; `scale` is at least 0."""
        shape, device, wanted, (middle, width) = self._arguments(
            "logistic", size, dtype, loc=loc, scale=scale
        )
        check_not_negative("logistic", "scale", width)
        u = self._unit(shape, device, wanted, is_open=True)
        return log(u / (1.0 - u)) * width + middle

    def gumbel(
        self, loc: Parameter = 0.0, scale: Parameter = 1.0, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """Gumbel's distribution of maxima with mode `loc`; `scale` is at least 0."""
        shape, device, wanted, (mode, width) = self._arguments(
            "gumbel", size, dtype, loc=loc, scale=scale
        )
        check_not_negative("gumbel", "scale", width)
        return mode - log(-log(self._unit(shape, device, wanted, is_open=True))) * width

    def standard_cauchy(self, size: Size = None, *, dtype: npt.DTypeLike | None = None) -> Array:
        """Cauchy's distribution, the ratio of two normal numbers."""
        shape, device, wanted, _ = self._arguments("standard_cauchy", size, dtype)
        return tan((self._unit(shape, device, wanted, is_open=True) - 0.5) * math.pi)

    def weibull(
        self, a: Parameter, size: Size = None, *, dtype: npt.DTypeLike | None = None
    ) -> Array:
        """Weibull's distribution with shape `a`, which is positive, and scale 1."""
        shape, device, wanted, (form,) = self._arguments("weibull", size, dtype, a=a)
        check_not_negative("weibull", "a", form, positive=True)
        return (-self._log_unit(shape, device, wanted)) ** (1.0 / form)

    def pareto(
        self, a: Parameter, size: Size = None, *, dtype: npt.DTypeLike | None = None
    ) -> Array:
        """Pareto's second distribution (Lomax) with shape `a`, which is positive."""
        shape, device, wanted, (form,) = self._arguments("pareto", size, dtype, a=a)
        check_not_negative("pareto", "a", form, positive=True)
        return expm1(-self._log_unit(shape, device, wanted) / form)

    def power(
        self, a: Parameter, size: Size = None, *, dtype: npt.DTypeLike | None = None
    ) -> Array:
        """Numbers in [0, 1] with density ``a * x ** (a - 1)``; `a` is positive."""
        shape, device, wanted, (form,) = self._arguments("power", size, dtype, a=a)
        check_not_negative("power", "a", form, positive=True)
        return (1.0 - self._unit(shape, device, wanted)) ** (1.0 / form)

    def rayleigh(
        self, scale: Parameter = 1.0, size: Size = None, *, dtype: npt.DTypeLike | None = None
    ) -> Array:
        """The length of a vector of two normal numbers with standard deviation `scale`."""
        shape, device, wanted, (mode,) = self._arguments("rayleigh", size, dtype, scale=scale)
        check_not_negative("rayleigh", "scale", mode)
        return sqrt(-2.0 * self._log_unit(shape, device, wanted)) * mode

    def triangular(
        self, left: Parameter, mode: Parameter, right: Parameter, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """Numbers between `left` and `right` whose density rises to `mode` and falls after it.

        Raises
        ------
        ValueError
            Numbers with ``left <= mode <= right`` and ``left < right`` are needed.
        """
        shape, device, wanted, (a, c, b) = self._arguments(
            "triangular", size, dtype, left=left, mode=mode, right=right
        )
        if not any(isinstance(x, Array) for x in (a, b, c)) and not (a <= c <= b and a < b):
            raise ValueError(
                f"triangular: left <= mode <= right and left < right needed, got {a}, {c}, {b}"
            )
        u = self._unit(shape, device, wanted)
        rising = a + sqrt(u * ((b - a) * (c - a)))
        return where(u * (b - a) < c - a, rising, b - sqrt((1.0 - u) * ((b - a) * (b - c))))

    def vonmises(
        self, mu: Parameter, kappa: Parameter, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """Angles in [-pi, pi] about `mu`, the closer the larger `kappa` is, which may be 0.

        By the rejection of Best and Fisher, 1979.
        """
        shape, device, wanted, (middle, concentration) = self._arguments(
            "vonmises", size, dtype, mu=mu, kappa=kappa
        )
        check_not_negative("vonmises", "kappa", concentration)
        angle = self._by_attempts("random_vonmises", shape, device, concentration)
        turned = angle + (cast(middle, float64) if isinstance(middle, Array) else middle)
        return cast(remainder(turned + math.pi, 2 * math.pi) - math.pi, wanted)

    def wald(
        self, mean: Parameter, scale: Parameter, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """Wald's inverse Gaussian distribution; both parameters are positive.

        By the transformation with multiple roots of Michael, Schucany and Haas, 1976.
        """
        shape, device, wanted, (mu, width) = self._arguments(
            "wald", size, dtype, mean=mean, scale=scale
        )
        check_not_negative("wald", "mean", mu, positive=True)
        check_not_negative("wald", "scale", width, positive=True)
        z = self._standard_normal(shape, device, wanted)
        y = z * z * mu
        x = mu + (y - sqrt(y * (4.0 * width + y))) * (mu / (2.0 * width))
        u = self._unit(shape, device, wanted)
        return where(u * (mu + x) <= mu, x, mu * mu / x)

    def _log_unit(self, shape: tuple[int, ...], device: Device, dtype: np.dtype[Any]) -> Array:
        """Logarithms of numbers in (0, 1]: 1 minus a multiple of 2**-24 or 2**-53 is exact."""
        return log(1.0 - self._unit(shape, device, dtype))

    # Of the gamma family

    def standard_gamma(
        self, shape: Parameter, size: Size = None, *, dtype: npt.DTypeLike | None = None
    ) -> Array:
        """Gamma distributed numbers with this shape parameter, at least 0, and scale 1.

        By Marsaglia and Tsang's method (2000), in float64 whatever the dtype.
        """
        form, device, wanted, (k,) = self._arguments("standard_gamma", size, dtype, shape=shape)
        check_not_negative("standard_gamma", "shape", k)
        return cast(self._by_attempts("random_gamma", form, device, k), wanted)

    def gamma(
        self, shape: Parameter, scale: Parameter = 1.0, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """Gamma distributed numbers; mean ``shape * scale``, neither of which is negative."""
        form, device, wanted, (k, width) = self._arguments(
            "gamma", size, dtype, shape=shape, scale=scale
        )
        check_not_negative("gamma", "shape", k)
        check_not_negative("gamma", "scale", width)
        return cast(self._by_attempts("random_gamma", form, device, k), wanted) * width

    def chisquare(
        self, df: Parameter, size: Size = None, *, dtype: npt.DTypeLike | None = None
    ) -> Array:
        """The sum of squares of `df` normal numbers, which is positive and need not be whole."""
        form, device, wanted, (freedom,) = self._arguments("chisquare", size, dtype, df=df)
        check_not_negative("chisquare", "df", freedom, positive=True)
        found = self._by_attempts("random_gamma", form, device, freedom * 0.5)
        return cast(found * 2.0, wanted)

    def noncentral_chisquare(
        self, df: Parameter, nonc: Parameter, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """The sum of squares of `df` normal numbers with means whose squares add up to `nonc`."""
        form, device, wanted, (freedom, distance) = self._arguments(
            "noncentral_chisquare", size, dtype, df=df, nonc=nonc
        )
        check_not_negative("noncentral_chisquare", "df", freedom, positive=True)
        check_not_negative("noncentral_chisquare", "nonc", distance)
        extra = self._by_attempts("random_poisson", form, device, distance * 0.5)
        found = self._by_attempts("random_gamma", form, device, extra + freedom * 0.5)
        return cast(found * 2.0, wanted)

    def standard_t(
        self, df: Parameter, size: Size = None, *, dtype: npt.DTypeLike | None = None
    ) -> Array:
        """Student's t distribution with `df` degrees of freedom, a positive number."""
        form, device, wanted, (freedom,) = self._arguments("standard_t", size, dtype, df=df)
        check_not_negative("standard_t", "df", freedom, positive=True)
        squares = self._by_attempts("random_gamma", form, device, freedom * 0.5) * 2.0
        return cast(self._standard_normal(form, device, wanted) / sqrt(squares / freedom), wanted)

    def f(
        self, dfnum: Parameter, dfden: Parameter, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """Fisher's F distribution, of two positive degrees of freedom."""
        form, device, wanted, (above, below) = self._arguments(
            "f", size, dtype, dfnum=dfnum, dfden=dfden
        )
        check_not_negative("f", "dfnum", above, positive=True)
        check_not_negative("f", "dfden", below, positive=True)
        x = self._by_attempts("random_gamma", form, device, above * 0.5)
        y = self._by_attempts("random_gamma", form, device, below * 0.5)
        return cast((x / above) / (y / below), wanted)

    def beta(
        self, a: Parameter, b: Parameter, size: Size = None, *,
        dtype: npt.DTypeLike | None = None,
    ) -> Array:  # fmt: skip
        """Beta distributed numbers in [0, 1]; `a` and `b` are positive, and may be tiny."""
        form, device, wanted, (p, q) = self._arguments("beta", size, dtype, a=a, b=b)
        check_not_negative("beta", "a", p, positive=True)
        check_not_negative("beta", "b", q, positive=True)
        x = self._log_gamma(form, device, p)
        y = self._log_gamma(form, device, q)
        return cast(1.0 / (1.0 + exp(y - x)), wanted)

    def _log_gamma(self, form: tuple[int, ...], device: Device, shape: Any) -> Array:
        """Logarithms of gamma variates, float64, which do not underflow where the shape is tiny."""
        above = self._by_attempts("random_gamma", form, device, shape + 1.0)
        powers: Array = log(self._unit(form, device, float64, is_open=True)) / shape
        return log(above) + powers
