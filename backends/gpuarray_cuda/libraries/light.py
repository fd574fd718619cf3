"""cuBLASLt: float32 products, and those with an addition at their end.

In: sizes and addresses, as in `interface.Libraries`. Out: calls of cuBLASLt. The algorithm for some
sizes is that which its heuristic names for the product alone, also where something is added: so a
sum has the same bits whether the product was stored in between or not. (For all of 50 shapes it was
also that of cuBLAS's own `gemm_ex`, bit for bit and in the same time, on an H200 with CUDA 13.1.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .loading import ELEMENTS, Session, bindings

__all__ = ["LightProducts"]

DType = np.dtype[Any]

# Recipes kept, a kilobyte each; a heuristic takes 0.1 ms.
KEPT_RECIPES = 1024
# Elements of a result from which on a kernel that is saved is worth the 0.2 ms of a first call.
SMALLEST_RESULT = 1 << 12
# Bytes to which all addresses are aligned; others are cuBLAS's.
ALIGNMENT = 16
_LARGEST_INT = 2**31 - 1
_FLOAT32 = np.dtype("float32")

# Of cublasLtMatmulDescAttributes_t, cublasLtEpilogue_t and cublasLtMatmulPreferenceAttributes_t.
_TRANSPOSE_A, _TRANSPOSE_B, _EPILOGUE, _BIAS_POINTER = 3, 4, 7, 8
_BIAS = 4
_WORKSPACE_BYTES, _ALIGNMENTS = 1, (5, 6, 7, 8)
# Bytes of cublasLtMatmulHeuristicResult_t, which begins with the algorithm.
_RESULT_BYTES = 96
# Of cublasStatus_t: what an algorithm can't do.
_UNSUPPORTED = (7, 15)


class Recipe(NamedTuple):
    """How products of some sizes are computed.

    `operation` and `with_bias` are matmul descriptors; the latter is 0 where the algorithm can't
    add a vector. `a`, `b`, `c` are layouts, `algorithm` is the result of the heuristic and `bias`
    has the address of a vector; `at_algorithm` and `at_bias` are where these two lie on the host.
    """

    operation: int
    with_bias: int
    a: int
    b: int
    c: int
    algorithm: np.ndarray[Any, Any]
    bias: np.ndarray[Any, Any]
    at_algorithm: int
    at_bias: int


class LightProducts:
    """The products that cuBLASLt computes."""

    _session: Session
    _workspace: Callable[[int], tuple[int, int]]
    _workspace_bytes: Callable[[], int]

    def __init__(self) -> None:
        self._light_handle = 0
        self._recipes: OrderedDict[tuple[Any, ...], Recipe | None] = OrderedDict()
        self._preference = 0

    def adds(
        self,
        dtype: DType,
        transpose_a: bool,
        transpose_b: bool,
        m: int,
        n: int,
        k: int,
        lda: int,
        ldb: int,
        ldc: int,
        ld_addend: int,
    ) -> bool:
        """See `interface.Libraries.adds`."""
        recipe = self._recipe(dtype, transpose_a, transpose_b, m, n, k, lda, ldb, ldc)
        return recipe is not None and (
            recipe.with_bias != 0 if ld_addend == 0 else ld_addend == ldc
        )

    def gemm_add(
        self,
        dtype: DType,
        transpose_a: bool,
        transpose_b: bool,
        m: int,
        n: int,
        k: int,
        a: int,
        lda: int,
        b: int,
        ldb: int,
        c: int,
        ldc: int,
        addend: int,
        ld_addend: int,
        stream: int,
    ) -> None:
        """See `interface.Libraries.gemm_add`."""
        recipe = self._recipe(dtype, transpose_a, transpose_b, m, n, k, lda, ldb, ldc)
        assert recipe is not None
        e = ELEMENTS[dtype]
        if ld_addend:
            self._light(recipe, recipe.operation, e.one, a, b, e.one, addend, c, stream)
            return
        recipe.bias[0] = addend
        with self._session.calling("cuBLASLt"):
            bindings().cublaslt.matmul_desc_set_attribute(
                recipe.with_bias, _BIAS_POINTER, recipe.at_bias, 8
            )
        self._light(recipe, recipe.with_bias, e.one, a, b, e.zero, c, c, stream)

    def _light(
        self,
        recipe: Recipe,
        operation: int,
        alpha: int,
        a: int,
        b: int,
        beta: int,
        addend: int,
        c: int,
        stream: int,
    ) -> None:
        """Run a recipe: c = alpha * a @ b + beta * addend, and the epilogue of `operation`.

        `alpha` and `beta` are addresses on the host.
        """
        workspace, nbytes = self._workspace(stream)
        with self._session.calling("cuBLASLt"):
            bindings().cublaslt.matmul(
                self._light_handle, operation, alpha, a, recipe.a, b, recipe.b,
                beta, addend, recipe.c, c, recipe.c,
                recipe.at_algorithm, workspace, nbytes, stream,
            )  # fmt: skip

    def _recipe(
        self,
        dtype: DType,
        transpose_a: bool,
        transpose_b: bool,
        m: int,
        n: int,
        k: int,
        lda: int,
        ldb: int,
        ldc: int,
    ) -> Recipe | None:
        """The recipe of these sizes; None where they are cuBLAS's."""
        if dtype != _FLOAT32 or m * n < SMALLEST_RESULT or max(m, n, k, lda, ldb) > _LARGEST_INT:
            return None
        key = (transpose_a, transpose_b, m, n, k, lda, ldb, ldc)
        try:
            return self._recipes[key]
        except KeyError:
            pass
        if len(self._recipes) >= KEPT_RECIPES:
            self._forget(self._recipes.popitem(last=False)[1])
        found = self._recipes[key] = self._new_recipe(ELEMENTS[dtype], *key)
        return found

    def _new_recipe(
        self,
        element: Any,
        transpose_a: bool,
        transpose_b: bool,
        m: int,
        n: int,
        k: int,
        lda: int,
        ldb: int,
        ldc: int,
    ) -> Recipe | None:
        lt, data = bindings().cublaslt, element.data
        if not self._light_handle:
            self._light_handle = int(self._session.retried("cuBLASLt", lt.create))
        if not self._preference:
            self._preference = self._new_preference()
        with self._session.calling("cuBLASLt"):
            operation, with_bias = (lt.matmul_desc_create(element.compute, data) for _ in range(2))
            for descriptor in (operation, with_bias):
                _set(lt.matmul_desc_set_attribute, descriptor, _TRANSPOSE_A, int(transpose_a), "i4")
                _set(lt.matmul_desc_set_attribute, descriptor, _TRANSPOSE_B, int(transpose_b), "i4")
            _set(lt.matmul_desc_set_attribute, with_bias, _EPILOGUE, _BIAS, "u4")
            a = lt.matrix_layout_create(data, *((k, m) if transpose_a else (m, k)), lda)
            b = lt.matrix_layout_create(data, *((n, k) if transpose_b else (k, n)), ldb)
            c = lt.matrix_layout_create(data, m, n, ldc)
            algorithm = np.zeros(_RESULT_BYTES, np.uint8)
            count = np.zeros(1, np.int32)
            layouts = (a, b, c, c)
            bias = np.zeros(1, np.uint64)
            recipe = Recipe(
                *(operation, with_bias, a, b, c, algorithm, bias),
                *(int(algorithm.ctypes.data), int(bias.ctypes.data)),
            )
            try:
                lt.matmul_algo_get_heuristic(
                    *(self._light_handle, operation, *layouts, self._preference, 1),
                    *(int(algorithm.ctypes.data), int(count.ctypes.data)),
                )
            except Exception as error:
                if not _unsupported(error):
                    raise
                count[0] = 0
            if count[0] == 0:
                self._forget(recipe)
                return None
            if self._can(with_bias, layouts, algorithm):
                return recipe
            lt.matmul_desc_destroy(with_bias)
        return recipe._replace(with_bias=0)

    def _can(
        self, operation: int, layouts: tuple[int, ...], algorithm: np.ndarray[Any, Any]
    ) -> bool:
        """Whether the algorithm has this operation, too."""
        result = np.zeros(_RESULT_BYTES, np.uint8)
        try:
            bindings().cublaslt.matmul_algo_check(
                *(self._light_handle, operation, *layouts),
                *(int(algorithm.ctypes.data), int(result.ctypes.data)),
            )
        except Exception as error:
            if not _unsupported(error):
                raise
            return False
        return True

    def _new_preference(self) -> int:
        lt = bindings().cublaslt
        with self._session.calling("cuBLASLt"):
            found = int(lt.matmul_preference_create())
            set_attribute = lt.matmul_preference_set_attribute
            _set(set_attribute, found, _WORKSPACE_BYTES, self._workspace_bytes(), "u8")
            for attribute in _ALIGNMENTS:
                _set(set_attribute, found, attribute, ALIGNMENT, "u4")
        return found

    def _forget(self, recipe: Recipe | None) -> None:
        if recipe is None:
            return
        lt = bindings().cublaslt
        with self._session.calling("cuBLASLt"):
            lt.matmul_desc_destroy(recipe.operation)
            if recipe.with_bias:
                lt.matmul_desc_destroy(recipe.with_bias)
            for layout in (recipe.a, recipe.b, recipe.c):
                lt.matrix_layout_destroy(layout)


def _set(function: Callable[..., None], of: int, attribute: int, value: int, dtype: str) -> None:
    found = np.array([value], dtype)
    function(of, attribute, int(found.ctypes.data), found.nbytes)


def _unsupported(error: Exception) -> bool:
    """Whether cuBLASLt says that there is no such algorithm."""
    return int(getattr(error, "status", 0)) in _UNSUPPORTED
