from gpuarray.graph.node cimport Buffer, _Clock

cdef _Clock clock

cdef class CudaBuffer(Buffer):
    cdef public object pointer, runtime, home, writer, readers
    cdef public long version

cdef class ForeignCudaBuffer(CudaBuffer):
    cdef public object owner

cdef class PlacedCudaBuffer(CudaBuffer):
    pass
