"""How the hand-written kernels divide their work: threads of a block, elements of a thread.

All of these change speed and nothing else, but for the last bits of floating-point scans. They are
read at every call, so that an experiment may change them.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "COMPACT_BLOCK",
    "HISTOGRAM",
    "HISTOGRAM_BLOCKS",
    "LONGEST_GROUP",
    "SCAN_BLOCK",
    "SCAN_BYTES",
    "SCAN_LONGEST_ROW",
    "SCAN_RESIDENT",
    "SCAN_RESIDENT_COMPLEX",
    "SEARCH_BLOCK",
    "SORT_GROUP_BLOCK",
    "SORT_ROWS",
    "SORT_TILES",
    "SORT_WINDOW",
    "Tile",
]


class Tile(NamedTuple):
    """The shape of a block's work: `resident` blocks share a multiprocessor, registers allowing."""

    block: int
    items: int
    resident: int = 1


# A pass of the radix sort, by the size of an element and whether positions are carried along. A
# larger tile writes longer runs of one digit; more resident blocks hide more of the waiting.
SORT_TILES: dict[tuple[int, bool], Tile] = {
    (1, False): Tile(384, 20, 2),
    (2, False): Tile(384, 22, 2),
    (4, False): Tile(384, 22, 2),
    (8, False): Tile(384, 14, 2),
    (1, True): Tile(384, 18, 2),
    (2, True): Tile(384, 18, 2),
    (4, True): Tile(384, 18, 2),
    (8, True): Tile(384, 12, 2),
}
# States of earlier tiles that a tile reads at once.
SORT_WINDOW = 4
# The histogram of all digits, and how many blocks of it each multiprocessor gets.
HISTOGRAM = Tile(512, 8)
HISTOGRAM_BLOCKS = 8
# Rows up to this length are sorted by a group of lanes, in registers.
LONGEST_GROUP = 256
SORT_GROUP_BLOCK = 128
# Longer ones by a block, up to the largest of these. What fits shared memory less is left out.
SORT_ROWS: list[Tile] = [Tile(64, 8), Tile(128, 8), Tile(128, 16), Tile(256, 16), Tile(512, 16)]

# A tile of a scan: threads, bytes of each, and how many blocks share a multiprocessor at most: more
# tiles at a time hide more of the waiting for earlier ones (64 Mi float32 on an H200: 0.175 ms with
# 6, 0.196 with 4). Complex sums spill with 5 (NVRTC 13.5 and 13.0).
SCAN_BLOCK = 256
SCAN_BYTES = 128
SCAN_RESIDENT = 6
SCAN_RESIDENT_COMPLEX = 4
# Rows up to this length are scanned by a group of lanes; longer ones may share tiles.
SCAN_LONGEST_ROW = 1024

SEARCH_BLOCK = 256
COMPACT_BLOCK = 256
