"""Special cases of comparisons, tests, extremes, and what takes numbers apart by their bits."""

from collections.abc import Mapping

__all__ = ["COMPLEX", "REAL"]

# The standard defines inequalities by Python's operators alone.
_ORDER = """
    nan     any     : False
    any     nan     : False
    number  number  : x1 {} x2
"""

REAL: Mapping[str, str] = {
    "clip": """
        nan     -1.0  1.0  : nan
        any     nan   1.0  : nan
        any     -1.0  nan  : nan
        any     nan   nan  : nan
        number  -inf  inf  : x
        >1      -1.0  1.0  : high
        <-1     -1.0  1.0  : low
    """,
    "conj": """
        any   : x
    """,
    "copysign": """
        number    <0     : -abs(x1)
        number    -0.0   : -abs(x1)
        number    0.0    : abs(x1)
        number    >0     : abs(x1)
        number    -nan   : -abs(x1)
        number    nan    : abs(x1)
        nan|-nan  <0     : copysign(nan, -1)
        nan|-nan  -0.0   : copysign(nan, -1)
        nan|-nan  0.0    : nan
        nan|-nan  >0     : nan
        nan|-nan  -nan   : copysign(nan, -1)
        nan|-nan  nan    : nan
    """,
    "equal": """
        nan     any     : False
        any     nan     : False
        inf     inf     : True
        -inf    -inf    : True
        ±0      ±0      : True
        finite  x1      : True
        number  number  : x1 == x2
    """,
    "greater": _ORDER.format(">"),
    "greater_equal": _ORDER.format(">="),
    "isfinite": """
        ±inf      : False
        nan|-nan  : False
        finite    : True
    """,
    "isinf": """
        ±inf             : True
        finite|nan|-nan  : False
    """,
    "isnan": """
        nan|-nan : True
        number   : False
    """,
    "less": _ORDER.format("<"),
    "less_equal": _ORDER.format("<="),
    "maximum": """
        nan     any     : nan
        any     nan     : nan
        number  number  : == max(x1, x2)
    """,
    "minimum": """
        nan     any     : nan
        any     nan     : nan
        number  number  : == min(x1, x2)
    """,
    "nextafter": """
        nan           any  : nan
        any           nan  : nan
        -0.0          0.0  : 0.0
        0.0           -0.0 : -0.0
        nonzero|±inf  x1   : x1
    """,
    "not_equal": """
        nan     any     : True
        any     nan     : True
        inf     -inf    : True
        -inf    inf     : True
        number  number  : x1 != x2
    """,
    "real": """
        any   : x
    """,
    "signbit": """
        0.0      : False
        -0.0     : True
        inf      : False
        -inf     : True
        +finite  : False
        -finite  : True
        nan      : False
        -nan     : True
    """,
}

COMPLEX: Mapping[str, str] = {
    "conj": """
        any any   : a ; -b
    """,
    "equal": """
        part part part part : a == c and b == d
    """,
    "imag": """
        any any   : b
    """,
    "isfinite": """
        nan     any     : False
        any     nan     : False
        ±inf    any     : False
        any     ±inf    : False
        finite  finite  : True
    """,
    "isinf": """
        ±inf        any         : True
        finite|nan  ±inf        : True
        finite|nan  finite|nan  : False
    """,
    "isnan": """
        nan     any     : True
        any     nan     : True
        number  number  : False
    """,
    "not_equal": """
        part part part part : a != c or b != d
    """,
    "real": """
        any any   : a
    """,
}
