"""Special cases of functions of many elements: statistics, searches, sorting, sets, ranges.

A row is an expression, the elements of its array `x` and the result. What the standard states as
"successive application" of a sum or product is written out for a few elements.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

__all__ = ["BOOLEAN", "CASTS", "COMPLEX", "RANGES", "REAL"]

INF, NAN = math.inf, math.nan

Elements = tuple[complex, ...]
Result = complex | Sequence[complex]

REAL: Mapping[str, Sequence[tuple[Elements, Result]]] = {
    "sum(x)": [
        ((), 0.0),
        ((NAN, 1.0), NAN),
        ((1.0, NAN), NAN),
        ((INF, -INF), NAN),
        ((-INF, INF), NAN),
        ((INF, INF), INF),
        ((INF, 1.0), INF),
        ((1.0, -INF), -INF),
        ((-0.0, -0.0), -0.0),
        ((-0.0, 0.0), 0.0),
        ((0.0, -0.0), 0.0),
        ((3.0, -3.0), 0.0),
        ((-0.0, 3.0), 3.0),
        ((-0.0, -0.0, -0.0), -0.0),
        ((1.0, INF, -INF), NAN),
    ],
    "prod(x)": [
        ((), 1.0),
        ((NAN, 1.0), NAN),
        ((0.0, NAN), NAN),
        ((INF, 0.0), NAN),
        ((-0.0, -INF), NAN),
        ((-INF, -INF), INF),
        ((-INF, 2.0), -INF),
        ((0.0, -2.0), -0.0),
        ((-0.0, -2.0), 0.0),
        ((-0.0, -0.0, -0.0), -0.0),
        ((2.0, INF, 0.0), NAN),
    ],
    "max(x)": [
        ((NAN, 1.0), NAN),
        ((1.0, NAN), NAN),
        ((INF, NAN), NAN),
        ((NAN, -INF), NAN),
        ((-INF, -INF), -INF),
        ((-INF, INF), INF),
        ((-INF, -3.0), -3.0),
    ],
    "min(x)": [
        ((NAN, 1.0), NAN),
        ((1.0, NAN), NAN),
        ((-INF, NAN), NAN),
        ((NAN, INF), NAN),
        ((INF, INF), INF),
        ((-INF, INF), -INF),
        ((INF, 3.0), 3.0),
    ],
    "mean(x)": [
        ((), NAN),
        ((NAN, 1.0), NAN),
        ((1.0, 2.0, NAN), NAN),
        ((INF, 1.0), INF),
        ((INF, -INF), NAN),
    ],
    "var(x)": [
        ((), NAN),
        ((3.0,), 0.0),
        ((NAN,), NAN),
        ((NAN, 1.0), NAN),
        ((1.0, 2.0, NAN), NAN),
    ],
    "var(x, correction=1)": [((), NAN), ((3.0,), NAN), ((NAN,), NAN), ((1.0, 3.0), 2.0)],
    "var(x, correction=1.5)": [((), NAN), ((3.0,), NAN), ((1.0, 2.0), 1.0)],
    "var(x, correction=5)": [((1.0, 2.0), NAN), ((NAN, 2.0), NAN)],
    "std(x)": [
        ((), NAN),
        ((3.0,), 0.0),
        ((NAN,), NAN),
        ((NAN, 1.0), NAN),
        ((1.0, 2.0, NAN), NAN),
    ],
    "std(x, correction=1)": [((), NAN), ((3.0,), NAN), ((NAN,), NAN)],
    "std(x, correction=5)": [((1.0, 2.0), NAN), ((NAN, 2.0), NAN)],
    "cumulative_sum(x)": [
        ((), []),
        ((NAN, 1.0), [NAN, NAN]),
        ((1.0, NAN), [1.0, NAN]),
        ((INF, 1.0, -INF), [INF, INF, NAN]),
        ((-0.0, -0.0, 0.0), [-0.0, -0.0, 0.0]),
        ((3.0, -3.0, -0.0), [3.0, 0.0, 0.0]),
    ],
    "cumulative_sum(x, include_initial=True)": [
        ((), [0.0]),
        ((-3.0, 3.0), [0.0, -3.0, 0.0]),
        ((NAN, 1.0), [0.0, NAN, NAN]),
    ],
    "cumulative_prod(x)": [
        ((), []),
        ((NAN, 1.0), [NAN, NAN]),
        ((INF, 2.0, -0.0), [INF, INF, NAN]),
        ((-0.0, -1.0, -1.0), [-0.0, 0.0, -0.0]),
    ],
    "cumulative_prod(x, include_initial=True)": [
        ((), [1.0]),
        ((-0.0,), [1.0, -0.0]),
        ((INF, 0.0), [1.0, INF, NAN]),
    ],
    # Of equal elements the first counts; zeros of both signs are equal.
    "argmax(x)": [
        ((1.0, 3.0, 3.0), 1),
        ((-0.0, 0.0), 0),
        ((0.0, -0.0), 0),
        ((INF, INF), 0),
        ((-INF,), 0),
    ],
    "argmin(x)": [
        ((3.0, 1.0, 1.0), 1),
        ((-0.0, 0.0), 0),
        ((0.0, -0.0), 0),
        ((-INF, -INF), 0),
        ((INF,), 0),
    ],
    "count_nonzero(x)": [((), 0), ((0.0, -0.0), 0), ((INF, NAN, -1.0, 0.0), 3)],
    "nonzero(x)[0]": [((), []), ((0.0, -0.0), []), ((INF, -0.0, NAN), [0, 2])],
    "searchsorted(x, asarray([-inf, 0., 1., 2., 3., inf], dtype=x.dtype))": [
        ((), [0, 0, 0, 0, 0, 0]),
        ((1.0, 1.0, 3.0), [0, 0, 0, 2, 2, 3]),
        ((-INF, 1.0, INF), [0, 1, 1, 2, 2, 2]),
    ],
    "searchsorted(x, asarray([-inf, 0., 1., 2., 3., inf], dtype=x.dtype), side='right')": [
        ((), [0, 0, 0, 0, 0, 0]),
        ((1.0, 1.0, 3.0), [0, 0, 2, 2, 3, 3]),
        ((-INF, 1.0, INF), [1, 1, 2, 2, 2, 3]),
    ],
    "sort(x)": [((), []), ((INF, 1.0, -INF), [-INF, 1.0, INF])],
    "sort(x, descending=True)": [((), []), ((1.0, INF, -INF), [INF, 1.0, -INF])],
    "argsort(x)": [((), []), ((2.0, 1.0, 2.0, 1.0), [1, 3, 0, 2]), ((INF, -INF, INF), [1, 0, 2])],
    "argsort(x, descending=True)": [
        ((2.0, 1.0, 2.0, 1.0), [0, 2, 1, 3]),
        ((INF, -INF, INF), [0, 2, 1]),
    ],
    # NaN equals nothing, not itself either; zeros of both signs are one.
    "isin(x, asarray([0., nan, inf], dtype=x.dtype))": [
        ((), []),
        ((-0.0, 0.0, NAN, INF, -INF), [True, True, False, True, False]),
    ],
    "isin(x, asarray([0., nan, inf], dtype=x.dtype), invert=True)": [
        ((-0.0, 0.0, NAN, INF, -INF), [False, False, True, False, True]),
    ],
    "sort(unique_counts(x).counts)": [
        ((), []),
        ((NAN, 1.0, NAN, 1.0), [1, 1, 2]),
        ((0.0, -0.0), [2]),
    ],
    "unique_values(x).shape": [((), [0]), ((NAN, NAN, 0.0, -0.0, INF), [4])],
    "diff(x)": [((), []), ((1.0,), []), ((INF, INF, 1.0, 1.0), [NAN, -INF, 0.0])],
}

COMPLEX: Mapping[str, Sequence[tuple[Elements, Result]]] = {
    "sum(x)": [
        ((), 0j),
        ((complex(INF, 1.0), complex(-INF, 2.0)), complex(NAN, 3.0)),
        ((complex(-0.0, 0.0), complex(-0.0, -0.0)), complex(-0.0, 0.0)),
        ((complex(NAN, -0.0), complex(1.0, -0.0)), complex(NAN, -0.0)),
    ],
    "prod(x)": [((), 1.0 + 0j), ((1j, 1j), complex(-1.0, 0.0))],
    "mean(x)": [((), complex(NAN, NAN))],
    # The other part should not be NaN, but where a complex number is divided it may be.
    "real(mean(x))": [((complex(NAN, 1.0), complex(1.0, 2.0)), NAN)],
    "imag(mean(x))": [((complex(1.0, NAN), complex(1.0, 2.0)), NAN)],
    "cumulative_sum(x)": [
        ((complex(INF, -0.0), complex(-INF, -0.0)), [complex(INF, -0.0), complex(NAN, -0.0)]),
    ],
    "count_nonzero(x)": [((0j, complex(0.0, -0.0), 1j, complex(0.0, NAN)), 2)],
    "nonzero(x)[0]": [((0j, 1j, complex(-0.0, 0.0), 1.0 + 0j), [1, 3])],
    "sort(unique_counts(x).counts)": [
        ((complex(NAN, 1.0), complex(NAN, 1.0), complex(-0.0, 1.0), 1j), [1, 1, 2]),
    ],
}

# Real arrays; a complex number is true if one of its parts is.
BOOLEAN: Mapping[str, Sequence[tuple[Elements, Result]]] = {
    "all(x)": [
        ((), True),
        ((NAN, INF, -INF), True),
        ((NAN, 0.0), False),
        ((-0.0, 1.0), False),
    ],
    "any(x)": [
        ((), False),
        ((0.0, -0.0), False),
        ((0.0, NAN), True),
        ((-INF, 0.0), True),
    ],
}

# Without `x`, in the dtype of the test.
RANGES: Mapping[str, Sequence[float]] = {
    "linspace(0.1, 0.7, 0, dtype=dtype)": [],
    "linspace(0.5, 7.0, 1, dtype=dtype)": [0.5],
    "linspace(0.5, 7.0, 1, dtype=dtype, endpoint=False)": [0.5],
    "linspace(1.0, 3.0, 5, dtype=dtype)": [1.0, 1.5, 2.0, 2.5, 3.0],
    "linspace(3.0, 1.0, 5, dtype=dtype)": [3.0, 2.5, 2.0, 1.5, 1.0],
    "linspace(1.0, 3.0, 4, dtype=dtype, endpoint=False)": [1.0, 1.5, 2.0, 2.5],
    "linspace(2.5, 2.5, 3, dtype=dtype)": [2.5, 2.5, 2.5],
    "arange(3.0, 3.0, dtype=dtype)": [],
    "arange(3.0, 1.0, dtype=dtype)": [],
    "arange(1.0, 3.0, -1.0, dtype=dtype)": [],
    "arange(3.0, 1.0, -0.5, dtype=dtype)": [3.0, 2.5, 2.0, 1.5],
}

Cast = tuple[str, complex, type, complex | type[Exception]]


def _of_real(dtype: str) -> list[Cast]:
    return [
        *((dtype, x, bool, True) for x in (NAN, INF, -INF, 2.0**-40)),
        *((dtype, x, bool, False) for x in (0.0, -0.0)),
        *((dtype, x, int, int(x)) for x in (0.0, -0.0, 2.75, -2.75, 2.0**62)),
        *((dtype, x, int, OverflowError) for x in (INF, -INF)),
        (dtype, NAN, int, ValueError),
        *((dtype, x, float, x) for x in (NAN, INF, -INF, -0.0, 2.75)),
        *((dtype, x, complex, complex(x, 0.0)) for x in (INF, -INF, 2.75)),
        (dtype, NAN, complex, complex(NAN, NAN)),
    ]


def _of_complex(dtype: str) -> list[Cast]:
    return [
        *((dtype, z, bool, True) for z in (complex(NAN, 0.0), complex(0.0, NAN), -1j, INF)),
        *((dtype, z, bool, False) for z in (0j, complex(-0.0, -0.0))),
        *((dtype, z, complex, z) for z in (complex(-0.0, INF), complex(NAN, -0.0))),
        (dtype, 1.0, int, TypeError),
        (dtype, 1.0, float, TypeError),
    ]


# Of arrays of no dimensions to Python's numbers: dtype, element, function, result or error.
CASTS: Sequence[Cast] = [
    ("bool", True, int, 1),
    ("bool", False, int, 0),
    ("bool", True, float, 1.0),
    ("bool", True, complex, 1.0 + 0j),
    ("bool", False, complex, 0j),
    *(("int32", n, bool, n != 0) for n in (0, 3, -3)),
    *(("uint64", n, int, n) for n in (0, 2**64 - 1)),
    *_of_real("float32"),
    *_of_real("float64"),
    *_of_complex("complex64"),
    *_of_complex("complex128"),
]
