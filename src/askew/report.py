"""One HTML page about a model and what it found: it opens offline and needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from askew import __version__, plot
from askew.data.base import Raw
from askew.detector import Detector, Scores
from askew.errors import InputError
from askew.events import extent
from askew.explain import Explanation
from askew.health import told
from askew.page import document, figure, number, section, table
from askew.verdict import Verdict
from askew.whole import whole
from askew.wording import count_of

TOP = 20
"""Strangest items listed."""

PICTURED = 3
"""Strangest items shown with pictures of where and why."""

MASKED = 16
"""Most parts of an item, such as words, whose masks are drawn."""


@dataclass(frozen=True)
class Judged:
    """Items and what the detector says of them.

    Attributes
    ----------
    items: raw.
    name: of the items as a whole.
    ids: what each is called, ``(n,)``.
    verdict: numbers of each.
    top: positions of the strangest, one an event.
    explanations: of those.
    """

    items: Raw
    name: str
    ids: Sequence[Any]
    verdict: Verdict
    top: NDArray[np.intp]
    explanations: list[Explanation]


def write(
    detector: Detector,
    path: str | Path,
    X: Raw | None = None,
    *,
    labels: Sequence[int] | NDArray[np.int64] | None = None,
    ids: Sequence[Any] | NDArray[Any] | None = None,
    name: str = "the items",
) -> None:
    """Write a report on a fitted detector and, where items are given, on what it says of them.

    The file holds its pictures, loads nothing, runs no script, and is written whole or not at all.

    Parameters
    ----------
    detector: fitted.
    path: of the HTML file.
    X: raw items to judge.
    labels: the truth about them, 0 or 1, for metrics.
    ids: what to call them; their positions where left out.
    name: of the items as a whole, such as a file's name.

    Raises
    ------
    InputError: ``X`` does not fit the detector, or the file cannot be written.
    NotFittedError: the detector is not fitted.

    Example
    -------
    >>> import tempfile
    >>> from askew import KNN
    >>> detector = KNN().fit(np.random.default_rng(0).normal(size=(500, 2)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(detector, Path(folder) / "report.html")
    ...     (Path(folder) / "report.html").read_text()[:15]
    '<!doctype html>'
    """
    detector._check_fitted()
    judged = None if X is None else judge(detector, X, labels, ids, name)
    text = page(detector, judged)
    with whole(Path(path)) as fresh:
        fresh.write_text(text, encoding="utf-8")


def judge(
    detector: Detector,
    X: Raw,
    labels: Sequence[int] | NDArray[np.int64] | None,
    ids: Sequence[Any] | NDArray[Any] | None,
    name: str,
) -> Judged:
    """Score items and explain the strangest."""
    scores = detector.decision_function(X)
    if not len(scores):
        raise InputError("There are no items to report on: give at least one.")
    truth = None if labels is None else _truth(labels)
    names = range(len(scores)) if ids is None else list(ids)
    for what, given in {"labels": truth, "ids": names}.items():
        if given is not None and len(given) != len(scores):
            raise InputError(f"{len(scores)} scores and {len(given)} {what}: expected one a score.")
    verdict = Verdict.of(detector, scores, detector.data_.moments(X), truth)
    top = verdict.strangest(TOP)
    return Judged(
        items=X,
        name=name,
        ids=names,
        verdict=verdict,
        top=top,
        explanations=detector.explain(speaking(detector, X, top)),
    )


def _truth(labels: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    found = np.asarray(labels)
    if found.ndim != 1 or not np.isin(found, (0, 1)).all():
        raise InputError("Labels are one list of 0 (normal) and 1 (anomalous): found others.")
    return found.astype(np.int64)


def speaking(detector: Detector, X: Raw, places: NDArray[np.intp]) -> Raw:
    """Return the raw items that speak for the scores at these places."""
    return detector.data_.take(X, detector.data_.speakers(X, places))


def page(detector: Detector, judged: Judged | None) -> str:
    """Return the whole page."""
    title = f"{type(detector).__name__}: {'the model' if judged is None else judged.name}"
    sections = [header(detector, judged)]
    if judged is not None:
        sections += [overview(detector, judged), strangest(detector, judged)]
        sections += [pictures(detector, judged)]
    sections += [spread(detector, judged), health(detector)]
    if judged is not None:
        sections += [learned_views(detector, judged)]
    sections += [training(detector), parameters(detector)]
    foot = f"Written by askew {__version__}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. "
    return document(title, sections, f"{foot}Higher scores are stranger.")


# The sections.


def header(detector: Detector, judged: Judged | None) -> str:
    """Return what the model is and, in a few large numbers, what it found."""
    source = getattr(detector, "source_", {})
    facts = [
        f"<strong>{escape(type(detector).__name__)}</strong> learned from "
        f"{escape(detector.data_.describe())}",
        f"{len(detector.calibration_):,} held-out scores set the threshold",
        f"file: {escape(source['name'])}" if source.get("name") else "",
        f"fitted {escape(source['fitted'])}" if source.get("fitted") else "",
    ]
    said = "" if judged is None else cards(detector, judged.verdict)
    title = "What the model learned" if judged is None else f"What stands out in {judged.name}"
    about = "; ".join(filter(None, facts))
    return f"<header>\n<h1>{escape(title)}</h1>\n<p>{about}.</p>\n</header>\n{said}"


def cards(detector: Detector, verdict: Verdict) -> str:
    """Return the large numbers: items, alerts, and metrics where there are labels."""
    count = len(verdict.scores)
    expected = f"about {detector.alert_rate * count:.3g} expected if all were normal"
    if verdict.moments is not None:
        events = int(verdict.events().max(initial=0))
        expected = f"in {count_of(events, 'event')}; {expected}"
    numbers = [
        (f"{count:,}", "items judged", ""),
        (f"{int(verdict.alerts.sum()):,}", "alerts", expected),
        (number(detector.threshold_), "alert threshold", f"alert rate {detector.alert_rate:g}"),
    ]
    found = verdict.agreement()
    numbers += [] if found is None else [(value, name, note) for name, value, note in found.told()]
    return (
        '<div class="cards">'
        + "".join(
            f"<div><b>{escape(value)}</b><span>{escape(name)}</span><small>{escape(note)}</small></div>"
            for value, name, note in numbers
        )
        + "</div>"
    )


def overview(detector: Detector, judged: Judged) -> str:
    """Return a sight of everything judged, where the data type has one."""
    verdict, threshold = judged.verdict, detector.threshold_
    shown = detector.data_.overview(judged.items, verdict.scores, threshold, verdict.labels)
    if shown is None:
        return ""
    drawn, about = shown
    body = drawn if isinstance(drawn, str) else figure(drawn, about)
    return section("At a glance", "", f'<div class="row">{body}</div>')


def strangest(detector: Detector, judged: Judged) -> str:
    """Return the table of the strangest items."""
    columns = ["rank", "item", "score", "p-value", "alert", "strongest reasons"]
    if judged.verdict.labels is not None:
        columns.insert(5, "truth")
    events = judged.verdict.events()
    rows = (_row(detector, judged, rank, int(i), events) for rank, i in enumerate(judged.top))
    return section(
        "The strangest items" if judged.verdict.moments is None else "The strangest events",
        "Reasons name what made the score, with its share: each part is replaced by that of the "
        "training item most like it. The p-value says how often a normal item scores this high.",
        table(columns, rows, numeric=(0, 2, 3)),
    )


def _row(
    detector: Detector, judged: Judged, rank: int, i: int, events: NDArray[np.int64]
) -> list[str]:
    first, last = extent(events, i)
    verdict, p = judged.verdict, judged.verdict.p_values[i]
    lasts = "" if first == last else f" from {judged.ids[first]} to {judged.ids[last]}"
    cells = [
        str(rank + 1),
        str(judged.ids[i]),
        number(verdict.scores[i]),
        "" if np.isnan(p) else number(p),
        f"alert{lasts}" if events[i] else "",
        judged.explanations[rank].reasons(),
    ]
    if verdict.labels is not None:
        cells.insert(5, "anomaly" if verdict.labels[i] else "normal")
    return cells


def pictures(detector: Detector, judged: Judged) -> str:
    """Return where and why for the few strangest items."""
    shown = "".join(
        _item(detector, judged, rank, int(i)) for rank, i in enumerate(judged.top[:PICTURED])
    )
    return section("A closer look", "", shown)


def _item(detector: Detector, judged: Judged, rank: int, i: int) -> str:
    explanation = judged.explanations[rank]
    drawn = [_where(detector, judged, i, explanation)]
    if explanation.views.size:
        about = "How much stranger each learned view found it than the training item most like it."
        drawn.append(figure(plot.view_terms(explanation), about))
    score = float(judged.verdict.scores[i])
    return (
        f"<h3>{escape(str(judged.ids[i]))}</h3>\n<p>Score {number(score)}; the "
        f"training item most like it scores {number(explanation.typical_score)}.</p>\n"
        f'<div class="row">{"".join(drawn)}</div>'
    )


def _where(detector: Detector, judged: Judged, i: int, explanation: Explanation) -> str:
    """Show where the score was made, in the way of the data type."""
    alone = speaking(detector, judged.items, np.array([i]))
    drawn, about = detector.data_.picture(alone, explanation)
    if isinstance(drawn, str):
        return f"<div>{drawn}<p>{escape(about)}</p></div>"
    return figure(drawn, about)


def spread(detector: Detector, judged: Judged | None) -> str:
    """Return where scores lie, and how even p-values are."""
    if not len(detector.calibration_) and judged is None:
        return ""
    verdict = None if judged is None else judged.verdict
    new, labels = (None, None) if verdict is None else (verdict.scores, verdict.labels)
    drawn = plot.scores(detector.calibration_, new, labels, threshold=detector.threshold_)
    shown = figure(drawn, "Each group's bars add up to 100 %; far scores are in the last bar.")
    if judged is not None and len(detector.calibration_):
        p = judged.verdict.p_values
        normal = p if labels is None else p[labels == 0]
        name = judged.name if labels is None else f"normal items of {judged.name}"
        about = (
            "Calibration: p-values of normal items follow the diagonal."
            if labels is not None
            else "p-values of normal items follow the diagonal; anomalies lift the left end."
        )
        if len(normal):
            shown += figure(plot.p_values(normal, name=name), about)
    return section("Scores", "", f'<div class="row">{shown}</div>')


def health(detector: Detector) -> str:
    """Return the checks of the finished detector, with advice."""
    checks = detector.health_
    failed = sum(not check["passed"] for check in checks)
    rows = (
        [c["name"], "passed" if c["passed"] else "FAILED", number(c["value"]), told(c)]
        for c in checks
    )
    lead = (
        f"{failed} of {len(checks)} checks failed: what to do stands beside each."
        if failed
        else f"All {len(checks)} checks passed."
    )
    return section(
        "Health",
        f"{lead} They compare held-out training items with altered copies of them, without labels.",
        table(["check", "result", "value", "meaning"], rows, numeric=(2,)),
    )


def learned_views(detector: Detector, judged: Judged) -> str:
    """Return what the learned views do to the strangest item and to the most ordinary one."""
    ordinary = np.argmin(judged.verdict.scores)
    places = {"strangest item": judged.top[0], "most ordinary item": ordinary}
    items = [speaking(detector, judged.items, np.array([i])) for i in places.values()]
    encoded = [next(detector.in_batches(item))[:1] for item in items]
    found = [(x, made) for x in encoded if (made := detector.masks(x)) is not None]
    if not found:
        return ""
    keep = found[0][1].keep
    masks = [_most_changed(*detector.data_.masked(x, made.values)) for x, made in found]
    limit = max(float(np.abs(one).max()) for _, one in masks)
    drawn = [
        figure(
            plot.views(one, names, signed=not keep, limit=limit),
            f"{role}: {judged.ids[int(i)]}",
        )
        for (role, i), (names, one) in zip(places.items(), masks, strict=True)
    ]
    kind = "masks: 1 keeps a value, 0 removes it" if keep else "displacements they add"
    return section(
        "Learned views",
        f"What each view of the first network does to every part of an item ({kind}). Views of "
        "normal items differ from each other and stay recognisable; on strange items they fail.",
        f'<div class="row">{"".join(drawn)}</div>',
    )


def _most_changed(names: list[str], masks: Scores) -> tuple[list[str], Scores]:
    """Return the parts of an item that views treat most unequally, in their order."""
    if len(names) <= MASKED:
        return names, masks
    kept = np.sort(np.argsort(-np.ptp(masks, axis=0), kind="stable")[:MASKED])
    return [names[i] for i in kept], masks[:, kept]


def training(detector: Detector) -> str:
    """Return how the loss fell, for methods that train by steps."""
    history = detector.training_
    if not history.get("losses"):
        return ""
    about = f"{history['steps']:,} steps in {len(history['losses']):,} epochs"
    return section(
        "Training", "", f'<div class="row">{figure(plot.loss(history), f"{about}.")}</div>'
    )


def parameters(detector: Detector) -> str:
    """Return all parameters of the method and its data type."""
    own = detector.get_params(deep=False)
    given = {**own, **{f"data: {k}": v for k, v in detector.data_.get_params(deep=False).items()}}
    rows = ([name, str(value)] for name, value in given.items() if name not in ("data", "verbose"))
    return section(
        "Parameters",
        "",
        "<details><summary>Show all</summary>" + table(["name", "value"], rows) + "</details>",
    )
