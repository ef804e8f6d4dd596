"""Deep SVDD against its formulas, and what keeps it from collapsing."""

import warnings

import numpy as np
import pytest
import torch

from askew import DeepSVDD, InputError, Series, Tabular
from askew.methods.deep_svdd import center_of, radius_of, soft_boundary, spread_of
from askew.nets.bias import without_biases

ROWS = np.random.default_rng(0).normal(size=(200, 4))
PLAIN = {"steps": 60, "nets": 1, "data": Tabular(scaling="standard")}


def fitted(**parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return DeepSVDD(**{**PLAIN, **parameters}).fit(ROWS)


def test_training_is_judged_by_the_loss_around_the_centre():
    detector = fitted(steps=300)
    assert detector.training_["loss_after"] < 0.5 * detector.training_["loss_before"]


def test_weights_of_zero_score_every_item_alike_by_the_centre():
    detector = fitted()
    (member,) = detector.net_.members
    for weight in member.encoder.parameters():
        weight.data.zero_()
    distances = detector.distances(member, torch.randn(7, 4))
    expected = member.ball.center.square().sum().expand(7)
    torch.testing.assert_close(distances, expected)


def test_score_is_the_squared_distance_in_units_of_the_mean_learned_one():
    detector = fitted(held_out=0.0)
    (member,) = detector.net_.members
    items = detector.data_.encode(ROWS)
    z = member.encoder(items).detach().double()
    squared = [sum((a - b) ** 2 for a, b in zip(row, member.ball.center, strict=True)) for row in z]
    expected = np.array(squared, dtype=float)
    np.testing.assert_allclose(detector.decision_scores_, expected / expected.mean(), rtol=1e-4)


def test_centre_is_the_mean_of_untrained_embeddings_kept_from_zero():
    detector = fitted(steps=0, held_out=0.0)
    (member,) = detector.net_.members
    mean = member.encoder(detector.data_.encode(ROWS)).detach().mean(0)
    expected = [m if abs(m) >= 0.1 else 0.1 * np.sign(m) for m in mean.tolist()]
    np.testing.assert_allclose(member.ball.center, expected, rtol=1e-5)
    pushed = center_of(torch.tensor([[0.04, -0.06, 0.0, 0.5]]))
    torch.testing.assert_close(pushed, torch.tensor([0.1, -0.1, 0.0, 0.5]))


def test_with_all_outside_the_soft_boundary_is_the_one_class_loss():
    distances = torch.rand(50)
    torch.testing.assert_close(soft_boundary(distances, 1.0), distances)


@pytest.mark.parametrize("nu", [0.05, 0.2, 0.5])
def test_radius_is_the_best_there_is_and_leaves_nu_outside(nu):
    distances = torch.rand(1000, dtype=torch.float64)
    radius = radius_of(distances, nu)
    assert (distances > radius).double().mean() == pytest.approx(nu, abs=2e-3)

    def loss(r):
        return r + sum(max(0.0, d - r) for d in distances.tolist()) / (nu * len(distances))

    assert soft_boundary(distances, nu).mean().item() == pytest.approx(loss(radius.item()))
    grid = [loss(r) for r in np.linspace(0, 1, 300)]
    assert loss(radius.item()) <= min(grid) + 1e-9


def test_soft_scores_are_above_zero_for_a_share_nu_of_the_learned_items():
    detector = fitted(soft=True, nu=0.2, held_out=0.0)
    assert (detector.decision_scores_ > 0).mean() == pytest.approx(0.2, abs=0.01)


def test_only_items_outside_the_ball_pull_on_the_soft_network():
    distances = torch.rand(100, requires_grad=True)
    soft_boundary(distances, 0.1).mean().backward()
    outside = distances.detach() > radius_of(distances.detach(), 0.1)
    torch.testing.assert_close(distances.grad, outside.float() / (0.1 * 100))


@pytest.mark.parametrize(
    ("data", "items"),
    [
        (Tabular(), ROWS),
        (Series(layout="time-first"), np.random.default_rng(0).normal(size=(20, 16, 2))),
    ],
)
def test_no_encoder_keeps_a_bias(data, items):
    net = DeepSVDD().build(data.fit(items))
    assert [name for name, _ in net.named_parameters() if "bias" in name] == []
    blank = torch.zeros_like(data.encode(items)[:1])
    assert net.members[0].encoder(blank).abs().max() == 0


def test_with_biases_the_network_collapses_and_health_says_so():
    class Biased(DeepSVDD):
        def member(self, data):
            parts = super().member(data)
            parts.encoder = data.encoder(self.dim, bias=True)
            return parts

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        collapsed = Biased(**{**PLAIN, "steps": 1000, "lr": 1e-2}).fit(ROWS)
    items = collapsed.data_.encode(ROWS)
    (member,) = collapsed.net_.members
    assert collapsed.distances(member, items).mean() < 1e-3
    assert spread_of(member.encoder(items).detach()) < 1e-2
    kept = fitted(steps=300)
    assert spread_of(kept.net_.members[0].encoder(items).detach()) > 0.05
    assert any("embeddings vary" in str(w.message) for w in caught)


def test_biases_go_and_the_rest_stays():
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Conv1d(4, 2, 1))
    assert {name for name, _ in without_biases(net).named_parameters()} == {"0.weight", "2.weight"}


@pytest.mark.parametrize("wrong", [{"nu": 0.0}, {"nu": 1.5}, {"dim": 0}, {"nets": 0}])
def test_senseless_parameters_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        DeepSVDD(**wrong).fit(ROWS)
