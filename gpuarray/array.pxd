from gpuarray.operators cimport Operators

cdef class Array(Operators):
    cdef object __weakref__
