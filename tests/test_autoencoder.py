"""The autoencoder against closed forms, and what a type's error and pool must do."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.linalg import subspace_angles

from askew import AutoEncoder, InputError, Series, Tabular
from askew.metrics import auroc

GENERATOR = np.random.default_rng(0)
MIXED = (
    GENERATOR.normal(size=(500, 5)) @ np.diag([3, 2, 1, 0.5, 0.3]) @ GENERATOR.normal(size=(5, 5))
)
CENTRED = MIXED - MIXED.mean(0)
LINEAR = {
    "data": Tabular(scaling="none", layers=1),
    "bias": False,
    "nets": 1,
    "held_out": 0.0,
    "batch_size": 500,
    "batches": 1,
    "steps": 1500,
    "lr": 2e-2,
}


def fitted(X, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return AutoEncoder(**parameters).fit(X)


def series(count=40, length=16, seed=0):
    generator = np.random.default_rng(seed)
    steps = np.linspace(0, 5, length)[None, :, None] + generator.random((count, 1, 1))
    return np.concatenate([np.sin(steps), np.cos(steps)], 2) + 0.05 * generator.normal(
        size=(count, length, 2)
    )


def test_linear_autoencoder_finds_the_principal_subspace():
    detector = fitted(CENTRED, dim=2, **LINEAR)
    values, vectors = np.linalg.eigh(CENTRED.T @ CENTRED / len(CENTRED))
    error = detector.decision_scores_.mean() * 5  # the mean over columns, as a sum
    assert error == pytest.approx(values[:3].sum(), rel=1e-2)
    decoder = detector.net_.members[0].decoder[0][0].weight.detach().numpy()
    assert np.degrees(subspace_angles(decoder, vectors[:, -2:])).max() < 3


def test_linear_denoising_autoencoder_shrinks_like_ridge_regression():
    sigma = 1.0
    detector = fitted(CENTRED, dim=5, noise=sigma, **LINEAR)
    covariance = CENTRED.T @ CENTRED / len(CENTRED)
    expected = covariance @ np.linalg.inv(covariance + sigma**2 * np.eye(5))
    member = detector.net_.members[0]
    found = member.decoder[0][0].weight @ member.encoder[0].weight
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=0.12)


def test_as_wide_as_the_items_restores_everything_and_sees_nothing():
    detector = fitted(CENTRED, dim=5, **LINEAR)
    assert detector.decision_scores_.mean() < 5e-3 * CENTRED.var(0).mean()


def test_noise_of_size_zero_is_the_plain_autoencoder():
    plain, denoising = (fitted(MIXED, steps=40, noise=n).decision_scores_ for n in (0.0, 0.0))
    np.testing.assert_array_equal(plain, denoising)
    assert np.abs(fitted(MIXED, steps=40, noise=0.5).decision_scores_ - plain).max() > 1e-6


def test_scores_are_of_the_clean_item():
    detector = fitted(MIXED, steps=40, noise=0.5)
    once, twice = (detector.decision_function(MIXED) for _ in range(2))
    np.testing.assert_array_equal(once, twice)


@pytest.mark.parametrize(
    ("data", "X"), [(Tabular(), MIXED), (Series(layout="time-first"), series())]
)
def test_points_pooled_are_the_scores(data, X):
    detector = fitted(X, steps=20, data=data)
    points = detector.decision_points(X)
    assert points.shape == X.shape
    assert (points >= 0).all()
    np.testing.assert_allclose(points.reshape(len(X), -1).mean(1), detector.decision_scores_, 1e-5)


def test_training_beats_the_untrained_network():
    curves, strange = series(60), series(60, seed=1)[:, ::-1]
    both, labels = np.concatenate([series(60, seed=2), strange]), np.repeat([0, 1], 60)
    data = Series(layout="time-first")
    trained = auroc(labels, fitted(curves, data=data).decision_function(both))
    untrained = auroc(labels, fitted(curves, data=data, steps=0).decision_function(both))
    assert trained > 0.9
    assert trained > untrained


def test_points_find_the_spoiled_step_and_channel():
    detector = fitted(series(80), data=Series(layout="time-first"), steps=600)
    strange = series(10, seed=1)
    strange[:, 7, 1] += 3
    for points in detector.decision_points(strange):
        assert np.unravel_index(points.argmax(), points.shape) == (7, 1)


def test_padding_has_no_say_in_the_error_of_a_series():
    uneven = [item[: 10 + i % 7] for i, item in enumerate(series())]
    data = Series(layout="time-first").fit(uneven)
    x = data.encode(uneven)
    restored = torch.randn_like(x)
    points = data.error(x, restored)
    naive = [
        np.mean([(x[i, c, t] - restored[i, c, t]) ** 2 for t in range(len(s)) for c in range(2)])
        for i, s in enumerate(uneven)
    ]
    np.testing.assert_allclose(data.pool(points, x), naive, rtol=1e-4)
    assert (points[0, 10:] == 0).all()
    largest = data.pool(-1 - points, x, "max")  # padding would be -1
    assert (largest < -1).all()
    torch.testing.assert_close(data.pool(points[..., 0], x, "max"), points[..., 0].amax(1))


def test_affine_leaves_padding_and_presence_as_they_are():
    uneven = [item[: 10 + i % 7] for i, item in enumerate(series())]
    data = Series(layout="time-first").fit(uneven)
    x = data.encode(uneven)
    moved = data.affine(x, torch.full_like(x, 2.0), torch.ones_like(x))
    torch.testing.assert_close(moved[:, 2], x[:, 2])
    assert (moved[0, :2, 10:] == 0).all()
    torch.testing.assert_close(moved[0, :2, :10], 2 * x[0, :2, :10] + 1)
    same = data.affine(x, torch.ones_like(x), torch.zeros_like(x))
    assert torch.equal(same, x)


def test_errors_of_a_table_are_told_by_raw_column():
    table = pd.DataFrame({"size": GENERATOR.normal(size=50), "kind": ["a", "b"] * 25})
    data = Tabular().fit(table)
    x = data.encode(table)
    restored = torch.randn_like(x)
    squared = (x - restored).square()
    naive = [
        [sum(squared[i, j] for j in range(x.shape[1]) if data.owners_[j] == c) for c in range(2)]
        for i in range(50)
    ]
    torch.testing.assert_close(data.error(x, restored), torch.tensor(naive))


@pytest.mark.parametrize(
    ("data", "X"), [(Tabular(), MIXED), (Series(layout="time-first"), series())]
)
@pytest.mark.parametrize("bias", [True, False])
def test_decoders_make_items_and_every_weight_gets_a_gradient(data, X, bias):
    x = data.fit(X).encode(X)
    decoder = data.decoder(6, outputs=2, bias=bias)
    made = decoder(torch.randn(len(x), 6), x)
    assert made.shape == (len(x), 2, *x.shape[1:])
    made.square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in decoder.parameters())
    if not bias:
        assert decoder(torch.zeros(1, 6), x[:1]).abs().max() == 0


def test_health_asks_for_more_than_the_mean():
    with pytest.warns(UserWarning, match="restores more than the mean"):
        detector = AutoEncoder(steps=0).fit(GENERATOR.normal(size=(200, 20)))
    assert "restores more than the mean" in {check["name"] for check in detector.health_}


def test_a_type_without_a_decoder_is_refused_before_anything_is_learned():
    class Undecodable(Tabular):
        lacks = {"decoder": "no decoder: a table of riddles"}  # noqa: RUF012

    with pytest.raises(InputError, match=r"does not take Undecodable .*riddles"):
        AutoEncoder(data=Undecodable()).fit(MIXED)
    assert AutoEncoder().refusal(Undecodable).startswith("no decoder")
    assert AutoEncoder().refusal(Tabular) == ""


@pytest.mark.parametrize("wrong", [{"dim": 0}, {"noise": -1.0}, {"noise": float("nan")}])
def test_senseless_parameters_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        AutoEncoder(**wrong).fit(MIXED)
