"""askew detectors where scikit-learn's outlier detectors are expected."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils import Tags

from askew.data import Raw
from askew.detector import Detector, Scores


class OutlierEstimator(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """A detector with scikit-learn's signs: +1 and positive for normal, -1 and negative for not.

    Parameters
    ----------
    detector: any askew detector; it is cloned, not changed. None: `NeuTraLAD` as it comes.

    Example
    -------
    >>> from askew import KNN
    >>> rows = np.random.default_rng(0).normal(size=(300, 2))
    >>> OutlierEstimator(KNN()).fit(rows).predict([[0.0, 0.0], [9.0, 9.0]])
    array([ 1, -1])
    """

    def __init__(self, detector: Detector | None = None) -> None:
        self.detector = detector

    def fit(self, X: Raw, y: object = None) -> Self:
        """Fit a copy of the detector; ``y`` is ignored."""
        self.detector_ = self._unfitted().fit(X)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.detector_, name):
                setattr(self, name, getattr(self.detector_, name))
        self.offset_ = -self.detector_.threshold_
        return self

    def score_samples(self, X: Raw) -> Scores:
        """Return minus the detector's scores: higher is more normal, ``(n,)``."""
        scores: Scores = -self._fitted().decision_function(X)
        return scores

    def decision_function(self, X: Raw) -> Scores:
        """Return how far inside the threshold each item lies, negative outside, ``(n,)``.

        What only rounding puts outside is 0: `predict` takes it for normal.
        """
        scores = self.score_samples(X)
        alerts = self._fitted().alerts_of(-scores)
        return np.where(alerts, scores - self.offset_, np.maximum(scores - self.offset_, 0.0))

    def predict(self, X: Raw) -> NDArray[np.int64]:
        """Return +1 for normal items and -1 for alerts, ``(n,)``."""
        return np.where(self._fitted().predict(X) == 1, -1, 1)

    def _unfitted(self) -> Detector:
        from askew.methods.neutral import NeuTraLAD

        unfitted: Detector = NeuTraLAD() if self.detector is None else clone(self.detector)
        return unfitted

    def _fitted(self) -> Detector:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        fitted: Detector = self.detector_
        return fitted

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags = self._unfitted().__sklearn_tags__().input_tags
        return tags
