"""Code generation: from programs to CUDA C++ kernels, without headers and without sizes.

`values` writes the instructions of a program, `elementwise` and `reduction` the loops around them,
and `device_functions` supplies what they call.
"""
