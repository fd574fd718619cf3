"""Special cases of arithmetic: sums, products, quotients, powers, roots, absolute values, signs.

Where the standard gives a formula in the place of special cases (``x1 - x2`` is ``x1 + (-x2)``,
``reciprocal`` is ``1.0 / x``), the lines are what follows from it.
"""

from collections.abc import Mapping

__all__ = ["COMPLEX", "REAL"]

REAL: Mapping[str, str] = {
    "abs": """
        nan    : nan
        -0.0   : 0.0
        -inf   : inf
        any    : abs(x)
    """,
    "add": """
        nan      any      : nan
        any      nan      : nan
        inf      -inf     : nan
        -inf     inf      : nan
        inf      inf      : inf
        -inf     -inf     : -inf
        inf      finite   : inf
        -inf     finite   : -inf
        finite   inf      : inf
        finite   -inf     : -inf
        -0.0     -0.0     : -0.0
        -0.0     0.0      : 0.0
        0.0      -0.0     : 0.0
        0.0      0.0      : 0.0
        ±0       nonzero  : x2
        nonzero  ±0       : x1
        nonzero  -x1      : 0.0
    """,
    "divide": """
        nan      any      : nan
        any      nan      : nan
        ±inf     ±inf     : nan
        ±0       ±0       : nan
        0.0      >0       : 0.0
        -0.0     >0       : -0.0
        0.0      <0       : -0.0
        -0.0     <0       : 0.0
        >0       0.0      : inf
        >0       -0.0     : -inf
        <0       0.0      : -inf
        <0       -0.0     : inf
        inf      +finite  : inf
        inf      -finite  : -inf
        -inf     +finite  : -inf
        -inf     -finite  : inf
        +finite  inf      : 0.0
        +finite  -inf     : -0.0
        -finite  inf      : -0.0
        -finite  -inf     : 0.0
        +finite  +finite  : positive
        -finite  -finite  : positive
        +finite  -finite  : negative
        -finite  +finite  : negative
        7.5      2.0|-0.5 : x1 / x2
    """,
    # That of floor(divide(x1, x2)), which the standard prefers to Python's.
    "floor_divide": """
        nan      any      : nan
        any      nan      : nan
        ±inf     ±inf     : nan
        ±0       ±0       : nan
        0.0      >0       : 0.0
        -0.0     >0       : -0.0
        0.0      <0       : -0.0
        -0.0     <0       : 0.0
        >0       0.0      : inf
        >0       -0.0     : -inf
        <0       0.0      : -inf
        <0       -0.0     : inf
        inf      +finite  : inf
        inf      -finite  : -inf
        -inf     +finite  : -inf
        -inf     -finite  : inf
        +finite  inf      : 0.0
        +finite  -inf     : -0.0
        -finite  inf      : -0.0
        -finite  -inf     : 0.0
        +finite  +finite  : positive
        -finite  -finite  : positive
        +finite  -finite  : negative
        -finite  +finite  : negative
        7.5|-7.5 2.0|-0.5 : floor(x1 / x2)
    """,
    "hypot": """
        ±inf        any         : inf
        any         ±inf        : inf
        ±0          any         : abs(x2)
        any         ±0          : abs(x1)
        finite|nan  nan         : nan
        nan         finite|nan  : nan
        3*2**100    -4*2**100   : 5*2**100
        -3*2**-100  4*2**-100   : 5*2**-100
    """,
    "multiply": """
        nan      any      : nan
        any      nan      : nan
        ±inf     ±0       : nan
        ±0       ±inf     : nan
        +finite  +finite  : positive
        -finite  -finite  : positive
        +finite  -finite  : negative
        -finite  +finite  : negative
        ±inf     ±inf     : sign(x1, x2) * inf
        ±inf     nonzero  : sign(x1, x2) * inf
        nonzero  ±inf     : sign(x1, x2) * inf
        ±0       finite   : sign(x1, x2) * 0.0
        finite   ±0       : sign(x1, x2) * 0.0
    """,
    "negative": """
        any    : -x
    """,
    "positive": """
        any    : x
    """,
    "pow": """
        !1.0     nan       : nan
        any      ±0        : 1.0
        nan      !±0       : nan
        |>1|     inf       : inf
        |>1|     -inf      : 0.0
        ±1       ±inf      : 1.0
        1.0      number    : 1.0
        |<1|     inf       : 0.0
        |<1|     -inf      : inf
        inf      >0        : inf
        inf      <0        : 0.0
        -inf     odd>0     : -inf
        -inf     notodd>0  : inf
        -inf     odd<0     : -0.0
        -inf     notodd<0  : 0.0
        0.0      >0        : 0.0
        0.0      <0        : inf
        -0.0     odd>0     : -0.0
        -0.0     notodd>0  : 0.0
        -0.0     odd<0     : -inf
        -0.0     notodd<0  : inf
        -finite  fraction  : nan
        3.0|-3.0 2.0|3.0   : x1 ** x2
    """,
    "reciprocal": """
        nan      : nan
        ±0       : sign(x) * inf
        ±inf     : sign(x) * 0.0
        nonzero  : 1.0 / x
    """,
    "remainder": """
        nan      any      : nan
        any      nan      : nan
        ±inf     ±inf     : nan
        ±0       ±0       : nan
        ±0       >0       : 0.0
        ±0       <0       : -0.0
        >0       ±0       : nan
        <0       ±0       : nan
        ±inf     nonzero  : nan
        +finite  inf      : x1
        +finite  -inf     : x2
        -finite  inf      : x2
        -finite  -inf     : x1
        nonzero  nonzero  : x1 % x2
        7.5|-7.5 2.0|-0.5 : x1 % x2
    """,
    "sign": """
        <0     : -1.0
        ±0     : ==0.0
        >0     : 1.0
        nan    : nan
    """,
    "sqrt": """
        nan    : nan
        <0     : nan
        0.0    : 0.0
        -0.0   : -0.0
        inf    : inf
        2**100 : 2**50
    """,
    "square": """
        nan      : nan
        ±inf     : inf
        ±0       : 0.0
        nonzero  : positive
    """,
    "subtract": """
        nan      any      : nan
        any      nan      : nan
        inf      inf      : nan
        -inf     -inf     : nan
        inf      -inf     : inf
        -inf     inf      : -inf
        inf      finite   : inf
        -inf     finite   : -inf
        finite   -inf     : inf
        finite   inf      : -inf
        -0.0     0.0      : -0.0
        -0.0     -0.0     : 0.0
        0.0      0.0      : 0.0
        0.0      -0.0     : 0.0
        ±0       nonzero  : -x2
        nonzero  ±0       : x1
        nonzero  x1       : 0.0
    """,
}

