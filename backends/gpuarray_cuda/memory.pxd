cdef class DeviceMemory:
    cdef public object _arenas, _name, _pool, _limit, _lists, _blocks, _changes, _counting, _outstanding, _peak
    cdef public object _given, _resources, own
    cpdef allocate(self, nbytes, stream)
    cpdef free(self, pointer, nbytes, stream)
