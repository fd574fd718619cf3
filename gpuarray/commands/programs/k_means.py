"""Points into clusters, by the iteration of Lloyd.

In: points ``(n, d)`` and first guesses of the centres ``(k, d)``. Out: better centres, and the
cluster of each point. Distances, nearest centres and sums are broadcasts that end in a reduction,
so that none of the ``(n, k, d)`` intermediates is stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["clouds", "cluster"]


def cluster(xp: Any, points: Any, centres: Any, iterations: int) -> tuple[Any, Any]:
    """The centres ``(k, d)`` and the number of the centre nearest to each point, ``(n,)`` of int64.

    Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28 (1982).
    A centre that no point is nearest to stays where it is.
    """
    numbers = xp.arange(centres.shape[0], dtype=xp.int64, device=points.device)
    nearest = _nearest(xp, points, centres)
    for _ in range(iterations):
        belongs = xp.astype(nearest[:, None] == numbers[None, :], points.dtype)
        count = xp.sum(belongs, axis=0)[:, None]
        total = xp.sum(belongs[:, :, None] * points[:, None, :], axis=0)
        centres = xp.where(count > 0, total / xp.maximum(count, 1.0), centres)
        nearest = _nearest(xp, points, centres)
    return centres, nearest


def _nearest(xp: Any, points: Any, centres: Any) -> Any:
    difference = points[:, None, :] - centres[None, :, :]
    return xp.argmin(xp.sum(difference * difference, axis=2), axis=1)


def clouds(n: int, k: int = 8, d: int = 3) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Random points around `k` places, and first guesses: float64 ``(n, d)`` and ``(k, d)``.

    The guesses are points, taken at equal distances from the list.
    """
    random = np.random.default_rng(1957)
    places = random.uniform(-10.0, 10.0, (k, d))
    points = places[random.integers(0, k, n)] + random.normal(0.0, 1.0, (n, d))
    return points, points[:: max(n // k, 1)][:k].copy()
