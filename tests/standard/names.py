"""Every name of the array API standard 2025.12, with the signature of what can be called.

Out: signatures as text, by chapter of the standard; `ARRAY_METHODS` are those of bound methods, so
without ``self``. Kept by hand, beside the standard: a change here is a change of the standard.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

__all__ = [
    "ARRAY_ATTRIBUTES",
    "ARRAY_METHODS",
    "CAPABILITIES",
    "CHAPTERS",
    "CONSTANTS",
    "DEFAULT_DTYPES",
    "DTYPES",
    "FFT",
    "FIELDS",
    "FINFO",
    "IINFO",
    "INSPECTION",
    "LINALG",
    "VERSION",
]

VERSION = "2025.12"

CONSTANTS: Mapping[str, float | None] = {
    "e": math.e,
    "inf": math.inf,
    "nan": math.nan,
    "newaxis": None,
    "pi": math.pi,
}

# With the kinds of `isdtype` that each one has.
DTYPES: Mapping[str, tuple[str, ...]] = {
    "bool": ("bool",),
    **{f"int{n}": ("signed integer", "integral", "numeric") for n in (8, 16, 32, 64)},
    **{f"uint{n}": ("unsigned integer", "integral", "numeric") for n in (8, 16, 32, 64)},
    **{f"float{n}": ("real floating", "numeric") for n in (32, 64)},
    **{f"complex{n}": ("complex floating", "numeric") for n in (64, 128)},
}


def _each(signature: str, names: str) -> str:
    """A line for each name, with the signature that all of them have."""
    return "\n".join(signature.format(name) for name in names.split())


# The main namespace. Chapters in the order of the standard, names in alphabetical order.
CHAPTERS: Mapping[str, str] = {
    "creation": """
        arange(start, /, stop=None, step=1, *, dtype=None, device=None)
        asarray(obj, /, *, dtype=None, device=None, copy=None)
        empty(shape, *, dtype=None, device=None)
        empty_like(x, /, *, dtype=None, device=None)
        eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None)
        from_dlpack(x, /, *, device=None, copy=None)
        full(shape, fill_value, *, dtype=None, device=None)
        full_like(x, /, fill_value, *, dtype=None, device=None)
        linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True)
        meshgrid(*arrays, indexing='xy')
        ones(shape, *, dtype=None, device=None)
        ones_like(x, /, *, dtype=None, device=None)
        tril(x, /, *, k=0)
        triu(x, /, *, k=0)
        zeros(shape, *, dtype=None, device=None)
        zeros_like(x, /, *, dtype=None, device=None)
    """,
    "data type": """
        astype(x, dtype, /, *, copy=True, device=None)
        can_cast(from_, to, /)
        finfo(type, /)
        iinfo(type, /)
        isdtype(dtype, kind)
        result_type(*arrays_and_dtypes)
    """,
    "elementwise of one operand": _each(
        "{}(x, /)",
        """
        abs acos acosh asin asinh atan atanh bitwise_invert ceil conj cos cosh exp expm1 floor imag
        isfinite isinf isnan log log10 log1p log2 logical_not negative positive real reciprocal
        round sign signbit sin sinh sqrt square tan tanh trunc
        """,
    ),
    "elementwise of two operands": _each(
        "{}(x1, x2, /)",
        """
        add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign
        divide equal floor_divide greater greater_equal hypot less less_equal logaddexp logical_and
        logical_or logical_xor maximum minimum multiply nextafter not_equal pow remainder subtract
        """,
    ),
    "elementwise, the one of three operands": """
        clip(x, /, min=None, max=None)
    """,
    "indexing": """
        take(x, indices, /, *, axis=None)
        take_along_axis(x, indices, /, *, axis=-1)
    """,
    "inspection": """
        __array_namespace_info__()
    """,
    "linear algebra": """
        matmul(x1, x2, /)
        matrix_transpose(x, /)
        tensordot(x1, x2, /, *, axes=2)
        vecdot(x1, x2, /, *, axis=-1)
    """,
    "manipulation": """
        broadcast_arrays(*arrays)
        broadcast_shapes(*shapes)
        broadcast_to(x, /, shape)
        concat(arrays, /, *, axis=0)
        expand_dims(x, /, axis)
        flip(x, /, *, axis=None)
        moveaxis(x, source, destination, /)
        permute_dims(x, /, axes)
        repeat(x, repeats, /, *, axis=None)
        reshape(x, /, shape, *, copy=None)
        roll(x, /, shift, *, axis=None)
        squeeze(x, /, axis)
        stack(arrays, /, *, axis=0)
        tile(x, repetitions, /)
        unstack(x, /, *, axis=0)
    """,
    "searching": """
        argmax(x, /, *, axis=None, keepdims=False)
        argmin(x, /, *, axis=None, keepdims=False)
        count_nonzero(x, /, *, axis=None, keepdims=False)
        nonzero(x, /)
        searchsorted(x1, x2, /, *, side='left', sorter=None)
        where(condition, x1, x2, /)
    """,
    "set": """
        isin(x1, x2, /, *, invert=False)
        unique_all(x, /)
        unique_counts(x, /)
        unique_inverse(x, /)
        unique_values(x, /)
    """,
    "sorting": """
        argsort(x, /, *, axis=-1, descending=False, stable=True)
        sort(x, /, *, axis=-1, descending=False, stable=True)
    """,
    "statistical": """
        cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False)
        cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False)
        max(x, /, *, axis=None, keepdims=False)
        mean(x, /, *, axis=None, keepdims=False)
        min(x, /, *, axis=None, keepdims=False)
        prod(x, /, *, axis=None, dtype=None, keepdims=False)
        std(x, /, *, axis=None, correction=0.0, keepdims=False)
        sum(x, /, *, axis=None, dtype=None, keepdims=False)
        var(x, /, *, axis=None, correction=0.0, keepdims=False)
    """,
    "utility": """
        all(x, /, *, axis=None, keepdims=False)
        any(x, /, *, axis=None, keepdims=False)
        diff(x, /, *, axis=-1, n=1, prepend=None, append=None)
    """,
}

LINALG = """
    cholesky(x, /, *, upper=False)
    cross(x1, x2, /, *, axis=-1)
    det(x, /)
    diagonal(x, /, *, offset=0)
    eig(x, /)
    eigh(x, /)
    eigvals(x, /)
    eigvalsh(x, /)
    inv(x, /)
    matmul(x1, x2, /)
    matrix_norm(x, /, *, keepdims=False, ord='fro')
    matrix_power(x, n, /)
    matrix_rank(x, /, *, rtol=None)
    matrix_transpose(x, /)
    outer(x1, x2, /)
    pinv(x, /, *, rtol=None)
    qr(x, /, *, mode='reduced')
    slogdet(x, /)
    solve(x1, x2, /)
    svd(x, /, *, full_matrices=True)
    svdvals(x, /)
    tensordot(x1, x2, /, *, axes=2)
    trace(x, /, *, offset=0, dtype=None)
    vecdot(x1, x2, /, *, axis=-1)
    vector_norm(x, /, *, axis=None, keepdims=False, ord=2)