COMPLEX: Mapping[str, str] = {
    "abs": """
        ±inf    any     : inf
        any     ±inf    : inf
        ±0      any     : abs(b)
        any     ±0      : abs(a)
        nan     finite  : nan
        finite  nan     : nan
        nan     nan     : nan
        3*2**100   -4*2**100  : 5*2**100
        -3*2**-100 4*2**-100  : 5*2**-100
    """,
    # The special cases of real sums hold for each part.
    "add": """
        part part part part : a + c ; b + d
    """,
    # With NaN or infinite parts nearly all is left open; the sign of a zero depends on the order in
    # which a formula is computed.
    "divide": """
        nan nan nan nan        : nan ; nan
        few few fewnonzero few : == (a*c + b*d) / (c*c + d*d) ; == (b*c - a*d) / (c*c + d*d)
        few few few fewnonzero : == (a*c + b*d) / (c*c + d*d) ; == (b*c - a*d) / (c*c + d*d)
    """,
    "multiply": """
        nan  nan  nan  nan : nan ; nan
        few  few  few  few : a*c - b*d ; b*c + a*d
    """,
    "negative": """
        any  any : -a ; -b
    """,
    "positive": """
        any  any : a ; b
    """,
    # Those of exp(x2 * log(x1)); more careful values are allowed where that gives NaN.
    "pow": """
        fewnonzero  few         ±0   ±0          : 1.0 ; ==0.0
        few         fewnonzero  ±0   ±0          : 1.0 ; ==0.0
        ±0          ±0          +finite  ±0      : ==0.0 ; ==0.0
        nan         nan         fewnonzero  few  : nan ; nan
        fewnonzero  few         nan  nan         : nan ; nan
    """,
    "reciprocal": """
        fewnonzero  few         : == a / (a*a + b*b) ; == -b / (a*a + b*b)
        few         fewnonzero  : == a / (a*a + b*b) ; == -b / (a*a + b*b)
    """,
    "sign": """
        ±0       ±0       : 0.0 ; 0.0
        nan      any      : nan ; nan
        any      nan      : nan ; nan
        +finite  ±0       : 1.0 ; ==0.0
        -finite  ±0       : -1.0 ; ==0.0
        ±0       +finite  : ==0.0 ; 1.0
        ±0       -finite  : ==0.0 ; -1.0
        3*2**125   -4*2**125   : 0.6 ; -0.8
        -3*2**-125 4*2**-125   : -0.6 ; 0.8
    """,
    # With NaN and an infinite imaginary part two sentences contradict each other; as in C99, the
    # one that names NaN on purpose holds.
    "sqrt": """
        ±0      0.0         : 0.0 ; 0.0
        any     inf         : inf ; inf
        finite  nan         : nan ; nan
        -inf    +finite     : 0.0 ; inf
        inf     +finite     : inf ; 0.0
        -inf    nan         : nan ; ±inf
        inf     nan         : inf ; nan
        nan     finite|nan  : nan ; nan
    """,
    "square": """
        nan  nan : nan ; nan
        few  few : a*a - b*b ; a*b + b*a
    """,
    "subtract": """
        part part part part : a - c ; b - d
    """,
}
