"""Library operations of the CUDA backend: NVIDIA's libraries, and kernels for what they lack."""
