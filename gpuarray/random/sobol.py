"""Sobol sequences: points that fill a cube more evenly than random ones.

In: a number of dimensions. Out: a `Sobol`, whose points are computed from their number: each is the
exclusive or of one direction number for every bit of the Gray code of the number.
"""

from __future__ import annotations

import functools
import threading
from importlib.resources import files
from threading import get_ident
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray.array import Array
from gpuarray.creation import asarray
from gpuarray.creation.ranges import iota
from gpuarray.devices import device as find_device
from gpuarray.dtypes import float32, uint32
from gpuarray.graph.tape import recordings
from gpuarray.manipulation import reshape
from gpuarray.operations import TABLE
from gpuarray.operations.philox import random_word
from gpuarray.random.draws import Draws, Seed
from gpuarray.recording import binary, cast

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Sobol"]

Words = npt.NDArray[np.uint32]

_BITS = 32
MOST_DIMENSIONS = 1111
MOST_POINTS = 1 << _BITS


class Sobol:
    """A Sobol sequence in `d` dimensions, also scrambled; the same on every backend.

    Of the first ``2**m`` points each interval ``[k / 2**m, (k + 1) / 2**m)`` of each coordinate has
    just one, so that draw powers of two.

    Parameters
    ----------
    d : int
        The number of dimensions, 1 to 1111.
    scramble : bool, optional
        Whether the points are scrambled: by a random triangular matrix over the bits of each
        coordinate, and a random shift. It keeps how even they are, and makes estimates of errors
        possible. Otherwise the first point is 0.
    seed : int, sequence of int or numpy.random.SeedSequence, optional
        Of the scrambling, as for `Generator`.
    device : Device or str, optional
        Where the points are. None: the default device.

    Attributes
    ----------
    d : int
        The number of dimensions.
    num_generated : int
        How many points have been drawn or skipped.

    Raises
    ------
    TypeError
        `d` is no integer, or the seed is of another type.
    ValueError
        `d` is out of range, or the seed negative.

    References
    ----------
    Direction numbers: S. Joe, F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional
    projections", SIAM J. Sci. Comput. 30, 2635-2654, 2008. Scrambling: J. Matousek, "On the
    L2-discrepancy for anchored boxes", J. Complexity 14, 527-556, 1998.

    Examples
    --------
    >>> from gpuarray.random import Sobol
    >>> Sobol(2, scramble=False).random(4)
    Array([[0.  , 0.  ],
           [0.5 , 0.5 ],
           [0.75, 0.25],
           [0.25, 0.75]], dtype=float64, device='cpu')
    """

    def __init__(
        self,
        d: int,
        *,
        scramble: bool = True,
        seed: Seed = None,
        device: Device | str | None = None,
    ) -> None:
        _check_integer("Sobol", "d", d, 1, MOST_DIMENSIONS)
        self.d = int(d)
        self._device = None if device is None else find_device(device)
        directions = _directions(self.d)
        self._shift: Words = np.zeros(self.d, np.uint32)
        if scramble:
            directions, self._shift = _scrambled(directions, seed)
        self._directions = directions
        self._tables: dict[Device, tuple[Array, Array]] = {}
        self._generated = 0
        self._lock = threading.Lock()
        # As a generator, it may draw only in the recording in which it was made.
        self._recording = recordings.get(get_ident())

    def __repr__(self) -> str:
        return f"<gpuarray.random.Sobol, {self.d} dimensions, {self.num_generated} points drawn>"

    @property
    def num_generated(self) -> int:
        return self._generated

    def random(self, n: int = 1, *, dtype: npt.DTypeLike | None = None) -> Array:
        """The next points.

        Parameters
        ----------
        n : int, optional
            How many.
        dtype : dtype, optional
            float32, of which the 24 highest bits are used, or float64 (None).

        Returns
        -------
        Array
            Shape ``(n, d)``, in [0, 1). Pending.

        Raises
        ------
        TypeError
            `n` is no integer, or `dtype` another.
        ValueError
            `n` is negative, or there are no ``2**32`` points more.
        """
        wanted = Draws._floating("Sobol.random", dtype)
        device = self._device or find_device(None)
        first = self._next("random", n)
        directions, shift = self._table(device)
        number = cast(binary(TABLE["add"], iota(int(n), device), first), uint32)
        gray = reshape(number ^ (number >> 1), (int(n), 1))
        bits = shift
        # Of higher bits all are 0.
        for k in range(max(first + int(n) - 1, 1).bit_length()):
            bits = bits ^ ((gray >> k) & 1) * directions[k]
        if wanted is float32:
            return cast(bits >> 8, wanted) * 2.0**-24
        return cast(bits, wanted) * 2.0**-32

    def random_base2(self, m: int, *, dtype: npt.DTypeLike | None = None) -> Array:
        """The next ``2**m`` points."""
        _check_integer("Sobol.random_base2", "m", m, 0, _BITS)
        return self.random(1 << int(m), dtype=dtype)

    def fast_forward(self, n: int) -> Sobol:
        """Skip the next `n` points; the sequence itself is returned."""
        self._next("fast_forward", n)
        return self

    def reset(self) -> Sobol:
        """Begin with the first point again; the sequence itself is returned."""
        with self._lock:
            self._generated = 0
        return self

    def _next(self, name: str, n: int) -> int:
        """The number of the first of the next `n` points."""
        now = recordings.get(get_ident())
        if now is not None and now is not self._recording:
            now.refuse(
                "a Sobol sequence that was made outside of the function would give the same points "
                "at each replay; draw them outside and pass them as arguments"
            )
        with self._lock:
            _check_integer(f"Sobol.{name}", "n", n, 0, MOST_POINTS - self._generated)
            first = self._generated
            self._generated += int(n)
        return first

    def _table(self, device: Device) -> tuple[Array, Array]:
        """Direction numbers, one row for each bit, and the shift, on a device."""
        found = self._tables.get(device)
        if found is None:
            found = (
                asarray(np.ascontiguousarray(self._directions.T), device=device),
                asarray(self._shift, device=device),
            )
            if get_ident() not in recordings:
                self._tables[device] = found
        return found


