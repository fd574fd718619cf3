"""The CUDA backend: fused kernels from NVRTC on NVIDIA GPUs."""
