"""The operation table: every elementwise operation once, with its dtypes, value and C expression.

In: nothing. Out: `TABLE`, the standard's rows by name, `RANDOM`, those of random numbers,
`Operation`, what a row is, and `CustomOperation`, one that is in no table. Imports NumPy only, and
never an array, a graph or a backend.
"""

from .custom import CustomFold, CustomOperation
from .elementwise import TABLE
from .operation import CATEGORIES, LOOPS, RESULTS, Operation
from .random import RANDOM

__all__ = [
    "CATEGORIES",
    "LOOPS",
    "RANDOM",
    "RESULTS",
    "TABLE",
    "CustomFold",
    "CustomOperation",
    "Operation",
]