def _check_integer(name: str, what: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name}: {what} must be an integer, got {type(value).__name__}")
    if not least <= value <= most:
        raise ValueError(f"{name}: {what} must be from {least} to {most}, got {value}")


@functools.cache
def _joe_kuo() -> tuple[tuple[int, ...], ...]:
    """Polynomial and first direction integers of the dimensions from the second one on."""
    text = files(__package__).joinpath("sobol_directions.txt").read_text("utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return tuple(tuple(map(int, line.split())) for line in lines)


def _directions(d: int) -> Words:
    """The direction numbers of each dimension, of the lowest bit of a point's number first."""
    found = np.empty((d, _BITS), np.uint64)
    found[0] = 1
    for row, (polynomial, *given) in zip(found[1:], _joe_kuo()[: d - 1], strict=True):
        degree = len(given)
        m = list(given)
        for k in range(degree, _BITS):
            new = m[k - degree] ^ m[k - degree] << degree
            for i in range(1, degree):
                if polynomial >> (degree - i) & 1:
                    new ^= m[k - i] << i
            m.append(new)
        row[...] = m
    return (found << np.arange(_BITS - 1, -1, -1, dtype=np.uint64)).astype(np.uint32)


def _scrambled(directions: Words, seed: Seed) -> tuple[Words, Words]:
    """Direction numbers times a random matrix, unit lower triangular, for each dimension; a shift.

    Bits are counted from the highest one down.
    """
    d = len(directions)
    # On the host, so that a compiled function may make a sequence.
    index = np.arange(d * (_BITS + 1), dtype=np.uint64)
    words = random_word(index, np.asarray(Draws(seed)._key, np.uint64)).reshape(d, _BITS + 1)
    place = np.arange(_BITS, dtype=np.uint32)
    # Row p has a 1 at bit p and random bits at those before it.
    diagonal = np.uint32(1) << (np.uint32(_BITS - 1) - place)
    rows = words[:, :_BITS] & ~(diagonal | (diagonal - np.uint32(1))) | diagonal
    made = np.zeros_like(directions)
    for p in range(_BITS):
        parity = np.bitwise_count(rows[:, p, None] & directions) & 1
        made |= parity.astype(np.uint32) << np.uint32(_BITS - 1 - p)
    return made, np.ascontiguousarray(words[:, _BITS])
