"""From scores to statements a user can act on: p-values, thresholds, selected alerts.

Scores of normal items that were held out of training (the *calibration* scores) say how high a
normal item scores. Everything here is that comparison. It holds for any method and any scale:
only the order of scores counts, except where a function says that it uses a model (`tail_*`).
Letters: n calibration scores, B items.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from askew.errors import InputError

__all__ = [
    "benjamini_hochberg",
    "enough_for",
    "p_values",
    "tail_p_values",
    "tail_threshold",
    "threshold",
]

FloatArray = NDArray[np.float64]

_FEWEST_EXCESSES = 10  # a tail of fewer scores has no shape worth believing


def p_values(calibration: ArrayLike, scores: ArrayLike) -> FloatArray:
    """How often a normal item scores at least this high: (1 + #{calibration >= s}) / (n + 1).

    For a normal item exchangeable with the calibration items, P(p <= a) <= a for every a: this
    is a guarantee (split conformal), not an estimate. Ties count against an alert. The smallest
    possible value is 1 / (n + 1): see `enough_for` and `tail_p_values`.

    Parameters
    ----------
    calibration : scores of held-out normal items, finite, in any order.
    scores : scores to judge, higher is stranger; infinite ones are allowed.

    Shapes
    ------
    (n,), (B,) -> (B,)

    Raises
    ------
    InputError : no calibration scores, or values that are not numbers.

    Example
    -------
    >>> p_values([1.0, 2.0, 3.0], [0.0, 2.0, 9.0]).tolist()
    [1.0, 0.75, 0.25]
    """
    ordered = _ordered(calibration)
    at_least = len(ordered) - np.searchsorted(ordered, checked(scores), side="left")
    return np.asarray((1 + at_least) / (len(ordered) + 1), dtype=np.float64)


def threshold(calibration: ArrayLike, alert_rate: float) -> float:
    """Alert above this score: `score > threshold` says exactly `p_values(...) <= alert_rate`.

    It is a calibration score, so at most `alert_rate` of fresh normal items exceed it on average.
    With fewer than `enough_for(alert_rate)` calibration scores no p-value gets that small, and
    the honest answer is infinity: no alert. `tail_threshold` then offers a model instead.

    Parameters
    ----------
    calibration : scores of held-out normal items.
    alert_rate : share of normal items that may raise an alert, above 0 and at most 1.

    Raises
    ------
    InputError : no calibration scores, or a rate outside (0, 1].

    Example
    -------
    >>> threshold(range(1, 100), 0.05)
    95.0
    >>> threshold([1.0, 2.0, 3.0], 0.01)
    inf
    """
    ordered = _ordered(calibration)
    allowed = _rank_allowed(len(ordered), alert_rate)  # alerts need 1 + #{>= s} <= allowed
    if allowed == 0:
        return float("inf")
    if allowed > len(ordered):
        return float("-inf")
    return float(ordered[-allowed])


def enough_for(alert_rate: float) -> int:
    """The fewest calibration scores that allow an alert at this rate: 1 / (n + 1) <= alert_rate.

    Raises
    ------
    InputError : a rate outside (0, 1].

    Example
    -------
    >>> enough_for(0.01), enough_for(0.5)
    (99, 1)
    """
    n = max(0, int(1 / _rate(alert_rate, "alert_rate")) - 2)
    while 1 / (n + 1) > alert_rate:  # a step or two, so that rounding cannot decide
        n += 1
    return max(n, 1)


def tail_p_values(calibration: ArrayLike, scores: ArrayLike) -> FloatArray:
    """`p_values`, carried on beyond the largest calibration score by a model of the tail.

    Up to the largest calibration score these *are* the conformal p-values. Beyond it, where they
    all stop at 1 / (n + 1), the excesses over a high quantile are taken to follow a generalised
    Pareto law, so that stranger items keep getting smaller values. That part is a model and not a
    guarantee: simulated at a tenth of 1 / (n + 1), fresh normals got there 0.2 to 1 times as often
    as stated for normal and exponential scores, but 2 to 3 times for heavy tails. Calibration
    scores too few (under 11) or without spread say nothing about a tail: then nothing is carried
    on. Values never reach 0.

    Shapes
    ------
    (n,), (B,) -> (B,)

    Raises
    ------
    InputError : as for `p_values`.

    Example
    -------
    >>> tail_p_values(range(1, 100), [50, 99, 120]).round(5).tolist()
    [0.51, 0.02, 0.00049]
    """
    ordered, judged = _ordered(calibration), checked(scores)
    conformal = p_values(ordered, judged)
    tail = _fit_tail(ordered)
    if tail is None:
        return conformal
    beyond = np.maximum(judged, ordered[-1])
    ratio = np.exp(_log_survival(tail, beyond) - _log_survival(tail, ordered[-1:]))
    carried = np.maximum(conformal * ratio, np.finfo(np.float64).tiny)
    return np.where(judged > ordered[-1], carried, conformal)


def tail_threshold(calibration: ArrayLike, alert_rate: float) -> float:
    """`threshold`, or the tail model's answer where the calibration scores are too few for it.

    With `enough_for(alert_rate)` scores this equals `threshold`. With fewer, it is the score
    whose `tail_p_values` is `alert_rate`: a model, not a guarantee. Infinity where even the
    model has nothing to go by.

    Raises
    ------
    InputError : as for `threshold`.

    Example
    -------
    >>> scores = np.linspace(0.0, 1.0, 50)
    >>> threshold(scores, 0.01), round(tail_threshold(scores, 0.01), 3)
    (inf, 1.085)
    """
    ordered = _ordered(calibration)
    tail = _fit_tail(ordered)
    if _rank_allowed(len(ordered), alert_rate) > 0 or tail is None:
        return threshold(ordered, alert_rate)
    target = np.log(alert_rate * (len(ordered) + 1)) + _log_survival(tail, ordered[-1:])[0]
    return float(tail.start + tail.scale * np.expm1(-tail.shape * target) / tail.shape)


def benjamini_hochberg(p: ArrayLike, fdr: float) -> NDArray[np.bool_]:
    """Which of a batch to report so that, on average, at most a share `fdr` is false.

    Sorted p-values p(1) <= ... <= p(m): report all up to the last i with p(i) <= fdr * i / m.
    Conformal p-values of one calibration set depend positively on each other, which keeps the
    statement (Bates et al., Testing for outliers with conformal p-values, 2023). A batch of m
    items with one anomaly needs about m / fdr calibration scores before it can be reported.

    Reference: Benjamini and Hochberg, Controlling the false discovery rate (1995).

    Shapes
    ------
    (B,) -> (B,), True where reported

    Raises
    ------
    InputError : p outside [0, 1], or a share outside (0, 1].

    Example
    -------
    >>> benjamini_hochberg([0.001, 0.8, 0.02, 0.9], fdr=0.05).tolist()
    [True, False, True, False]
    """
    share, values = _rate(fdr, "fdr"), checked(p)
    if np.any((values < 0) | (values > 1)):
        raise InputError(
            "p-values lie between 0 and 1, but some do not: pass p-values, not scores."
        )
    ordered = np.sort(values)
    passing = ordered[ordered <= share * np.arange(1, len(ordered) + 1) / len(ordered)]
    return values <= (passing[-1] if len(passing) else -1.0)


class _Tail(NamedTuple):
    """A generalised Pareto law for what lies above `start`."""

    start: float
    scale: float
    shape: float


def _fit_tail(ordered: FloatArray) -> _Tail | None:
    """Fit the upper tenth (10 scores at least) by probability-weighted moments; None if hopeless.

    Reference: Hosking and Wallis, Parameter and quantile estimation for the generalized Pareto
    distribution (1987). Moments, not likelihood: closed form, and safe on few or tied scores.
    """
    count = max(_FEWEST_EXCESSES, len(ordered) // 10)
    if len(ordered) <= count:
        return None
    start = float(ordered[-count - 1])
    excesses = ordered[-count:] - start
    mean = float(excesses.mean())
    if not 0 < mean < np.inf:
        return None
    weighted = float(np.mean(excesses * (1 - (np.arange(1, count + 1) - 0.35) / count)))
    shape = 2 - mean / max(mean - 2 * weighted, 1e-12 * mean)
    # At 0 and below the law ends, or falls so fast that an unlucky fit claims 1e-8 on little
    # evidence. A slightly heavy tail errs to the side of larger p-values.
    shape = float(np.clip(shape, 0.1, 0.9))
    return _Tail(start, mean * (1 - shape), shape)


def _log_survival(tail: _Tail, scores: FloatArray) -> FloatArray:
    return np.asarray(-np.log1p(tail.shape * (scores - tail.start) / tail.scale) / tail.shape)


def _rank_allowed(n: int, alert_rate: float) -> int:
    """The largest k with k / (n + 1) <= alert_rate, by the same division as the p-values."""
    k = int(_rate(alert_rate, "alert_rate") * (n + 1)) + 1
    while k / (n + 1) > alert_rate:
        k -= 1
    return k


def _ordered(calibration: ArrayLike) -> FloatArray:
    values = np.sort(checked(calibration))
    if len(values) == 0:
        raise InputError(
            "There are no calibration scores: hold out some normal items and pass theirs."
        )
    if not np.isfinite(values[[0, -1]]).all():
        raise InputError("Some calibration scores are infinite: look at the items they belong to.")
    return values


def checked(scores: ArrayLike) -> FloatArray:
    """Return scores as numbers, one an item, ``(B,)``; refuse what is none."""
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1:
        raise InputError(f"One score an item is expected, shape (B,), but found {values.shape}.")
    if np.isnan(values).any():
        raise InputError(f"{np.isnan(values).sum()} of {len(values)} scores are not numbers (NaN).")
    return values


def _rate(value: float, name: str) -> float:
    if not 0 < value <= 1:
        raise InputError(f"{name} is a share above 0 and at most 1, but {value} was given.")
    return float(value)
