"""The rows of the operation table for the standard's elementwise functions, and ``where``.

One row says all that is known of an operation: dtypes, value, C expression. A ``ga_`` function in
an expression is a device function of the CUDA backend (`gpuarray_cuda/codegen/device`); other
names are CUDA's own, overloaded for float and double.
"""

from __future__ import annotations

import numpy as np

from . import reference
from .operation import Operation

__all__ = ["TABLE"]

# Arithmetic. Integers wrap: in C, signed overflow (and that of uint16 * uint16, which is
# computed in int) is undefined, so these go through functions that compute unsigned.

ABS = Operation(
    "abs", 1, "numeric", "real", np.abs,
    {"i": "ga_abs({0})", "u": "{0}", "f": "fabs({0})", "c": "ga_abs({0})"},
)  # fmt: skip
ADD = Operation(
    "add", 2, "numeric", "same", np.add,
    {"i": "ga_wrap_add({0}, {1})", "*": "{0} + {1}"},
)  # fmt: skip
SUBTRACT = Operation(
    "subtract", 2, "numeric", "same", np.subtract,
    {"i": "ga_wrap_subtract({0}, {1})", "*": "{0} - {1}"},
)  # fmt: skip
MULTIPLY = Operation(
    "multiply", 2, "numeric", "same", np.multiply,
    {"i": "ga_wrap_multiply({0}, {1})", "u": "ga_wrap_multiply({0}, {1})", "*": "{0} * {1}"},
)  # fmt: skip
DIVIDE = Operation(
    "divide", 2, "numeric", "same", np.divide,
    {"f": "{0} / {1}", "c": "ga_divide({0}, {1})"}, loop="true divide",
)  # fmt: skip
FLOOR_DIVIDE = Operation(
    "floor_divide", 2, "real", "same", reference.floor_divide, "ga_floor_divide({0}, {1})"
)
REMAINDER = Operation("remainder", 2, "real", "same", np.remainder, "ga_remainder({0}, {1})")
POW = Operation(
    "pow", 2, "numeric", "same", reference.pow,
    {"f": "pow({0}, {1})", "*": "ga_pow({0}, {1})"},
)  # fmt: skip
NEGATIVE = Operation(
    "negative", 1, "numeric", "same", np.negative, {"i": "ga_wrap_negative({0})", "*": "-{0}"}
)
POSITIVE = Operation("positive", 1, "numeric", "same", np.positive, "{0}")
RECIPROCAL = Operation(
    "reciprocal", 1, "floating", "same", reference.reciprocal,
    {"f": "({T})1 / {0}", "c": "ga_divide(cast<{T}>(1.0f), {0})"},
)  # fmt: skip
SQUARE = Operation(
    "square", 1, "numeric", "same", np.square,
    {"i": "ga_wrap_multiply({0}, {0})", "u": "ga_wrap_multiply({0}, {0})", "*": "{0} * {0}"},
)  # fmt: skip
SIGN = Operation(
    "sign", 1, "numeric", "same", reference.sign,
    {"u": "{0} != 0", "*": "ga_sign({0})"},
)  # fmt: skip
MAXIMUM = Operation(
    "maximum", 2, "real", "same", np.maximum,
    {"f": "ga_maximum({0}, {1})", "*": "{0} > {1} ? {0} : {1}"},
)  # fmt: skip
MINIMUM = Operation(
    "minimum", 2, "real", "same", np.minimum,
    {"f": "ga_minimum({0}, {1})", "*": "{0} < {1} ? {0} : {1}"},
)  # fmt: skip
CLIP = Operation("clip", 3, "real", "same", reference.clip, "ga_clip({0}, {1}, {2})")
COPYSIGN = Operation("copysign", 2, "real floating", "same", np.copysign, "copysign({0}, {1})")
NEXTAFTER = Operation("nextafter", 2, "real floating", "same", np.nextafter, "nextafter({0}, {1})")
HYPOT = Operation("hypot", 2, "real floating", "same", np.hypot, "hypot({0}, {1})")

# Rounding. Integers are their own floor, ceiling and truncation.

CEIL = Operation(
    "ceil", 1, "real", "same", reference.rounding(np.ceil), {"f": "ceil({0})", "*": "{0}"}
)
FLOOR = Operation(
    "floor", 1, "real", "same", reference.rounding(np.floor), {"f": "floor({0})", "*": "{0}"}
)
TRUNC = Operation(
    "trunc", 1, "real", "same", reference.rounding(np.trunc), {"f": "trunc({0})", "*": "{0}"}
)
ROUND = Operation(
    "round", 1, "numeric", "same", reference.rounding(np.rint),
    {"f": "rint({0})", "c": "ga_round({0})", "*": "{0}"},
)  # fmt: skip

# Powers, exponentials and logarithms.

SQRT = Operation("sqrt", 1, "floating", "same", np.sqrt, {"f": "sqrt({0})", "c": "ga_sqrt({0})"})
EXP = Operation("exp", 1, "floating", "same", np.exp, {"f": "exp({0})", "c": "ga_exp({0})"})
EXPM1 = Operation(
    "expm1", 1, "floating", "same", reference.expm1, {"f": "expm1({0})", "c": "ga_expm1({0})"}
)
LOG = Operation("log", 1, "floating", "same", np.log, "ga_log({0})")
LOG1P = Operation(
    "log1p", 1, "floating", "same", reference.log1p, {"f": "log1p({0})", "c": "ga_log1p({0})"}
)
LOG2 = Operation("log2", 1, "floating", "same", np.log2, {"f": "log2({0})", "c": "ga_log2({0})"})
LOG10 = Operation(
    "log10", 1, "floating", "same", np.log10, {"f": "log10({0})", "c": "ga_log10({0})"}
)
LOGADDEXP = Operation(
    "logaddexp", 2, "real floating", "same", np.logaddexp, "ga_logaddexp({0}, {1})"
)

