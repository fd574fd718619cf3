cimport cython
from gpuarray.array cimport Array
from gpuarray.graph.node cimport Node

cdef dict _BASIC

cdef class Key:
    cdef readonly tuple shape
    cdef readonly tuple maps
    cdef readonly tuple view
    cdef readonly tuple indices
    cdef readonly object position
    cdef readonly bint empty
    cdef readonly dict places

@cython.locals(node=Node, parts=list, token=tuple)
cpdef basic(Array x, key)
