"""Special cases of trigonometric and hyperbolic functions.

Of complex functions, those that the standard states; `SYMMETRIES` in the package adds the others.
"""

from collections.abc import Mapping

__all__ = ["COMPLEX", "REAL"]

_ODD = """
    nan   : nan
    0.0   : 0.0
    -0.0  : -0.0
"""

REAL: Mapping[str, str] = {
    "acos": """
        nan   : nan
        >1    : nan
        <-1   : nan
        1.0   : 0.0
        -1.0  : π
    """,
    "acosh": """
        nan   : nan
        <1    : nan
        1.0   : 0.0
        inf   : inf
    """,
    "asin": _ODD
    + """
        >1    : nan
        <-1   : nan
        1.0   : π/2
        -1.0  : -π/2
    """,
    "asinh": _ODD
    + """
        inf   : inf
        -inf  : -inf
    """,
    "atan": _ODD
    + """
        inf   : π/2
        -inf  : -π/2
    """,
    "atan2": """
        nan      any     : nan
        any      nan     : nan
        >0       0.0     : π/2
        >0       -0.0    : π/2
        0.0      >0      : 0.0
        0.0      0.0     : 0.0
        0.0      -0.0    : π
        0.0      <0      : π
        -0.0     >0      : -0.0
        -0.0     0.0     : -0.0
        -0.0     -0.0    : -π
        -0.0     <0      : -π
        <0       0.0     : -π/2
        <0       -0.0    : -π/2
        +finite  inf     : 0.0
        +finite  -inf    : π
        -finite  inf     : -0.0
        -finite  -inf    : -π
        inf      finite  : π/2
        -inf     finite  : -π/2
        inf      inf     : π/4
        inf      -inf    : 3*π/4
        -inf     inf     : -π/4
        -inf     -inf    : -3*π/4
    """,
    "atanh": _ODD
    + """
        <-1   : nan
        >1    : nan
        -1.0  : -inf
        1.0   : inf
    """,
    "cos": """
        nan   : nan
        0.0   : 1.0
        -0.0  : 1.0
        ±inf  : nan
    """,
    "cosh": """
        nan   : nan
        0.0   : 1.0
        -0.0  : 1.0
        ±inf  : inf
    """,
    "sin": _ODD
    + """
        ±inf  : nan
    """,
    "sinh": _ODD
    + """
        inf   : inf
        -inf  : -inf
    """,
    "tan": _ODD
    + """
        ±inf  : nan
    """,
    "tanh": _ODD
    + """
        inf   : 1.0
        -inf  : -1.0
    """,
}

COMPLEX: Mapping[str, str] = {
    "acos": """
        ±0       0.0      : π/2 ; -0.0
        ±0       nan      : π/2 ; nan
        finite   inf      : π/2 ; -inf
        nonzero  nan      : nan ; nan
        -inf     +finite  : π ; -inf
        inf      +finite  : 0.0 ; -inf
        -inf     inf      : 3*π/4 ; -inf
        inf      inf      : π/4 ; -inf
        ±inf     nan      : nan ; ±inf
        nan      finite   : nan ; nan
        nan      inf      : nan ; -inf
        nan      nan      : nan ; nan
    """,
    "acosh": """
        ±0       0.0      : 0.0 ; π/2
        finite   inf      : inf ; π/2
        nonzero  nan      : nan ; nan
        0.0      nan      : nan ; ±π/2
        -inf     +finite  : inf ; π
        inf      +finite  : inf ; 0.0
        -inf     inf      : inf ; 3*π/4
        inf      inf      : inf ; π/4
        ±inf     nan      : inf ; nan
        nan      finite   : nan ; nan
        nan      inf      : inf ; nan
        nan      nan      : nan ; nan
    """,
    "asinh": """
        0.0      0.0      : 0.0 ; 0.0
        +finite  inf      : inf ; π/2
        finite   nan      : nan ; nan
        inf      +finite  : inf ; 0.0
        inf      inf      : inf ; π/4
        nan      0.0      : nan ; 0.0
        nan      nonzero  : nan ; nan
        nan      inf      : ±inf ; nan
        nan      nan      : nan ; nan
    """,
    "atanh": """
        0.0      0.0      : 0.0 ; 0.0
        0.0      nan      : 0.0 ; nan
        1.0      0.0      : inf ; 0.0
        +finite  inf      : 0.0 ; π/2
        nonzero  nan      : nan ; nan
        inf      +finite  : 0.0 ; π/2
        inf      inf      : 0.0 ; π/2
        inf      nan      : 0.0 ; nan
        nan      finite   : nan ; nan
        nan      inf      : ±0.0 ; π/2
        nan      nan      : nan ; nan
    """,
    "cosh": """
        0.0      0.0      : 1.0 ; 0.0
        0.0      inf      : nan ; ±0.0
        0.0      nan      : nan ; ±0.0
        nonzero  inf      : nan ; nan
        nonzero  nan      : nan ; nan
        inf      0.0      : inf ; 0.0
        inf      nonzero  : inf * cos(b) ; inf * sin(b)
        inf      inf      : ±inf ; nan
        inf      nan      : inf ; nan
        nan      ±0       : nan ; ±0.0
        nan      nonzero  : nan ; nan
        nan      nan      : nan ; nan
    """,
    "sinh": """
        0.0      0.0      : 0.0 ; 0.0
        0.0      inf      : ±0.0 ; nan
        0.0      nan      : ±0.0 ; nan
        +finite  inf      : nan ; nan
        +finite  nan      : nan ; nan
        inf      0.0      : inf ; 0.0
        inf      +finite  : inf * cos(b) ; inf * sin(b)
        inf      inf      : ±inf ; nan
        inf      nan      : ±inf ; nan
        nan      0.0      : nan ; 0.0
        nan      nonzero  : nan ; nan
        nan      nan      : nan ; nan
    """,
    # With NaN in the imaginary part the standard has +0 for a of +0; it warns that C libraries
    # of old have NaN.
    "tanh": """
        0.0      0.0      : 0.0 ; 0.0
        nonzero  inf      : nan ; nan
        0.0      inf      : 0.0 ; nan
        nonzero  nan      : nan ; nan
        0.0      nan      : 0.0 ; nan
        inf      +finite  : 1.0 ; 0.0
        inf      inf      : 1.0 ; ±0.0
        inf      nan      : 1.0 ; ±0.0
        nan      0.0      : nan ; 0.0
        nan      nonzero|±inf : nan ; nan
        nan      nan      : nan ; nan
    """,
}
