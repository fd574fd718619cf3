"""What all sorting kernels are compiled for: the dtype, the order, and what comes out.

In: a dtype and an order. Out: the declarations that ``kernels/sort_keys.cuh`` and the kernels need.

Elements are sorted as keys: unsigned integers of their width, in the same order. Zeros are equal
whatever their sign, and equal elements keep their order. Where only positions are sorted, -0
becomes 0 in the key; where keys become elements again, they keep the sign, and digits are taken as
if they did not. NaNs are equal, too; as keys that become elements again they lose sign and payload.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gpuarray_cuda.kernel_source import constant, type_name

__all__ = ["DIGITS", "Order"]

DType = np.dtype[Any]

# Values of a digit, which is a byte.
DIGITS = 256


class Order(NamedTuple):
    """How elements are sorted. With `positions`, their positions come out, not themselves."""

    dtype: DType
    descending: bool
    positions: bool

    @property
    def passes(self) -> int:
        """Digits of a key."""
        return self.dtype.itemsize

    def constants(self, plain_zeros: bool) -> tuple[tuple[str, str], ...]:
        """The declarations; `plain_zeros` if no element is made of a key."""
        kind = "u" if self.dtype.kind == "b" else self.dtype.kind
        return (
            type_name("KEY", f"u{8 * self.dtype.itemsize}"),
            constant("KIND", kind),
            constant("DESCENDING", self.descending),
            constant("PLAIN_ZEROS", plain_zeros),
            constant("POSITIONS", self.positions),
            constant("PASSES", self.passes),
        )
