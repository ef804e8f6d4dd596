"""scikit-learn's own checks of an estimator, on tables."""

import warnings

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.utils.estimator_checks import check_estimator

from askew import KNN, LOF, NeuTraLAD, OutlierEstimator
from askew.methods import METHODS, method
from askew.trained import TrainedDetector

QUICK = {name: {"steps": 20} for name in ("NeuTraLAD", "PLAD", "AutoEncoder", "DeepSVDD")}

ALLOWED = {
    # Both check that sparse input is taken, which it is, and then ask any estimator that has
    # `predict_proba` for a classifier's tags; an outlier detector has none.
    "check_estimator_sparse_array": "asks an outlier detector for the tags of a classifier",
    "check_estimator_sparse_matrix": "asks an outlier detector for the tags of a classifier",
}
"""Checks that are not passed, and why that is right."""


ALLOWED_IN_SINGLE_PRECISION = {
    # They want scores equal to 1e-7; networks in single precision give 1e-5, and p-values and
    # alerts are made so that this cannot change them.
    "check_methods_subset_invariance": "scores of single-precision networks differ by rounding",
    "check_methods_sample_order_invariance": "the same",
}


def failed(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert len(results) > 30
    return {r["check_name"]: str(r["exception"]) for r in results if r["status"] == "failed"}


@pytest.mark.parametrize("name", METHODS)
def test_detectors_pass_the_checks(name):
    found = failed(method(name)(**QUICK.get(name, {})))
    trained = issubclass(method(name), TrainedDetector)
    allowed = set(ALLOWED) | set(ALLOWED_IN_SINGLE_PRECISION if trained else ())
    assert set(ALLOWED) <= set(found) <= allowed, found


def test_adapter_passes_the_checks_of_outlier_detectors():
    found = failed(OutlierEstimator(KNN()))
    assert found == {}


def test_adapter_turns_signs_and_labels_round():
    rows = np.random.default_rng(0).normal(size=(300, 3))
    detector, adapted = KNN(seed=1).fit(rows), OutlierEstimator(KNN(seed=1)).fit(rows)
    np.testing.assert_array_equal(adapted.score_samples(rows), -detector.decision_function(rows))
    np.testing.assert_array_equal(adapted.predict(rows) == -1, detector.predict(rows) == 1)
    assert ((adapted.decision_function(rows) < 0) == (adapted.predict(rows) == -1)).all()


def test_adapter_without_a_detector_takes_the_default():
    rows = np.random.default_rng(0).normal(size=(100, 2))
    adapted = OutlierEstimator().fit(rows)
    assert isinstance(adapted.detector_, NeuTraLAD) and adapted.detector is None
    assert adapted.predict([[0.0, 0.0], [9.0, 9.0]]).tolist() == [1, -1]


def test_detectors_can_be_searched_and_cross_validated():
    rows = np.random.default_rng(0).normal(size=(200, 3))
    labels = np.repeat([0, 1], [180, 20])
    rows[180:] += 5

    def scorer(estimator, X, y):
        return estimator.decision_function(X)[y == 1].mean()

    folds = StratifiedKFold(2, shuffle=True, random_state=0)
    values = cross_val_score(NeuTraLAD(steps=20), rows, labels, cv=folds, scoring=scorer)
    assert np.isfinite(values).all()


def test_adapter_is_negative_where_it_says_alert_and_nowhere_else():
    rows = np.random.default_rng(0).integers(0, 3, (400, 3))  # many scores are all but equal
    adapted = OutlierEstimator(LOF(alert_rate=0.1)).fit(rows[:100])
    outside = adapted.decision_function(rows[100:]) < 0
    np.testing.assert_array_equal(outside, adapted.predict(rows[100:]) == -1)


def test_what_only_rounding_puts_outside_is_not_outside_for_the_adapter(monkeypatch):
    adapted = OutlierEstimator(KNN()).fit(np.random.default_rng(0).normal(size=(300, 3)))
    hair = adapted.offset_ * np.array([1 - 1e-7, 1 + 1e-7, 1.1])
    monkeypatch.setattr(OutlierEstimator, "score_samples", lambda self, X: hair)
    found = adapted.decision_function(None)
    assert found[0] > 0 and found[1] == 0 and found[2] < 0
