"""The generator: its seed, its state, and others that are independent of it.

In: a seed. Out: a `Generator`, whose methods are NumPy's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpuarray.random.draws import Seed
from gpuarray.random.sequences import Sequences

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Generator", "default_rng"]


class Generator(Sequences):
    """Random numbers: the same from the same seed on every backend and device.

    Each number is a function of the seed and of its position in the sequence (Philox 4x32 with 10
    rounds), which a kernel computes where it needs it: a draw is recorded like any operation, and
    fuses with what is around it. Draws of one kind continue each other: two of 5 are one of 10.

    Parameters
    ----------
    seed : int, sequence of int or numpy.random.SeedSequence, optional
        Any size, not negative. None: one that the operating system makes up.
    device : Device or str, optional
        Where the numbers are. None: where the parameters are, or else the default device.

    Raises
    ------
    TypeError
        The seed is of another type.
    ValueError
        The seed is negative.

    Notes
    -----
    A generator may be used in several threads, whose draws then come in any order; a generator of
    `spawn` for each makes them reproducible. Within a function of `gpuarray.compile` only
    generators that are made there can be used.

    References
    ----------
    J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2,
    3", SC 2011. The distributions: https://numpy.org/doc/stable/reference/random/generator.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> rng = xp.random.Generator(7)
    >>> sample = rng.normal(10.0, 2.0, size=(1000, 1000), dtype="float32")
    >>> round(float(xp.mean(sample)), 1), round(float(xp.std(sample)), 1)
    (10.0, 2.0)
    """

    def __repr__(self) -> str:
        return f"<gpuarray.random.Generator, key {self._key:#018x}, position {self._position}>"

    @property
    def state(self) -> dict[str, int]:
        """Key and position, to be kept and set again: what follows is then the same."""
        with self._lock:
            return {"key": self._key, "position": self._position}

    @state.setter
    def state(self, value: dict[str, int]) -> None:
        try:
            key, position = int(value["key"]), int(value["position"])
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f"Generator: a state has the integers 'key' and 'position', got {value!r}"
            ) from None
        if not 0 <= key < 1 << 64 or not 0 <= position < 1 << 63:
            raise ValueError(f"Generator: a state must not be negative or too large, got {value!r}")
        with self._lock:
            self._key, self._position = key, position

    def spawn(self, n_children: int) -> list[Generator]:
        """Generators that are independent of this one and of each other.

        Parameters
        ----------
        n_children : int
            How many.

        Examples
        --------
        >>> from gpuarray.random import Generator
        >>> first, second = Generator(7).spawn(2)
        >>> float(first.random()) == float(second.random())
        False
        """
        if isinstance(n_children, bool) or not isinstance(n_children, int) or n_children < 0:
            raise ValueError(
                f"Generator.spawn: n_children must be an integer of at least 0, got {n_children!r}"
            )
        return [Generator(seed, device=self._device) for seed in self._seed.spawn(n_children)]

    def __getstate__(self) -> dict[str, Any]:
        device = None if self._device is None else str(self._device)
        return {"seed": self._seed, "device": device, "state": self.state}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        Generator.__init__(self, saved["seed"], device=saved["device"])
        self.state = saved["state"]


def default_rng(seed: Seed | Generator = None, *, device: Device | str | None = None) -> Generator:
    """A generator with this seed; a generator as it is, as NumPy's function of that name.

    Examples
    --------
    >>> from gpuarray.random import default_rng
    >>> default_rng(3).integers(10, size=4).shape
    (4,)
    """
    if isinstance(seed, Generator):
        return seed
    return Generator(seed, device=device)
