"""The tensors of the shallow methods against scikit-learn's own scores."""

import numpy as np
import pytest
import torch
from sklearn import ensemble, neighbors, svm

from askew import KNN, LOF, InputError, IsolationForest, OneClassSVM, Tabular
from askew.methods.forest import expected_cuts

RAW = Tabular(scaling="none")
GENERATOR = np.random.default_rng(0)
TRAIN = GENERATOR.normal(size=(300, 5)).astype(np.float32)
TEST = GENERATOR.normal(scale=2, size=(100, 5)).astype(np.float32)


def test_knn_is_the_distance_to_the_kth_neighbour():
    model = neighbors.NearestNeighbors(n_neighbors=5).fit(TRAIN)
    expected = model.kneighbors(TEST)[0][:, -1]
    found = KNN(data=RAW, held_out=0.0).fit(TRAIN).decision_function(TEST)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_lof_is_that_of_scikit_learn():
    model = neighbors.LocalOutlierFactor(n_neighbors=20, novelty=True).fit(TRAIN)
    found = LOF(data=RAW, held_out=0.0).fit(TRAIN).decision_function(TEST)
    np.testing.assert_allclose(found, -model.score_samples(TEST), rtol=1e-5)


def test_lof_with_duplicates_stays_finite():
    detector = LOF(data=RAW, held_out=0.0).fit(np.repeat(TRAIN[:3], 50, axis=0))
    assert np.isfinite(detector.decision_function(TEST)).all()


def test_forest_is_that_of_scikit_learn():
    model = ensemble.IsolationForest(random_state=0, max_samples=256).fit(TRAIN)
    found = IsolationForest(data=RAW, held_out=0.0).fit(TRAIN).decision_function(TEST)
    np.testing.assert_allclose(found, -model.score_samples(TEST), rtol=1e-9)


def test_forest_isolates_one_far_point_first():
    grid = np.linspace(0, 1, 100)[:, None]
    scores = IsolationForest(data=RAW, held_out=0.0).fit(grid).decision_function([[0.5], [9.0]])
    assert scores[1] > scores[0]


def test_expected_cuts_of_few_items():
    assert expected_cuts(np.array([0, 1, 2])).tolist() == [0, 0, 1]


@pytest.mark.parametrize("nu", [0.1, 0.5])
def test_one_class_svm_is_that_of_scikit_learn(nu):
    model = svm.OneClassSVM(nu=nu, gamma="scale").fit(TRAIN)
    found = OneClassSVM(data=RAW, nu=nu, held_out=0.0).fit(TRAIN).decision_function(TEST)
    np.testing.assert_allclose(found, -model.decision_function(TEST), rtol=1e-5, atol=1e-8)


def test_nothing_of_scikit_learn_is_kept_in_a_fitted_detector():
    detector = IsolationForest().fit(TRAIN)
    tensors = detector.net_.state_dict().values()
    assert all(isinstance(tensor, torch.Tensor) for tensor in tensors)
    assert "sklearn" not in str([type(value) for value in vars(detector.net_.forest).values()])


@pytest.mark.parametrize("method", [IsolationForest, OneClassSVM])
def test_large_seeds_are_taken(method):
    assert np.isfinite(method(seed=5_000_000_000).fit(TRAIN).decision_scores_).all()


def test_a_tree_needs_two_items():
    with pytest.raises(InputError, match="sample=1 is too small: expected at least 2"):
        IsolationForest(sample=1).fit(TRAIN)
