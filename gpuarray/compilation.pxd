cimport cython
from gpuarray.array cimport Array
from gpuarray.graph.node cimport Node

cdef class Recording:
    cdef public object generation, results, run, tape, template, updates

    @cython.locals(array=Array, memory=list, place=tuple)
    cpdef replay(self, arrays, list inputs)

cdef class _Call:
    cdef public Recording recording
    cdef object _chosen
    cdef tuple _layouts, _devices

    @cython.locals(layouts=tuple, inputs=list, node=Node, k=Py_ssize_t)
    cpdef inputs_of(self, args)
