"""What every detector does: fit, score, calibrate, explain, save."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from torch import Tensor

from askew import calibrate
from askew.data import DataType, Fold, Raw, guess
from askew.errors import AskewError, InputError
from askew.estimator import Estimator
from askew.nets.parts import Parts
from askew.parameters import check_numbers
from askew.pieces import pieces
from askew.seeding import seeded
from askew.train import History

if TYPE_CHECKING:
    from askew.explain import Explanation
    from askew.health import Check

Scores = NDArray[np.float64]

MOST_HELD_OUT = 10_000
"""Held-out items beyond this many would sharpen no p-value that anyone reads."""

CHUNK_ITEMS = 65_536
"""Raw items encoded at a time when scoring, so memory is bounded by this and not by the data."""

LEAST_SETTLED = 5
"""Held-out items from which what is measured on them can be trusted."""

ROUNDING = 1e-5
"""Relative size of what rounding in single precision may change in a score."""


class Masks(NamedTuple):
    """What learned views do to an item.

    Attributes
    ----------
    values: of each view, laid out like an encoded item, ``(K, ...)``.
    keep: whether these are factors, 1 keeps a value and 0 removes it, or displacements.
    """

    values: NDArray[np.float64]
    keep: bool


MOST_SCORED = 4096
"""Items in one scoring batch."""


@dataclass(kw_only=True, eq=False, repr=False)
class Detector(Estimator):
    """Learn what normal items look like; score how strange others are.

    A method fills in `build` and `scores`, and `losses` or `learn` where it needs them. It hands
    batches to its parts and never looks at their shape.

    Parameters
    ----------
    data: how raw input becomes batches; ``None``: guessed from what `fit` is given.
    held_out: share of the training items, in [0, 1), that a learner does not learn from: their
        scores become the yardstick for p-values and the threshold. With 0 there are none. A
        method of several networks holds out such a share from each, as far as items go.
    alert_rate: false alarms accepted on normal items, in (0, 1).
    device: ``"auto"`` (CUDA where there is one, else the CPU), or a torch device that knows double
        precision.
    seed: of all that is random; the global generators are left as found.
    verbose: show progress: a bar on a terminal, lines in a log.

    Attributes
    ----------
    data_, net_: the fitted data type and networks.
    calibration_: sorted scores of the held-out items.
    threshold_: scores above it are alerts.
    decision_scores_, labels_: of the training items, by the finished detector: what
        `decision_function` and `predict` say of them.
    health_: the checks of the finished detector; see `askew.health`.
    training_: what training left behind: losses, steps, loss before and after.
    source_: where the command line fitted it: type, columns of ids and labels, file, date.
    """

    data: DataType | None = None
    held_out: float = 0.2
    alert_rate: float = 0.01
    device: str = "auto"
    seed: int = 0
    verbose: bool = False

    # What a method writes.

    @abstractmethod
    def build(self, data: DataType) -> Parts:
        """Return the networks, by name."""

    @abstractmethod
    def scores(self, net: Parts, x: Tensor) -> Tensor:
        """Return how strange each item of a batch is, ``(B,)``; no item depends on another."""

    @abstractmethod
    def learn(
        self, net: Parts, items: Tensor, folds: list[Fold], generator: torch.Generator
    ) -> History:
        """Learn from all training items, encoded, the i-th of `learners` from fold i."""

    def view_terms(self, net: Parts, x: Tensor) -> Tensor | None:
        """Return how strange each learned view finds each item, ``(B, nets * K)``, if there are."""
        return None

    def masks(self, x: Tensor) -> Masks | None:
        """Return what the learned views of one network do to an encoded item, ``(1, ...)``.

        None where there are no views, or they do not alter the item itself.
        """
        return None

    def scores_of_copies(self, net: Parts, copies: Tensor, originals: Tensor) -> Tensor:
        """Return the scores of altered copies of items, ``(B,)``, as if these were not known.

        Where scores compare with remembered items, the i-th of the originals must not count for
        the i-th copy: what is really strange is no copy of anything known.
        """
        return self.scores(net, copies)

    @property
    def needs(self) -> tuple[str, ...]:
        """Parts of a data type, by name, that not every type has and the method must have."""
        return ()

    def refusal(self, kind: type[DataType]) -> str:
        """Say why this method does not take a type of data, such as "no decoder"; or nothing.

        Nothing has to be fitted to know.
        """
        reasons = (kind.lacking(part) for part in self.needs)
        return next((reason for reason in reasons if reason), "")

    @property
    def learners(self) -> int:
        """How many parts of the network learn on their own, each from a fold of its own."""
        return 1

    def points(self, net: Parts, x: Tensor) -> Tensor:
        """Return how strange each point of a batch is, ``(B, *P)``, where a method can tell."""
        raise InputError(
            f"{type(self).__name__} has no scores of points: use explain, or a method that has "
            "them, such as AutoEncoder."
        )

    def prepare(self, net: Parts, items: Tensor, folds: list[Fold]) -> None:
        """Measure what training needs to know of the networks as they were built; nothing here."""

    def settle(self, net: Parts, items: Tensor, folds: list[Fold]) -> list[Tensor] | None:
        """Measure what the scores need to know of items that were not learned from.

        Returns
        -------
        For each fold, what its held-out items would score had they not been measured themselves
        and had nothing learned from them, ``(held,)``; None where `scores` say just that.
        P-values are made from these.
        """
        return None

    def checks(self, net: Parts, items: Tensor) -> Iterable[Check]:
        """Return checks of the finished networks that only this method knows how to make.

        Parameters
        ----------
        items: encoded, held out where any were.
        """
        return ()

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        check_numbers(self)
        if not isinstance(self.data, DataType | None):
            raise InputError(f"data={self.data!r}: expected a data type, Tabular() say, or None.")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"seed={self.seed!r}: expected a whole number from 0 to below 2^63.")
        self._device()
        if not 0 <= self.held_out < 1:
            raise InputError(f"held_out={self.held_out}: expected a share from 0 to below 1.")
        if not 0 < self.alert_rate < 1:
            raise InputError(f"alert_rate={self.alert_rate}: expected a rate between 0 and 1.")

    # What a user calls.

    def fit(self, X: Raw, y: object = None) -> Self:
        """Learn from normal items, or mostly normal ones; ``y`` is ignored.

        Raises
        ------
        InputError: the input or a parameter makes no sense; what was fitted before stays.
        """
        self.check()
        before = dict(vars(self))
        try:
            for name in [name for name in before if name.endswith("_")]:
                delattr(self, name)
            self._learned_with = self._decisive()
            with seeded(self.seed) as generator:
                self._fit(X, generator)
        except BaseException:
            self.__dict__ = before
            raise
        return self

    def decision_function(self, X: Raw) -> Scores:
        """Return how strange each item is, ``(n,)``; higher is stranger.

        Raises
        ------
        NotFittedError: `fit` has not been called.
        InputError: ``X`` does not fit what the detector was fitted on, or a parameter was changed
            since.
        """
        return self._collect(X, self.scores)

    def decision_points(self, X: Raw) -> Scores:
        """Return how strange each point of each item is, ``(n, *P)``; higher is stranger.

        Raises
        ------
        NotFittedError, InputError: as `decision_function`; or the method has no points.
        """
        return self._collect(X, self.points)

    def p_values(self, X: Raw) -> Scores:
        """Return how often a normal item would score this high, ``(n,)``, in (0, 1].

        With one learner, split conformal: for new normal items that are exchangeable with the
        training items, ``P(p <= a) <= a`` for every ``a``. With several, each of which held out a
        part of its own, cross-conformal: not proven, but below ``a`` in tests. No smaller value
        than one over the number of held-out items plus one is possible.
        """
        return self.p_values_of(self.decision_function(X))

    def p_values_of(self, scores: ArrayLike) -> Scores:
        """Return the p-values of scores already computed, ``(n,)``."""
        self._check_calibrated()
        lowered = self._lowered(np.asarray(scores, dtype=np.float64))
        return calibrate.p_values(self.calibration_, lowered)

    def predict(self, X: Raw) -> NDArray[np.int64]:
        """Return 1 for alerts and 0 for the rest, ``(n,)``, at `alert_rate` false alarms."""
        scores = self.decision_function(X)
        self._check_calibrated()
        return self.alerts_of(scores).astype(np.int64)

    def alerts_of(self, scores: ArrayLike) -> NDArray[np.bool_]:
        """Return which of scores already computed raise an alert, ``(n,)``.

        None does where no items were held out.

        Raises
        ------
        InputError: a score is not a number, or they have more than one axis.
        """
        self._check_fitted()
        return self._lowered(calibrate.checked(scores)) > self.threshold_

    def predict_proba(self, X: Raw) -> Scores:
        """Return ``[p, 1 - p]`` for each item, ``(n, 2)``, with p its p-value.

        The second column is the share of normal items that score lower: calibrated on normal
        items, but not the probability of being an anomaly, which no one can know without labels.
        """
        p = self.p_values(X)
        return np.column_stack([p, 1 - p])

    def select(self, X: Raw, *, fdr: float) -> NDArray[np.bool_]:
        """Pick the anomalies of a batch so that about ``fdr`` of the picked are normal, ``(n,)``.

        Benjamini-Hochberg on the p-values. Unlike a score, it is about the batch as a whole.
        """
        return calibrate.benjamini_hochberg(self.p_values(X), fdr)

    def fit_predict(self, X: Raw, y: object = None) -> NDArray[np.int64]:
        """Fit, and return `labels_`: 1 for the training items that stand out.

        Raises
        ------
        InputError: as `fit`; or no items were held out, so that none can.
        """
        self.fit(X)._check_calibrated()
        return self.labels_

    def explain(self, X: Raw) -> list[Explanation]:
        """Say for each item which of its parts, and which learned views, made its score."""
        from askew import explain

        self._check_fitted()
        return explain.explain(self, X)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the fitted detector to a folder, whole or not at all; see `askew.load`."""
        from askew import store

        self._check_fitted()
        store.save(self, Path(folder))

    # How it is done.

    def _fit(self, X: Raw, generator: torch.Generator) -> None:
        from askew import explain, health

        data = guess(X) if self.data is None else clone(self.data)
        self._check_taken(data)
        folds = self._folds(data, X, generator)
        seen = np.unique(np.concatenate([fold.learned for fold in folds]))
        data.fit(data.take(X, seen))
        self.data_ = data
        items = data.encode(X).to(self._device())
        net = self.build(data).to(self._device())
        self.prepare(net, items, folds)
        before = self._typical_loss(net, items[seen])
        history = self.learn(net, items, folds, generator)
        net.eval()
        after = self._typical_loss(net, items[seen])
        self.training_ = {**asdict(history), "loss_before": before, "loss_after": after}
        self.net_ = net
        self._copy_names(data)
        unlearned = self._calibrate(X, items, folds)
        self.references_ = data.keep(explain.references(self, items[seen], generator))
        self.health_ = health.examine(self, items, unlearned or {})

    def _check_taken(self, data: DataType) -> None:
        reason = self.refusal(type(data))
        if reason:
            raise InputError(
                f"{type(self).__name__} does not take {type(data).__name__} ({reason}): "
                "`askew methods` lists those that do."
            )

    def _calibrate(self, X: Raw, items: Tensor, folds: list[Fold]) -> dict[int, float]:
        """Score the training items; let the held-out ones set p-values and threshold.

        Returns the scores of held-out items by those learners that did not learn from them.
        """
        with torch.no_grad():
            measured = self.settle(self.net_, items, folds)
        of_items = self.score_items(items)
        self.decision_scores_ = self.data_.restore(of_items, X)
        held = [fold.held for fold in folds]
        fresh = [of_items[places] for places in held]
        if measured is not None:
            fresh = [scores.double().cpu().numpy() for scores in measured]
            held = [places[: len(s)] for s, places in zip(fresh, held, strict=True)]  # none, if few
        restored = [self.data_.restore(s, X, p) for s, p in zip(fresh, held, strict=True)]
        self.calibration_ = np.sort(np.concatenate(restored))
        self.threshold_ = self._threshold(self.calibration_)
        self.labels_ = self.alerts_of(self.decision_scores_).astype(np.int64)
        return dict(sorted(zip(np.concatenate(held), np.concatenate(fresh), strict=True)))

    def _lowered(self, scores: Scores) -> Scores:
        """Return scores lower by their rounding error, so that equal items stay equal.

        Without this, a score that is a hair higher in one batch than in another would or would
        not pass held-out items that are just like it. Sizes are those of most held-out scores: a
        single huge one says nothing of how others are rounded.
        """
        if not len(self.calibration_):
            return scores
        low, middle, high = np.percentile(self.calibration_, [25, 50, 75])
        own = np.where(np.isfinite(scores), np.abs(scores), 0.0)
        lowered: Scores = scores - ROUNDING * (own + np.abs(middle) + high - low)
        return lowered

    def in_batches(self, X: Raw) -> Iterator[Tensor]:
        """Yield raw items as batches for scoring, encoded a bounded chunk at a time."""
        self._check_fitted()
        for chunk in self.data_.chunks(X, CHUNK_ITEMS):
            yield from pieces(chunk, MOST_SCORED)

    def score_items(self, items: Tensor) -> Scores:
        """Return the scores of encoded items, ``(n, ...) -> (n,)``."""
        return self._joined(self.scores, pieces(items, MOST_SCORED))

    def score_copies(self, copies: Tensor, originals: Tensor) -> Scores:
        """Return `scores_of_copies` of encoded items, ``(n, ...), (n, ...) -> (n,)``."""
        each, done = [], 0
        with torch.no_grad():
            for some in pieces(copies, MOST_SCORED):  # copies may be larger than their originals
                known = originals[done : done + len(some)]
                each.append(self.scores_of_copies(self.net_, some, known))
                done += len(some)
        return torch.cat(each).double().cpu().numpy()

    def _collect(self, X: Raw, of_batch: Callable[[Parts, Tensor], Tensor]) -> Scores:
        """Return ``of_batch(net, x)`` of all raw items, as the user knows them."""
        self._check_fitted()
        return self.data_.restore(self._joined(of_batch, self.in_batches(X)), X)

    def _joined(
        self, of_batch: Callable[[Parts, Tensor], Tensor], batches: Iterable[Tensor]
    ) -> Scores:
        device = self._device()
        net = self.net_.to(device).eval()
        with torch.no_grad():
            parts = [of_batch(net, x.to(device)).double().cpu().numpy() for x in batches]
        joined = np.concatenate(parts) if parts else np.empty(0)
        if not np.isfinite(joined).all():
            where = int(np.argmin(np.isfinite(joined).reshape(len(joined), -1).all(1)))
            raise AskewError(
                f"item {where} has a score that is not finite: look for extreme values in it, or "
                "fit with another seed."
            )
        return joined

    def _folds(self, data: DataType, X: Raw, generator: torch.Generator) -> list[Fold]:
        """Return what each learner learns from and what is held out from it."""
        count = self.learners
        share = min(self.held_out, 1 / count) if count > 1 else self.held_out
        return data.folds(X, count, share, MOST_HELD_OUT // count, generator)

    def _typical_loss(self, net: Parts, items: Tensor) -> float | None:
        """Return the mean loss of the first training items, or None where nothing is trained."""
        return None

    def _threshold(self, calibration: Scores) -> float:
        """Return the score above which an alert is raised; infinite where nothing was held out.

        With too few held-out items for a guarantee at `alert_rate`, the tail of their scores is
        extrapolated; the health check says so.
        """
        if not len(calibration):
            return float("inf")
        return calibrate.tail_threshold(calibration, self.alert_rate)

    def _device(self) -> torch.device:
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            asked = torch.device(self.device)
            torch.zeros(1, dtype=torch.float64, device=asked).item()
            return asked
        except (RuntimeError, AssertionError, TypeError, ImportError) as error:
            raise InputError(
                f"device={self.device!r} is not here, or not one that torch knows in double "
                'precision: choose "auto", "cpu" or "cuda".'
            ) from error

    def _check_calibrated(self) -> None:
        self._check_fitted()
        if not len(self.calibration_):
            raise InputError(
                "no items were held out, so there are no p-values and no threshold: fit with "
                "held_out above 0 and enough items for it."
            )
