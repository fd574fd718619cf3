cimport cython
from gpuarray.array cimport Array
from gpuarray.graph.node cimport Buffer, Node
from gpuarray.keys cimport Key

cpdef get(Array x, key)

@cython.locals(node=Node, buffer=Buffer, found=tuple)
cpdef Array _part(Array x, Key key)
