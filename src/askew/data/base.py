"""What every data type offers: raw input to batches, and the networks that suit them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from askew.data.entries import Batch, Entries
from askew.errors import InputError
from askew.nets.transform import Embedding

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from askew.explain import Explanation

Raw = Any
"""Raw input as users have it: a table, an array, a list of series; only its data type looks in."""


class Fold(NamedTuple):
    """Positions of items to learn from and of items held out from just that, each ascending."""

    learned: NDArray[np.intp]
    held: NDArray[np.intp]


class DataType(Entries, BaseEstimator, ABC):  # type: ignore[misc]
    """How one kind of raw input becomes batches, and the networks that suit them.

    A `Batch` is ``(B, ...)``: its first axis counts items, and only the data type and the networks
    that it hands out know what else there is. Nothing here knows a method.

    Fitted state ends in ``_`` and is plain JSON or a numpy array, so it can be saved without
    pickle. Letters: ``n`` raw items, ``B`` items of a batch, ``K`` views, ``D`` embedding,
    ``*P`` points (columns, or channels and steps), ``G`` explained groups of points,
    ``E`` entries of a batch that is no tensor.
    """

    lacks: ClassVar[Mapping[str, str]] = {}
    """Parts that a data type overrides only to refuse them: name and reason, 'no decoder: ...'."""

    view_kind: ClassVar[str] = "bounded"
    """The kind of learned view that suits items, where nobody chose one; see `Transform`."""

    has_middle: ClassVar[bool] = False
    """Whether items lie around one middle, so that how far one is from it says something."""

    @classmethod
    def lacking(cls, part: str) -> str:
        """Say why this type has not got a part, such as "decoder"; nothing where it has.

        Example
        -------
        >>> DataType.lacking("decoder")
        'no decoder'
        """
        if getattr(cls, part) is getattr(DataType, part):
            return f"no {part}"
        return cls.lacks.get(part, "")

    @abstractmethod
    def fit(self, X: Raw) -> Self:
        """Learn scales, vocabulary and sizes from training items.

        Raises ``InputError`` where ``X`` is not of this type, is empty, or cannot be learned from.
        """

    @property
    def step_numbers(self) -> float:
        """Encoded numbers that a step of training should look at; large items come fewer a step."""
        return math.inf

    @abstractmethod
    def count(self, X: Raw) -> int:
        """Return the number of items in raw input, without encoding it."""

    @abstractmethod
    def take(self, X: Raw, index: NDArray[np.intp]) -> Raw:
        """Return the raw items at these positions, in this order."""

    def folds(
        self, X: Raw, count: int, share: float, most: int, generator: torch.Generator
    ) -> list[Fold]:
        """Hold out ``count`` parts that have no item in common, each from a learner of its own.

        Parts are drawn at random; a type whose items overlap keeps those apart that do.

        Parameters
        ----------
        share: of the items that each part holds, in [0, 1 / count].
        most: items in a part.
        """
        items = self.count(X)
        size = min(int(share * items), most)
        order = torch.randperm(items, generator=generator).numpy()
        starts = [part * size for part in range(count)]
        return [
            Fold(
                np.sort(np.delete(order, slice(start, start + size))),
                np.sort(order[start : start + size]),
            )
            for start in starts
        ]

    @abstractmethod
    def encode(self, X: Raw) -> Batch:
        """Return raw items as one batch in float32, ``(n, ...)``.

        Raises ``InputError`` where ``X`` does not fit what ``fit`` saw.
        """

    def chunks(self, X: Raw, most: int) -> Iterator[Batch]:
        """Yield all raw items encoded, at most ``most`` at a time, so that memory is bounded.

        A type whose items are large, or cut from something larger, may give fewer at a time.
        """
        count = self.count(X)
        for start in range(0, count, most):
            index = np.arange(start, min(start + most, count))
            yield self.encode(X if len(index) == count else self.take(X, index))

    @abstractmethod
    def encoder(self, dim: int, *, bias: bool) -> nn.Module:
        """Return a network ``(B, ...) -> (B, dim)``."""

    @abstractmethod
    def transform(self, views: int, kind: str, *, bias: bool) -> nn.Module:
        """Return a `Transform`: ``(B, ...) -> (views * B, ...)``, view by view."""

    def embedding(self, views: int, kind: str, dim: int, *, bias: bool) -> nn.Module:
        """Return a network from items to embeddings of them and of their learned views.

        ``(B, ...) -> (B, 1 + views, dim)``, each item before its views: a `transform` and one
        `encoder` for all, unless a data type has a better form.
        """
        return Embedding(
            transform=self.transform(views, kind, bias=bias),
            encoder=self.encoder(dim, bias=bias),
        )

    def noise(self) -> nn.Module:
        """Return changes that leave an item normal, made in training only: ``(B, ...)`` to itself.

        None unless a data type says otherwise.
        """
        return nn.Identity()

    def decoder(self, dim: int, *, outputs: int = 1, bias: bool) -> nn.Module:
        """Return a network from descriptions of items to so many answers laid out like them.

        ``(B, dim), (B, ...) -> (B, outputs, ...)``, the first axis that of `entries`. The items say
        how answers are laid out.

        Raises ``InputError`` where items of this type cannot be made from an embedding.
        """
        raise InputError(f"{type(self).__name__} has no decoder: use a method that needs none.")

    def restorer(self, dim: int, *, bias: bool) -> nn.Module:
        """Return a network that makes items again from descriptions of them.

        ``(B, dim), (B, ...) -> (B, 1, ...)``, laid out like `target`; a `decoder` unless a data
        type says otherwise.
        """
        return self.decoder(dim, bias=bias)

    def target(self, x: Batch) -> Tensor:
        """Return what is to be restored of items, ``(B, ...)``: all of them."""
        return self.entries(x)

    def error(self, x: Batch, restored: Tensor) -> Tensor:
        """Return how far items are from their restorations, at each point: ``(B, *P)``."""
        return (self.target(x) - restored).square()

    def pool(self, points: Tensor, x: Batch, how: str = "mean") -> Tensor:
        """Sum up what was said of an item's points, ``(B, *P) -> (B,)``: "mean" or "max"."""
        flat = points.flatten(1)
        return flat.mean(1) if how == "mean" else flat.amax(1)

    @abstractmethod
    def features(self) -> nn.Module:
        """Return a network without learned weights, ``(B, ...) -> (B, D)``, for distances."""

    def features_from(self, items: Batch) -> nn.Module | None:
        """Return `features`, measured on these encoded items instead of all training items.

        What is held out from a learner must not be near because it helped to measure distances.
        None where nothing, or only the scale of channels, is measured: `features` serve.
        """
        return None

    @property
    def distance_power(self) -> float:
        """Which distance suits `features`: 1, a sum of absolute differences, or 2, the Euclidean.

        In the first a few odd numbers among many do not rule. It depends on what each number is,
        so where features are turned, as whitening turns them, the second is the one with a meaning.
        """
        return 1.0

    def local_features(self) -> nn.Module:
        """Return features of places in an item, ``(B, ...) -> (B, *P, D)``; of all of it here."""
        return nn.Sequential(self.features(), nn.Unflatten(1, (1, -1)))

    def restore(
        self, scores: NDArray[np.float64], X: Raw, index: NDArray[np.intp] | None = None
    ) -> NDArray[np.float64]:
        """Lay scores of items, or of their points, out as the user knows them; as they are here.

        Parameters
        ----------
        scores: ``(n,)``, or ``(n, *P)``.
        X: the raw input they belong to.
        index: which of its items they belong to, ``(n,)``; all where left out.
        """
        return scores

    def speakers(self, X: Raw, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the item that speaks for each score as the user knows it, ``(m,) -> (m,)``.

        Where `restore` leaves scores as they are, each item speaks for itself.
        """
        return places

    def moments(self, X: Raw) -> NDArray[np.float64] | None:
        """Return when each score happened, if those less than 1 apart are of one event, ``(n,)``.

        None where each score is of something else. Scores are as `restore` lays them out, and
        moments go up with them.
        """
        return None

    def reach(self) -> int:
        """Return how many rows before and after a row can matter to its score; 0: none do."""
        return 0

    def doubts(self, X: Raw) -> dict[tuple[str, str], str]:
        """Say, by column and kind, what all of these items have that training did not show."""
        return {}

    def word_columns(self) -> list[str]:
        """Return the columns of a table whose cells are words, whatever they look like."""
        return []

    def whereabouts(self, X: Raw) -> str:
        """Say where raw input of one item lies in what it was taken from; nothing where it is all.

        The words end a sentence that begins with 'what is explained is'.
        """
        return ""

    def placed(self, names: list[list[str]], X: Raw) -> list[list[str]]:
        """Return what the parts of each item are called in what it was taken from.

        Parameters
        ----------
        names: as `groups` has them, those of the i-th item of ``X`` in any order, ``(n,)`` lists.
        """
        return names

    def apart(self) -> int:
        """Return how many places apart items must be to have nothing in common: 1, or more."""
        return 1

    @abstractmethod
    def alter(self, x: Batch, generator: torch.Generator) -> Mapping[str, Batch]:
        """Return altered copies of a batch that should look stranger than ``x``, by name.

        The health check scores them. Among the names is ``"scaled"``: every value three times as
        far from its typical value, to find detectors that cannot see size.
        """

    @abstractmethod
    def groups(self, x: Batch) -> tuple[list[str], Tensor]:
        """Return what an explanation may name in an item of this shape.

        Returns the names and a boolean mask ``(G, ...)`` over the entries of one item: the groups
        are replaced one at a time to see how much of the score each one made.
        """

    def masked(self, x: Batch, masks: NDArray[np.float64]) -> tuple[list[str], NDArray[np.float64]]:
        """Return what views do to the named parts of an item: the mean of their masks over each.

        Parameters
        ----------
        x: a batch of one item.
        masks: of `Transform.masks`, which may cover its first entries only, ``(K, ...)``.

        Returns
        -------
        The names, and ``(K, parts)``; no names where parts are steps, and what they say is a size.
        """
        names, groups = self.groups(x[0])
        seen = groups[(slice(None), *(slice(size) for size in masks.shape[1:]))]
        of_part = seen.flatten(1).double().cpu().numpy()
        known = of_part.sum(1) > 0  # a column that was left out became nothing
        mean = of_part[known] / of_part[known].sum(1, keepdims=True)
        there = [name for name, is_there in zip(names, known, strict=True) if is_there]
        return there, masks.reshape(len(masks), -1) @ mean.T

    def exchange(self, x: Batch, typical: Batch) -> tuple[list[str], Batch, Batch | None]:
        """Trade the named parts of an item, one at a time, with those of a typical item.

        Parameters
        ----------
        x, typical: batches of one item.

        Returns
        -------
        The names; G items that are ``x`` without one of its parts; G items that are ``typical``
        but for that part of ``x``, or None where one item's part has no place in another.
        """
        names, masks = self.groups(x[0])
        return names, torch.where(masks, typical, x), torch.where(masks, x, typical)

    def point_map(self, contributions: NDArray[np.float64], x: Batch) -> NDArray[np.float64]:
        """Lay contributions ``(G,)`` of a batch of one item out as the user knows it: ``(*P)``."""
        return contributions

    def picture(self, X: Raw, explanation: Explanation) -> tuple[Figure | str, str]:
        """Show where the score of an item was made.

        Parameters
        ----------
        X: raw input of one item.

        Returns
        -------
        A figure, or HTML, and a line about it.
        """
        from askew import plot

        return plot.contributions(explanation), "What each part added to the score."

    def overview(
        self, X: Raw, scores: NDArray[np.float64], threshold: float, labels: NDArray[Any] | None
    ) -> tuple[Figure | str, str] | None:
        """Show all of the input with its scores, as `picture` shows an item; None: no such sight.

        Parameters
        ----------
        X: raw input.
        scores: as `restore` laid them out.
        threshold: scores above it are alerts; may be infinite.
        labels: the truth, laid out like scores, where it is known.
        """
        return None

    def keep(self, items: Batch) -> Any:
        """Return encoded items as an array or plain values, to be saved with a model."""
        return items.cpu().numpy()

    def kept(self, saved: Any) -> Batch:
        """Undo `keep`."""
        return torch.as_tensor(saved)

    def describe(self) -> str:
        """Return one line about the fitted data, for logs and reports."""
        return type(self).__name__
