"""What memory is still in use when the program ends; with ``GPUARRAY_DEBUG=1`` only.

In: the classes of nodes and buffers. Out: lines on the standard error, for each device the number
and the bytes of the living buffers, and the lines that recorded what is in them.
"""

from __future__ import annotations

import atexit
import gc
import sys
from collections import defaultdict
from typing import Any

__all__ = ["report", "report_at_exit"]


def report_at_exit(node_type: type, buffer_type: type) -> None:
    """Report when the interpreter ends, after the program's own functions of `atexit`."""
    atexit.register(lambda: sys.stderr.write(report(node_type, buffer_type)))


def report(node_type: type, buffer_type: type) -> str:
    """The living buffers in words; "" where there are none."""
    gc.collect()  # what only cycles keep is no leak
    lines: dict[int, str] = {}
    living: list[Any] = []
    for found in gc.get_objects():
        # Not isinstance(), which asks proxies of other libraries for their class.
        kind = type(found)
        if kind is node_type:
            buffer = getattr(found, "buffer", None)  # a pending operation has none
            line = getattr(found, "line", None)
            if buffer is not None and line is not None:
                lines.setdefault(id(buffer), line)
        elif issubclass(kind, buffer_type) and getattr(found, "nbytes", False):
            living.append(found)
    devices: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for buffer in living:
        devices[buffer.device][lines.get(id(buffer), "<in no array>")].append(buffer.nbytes)
    return "".join(_described(device, devices[device]) for device in sorted(devices))


def _described(device: str, places: dict[str, list[int]]) -> str:
    everything = [nbytes for sizes in places.values() for nbytes in sizes]
    text = f"gpuarray: at exit {_counted(everything)} still in use on {str(device)!r}, made at\n"
    for line, sizes in sorted(places.items(), key=lambda place: -sum(place[1])):
        text += f"  {line}: {_counted(sizes)}\n"
    return text


def _counted(sizes: list[int]) -> str:
    return f"{len(sizes)} {'buffer' if len(sizes) == 1 else 'buffers'}, {sum(sizes)} bytes"