"""

FFT = """
    fft(x, /, *, n=None, axis=-1, norm='backward')
    fftfreq(n, /, *, d=1.0, dtype=None, device=None)
    fftn(x, /, *, s=None, axes=None, norm='backward')
    fftshift(x, /, *, axes=None)
    hfft(x, /, *, n=None, axis=-1, norm='backward')
    ifft(x, /, *, n=None, axis=-1, norm='backward')
    ifftn(x, /, *, s=None, axes=None, norm='backward')
    ifftshift(x, /, *, axes=None)
    ihfft(x, /, *, n=None, axis=-1, norm='backward')
    irfft(x, /, *, n=None, axis=-1, norm='backward')
    irfftn(x, /, *, s=None, axes=None, norm='backward')
    rfft(x, /, *, n=None, axis=-1, norm='backward')
    rfftfreq(n, /, *, d=1.0, dtype=None, device=None)
    rfftn(x, /, *, s=None, axes=None, norm='backward')
"""

INSPECTION = """
    capabilities()
    default_device()
    default_dtypes(*, device=None)
    devices()
    dtypes(*, device=None, kind=None)
"""

CAPABILITIES = {"boolean indexing", "data-dependent shapes", "max dimensions"}
DEFAULT_DTYPES = {"real floating", "complex floating", "integral", "indexing"}

ARRAY_ATTRIBUTES = ("T", "device", "dtype", "mT", "ndim", "shape", "size")

_BINARY = "add and floordiv lshift matmul mod mul or pow rshift sub truediv xor"

# In-place and reflected operators are named in the chapter of the array object, without signatures.
ARRAY_METHODS: Mapping[str, str] = {
    "unary operators": _each("__{}__()", "abs invert neg pos"),
    "binary operators": _each("__{}__(other, /)", _BINARY),
    "in-place operators": _each("__i{}__(other, /)", _BINARY),
    "reflected operators": _each("__r{}__(other, /)", _BINARY),
    "comparisons": _each("__{}__(other, /)", "eq ge gt le lt ne"),
    "conversions": _each("__{}__()", "bool complex float index int"),
    "indexing": """
        __getitem__(key, /)
        __setitem__(key, value, /)
    """,
    "interchange": """
        __array_namespace__(*, api_version=None)
        __dlpack__(*, stream=None, max_version=None, dl_device=None, copy=None)
        __dlpack_device__()
        to_device(device, /, *, stream=None)
    """,
}

# The attributes of what `finfo` and `iinfo` give, with their types; a dtype stands as None.
FINFO: Mapping[str, type | None] = {
    "bits": int,
    "dtype": None,
    "eps": float,
    "max": float,
    "min": float,
    "smallest_normal": float,
}
IINFO: Mapping[str, type | None] = {"bits": int, "dtype": None, "max": int, "min": int}

# The fields of named tuples.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "unique_all": ("values", "indices", "inverse_indices", "counts"),
    "unique_counts": ("values", "counts"),
    "unique_inverse": ("values", "inverse_indices"),
    "linalg.eig": ("eigenvalues", "eigenvectors"),
    "linalg.eigh": ("eigenvalues", "eigenvectors"),
    "linalg.qr": ("Q", "R"),
    "linalg.slogdet": ("sign", "logabsdet"),
    "linalg.svd": ("U", "S", "Vh"),
}
