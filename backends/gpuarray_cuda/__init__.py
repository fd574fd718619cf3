"""The CUDA backend: fused kernels from NVRTC on NVIDIA GPUs."""

from pathlib import Path

from gpuarray import compiled

# Before any module that may be compiled is imported.
compiled.check(__name__, Path(__file__).parent)
