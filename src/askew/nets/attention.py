"""Networks over the tokens of texts: learned views of tokens, and attention that sums them up.

A batch of texts is ``(B, T, D + 1)``: T tokens of D numbers and a mark, which is above 0 for a
token and 0 for padding, where all else is 0 too.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from askew.nets.mlp import MLP, StackedLinear
from askew.nets.parts import Decoder, Parts
from askew.nets.transform import KINDS, Transform


def tokens_of(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the tokens of a batch, and 1 for each token and 0 for padding.

    Shapes
    ------
    ``(..., T, D + 1) -> (..., T, D), (..., T, 1)``
    """
    return x[..., :-1], (x[..., -1:] > 0).to(x.dtype)


def masked_mean(tokens: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over tokens, 0 where there are none: ``(..., T, D) -> (..., D)``."""
    return (tokens * mask).sum(-2) / mask.sum(-2).clamp_min(1)


class TokenAttention(nn.Module):
    """How much each token counts: ``sigmoid(W2 tanh(W1 x))``, each token for itself.

    Unlike a softmax, the weights of a text need not sum to 1, and padding changes none of them.

    Shapes
    ------
    ``(..., D) -> (..., 1)``, in (0, 1)

    Source: Qiu et al., TPAMI 47(3), 2025.
    """

    def __init__(self, inputs: int, width: int, *, bias: bool) -> None:
        super().__init__()
        self.inner = nn.Linear(inputs, width, bias=bias)
        self.outer = nn.Linear(width, 1, bias=bias)

    def forward(self, tokens: Tensor) -> Tensor:
        return torch.sigmoid(self.outer(torch.tanh(self.inner(tokens))))


class TokenViews(Transform):
    """K networks of three layers over each token's first channels; padding and marks stay.

    Between the layers stand a norm of each token's numbers, without weights, and a ReLU.

    Shapes
    ------
    ``(B, T, D + 1) -> (views * B, T, D + 1)``

    Example
    -------
    >>> views = TokenViews(6, 4, width=8, kind="bounded", bias=True)
    >>> views(torch.zeros(5, 7, 6 + 1)).shape
    torch.Size([20, 7, 7])
    """

    def __init__(self, inputs: int, views: int, *, width: int, kind: str, bias: bool) -> None:
        super().__init__(views, kind)
        self.inputs = inputs
        self.stack = nn.Sequential(
            StackedLinear(views, inputs, width, bias=bias),
            TokenNorm(),
            nn.ReLU(),
            StackedLinear(views, width, width, bias=bias),
            TokenNorm(),
            nn.ReLU(),
            StackedLinear(views, width, inputs, bias=bias),
        )

    def forward(self, x: Tensor) -> Tensor:
        tokens, mask = tokens_of(x)
        altered = self.of_tokens(tokens[..., : self.inputs], mask)
        others = x[..., self.inputs :].expand(self.views, -1, -1, -1)
        return torch.cat([altered, others], dim=-1).flatten(0, 1)

    def of_tokens(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return the views of what is seen of tokens, ``(B, T, C), (B, T, 1) -> (K, B, T, C)``."""
        altered: Tensor = KINDS[self.kind](tokens, self._outputs(tokens)) * mask
        return altered

    def masks(self, x: Tensor) -> Tensor:
        tokens, mask = tokens_of(x)
        tokens = tokens[..., : self.inputs]
        if self.kind == "multiplicative":
            return (torch.sigmoid(self._outputs(tokens)) * mask).transpose(0, 1)
        return (self.of_tokens(tokens, mask) - tokens).transpose(0, 1)

    def networks(self, x: Tensor) -> Tensor:
        return self._outputs(x[..., : self.inputs])

    def _outputs(self, tokens: Tensor) -> Tensor:
        stacked: Tensor = self.stack(tokens.flatten(0, 1).unsqueeze(0))
        outputs: Tensor = stacked.unflatten(1, tokens.shape[:2])  # (K, B, T, D)
        return outputs


class TokenNorm(nn.Module):
    """Bring the numbers of each token to mean 0 and variance 1: ``(..., D) -> (..., D)``."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.layer_norm(x, x.shape[-1:])


class TextEncoder(Parts):
    """Tokens weighted by attention, summed up, through three layers: ``g(sum_t A_t x_t)``.

    Parameters
    ----------
    inputs: channels looked at, the first ones.
    widths: of what `TokenAttention` looks at and of the three layers that follow.
    mean: whether the sum is divided by the number of tokens, so that it does not grow with the
        length of a text; the paper's is not.

    Shapes
    ------
    ``(B, T, D + 1) -> (B, dim)``

    Source: Qiu et al., TPAMI 47(3), 2025.
    """

    def __init__(
        self, inputs: int, dim: int, *, widths: Sequence[int], mean: bool, bias: bool
    ) -> None:
        super().__init__(
            attention=TokenAttention(inputs, inputs, bias=bias),
            head=MLP([inputs, *widths, dim], bias=bias, norm=False),
        )
        self.inputs, self.mean = inputs, mean

    def forward(self, x: Tensor) -> Tensor:
        tokens, mask = tokens_of(x)
        tokens = tokens[..., : self.inputs]
        embedded: Tensor = self.head((self.weights(tokens, mask) * tokens).sum(-2))
        return embedded

    def weights(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return how much each token adds to its text, ``(B, T, 1)``; padding nothing."""
        attention: Tensor = self.attention(tokens) * mask
        return attention / mask.sum(-2, keepdim=True).clamp_min(1) if self.mean else attention


class TextEmbedding(Parts):
    """Texts and their learned views through one encoder, with the attention of the untouched text.

    What a token of a view adds is decided by the token that it was made from.

    Parameters
    ----------
    inputs: channels looked at, the first ones.

    Shapes
    ------
    ``(B, T, D + 1) -> (B, 1 + K, dim)``, each text before its views
    """

    def __init__(self, inputs: int, transform: TokenViews, encoder: TextEncoder) -> None:
        super().__init__(transform=transform, encoder=encoder)
        self.inputs = inputs

    def forward(self, x: Tensor) -> Tensor:
        tokens, mask = tokens_of(x)
        tokens = tokens[..., : self.inputs]
        weights = self.encoder.weights(tokens, mask)
        views = self.transform.of_tokens(tokens, mask)  # (K, B, T, D)
        reference = (weights * tokens).sum(-2)
        summed = torch.cat([reference[None], torch.einsum("btx,kbtd->kbd", weights, views)])
        together = self.encoder.head(summed.flatten(0, 1))
        each: Tensor = together.unflatten(0, (-1, len(x))).transpose(0, 1)
        return each


class TokenDecoder(Decoder):
    """From descriptions of texts to answers that are the same for all tokens of a text.

    Shapes
    ------
    ``(B, dim), (B, T, D + 1) -> (B, outputs, T, inputs)``
    """

    def __init__(self, inputs: int, dim: int, *, outputs: int, width: int, bias: bool) -> None:
        layers = MLP([dim, width, width, outputs * inputs], bias=bias, norm=False)
        super().__init__(layers, nn.Unflatten(1, (outputs, 1, inputs)))

    def forward(self, described: Tensor, x: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(described, x).expand(-1, -1, x.shape[1], -1)


class SomeWords(nn.Module):
    """In training, look at a random few tokens of each text: it is still the same kind of text.

    This also saves most of the time, for views are made of each token.

    Shapes
    ------
    ``(B, T, D + 1) -> (B, at most words, D + 1)`` in training; unchanged when scoring
    """

    def __init__(self, words: int | None) -> None:
        super().__init__()
        self.words = words

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.words is None or x.shape[1] <= self.words:
            return x
        keys = torch.rand(x.shape[:2], device=x.device).masked_fill(x[..., -1] <= 0, -1.0)
        chosen = keys.topk(self.words, dim=1).indices
        return x.gather(1, chosen[..., None].expand(-1, -1, x.shape[-1]))


class TextFeatures(nn.Module):
    """The mean token of each text, of length 1.

    Parameters
    ----------
    token: what tokens are measured from, added to their mean, ``(D,)``.
    layers: in whose channels, one after the other, the mean gets length 1 for itself.

    Shapes
    ------
    ``(B, T, D + 1) -> (B, D)``
    """

    token: Tensor

    def __init__(self, token: Tensor, *, layers: int) -> None:
        super().__init__()
        self.register_buffer("token", token, persistent=False)
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        mean = masked_mean(*tokens_of(x)).double() + self.token
        parts = nn.functional.normalize(mean.unflatten(-1, (-1, self.layers)), dim=-2)
        return parts.flatten(-2).float()
