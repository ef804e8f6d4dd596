"""How well scores of time steps find anomalies that last for a while.

`vus_pr` and `vus_roc` judge scores; `events` and `affiliation` judge alerts. Point-adjusted F1 is
left out on purpose: random scores come close to 1 in it. Letters: S steps, A anomalous stretches
(runs of steps labelled 1). Labels and scores belong to one recording; steps are in order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from askew.errors import InputError

__all__ = [
    "Affiliation",
    "Events",
    "Volumes",
    "affiliation",
    "events",
    "volumes",
    "at_true_share",
    "vus_pr",
    "vus_roc",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

BUFFER = 100
"""Largest buffer around an anomaly, in steps, half of it on each side."""


class Volumes(NamedTuple):
    """Volumes under the surfaces of precision over recall, and of true over false positives."""

    pr: float
    roc: float


class Events(NamedTuple):
    """How alerts and anomalous stretches agree; see `events`."""

    precision: float
    recall: float
    step_precision: float


class Affiliation(NamedTuple):
    """How near alerts are to anomalies and anomalies to alerts; see `affiliation`."""

    precision: float
    recall: float


def vus_pr(labels: ArrayLike, scores: ArrayLike, buffer: int = BUFFER) -> float:
    """Precision averaged over recall, forgiving scores that are a little early or late.

    See `volumes`. Guessing gives about the share of anomalous steps, their buffers included.

    Example
    -------
    >>> vus_pr([0, 0, 1, 1, 0, 0], [0, 1, 5, 6, 1, 0], buffer=0)
    1.0
    """
    return volumes(labels, scores, buffer).pr


def vus_roc(labels: ArrayLike, scores: ArrayLike, buffer: int = BUFFER) -> float:
    """Area under the ROC curve, forgiving scores that are a little early or late; see `volumes`.

    Guessing gives more than 0.5, the more the longer buffers are beside the stretches: recall is
    full once alerts hold P of the weights, of which there are more. Compare with random scores.

    Example
    -------
    >>> vus_roc([0, 0, 1, 1, 0, 0], [0, 1, 5, 6, 1, 0], buffer=0)
    1.0
    """
    return volumes(labels, scores, buffer).roc


def volumes(labels: ArrayLike, scores: ArrayLike, buffer: int = BUFFER) -> Volumes:
    """Average range-aware areas under PR and ROC curves over buffers of 0 to ``buffer`` steps.

    With a buffer of l steps, a step at distance d <= l / 2 from an anomaly counts as
    ``sqrt(1 - d / l)`` anomalous, ``w``; anomalous steps count whole. For each score as the
    threshold, equal ones entering together, with alerts at or above it::

        TP = sum of w over alerts             P = sum of (label + w) / 2 over all steps
        recall = min(TP / P, 1) * share of stretches (w > 0, in a row) with an alert in them
        precision = TP / alerts               FPR = (alerts - TP) / (S - P)

    PR areas are sums of steps, ROC areas trapezoids that end in (1, 1). All thresholds are used,
    where other code samples 250; and benchmarks that set ``buffer`` by the period of each series
    have other numbers. Because P counts buffers too, even scores equal to the labels do not reach
    1 in `vus_pr` unless ``buffer`` is 0.

    Shapes
    ------
    ``(S,), (S,) -> two numbers``

    Raises
    ------
    InputError : a class is missing, labels are not 0 and 1, shapes differ, or a bad buffer.

    References
    ----------
    Paparrizos, Boniol, Palpanas, Tsay, Elmore, Franklin. Volume Under the Surface. PVLDB 15(11),
    2022.

    Example
    -------
    >>> volumes([0, 0, 0, 1], [1, 2, 0, 3], buffer=0)
    Volumes(pr=1.0, roc=1.0)
    """
    y, s = _steps(labels, scores)
    if buffer < 0 or buffer != int(buffer):
        raise InputError(f"buffer={buffer}: expected a whole number of steps, 0 or more.")
    if np.isnan(s).any():
        raise InputError(f"{np.isnan(s).sum()} of {len(s)} scores are not numbers (NaN).")
    order = np.argsort(-s, kind="stable")
    levels, group = np.unique(-s, return_inverse=True)  # groups of equal scores, highest first
    last = np.cumsum(np.bincount(group)) - 1
    distance = _distance(y == 1)
    areas = [
        _areas(y, group, order, last, distance, width, len(levels))
        for width in range(int(buffer) + 1)
    ]
    pr, roc = np.mean(areas, axis=0)
    return Volumes(float(pr), float(roc))


def events(labels: ArrayLike, alerts: ArrayLike) -> Events:
    """Count stretches: of anomalous ones how many are found, of alerts how many are right.

    ``recall``: the share of anomalous stretches with at least one alert in them. ``precision``:
    the share of runs of alerts that touch an anomalous stretch. One alert that never ends has 1
    in both; so ``step_precision``, the share of alerted steps that are anomalous, stands beside
    them. Without alerts both precisions are NaN: nothing can be said of them.

    Raises
    ------
    InputError : a class is missing in the labels, values are not 0 and 1, or shapes differ.

    Example
    -------
    >>> events([0, 1, 1, 0, 0, 1, 0, 0], [1, 1, 0, 0, 0, 0, 0, 1])
    Events(precision=0.5, recall=0.5, step_precision=0.3333333333333333)
    """
    y, a = _steps(labels, alerts)
    _check_alerts(a)
    found = _any_inside(a == 1, *_runs(y == 1))
    right = _any_inside(y == 1, *_runs(a == 1))
    return Events(_mean(right), _mean(found), _mean(y[a == 1] == 1))


def affiliation(labels: ArrayLike, alerts: ArrayLike) -> Affiliation:
    """Compare distances between alerts and anomalies with those of an alert placed at random.

    Each anomalous stretch has a zone: the steps nearer to it than to another (halfway ones go to
    the earlier). ``precision``: for each alerted step, the chance that a random step of its zone
    is as far from the stretch or farther; averaged over the zone's alerts, then over the zones
    that have any (NaN where none has). ``recall``: for each anomalous step, the chance that a
    random step of its zone is as far from it or farther than the zone's nearest alert; 0 in zones
    without alerts; averaged over the stretch, then over all stretches. Alerts at random have about
    0.5 in both, and more where stretches fill much of their zones. Distances are counted in whole
    steps, where the authors integrate over continuous time.

    Raises
    ------
    InputError : a class is missing in the labels, values are not 0 and 1, or shapes differ.

    References
    ----------
    Huet, Navarro, Rossi. Local Evaluation of Time Series Anomaly Detection Algorithms. KDD 2022.

    Example
    -------
    >>> affiliation([0, 0, 0, 0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0, 0, 0])
    Affiliation(precision=1.0, recall=1.0)
    """
    y, a = _steps(labels, alerts)
    _check_alerts(a)
    starts, ends = _runs(y == 1)
    zone, first, last = _zones(starts, ends, len(y))
    alerted, anomalous = np.flatnonzero(a == 1), np.flatnonzero(y == 1)
    near = _share_as_far(_distance(y == 1), zone)[alerted]
    precisions = _mean_by(near, zone[alerted], len(starts))
    reach = _reach(alerted, anomalous, first[zone[anomalous]], last[zone[anomalous]])
    recalls = _mean_by(reach, zone[anomalous], len(starts))
    return Affiliation(_mean(precisions[~np.isnan(precisions)]), _mean(recalls))


def at_true_share(labels: ArrayLike, scores: ArrayLike) -> NDArray[np.bool_]:
    """Alert as many steps as are anomalous, those that score highest; equal scores go together.

    The threshold is an oracle's, as that of `askew.metrics.oracle_f1`: it lets `events` and
    `affiliation` compare scores, constant ones too, and promises nothing.

    Raises
    ------
    InputError : a class is missing in the labels, or shapes differ.

    Example
    -------
    >>> at_true_share([0, 1, 1, 0], [0.5, 2.0, 0.1, 3.0]).tolist()
    [False, True, False, True]
    """
    y, values = _steps(labels, scores)
    alerts: NDArray[np.bool_] = values >= np.sort(values)[::-1][int(y.sum()) - 1]
    return alerts


# Pieces.


def _areas(
    y: Ints, group: Ints, order: Ints, last: Ints, distance: Ints, width: int, levels: int
) -> tuple[float, float]:
    """Return the areas under the PR and the ROC curve for one buffer of ``width`` steps."""
    near = distance <= width // 2
    weight = np.where(near, np.sqrt(1 - np.minimum(distance, width) / max(width, 1)), 0.0)
    weight = np.where(y == 1, 1.0, weight)
    positives = float((y + weight).sum() / 2)
    hits = np.cumsum(weight[order])[last]
    alerts = last + 1.0
    starts, ends = _runs(near)
    touched = np.minimum.reduceat(group, np.column_stack([starts, ends]).ravel()[:-1])[::2]
    exists = np.cumsum(np.bincount(touched, minlength=levels)) / len(starts)
    recall = np.minimum(hits / positives, 1) * exists
    false = (alerts - hits) / max(len(y) - positives, 1e-12)
    pr = float(np.sum(np.diff(recall, prepend=0.0) * hits / alerts))
    x, up = np.r_[0.0, false, 1.0], np.r_[0.0, recall, 1.0]
    return pr, float(np.sum(np.diff(x) * (up[1:] + up[:-1]) / 2))


def _steps(labels: ArrayLike, values: ArrayLike) -> tuple[Ints, Floats]:
    """Return labels and what is to be judged, one each a step, or say what is wrong with them."""
    y, s = np.asarray(labels), np.asarray(values, dtype=np.float64)
    if y.ndim != 1 or y.shape != s.shape:
        raise InputError(f"One label a step is expected, but found {y.shape} and {s.shape}.")
    if not np.isin(y, (0, 1)).all():
        raise InputError("Labels are 0 (normal) and 1 (anomalous), but others were found.")
    if not 0 < np.count_nonzero(y == 1) < len(y):
        raise InputError("Both classes are needed, 0 and 1, but the labels hold only one of them.")
    return y.astype(np.intp), s


def _check_alerts(alerts: Floats) -> None:
    if not np.isin(alerts, (0, 1)).all():
        raise InputError("Alerts are 0 and 1 here: compare scores with a threshold first.")


def _runs(marked: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return where runs of marked steps start, and the step after each: ``(A,), (A,)``."""
    edges = np.flatnonzero(np.diff(np.r_[0, marked, 0]))
    return edges[::2], edges[1::2]


