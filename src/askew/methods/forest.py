"""Isolation forest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest as Estimator
from torch import Tensor, nn

from askew.data import DataType
from askew.methods.shallow import ShallowDetector
from askew.nets.parts import Parts
from askew.parameters import check_least


@dataclass(kw_only=True, eq=False, repr=False)
class IsolationForest(ShallowDetector):
    """What a few random cuts can separate is strange.

    Random trees cut random features at random values; the score is ``2^(-E h / c)``, with ``E h``
    the mean number of cuts that isolate an item and ``c`` what to expect of any; 0.5 is
    unremarkable. Fitted by scikit-learn.

    Parameters
    ----------
    trees: number of trees.
    sample: training items a tree sees.
    most: training items learned from; a random choice where there are more.

    References
    ----------
    Liu, Ting, Zhou. Isolation forest. ICDM 2008.
    """

    trees: int = 100
    sample: int = 256

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        check_least(self, 1, "trees")
        check_least(self, 2, "sample")

    def build(self, data: DataType) -> Parts:
        """Return the features and an empty forest."""
        return Parts(features=data.features(), forest=Forest())

    def learn_features(self, net: Parts, features: Tensor, generator: torch.Generator) -> None:
        """Let scikit-learn grow the trees, and keep them as arrays."""
        model = Estimator(
            n_estimators=self.trees,
            max_samples=min(self.sample, len(features)),
            random_state=self.seed % 2**32,  # what numpy takes
        ).fit(features.float().cpu().numpy())
        net.forest.keep(model)

    def scores_of(self, net: Parts, features: Tensor) -> Tensor:
        """Return ``2^(-E h / c)``, ``(B,)``."""
        scores: Tensor = net.forest(features)
        return scores


def expected_cuts(count: NDArray[Any]) -> NDArray[Any]:
    """Return the mean number of cuts that isolate one of ``count`` items, c(n).

    Example
    -------
    >>> expected_cuts(np.array([1, 2, 256])).round(4)
    array([ 0.    ,  1.    , 10.2448])
    """
    many = np.maximum(count, 3)
    value = 2 * (np.log(many - 1) + np.euler_gamma) - 2 * (many - 1) / many
    return np.where(count <= 1, 0.0, np.where(count == 2, 1.0, value))


class Forest(nn.Module):
    """Trees as arrays ``(T, N)``, walked down by all items and trees together.

    Shapes
    ------
    ``(B, D) -> (B,)``
    """

    feature: Tensor
    cut: Tensor
    below: Tensor
    above: Tensor
    path: Tensor
    expected: Tensor
    levels: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("feature", "cut", "below", "above", "path", "expected", "levels"):
            self.register_buffer(name, torch.empty(0))

    def keep(self, model: Estimator) -> None:
        """Take over the trees of a fitted estimator; a leaf leads to itself."""
        trees = [estimator.tree_ for estimator in model.estimators_]
        size = max(tree.node_count for tree in trees)
        itself = np.arange(size)

        def padded(values: NDArray[Any], rest: Any = 0) -> NDArray[Any]:
            return np.concatenate([values, np.broadcast_to(rest, size)[len(values) :]])

        leaves = [padded(tree.children_left, -1) < 0 for tree in trees]
        columns = [
            np.take(subset, np.maximum(padded(tree.feature), 0))
            for tree, subset in zip(trees, model.estimators_features_, strict=True)
        ]
        pairs = list(zip(trees, leaves, strict=True))
        self.feature = torch.as_tensor(np.stack(columns)).long()
        self.cut = torch.as_tensor(np.stack([padded(tree.threshold) for tree in trees]))
        below = [np.where(leaf, itself, padded(t.children_left)) for t, leaf in pairs]
        above = [np.where(leaf, itself, padded(t.children_right)) for t, leaf in pairs]
        self.below = torch.as_tensor(np.stack(below)).long()
        self.above = torch.as_tensor(np.stack(above)).long()
        self.path = torch.as_tensor(np.stack([padded(cuts_at(tree)) for tree in trees]))
        self.expected = torch.as_tensor(expected_cuts(np.array([model.max_samples_])))
        self.levels = torch.as_tensor([max(tree.max_depth for tree in trees)])

    def forward(self, x: Tensor) -> Tensor:
        """Return ``2^(-E h / c)``."""
        x = x.float().double()  # scikit-learn cuts in single precision
        trees = torch.arange(len(self.feature), device=x.device)
        node = torch.zeros(len(x), len(trees), dtype=torch.long, device=x.device)
        for _ in range(int(self.levels)):
            left = x.gather(1, self.feature[trees, node]) <= self.cut[trees, node]
            node = torch.where(left, self.below[trees, node], self.above[trees, node])
        return torch.exp2(-self.path[trees, node].mean(1) / self.expected)


def cuts_at(tree: Any) -> NDArray[Any]:
    """Return for each node of a tree its depth plus the cuts still expected among its items."""
    depth = np.zeros(tree.node_count)
    for node, (left, right) in enumerate(zip(tree.children_left, tree.children_right, strict=True)):
        if left >= 0:
            depth[[left, right]] = depth[node] + 1
    cuts: NDArray[np.float64] = depth + expected_cuts(tree.n_node_samples)
    return cuts
