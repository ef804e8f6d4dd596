"""Judge a file part by part, and show how well labels agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np

from askew.cli import show
from askew.cli.failures import say
from askew.cli.kinds import Part
from askew.cli.source import Source
from askew.detector import Detector, Scores
from askew.errors import InputError
from askew.verdict import Verdict
from askew.wording import count_of

Doubts = dict[tuple[str, str], str]

LEAST_DOUBTED = 20
"""Items from which it is odd that all of them lack something, or have what was never seen."""


def judge(detector: Detector, source: Source, path: Path, *, labels: bool) -> Verdict:
    """Score a file part by part; only numbers are kept, so memory does not grow with its columns.

    Raises
    ------
    InputError: the file does not fit the model, changed while read, or has no items.
    """
    scores: list[Scores] = []
    moments, truth = [], []
    doubts: Doubts | None = None
    for part in followed(source.parts(path, labels=labels), "scoring"):
        doubts = still_doubted(doubts, detector, part)
        scores.append(part.inner(detector.decision_function(part.items)))
        when = detector.data_.moments(part.items)
        moments.append(None if when is None else part.inner(when))
        if part.labels is not None:
            truth.append(part.labels)
    if not sum(map(len, scores)):
        raise InputError(f"{path.name} holds no items: give a file with at least one.")
    if sum(map(len, scores)) >= LEAST_DOUBTED:
        for doubt in (doubts or {}).values():
            say(f"Warning: {doubt}.")
    if not len(detector.calibration_):
        say("Warning: the model was fitted with nothing held out: no p-values, no alerts.")
    return Verdict.of(
        detector,
        np.concatenate(scores),
        joined(moments),
        np.concatenate(truth) if truth else None,
    )


def still_doubted(doubts: Doubts | None, detector: Detector, part: Part) -> Doubts:
    """Return what was doubted of all parts so far and is of this one; None: there were none."""
    if doubts is not None and not doubts:
        return doubts
    found = detector.data_.doubts(part.items)
    return found if doubts is None else {key: doubts[key] for key in found if key in doubts}


def joined(moments: list[Scores | None]) -> Scores | None:
    """Put the moments of parts end to end; what begins anew is far apart from what was before.

    Example
    -------
    >>> joined([np.array([0.0, 0.5]), np.array([0.0, 0.5]), np.array([1.0, 1.5])])
    array([0. , 0.5, 1.5, 2. , 2.5, 3. ])
    """
    known = [of_part for of_part in moments if of_part is not None]
    if len(known) < len(moments):
        return None
    shift, shifted = 0.0, known[:1]
    for before, of_part in pairwise(known):
        shift += before[-1] + 1 if of_part[0] <= before[-1] else 0
        shifted.append(of_part + shift)
    return np.concatenate(shifted)


def metrics(verdict: Verdict) -> None:
    """Print how well scores and alerts agree with the labels, where there are any."""
    labels, found = verdict.labels, verdict.agreement()
    if labels is None:
        return
    if found is None:
        say(f"Warning: no metrics: {labels.sum()} of {len(labels)} labels say anomaly.")
        return
    show.table(
        f"Against the labels: {count_of(len(labels), 'item')}, {found.anomalies:,} anomalous",
        ["metric", ">value", "meaning"],
        found.told(),
    )


def followed(parts: Iterable[Part], doing: str) -> Iterator[Part]:
    """Yield parts, and show on a terminal how many items are done."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn(f"{doing}: {{task.completed:,}} items"))
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(doing, total=None)
        for part in parts:
            yield part
            bar.advance(task, len(part))


@contextmanager
def unchanged(path: Path, count: int) -> Iterator[list[int]]:
    """Check that a second reading of a file gave as many items as the first.

    Raises
    ------
    InputError: it did not.
    """
    seen: list[int] = []
    yield seen
    if sum(seen) != count:
        raise InputError(
            f"{path.name} changed while it was read ({count:,} items, then {sum(seen):,}): score "
            "it again when nothing writes to it."
        )
