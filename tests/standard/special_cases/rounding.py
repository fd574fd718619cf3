"""Special cases of rounding to integers."""

from collections.abc import Mapping

__all__ = ["COMPLEX", "REAL"]

_KEPT = """
    integral : x
    ±inf     : x
    0.0      : 0.0
    -0.0     : -0.0
    nan      : nan
    fraction : {}
"""

REAL: Mapping[str, str] = {
    # A fraction between -1 and 0 rounds to -0, as IEEE 754 has it, where the direction allows.
    "ceil": _KEPT.format("copysign(ceil(x), x)"),
    "floor": _KEPT.format("floor(x)"),
    "round": _KEPT.format("rint(x)"),
    "trunc": _KEPT.format("copysign(trunc(x), x)"),
}

COMPLEX: Mapping[str, str] = {
    "round": """
        fraction|±0|±inf|nan fraction|±0|±inf|nan : rint(a) ; rint(b)
    """,
}
