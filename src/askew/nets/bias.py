"""Networks without biases."""

from __future__ import annotations

from torch import nn


def without_biases(net: nn.Module) -> nn.Module:
    """Take the biases out of every layer that has one, and return the network.

    For methods that a bias would let give one answer to everything, such as Deep SVDD: some
    encoders keep a last one.

    Example
    -------
    >>> [name for name, _ in without_biases(nn.Linear(3, 2)).named_parameters()]
    ['weight']
    """
    for layer in net.modules():
        if isinstance(getattr(layer, "bias", None), nn.Parameter):
            layer.register_parameter("bias", None)
    return net
