cdef class DeviceMemory:
    cdef public object _arenas, _name, _pool, _limit, _lists, _blocks, _changes, _counting, _outstanding, _peak
    cpdef allocate(self, nbytes, stream)
    cpdef free(self, pointer, nbytes, stream)
