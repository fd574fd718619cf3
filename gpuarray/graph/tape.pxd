cimport cython
from gpuarray.graph.program cimport Step, Task

cdef class _Only:
    cdef Step _step
    cdef object _device
    cdef object _scalars
    cdef tuple _inputs, _places
    cdef bint _as_given

    @cython.locals(step=Step)
    cpdef list replay(self, inputs)
