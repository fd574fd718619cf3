cimport cython
from gpuarray.graph.program cimport Step, Task
from gpuarray_cuda.buffer cimport CudaBuffer

cdef class Executor:
    cdef object __weakref__
    cdef public object device, runtime, graphs, _kernels, _thread, _free_streams, _free_by_priority, _tickets
    cdef tuple _repeated

    cpdef CudaBuffer allocate(self, nbytes)

    @cython.locals(
        step=Step, addresses=list, values=list, outputs=list, buffer=CudaBuffer, scratch=CudaBuffer,
        shared=bint, again=tuple, winners=Py_ssize_t, pointers=tuple, sizes=tuple, scalars=tuple,
        tail=tuple,
    )
    cpdef list run(self, Task task)

    @cython.locals(values=list, found=tuple)
    cpdef tuple tail(self, tuple sizes, tuple scalars, given)
