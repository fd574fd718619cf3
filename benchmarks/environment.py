"""What a measurement was made with: device, date and versions, for the tables and files."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.ours import Ours
from benchmarks.peers import Peer

__all__ = ["environment"]

PACKAGES = ("numpy", "cuda-core", "cuda-bindings", "nvidia-cuda-nvrtc")


def environment(ours: Ours, peers: Sequence[Peer]) -> dict[str, Any]:
    """Names and versions, as they are printed."""
    found: dict[str, Any] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "device": ours.device_name,
    }
    if ours.executor:
        capability = ours.executor.runtime.properties.compute_capability
        found["compute capability"] = ".".join(map(str, capability))
    found["Python"] = platform.python_version()
    found |= {peer.name: peer.version for peer in peers}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
