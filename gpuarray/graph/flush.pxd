cimport cython
from gpuarray.graph.node cimport Buffer, Node
from gpuarray.graph.program cimport Step, Task

cdef long _epoch
cdef Py_ssize_t _OWN_REFERENCES
cdef Py_ssize_t _BUFFER_REFERENCES

@cython.locals(nodes=list, node=Node)
cpdef tuple _own_references()

@cython.locals(wanted=list, nodes=list, scalars=list, key=tuple, found=tuple, node=Node, step=Step)
cpdef flush(roots)

@cython.locals(inputs=tuple, key=list, nodes=list, scalars=list, source=Node)
cpdef tuple _lone(Node node)

@cython.locals(nodes=list, scalars=list, key=list, stack=list, held=list, node=Node, source=Node, inputs=tuple, seen=long, waiting=Py_ssize_t, updates=bint, epoch=long, references=Py_ssize_t)
cpdef tuple collect(roots)

@cython.locals(node=Node)
cpdef dict _sole_bases(list nodes)
