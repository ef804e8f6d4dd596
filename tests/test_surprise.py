"""The two scales of a score: how surprising it is, and how far from remembered items."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from askew import NeuTraLAD
from askew.nets.bank import Bank
from askew.nets.surprise import Surprise

FINITE = st.floats(-1e6, 1e6, width=32)


def measured(references):
    surprise = Surprise()
    surprise.measure(torch.as_tensor(references, dtype=torch.float64))
    return surprise


def naive(references, a):
    """The definition in plain Python."""
    r = sorted(float(value) for value in references)

    def counted(value):
        return -math.log((sum(other >= value for other in r) + 1) / (len(r) + 1))

    upper = r[len(r) // 2 :]
    scale = sum(value - upper[0] for value in upper) / len(upper)
    if a >= r[-1]:
        return counted(r[-1]) + (a - r[-1]) / scale
    if a <= r[0]:
        return counted(r[0]) - (r[0] - a) / scale
    left = max(value for value in r if value <= a)
    right = min(value for value in r if value >= a)
    share = 0.0 if left == right else (a - left) / (right - left)
    return (1 - share) * counted(left) + share * counted(right)


@pytest.mark.parametrize("decimals", [8, 1], ids=["distinct", "ties"])
def test_surprise_is_what_a_naive_loop_says(decimals):
    generator = np.random.default_rng(0)
    references = generator.gamma(2.0, size=200).round(decimals)
    asked = np.concatenate([references, generator.uniform(-2, 20, 300)])
    expected = [naive(references, a) for a in asked]
    found = measured(references)(torch.as_tensor(asked))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.lists(FINITE, min_size=1, max_size=30), st.lists(FINITE, min_size=2, max_size=30))
def test_a_higher_score_is_never_less_surprising(references, asked):
    found = measured(references)(torch.tensor(sorted(asked), dtype=torch.float64)).numpy()
    assert np.isfinite(found).all()
    assert (np.diff(found) >= -1e-9 * (1 + np.abs(found[1:]))).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(FINITE, min_size=1, max_size=30), FINITE, FINITE)
def test_scores_beyond_all_references_are_told_apart(references, a, b):
    beyond = sorted({max(references) + abs(value) + 1 for value in (a, b)})
    found = measured(references)(torch.tensor(beyond, dtype=torch.float64))
    alike = 2e-5 * abs(max(references))  # each but equal to the next
    top = sum(max(references) - value <= alike for value in references)
    assert found[0] > math.log((len(references) + 1) / (top + 1))
    assert (found.diff() > 0).all()


def test_scores_that_only_rounding_tells_apart_are_the_same():
    generator = np.random.default_rng(0)
    copies = np.repeat(generator.gamma(2.0, size=10), 20)
    rounded = measured(copies + 1e-8 * generator.normal(size=200))
    asked = torch.as_tensor(np.repeat(copies[::20], 9) + np.tile(np.linspace(-1, 1, 9), 10) * 1e-8)
    found = rounded(asked).reshape(10, 9)
    assert len(rounded.knots) == 10
    assert float((found.amax(1) - found.amin(1)).max()) < 1e-6
    np.testing.assert_allclose(found[:, 4], measured(copies)(asked).reshape(10, 9)[:, 4], atol=1e-6)


def test_the_tails_are_straight_lines_in_units_of_the_mean_excess():
    surprise = measured(np.arange(101.0))  # the upper half is 50..100: a mean excess of 25
    top = math.log(102 / 2)
    asked = [100.0, 125.0, 1e12, math.inf, 0.0, -25.0, -math.inf]
    far = surprise(torch.tensor(asked, dtype=torch.float64))
    expected = [top, top + 1, top + (1e12 - 100) / 25, math.inf, 0.0, -1.0, -math.inf]
    np.testing.assert_allclose(far.numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("references", [[3.0], [3.0] * 7], ids=["one", "all alike"])
def test_one_reference_score_divides_what_is_above_from_what_is_below(references):
    below, same, above = measured(references)(torch.tensor([2.0, 3.0, 4.0])).tolist()
    assert same == pytest.approx(-math.log((len(references) + 1) / (len(references) + 1)))
    assert below < same < above
    assert math.isfinite(below) and math.isfinite(above)


def test_float32_scores_keep_their_order_beside_a_large_offset():
    references = 1e6 + torch.arange(50.0)
    found = measured(references)(references + 0.5)
    assert found.dtype == torch.float64
    assert (found.diff() > 0).all()


def test_thinned_references_say_nearly_the_same():
    references = np.random.default_rng(0).exponential(size=20_000)
    surprise = measured(references)
    assert len(surprise.knots) <= 2 * Surprise.MOST
    for quantile in (0.1, 0.5, 0.9, 0.99):
        a = float(np.quantile(references, quantile))
        assert float(surprise(torch.tensor([a]))[0]) == pytest.approx(naive(references, a), abs=0.1)


@pytest.mark.parametrize(("power", "metric"), [(1.0, "cityblock"), (2.0, "euclidean")])
def test_distances_are_those_of_scipy(power, metric):
    generator = np.random.default_rng(0)
    known, new = generator.normal(size=(80, 6)), generator.normal(size=(40, 6))
    bank = Bank(power=power)
    bank.fill(torch.as_tensor(known), most=1000, generator=torch.Generator())
    expected = np.sort(cdist(new, known, metric), axis=1)
    for k in (1, 2, 7):
        found = bank.distance(torch.as_tensor(new), neighbors=k)
        np.testing.assert_allclose(found.numpy(), expected[:, k - 1], rtol=1e-6)
    values, index = bank.nearest(torch.as_tensor(new), neighbors=3)
    np.testing.assert_allclose(values.numpy(), expected[:, :3], rtol=1e-6)
    np.testing.assert_array_equal(index[:, 0].numpy(), cdist(new, known, metric).argmin(1))


def test_a_small_bank_gives_its_farthest_item_for_want_of_more():
    bank = Bank()
    bank.fill(torch.tensor([[0.0], [4.0]]), most=10, generator=torch.Generator())
    assert bank.distance(torch.tensor([[1.0]]), neighbors=5).tolist() == [3.0]


def test_a_full_bank_keeps_a_random_part_and_a_copy():
    features = torch.arange(1000.0)[:, None]
    kept = []
    for seed in (0, 0, 1):
        bank = Bank()
        bank.fill(features, most=100, generator=torch.Generator().manual_seed(seed))
        kept.append(bank.items.clone())
        assert len(torch.unique(bank.items)) == 100
        assert 350 < float(bank.items.mean()) < 650  # of all of them, not of the first
    assert torch.equal(kept[0], kept[1])
    assert not torch.equal(kept[0], kept[2])
    bank.fill(features, most=2000, generator=torch.Generator())
    features += 1
    assert float(bank.items[0, 0]) == 0.0


@pytest.mark.filterwarnings("ignore:health")
def test_repeated_rows_are_remembered_once():
    rows = np.random.default_rng(0).normal(size=(40, 3))
    repeated = np.concatenate([rows, np.repeat(rows[:1], 200, axis=0)])
    items = NeuTraLAD(steps=2, nets=1, views=2).fit(repeated).net_.bank.items
    assert len(items) == len(torch.unique(items, dim=0)) <= 40
    assert len(items) > 25