# Trigonometric and hyperbolic functions.

SIN = Operation("sin", 1, "floating", "same", np.sin, {"f": "sin({0})", "c": "ga_sin({0})"})
COS = Operation("cos", 1, "floating", "same", np.cos, {"f": "cos({0})", "c": "ga_cos({0})"})
TAN = Operation("tan", 1, "floating", "same", reference.tan, {"f": "tan({0})", "c": "ga_tan({0})"})
ASIN = Operation("asin", 1, "floating", "same", np.arcsin, {"f": "asin({0})", "c": "ga_asin({0})"})
ACOS = Operation("acos", 1, "floating", "same", np.arccos, {"f": "acos({0})", "c": "ga_acos({0})"})
ATAN = Operation(
    "atan", 1, "floating", "same", reference.atan, {"f": "atan({0})", "c": "ga_atan({0})"}
)
ATAN2 = Operation("atan2", 2, "real floating", "same", np.arctan2, "atan2({0}, {1})")
SINH = Operation("sinh", 1, "floating", "same", np.sinh, {"f": "sinh({0})", "c": "ga_sinh({0})"})
COSH = Operation("cosh", 1, "floating", "same", np.cosh, {"f": "cosh({0})", "c": "ga_cosh({0})"})
TANH = Operation(
    "tanh", 1, "floating", "same", reference.tanh, {"f": "tanh({0})", "c": "ga_tanh({0})"}
)
ASINH = Operation(
    "asinh", 1, "floating", "same", np.arcsinh, {"f": "asinh({0})", "c": "ga_asinh({0})"}
)
ACOSH = Operation(
    "acosh", 1, "floating", "same", np.arccosh, {"f": "acosh({0})", "c": "ga_acosh({0})"}
)
ATANH = Operation(
    "atanh", 1, "floating", "same", reference.atanh, {"f": "atanh({0})", "c": "ga_atanh({0})"}
)

# Comparisons and tests. Integers are finite; they are named because C warns of unused variables.

EQUAL = Operation("equal", 2, "all", "bool", np.equal, "{0} == {1}")
NOT_EQUAL = Operation("not_equal", 2, "all", "bool", np.not_equal, "{0} != {1}")
LESS = Operation("less", 2, "real", "bool", np.less, "{0} < {1}")
LESS_EQUAL = Operation("less_equal", 2, "real", "bool", np.less_equal, "{0} <= {1}")
GREATER = Operation("greater", 2, "real", "bool", np.greater, "{0} > {1}")
GREATER_EQUAL = Operation("greater_equal", 2, "real", "bool", np.greater_equal, "{0} >= {1}")
ISFINITE = Operation(
    "isfinite", 1, "numeric", "bool", np.isfinite,
    {"f": "isfinite({0})", "c": "ga_isfinite({0})", "*": "{0} == {0}"},
)  # fmt: skip
ISINF = Operation(
    "isinf", 1, "numeric", "bool", np.isinf,
    {"f": "isinf({0})", "c": "ga_isinf({0})", "*": "{0} != {0}"},
)  # fmt: skip
ISNAN = Operation(
    "isnan", 1, "numeric", "bool", np.isnan,
    {"f": "isnan({0})", "c": "ga_isnan({0})", "*": "{0} != {0}"},
)  # fmt: skip
SIGNBIT = Operation("signbit", 1, "real floating", "bool", np.signbit, "signbit({0})")

# Bits and logic. Shifts by the width or more, and by negative counts, shift everything out.

BITWISE_AND = Operation("bitwise_and", 2, "integer or bool", "same", np.bitwise_and, "{0} & {1}")
BITWISE_OR = Operation("bitwise_or", 2, "integer or bool", "same", np.bitwise_or, "{0} | {1}")
BITWISE_XOR = Operation("bitwise_xor", 2, "integer or bool", "same", np.bitwise_xor, "{0} ^ {1}")
BITWISE_INVERT = Operation(
    "bitwise_invert", 1, "integer or bool", "same", np.invert, {"b": "!{0}", "*": "~{0}"}
)
BITWISE_LEFT_SHIFT = Operation(
    "bitwise_left_shift", 2, "integer", "same", np.left_shift, "ga_left_shift({0}, {1})"
)
BITWISE_RIGHT_SHIFT = Operation(
    "bitwise_right_shift", 2, "integer", "same", np.right_shift, "ga_right_shift({0}, {1})"
)
LOGICAL_AND = Operation("logical_and", 2, "bool", "bool", np.logical_and, "{0} && {1}")
LOGICAL_OR = Operation("logical_or", 2, "bool", "bool", np.logical_or, "{0} || {1}")
LOGICAL_XOR = Operation("logical_xor", 2, "bool", "bool", np.logical_xor, "{0} != {1}")
LOGICAL_NOT = Operation("logical_not", 1, "bool", "bool", np.logical_not, "!{0}")

# Parts of complex numbers, and selection.

CONJ = Operation("conj", 1, "numeric", "same", np.conj, {"c": "ga_conj({0})", "*": "{0}"})
REAL = Operation("real", 1, "numeric", "real", reference.real, {"c": "{0}.re", "*": "{0}"})
IMAG = Operation("imag", 1, "complex", "real", reference.imag, "{0}.im")
WHERE = Operation("where", 3, "all", "same", reference.where, "{0} ? {1} : {2}", uncast=1)

TABLE: dict[str, Operation] = {
    row.name: row for row in list(globals().values()) if isinstance(row, Operation)
}
