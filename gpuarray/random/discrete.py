"""Discrete distributions: integers in a range, and counts.

In: parameters, sizes and integer dtypes. Out: arrays of integers with pending draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray.arguments import checked_flag, checked_real
from gpuarray.array import Array
from gpuarray.creation import asarray
from gpuarray.devices import device as find_device
from gpuarray.dtypes import INTEGER_BOUNDS, canonical, float64, int64, uint64
from gpuarray.elementwise import ceil, log1p, maximum
from gpuarray.manipulation import broadcast_to, stack
from gpuarray.operations import TABLE
from gpuarray.random.draws import Draws, Parameter, Size, check_not_negative
from gpuarray.recording import binary, cast
from gpuarray.searching import where

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Discrete"]

# A range up to which 64 random bits are shared out without a trace: one in 2**32 is favoured.
_SMALL = 1 << 32
# The largest mean of which a count still fits int64.
_LARGEST_MEAN = 9.0e18
# The most things of which some are drawn without replacement, as in NumPy.
_MOST_THINGS = 10**9


class Discrete(Draws):
    """The discrete distributions of `Generator`."""

    def integers(
        self, low: int | Array, high: int | Array | None = None, size: Size = None, *,
        dtype: npt.DTypeLike = int64, endpoint: bool = False,
    ) -> Array:  # fmt: skip
        """Integers from `low` up to, and without, `high`, all equally likely.

        Parameters
        ----------
        low, high : int or Array of integers
            The range; from 0 to `low` if `high` is None. An element of arrays whose range is empty
            gives `low`.
        size : int or tuple of int, optional
            The shape; None: that of the parameters.
        dtype : dtype, optional
            Of the result, an integer one; the range has to fit it.
        endpoint : bool, optional
            Whether `high` is in the range.

        Returns
        -------
        Array
            The same on every backend. No integer is more likely than another by more than one in
            2**32; in ranges that are wider than that, or given as arrays, one in 2**64.

        Raises
        ------
        TypeError
            A bound is no integer, or `dtype` no integer dtype.
        ValueError
            The range is empty, or does not fit `dtype`; the shapes do not match.

        Examples
        --------
        >>> import gpuarray as xp
        >>> throws = xp.random.Generator(1).integers(1, 6, size=1000, endpoint=True)
        >>> int(xp.min(throws)), int(xp.max(throws))
        (1, 6)
        """
        wanted = canonical(dtype)
        if wanted.kind not in "iu":
            raise TypeError(f"integers: dtype must be an integer dtype, got {wanted}")
        endpoint = checked_flag("integers", "endpoint", endpoint)
        if high is None:
            low, high = 0, low
        bounds = [self._bound(what, x) for what, x in (("low", low), ("high", high))]
        arrays = [x for x in bounds if isinstance(x, Array)]
        shape = self._shape("integers", size, *arrays)
        if arrays:
            return self._between_arrays(bounds[0], bounds[1], shape, wanted, endpoint)
        first, last = bounds[0], bounds[1] - (0 if endpoint else 1)
        least, most = INTEGER_BOUNDS[wanted]
        if first > last:
            raise ValueError(f"integers: no integer from low={low} to high={high}")
        if first < least or last > most:
            raise ValueError(
                f"integers: low={low} to high={high} does not fit {wanted}, {least} to {most}"
            )
        device = self._device or find_device(None)
        found = self._below(last - first + 1, shape, device)
        return cast(binary(TABLE["add"], found, first % (1 << 64)), wanted)

    def _below(self, bound: int, shape: tuple[int, ...], device: Device) -> Array:
        """uint64 below `bound`, a number up to 2**64."""
        if bound < _SMALL:
            return self._draw("random_small", shape, device, 2, bound)
        if bound in (_SMALL, 1 << 64):
            bits = self._draw("random_pair", shape, device, 2)
            return bits >> 32 if bound == _SMALL else bits
        return self._draw("random_below", shape, device, 4, bound)

    def _between_arrays(
        self, low: Any, high: Any, shape: tuple[int, ...], wanted: np.dtype[Any], endpoint: bool
    ) -> Array:
        wide = uint64 if wanted is uint64 else int64
        device = next(x.device for x in (low, high) if isinstance(x, Array))
        first, end = (
            cast(x, wide) if isinstance(x, Array) else asarray(x, dtype=wide, device=device)
            for x in (low, high)
        )
        if endpoint:
            end = end + 1
        bound = where(end > first, cast(end, uint64) - cast(first, uint64), 0)
        found = self._draw("random_below", shape, device, 4, bound)
        return cast(found + cast(first, uint64), wanted)

    def _bound(self, what: str, value: Any) -> Any:
        if isinstance(value, list | tuple | np.ndarray):
            value = asarray(value, device=self._device)
        if isinstance(value, Array):
            if value.dtype.kind not in "iu":
                raise TypeError(f"integers: {what} must be an integer, got {value.dtype}")
            return value
        if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
            raise TypeError(f"integers: {what} must be an integer, got {type(value).__name__}")
        return int(value)

    def poisson(
        self, lam: Parameter = 1.0, size: Size = None, *, dtype: npt.DTypeLike = int64
    ) -> Array:
        """How often something happens that happens `lam` times on average.

        By inversion, from a mean of 10 on by Hoermann's transformed rejection (1993).

        Raises
        ------
        ValueError
            `lam` is negative, or so large that the count need not fit int64.
        """
        shape, device, _, (mean,) = self._arguments("poisson", size, lam=lam)
        check_not_negative("poisson", "lam", mean)
        if not isinstance(mean, Array) and mean > _LARGEST_MEAN:
            raise ValueError(f"poisson: lam must be at most {_LARGEST_MEAN}, got {mean}")
        return self._count(
            "poisson", self._by_attempts("random_poisson", shape, device, mean), dtype
        )

    def binomial(
        self, n: int | Array, p: Parameter, size: Size = None, *, dtype: npt.DTypeLike = int64
    ) -> Array:
        """How many of `n` trials succeed, each with probability `p`.

        By inversion, or, from ``n * min(p, 1 - p)`` of 10 on, by Hoermann's transformed rejection
        (1993).

        Raises
        ------
        ValueError
            `n` is negative, or `p` not in [0, 1].
        """
        shape, device, _, (trials, chance) = self._arguments("binomial", size, n=n, p=p)
        check_not_negative("binomial", "n", trials)
        _check_probability("binomial", chance)
        found = self._by_attempts("random_binomial", shape, device, trials, chance)
        return self._count("binomial", found, dtype)

    def geometric(self, p: Parameter, size: Size = None, *, dtype: npt.DTypeLike = int64) -> Array:
        """How many trials there are up to the first success, of probability `p` in (0, 1]."""
        shape, device, _, (chance,) = self._arguments("geometric", size, p=p)
        _check_probability("geometric", chance, positive=True)
        u = self._unit(shape, device, float64, is_open=True)
        base = asarray(chance, dtype=float64, device=device)
        trials = maximum(ceil(log1p(-u) / log1p(-base)), 1.0)
        return self._count("geometric", trials, dtype)

    def negative_binomial(
        self, n: Parameter, p: Parameter, size: Size = None, *, dtype: npt.DTypeLike = int64
    ) -> Array:
        """How many trials fail before `n` succeed: Poisson numbers with gamma distributed means.

        `n` is positive and need not be whole, `p` is in (0, 1].
        """
        shape, device, _, (successes, chance) = self._arguments("negative_binomial", size, n=n, p=p)
        check_not_negative("negative_binomial", "n", successes, positive=True)
        _check_probability("negative_binomial", chance, positive=True)
        mean = self._by_attempts("random_gamma", shape, device, successes)
        mean = mean * ((1.0 - chance) / chance)
        found = self._by_attempts("random_poisson", shape, device, mean)
        return self._count("negative_binomial", found, dtype)

    def hypergeometric(
        self, ngood: int | Array, nbad: int | Array, nsample: int | Array, size: Size = None, *,
        dtype: npt.DTypeLike = int64,
    ) -> Array:  # fmt: skip
        """How many good ones there are among `nsample` drawn without putting any back.

        Up to 10 are drawn one by one, more by Stadlober's ratio of uniforms (1990).

        Raises
        ------
        ValueError
            A number is negative, more are drawn than there are, or there are more than 10**9.
        """
        shape, device, _, (good, bad, drawn) = self._arguments(
            "hypergeometric", size, ngood=ngood, nbad=nbad, nsample=nsample
        )
        for what, value in (("ngood", good), ("nbad", bad), ("nsample", drawn)):
            check_not_negative("hypergeometric", what, value)
        if not isinstance(good, Array) and not isinstance(bad, Array):
            if good + bad > _MOST_THINGS:
                raise ValueError(
                    f"hypergeometric: ngood + nbad must be at most {_MOST_THINGS}, got {good + bad}"
                )
            if not isinstance(drawn, Array) and drawn > good + bad:
                raise ValueError(
                    f"hypergeometric: nsample must be at most ngood + nbad = {good + bad:.0f}, got "
                    f"{drawn:.0f}"
                )
        found = self._by_attempts("random_hypergeometric", shape, device, good, bad, drawn)
        return self._count("hypergeometric", found, dtype)

    def zipf(self, a: Parameter, size: Size = None, *, dtype: npt.DTypeLike = int64) -> Array:
        """Counts k >= 1 with chances proportional to ``k**-a``; `a` is above 1.

        By Devroye's rejection (1986). What would not fit int64 is not drawn.
        """
        shape, device, _, (exponent,) = self._arguments("zipf", size, a=a)
        if not isinstance(exponent, Array) and not exponent > 1:
            raise ValueError(f"zipf: a must be greater than 1, got {exponent}")
        found = self._by_attempts("random_zipf", shape, device, exponent)
        return self._count("zipf", found, dtype)

    def logseries(self, p: Parameter, size: Size = None, *, dtype: npt.DTypeLike = int64) -> Array:
        """Counts k >= 1 with chances proportional to ``p**k / k``; `p` is in [0, 1).

        By Kemp's method LK (1981).
        """
        shape, device, _, (chance,) = self._arguments("logseries", size, p=p)
        if not isinstance(chance, Array) and not 0 <= chance < 1:
            raise ValueError(f"logseries: p must be in [0, 1), got {chance}")
        found = self._by_attempts("random_logseries", shape, device, chance)
        return self._count("logseries", found, dtype)

    def multinomial(
        self, n: int, pvals: npt.ArrayLike, size: Size = None, *, dtype: npt.DTypeLike = int64
    ) -> Array:
        """How often each of several outcomes comes up in `n` trials.

        Parameters
        ----------
        n : int
            The number of trials.
        pvals : sequence of float
            The probabilities of the ``k`` outcomes; the last one is what the others leave.
        size : int or tuple of int, optional
            How often all trials are made.
        dtype : dtype, optional
            An integer dtype.

        Returns
        -------
        Array
            Shape ``(*size, k)``; each row adds up to `n`.

        Raises
        ------
        ValueError
            `n` is negative, or the probabilities are not between 0 and 1 or add up to more than 1.
        """
        chances = np.asarray(pvals, np.float64)
        if chances.ndim != 1 or not chances.size:
            raise ValueError(f"multinomial: pvals must be a sequence, got shape {chances.shape}")
        if not np.all((chances >= 0) & (chances <= 1)) or chances[:-1].sum() > 1 + 1e-12:
            raise ValueError("multinomial: pvals must lie in [0, 1] and add up to 1")
        trials = checked_real("multinomial", "n", n, "an integer")
        check_not_negative("multinomial", "n", trials)
        shape = self._shape("multinomial", size)
        device = self._device or find_device(None)
        left = asarray(trials, dtype=float64, device=device)
        found = []
        remaining = 1.0
        for chance in chances[:-1].tolist():
            share = min(chance / remaining, 1.0) if remaining > 0 else 0.0
            drawn = self._by_attempts("random_binomial", shape, device, left, share)
            found.append(drawn)
            left = left - drawn
            remaining -= chance
        found.append(broadcast_to(left, shape))
        return stack([self._count("multinomial", x, dtype) for x in found], axis=-1)

    @staticmethod
    def _count(name: str, found: Array, dtype: npt.DTypeLike) -> Array:
        wanted = canonical(dtype)
        if wanted.kind not in "iu":
            raise TypeError(f"{name}: dtype must be an integer dtype, got {wanted}")
        return cast(found, wanted)


def _check_probability(name: str, value: Any, *, positive: bool = False) -> None:
    if isinstance(value, Array):
        return
    if not 0 <= value <= 1 or (positive and value == 0):
        wanted = "(0, 1]" if positive else "[0, 1]"
        raise ValueError(f"{name}: p must be in {wanted}, got {value}")
