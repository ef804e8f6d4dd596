"""Features evened out by how they spread."""

import numpy as np
import pytest
import torch
from torch import nn

from askew import Images, NeuTraLAD, Tabular, Text
from askew.data.whitening import Whitening, measured, whitened
from askew.errors import InputError


def uneven(count=4000, columns=3):
    generator = np.random.default_rng(0)
    turned = np.linalg.qr(generator.normal(size=(columns, columns)))[0]
    return generator.normal(size=(count, columns)) * [9.0, 3.0, 1.0] @ turned + 5


@pytest.mark.parametrize("power", [0.3, 1.0])
def test_the_spread_that_is_left_is_a_power_of_what_it_was(power):
    features = uneven()
    whiten = Whitening.of(torch.from_numpy(features), power)
    matrix = whiten.matrix.numpy()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)
    after = np.cov(whiten(torch.from_numpy(features)).numpy(), rowvar=False)
    before = np.linalg.eigvalsh(np.cov(features, rowvar=False))
    expected = before[0] ** power * before ** (1 - power)  # the least one keeps its size
    np.testing.assert_allclose(np.linalg.eigvalsh(after), expected, rtol=0.05)


def test_features_are_centred_and_their_axes_stay():
    features = torch.from_numpy(np.random.default_rng(0).normal(size=(4000, 3)) * [9.0, 3.0, 1.0])
    whitened = Whitening.of(features + 5, 1.0)(features + 5)
    assert whitened.mean(0).abs().max() < 1e-5
    for axis in range(3):
        assert np.corrcoef(features[:, axis], whitened[:, axis])[0, 1] > 0.99


def test_more_features_than_items_stay_finite():
    features = np.random.default_rng(0).normal(size=(6, 50))
    whiten = Whitening.of(torch.from_numpy(np.hstack([features, np.zeros((6, 2))])), 1.0)
    assert torch.isfinite(whiten.matrix).all()
    assert torch.isfinite(whiten.mean).all()


def test_what_is_kept_makes_it_again():
    features = torch.from_numpy(uneven())
    whiten = Whitening.of(features, 1.0)
    torch.testing.assert_close(Whitening(**whiten.kept())(features), whiten(features))


class Toy(Tabular):
    """Rows whose distances are whitened, as those of features of images are."""

    def features(self):
        return whitened(nn.Identity(), self.whitened_)

    def fit(self, X):
        super().fit(X)
        self.whitened_ = measured(nn.Identity(), self.encode(X), 1.0)
        return self

    def features_from(self, items):
        return whitened(nn.Identity(), measured(nn.Identity(), items, 1.0))


def test_alarms_stay_near_the_rate_with_more_features_than_items():
    """Held-out items must not be near because they helped to measure the spread."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(150, 150)) * np.linspace(0.05, 1.0, 150)
    train, new = (generator.normal(size=(n, 150)) @ mixing for n in (120, 400))
    data = Toy(scaling="none")
    detector = NeuTraLAD(data=data, steps=1, dim=4, views=2).fit(train)
    assert np.mean(detector.p_values(new) <= 0.2) < 0.3


@pytest.mark.parametrize("made", [Text, Images])
def test_a_power_beyond_full_whitening_is_refused(made):
    with pytest.raises(InputError, match=r"whitening=1\.5"):
        made(whitening=1.5).fit(["one text", "another"])
