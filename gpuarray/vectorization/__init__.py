"""Scalar Python functions as elementwise operations.

In: a Python function of numbers. Out: `Vectorized`, a function of arrays, made by `vectorize`.
"""

from .vectorized import Vectorized, vectorize

__all__ = ["Vectorized", "vectorize"]
