"""Health checks: detectors broken on purpose fail the right one, and say what to do."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from askew import KNN, NeuTraLAD, Series, Tabular
from askew.calibrate import enough_for
from askew.health import _calibrated

GENERATOR = np.random.default_rng(0)
HIDDEN = GENERATOR.normal(size=(800, 2))
ROWS = np.column_stack([HIDDEN, HIDDEN @ [[1.0, 0.5], [-1.0, 1.0]]]) + 0.1 * GENERATOR.normal(
    size=(800, 4)
)


def fitted(detector, X=ROWS):
    """Fit; return the checks by name and the warnings by the name of the check."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        detector.fit(X)
    said = [str(warning.message) for warning in caught if warning.category is UserWarning]
    told = {line.removeprefix("health: ").partition("?")[0]: line for line in said}
    checks = {check["name"]: check for check in detector.health_}
    # Whatever is wrong is told, and nothing else is.
    assert set(told) == {name for name, check in checks.items() if not check["passed"]}
    for name, line in told.items():
        assert checks[name]["meaning"] in line
        assert checks[name]["advice"] in line
    return checks, told


class Constant(KNN):
    """Every item scores the same."""

    def scores_of(self, net, features):
        return 0 * super().scores_of(net, features) + 3


class Backwards(KNN):
    """The farther away, the less strange."""

    def scores_of(self, net, features):
        return -super().scores_of(net, features)


class Centred(KNN):
    """A score that hangs on its neighbours in the batch."""

    def scores_of(self, net, features):
        scores = super().scores_of(net, features)
        return scores - scores.mean()


def blind(**parameters):
    """The paper's form on rows that are not scaled: it cannot see the size of a row."""
    return NeuTraLAD(
        data=Tabular(scaling="none"), kind="residual", bias=False, neighbors=0, nets=1, steps=100,
        **parameters,
    )  # fmt: skip


def test_a_constant_score_fails():
    checks, told = fitted(Constant())
    assert not checks["scores vary"]["passed"]
    assert checks["scores vary"]["value"] < 1e-9
    assert "lower lr" in told["scores vary"]
    assert not checks["sees scaled items"]["passed"]
    assert checks["sees scaled items"]["value"] == pytest.approx(0.5)


def test_a_detector_that_never_trains_fails():
    checks, told = fitted(NeuTraLAD(steps=0, nets=1, views=3))
    assert not checks["loss moved"]["passed"]
    assert checks["loss moved"]["value"] == pytest.approx(1)
    assert "train longer" in told["loss moved"]


def test_a_detector_that_is_blind_to_scale_fails():
    checks, told = fitted(blind())
    assert checks["loss moved"]["passed"]
    assert not checks["sees scaled items"]["passed"]
    assert checks["sees scaled items"]["value"] < 0.6
    assert "another method" in told["sees scaled items"]


def test_a_score_that_depends_on_its_neighbours_fails():
    checks, told = fitted(Centred())
    assert not checks["alone as in a batch"]["passed"]
    assert checks["alone as in a batch"]["value"] > 0.1
    assert "report this as a bug" in told["alone as in a batch"]
    assert checks["scores vary"]["passed"]


def test_a_detector_that_is_the_wrong_way_round_loses_to_a_trivial_statistic():
    checks, told = fitted(Backwards())
    assert not checks["better than a trivial statistic"]["passed"]
    assert checks["better than a trivial statistic"]["value"] < -0.2
    assert "another method" in told["better than a trivial statistic"]
    assert checks["sees scaled items"]["value"] < 0.5


def test_scores_that_drift_are_not_calibrated():
    checks, told = fitted(KNN(), ROWS * np.linspace(0.2, 3, len(ROWS))[:, None])
    assert not checks["calibrated"]["passed"]
    assert checks["calibrated"]["value"] <= 1e-3
    assert "look at their order" in told["calibrated"]


def test_equal_scores_are_no_sign_of_drift():
    checks, _ = fitted(Constant())
    assert checks["calibrated"]["passed"]
    assert checks["calibrated"]["value"] == pytest.approx(1)


def test_independent_scores_seldom_look_like_drift():
    """At a chance of 0.001 an honest test fails about one time in a thousand."""
    generator = np.random.default_rng(0)
    detector = SimpleNamespace(
        alert_rate=0.1, calibration_=np.zeros(100), data_=SimpleNamespace(apart=lambda: 1)
    )
    failed = 0
    for _ in range(1000):
        *_, check = _calibrated(detector, generator.normal(size=100), every=1)
        failed += not check.passed
    assert failed <= 5


@pytest.mark.parametrize("detector", [NeuTraLAD(steps=150), KNN()], ids=["NeuTraLAD", "KNN"])
def test_a_good_detector_passes_all(detector):
    checks, told = fitted(detector)
    assert told == {}
    expected = {
        "scores vary", "sees scaled items", "better than a trivial statistic",
        "alone as in a batch", "enough held-out items", "calibrated",
    }  # fmt: skip
    assert expected <= set(checks)
    assert ("loss moved" in checks) == isinstance(detector, NeuTraLAD)  # KNN has no loss


def test_a_good_detector_of_series_passes_all():
    phase = GENERATOR.uniform(0, 1, (600, 1, 1))
    steps = np.linspace(0, 6, 16)[None, :, None] + phase
    curves = np.concatenate([np.sin(steps), np.cos(steps)], axis=2)
    curves += 0.1 * GENERATOR.normal(size=curves.shape)
    _, told = fitted(KNN(data=Series(layout="time-first")), curves)
    assert told == {}


@pytest.mark.parametrize("alert_rate", [0.01, 0.1])
def test_held_out_items_are_enough_for_the_alert_rate_or_not(alert_rate):
    enough = enough_for(alert_rate)
    for held, passes in [(enough, True), (enough - 1, False)]:
        detector = KNN(alert_rate=alert_rate, held_out=0.5)
        checks, told = fitted(detector, ROWS[: 2 * held])
        assert len(detector.calibration_) == held
        assert checks["enough held-out items"]["passed"] == passes
        assert checks["enough held-out items"]["value"] == held
        if not passes:
            line = told["enough held-out items"]
            assert f" {enough} " in line and f"{alert_rate:g}" in line
            assert "raise held_out or alert_rate" in line


def test_without_held_out_items_there_is_no_question_of_calibration():
    checks, _ = fitted(KNN(held_out=0.0))
    assert not {"enough held-out items", "calibrated"} & set(checks)
    assert "scores vary" in checks
