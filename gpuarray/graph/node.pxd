# Types for compiling node.py; the Python source is what it says without them.

cimport cython

cdef class Buffer:
    cdef object __weakref__
    cdef public object device
    cdef public object nbytes
    cdef public bint exclusive

cdef class Layout:
    cdef public object dtype
    cdef public tuple shape
    cdef public tuple strides
    cdef public object alignment
    cdef public bint contiguous
    cdef public object nbytes

cdef class _Clock:
    cdef public double now
    cdef public double limit
    cdef public double per_byte

@cython.freelist(256)
cdef class Node:
    cdef public object op
    cdef public tuple inputs
    cdef public object attributes
    cdef public object dtype
    cdef public tuple shape
    cdef public object device
    cdef public double low
    cdef public Buffer buffer
    cdef public object offset
    cdef public Layout layout
    cdef public long epoch
    cdef public Py_ssize_t slot
    cdef public Py_ssize_t uses
    cdef public object line
    cdef public bint consumed

    cpdef become_leaf(self, Buffer buffer, offset, Layout layout)

@cython.locals(node=Node)
cpdef Node leaf(device, Buffer buffer, offset, Layout layout)
