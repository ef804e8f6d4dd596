"""How well maps of scores point at marked places in images: pixels, and whole regions.

Masks are 1 where something is wrong; maps are higher where a detector finds it strange.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from askew import metrics
from askew.errors import InputError

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]

LIMIT = 0.3
"""Share of normal pixels marked wrongly up to which regions are counted, as published."""


def pixel_auroc(masks: ArrayLike, maps: ArrayLike, *, anomalous_only: bool = False) -> float:
    """Return how often a defective pixel scores above a normal one, over all images together.

    Large defects and easy background dominate it: look at `aupro` too.

    Parameters
    ----------
    masks, maps: ``(n, h, w)``.
    anomalous_only: leave images without a defect out; papers print either, rarely saying which.

    Example
    -------
    >>> pixel_auroc([[[1, 0], [0, 0]]], [[[9, 1], [2, 3]]])
    1.0
    """
    marked, scores = _checked(masks, maps)
    if anomalous_only:
        kept = marked.any(axis=(1, 2))
        marked, scores = marked[kept], scores[kept]
    return metrics.auroc(marked.ravel().astype(np.int64), scores.ravel())


def aupro(masks: ArrayLike, maps: ArrayLike, *, limit: float = LIMIT) -> float:
    """Return the area under the per-region overlap, up to ``limit`` false positive pixels.

    At each threshold, what share of a connected defect is found, averaged over all defects: a
    small one weighs as much as a large one. Thresholds are all distinct scores, with straight
    lines between them and at the limit; regions (joined at sides and corners) are taken as they
    are, holes included; the area is divided by ``limit``. So 1 is perfect, and a constant map
    gets ``limit / 2``.

    Parameters
    ----------
    masks, maps: ``(n, h, w)``.
    limit: in (0, 1]; share of all normal pixels.

    Source: Bergmann et al., MVTec AD, IJCV 2021.

    Example
    -------
    >>> aupro([[[1, 0], [0, 0]]], [[[0, 0], [0, 0]]])
    0.15
    """
    marked, scores = _checked(masks, maps)
    if not 0 < limit <= 1:
        raise InputError(f"limit={limit}: expected a share above 0 and at most 1.")
    overlap = _region_weights(marked).ravel()  # each region sums to 1 / regions
    wrong = (~marked).ravel() / np.count_nonzero(~marked)
    order = np.argsort(-scores.ravel(), kind="stable")
    ordered = scores.ravel()[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    false = np.concatenate([[0.0], np.cumsum(wrong[order])[ends]])
    found = np.concatenate([[0.0], np.cumsum(overlap[order])[ends]])
    return _area(false, found, limit) / limit


def _region_weights(marked: Masks) -> Floats:
    """Give each pixel its share of its region, over the number of regions: ``(n, h, w)``."""
    from scipy import ndimage

    corners = np.zeros((3, 3, 3), dtype=bool)
    corners[1] = True  # joined within an image, never between images
    regions, count = ndimage.label(marked, structure=corners)
    areas = np.bincount(regions.ravel(), minlength=count + 1).astype(np.float64)
    areas[0] = np.inf
    weights: Floats = 1 / (areas[regions] * count)
    return weights


def _area(x: Floats, y: Floats, limit: float) -> float:
    """Return the area under a rising broken line from 0 to ``limit``."""
    inside = np.searchsorted(x, limit, side="right")
    last = y[-1] if inside == len(x) else _between(x, y, int(inside), limit)
    return float(np.trapezoid(np.append(y[:inside], last), np.append(x[:inside], limit)))


def _between(x: Floats, y: Floats, right: int, at: float) -> float:
    share = (at - x[right - 1]) / (x[right] - x[right - 1])
    return float(y[right - 1] + share * (y[right] - y[right - 1]))


def _checked(masks: ArrayLike, maps: ArrayLike) -> tuple[Masks, Floats]:
    marked, scores = np.asarray(masks) != 0, np.asarray(maps, dtype=np.float64)
    if marked.ndim != 3 or marked.shape != scores.shape:
        raise InputError(
            f"Found masks {marked.shape} and maps {scores.shape}; expected both (images, height, "
            "width). Bring one to the size of the other: masks by nearest neighbour."
        )
    if not np.isfinite(scores).all():
        raise InputError("Maps hold values that are not finite: expected numbers.")
    if not marked.any() or marked.all():
        raise InputError(
            "Masks mark no pixel, or all of them: expected both normal and defective ones."
        )
    return marked, scores
