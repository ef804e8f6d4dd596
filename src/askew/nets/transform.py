"""Learned transformations: K ways of altering an item, each with weights of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from askew.errors import InputError
from askew.nets.mlp import StackedMLP
from askew.nets.parts import Parts

KINDS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "forward": lambda x, m: m,
    "residual": lambda x, m: x + m,
    "bounded": lambda x, m: x + torch.tanh(m),
    "multiplicative": lambda x, m: x * torch.sigmoid(m),
}
"""How a network's output ``m`` alters an item ``x``, by the name of the kind of view."""


class Transform(nn.Module, ABC):
    """K learned ways of altering an item.

    With ``M_k`` the k-th network, a view is ``M_k(x)`` (forward), ``x + M_k(x)`` (residual),
    ``x + tanh(M_k(x))`` (bounded) or ``sigmoid(M_k(x)) * x`` (multiplicative).

    Weights start at random, never at zero: views equal to the item are a stationary point of the
    contrastive loss, so such a network would not train.

    Source: Qiu et al., ICML 2021; the bounded kind is ours.
    """

    def __init__(self, views: int, kind: str) -> None:
        if kind not in KINDS:
            raise InputError(
                f"kind={kind!r} is not a kind of view: choose one of {', '.join(KINDS)}."
            )
        super().__init__()
        self.views, self.kind = views, kind

    def forward(self, x: Tensor) -> Tensor:
        """Return the views ``(K * B, ...)``, one view of all items after the other."""
        alter = KINDS[self.kind]
        return alter(x.unsqueeze(0), self.networks(x)).flatten(0, 1)

    def masks(self, x: Tensor) -> Tensor:
        """Return what each view does to each entry, ``(B, K, ...)``.

        The mask itself for multiplicative views; the displacement ``view - x`` for the others.
        """
        if self.kind == "multiplicative":
            return torch.sigmoid(self.networks(x)).transpose(0, 1)
        moved: Tensor = self(x).unflatten(0, (self.views, -1)) - x.unsqueeze(0)
        return moved.transpose(0, 1)

    @abstractmethod
    def networks(self, x: Tensor) -> Tensor:
        """Return the outputs ``M_k(x)`` of all networks, ``(K, B, ...)``."""


class Embedding(Parts):
    """Items and their learned views through one encoder, each item before its views.

    Shapes
    ------
    ``(B, ...) -> (B, 1 + K, D)``
    """

    def forward(self, x: Tensor) -> Tensor:
        together = self.encoder(torch.cat([x, self.transform(x)]))
        each: Tensor = together.unflatten(0, (-1, len(x))).transpose(0, 1)
        return each


class TableViews(Transform):
    """K multi-layer networks over the columns of a row.

    Shapes
    ------
    ``(B, columns) -> (views * B, columns)``

    Example
    -------
    >>> views = TableViews(6, 11, width=24, layers=2, kind="residual", bias=True)
    >>> views(torch.zeros(5, 6)).shape
    torch.Size([55, 6])
    """

    def __init__(
        self,
        columns: int,
        views: int,
        *,
        width: int,
        layers: int,
        kind: str,
        bias: bool,
    ) -> None:
        super().__init__(views, kind)
        sizes = [columns, *[width] * (layers - 1), columns]
        self.stack = StackedMLP(views, sizes, bias=bias)

    def networks(self, x: Tensor) -> Tensor:
        stacked: Tensor = self.stack(x.unsqueeze(0))
        return stacked
