"""Metrics of stretches of time against naive loops, closed forms and random levels."""

import numpy as np
import pytest

from askew import InputError
from askew.metrics import auroc, average_precision
from askew.metrics_series import affiliation, at_true_share, events, volumes, vus_pr, vus_roc


def drawn(seed, steps=60, rounded=True):
    generator = np.random.default_rng(seed)
    labels = np.zeros(steps, int)
    for _ in range(generator.integers(1, 5)):
        start = generator.integers(0, steps - 8)
        labels[start : start + generator.integers(1, 7)] = 1
    scores = generator.normal(size=steps) + labels
    return labels, np.round(scores, 1) if rounded else scores


def runs(marked):
    found, inside = [], False
    for i, m in enumerate([*marked, False]):
        if m and not inside:
            start = i
        if inside and not m:
            found.append((start, i - 1))
        inside = m
    return found


def naive_volumes(labels, scores, buffer):
    """As the paper says it, with a loop for every sum."""
    n, pr_all, roc_all = len(labels), [], []
    for width in range(buffer + 1):
        weight = []
        for i in range(n):
            d = min(abs(i - j) for j in range(n) if labels[j])
            near = d <= width // 2
            weight.append(1.0 if d == 0 else (1 - d / width) ** 0.5 if near and width else 0.0)
        regions = runs([w > 0 for w in weight])
        p = sum((labels[i] + weight[i]) / 2 for i in range(n))
        recalls, falses, pr = [0.0], [0.0], 0.0
        for level in sorted(set(scores), reverse=True):
            alerts = [s >= level for s in scores]
            tp = sum(w for w, a in zip(weight, alerts, strict=True) if a)
            exists = np.mean([any(alerts[a : b + 1]) for a, b in regions])
            recalls.append(min(tp / p, 1) * exists)
            falses.append((sum(alerts) - tp) / (n - p))
            pr += (recalls[-1] - recalls[-2]) * tp / sum(alerts)
        recalls.append(1.0), falses.append(1.0)
        roc = sum(
            (falses[i] - falses[i - 1]) * (recalls[i] + recalls[i - 1]) / 2
            for i in range(1, len(recalls))
        )
        pr_all.append(pr), roc_all.append(roc)
    return np.mean(pr_all), np.mean(roc_all)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("buffer", [0, 1, 7, 20])
def test_volumes_against_loops(seed, buffer):
    labels, scores = drawn(seed)
    assert volumes(labels, scores, buffer) == pytest.approx(naive_volumes(labels, scores, buffer))


