"""Even out in which directions features differ, so that what items have in common counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

from askew.errors import InputError

Floats = NDArray[np.float64]

MEASURED = 2000
"""Items, evenly spaced, from which a covariance is learned; more change little."""


def whitening(features: Floats, power: float) -> tuple[Floats, Floats]:
    """Return the mean of features and the matrix that evens out how they spread.

    Pretrained networks describe an item by hundreds of numbers that vary together. A distance then
    mostly sees the few directions in which all items differ anyway, and hardly those in which the
    training items agree. With C the covariance, shrunk as by Ledoit and Wolf because there are
    seldom more items than numbers, the matrix is ``C ** (-power / 2)``.

    Parameters
    ----------
    features: ``(n, D)``.
    power: 0: features stay as they are; 1: they spread alike in all directions (the distance to
        the mean is then Mahalanobis'); 0.5: half-way.

    Returns
    -------
    What is subtracted ``(D,)``, and the symmetric matrix that then multiplies ``(D, D)``: axes keep
    their meaning.

    Sources: Ledoit and Wolf, J. Multivariate Analysis 88, 2004; Rippel, Mertens, Merhof, Modeling
    the distribution of normal data in pre-trained deep features, ICPR 2021.

    Example
    -------
    >>> wide = np.random.default_rng(0).normal(size=(5000, 2)) * [10.0, 1.0]
    >>> mean, matrix = whitening(wide, power=1.0)
    >>> ((wide - mean) @ matrix).std(0).round(1).tolist()
    [1.0, 1.0]
    """
    covariance, _ = ledoit_wolf(features)
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, 1e-6 * values.max() + 1e-12)
    return features.mean(0), (vectors * values ** (-power / 2)) @ vectors.T


def check_whitening(owner: str, power: float) -> None:
    """Raise `InputError` where a data type was given a power outside [0, 1]."""
    if not 0 <= power <= 1:
        raise InputError(
            f"{owner}(whitening={power}) is impossible: choose 0 (features as they are) to 1."
        )
