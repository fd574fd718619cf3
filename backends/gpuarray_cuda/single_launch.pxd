cimport cython
from gpuarray_cuda.buffer cimport CudaBuffer
from gpuarray_cuda.executor cimport Executor

cdef class SingleLaunch:
    cdef Executor _executor
    cdef object _device, _kernel, _grid, _block, _room, _scratch
    cdef tuple _inputs, _nbytes, _results, _pointers, _tail

    @cython.locals(values=list, made=list, buffer=CudaBuffer, scratch=CudaBuffer, shared=bint)
    cpdef list replay(self, inputs)
