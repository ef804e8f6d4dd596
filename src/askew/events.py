"""Scores that follow each other in time: which of them are about the same thing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Moments = NDArray[np.float64]
"""When each score happened, ascending: those less than 1 apart are about the same thing."""

APART = 1 - 1e-6
"""What counts as 1: moments are fractions, and are rounded."""


def number_events(alerts: NDArray[np.bool_], moments: Moments | None) -> NDArray[np.int64]:
    """Return which event each alert belongs to, counted from 1, and 0 for the rest, ``(n,)``.

    An alert less than 1 after the one before it belongs to the same event. Without moments each
    alert is an event.

    Example
    -------
    >>> alerts = np.array([False, True, False, True, False, False, True])
    >>> number_events(alerts, np.arange(7) / 3)
    array([0, 1, 0, 1, 0, 0, 2])
    """
    places = np.flatnonzero(alerts)
    begins = np.ones(len(places), dtype=bool)
    if moments is not None:
        begins[1:] = np.diff(moments[places]) >= APART
    numbers = np.zeros(len(alerts), dtype=np.int64)
    numbers[places] = np.cumsum(begins)
    return numbers


def peaks(
    scores: NDArray[np.float64], alerts: NDArray[np.bool_], moments: Moments | None, most: int
) -> NDArray[np.intp]:
    """Return the positions of the highest scores, highest first, one of each event.

    Scores that are no alerts, at least 1 apart in time from each other and from alerts, stand for
    events too.

    Example
    -------
    >>> scores = np.array([1.0, 7.0, 8.0, 6.0, 5.0, 0.0, 2.0])
    >>> peaks(scores, scores > 4, np.arange(7) / 2, 2)
    array([2, 6])
    """
    order = np.argsort(-scores, kind="stable")
    if moments is None:
        return order[:most]
    events = number_events(alerts, moments)
    found: list[int] = []
    free = np.ones(len(scores), dtype=bool)
    while len(found) < most and free.any():
        highest = int(order[free[order].argmax()])
        found.append(highest)
        first, last = extent(events, highest)
        free &= (moments[first] - moments >= APART) | (moments - moments[last] >= APART)
    return np.array(found, dtype=np.intp)


def extent(events: NDArray[np.int64], place: int) -> tuple[int, int]:
    """Return the first and last position of the event at a place; the place itself if none.

    Example
    -------
    >>> extent(np.array([0, 1, 0, 1, 2]), 3), extent(np.array([0, 1, 0, 1, 2]), 0)
    ((1, 3), (0, 0))
    """
    if not events[place]:
        return place, place
    inside = np.flatnonzero(events == events[place])
    return int(inside[0]), int(inside[-1])
