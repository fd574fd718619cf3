cdef class Remembered:
    cdef public dict table
