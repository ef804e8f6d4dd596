"""The memory bank: core sets, places, and what it equals on tables."""

from itertools import combinations

import numpy as np
import pytest
import torch

from askew import KNN, InputError, MemoryBank, Series, Tabular
from askew.nets.bank import core_set

GENERATOR = np.random.default_rng(0)
ROWS = GENERATOR.normal(size=(150, 3))
NEW = GENERATOR.normal(size=(60, 3)) * 2
pytestmark = pytest.mark.filterwarnings("ignore:health")


def waves(count, seed):
    generator = np.random.default_rng(seed)
    steps = np.linspace(0, 8, 40)[None, :, None] + 6 * generator.random((count, 1, 1))
    return np.sin(steps) + 0.02 * generator.normal(size=(count, 40, 1))


def cover(features, picked):
    """Return the largest distance of any vector to the nearest picked one."""
    return torch.cdist(features, features[list(picked)]).amin(1).max().item()


@pytest.mark.parametrize("neighbors", [1, 5])
def test_a_table_row_is_one_place_so_it_is_the_nearest_neighbour(neighbors):
    bank = MemoryBank(neighbors=neighbors, held_out=0.0).fit(ROWS)
    near = KNN(neighbors=neighbors, held_out=0.0).fit(ROWS)
    np.testing.assert_allclose(bank.decision_function(NEW), near.decision_function(NEW), rtol=1e-5)
    assert bank.decision_points(NEW).shape == (60, 1)


def test_training_items_are_at_distance_zero_while_all_are_remembered():
    detector = MemoryBank(data=Series(layout="time-first"), held_out=0.0).fit(waves(30, 0))
    np.testing.assert_allclose(detector.decision_function(waves(30, 0)), 0, atol=1e-6)


def test_scores_are_the_largest_of_the_distances_found_one_by_one():
    data = Series(layout="time-first")
    detector = MemoryBank(data=data, most=100).fit(waves(30, 0))
    places = detector.net_.local(detector.data_.encode(waves(5, 1)))
    naive = [
        [min(float((p - kept).norm()) for kept in detector.net_.bank.items) for p in item]
        for item in places
    ]
    np.testing.assert_allclose(detector.decision_points(waves(5, 1)), naive, rtol=1e-4)
    np.testing.assert_allclose(detector.decision_function(waves(5, 1)), np.max(naive, 1), rtol=1e-4)
    assert detector.net_.bank.items.shape == (100, 9)


def test_what_happens_is_found_wherever_in_the_series_it_happens():
    detector = MemoryBank(data=Series(layout="time-first")).fit(waves(60, 0))
    strange = waves(8, 1)
    strange[:, 20:23] += 1.5
    points = detector.decision_points(strange)
    assert points.shape == (8, 40)
    assert ((points.argmax(1) >= 16) & (points.argmax(1) <= 26)).all()
    assert (detector.decision_function(strange) > detector.threshold_).mean() > 0.8


def test_a_place_moves_with_the_series():
    data = Series(layout="time-first").fit(waves(20, 0))
    x = data.encode(waves(4, 1))
    places, moved = data.local_features()(x), data.local_features()(x.roll(3, dims=2))
    torch.testing.assert_close(moved[:, 10:30], places[:, 7:27])


def test_padding_is_no_place():
    uneven = [item[: 20 + i % 15] for i, item in enumerate(waves(40, 0))]
    detector = MemoryBank(data=Series(layout="time-first"), held_out=0.0, most=300).fit(uneven)
    x = detector.data_.encode(uneven)
    points = detector.points(detector.net_, x)
    expected = [points[i, : len(item)].max().item() for i, item in enumerate(uneven)]
    np.testing.assert_allclose(detector.decision_scores_, expected, rtol=1e-6)


def test_a_core_of_all_is_all():
    features = torch.randn(40, 5)
    assert sorted(core_set(features, 40, torch.Generator()).tolist()) == list(range(40))
    assert len(core_set(features, 100, torch.Generator())) == 40


def test_a_larger_core_covers_no_worse():
    features = torch.randn(200, 3)
    order = core_set(features, 60, torch.Generator()).tolist()
    covers = [cover(features, order[:k]) for k in range(1, 61)]
    assert (np.diff(covers) <= 1e-6).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_core_is_at_most_twice_as_bad_as_the_best(seed):
    features = torch.randn(9, 2, generator=torch.Generator().manual_seed(seed))
    best = min(cover(features, some) for some in combinations(range(9), 3))
    assert cover(features, core_set(features, 3, torch.Generator()).tolist()) <= 2 * best + 1e-6


def test_copies_wait_until_all_that_differ_are_picked():
    features = torch.randn(10, 4).repeat(5, 1)
    picked = core_set(features, 10, torch.Generator())
    assert len(torch.unique(features[picked], dim=0)) == 10
    assert len(set(core_set(features, 50, torch.Generator()).tolist())) == 50


def test_wide_features_are_compared_in_a_projection_of_the_seed():
    features = torch.randn(300, 500, generator=torch.Generator().manual_seed(0))
    one, two = (core_set(features, 30, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(one, two)
    some = torch.randperm(300)[:30].tolist()
    assert cover(features, one.tolist()) < 1.1 * cover(features, some)


def test_scores_change_no_faster_than_features():
    detector = MemoryBank(data=Tabular(scaling="standard")).fit(ROWS)
    step = 1e-2 * GENERATOR.normal(size=NEW.shape)
    moved = np.abs(detector.decision_function(NEW + step) - detector.decision_function(NEW))
    assert (moved <= np.linalg.norm(step / ROWS.std(0), axis=1) * 1.2).all()


def test_the_number_of_places_looked_at_is_bounded():
    data = Series(layout="time-first")
    detector = MemoryBank(data=data, candidates=200, most=500).fit(waves(30, 0))
    assert len(detector.net_.bank.items) <= 200


@pytest.mark.parametrize("wrong", [{"neighbors": 0}, {"most": 0}, {"candidates": 0}])
def test_senseless_parameters_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        MemoryBank(**wrong).fit(ROWS)
