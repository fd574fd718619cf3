cdef class Step:
    cdef public object program
    cdef public tuple shape, integers, inputs, offsets, scalars, outputs, names, releases
    cdef public dict prepared
    cdef public list no_bases

cdef class Task:
    cdef public Step step
    cdef public object device
    cdef public list inputs, bases
    cdef public object scalars
