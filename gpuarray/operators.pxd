cimport cython
from gpuarray.graph.node cimport Node

cdef object ABS, ADD, SUBTRACT, MULTIPLY, DIVIDE, FLOOR_DIVIDE, REMAINDER, POW
cdef object NEGATIVE, POSITIVE, INVERT, AND, OR, XOR, LEFT_SHIFT, RIGHT_SHIFT
cdef object EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL
cdef object _OPERANDS, _CONVERTIBLE

@cython.freelist(64)
cdef class Operators:
    cdef object __weakref__
    cdef public Node _node

from gpuarray cimport recording
