"""The distance beside networks: who counts as a neighbour, and what training items get."""

import numpy as np
import pytest
import torch

from askew import PLAD, InputError, NeuTraLAD, Series, Tabular
from askew.data import Fold
from askew.methods.ensemble import EnsembleDetector
from askew.nets.bank import Bank, Middle

pytestmark = pytest.mark.filterwarnings("ignore:health")


def naive(items, x, neighbors, power):
    """The distance to the neighbors-th nearest row that is not x itself, in plain loops."""
    found = []
    for row in x:
        apart = [float((abs(row - one) ** power).sum() ** (1 / power)) for one in items]
        others = sorted(distance for distance in apart if distance > 1e-6)
        found.append(others[min(neighbors, len(others)) - 1])
    return found


@pytest.mark.parametrize("power", [1.0, 2.0])
@pytest.mark.parametrize("neighbors", [1, 2, 7, 50])
def test_a_remembered_item_is_no_neighbour_of_itself(neighbors, power):
    items = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    x = torch.cat([items[:5], items[:5] * (1 + 1e-8), items[5:9] + 1e-3])
    bank = Bank(power, itself=False)
    bank.fill(items, most=20, generator=torch.Generator())
    expected = naive(items.double().numpy(), x.double().numpy(), neighbors, power)
    np.testing.assert_allclose(bank.distance(x, neighbors), expected, rtol=1e-4)


@pytest.mark.parametrize("neighbors", [1, 2, 7, 50])
def test_what_a_copy_was_made_from_is_no_neighbour_of_it(neighbors):
    items = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    copies = items + 0.01
    bank = Bank(1.0, itself=False)
    bank.fill(items, most=20, generator=torch.Generator())
    others = [items[torch.arange(20) != i] for i in range(20)]
    expected = [
        naive(rest.double().numpy(), copy[None].double().numpy(), neighbors, 1.0)[0]
        for rest, copy in zip(others, copies, strict=True)
    ]
    found = bank.distance_without(items, copies, neighbors)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    unknown = torch.full_like(items, 9.0)
    torch.testing.assert_close(
        bank.distance_without(unknown, copies, neighbors), bank.distance(copies, neighbors)
    )


@pytest.mark.parametrize("method", [NeuTraLAD, PLAD])
def test_health_judges_copies_as_if_their_originals_were_not_known(method):
    rows = np.random.default_rng(0).normal(size=(200, 30))
    detector = method(nets=2, steps=5, neighbors=1, middle=False).fit(rows)
    items = detector.data_.encode(rows)
    copies = items + 0.01 * torch.randn(items.shape, generator=torch.Generator().manual_seed(0))
    known, unknown = detector.score_items(copies), detector.score_copies(copies, items)
    usual = detector.score_items(items)
    assert np.median(known) < np.quantile(usual, 0.01)  # by their originals, nearer than any item
    assert np.median(unknown) == pytest.approx(np.median(usual), abs=0.1 * np.std(usual))
    without = method(nets=2, steps=5, neighbors=0).fit(rows)
    np.testing.assert_array_equal(without.score_copies(copies, items), without.score_items(copies))


def test_where_all_that_is_remembered_is_the_item_the_distance_is_nothing():
    bank = Bank(itself=False)
    bank.fill(torch.ones(1, 2), most=1, generator=torch.Generator())
    assert bank.distance(torch.tensor([[1.0, 1.0], [1.0, 2.0]]), 3).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("method", [NeuTraLAD, PLAD])
def test_training_items_look_as_normal_as_new_ones_by_distance(method):
    rows = np.random.default_rng(0).normal(size=(900, 4))
    detector = method(nets=1, steps=0, neighbors=1, seed=1).fit(rows[:600])
    learned, new = (
        float(detector.net_.distance(detector.net_.bank.distance(of, 1)).mean())
        for of in map(detector.net_.features, map(detector.data_.encode, (rows[:600], rows[600:])))
    )
    assert learned == pytest.approx(new, abs=0.15)  # counted themselves, they would be 0 away
    assert new == pytest.approx(1, abs=0.25)


def test_the_middle_is_the_median_and_its_distance_that_of_the_bank():
    features = torch.randn(101, 4, generator=torch.Generator().manual_seed(0)).square()
    for power in (1.0, 2.0):
        middle = Middle(power)
        middle.measure(features)
        expected = np.median(features.numpy(), axis=0)
        np.testing.assert_allclose(middle.center, expected)
        apart = (abs(features.numpy() - expected) ** power).sum(1) ** (1 / power)
        np.testing.assert_allclose(middle.distance(features), apart, rtol=1e-5)


