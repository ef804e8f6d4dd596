"""How the numbers of a table are scaled, by what training showed of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
State = dict[str, Floats]
"""What a scaling learned, by name: ``(m,)`` for m columns; knots and targets ``(m, knots)``."""

CLIP = 3.0
"""Standard deviations from which a value grows only logarithmically."""
KNOTS = 1001
"""Training quantiles kept for each column by the scalings that use them."""
TOP = 1e12
"""Largest encoded number: beyond it, products of single-precision networks would overflow."""


def soft_clip(z: Floats) -> Floats:
    """Values beyond `CLIP` grow like their logarithm: size stays visible, without dominating.

    ``z`` up to ``c`` = 3 is kept, beyond it becomes ``sign(z) (c + log(1 + |z| - c))``: monotone,
    with a continuous slope.

    Shapes
    ------
    ``(n, m) -> (n, m)``; infinite values, from overflow, become the largest finite one's.

    Example
    -------
    >>> soft_clip(np.array([[-3.0, 4.0, 500.0]])).round(1).tolist()
    [[-3.0, 3.7, 9.2]]
    """
    far = np.abs(z) > CLIP
    if far.any():
        size = np.minimum(np.abs(z[far]), np.finfo(np.float64).max)
        z = z.copy()
        z[far] = np.sign(z[far]) * (CLIP + np.log1p(size - CLIP))
    return z


def plain(values: Floats, state: State) -> Floats:
    """Return numbers as they are, up to a size that networks can bear."""
    return np.clip(values, -TOP, TOP) if np.abs(values).max(initial=0) > TOP else values


def deviations(values: Floats, state: State) -> Floats:
    """Return distances from the training mean in training standard deviations; may be infinite."""
    with np.errstate(over="ignore"):
        z = values - state["center"]
        z /= state["scale"]  # in place: passes over memory are what this costs
        return z


def standard(values: Floats, state: State) -> Floats:
    """Return `deviations`, up to a size that networks can bear."""
    return plain(deviations(values, state), state)


def clipped(values: Floats, state: State) -> Floats:
    """Return `deviations`, softly clipped."""
    return soft_clip(deviations(values, state))


def quantile(values: Floats, state: State) -> Floats:
    """Return the normal quantile of each value's rank in training, so that any column looks normal.

    Between training quantiles it interpolates. Beyond the training range it goes on with the
    logarithm of the distance in standard deviations: plain ranks would hide how far out a value is.
    """
    ranked = np.empty_like(values)
    for i, (knots, targets) in enumerate(zip(state["knots"], state["targets"], strict=True)):
        ranked[:, i] = np.interp(values[:, i], knots, targets)
    low, high = state["knots"][:, 0], state["knots"][:, -1]
    with np.errstate(over="ignore"):
        beyond = (values - np.clip(values, low, high)) / state["scale"]
    ranked += np.sign(beyond) * np.log1p(np.minimum(np.abs(beyond), np.finfo(np.float64).max))
    return ranked


def both(values: Floats, state: State) -> Floats:
    """Return `clipped` and `quantile` side by side, ``(n, 2 m)``."""
    return np.hstack([clipped(values, state), quantile(values, state)])


class Scaling(NamedTuple):
    """How numbers are scaled, how indicators are, and what has to be learned for it."""

    numbers: Callable[[Floats, State], Floats]
    indicators: Callable[[Floats, State], Floats]
    copies: int
    knots: int


SCALINGS: Mapping[str, Scaling] = {
    "none": Scaling(plain, plain, copies=1, knots=0),
    "standard": Scaling(standard, plain, copies=1, knots=0),
    "clipped": Scaling(clipped, clipped, copies=1, knots=0),
    "quantile": Scaling(quantile, clipped, copies=1, knots=KNOTS),
    "both": Scaling(both, clipped, copies=2, knots=KNOTS),
}
"""The scalings by name. Indicators are never ranked: two values have no shape to make normal."""


def moments(ordered: Floats) -> tuple[float, float]:
    """Return mean and standard deviation of sorted values, without overflow or underflow.

    Sorted, so that the order of the training rows cannot change the last bit. A constant column
    has no deviation: its own size is the scale on which a change is then measured.

    Example
    -------
    >>> moments(np.array([1e300, 3e300])), moments(np.array([7.0, 7.0]))
    ((2e+300, 1e+300), (7.0, 7.0))
    """
    low, high = float(ordered[0]), float(ordered[-1])
    size = max(abs(low), abs(high))
    if low == high:
        return low, size or 1.0
    unit = math.ldexp(1.0, math.frexp(size)[1] - 1)  # a power of two, so dividing is exact
    scaled = ordered / unit
    mean = float(scaled.mean())
    spread = float(max(scaled[-1] - mean, mean - scaled[0]))
    deviation = spread * float(np.sqrt(np.mean(((scaled - mean) / spread) ** 2)))
    resolution = 4 * np.finfo(np.float64).eps * size  # what is finer is rounding, not variation
    return mean * unit, max(deviation * unit, resolution, float(np.finfo(np.float64).tiny))


def ranks(ordered: Floats, knots: int) -> tuple[Floats, Floats]:
    """Return quantiles of sorted values and the standard normal's quantiles they stand for.

    The normal's are evenly spaced up to the two ends of the sample, so tails are not skipped. Tied
    values share the quantile in the middle of their ranks. The ranked sample has mean 0 and
    standard deviation 1. Both are padded with their last entry.

    Shapes
    ------
    ``(n,) -> (knots,), (knots,)``
    """
    if knots == 0:
        return np.empty(0), np.empty(0)
    n = len(ordered)
    share = special.ndtr(np.linspace(-1, 1, knots) * special.ndtri(1 - 0.5 / n))
    values = ordered[np.clip(np.rint(share * n - 0.5), 0, n - 1).astype(np.intp)]
    distinct, first = np.unique(values, return_index=True)
    last = np.append(first[1:], knots) - 1
    targets = special.ndtri((share[first] + share[last]) / 2)
    ranked = np.interp(ordered, distinct, targets)
    targets = (targets - ranked.mean()) / (ranked.std() or 1.0)
    padding = (0, knots - len(distinct))
    return np.pad(distinct, padding, mode="edge"), np.pad(targets, padding, mode="edge")