def _distance(marked: NDArray[np.bool_]) -> Ints:
    """Return how many steps each step is from the nearest marked one, ``(S,)``."""
    here, places = np.arange(len(marked)), np.flatnonzero(marked)
    after = np.searchsorted(places, here)
    right = places[np.minimum(after, len(places) - 1)]
    left = places[np.maximum(after - 1, 0)]
    nearest: Ints = np.minimum(np.abs(here - left), np.abs(here - right))
    return nearest


def _any_inside(marked: NDArray[np.bool_], starts: Ints, ends: Ints) -> NDArray[np.bool_]:
    """Say for each run whether a marked step lies in it, ``(A,)``."""
    before = np.r_[0, np.cumsum(marked)]
    return np.asarray(before[ends] > before[starts])


def _zones(starts: Ints, ends: Ints, steps: int) -> tuple[Ints, Ints, Ints]:
    """Return the stretch each step belongs to, ``(S,)``, and the ends of all zones, ``(A,)``."""
    middle = (ends[:-1] - 1 + starts[1:]) // 2  # the last step of all zones but the last
    first, last = np.r_[0, middle + 1], np.r_[middle, steps - 1]
    return np.repeat(np.arange(len(starts)), last - first + 1), first, last


def _share_as_far(distance: Ints, zone: Ints) -> Floats:
    """Return for each step the share of its zone that is as far or farther, ``(S,)``."""
    order = np.lexsort((distance, zone))
    d, z = distance[order], zone[order]
    fresh = np.r_[True, (d[1:] != d[:-1]) | (z[1:] != z[:-1])]
    rank = np.maximum.accumulate(np.where(fresh, np.arange(len(d)), 0))  # first of its equals
    sizes = np.bincount(zone)
    nearer = rank - (np.cumsum(sizes) - sizes)[z]
    share = np.empty(len(d))
    share[order] = 1 - nearer / sizes[z]
    return share


def _reach(alerted: Ints, places: Ints, first: Ints, last: Ints) -> Floats:
    """Return for each place the share of its zone as far as its nearest alert or farther.

    0 where the zone, from ``first`` to ``last``, has no alert.
    """
    if not len(alerted):
        return np.zeros(len(places))
    after = np.searchsorted(alerted, places)
    far = last[-1] + 1 + places  # farther than any step
    right, left = alerted[np.minimum(after, len(alerted) - 1)], alerted[np.maximum(after - 1, 0)]
    inside = [np.where((p >= first) & (p <= last), np.abs(p - places), far) for p in (left, right)]
    d = np.minimum(*inside)
    beyond = np.maximum(places - d - first + 1, 0) + np.maximum(last - places - d + 1, 0)
    return np.where(d == 0, 1.0, beyond / (last - first + 1))


def _mean_by(values: Floats, owner: Ints, count: int) -> Floats:
    """Return the mean of each owner's values, NaN where it has none, ``(count,)``."""
    number = np.bincount(owner, minlength=count)
    total = np.bincount(owner, values, minlength=count)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _mean(values: NDArray[np.bool_] | Floats) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
