from gpuarray.operators cimport Operators

cdef class Array(Operators):
    pass
