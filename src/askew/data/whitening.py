"""Even out in which directions features differ, so that what items have in common counts."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf
from torch import Tensor, nn

from askew.data.entries import Batch
from askew.errors import InputError

Floats = NDArray[np.float64]

MEASURED = 2000
"""Items, evenly spaced, from which a covariance is learned; more change little."""


class Whitening(nn.Module):
    """Features less their mean, divided by how much they differ in each direction.

    Pretrained networks describe an item by hundreds of numbers that vary together. A distance then
    mostly sees the few directions in which all items differ anyway, and hardly those in which the
    training items agree. With C the covariance, shrunk as by Ledoit and Wolf because there are
    seldom more items than numbers, and c its smallest eigenvalue, features are multiplied by
    ``(C / c) ** (-power / 2)``: axes keep their meaning, and the direction in which items differ
    least its size, however many items were measured.

    Parameters
    ----------
    mean, matrix: what is subtracted, ``(D,)``, and what then multiplies, ``(D, D)``; they are kept
        with the data type, not among the weights.

    Shapes
    ------
    ``(B, D) -> (B, D)``

    Sources: Ledoit and Wolf, J. Multivariate Analysis 88, 2004; Rippel, Mertens, Merhof, Modeling
    the distribution of normal data in pre-trained deep features, ICPR 2021.

    Example
    -------
    >>> wide = np.random.default_rng(0).normal(size=(5000, 2)) * [10.0, 1.0]
    >>> whiten = Whitening.of(torch.from_numpy(wide), power=1.0)
    >>> whiten(torch.from_numpy(wide)).std(0).round(decimals=1).tolist()
    [1.0, 1.0]
    """

    mean: Tensor
    matrix: Tensor

    def __init__(self, mean: NDArray[np.floating], matrix: NDArray[np.floating]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean).double(), persistent=False)
        self.register_buffer("matrix", torch.from_numpy(matrix).double(), persistent=False)

    @classmethod
    def of(cls, features: Tensor, power: float) -> Self:
        """Measure features ``(n, D)``; power 1 whitens fully, 0 not at all."""
        numbers: Floats = features.double().cpu().numpy()
        covariance, _ = ledoit_wolf(numbers)
        values, vectors = np.linalg.eigh(covariance)
        values = np.maximum(values, 1e-6 * values.max() + 1e-12)
        matrix = (vectors * (values / values[0]) ** (-power / 2)) @ vectors.T
        return cls(numbers.mean(0).astype(np.float32), matrix.astype(np.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Return whitened features."""
        # In double precision, so that what is rounded does not depend on the batch.
        whitened: Tensor = ((x.double() - self.mean) @ self.matrix).to(x.dtype)
        return whitened

    def kept(self) -> Kept:
        """Return what the constructor takes."""
        return {name: value.float().cpu().numpy() for name, value in self.named_buffers()}


Kept = dict[str, NDArray[np.float32]]
"""What `Whitening` takes, as a data type keeps it; nothing where features are not whitened."""


@torch.no_grad()
def measured(features: nn.Module, items: Batch, power: float) -> Kept:
    """Measure how features of encoded items spread; nothing at power 0."""
    if power == 0:
        return {}
    some = items[evenly_spaced(len(items))]
    return Whitening.of(features.to(some.device)(some), power).kept()


def whitened(features: nn.Module, kept: Kept) -> nn.Module:
    """Return features followed by a `Whitening`, where something was measured for one."""
    return nn.Sequential(features, Whitening(**kept)) if kept else features


def check_whitening(owner: str, power: float) -> None:
    """Raise `InputError` where a data type was given a power outside [0, 1]."""
    if not 0 <= power <= 1:
        raise InputError(
            f"{owner}(whitening={power}) is impossible: choose 0 (features as they are) to 1."
        )


def evenly_spaced(count: int) -> NDArray[np.intp]:
    """Return at most `MEASURED` positions among so many items, first and last included.

    Example
    -------
    >>> evenly_spaced(3), len(evenly_spaced(1_000_000))
    (array([0, 1, 2]), 2000)
    """
    return np.unique(np.linspace(0, count - 1, MEASURED).astype(np.intp))
