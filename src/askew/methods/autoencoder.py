"""Autoencoder: what cannot be restored from a short description."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from askew.data import Batch, DataType
from askew.health import Check
from askew.methods.ensemble import EnsembleDetector
from askew.nets.parts import Parts
from askew.parameters import check_least


@dataclass(kw_only=True, eq=False, repr=False)
class AutoEncoder(EnsembleDetector):
    """A normal item can be restored from a short description of it; a strange one cannot.

    An encoder ``f`` and a decoder ``g`` are trained to lower the error of ``g(f(x + noise))``
    against ``x``. The error of ``g(f(x))``, point by point, says where an item is strange; its
    mean over the points is the score. Simple items, such as blank ones, are restored best of all,
    whether or not they are normal; so a type whose items can be very simple says what is restored
    in their place (`DataType.target`), and its points are those of that.

    Parameters
    ----------
    dim: width of the description; where it is no narrower than the items, all are restored.
    noise: standard deviation of normal noise on the items in training, in encoded units, on each
        entry by itself, so that little of it is left in a mean over many; 0: none.
    bias: whether networks have biases.
    nets: independent networks; each learns from all training items but a held-out part of its own.

    References
    ----------
    Vincent, Larochelle, Bengio, Manzagol. Extracting and composing robust features with denoising
    autoencoders. ICML 2008.

    Example
    -------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(200, 1)) * np.ones(4)
    >>> detector = AutoEncoder(dim=1, nets=1).fit(rows)
    >>> strange = rows[:1] + [[0, 0, 3, 0]]
    >>> int(detector.decision_points(strange)[0].argmax())
    2
    """

    dim: int = 8
    noise: float = 0.0
    bias: bool = True

    @property
    def needs(self) -> tuple[str, ...]:
        """Items must be restored."""
        return ("decoder",)

    def member(self, data: DataType) -> Parts:
        """Return an encoder and a decoder."""
        return Parts(
            encoder=data.encoder(self.dim, bias=self.bias),
            decoder=data.restorer(self.dim, bias=self.bias),
        )

    def member_losses(self, member: Parts, x: Batch) -> Tensor:
        """Return the mean error where noise was added before, ``(B,)``."""
        return self.data_.pool(self._error(member, x, self._noisy(x)), x)

    def member_scores(self, member: Parts, x: Batch) -> Tensor:
        """Return the mean error, ``(B,)``."""
        return self.data_.pool(self._error(member, x, x), x).double()

    def points(self, net: Parts, x: Batch) -> Tensor:
        """Return the networks' mean error at each point, ``(B, *P)``."""
        each = [self._error(member, x, x).double() for member in net.members]
        return torch.stack(each).mean(0)

    def _error(self, member: Parts, x: Batch, seen: Batch) -> Tensor:
        restored = member.decoder(member.encoder(seen), seen)[:, 0]
        return self.data_.error(x, restored)

    def _noisy(self, x: Batch) -> Batch:
        if not self.noise:
            return x
        values = self.data_.entries(x)
        shift = self.noise * torch.randn_like(values)
        return self.data_.affine(x, torch.ones_like(values), shift)

    def checks(self, net: Parts, items: Batch) -> Iterator[Check]:
        """Ask whether more is restored than the mean of all items."""
        error = float(self.scores(net, items).mean())
        target = self.data_.target(items)
        mean = target.mean(0, keepdim=True).expand_as(target)
        plain = float(self.data_.pool(self.data_.error(items, mean), items).double().mean())
        yield Check(
            "restores more than the mean",
            error < plain,
            error / plain if plain else 1.0,
            "error on held-out items, over that of putting the mean in their place",
            "it learned nothing that new items share: train longer or raise dim",
        )

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        check_least(self, 1, "dim")
        check_least(self, 0, "noise")
