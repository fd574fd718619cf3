"""The manipulation functions of the standard.

In: arrays. Out: arrays of the same elements elsewhere. Each is a change of index, which costs
nothing on an array in memory and fuses with whatever computes or reads a pending one.
"""

from .broadcasting import (
    broadcast_arrays,
    broadcast_shapes,
    broadcast_to,
    expand_dims,
    squeeze,
)
from .joining import (
    concat,
    stack,
    unstack,
)
from .ordering import (
    flip,
    moveaxis,
    permute_dims,
    roll,
)
from .repetition import (
    repeat,
    tile,
)
from .reshaping import reshape

__all__ = [
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "concat",
    "expand_dims",
    "flip",
    "moveaxis",
    "permute_dims",
    "repeat",
    "reshape",
    "roll",
    "squeeze",
    "stack",
    "tile",
    "unstack",
]
