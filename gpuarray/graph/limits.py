"""The bounds of a pending graph and of a kernel, each with the reason for its value.

Every bound can be set by the environment variable named beside it, read once at import.
"""

import os

__all__ = [
    "ACCESSES_PER_KERNEL",
    "BYTES",
    "CACHED_PLANS",
    "CAPTURED_BYTES",
    "CHEAP_OPERATIONS",
    "INSTRUCTIONS_PER_KERNEL",
    "LONG_ROWS",
    "NODES",
    "RECORDINGS",
    "ROW_ELEMENTS",
]


def _integer(variable: str, default: int) -> int:
    text = os.environ.get(variable)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise ValueError(f"{variable}: needs a non-negative whole number, got {text!r}")
    return value


# GPUARRAY_EAGER=1 flushes each operation as it is recorded, for debugging.
EAGER = _integer("GPUARRAY_EAGER", 0) != 0

# Operations a pending graph may hold. A kernel of 200 operations compiles in 20 ms and a flush of
# it costs 80 us of Python, so a longer chain gains little; a loop that never asks for a value is
# flushed this often. Twenty steps of a map of the plane (Mandelbrot's: 252 operations) still fit.
NODES = 0 if EAGER else _integer("GPUARRAY_MAX_PENDING_NODES", 300)

# Bytes of buffers that may appear while a graph is pending. They may be alive only because the
# graph reads them, so this bounds the memory that laziness costs.
BYTES = _integer("GPUARRAY_MAX_PENDING_BYTES", 1 << 30)

# Arrays a kernel may read and write. NVRTC 13.5, sm_90, 16-byte vectors: 16 use 78 registers,
# 24 use 112, 32 use 144, and 64 spill.
ACCESSES_PER_KERNEL = _integer("GPUARRAY_MAX_KERNEL_ARRAYS", 24)

# Values a kernel may compute; more only lengthens the compilation. What takes half of that many is
# stored.
INSTRUCTIONS_PER_KERNEL = _integer("GPUARRAY_MAX_KERNEL_OPERATIONS", 1024)

# An expression of at most this many operations is computed again by each kernel that reads it
# at other indices; a longer one is stored, since a pass over memory is then cheaper.
CHEAP_OPERATIONS = _integer("GPUARRAY_CHEAP_OPERATIONS", 2)

# Plans kept, each a few kilobytes, one for every structure and shape of a flushed graph.
CACHED_PLANS = _integer("GPUARRAY_CACHED_PLANS", 4096)

# Chains of reductions and elementwise work along rows are one kernel, which works on a row in one
# place. Rows up to this length stay in the registers of a block (128 KiB of float32); longer ones
# are in its shared memory, or read again in each stage, and take this many rows to fill a device.
ROW_ELEMENTS = _integer("GPUARRAY_ROW_ELEMENTS", 1 << 15)
LONG_ROWS = _integer("GPUARRAY_LONG_ROWS", 128)

# Recordings kept of one compiled function, one for every structure, shape and static value of its
# arguments. A recording that was captured holds device memory and some 100 kB of the driver's, and
# a function that is called in more ways than this hardly ever comes back to the first of them.
RECORDINGS = _integer("GPUARRAY_MAX_RECORDINGS", 32)

# Bytes that a captured recording may hold for its inputs and intermediates. Its inputs and outputs
# are copied: at 4 TB/s (H200) 64 MiB take 34 us, as long as the launches of seven kernels one by
# one, so that with more the launches are no longer what a call takes its time for.
CAPTURED_BYTES = _integer("GPUARRAY_MAX_CAPTURED_BYTES", 64 << 20)
