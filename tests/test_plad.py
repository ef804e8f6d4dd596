"""PLAD against its formulas, and what its perturbations must do."""

import math
import warnings

import networkx
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_transformer import texts, tiny_transformer

from askew import PLAD, Graphs, Images, InputError, Series, Tabular, Text
from askew.methods.plad import Sampled, divergence, one_sided
from askew.metrics import auroc
from askew.nets.parts import Decoder

STANDARD = Tabular(scaling="standard")
ROWS = np.random.default_rng(0).normal(size=(300, 4))


def fitted(X, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PLAD(**{"data": STANDARD, **parameters}).fit(X)


def untrained(X=ROWS, **parameters):
    """A detector whose networks have not moved, its first network, and encoded items."""
    detector = fitted(X, **{"steps": 0, "nets": 1, "held_out": 0.0, "random": 0.0, **parameters})
    return detector, detector.net_.members[0].train(), detector.data_.encode(X)


def silence(member):
    """Make a perturbator answer 0: scales of 1 and no shifts."""
    for weight in member.perturbator.parameters():
        weight.data.zero_()


# The formulas.


def test_divergence_of_known_distributions():
    assert divergence(torch.zeros(1, 3), torch.zeros(1, 3)).item() == 0
    assert divergence(torch.tensor([[1.0, 0.0]]), torch.zeros(1, 2)).item() == pytest.approx(0.5)
    wide = divergence(torch.zeros(1, 1), torch.ones(1, 1)).item()
    assert wide == pytest.approx((math.e - 2) / 2, abs=1e-6)


def test_what_an_untrained_encoder_says_of_large_items_stays_finite():
    wide = torch.tensor([[9.0], [11.0], [300.0]], requires_grad=True)
    found = divergence(torch.zeros(3, 1), wide)
    assert found.isfinite().all()
    assert found[0].item() == pytest.approx((math.exp(9) - 10) / 2, rel=1e-6)
    assert (found.diff() > 0).all()
    found.sum().backward()
    assert (wide.grad > 0).all()  # all are drawn back

    class Far(torch.nn.Module):
        def forward(self, x):
            return torch.full((len(x), 4), 300.0)

    detector, member, x = untrained(latent=2)
    member.perturbator.encoder = Far()
    assert detector.member_losses(member, x).isfinite().all()


def test_the_penalty_of_doubling_is_its_weight():
    class Doubled(torch.nn.Module):
        def forward(self, x):
            return torch.ones_like(x), torch.zeros_like(x), x.new_zeros(len(x))

    found = []
    for strength in (0.0, 0.3):
        detector, member, x = untrained(strength=strength, surround=False)
        member.perturbator = Doubled()
        found.append(detector.member_losses(member, x))
    torch.testing.assert_close(found[1] - found[0], torch.full((len(x),), 0.3))


@pytest.mark.parametrize("latent", [0, 4])
def test_without_displacement_items_stay_bit_by_bit_and_the_loss_is_two_log_two(latent):
    detector, member, x = untrained(latent=latent)
    silence(member)
    scale, shift, diverged = member.perturbator(x)
    assert torch.equal(detector.perturbed(x, scale, shift), x)
    for weight in member.classifier[0][-1].parameters():
        weight.data.zero_()
    losses = detector.member_losses(member, x)
    torch.testing.assert_close(losses, torch.full_like(losses, 2 * math.log(2)) + diverged)
    losses.mean().backward()
    assert all(w.grad.abs().max() < 1e-7 for w in member.classifier.parameters())


def test_the_loss_is_the_papers_written_with_loops():
    detector, member, x = untrained(latent=0, surround=False, strength=0.3)
    (a, b) = member.perturbator.networks.networks(x)
    f = member.classifier
    naive = []
    for i in range(len(x)):
        moved = torch.stack([x[i, j] * (1 + a[i, j]) + b[i, j] for j in range(x.shape[1])])
        normal, perturbed = torch.sigmoid(f(x[i : i + 1])), torch.sigmoid(f(moved[None]))
        squares = sum(a[i, j] ** 2 + b[i, j] ** 2 for j in range(x.shape[1]))
        naive.append(-(1 - normal).log() - perturbed.log() + 0.3 / x.shape[1] * squares)
    torch.testing.assert_close(detector.member_losses(member, x), torch.cat(naive))


def test_without_spread_the_sampled_perturbator_is_its_decoder_of_the_means():
    class Means(torch.nn.Module):
        def forward(self, x):
            return torch.cat([x[:, :2], torch.full_like(x[:, :2], -200.0)], dim=1)

    decoder = Decoder(torch.nn.Linear(2, 8), torch.nn.Unflatten(1, (2, 4)))
    x = torch.randn(6, 4)
    scale, shift, _ = Sampled(encoder=Means(), decoder=decoder)(x)
    torch.testing.assert_close(torch.stack([scale, shift], 1), decoder(x[:, :2], x))


def test_random_displacements_lie_on_all_sides_near_and_far():
    detector, _, x = untrained()
    moved = torch.cat([detector.data_.stray(x) for _ in range(20)]).double()
    assert one_sided(moved) < 0.1
    lengths = moved.norm(dim=1) / x.norm(dim=1).mean()
    assert lengths.quantile(0.1) < 0.5
    assert lengths.quantile(0.9) > 2


def test_random_displacements_follow_what_items_differ_in():
    narrow = np.random.default_rng(0).normal(size=(300, 1)) * np.ones(4)
    detector, _, x = untrained(narrow)
    torch.manual_seed(0)
    moved = torch.cat([detector.data_.stray(x) for _ in range(5)])
    together = moved.std(dim=1) < 1e-3 * moved.abs().amax(dim=1)
    assert together.float().mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("kind", ["table", "series"])
def test_signs_are_ones_and_minus_ones_in_equal_shares(kind):
    generator = np.random.default_rng(0)
    if kind == "table":
        data = Tabular()
        x = data.fit(ROWS).encode(ROWS)
        signs = data.signs(x)
        assert torch.equal(signs[:, :4], signs[:, 4:])  # both copies of a number move together
    else:
        data = Series(layout="time-first")
        X = generator.normal(size=(400, 12, 2))
        x = data.fit(X).encode(X)
        signs = data.signs(x)
        changes = (signs[..., 1:] != signs[..., :-1]).float().mean((1, 2))
        assert changes.min() == 0
        assert changes.max() > 0.3
    assert signs.shape == x.shape
    assert set(signs.unique().tolist()) == {-1, 1}
    assert abs(signs.float().mean()) < 0.1


# Who learns what.


@pytest.mark.parametrize("latent", [0, 4])
@pytest.mark.parametrize("kind", ["table", "series", "graphs", "texts"])
def test_gradients_reach_perturbator_and_classifier(kind, latent):
    X, data = ROWS, STANDARD
    if kind == "texts":
        X, data = list(texts(0, 40)), Text(model=tiny_transformer(), length=16)
    if kind == "graphs":
        X, data = [networkx.erdos_renyi_graph(9, 0.3, seed=i) for i in range(40)], Graphs()
    if kind == "series":
        X = np.random.default_rng(0).normal(size=(40, 12, 2))
        data = Series(layout="time-first")
    detector, member, x = untrained(X, latent=latent, data=data, random=0.5)
    detector.member_losses(member, x).mean().backward()
    silent = [n for n, w in member.named_parameters() if not w.grad.abs().sum() > 0]
    assert [name for name in silent if not name.endswith("bias")] == []


def test_the_perturbator_helps_the_classifier():
    """With no penalty it moves items to where they are told more easily, step by step."""
    detector, member, x = untrained(latent=0, surround=False, strength=0.0)
    optimizer = torch.optim.SGD(member.perturbator.parameters(), lr=0.05)
    told = []
    for _ in range(30):
        scale, shift, _ = member.perturbator(x)
        loss = F.softplus(-member.classifier(detector.perturbed(x, scale, shift))).mean()
        told.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (np.diff(told) < 0).all()


def test_dearer_displacements_are_smaller():
    sizes = []
    for strength in (0.02, 0.1, 0.5, 2.5):
        detector = fitted(ROWS, strength=strength, nets=1, random=0.0)
        member, x = detector.net_.members[0], detector.data_.encode(ROWS)
        with torch.no_grad():
            scale, shift, _ = member.perturbator(x)
            sizes.append((detector.perturbed(x, scale, shift) - x).norm(dim=1).mean().item())
    assert (np.diff(sizes) < 0).all()


# What the score sees.


def test_the_boundary_encloses_a_normal_distribution():
    generator = np.random.default_rng(0)
    detector = fitted(generator.normal(size=(2000, 1)))
    inside = generator.normal(size=500).clip(-3, 3)
    outside = np.concatenate([np.linspace(-8, -4, 100), np.linspace(4, 8, 100)])
    scores = detector.decision_function(np.concatenate([inside, outside])[:, None])
    assert auroc(np.repeat([0, 1], [500, 200]), scores) > 0.98


def test_the_centre_of_a_ring_is_stranger_than_the_ring():
    generator = np.random.default_rng(0)
    angle = generator.uniform(0, 2 * np.pi, size=1000)
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * 3
    ring += 0.1 * generator.normal(size=ring.shape)
    scores = fitted(ring, steps=600).decision_function
    assert scores([[0.0, 0.0]])[0] > np.quantile(scores(ring), 0.95)


def test_the_score_ignores_the_perturbator_and_chance():
    detector = fitted(ROWS, steps=30)
    before = detector.decision_function(ROWS)
    for member in detector.net_.members:
        for weight in member.perturbator.parameters():
            weight.data.normal_()
    np.testing.assert_array_equal(detector.decision_function(ROWS), before)


def test_every_seed_gives_the_same_answer():
    generator = np.random.default_rng(1)
    fresh, strange = generator.normal(size=(200, 4)), 3 * generator.normal(size=(200, 4))
    both = np.concatenate([fresh, strange])
    found = [fitted(ROWS, seed=s).decision_function(both) for s in range(4)]
    assert min(auroc(np.repeat([0, 1], 200), scores) for scores in found) > 0.8
    agreement = np.corrcoef(np.argsort(np.argsort(found, axis=1), axis=1))
    assert agreement.min() > 0.8


# Health.


def test_health_says_when_nothing_is_displaced():
    with pytest.warns(UserWarning, match="tells perturbed items"):
        PLAD(data=STANDARD, strength=1000.0).fit(ROWS)


def test_health_says_when_all_are_moved_to_one_side():
    with pytest.warns(UserWarning, match="perturbed on all sides"):
        PLAD(data=STANDARD, surround=False, random=0.0, strength=0.1, lr=2e-3, nets=1).fit(ROWS)
    sound = {check["name"]: check["passed"] for check in fitted(ROWS).health_}
    assert sound["perturbed on all sides"]
    assert sound["tells perturbed items"]


def test_one_side_is_told_from_all_sides():
    shift = torch.ones(100, 3)
    assert one_sided(shift) == pytest.approx(1)
    assert one_sided(shift * (torch.arange(100) % 2 * 2 - 1)[:, None]) == pytest.approx(0)
    assert one_sided(torch.zeros(5, 2)) == 0


@pytest.mark.parametrize(
    "wrong", [{"strength": -1.0}, {"latent": -1}, {"divergence": -0.1}, {"random": 1.5}]
)
def test_senseless_parameters_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        PLAD(**wrong).fit(ROWS)


def test_images_are_moved_smoothly():
    """Neighbouring pixels move alike, distant ones not, and an image's noise is its own."""
    torch.manual_seed(0)
    data = Images().fit(np.random.default_rng(0).random((20, 28, 28)))
    drawn = data.scatter(torch.randn(2000, 1, 28, 28))
    assert abs(float(drawn.mean())) < 0.05
    beside = (drawn[..., 1:] * drawn[..., :-1]).mean() / drawn.square().mean()
    across = (drawn[..., 0, 0] * drawn[..., 27, 27]).mean() / drawn.square().mean()
    assert float(beside) > 0.8
    assert float(across) < 0.4
    two = torch.stack([drawn[::2].flatten(), drawn[1::2].flatten()])
    assert abs(float(torch.corrcoef(two)[0, 1])) < 0.1
    assert set(data.signs(torch.zeros(50, 1, 28, 28)).unique().tolist()) == {-1, 1}
