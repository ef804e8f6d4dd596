"""How well scores separate anomalies (label 1) from normal items (label 0).

Every metric needs both classes and refuses otherwise: a value for one class would be made up.
None of them looks at anything but the order of scores. Letters: N0 normal items, N1 anomalies.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from askew.errors import InputError

__all__ = ["Interval", "auroc", "auroc_interval", "average_precision", "oracle_f1"]

FloatArray = NDArray[np.float64]


class Interval(NamedTuple):
    """A value with the range it may plausibly have, given how few items it was measured on."""

    value: float
    low: float
    high: float


def auroc(labels: ArrayLike, scores: ArrayLike) -> float:
    """The chance that an anomaly outscores a normal item, ties counting half. Guessing gives 0.5.

    It does not depend on the share of anomalies; so it looks good where they are rare.

    Shapes
    ------
    (B,), (B,) -> one number

    Raises
    ------
    InputError : a class is missing, labels are not 0 and 1, or shapes differ.

    Example
    -------
    >>> auroc([0, 0, 0, 1, 1], [1, 2, 3, 2, 4])
    0.75
    """
    normal, anomalous = _by_class(labels, scores)
    return float(_share_below(normal, anomalous).mean())


def auroc_interval(labels: ArrayLike, scores: ArrayLike, confidence: float = 0.95) -> Interval:
    """AUROC with the range that the number of items allows (DeLong, on the logit scale).

    Perfect separation has no spread to measure: its range then comes from min(N0, N1) independent
    pairs all in order, which is wide for few anomalies, as it should be.

    Reference: DeLong et al., Comparing the areas under two or more correlated ROC curves (1988).

    Raises
    ------
    InputError : as for `auroc`, fewer than two items of a class, or a confidence outside (0, 1).

    Example
    -------
    >>> auroc_interval([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6])  # doctest: +ELLIPSIS
    Interval(value=0.888..., low=0.261..., high=0.994...)
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence lies between 0 and 1, but {confidence} was given.")
    normal, anomalous = _by_class(labels, scores)
    if min(len(normal), len(anomalous)) < 2:
        raise InputError("A range for AUROC needs at least two items of each class.")
    below = _share_below(normal, anomalous)  # (N1,)
    above = 1 - _share_below(anomalous, normal)  # (N0,)
    value, alpha = float(below.mean()), 1 - confidence
    if value in (0.0, 1.0):
        reach = (alpha / 2) ** (1 / min(len(below), len(above)))
        return Interval(value, reach, 1.0) if value else Interval(value, 0.0, 1 - reach)
    variance = below.var(ddof=1) / len(below) + above.var(ddof=1) / len(above)
    centre = np.log(value / (1 - value))
    step = NormalDist().inv_cdf(1 - alpha / 2) * variance**0.5 / (value * (1 - value))
    low, high = 1 / (1 + np.exp([step - centre, -step - centre]))
    return Interval(value, float(low), float(high))


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Precision, averaged over the recall it is reached at: sum of (R_n - R_{n-1}) P_n.

    Steps, not straight lines, and equal scores enter together. Guessing gives the share of
    anomalies N1 / N, so values of test sets with different shares do not compare.

    Shapes
    ------
    (B,), (B,) -> one number

    Raises
    ------
    InputError : as for `auroc`.

    Example
    -------
    >>> round(average_precision([1, 0, 1], [3, 2, 1]), 4)
    0.8333
    """
    normal, anomalous = _by_class(labels, scores)
    levels, counts = np.unique(anomalous, return_counts=True)
    found = len(anomalous) - np.searchsorted(np.sort(anomalous), levels)
    false = len(normal) - np.searchsorted(np.sort(normal), levels)
    return float(np.sum(counts * found / (found + false)) / len(anomalous))


def oracle_f1(labels: ArrayLike, scores: ArrayLike) -> float:
    """F1 of the anomalies when exactly their true share is reported: an oracle's number.

    The threshold is the 100 * N0 / N percentile of *all* test scores and items above it are
    reported, as papers on tables do. It uses the share of anomalies in the test set, which nobody
    knows in use; so it compares methods and promises nothing. Guessing gives N1 / N; with distinct
    scores precision = recall = F1; many equal scores at the threshold count against the method.

    Shapes
    ------
    (B,), (B,) -> one number

    Raises
    ------
    InputError : as for `auroc`.

    Example
    -------
    >>> oracle_f1([0, 0, 0, 1, 1], [1, 2, 5, 4, 6])
    0.5
    """
    normal, anomalous = _by_class(labels, scores)
    everything = np.concatenate([normal, anomalous])
    level = np.percentile(everything, 100 * len(normal) / len(everything))
    reported = np.count_nonzero(everything > level)
    return float(2 * np.count_nonzero(anomalous > level) / (reported + len(anomalous)))


def _share_below(reference: FloatArray, values: FloatArray) -> FloatArray:
    """For each value the share of the reference below it, ties counting half. -> like values."""
    ordered = np.sort(reference)
    both = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return np.asarray(both / (2 * len(ordered)), dtype=np.float64)


def _by_class(labels: ArrayLike, scores: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Scores of the normal items and of the anomalies. (B,), (B,) -> (N0,), (N1,)."""
    y, s = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if y.ndim != 1 or y.shape != s.shape:
        raise InputError(f"One label a score is expected, but found {y.shape} and {s.shape}.")
    if np.isnan(s).any():
        raise InputError(f"{np.isnan(s).sum()} of {len(s)} scores are not numbers (NaN).")
    if not np.isin(y, (0, 1)).all():
        raise InputError("Labels are 0 (normal) and 1 (anomalous), but others were found.")
    if not 0 < np.count_nonzero(y == 1) < len(y):
        raise InputError("Both classes are needed, 0 and 1, but the labels hold only one of them.")
    return s[y == 0], s[y == 1]
