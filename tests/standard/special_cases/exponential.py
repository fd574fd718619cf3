"""Special cases of exponentials and logarithms.

Of complex functions, those that the standard states; `SYMMETRIES` in the package adds the others.
"""

from collections.abc import Mapping

__all__ = ["COMPLEX", "REAL"]

_LOGARITHM = """
    nan  : nan
    <0   : nan
    ±0   : -inf
    1.0  : 0.0
    inf  : inf
"""

_COMPLEX_LOGARITHM = """
    finite  inf      : inf ; π/2
    finite  nan      : nan ; nan
    -inf    +finite  : inf ; π
    inf     +finite  : inf ; 0.0
    -inf    inf      : inf ; 3*π/4
    inf     inf      : inf ; π/4
    ±inf    nan      : inf ; nan
    nan     finite   : nan ; nan
    nan     inf      : inf ; nan
    nan     nan      : nan ; nan
"""

REAL: Mapping[str, str] = {
    "exp": """
        nan   : nan
        ±0    : 1.0
        inf   : inf
        -inf  : 0.0
    """,
    "expm1": """
        nan   : nan
        0.0   : 0.0
        -0.0  : -0.0
        inf   : inf
        -inf  : -1.0
    """,
    "log": _LOGARITHM,
    "log10": _LOGARITHM,
    "log1p": """
        nan   : nan
        <-1   : nan
        -1.0  : -inf
        -0.0  : -0.0
        0.0   : 0.0
        inf   : inf
    """,
    "log2": _LOGARITHM,
    "logaddexp": """
        nan      any      : nan
        any      nan      : nan
        inf      number   : inf
        number   inf      : inf
        -inf     -inf     : -inf
        -inf     nonzero  : x2
        nonzero  -inf     : x1
    """,
}

COMPLEX: Mapping[str, str] = {
    "exp": """
        ±0      0.0           : 1.0 ; 0.0
        finite  inf           : nan ; nan
        finite  nan           : nan ; nan
        inf     0.0           : inf ; 0.0
        -inf    finite        : 0.0 * cos(b) ; 0.0 * sin(b)
        inf     nonzero       : inf * cos(b) ; inf * sin(b)
        -inf    inf           : ±0.0 ; ±0.0
        inf     inf           : ±inf ; nan
        -inf    nan           : ±0.0 ; ±0.0
        inf     nan           : ±inf ; nan
        nan     0.0           : nan ; 0.0
        nan     nonzero|±inf  : nan ; nan
        nan     nan           : nan ; nan
    """,
    "expm1": """
        ±0      0.0           : 0.0 ; 0.0
        finite  inf           : nan ; nan
        finite  nan           : nan ; nan
        inf     0.0           : inf ; 0.0
        -inf    finite        : -1.0 ; 0.0 * sin(b)
        inf     nonzero       : inf * cos(b) ; inf * sin(b)
        -inf    inf           : -1.0 ; ±0.0
        inf     inf           : ±inf ; nan
        -inf    nan           : -1.0 ; ±0.0
        inf     nan           : ±inf ; nan
        nan     0.0           : nan ; 0.0
        nan     nonzero|±inf  : nan ; nan
        nan     nan           : nan ; nan
    """,
    "log": "-0.0 0.0 : -inf ; π \n 0.0 0.0 : -inf ; 0.0" + _COMPLEX_LOGARITHM,
    "log1p": "-1.0 0.0 : -inf ; 0.0" + _COMPLEX_LOGARITHM,
}
