"""One-class support vector machine."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sklearn.svm import OneClassSVM as Estimator
from torch import Tensor, nn

from askew.data import DataType
from askew.errors import InputError
from askew.methods.shallow import ShallowDetector
from askew.nets.parts import Parts


@dataclass(kw_only=True, eq=False, repr=False)
class OneClassSVM(ShallowDetector):
    """Outside a smooth boundary around most training items is strange.

    The score is minus the decision value of a one-class support vector machine with kernel
    ``exp(-gamma ||a - b||^2)``, ``gamma = 1 / (D Var)``. Fitted by scikit-learn.

    Parameters
    ----------
    nu: in (0, 1]: at most this share of training items lies outside, at least this share
        supports the boundary.
    most: training items learned from, whose number squared is the time taken.

    References
    ----------
    Schölkopf, Platt, Shawe-Taylor, Smola, Williamson. Estimating the support of a
    high-dimensional distribution. 2001.
    """

    nu: float = 0.5
    most: int = 5_000

    def build(self, data: DataType) -> Parts:
        """Return the features and an empty boundary."""
        return Parts(features=data.features(), boundary=Boundary())

    def learn_features(self, net: Parts, features: Tensor, generator: torch.Generator) -> None:
        """Let scikit-learn find the supporting items, and keep them."""
        model = Estimator(nu=self.nu, gamma="scale")
        # Unused, yet drawn from numpy's own generator where it is not given.
        model.random_state = self.seed % 2**32
        model.fit(features.cpu().numpy())
        net.boundary.supports = torch.as_tensor(model.support_vectors_).to(features)
        net.boundary.weights = torch.as_tensor(model.dual_coef_[0]).to(features)
        net.boundary.offset = torch.as_tensor(model.intercept_).to(features)
        net.boundary.gamma = torch.as_tensor([model._gamma]).to(features)

    def scores_of(self, net: Parts, features: Tensor) -> Tensor:
        """Return minus the decision value, ``(B,)``."""
        scores: Tensor = net.boundary(features)
        return scores

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        if not 0 < self.nu <= 1:
            raise InputError(f"nu={self.nu}: expected a share above 0 and up to 1.")


class Boundary(nn.Module):
    """A weighted sum of kernels around supporting items: ``(B, D) -> (B,)``, outside above 0."""

    supports: Tensor
    weights: Tensor
    offset: Tensor
    gamma: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("supports", torch.empty(0, 0))
        self.register_buffer("weights", torch.empty(0))
        self.register_buffer("offset", torch.zeros(1))
        self.register_buffer("gamma", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return how far outside each item lies."""
        kernel = torch.exp(-self.gamma * torch.cdist(x, self.supports).square())
        return -(kernel @ self.weights + self.offset)
