"""Launches kernels through the address of the driver's function: only where modules are compiled.

In: what `cuLaunchKernel` takes, as integers. Out: its result code. The bindings make an object for
each argument and two for the result, which costs as long as half a launch.
"""

from libc.stdint cimport uintptr_t

ctypedef int (*_Launch)(
    void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**
) noexcept nogil


cdef class Launch:
    """`cuLaunchKernel` at `address`."""

    cdef _Launch _launch

    def __init__(self, uintptr_t address):
        if not address:
            raise ValueError("Launch: the address of cuLaunchKernel must not be 0")
        self._launch = <_Launch>address

    def launch(
        self, uintptr_t function, unsigned grid, unsigned block, unsigned shared_bytes,
        uintptr_t stream, uintptr_t parameters,
    ):
        """Launch `grid` blocks of `block` threads along x; the result code."""
        cdef int code
        # The driver waits where its queue is full.
        with nogil:
            code = self._launch(
                <void*>function, grid, 1, 1, block, 1, 1, shared_bytes, <void*>stream,
                <void**>parameters, NULL,
            )
        return code
