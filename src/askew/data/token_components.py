"""The directions in which tokens differ most, layer by layer of a transformer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MEASURED_TOKENS = 20_000
"""Tokens from which components are learned."""


def components(values: Floats, width: int, most: int | None) -> tuple[Floats, Floats]:
    """Find the principal components of tokens in each layer, widest first.

    All layers get the same size, channels one of about 1.

    Parameters
    ----------
    values: tokens, L layers of ``width`` numbers side by side, ``(S, L * width)``.
    most: components kept of a layer; None: all.

    Returns
    -------
    The components ``(L, width, C)``, and the mean token in them, laid out as `projected` does,
    ``(C * L,)``.
    """
    layers = values.reshape(len(values), -1, width).swapaxes(0, 1).astype(np.float64)
    means = layers.mean(1)
    some = layers[:, :: max(1, layers.shape[1] // MEASURED_TOKENS)] - means[:, None]
    covariances = np.swapaxes(some, 1, 2) @ some / some.shape[1]
    sizes = np.sqrt(np.trace(covariances, axis1=1, axis2=2) / width)[:, None, None]
    vectors = np.linalg.eigh(covariances)[1][:, :, ::-1][:, :, :most]
    found = (vectors / np.maximum(sizes, 1e-12)).astype(np.float32)  # (L, w, C)
    token = np.einsum("lw,lwc->cl", means, found)
    return found, token.astype(np.float32).ravel()


def projected(values: Floats, found: Floats, token: Floats) -> Floats:
    """Return tokens in components, less the mean token: ``(S, L * w) -> (S, C * L)``.

    Channels hold the first component of every layer, then the second of every layer, and so on.
    In double precision, so that what is rounded does not depend on the texts beside.
    """
    shape = found.shape[:2]
    layers = values.reshape(len(values), *shape).swapaxes(0, 1).astype(np.float64)
    turned = (layers @ found.astype(np.float64)).transpose(1, 2, 0)
    centred: Floats = (turned.reshape(len(values), -1) - token).astype(np.float32)
    return centred
