"""The parts of a method's network, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn


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