@pytest.mark.parametrize("method", [NeuTraLAD, PLAD])
def test_the_two_distances_have_half_a_say_each(method):
    rows = np.random.default_rng(0).normal(size=(400, 3))
    detector = method(nets=2, steps=20).fit(rows)
    net, x = detector.net_, detector.data_.encode(np.concatenate([rows[:20], 2.5 * rows[:20]]))
    with torch.no_grad():
        own = sum(detector.member_scores(member, x).double() for member in net.members) / 2
        features = net.features(x)
        near = net.distance(net.bank.distance(features, 2))
        far = net.from_middle(net.middle.distance(features))
    expected = [float(net.own(own)[i]) + (float(near[i]) + float(far[i])) / 2 for i in range(40)]
    np.testing.assert_allclose(detector.score_items(x), expected, rtol=1e-6)


def test_a_group_of_anomalies_that_was_learned_from_is_seen_by_the_middle():
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(500, 6))
    group = generator.normal(size=6) + 4 + 0.05 * generator.normal(size=(25, 6))
    both = np.concatenate([rows, group])
    with_middle, without = (
        NeuTraLAD(nets=1, steps=50, middle=middle).fit(both).decision_scores_
        for middle in (None, False)
    )
    above = [np.mean(scores[500:, None] > scores[None, :500]) for scores in (with_middle, without)]
    assert above[0] > above[1] + 0.3


def test_whether_there_is_a_middle_is_the_data_types_affair():
    assert Tabular.has_middle and not Series.has_middle
    curves = np.random.default_rng(0).normal(size=(40, 1, 16))
    series = Series(layout="channels-first")
    scores = [
        NeuTraLAD(data=series, nets=1, steps=5, middle=middle).fit(curves).decision_scores_
        for middle in (None, False, True)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.allclose(scores[2], scores[1])


@pytest.mark.parametrize("odd", [{"middle": "no"}, {"middle": 2}, {"middle": True, "neighbors": 0}])
def test_a_middle_that_makes_no_sense_is_refused(odd):
    with pytest.raises(InputError, match="middle="):
        NeuTraLAD(**odd).fit(np.zeros((40, 2)))


@pytest.mark.parametrize("method", [NeuTraLAD, PLAD])
def test_what_networks_find_strangest_is_not_remembered_where_anomalies_are_learned_from(method):
    random = np.random.default_rng(0)
    rows = np.concatenate([random.normal(size=(300, 4)), random.normal(6, 0.1, size=(15, 4))])
    places, ranks, farthest = [], [], []
    for share in (0.0, 0.1):
        detector = method(nets=1, contamination=share, middle=False).fit(rows)
        distances = detector.net_.bank.distance(
            detector.net_.features(detector.data_.encode(rows)), detector.neighbors
        ).numpy()
        places.append(len(detector.net_.bank.items))
        ranks.append((distances[300:, None] > distances[:300]).mean())
        farthest.append(float(detector.net_.distance.knots.max()))
    assert places[0] == 315 and places[1] == pytest.approx(0.9 * 315, abs=3)
    assert ranks[0] < 0.5 and ranks[1] > 0.95
    # what was held out is measured from what is remembered: the anomalies in it lie far away
    assert farthest[1] > 2 * farthest[0]


def test_of_what_each_network_held_out_as_large_a_share_is_remembered():
    rows = np.random.default_rng(0).normal(size=(200, 20))
    detector = NeuTraLAD(nets=1, contamination=0.2, steps=50).fit(rows)
    items = detector.data_.encode(rows)
    with torch.no_grad():
        order = EnsembleDetector.scores(detector, detector.net_, items).argsort().numpy()
    folds = [Fold(order[:160], order[160:])]  # as if the strangest forty were held out
    trusted = detector._trusted(detector.net_, items, folds)
    assert trusted[order[160:]].mean() == pytest.approx(0.8, abs=0.02)
    assert trusted[order[:160]].mean() == pytest.approx(0.8, abs=0.02)
    assert len(detector.net_.bank.items) == pytest.approx(160, abs=3)


def test_a_fold_keeps_something_to_be_measured_by():
    rows = np.random.default_rng(0).normal(size=(10, 3))
    for seed in range(12):
        settings = {"contamination": 0.5, "held_out": 0.5, "steps": 3, "nets": 2}
        NeuTraLAD(seed=seed, **settings).fit(rows).decision_function(rows)
