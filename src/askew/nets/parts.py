"""The parts of a method's network, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn


class Parts(nn.Module):
    """Networks by name: ``Parts(encoder=...).encoder``; a method calls each on its own.

    Example
    -------
    >>> Parts(encoder=nn.Identity()).encoder
    Identity()
    """

    def __init__(self, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)

    if TYPE_CHECKING:
        # Which parts there are is the method's affair, and each has its own type.
        def __getattr__(self, name: str) -> Any: ...


class Decoder(nn.Sequential):
    """Layers from descriptions to items that are all laid out alike.

    Shapes
    ------
    ``(B, dim), (B, ...) -> (B, outputs, ...)``

    Example
    -------
    >>> import torch
    >>> decoder = Decoder(nn.Linear(2, 6), nn.Unflatten(1, (2, 3)))
    >>> decoder(torch.zeros(5, 2), torch.zeros(5, 3)).shape
    torch.Size([5, 2, 3])
    """

    def forward(self, described: Tensor, x: Tensor) -> Tensor:  # type: ignore[override]
        """Return answers laid out like ``x``, which has no other part in them."""
        for layer in self:
            described = layer(described)
        return described
