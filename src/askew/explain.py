"""Why an item scored what it did, for any method and data type, by replacing parts of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from askew.data import Batch, Raw
from askew.detector import Detector, Scores
from askew.nets.bank import EQUAL

ORDINARY = 0.9
"""Share of the training items, by score, with which others are compared."""

REFERENCES = 512
"""Training items kept in a model for items to be compared with."""


@dataclass(frozen=True)
class Explanation:
    """What made the score of one item.

    Attributes
    ----------
    score: of the item.
    typical_score: of the training item most like it, other than itself, with which it was compared.
    names, contributions: what the data type names in an item (columns; channels over a span of
        steps, which in a recording count from its beginning) and how much of the score each made,
        strongest first, ``(G,)``. Negative ones speak for the item.
    points: the same as the user knows the item: ``(columns,)`` or ``(steps, channels)``, with all
        steps that series may have.
    views: the terms of the learned views above those of the typical item, ``(nets, K)``; empty
        for methods without views.
    """

    score: float
    typical_score: float
    names: list[str]
    contributions: Scores
    points: Scores
    views: Scores

    def reasons(self, most: int = 3) -> str:
        """Return the strongest reasons in words, with their shares of the positive ones.

        Example
        -------
        >>> e = Explanation(5.0, 1.0, ["a", "b"], np.array([3.0, 1.0]), np.empty(0), np.empty(0))
        >>> e.reasons()
        'a (75 %), b (25 %)'
        """
        positive = np.clip(self.contributions, 0, None)
        total = positive.sum()
        shares = zip(self.names[:most], positive[:most], strict=True)
        return ", ".join(
            f"{name} ({100 * value / total:.0f} %)"
            for name, value in shares
            if value > 0.01 * total
        )


def explain(detector: Detector, X: Raw) -> list[Explanation]:
    """Explain the score of each item by comparison with the training item most like it.

    Each named part of the item is replaced by the same part of the typical item, and put alone
    into the typical item. Its contribution is the mean of what the first takes from the score and
    what the second adds: the first and last terms of its Shapley value. So parts that are only
    strange together, and parts that are strange twice over, both count. Where a part has no place
    in another item, the first alone counts.

    Parameters
    ----------
    detector: fitted.
    X: raw items; the time taken is that of scoring ``2 G`` items for each.
    """
    found = [
        _explain_item(detector, batch[i : i + 1])
        for batch in detector.in_batches(X)
        for i in range(len(batch))
    ]
    names = detector.data_.placed([one.names for one in found], X)
    return [replace(one, names=called) for one, called in zip(found, names, strict=True)]


def references(detector: Detector, items: Batch, generator: torch.Generator) -> Batch:
    """Choose the training items that a model keeps for comparison, ``(at most 512, ...)``.

    The strangest tenth is left out: what was learned from may hold anomalies, and what makes one
    strange does not show beside another.
    """
    some = items[torch.randperm(len(items), generator=generator)[:REFERENCES].sort().values]
    scores = detector.score_items(some)
    return some[torch.from_numpy(np.flatnonzero(scores <= np.quantile(scores, ORDINARY)))]


def _explain_item(detector: Detector, x: Batch) -> Explanation:
    typical = _typical(detector, x)
    names, without, alone = detector.data_.exchange(x, typical)
    score, usual = (float(detector.score_items(item)[0]) for item in (x, typical))
    contributions = score - detector.score_items(without)
    if alone is not None:
        contributions = (contributions + detector.score_items(alone) - usual) / 2
    order = np.argsort(-contributions, kind="stable")
    return Explanation(
        score=score,
        typical_score=usual,
        names=[names[i] for i in order],
        contributions=contributions[order],
        points=detector.data_.point_map(contributions, x),
        views=_views(detector, x, typical),
    )


def _typical(detector: Detector, x: Batch) -> Batch:
    """Return the kept training item nearest to x in features, as a batch of one.

    An item that was learned from is not compared with itself, unless there is no other.
    """
    data, features = detector.data_, detector.net_.features  # every method has them
    kept, device = data.kept(detector.references_), detector._device()
    with torch.no_grad():  # x as it would be kept, for that may be in half precision
        as_kept = data.kept(data.keep(x))
        own, others = (features(items.to(device)) for items in (as_kept, kept))
    distances = (others - own).norm(dim=1)
    itself = distances <= EQUAL * own.norm()
    if not itself.all():
        distances = distances.masked_fill(itself, torch.inf)
    nearest = int(distances.argmin())
    return kept[nearest : nearest + 1]


def _views(detector: Detector, x: Batch, typical: Batch) -> Scores:
    device = detector._device()
    with torch.no_grad():
        terms = [detector.view_terms(detector.net_, item.to(device)) for item in (x, typical)]
    if terms[0] is None or terms[1] is None:
        return np.empty((0, 0))
    difference: Scores = (terms[0][0] - terms[1][0]).double().cpu().numpy()
    return difference.reshape(len(detector.net_.members), -1)
