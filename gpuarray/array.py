"""The array object: a handle on a node, with the standard's operators, attributes and methods.

In: a node. Out: the same node, or a new one. An array owns nothing but the reference; `x += y` and
`x[k] = v` give it a new node, and no other array notices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.graph.node import Node
from gpuarray.operators import Operators

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Array", "index_with"]

# What `x[key]`, `x[key] = value` and `x.mT` call; `indexing`, which needs this module, says so.
_get: Callable[[Array, Any], Array]
_updated: Callable[[Array, Any, Any], Array]
_transposed: Callable[[Array], Array]


class Array(Operators):
    """An n-dimensional array on a device, made by the functions of `gpuarray`.

    Arrays are values: a slice is a copy that costs nothing, and an update of one array changes no
    other. Operations are recorded and run when a value is needed.

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.asarray([1.0, 2.0, 3.0])
    >>> float(xp.sum(x * x))
    14.0
    """

    __slots__ = ()
    # NumPy arrays and scalars on the left of an operator leave it to us.
    __array_priority__ = 1000
    __array_ufunc__ = None

    _node: Node

    def __init__(self, node: Node) -> None:
        if type(node) is not Node:
            raise TypeError("Array: arrays are made by gpuarray.asarray() and the like")
        self._node = node

    # Attributes

    @property
    def dtype(self) -> np.dtype[Any]:
        """The data type, a `numpy.dtype`."""
        return self._node.dtype

    @property
    def device(self) -> Device:
        """The device, which compares equal to its name."""
        return self._node.device

    @property
    def shape(self) -> tuple[int, ...]:
        """The extent of each axis."""
        return self._node.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._node.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self._node.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._node.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return math.prod(self._node.shape) * self._node.dtype.itemsize

    @property
    def T(self) -> Array:  # noqa: N802  (the standard's name)
        """The transpose of a matrix, shape ``(m, n)`` to ``(n, m)``; `ValueError` otherwise."""
        if self.ndim != 2:
            raise ValueError(
                f"T: needs a 2-dimensional array, got {self.ndim} dimensions; use permute_dims()"
            )
        return _transposed(self)

    @property
    def mT(self) -> Array:  # noqa: N802  (the standard's name)
        """The transpose of the last two axes, shape ``(..., m, n)`` to ``(..., n, m)``."""
        if self.ndim < 2:
            raise ValueError(f"mT: needs at least 2 dimensions, got {self.ndim}")
        return _transposed(self)

    # Conversions: each needs the value, and so flushes.

    def __bool__(self) -> bool:
        return bool(self._item("bool"))

    def __int__(self) -> int:
        return int(self._item("int", "iubf"))

    def __float__(self) -> float:
        return float(self._item("float", "iubf"))

    def __complex__(self) -> complex:
        value = self._item("complex")
        # The standard has NaN in both parts; Python and NumPy have 0 in the imaginary one.
        if value != value and self.dtype.kind == "f":
            return complex(value, value)
        return complex(value)

    def __index__(self) -> int:
        return int(self._item("operator.index", "iu"))

    def _item(self, what: str, kinds: str = "iubfc") -> Any:
        if self.shape != ():
            raise TypeError(
                f"{what}(): needs a 0-dimensional array, got shape {self.shape}; index it first"
            )
        if self.dtype.kind not in kinds:
            raise TypeError(f"{what}(): cannot convert an array of {self.dtype}")
        from gpuarray.interop.numpy import to_numpy

        return to_numpy(self, f"{what}()")[()].item()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        """A NumPy array of a CPU array's elements, a copy; `TypeError` for any other device."""
        from gpuarray.interop.numpy import as_array

        return as_array(self, dtype, copy)

    # Sharing memory: these flush, and what reads the array from then on is computed at once.

    def __dlpack__(
        self,
        /,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """A DLPack capsule of the array, for `from_dlpack` of any library.

        Parameters
        ----------
        stream : int, optional
            CUDA only: the stream on which the consumer will use the memory, as the standard numbers
            them; None is the legacy default stream, -1 asks for no synchronisation.
        max_version : tuple of int, optional
            The newest DLPack that the consumer knows; None: one before 1.0.
        dl_device : tuple of int, optional
            ``(1, 0)`` gives a copy on the host; None: the device of the array.
        copy : bool, optional
            None and False share the memory, which the consumer may write to: that changes this
            array and no other. True gives a copy.

        Returns
        -------
        PyCapsule
            A copy is flagged as one where the consumer knows DLPack 1.0.

        Raises
        ------
        BufferError
            If the device cannot be had, or only by a copy and `copy` is False.
        TypeError, ValueError
            If an argument is of a wrong type, or no stream.
        """
        from gpuarray.interop.dlpack import export

        return export(self, stream, max_version, dl_device, copy)

    def __dlpack_device__(self, /) -> tuple[int, int]:
        """DLPack's type of the device, 1 for the host and 2 for CUDA, and its number."""
        from gpuarray.interop.dlpack import dlpack_device

        return dlpack_device(self)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """The memory of an array on a CUDA device, version 3; `AttributeError` for any other.

        The consumer may write to the memory, which stays alive as long as this object does, even if
        the array has been updated since. DLPack tells when the consumer is done, and is better.
        """
        from gpuarray.interop.cuda_array_interface import interface

        return interface(self)

    def __array_namespace__(self, /, *, api_version: str | None = None) -> ModuleType:
        """The module that holds the functions for this array."""
        import gpuarray

        if api_version not in (None, *_VERSIONS):
            raise ValueError(
                f"__array_namespace__: api_version {api_version!r} is not among {_VERSIONS}"
            )
        return gpuarray

    def to_device(self, device: Any, /, *, stream: Any = None) -> Array:
        """This array on another device; itself if it is there already.

        Raises `ValueError` where there is no such device, and for a `stream` (streams are ordered
        by themselves).
        """
        from gpuarray.interop.numpy import move

        return move(self, device, stream)

    def __repr__(self) -> str:
        from gpuarray.interop.numpy import represent

        return represent(self)

    def __format__(self, spec: str) -> str:
        """A 0-dimensional array formats as its value, as in NumPy; others only without a `spec`."""
        if self.shape == () and spec:
            return format(self._item("format"), spec)
        return format(repr(self), spec)

    # Copies. Nodes never change, so a copy of an array is another handle on its node.

    def __copy__(self) -> Array:
        from gpuarray.recording import same_values

        return same_values(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Array:
        return self.__copy__()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its elements and the name of its device."""
        from gpuarray.interop.numpy import to_numpy, unpickled

        return unpickled, (to_numpy(self, "pickling"), str(self.device))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len(): a 0-dimensional array has no length")
        return self.shape[0]

    def __iter__(self) -> Any:
        if not self.shape:
            raise TypeError("iter(): a 0-dimensional array cannot be iterated over")
        return (self[i] for i in range(self.shape[0]))

    __hash__ = None  # type: ignore[assignment]

    # Indexing

    def __getitem__(self, key: Any, /) -> Array:
        return _get(self, key)

    def __setitem__(self, key: Any, value: Any, /) -> None:
        self._node = _updated(self, key, value)._node


def index_with(
    get: Callable[[Array, Any], Array],
    updated: Callable[[Array, Any, Any], Array],
    transposed: Callable[[Array], Array],
) -> None:
    """Set what indexing calls; an import in each call would take longer than a view does."""
    global _get, _updated, _transposed
    _get, _updated, _transposed = get, updated, transposed


_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")
