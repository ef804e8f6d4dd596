"""The distance beside networks: who counts as a neighbour, and what training items get."""

import numpy as np
import pytest
import torch

from askew import PLAD, NeuTraLAD
from askew.nets.bank import Bank

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
