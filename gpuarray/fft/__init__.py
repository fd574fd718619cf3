"""The Fourier transform extension of the standard, as the namespace `gpuarray.fft`.

In: floating arrays. Out: their transforms, which a library computes from the call on; cropping,
padding, scaling and shifting are recorded.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .complex_transforms import fft, fftn, ifft, ifftn
from .frequencies import fftfreq, fftshift, ifftshift, rfftfreq
from .hermitian_transforms import hfft, ihfft
from .real_transforms import irfft, irfftn, rfft, rfftn

__all__ = [
    "fft",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfftn",
    "rfft",
    "rfftfreq",
    "rfftn",
]

if not _TYPE_CHECKING:  # which would take any name for one that is there

    def __getattr__(name: str) -> _Any:
        from gpuarray.suggestions import unknown_name

        raise unknown_name(__name__, name)
