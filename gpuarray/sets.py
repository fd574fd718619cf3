"""Set functions: the distinct elements of an array, and which elements another array has too.

In: arrays of any shape and dtype. Out: the distinct elements in ascending order with what belongs
to each, or bools. Equality decides: 0.0 and -0.0 are one value, and every NaN is another one.

In sorted order equal elements stand together, and a group begins where an element differs from the
one before it. The number of groups is a shape, so the `unique` functions wait for it.
"""

from __future__ import annotations

from typing import NamedTuple

from gpuarray import library
from gpuarray.arguments import checked_array, checked_flag
from gpuarray.array import Array
from gpuarray.cumulative import cumulative_sum
from gpuarray.dtypes import bool as bool_
from gpuarray.dtypes import int64, uint8
from gpuarray.elementwise import imag, logical_not, minimum, real
from gpuarray.indexing import take
from gpuarray.manipulation import concat, reshape
from gpuarray.masks import positions
from gpuarray.promotion import promoted
from gpuarray.recording import cast, full
from gpuarray.sorting import argsort, sort
from gpuarray.utility import any as any_of

__all__ = ["isin", "unique_all", "unique_counts", "unique_inverse", "unique_values"]


class UniqueAll(NamedTuple):
    """What `unique_all` returns."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCounts(NamedTuple):
    """What `unique_counts` returns."""

    values: Array
    counts: Array


class UniqueInverse(NamedTuple):
    """What `unique_inverse` returns."""

    values: Array
    inverse_indices: Array


def unique_values(x: Array, /) -> Array:
    """The distinct elements of `x`.

    Parameters
    ----------
    x : Array
        Any shape and dtype.

    Returns
    -------
    Array
        Shape ``(k,)``, the dtype of `x`, ascending; complex numbers by their real part, and then
        by their imaginary part. NaNs count as larger than all numbers, and as distinct.

    Raises
    ------
    TypeError
        If `x` is not an array.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.unique_values.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.unique_values(xp.asarray([3, 1, 3]))
    Array([1, 3], dtype=int64, device='cpu')
    """
    flat = _flat("unique_values", x)
    if flat.dtype.kind != "c" and flat.size:
        (found,) = library.call("unique", x=flat)
        return found
    ordered = _sorted(flat)
    return take(ordered, _starts(_begins(ordered)))


def unique_counts(x: Array, /) -> UniqueCounts:
    """The distinct elements of `x`, and how often each occurs.

    Parameters
    ----------
    x : Array
        Any shape and dtype.

    Returns
    -------
    values : Array
        Shape ``(k,)``, as of `unique_values`.
    counts : Array
        Shape ``(k,)``, of dtype int64; 1 for each NaN.

    Raises
    ------
    TypeError
        If `x` is not an array.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.unique_counts.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.unique_counts(xp.asarray([3, 1, 3])).counts
    Array([1, 2], dtype=int64, device='cpu')
    """
    ordered = _sorted(_flat("unique_counts", x))
    starts = _starts(_begins(ordered))
    return UniqueCounts(take(ordered, starts), _counts(starts, ordered.size))


def unique_inverse(x: Array, /) -> UniqueInverse:
    """The distinct elements of `x`, and which of them each element is.

    Parameters
    ----------
    x : Array
        Any shape and dtype.

    Returns
    -------
    values : Array
        Shape ``(k,)``, as of `unique_values`.
    inverse_indices : Array
        The shape of `x`, of dtype int64: ``take(values, inverse_indices)`` equals `x`.

    Raises
    ------
    TypeError
        If `x` is not an array.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.unique_inverse.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.unique_inverse(xp.asarray([3, 1, 3])).inverse_indices
    Array([1, 0, 1], dtype=int64, device='cpu')
    """
    flat = _flat("unique_inverse", x)
    order = _order(flat)
    ordered = take(flat, order)
    begins = _begins(ordered)
    values = take(ordered, _starts(begins))
    return UniqueInverse(values, reshape(_inverse(order, begins), x.shape))


def unique_all(x: Array, /) -> UniqueAll:
    """The distinct elements of `x`, where each occurs first, which each element is, and how often.

    Parameters
    ----------
    x : Array
        Any shape and dtype.

    Returns
    -------
    values : Array
        Shape ``(k,)``, as of `unique_values`.
    indices : Array
        Shape ``(k,)``, of dtype int64: where in the flattened `x` each occurs first.
    inverse_indices : Array
        The shape of `x`, of dtype int64: ``take(values, inverse_indices)`` equals `x`.
    counts : Array
        Shape ``(k,)``, of dtype int64; 1 for each NaN.

    Raises
    ------
    TypeError
        If `x` is not an array.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.unique_all.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.unique_all(xp.asarray([3, 1, 3])).indices
    Array([1, 0], dtype=int64, device='cpu')
    """
    flat = _flat("unique_all", x)
    order = _order(flat)
    begins = _begins(take(flat, order))
    starts = _starts(begins)
    # Equal elements keep their order, so a group begins with the first of them.
    first = take(order, starts)
    inverse = reshape(_inverse(order, begins), x.shape)
    return UniqueAll(take(flat, first), first, inverse, _counts(starts, flat.size))


def isin(x1: Array | int, x2: Array | int, /, *, invert: bool = False) -> Array:
    """Which elements of `x1` equal an element of `x2`.

    Parameters
    ----------
    x1, x2 : Array or Python scalar
        At least one array; any shapes and dtypes.
    invert : bool, optional
        Whether to tell which elements equal none instead.

    Returns
    -------
    Array
        The shape of `x1`, ``()`` for a scalar, of dtype bool. The promoted dtype is what is
        compared. NaN equals nothing.

    Raises
    ------
    TypeError
        If neither is an array, or one is neither an array nor a scalar.
    ValueError
        If the arrays are on different devices.
    OverflowError
        If a Python integer does not fit the dtype of the array.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.isin.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.isin(xp.asarray([1, 2, 3]), xp.asarray([3, 5, 1]))
    Array([ True, False,  True], dtype=bool, device='cpu')
    """
    invert = checked_flag("isin", "invert", invert)
    wanted, among = promoted("isin", x1, x2)
    if wanted.size == 0 or among.size == 0:
        found = full(wanted.shape, False, bool_, wanted.device)
    elif among.size == 1:
        found = wanted == reshape(among, ())
    elif wanted.size == 1:
        found = reshape(any_of(among == reshape(wanted, ())), wanted.shape)
    else:
        found = _found(wanted, reshape(among, (among.size,)))
    return logical_not(found) if invert else found


def _found(wanted: Array, among: Array) -> Array:
    """`isin` for at least two elements each, of one dtype: binary search in sorted order."""
    if wanted.dtype.kind == "c":
        # What has no order gets numbers, the same ones where it is equal.
        numbers = unique_inverse(concat((wanted, among), axis=None)).inverse_indices
        among = numbers[wanted.size :]
        wanted = reshape(numbers[: wanted.size], wanted.shape)
    elif wanted.dtype.kind == "b":
        wanted, among = cast(wanted, uint8), cast(among, uint8)
    ordered = sort(among)
    (places,) = library.call("searchsorted", x=ordered, values=wanted, right=False)
    return take(ordered, minimum(places, ordered.size - 1)) == wanted


def _flat(name: str, x: Array) -> Array:
    return reshape(checked_array(name, x), (x.size,))


def _sorted(flat: Array) -> Array:
    return sort(flat) if flat.dtype.kind != "c" else take(flat, _order(flat))


def _order(flat: Array) -> Array:
    """The positions that sort, and that keep the order of equal elements."""
    if flat.dtype.kind != "c":
        return argsort(flat)
    by_imag = argsort(imag(flat))
    return take(by_imag, argsort(take(real(flat), by_imag)))


def _begins(ordered: Array) -> Array:
    """Where in sorted order an element differs from the one before it; the first one does."""
    first = full((min(ordered.size, 1),), True, bool_, ordered.device)
    return concat((first, ordered[1:] != ordered[:-1]))


def _starts(begins: Array) -> Array:
    return positions(begins, "a set function")[0]


def _counts(starts: Array, size: int) -> Array:
    """How far it is from each start to the next one, and from the last one to the end."""
    end = full((min(starts.size, 1),), size, int64, starts.device)
    return concat((starts[1:], end)) - starts


def _inverse(order: Array, begins: Array) -> Array:
    """The number of its group for each element, by where it stood before it was sorted."""
    found = full(order.shape, 0, int64, order.device)
    found[order] = cumulative_sum(begins) - 1
    return found
