cimport cython
from gpuarray.array cimport Array
from gpuarray.graph.node cimport Node, _Clock

cdef _Clock clock
cdef bint DEBUG

@cython.locals(left=Array, a=Node, node=Node, array=Array, now=double, low=double)
cpdef Array unary(op, x)

@cython.locals(left=Array, right=Array, a=Node, b=Node, node=Node, array=Array, now=double, low=double, shape=tuple, inputs=tuple)
cpdef Array binary(op, x1, x2)

@cython.locals(array=Array, dtype=object)
cpdef Array power(x1, x2)

@cython.locals(array=Array)
cpdef Array quotient(x1, x2)

@cython.locals(node=Node, source=Node, now=double, low=double)
cpdef Array record(op, tuple inputs, attributes, dtype, tuple shape, device)
