"""A matrix as a picture: a PNG file in false colours.

In: a NumPy array ``(n, m)`` of numbers from 0 to 1. Out: a file. Written out here because the
format takes thirty lines, and a demo should need no image library.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["colours", "save_png"]

# Red, green and blue at equal distances from cold to hot. Lightness (CIE L*) rises from 2 to 98,
# by 10 to 16 from each to the next, so that the picture can be read without colour vision.
STOPS = np.array(
    [
        (4, 5, 22), (44, 17, 82), (93, 22, 108), (143, 36, 100), (191, 56, 76),
        (228, 92, 45), (248, 142, 18), (248, 199, 59), (252, 253, 191),
    ],
    dtype=np.float64,
)  # fmt: skip

SIGNATURE = b"\x89PNG\r\n\x1a\n"
EIGHT_BIT_RGB = (8, 2, 0, 0, 0)  # bits, colour type, compression, filters, interlace


def colours(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The colours ``(n, m, 3)`` of uint8 for values ``(n, m)``; outside 0 to 1 they are clipped."""
    place = np.clip(values, 0.0, 1.0) * (len(STOPS) - 1)
    low = np.minimum(place.astype(np.intp), len(STOPS) - 2)
    share = (place - low)[..., None]
    mixed: np.ndarray[Any, Any] = np.rint(STOPS[low] * (1.0 - share) + STOPS[low + 1] * share)
    return mixed.astype(np.uint8)


def save_png(path: Path, values: np.ndarray[Any, Any]) -> None:
    """Write `values` ``(n, m)``, 0 to 1, as an RGB picture `m` wide and `n` high.

    PNG specification, third edition (W3C, 2025).
    """
    n, m = values.shape
    rows = np.zeros((n, 1 + 3 * m), dtype=np.uint8)
    rows[:, 1:] = colours(values).reshape(n, 3 * m)  # byte 0 of a row: filter 0, none
    with path.open("wb") as file:
        file.write(SIGNATURE)
        file.write(_chunk(b"IHDR", struct.pack(">II5B", m, n, *EIGHT_BIT_RGB)))
        file.write(_chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)))
        file.write(_chunk(b"IEND", b""))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
