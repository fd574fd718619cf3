cimport cython
from gpuarray.array cimport Array
from gpuarray.graph.node cimport Node

@cython.locals(first=Node, node=Node, shape=tuple, other=tuple, before=tuple, after=tuple, nodes=list, extent=Py_ssize_t, d=Py_ssize_t)
cpdef _alike(arrays, axis)
