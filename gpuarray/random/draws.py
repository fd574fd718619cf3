"""What all distributions are made of: a key, a position in its sequence, and raw draws.

In: a seed. Out: arrays with pending random bits, numbers in an interval, and normal numbers, each a
function of the key and the element's position. The position is on the host and is all that changes.
"""

from __future__ import annotations

import math
import threading
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gpuarray.arguments import checked_real, checked_shape
from gpuarray.array import Array
from gpuarray.creation import asarray
from gpuarray.creation.ranges import iota
from gpuarray.devices import device as find_device
from gpuarray.dtypes import canonical, float32, float64, uint64
from gpuarray.graph.tape import recordings
from gpuarray.manipulation import reshape
from gpuarray.operations import RANDOM, TABLE
from gpuarray.recording import binary, broadcast_shapes, cast, full, record

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Draws", "Parameter", "Seed", "Size"]

DType = np.dtype[Any]
Shape = tuple[int, ...]
Size: TypeAlias = int | tuple[int, ...] | None
Parameter: TypeAlias = float | Array | npt.ArrayLike
Seed: TypeAlias = int | list[int] | tuple[int, ...] | np.random.SeedSequence | None

# The two words of a pair: as much as a float64 or an int64 takes.
_WORDS_OF_PAIR = 2


class Draws:
    """A key and a position; the base of `Generator`.

    Positions count 32-bit words. What takes 64 bits begins at an even one.
    """

    def __init__(self, seed: Seed = None, *, device: Device | str | None = None) -> None:
        if isinstance(seed, np.random.SeedSequence):
            self._seed = seed
        else:
            self._seed = np.random.SeedSequence(_checked_seed(seed))
        self._device = None if device is None else find_device(device)
        self._key = int(self._seed.generate_state(1, np.uint64)[0])
        self._position = 0
        self._lock = threading.Lock()
        # What is being recorded where the generator was made: it may draw there only.
        self._recording = recordings.get(get_ident())

    def _draw(
        self, name: str, shape: Shape, device: Device, words: int, *bounds: Array | int
    ) -> Array:
        """An operation of the table `RANDOM` on the next positions, `words` words each."""
        index = self._next(shape, device, words)
        if bounds:
            inputs = tuple(x._node if isinstance(x, Array) else x for x in bounds)
            key = full((), self._key, uint64, device)
            dtype = RANDOM[name].results[uint64]
            operands = (index._node, key._node, *inputs)
            return record(RANDOM[name], operands, None, dtype, index.shape, device)
        return binary(RANDOM[name], index, self._key)

    def _next(self, shape: Shape, device: Device, words: int) -> Array:
        """The next positions, in units of `words` words."""
        now = recordings.get(get_ident())
        if now is not None and now is not self._recording:
            now.refuse(
                "a random generator that was made outside of the function would give the same "
                "numbers at each replay; draw them outside and pass them as arguments"
            )
        count = math.prod(shape)
        with self._lock:
            first = -(-self._position // words)
            self._position = (first + count) * words
        index = cast(binary(TABLE["add"], iota(count, device), first), uint64)
        return index if len(shape) == 1 else reshape(index, shape)

    # Numbers of which the distributions are made

    def _unit(self, shape: Shape, device: Device, dtype: DType, *, is_open: bool = False) -> Array:
        """Uniform in [0, 1): multiples of 2**-24 or 2**-53; or, open, in the middle of parts."""
        single = dtype is float32
        words = 1 if single else _WORDS_OF_PAIR
        if not is_open:
            return self._draw(
                "random_unit" if single else "random_unit_double", shape, device, words
            )
        shift, scale = (9, 2.0**-23) if single else (12, 2.0**-52)
        bits = self._draw("random_word" if single else "random_pair", shape, device, words)
        return (cast(binary(TABLE["bitwise_right_shift"], bits, shift), dtype) + 0.5) * scale

    def _standard_normal(self, shape: Shape, device: Device, dtype: DType) -> Array:
        if dtype is float32:
            return self._draw("random_normal", shape, device, 1)
        return self._draw("random_normal_double", shape, device, _WORDS_OF_PAIR)

    def _by_attempts(
        self, name: str, shape: Shape, device: Device, *parameters: Array | float
    ) -> Array:
        """An operation that tries until it accepts, with a sequence for each element; float64."""
        state = self._draw("random_pair", shape, device, _WORDS_OF_PAIR)
        operands = tuple(
            cast(x, float64)._node if isinstance(x, Array) else float(x) for x in parameters
        )
        return record(RANDOM[name], (state._node, *operands), None, float64, shape, device)

    # Arguments

    def _arguments(
        self, name: str, size: Size, dtype: npt.DTypeLike | None = None, **parameters: Parameter
    ) -> tuple[Shape, Device, DType, list[Array | float]]:
        """The result's shape, device and dtype, and the parameters: Python floats, or arrays."""
        wanted = self._floating(name, dtype)
        device = self._device
        found: list[Array | float] = []
        for what, value in parameters.items():
            if isinstance(value, Array):
                array = value
            elif isinstance(value, list | tuple | np.ndarray):
                array = asarray(value, device=device)
            else:
                found.append(checked_real(name, what, value, "a real number or an array"))
                continue
            if array.dtype.kind not in "iuf":
                raise TypeError(f"{name}: {what} must be real, got an array of {array.dtype}")
            if device is not None and array.device is not device:
                raise ValueError(
                    f"{name}: {what} is on {str(array.device)!r}, the numbers are drawn on "
                    f"{str(device)!r}; move it with to_device() first"
                )
            device = array.device
            found.append(cast(array, wanted))
        shape = self._shape(name, size, *[x for x in found if isinstance(x, Array)])
        return shape, device or find_device(None), wanted, found

    @staticmethod
    def _shape(name: str, size: Size, *arrays: Array) -> Shape:
        """The shape asked for, which the parameters must broadcast to; None: theirs."""
        common = broadcast_shapes(name, *(x.shape for x in arrays))
        if size is None:
            return common
        shape = checked_shape(name, size)
        if common and broadcast_shapes(name, shape, common) != shape:
            raise ValueError(
                f"{name}: size {shape} must be a shape that the parameters, of shape {common}, "
                "broadcast to"
            )
        return shape

    @staticmethod
    def _floating(name: str, dtype: npt.DTypeLike | None) -> DType:
        wanted = float64 if dtype is None else canonical(dtype)
        if wanted is not float32 and wanted is not float64:
            raise TypeError(f"{name}: dtype must be float32 or float64, got {wanted}")
        return wanted


def check_not_negative(name: str, what: str, value: Any, *, positive: bool = False) -> None:
    """Raise `ValueError` for a negative number, or one that is not positive; arrays hold any."""
    if not isinstance(value, Array) and (value < 0 or (positive and value == 0) or value != value):
        wanted = "positive" if positive else "at least 0"
        raise ValueError(f"{name}: {what} must be {wanted}, got {value!r}")


def _checked_seed(seed: Any) -> Any:
    """The seed as `numpy.random.SeedSequence` takes it."""
    given = list(seed) if isinstance(seed, list | tuple) else [seed]
    if seed is None:
        return None
    for part in given:
        if isinstance(part, bool | np.bool_) or not isinstance(part, int | np.integer):
            raise TypeError(
                "Generator: seed must be an integer, integers, a SeedSequence or None, got "
                f"{type(part).__name__}"
            )
        if part < 0:
            raise ValueError(f"Generator: seed must not be negative, got {part}")
    return [int(part) for part in given] if isinstance(seed, list | tuple) else int(seed)
