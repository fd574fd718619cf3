"""Heat that spreads over a plate, by explicit finite differences updated in place.

In: the temperature of each cell, ``(n, m)``. Out: the same after some steps. Each step is one
update of a slice from five slices of the same array, so that it is one kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["diffuse", "plate"]


def diffuse(xp: Any, temperature: Any, steps: int, rate: float = 0.24) -> Any:
    """The temperature after `steps` steps of the heat equation; the border keeps its own.

    Parameters
    ----------
    xp
        The namespace of the array.
    temperature
        ``(n, m)``, floating; not changed.
    steps
        How often to apply the five-point stencil.
    rate
        Diffusivity times the time of a step, over the area of a cell; stable up to 0.25.
    """
    u = xp.asarray(temperature, copy=True)
    for _ in range(steps):
        u[1:-1, 1:-1] += rate * (
            u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * u[1:-1, 1:-1]
        )
    return u


def plate(n: int) -> np.ndarray[Any, Any]:
    """A square plate ``(n, n)`` of float64, 0 where cold and 1 where hot.

    The left border is hot, and there are hot and cold discs on lukewarm ground.
    """
    random = np.random.default_rng(1822)
    temperature = np.full((n, n), 0.35)
    y, x = np.mgrid[0:n, 0:n] / n
    for disc in range(24):
        centre_y, centre_x = random.uniform(0.08, 0.92, 2)
        radius = random.uniform(0.03, 0.11)
        inside = (y - centre_y) ** 2 + (x - centre_x) ** 2 < radius**2
        temperature[inside] = 0.0 if disc % 3 == 0 else random.uniform(0.7, 1.0)
    temperature[0, :] = temperature[-1, :] = temperature[:, -1] = 0.0
    temperature[:, 0] = 1.0
    return temperature
