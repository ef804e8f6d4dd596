"""Calibration: guarantees on fresh normal scores, exact small cases, and refusals in words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from askew import KNN, LOF, PLAD, NeuTraLAD
from askew.calibrate import (
    benjamini_hochberg,
    enough_for,
    p_values,
    tail_p_values,
    tail_threshold,
    threshold,
)
from askew.errors import InputError
from askew.verdict import Verdict

# Small integers make ties, the case that goes wrong.
tied = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=40)
spread = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)
rates = st.floats(0.001, 1.0)


def p_values_by_loop(calibration, scores):
    """The formula as it is written."""
    return [(1 + sum(1 for c in calibration if c >= s)) / (len(calibration) + 1) for s in scores]


@settings(deadline=None)  # a busy machine is not a fault
@given(tied | spread, tied | spread)
def test_p_values_equal_the_written_formula(calibration, scores):
    assert p_values(calibration, scores).tolist() == p_values_by_loop(calibration, scores)


@settings(deadline=None)  # a busy machine is not a fault
@given(tied | spread, tied | spread, rates)
def test_threshold_and_p_values_say_the_same(calibration, scores, rate):
    by_score = np.asarray(scores) > threshold(calibration, rate)
    assert (by_score == (p_values(calibration, scores) <= rate)).all()


@pytest.mark.parametrize("k", range(1, 100))
def test_rates_on_a_step_are_not_lost_to_rounding(k):
    """0.29 * 100 is 28.999... in floats, yet the 29th of 99 scores must be allowed."""
    scores = np.arange(99.0)
    assert (scores > threshold(scores, k / 100)).sum() == k - 1
    assert (p_values(scores, scores) <= k / 100).sum() == k - 1


def test_p_values_of_fresh_normals_are_uniform():
    """One fresh item for each of many calibration sets: exactly uniform on k / (n + 1)."""
    draw = np.random.default_rng(0).normal
    p = np.array([p_values(draw(size=199), draw(size=1))[0] for _ in range(3000)])
    jitter = np.random.default_rng(1).uniform(size=3000) / 200  # steps of 1 / 200 filled in
    assert stats.kstest(p - jitter, "uniform").pvalue > 0.01
    assert stats.kstest(p**2, "uniform").pvalue < 1e-6  # the test can fail


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
def test_false_alarms_are_inside_the_binomial_band(rate):
    rng = np.random.default_rng(2)
    runs = 4000
    alarms = sum(
        rng.exponential() > threshold(rng.exponential(size=199), rate) for _ in range(runs)
    )
    low, high = stats.binom.interval(0.99, runs, rate)
    assert low <= alarms <= high


@settings(deadline=None)  # a busy machine is not a fault
@given(spread, spread, rates)
def test_only_the_order_counts(calibration, scores, rate):
    both = np.unique([*calibration, *scores])
    # Ranks squared: strictly increasing whatever the values, without rounding two into one.
    rank = {value: float((i + 1) ** 2) for i, value in enumerate(both)}
    moved = [rank[c] for c in calibration], [rank[s] for s in scores]
    assert (p_values(*moved) == p_values(calibration, scores)).all()
    limit = threshold(calibration, rate)
    assert threshold(moved[0], rate) == rank.get(limit, limit)


def test_ties_count_against_an_alert():
    assert p_values([1.0] * 9, [1.0, 1.1]).tolist() == [1.0, 0.1]
    assert not (np.ones(5) > threshold([1.0] * 9, 0.5)).any()


@settings(deadline=None)  # a busy machine is not a fault
@given(rates)
def test_enough_for_is_the_smallest(rate):
    n = enough_for(rate)
    assert np.isfinite(threshold(np.arange(n), rate)) or rate == 1
    assert n == 1 or threshold(np.arange(n - 1), rate) == np.inf


@settings(deadline=None)  # a busy machine is not a fault
@given(tied | spread, tied | spread)
def test_the_tail_only_lowers_what_lies_beyond(calibration, scores):
    model, exact = tail_p_values(calibration, scores), p_values(calibration, scores)
    inside = np.asarray(scores) <= max(calibration)
    assert (model[inside] == exact[inside]).all()
    assert ((model > 0) & (model <= exact)).all()
    order = np.argsort(scores)
    assert (np.diff(model[order]) <= 0).all()


def test_the_tail_keeps_ranking_and_never_reaches_zero():
    calibration = np.random.default_rng(3).normal(size=200)
    p = tail_p_values(calibration, [4.0, 5.0, 6.0, 8.0, 1e300, np.inf])
    assert (np.diff(p[:4]) < 0).all() and p[-1] > 0
    assert len(set(p_values(calibration, [4.0, 5.0, 6.0]))) == 1


@pytest.mark.parametrize(
    ("law", "times"),
    [(stats.uniform(), 0.1), (stats.norm(), 0.6), (stats.expon(), 1.3), (stats.genpareto(0.3), 3)],
)
def test_the_tail_model_is_as_honest_as_its_docstring(law, times):
    """How often fresh normals reach a tenth of 1 / (n + 1), relative to how often they may."""
    rng, n, rate = np.random.default_rng(4), 200, 0.1 / 201
    limits = [tail_threshold(law.rvs(n, random_state=rng), rate) for _ in range(400)]
    assert np.mean(law.sf(limits)) < times * rate


@pytest.mark.parametrize("scores", [[1.0] * 50, [1.0, 2.0, 3.0], [0.0] * 40 + [1e-300]])
def test_a_hopeless_tail_is_left_alone(scores):
    p = tail_p_values(scores, [5.0, 50.0])
    assert np.isfinite(p).all() and (p > 0).all()
    assert tail_threshold(scores, 0.001) > max(scores)


@settings(deadline=None)  # a busy machine is not a fault
@given(tied | spread, st.floats(0.001, 0.9))
def test_tail_threshold_inverts_tail_p_values(calibration, rate):
    limit = tail_threshold(calibration, rate)
    if len(calibration) >= enough_for(rate):
        assert limit == threshold(calibration, rate)
    elif np.isfinite(limit) and limit > max(calibration) + 1e-9 * abs(max(calibration)):
        assert tail_p_values(calibration, [limit])[0] == pytest.approx(rate, rel=1e-3)


@settings(deadline=None)  # a busy machine is not a fault
@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.floats(0.01, 1.0))
def test_benjamini_hochberg_equals_the_written_rule(p, fdr):
    ordered = sorted(p)
    passing = [v for i, v in enumerate(ordered, 1) if v <= fdr * i / len(p)]
    assert benjamini_hochberg(p, fdr).tolist() == [bool(passing) and v <= passing[-1] for v in p]


def test_benjamini_hochberg_agrees_with_scipy():
    p = np.random.default_rng(5).uniform(size=500) ** 3
    adjusted = stats.false_discovery_control(p)
    assert (benjamini_hochberg(p, 0.07) == (adjusted <= 0.07)).all()


def test_false_discoveries_on_pure_normals_stay_rare():
    """Without anomalies every report is false: some report in at most a share fdr of batches."""
    rng, fdr, runs = np.random.default_rng(6), 0.1, 600
    p = (p_values(rng.normal(size=1000), rng.normal(size=50)) for _ in range(runs))
    batches_with_a_report = sum(benjamini_hochberg(batch, fdr).any() for batch in p)
    assert batches_with_a_report <= stats.binom.ppf(0.99, runs, fdr)


def test_planted_anomalies_are_reported_at_the_promised_rate():
    rng, false, reported = np.random.default_rng(7), 0, 0
    for _ in range(100):
        scores = np.concatenate([rng.normal(size=180), rng.normal(5, 1, size=20)])
        chosen = benjamini_hochberg(p_values(rng.normal(size=2000), scores), 0.1)
        false, reported = false + chosen[:180].sum(), reported + chosen.sum()
    assert reported > 1800 and false / reported < 0.12


def test_nothing_in_nothing_out():
    assert p_values([1.0], []).shape == (0,)
    assert benjamini_hochberg([], 0.1).shape == (0,)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: p_values([], [1.0]), "no calibration scores"),
        (lambda: p_values([1.0, np.inf], [1.0]), "infinite"),
        (lambda: p_values([1.0], [np.nan, 2.0]), "1 of 2 scores"),
        (lambda: p_values([1.0], [[1.0]]), r"shape \(B,\)"),
        (lambda: threshold([1.0], 0.0), "alert_rate"),
        (lambda: threshold([1.0], 1.5), "alert_rate"),
        (lambda: enough_for(-1), "alert_rate"),
        (lambda: tail_threshold([1.0], float("nan")), "alert_rate"),
        (lambda: benjamini_hochberg([2.0], 0.1), "not scores"),
        (lambda: benjamini_hochberg([0.2], 0), "fdr"),
    ],
)
def test_wrong_input_is_refused_in_words(call, words):
    with pytest.raises(InputError, match=words):
        call()


@pytest.mark.filterwarnings("ignore:health")  # two steps teach nothing
@pytest.mark.parametrize("nets", [1, 3])
@pytest.mark.parametrize("method", [NeuTraLAD, PLAD])
def test_any_number_of_rows_can_be_learned_from(method, nets):
    rows = np.random.default_rng(0).normal(size=(30, 3))
    for count in range(2, 31):
        detector = method(nets=nets, steps=2).fit(rows[:count])
        assert np.isfinite(detector.decision_scores_).all()
        assert len(detector.calibration_) in {0, *range(5, count + 1)}
        assert len(detector.labels_) == count


@pytest.mark.filterwarnings("ignore:health")
def test_a_handful_of_held_out_items_judges_nothing():
    rows = np.random.default_rng(0).normal(size=(150, 3))
    detector = NeuTraLAD(held_out=0.01, nets=1, steps=2).fit(rows)
    assert not len(detector.calibration_)
    assert detector.labels_.sum() == 0


def test_what_only_rounding_lifts_above_the_threshold_is_no_alert_anywhere():
    rows = np.random.default_rng(0).normal(size=(300, 3))
    detector = KNN().fit(rows)
    scores = detector.threshold_ * np.array([1 - 1e-7, 1.0, 1 + 1e-7, 1.01])
    np.testing.assert_array_equal(detector.alerts_of(scores), [False, False, False, True])
    verdict = Verdict.of(detector, scores, None, None)
    np.testing.assert_array_equal(verdict.alerts, detector.alerts_of(scores))
    np.testing.assert_array_equal(detector.alerts_of(detector.decision_scores_), detector.labels_)
    with pytest.raises(InputError, match="1 of 2 scores are not numbers"):
        detector.alerts_of([1.0, np.nan])


def test_one_huge_held_out_score_hides_no_alert():
    rows = np.random.default_rng(0).normal(size=(500, 2))
    rows[:30] = 0  # of so many copies LOF says either nothing or 1e9
    detector = LOF(alert_rate=0.1).fit(rows)
    assert detector.calibration_.max() > 1e6 * np.median(detector.calibration_)
    assert detector.predict([[6.0, 6.0], [5.0, -5.0]]).tolist() == [1, 1]
    assert (detector.p_values([[6.0, 6.0], [5.0, -5.0]]) < 0.1).all()
    assert detector.p_values_of([np.inf, -np.inf])[0] < 0.02
