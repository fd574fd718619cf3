cimport cython
from gpuarray.array cimport Array

@cython.locals(parts=list, token=tuple)
cpdef basic(Array x, key)
