"""Why an item scored what it did, for any method and data type, by replacing parts of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from askew.data import Raw
from askew.detector import Detector, Scores

REFERENCES = 512
"""Training items kept in a model for items to be compared with."""


@dataclass(frozen=True)
class Explanation:
    """What made the score of one item.

    Attributes
    ----------
    score: of the item.
    typical_score: of the training item most like it, with which it was compared.
    names, contributions: what the data type names in an item (columns; channels over a span of
        steps) and how much of the score each made, strongest first, ``(G,)``. Negative ones speak
        for the item.
    points: the same as the user knows the item: ``(columns,)`` or ``(steps, channels)``.
    views: the terms of the learned views above those of the typical item, ``(K,)``; empty for
        methods without views.
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
    strange together, and parts that are strange twice over, both count.

    Parameters
    ----------
    detector: fitted.
    X: raw items; the time taken is that of scoring ``2 G`` items for each.
    """
    return [_explain_item(detector, x) for batch in detector.in_batches(X) for x in batch]


def references(items: Tensor, generator: torch.Generator) -> Tensor:
    """Choose the training items that a model keeps for comparison, ``(at most 512, ...)``."""
    return items[torch.randperm(len(items), generator=generator)[:REFERENCES].sort().values]


def _explain_item(detector: Detector, x: Tensor) -> Explanation:
    typical = _typical(detector, x)
    names, masks = detector.data_.groups(x)
    without, alone = torch.where(masks, typical, x), torch.where(masks, x, typical)
    ends = detector.score_items(torch.stack([x, typical]))
    lost = ends[0] - detector.score_items(without)
    gained = detector.score_items(alone) - ends[1]
    contributions = (lost + gained) / 2
    order = np.argsort(-contributions, kind="stable")
    return Explanation(
        score=float(ends[0]),
        typical_score=float(ends[1]),
        names=[names[i] for i in order],
        contributions=contributions[order],
        points=detector.data_.point_map(contributions),
        views=_views(detector, x, typical),
    )


def _typical(detector: Detector, x: Tensor) -> Tensor:
    """Return the kept training item nearest to x in features."""
    kept = torch.as_tensor(detector.references_)
    features = detector.net_.features  # every method has them
    with torch.no_grad():
        distances = torch.cdist(features(x[None]), features(kept))
    return kept[int(distances.argmin())]


def _views(detector: Detector, x: Tensor, typical: Tensor) -> Scores:
    view_terms = getattr(detector, "view_terms", None)
    if view_terms is None:
        return np.empty(0)
    with torch.no_grad():
        terms = view_terms(detector.net_, torch.stack([x, typical]).to(detector._device()))
    difference: Scores = (terms[0] - terms[1]).double().cpu().numpy()
    return difference
