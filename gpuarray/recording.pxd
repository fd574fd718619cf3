cimport cython
from gpuarray.array cimport Array
from gpuarray.graph.node cimport Node, _Clock
from gpuarray.operations.operation cimport Remembered

cdef _Clock clock
cdef bint DEBUG
cdef object TABLE, _SQUARE, _POW, _RECIPROCAL, _DIVIDE, _REAL_FLOATING, _FITS, _SCALARS

@cython.locals(left=Array, a=Node, node=Node, array=Array, now=double, low=double)
cpdef Array unary(Remembered op, x)

@cython.locals(
    left=Array, right=Array, a=Node, b=Node, node=Node, array=Array,
    now=double, low=double, shape=tuple, inputs=tuple,
)
cpdef Array binary(Remembered op, x1, x2)

@cython.locals(left=Array, a=Node)
cpdef Array power(x1, x2)

@cython.locals(right=Array, b=Node)
cpdef Array quotient(x1, x2)

@cython.locals(
    operands=tuple, kinds=list, inputs=list, array=Array, a=Node, shape=tuple, integers=bint
)
cpdef Array ternary(Remembered op, x1, x2, x3)

@cython.locals(node=Node, source=Node, array=Array, now=double, low=double)
cpdef Array record(op, tuple inputs, attributes, dtype, tuple shape, device)
