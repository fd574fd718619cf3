"""The operation table: every elementwise operation once, with its dtypes, value and C expression.

In: nothing. Out: `TABLE`, rows by name, and `Operation`, what a row is. Imports NumPy only, and
never an array, a graph or a backend.
"""

from .elementwise import TABLE
from .operation import CATEGORIES, LOOPS, RESULTS, Operation

__all__ = ["CATEGORIES", "LOOPS", "RESULTS", "TABLE", "Operation"]
