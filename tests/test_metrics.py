"""Metrics against closed forms, against pairs counted one by one, and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from askew.errors import InputError
from askew.metrics import auroc, auroc_interval, average_precision, oracle_f1

few = st.lists(st.integers(0, 6).map(float), min_size=2, max_size=15)  # with ties
both_classes = st.tuples(few, few)


def joined(normal, anomalous):
    return [0] * len(normal) + [1] * len(anomalous), [*normal, *anomalous]


@settings(deadline=None)  # a busy machine is not a fault
@given(both_classes)
def test_auroc_counts_pairs(parts):
    wins = [(a > n) + 0.5 * (a == n) for n in parts[0] for a in parts[1]]
    labels, scores = joined(*parts)
    assert auroc(labels, scores) == pytest.approx(np.mean(wins))
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))
    assert auroc(labels, scores) + auroc(labels, np.negative(scores)) == pytest.approx(1)


def test_auroc_closed_forms():
    assert auroc([0, 0, 0, 1, 1], [1, 2, 3, 2, 4]) == 0.75
    assert auroc([0, 0, 1, 1], [1, 2, 3, 4]) == 1.0
    assert auroc([0, 0, 1, 1], [3, 4, 1, 2]) == 0.0
    assert auroc([0, 1, 0, 1], [7, 7, 7, 7]) == 0.5


@settings(deadline=None)  # a busy machine is not a fault
@given(both_classes)
def test_average_precision_equals_scikit_learn(parts):
    labels, scores = joined(*parts)
    assert average_precision(labels, scores) == pytest.approx(
        average_precision_score(labels, scores)
    )


def test_average_precision_closed_forms():
    assert average_precision([1, 0, 1], [3, 2, 1]) == pytest.approx(0.8333, abs=1e-4)
    assert average_precision([0, 0, 1, 1], [1, 2, 3, 4]) == 1.0
    assert average_precision([0, 0, 0, 1], [5, 5, 5, 5]) == 0.25  # constant: the share, N1 / N


def test_oracle_f1_is_precision_and_recall_for_distinct_scores():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [170, 30])
    scores = rng.permutation(200) + 60.0 * labels + rng.uniform(0, 0.5, 200)
    top = np.argsort(scores)[-30:]
    assert oracle_f1(labels, scores) == pytest.approx(labels[top].mean())
    assert oracle_f1(labels, np.exp(scores / 50)) == oracle_f1(labels, scores)


def test_oracle_f1_closed_forms():
    assert oracle_f1([0, 0, 1, 1], [1, 2, 3, 4]) == 1.0
    assert oracle_f1([0] * 5 + [1] * 5, [1.0] * 10) == 0.0  # nothing is above a constant
    assert oracle_f1([0, 0, 1, 1], [3, 4, 1, 2]) == 0.0


@pytest.mark.parametrize(("normal", "anomalous"), [(193, 66), (1840, 93)])
def test_oracle_f1_by_chance_is_the_share_of_anomalies(normal, anomalous):
    """Arrhythmia 0.2548 and Thyroid 0.0481, as random scores give them."""
    rng, labels = np.random.default_rng(1), np.repeat([0, 1], [normal, anomalous])
    values = [oracle_f1(labels, rng.uniform(size=len(labels))) for _ in range(500)]
    error = np.std(values) / len(values) ** 0.5
    assert np.mean(values) == pytest.approx(anomalous / len(labels), abs=4 * error)


@pytest.mark.parametrize("anomalous", [1, 2, 7, 93])
@pytest.mark.parametrize("normal", [2, 3, 1839, 1840])
def test_a_perfect_ranking_is_perfect_for_odd_and_even_counts(normal, anomalous):
    """The off-by-one that published code had: one normal item too many above the threshold."""
    labels = np.repeat([0, 1], [normal, anomalous])
    assert oracle_f1(labels, np.arange(len(labels))) == 1.0


def test_the_interval_covers_as_often_as_it_says():
    """Normal scores against normal scores moved by 1: the true AUROC is 0.7602."""
    rng, labels, covered = np.random.default_rng(2), np.repeat([0, 1], [120, 40]), 0
    for _ in range(600):
        interval = auroc_interval(labels, rng.normal(size=160) + labels)
        covered += interval.low <= 0.76025 <= interval.high
    assert 0.92 < covered / 600 < 0.98


def test_the_interval_is_as_wide_as_the_textbook_says():
    """193 normal items and 66 anomalies at AUROC near 0.8: a standard error near 0.035."""
    rng, labels = np.random.default_rng(3), np.repeat([0, 1], [193, 66])
    widths = []
    for _ in range(50):
        value, low, high = auroc_interval(labels, rng.normal(size=259) + 1.19 * labels)
        assert low < value < high
        widths.append((high - low) / 2 / 1.96)
    assert np.mean(widths) == pytest.approx(0.033, abs=0.005)


def test_perfect_separation_is_not_certain():
    value, low, high = auroc_interval([0, 0, 0, 1, 1, 1], [1, 2, 3, 4, 5, 6])
    assert (value, high) == (1.0, 1.0) and low == pytest.approx(0.025 ** (1 / 3))
    assert auroc_interval([1, 1, 0, 0], [1, 2, 3, 4]).high < 1


@pytest.mark.parametrize("metric", [auroc, average_precision, oracle_f1, auroc_interval])
@pytest.mark.parametrize(
    ("labels", "scores", "words"),
    [
        ([0, 0], [1, 2], "Both classes"),
        ([1, 1], [1, 2], "Both classes"),
        ([], [], "Both classes"),
        ([0, 1], [1, np.nan], "NaN"),
        ([0, 1, 1], [1, 2], "One label a score"),
        ([1, -1], [1, 2], "Labels are 0"),
    ],
)
def test_wrong_input_is_refused_in_words(metric, labels, scores, words):
    with pytest.raises(InputError, match=words):
        metric(labels, scores)


def test_an_interval_needs_two_of_each():
    with pytest.raises(InputError, match="two items"):
        auroc_interval([0, 0, 1], [1, 2, 3])
    with pytest.raises(InputError, match="confidence"):
        auroc_interval([0, 0, 1, 1], [1, 2, 3, 4], confidence=95)
