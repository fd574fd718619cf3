"""The linear algebra extension of the standard, as the namespace `gpuarray.linalg`.

In: matrices, in stacks. Out: arrays, and named tuples of them. Decompositions and solvers start at
their call, and raise `numpy.linalg.LinAlgError` there; what is elementwise or a sum is recorded.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from gpuarray.linear_algebra import matmul, matrix_transpose, tensordot, vecdot

from .decompositions import cholesky, qr, svd, svdvals
from .determinants import det, slogdet
from .diagonals import diagonal, trace
from .eigenvalues import eig, eigh, eigvals, eigvalsh
from .norms import matrix_norm, vector_norm
from .products import cross, matrix_power, outer
from .pseudoinverse import matrix_rank, pinv
from .systems import inv, solve

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]

if not _TYPE_CHECKING:  # which would take any name for one that is there

    def __getattr__(name: str) -> _Any:
        from gpuarray.suggestions import unknown_name

        raise unknown_name(__name__, name)
