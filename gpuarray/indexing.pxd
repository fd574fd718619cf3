cimport cython
from gpuarray.array cimport Array

cpdef get(Array x, key)
