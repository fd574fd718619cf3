cimport cython
from gpuarray.array cimport Array
from gpuarray.graph.node cimport Node

cdef dict _KEPT

@cython.locals(array=Array, node=Node, found=tuple)
cpdef kept(name, x, axis, keepdims)

@cython.locals(node=Node)
cpdef Array keep(name, Array x, axis, keepdims, Array fold)
