"""Features evened out by how they spread."""

import numpy as np
import pytest

from askew import Images, Text
from askew.data.whitening import whitening
from askew.errors import InputError


def uneven(count=4000, columns=3):
    generator = np.random.default_rng(0)
    turned = np.linalg.qr(generator.normal(size=(columns, columns)))[0]
    return generator.normal(size=(count, columns)) * [9.0, 3.0, 1.0] @ turned + 5


def test_fully_whitened_features_spread_alike():
    features = uneven()
    mean, matrix = whitening(features, 1.0)
    np.testing.assert_allclose(mean, features.mean(0))
    np.testing.assert_allclose(
        np.cov((features - mean) @ matrix.T, rowvar=False), np.eye(3), atol=0.05
    )


@pytest.mark.parametrize("power", [0.0, 0.3, 1.0])
def test_the_spread_that_is_left_is_a_power_of_what_it_was(power):
    features = uneven()
    matrix = whitening(features, power)[1]
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    before = np.linalg.eigvalsh(np.cov(features, rowvar=False))
    after = np.linalg.eigvalsh(np.cov(features @ matrix, rowvar=False))
    np.testing.assert_allclose(np.sort(after), np.sort(before ** (1 - power)), rtol=0.05)


def test_more_features_than_items_stay_finite():
    features = np.random.default_rng(0).normal(size=(6, 50))
    mean, matrix = whitening(np.hstack([features, np.zeros((6, 2))]), 1.0)
    assert np.isfinite(matrix).all() and np.isfinite(mean).all()


@pytest.mark.parametrize("made", [Text, Images])
def test_a_power_beyond_full_whitening_is_refused(made):
    with pytest.raises(InputError, match=r"whitening=1\.5"):
        made(whitening=1.5).fit(["one text", "another"])
