"""Whether a finished detector learned anything, and can be trusted: checks without labels."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.stats import ks_2samp

from askew.metrics import auroc

if TYPE_CHECKING:
    from askew.detector import Detector, Scores

ITEMS = 1000
"""Items the checks look at; more would only take longer."""

VISIBLE = 0.6
"""AUROC from which altered copies count as seen; 0.5 is chance."""


@dataclass(frozen=True)
class Check:
    """One question put to a detector.

    Attributes
    ----------
    name: of the check.
    passed: the answer.
    value: what was measured.
    meaning: what that is.
    advice: what to do where the check failed.
    """

    name: str
    passed: bool
    value: float
    meaning: str
    advice: str


def told(check: Mapping[str, Any]) -> str:
    """Return what a check measured, and where it failed, what to do.

    Example
    -------
    >>> told({"meaning": "spread", "advice": "try again", "passed": False})
    'spread; try again'
    """
    meaning: str = check["meaning"]
    return meaning if check["passed"] else f"{meaning}; {check['advice']}"


def examine(
    detector: Detector, items: torch.Tensor, unlearned: Mapping[int, float]
) -> list[dict[str, Any]]:
    """Put all checks to a fitted detector and return them as plain values.

    Parameters
    ----------
    detector: fitted and calibrated.
    items: the items it was fitted on, encoded.
    unlearned: scores of held-out items, by learners that did not learn from them, by position in
        ascending order; where there are none, the learned items are looked at.

    A check that fails is also a ``UserWarning``.
    """
    places = np.fromiter(unlearned, int) if unlearned else np.arange(len(items))
    every = max(1, len(places) // ITEMS)
    some = places[::every]
    known = detector.score_items(items[some])
    scores = np.array([unlearned[place] for place in some]) if unlearned else known
    checks = [*_checks(detector, items[some], scores, every), _alone(detector, items[some], known)]
    for check in checks:
        if not check.passed:
            found = f"health: {check.name}? No ({check.value:.3g}): {told(asdict(check))}."
            warnings.warn(found, UserWarning, stacklevel=3)
    return [asdict(check) for check in checks]


def _checks(detector: Detector, items: torch.Tensor, scores: Scores, every: int) -> Iterator[Check]:
    yield from _loss_moved(detector)
    spread = float(np.std(scores) / (np.abs(scores).mean() + 1e-12))
    yield Check(
        "scores vary",
        len(scores) < 2 or bool(np.ptp(scores) > 1e-9),
        spread,
        "spread of the scores over their size",
        "all items look alike to it: the data may hardly vary, or training collapsed (try a lower "
        "lr or another seed)",
    )
    with torch.no_grad():
        yield from detector.checks(detector.net_, items)
    yield from _alterations(detector, items, scores)
    yield from _calibrated(detector, scores, every)


def _loss_moved(detector: Detector) -> Iterator[Check]:
    before, after = detector.training_["loss_before"], detector.training_["loss_after"]
    if before is None or after is None:
        return
    yield Check(
        "loss moved",
        bool(after < before - 1e-3 * abs(before)),
        after / before if before else 1.0,
        "loss after training over loss before",
        "near 1 nothing was learned: train longer or raise lr",
    )


def _alterations(detector: Detector, items: torch.Tensor, scores: Scores) -> Iterator[Check]:
    generator = torch.Generator().manual_seed(int(detector.seed))
    reached, trivial = [], []
    plain = _trivial(detector, items)
    for name, altered in detector.data_.alter(items, generator).items():
        seen = _seen(scores, detector.score_copies(altered, items))
        reached.append(seen)
        trivial.append(_seen(plain(items), plain(altered)))
        yield Check(
            f"sees {name} items",
            seen >= (VISIBLE if name == "scaled" else 0.5),
            seen,
            f"AUROC of {name} copies of held-out items against the originals",
            "near 0.5 or below it cannot see such a change: use another method beside it",
        )
    yield Check(
        "better than a trivial statistic",
        float(np.mean(reached)) > float(np.mean(trivial)) - 0.05,
        float(np.mean(reached) - np.mean(trivial)),
        "mean AUROC on the altered copies, above that of the distance to the mean",
        "the simplest statistic sees more: look at the columns, or try another method",
    )


def _trivial(detector: Detector, items: torch.Tensor) -> Callable[[torch.Tensor], Scores]:
    """Return a function that scores items by the distance of their features to the mean."""
    features = detector.net_.features
    with torch.no_grad():
        mean = features(items).mean(0)

    def distance(x: torch.Tensor) -> Scores:
        with torch.no_grad():
            found: Scores = (features(x) - mean).norm(dim=1).double().cpu().numpy()
        return found

    return distance


def _seen(normal: Scores, altered: Scores) -> float:
    labels = np.repeat([0, 1], [len(normal), len(altered)])
    return auroc(labels, np.concatenate([normal, altered]))


def _alone(detector: Detector, items: torch.Tensor, scores: Scores) -> Check:
    few = min(16, len(items))
    alone = np.concatenate([detector.score_items(items[i : i + 1]) for i in range(few)])
    gap = float(
        np.max(np.abs(alone - scores[:few]) / (1e-9 + np.abs(scores).mean() + np.std(scores)))
    )
    return Check(
        "alone as in a batch",
        gap < 1e-3,
        gap,
        "largest change of an item's score when it is scored alone, over the size of the scores",
        "scores depend on neighbours: report this as a bug of the method",
    )


def _calibrated(detector: Detector, scores: Scores, every: int) -> Iterator[Check]:
    """Ask for enough held-out items, and for the first of them to score like the last.

    ``scores`` are of each ``every``-th of them.
    """
    from askew.calibrate import enough_for

    enough, held = enough_for(detector.alert_rate), len(detector.calibration_)
    if not held:
        return
    yield Check(
        "enough held-out items",
        held >= enough,
        float(held),
        f"held-out items; {enough} guarantee a false-alarm rate of {detector.alert_rate:g}",
        "the threshold is extrapolated, or out of reach: give more items, or raise held_out or "
        "alert_rate",
    )
    if held < 20:
        return
    scores = scores[:: math.ceil(detector.data_.apart() / every)]  # overlapping items prove nothing
    if len(scores) < 20:
        return
    first, second = scores[: len(scores) // 2], scores[len(scores) // 2 :]
    value = float(ks_2samp(first, second).pvalue)
    yield Check(
        "calibrated",
        value > 1e-3,
        value,
        "chance that held-out items score so differently early and late in the training data",
        "they drift or are sorted, so new items may differ again: look at their order in time",
    )
