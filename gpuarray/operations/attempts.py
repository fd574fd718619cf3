"""Attempts: an element's own sequence of words, and drawing until one is accepted.

In: the states of elements. Out: the words of their attempts, and what is common to the
distributions that are made of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .philox import Values, joined, open_unit, philox

__all__ = ["ATTEMPTS", "Pending", "first_attempt", "flat", "log_factorial"]

ATTEMPTS = 1000
_LOG_ROOT_2PI = 0.91893853320467274


class Pending:
    """The elements for which no attempt has been accepted yet.

    Parameters
    ----------
    state
        Of each element, one-dimensional.
    result
        What is filled in.
    """

    def __init__(self, state: Values, result: Values) -> None:
        self.state = state
        self.result = result
        self.places = np.arange(state.size)

    def attempts(self) -> Iterator[tuple[Values, ...]]:
        """The words of the attempts 1, 2, ... of those that are pending then."""
        for attempt in range(1, ATTEMPTS):
            if not self.places.size:
                return
            yield philox(np.zeros((), np.uint64), attempt, 4, self.state[self.places])

    def fill(self, values: Values, accepted: Values) -> None:
        """Take the values that are accepted, and keep the others pending."""
        self.result[self.places] = values
        self.places = self.places[~accepted]


def first_attempt(state: Values) -> Values:
    return open_unit(joined(*philox(np.zeros((), np.uint64), 0, 4, state)[:2]))


def flat(*operands: Values) -> tuple[Values, ...]:
    return tuple(np.ascontiguousarray(x).reshape(-1) for x in np.broadcast_arrays(*operands))


def log_factorial(k: Values) -> Values:
    """log(k!): of small k that of the product, of others Stirling's series."""
    small = np.log(np.cumprod([1.0, *range(1, 10)]))
    n = np.maximum(k, 10.0)
    s = (1 / n) ** 2
    tail = (1 / n) * (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680))))
    large = (n + 0.5) * np.log(n) - n + _LOG_ROOT_2PI + tail
    return np.where(k < 10, small[np.clip(k, 0, 9).astype(np.intp)], large)