@pytest.mark.parametrize("seed", range(5))
def test_one_stretch_without_a_buffer_gives_the_usual_metrics(seed):
    scores = np.random.default_rng(seed).normal(size=80)
    labels = (np.arange(80) // 10 == 4).astype(int)
    found = volumes(labels, scores, 0)
    assert found.roc == pytest.approx(auroc(labels, scores))
    assert found.pr == pytest.approx(average_precision(labels, scores))


def test_constant_scores_have_the_share_of_anomalies_and_half():
    labels = (np.arange(100) // 10 == 4).astype(int)
    found = volumes(labels, np.zeros(100), 0)
    assert found == pytest.approx((0.1, 0.5))


def test_perfect_and_reversed_scores():
    labels = (np.arange(200) // 20 == 4).astype(int)
    assert volumes(labels, labels, 0) == (1.0, 1.0)
    assert volumes(labels, -labels, 0).roc == pytest.approx(0.0)
    # P counts half of the buffers: recall of the labels themselves ends at 20 / P.
    weights = 2 * sum((1 - d / 8) ** 0.5 for d in range(1, 5))
    p, everything = 20 + weights / 2, (20 + weights) / 200
    at_eight = 20 / p + (1 - 20 / p) * everything
    nine = [volumes(labels, labels, width).pr * (width + 1) for width in (7, 8)]
    assert nine[1] - nine[0] == pytest.approx(at_eight)


def test_random_scores_are_at_their_floors():
    generator = np.random.default_rng(0)
    labels = (np.arange(40_000) % 1000 // 50 == 5).astype(int)
    found = [volumes(labels, generator.random(40_000), 40) for _ in range(3)]
    floors = []
    for width in range(41):  # recall grows with W / P until it is full; weights share all alerts
        w = 50 + 2 * sum((1 - d / width) ** 0.5 for d in range(1, width // 2 + 1))
        p = (50 + w) / 2
        full = p / w * (1000 - w) / (1000 - p)
        floors.append((w / 1000, 1 - full / 2))
    pr, roc = np.mean(floors, axis=0)
    assert np.mean([f.roc for f in found]) == pytest.approx(roc, abs=0.01)
    assert np.mean([f.pr for f in found]) == pytest.approx(pr, abs=0.01)


def test_a_late_detection_counts_more_with_a_buffer_than_without():
    labels = (np.arange(300) // 30 == 5).astype(int)
    late = np.roll(labels, 12).astype(float)
    assert vus_pr(labels, late, 40) > vus_pr(labels, np.roll(labels, 60).astype(float), 40) + 0.2
    assert vus_roc(labels, late, 40) > vus_roc(labels, late, 0)


@pytest.mark.parametrize("seed", range(3))
def test_only_the_order_of_scores_counts(seed):
    labels, scores = drawn(seed)
    assert volumes(labels, np.exp(scores), 9) == pytest.approx(volumes(labels, scores, 9))


def naive_events(labels, alerts):
    true, said = runs(labels == 1), runs(alerts == 1)
    hit = [any(alerts[a : b + 1]) for a, b in true]
    right = [any(labels[a : b + 1]) for a, b in said]
    steps = [labels[i] for i in range(len(labels)) if alerts[i]]
    return np.mean(right or [np.nan]), np.mean(hit), np.mean(steps or [np.nan])


def naive_affiliation(labels, alerts):
    n, true = len(labels), runs(labels == 1)

    def gap(i, run):
        return max(run[0] - i, i - run[1], 0)

    zone = [min(range(len(true)), key=lambda j: (gap(i, true[j]), j)) for i in range(n)]
    precisions, recalls = [], []
    for j, run in enumerate(true):
        inside = [i for i in range(n) if zone[i] == j]
        said = [i for i in inside if alerts[i]]
        if said:
            precisions.append(
                np.mean([np.mean([gap(u, run) >= gap(i, run) for u in inside]) for i in said])
            )
        reached = []
        for a in range(run[0], run[1] + 1):
            d = min([abs(a - i) for i in said], default=None)
            far = 0.0 if d is None else np.mean([abs(u - a) >= d for u in inside])
            reached.append(far)
        recalls.append(np.mean(reached))
    return np.mean(precisions) if precisions else np.nan, np.mean(recalls)


@pytest.mark.parametrize("seed", range(20))
def test_events_and_affiliation_against_loops(seed):
    labels, scores = drawn(seed)
    for level in (0.3, 1.2, 1.8):
        alerts = (scores > level).astype(int)
        assert events(labels, alerts) == pytest.approx(naive_events(labels, alerts), nan_ok=True)
        expected = pytest.approx(naive_affiliation(labels, alerts), nan_ok=True)
        assert affiliation(labels, alerts) == expected


def test_no_alerts_have_no_precision():
    labels = np.array([0, 1, 1, 0, 0])
    assert np.isnan(events(labels, np.zeros(5)).precision)
    assert events(labels, np.zeros(5)).recall == 0
    assert np.isnan(affiliation(labels, np.zeros(5)).precision)
    assert affiliation(labels, np.zeros(5)).recall == 0


def test_an_alert_that_never_ends_is_seen_through():
    labels = (np.arange(1000) // 20 == 20).astype(int)
    found = events(labels, np.ones(1000))
    assert found == pytest.approx((1.0, 1.0, 0.02))
    assert affiliation(labels, np.ones(1000)).precision == pytest.approx(0.5, abs=0.02)


def test_random_alerts_have_affiliation_of_about_a_half():
    generator = np.random.default_rng(0)
    labels = (np.arange(50_000) % 1000 == 500).astype(int)
    found = affiliation(labels, generator.random(50_000) < 0.001)
    assert found.precision == pytest.approx(0.5, abs=0.1)
    alone = affiliation(labels[:1000], (np.arange(1000) == 490).astype(int))
    assert alone == pytest.approx((1 - 19 / 1000, 1 - 19 / 1000))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: volumes([0, 0], [1, 2]), "Both classes"),
        (lambda: volumes([0, 1], [1, 2, 3]), "One label a step"),
        (lambda: volumes([0, 2], [1, 2]), "others were found"),
        (lambda: volumes([0, 1], [1, np.nan]), "NaN"),
        (lambda: volumes([0, 1], [1, 2], -1), "buffer=-1"),
        (lambda: events([0, 1], [0.3, 1]), "threshold first"),
        (lambda: affiliation([0, 1], [2, 1]), "threshold first"),
    ],
)
def test_wrong_input_is_refused_in_words(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_alerts_at_the_true_share_are_the_highest_and_ties_go_together():
    labels = [0, 1, 1, 0, 0]
    assert at_true_share(labels, [5, 4, 3, 2, 1]).tolist() == [True, True, False, False, False]
    assert at_true_share(labels, [1, 1, 1, 1, 1]).all()
    with pytest.raises(InputError):
        at_true_share([0, 0, 0, 0, 0], [5, 4, 3, 2, 1])
