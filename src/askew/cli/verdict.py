"""What a model says of all items of a file, kept as a few numbers an item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from askew.calibrate import benjamini_hochberg
from askew.cli import show
from askew.cli.failures import say
from askew.cli.kinds import Part
from askew.cli.source import Source
from askew.detector import Detector, Scores
from askew.errors import InputError
from askew.events import number_events, peaks
from askew.metrics import auroc_interval, average_precision, oracle_f1
from askew.wording import count_of


@dataclass(frozen=True)
class Verdict:
    """Scores of all items of a file and what follows from them, ``(n,)`` each.

    Attributes
    ----------
    scores: higher is stranger.
    p_values: how often a normal item scores this high; NaN where the model holds no items out.
    alerts: whether a score is above the threshold.
    selected: picked by ``--fdr``, where that was asked for.
    moments: when each score happened, see `askew.events`; None where each is of something else.
    labels: the truth, where that was given.
    """

    scores: Scores
    p_values: Scores
    alerts: NDArray[np.bool_]
    selected: NDArray[np.bool_] | None
    moments: Scores | None
    labels: NDArray[np.int64] | None

    def strangest(self, most: int) -> NDArray[np.intp]:
        """Return the positions of the highest scores, highest first, one an event."""
        return peaks(self.scores, self.alerts, self.moments, most)

    def events(self) -> NDArray[np.int64]:
        """Return the event of each alert, counted from 1, and 0 for the rest, ``(n,)``."""
        return number_events(self.alerts, self.moments)


def judge(
    detector: Detector, source: Source, path: Path, *, labels: bool, fdr: float | None = None
) -> Verdict:
    """Score a file part by part; only numbers are kept, so memory does not grow with its columns.

    Raises
    ------
    InputError: the file does not fit the model, changed while read, or has no items.
    """
    scores, moments, truth = [], [], []
    for part in followed(source.parts(path, labels=labels), "scoring"):
        scores.append(detector.decision_function(part.items))
        moments.append(detector.data_.moments(part.items))
        if part.labels is not None:
            truth.append(part.labels)
    if not sum(map(len, scores)):
        raise InputError(f"{path.name} holds no items: give a file with at least one.")
    found = np.concatenate(scores)
    p = p_values(detector, found, needed=fdr is not None)
    return Verdict(
        scores=found,
        p_values=p,
        alerts=found > detector.threshold_,
        selected=None if fdr is None else benjamini_hochberg(p, fdr),
        moments=joined(moments),
        labels=np.concatenate(truth) if truth else None,
    )


def joined(moments: list[Scores | None]) -> Scores | None:
    """Put the moments of parts end to end; what is of different parts is far apart.

    Example
    -------
    >>> joined([np.array([0.0, 0.5]), np.array([0.0, 0.5])])
    array([0. , 0.5, 1.5, 2. ])
    """
    known = [of_part for of_part in moments if of_part is not None]
    if len(known) < len(moments):
        return None
    ends = np.cumsum([0.0, *(of_part[-1] + 1 for of_part in known[:-1])])
    return np.concatenate([of_part + end for of_part, end in zip(known, ends, strict=True)])


def p_values(detector: Detector, scores: Scores, *, needed: bool = False) -> Scores:
    """Return p-values, or NaN with a warning where the model holds none to compare with."""
    if len(detector.calibration_) or needed:
        return detector.p_values_of(scores)
    say("Warning: the model was fitted with nothing held out: no p-values, no alerts.")
    return np.full(len(scores), np.nan)


def metrics(verdict: Verdict) -> None:
    """Print how well scores and alerts agree with the labels, where there are any."""
    labels = verdict.labels
    if labels is None:
        return
    anomalies = int(labels.sum())
    if not 1 < anomalies < len(labels) - 1:
        say(f"Warning: no metrics: {anomalies} of {len(labels)} labels say anomaly.")
        return
    show.table(
        f"Against the labels: {count_of(len(labels), 'item')}, {anomalies:,} anomalous",
        ["metric", ">value", "meaning"],
        measured(verdict.scores, verdict.alerts, labels),
    )


def measured(
    scores: Scores, alerts: NDArray[np.bool_], labels: NDArray[np.int64]
) -> list[tuple[str, str, str]]:
    """Return metrics by name, value and meaning."""
    area = auroc_interval(labels, scores)
    hits, raised = int((alerts & (labels == 1)).sum()), int(alerts.sum())
    precision = f"{hits / raised:.3f}" if raised else "none"
    return [
        (
            "AUROC",
            f"{area.value:.3f}",
            f"95 % range {area.low:.3f} to {area.high:.3f}; 0.5: chance",
        ),
        ("AP", f"{average_precision(labels, scores):.3f}", f"{labels.mean():.3f}: chance"),
        ("oracle F1", f"{oracle_f1(labels, scores):.3f}", "at the true share, known only here"),
        ("alerts' precision", precision, f"{hits:,} of {raised:,} alerts are anomalies"),
        ("alerts' recall", f"{hits / labels.sum():.3f}", f"{hits:,} of {labels.sum():,} are found"),
    ]


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
