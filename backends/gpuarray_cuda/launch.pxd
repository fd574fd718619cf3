cdef class CudaKernel:
    cdef public object _addresses, _owner, arguments, buffer, handle, name, pack, parameters
    cdef public object local_bytes, registers, shared_allowed, static_shared_bytes
    cdef public object heads, pack_head, tail

cdef class Launcher:
    cdef public object _context, _driver, _launch, _make_room

    cpdef launch(self, kernel, grid, block, shared_bytes, stream, values, tail=*)
