"""``askew score``: judge every item of a file."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from askew.calibrate import benjamini_hochberg
from askew.cli import rows, show
from askew.cli.failures import say
from askew.cli.judging import followed, judge, metrics, unchanged
from askew.cli.kinds import Part
from askew.cli.source import Source
from askew.detector import Detector, Scores
from askew.errors import InputError
from askew.events import extent
from askew.store import load
from askew.verdict import Verdict
from askew.wording import count_of

EXPLAINED = 100
"""Most alerts explained in one part of a file (65,536 rows): the strangest of each event, then the
strangest; it takes time."""

TOP = 10
"""Items shown where no file is written."""


def run(
    model: Path,
    data: Path,
    *,
    out: Path | None,
    fdr: float | None,
    label: str | None,
    skip: bool,
) -> None:
    """Score a file; write one row an item, or show the strangest.

    The file is read twice: once for the scores, of which only numbers are kept, and once more for
    names and reasons. So memory stays bounded, and a wrong row stops the work before any is
    written.

    Raises
    ------
    InputError: the data, the place to write, or an option is wrong.
    """
    if out is not None:
        rows.check(out, data)
    if fdr is not None and not 0 < fdr <= 1:
        raise InputError(f"--fdr {fdr}: expected a share above 0 and at most 1.")
    detector = load(model)
    source = Source.of(detector).labelled(label).skipping(skip)
    verdict = judge(detector, source, data, labels=label is not None)
    picked = None if fdr is None else selected(detector, verdict, fdr)
    if out is None:
        strangest(detector, source, data, verdict)
    else:
        write(detector, source, data, verdict, picked, out)
        say(f"wrote {out}: {count_of(len(verdict.scores), 'row')}")
    counts(detector, verdict)
    if fdr is not None and picked is not None:
        show.line(_selection(detector, picked, fdr))
    if learned_from(detector, verdict):
        say(own_items(detector))
    metrics(verdict)


def selected(detector: Detector, verdict: Verdict, fdr: float) -> NDArray[np.bool_]:
    """Return which items are picked so that about a share ``fdr`` of those is normal, ``(n,)``."""
    return benjamini_hochberg(detector.p_values_of(verdict.scores), fdr)


def write(
    detector: Detector,
    source: Source,
    data: Path,
    verdict: Verdict,
    picked: NDArray[np.bool_] | None,
    out: Path,
) -> None:
    """Write one row an item; alerts come with their reasons, at most `EXPLAINED` a part."""
    events = verdict.events()
    with rows.written(out) as file, unchanged(data, len(verdict.scores)) as seen:
        for part in followed(source.parts(data), "writing"):
            here = np.arange(len(part)) + sum(seen)
            seen.append(len(part))
            if sum(seen) <= len(verdict.scores):
                found = scored(detector, part, verdict, here, events[here])
                if verdict.moments is not None:
                    found.insert(4, "event", events[here])
                if picked is not None:
                    found["selected"] = picked[here].astype(np.int64)
                file.write(found)


def scored(
    detector: Detector,
    part: Part,
    verdict: Verdict,
    here: NDArray[np.intp],
    events: NDArray[np.int64],
) -> pd.DataFrame:
    """Return the rows of a part, whose items are at the positions ``here`` of the verdict."""
    strongest = first_of_each(verdict.scores[here], events)[:EXPLAINED]
    found = {
        "id": part.ids,
        "score": verdict.scores[here],
        "p_value": verdict.p_values[here],
        "alert": verdict.alerts[here].astype(np.int64),
        "reasons": reasons(detector, part, np.sort(strongest)),
    }
    return pd.DataFrame(found)


def first_of_each(scores: Scores, events: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the positions of alerts: the highest of each event first, then the other ones.

    Example
    -------
    >>> first_of_each(np.array([5.0, 9.0, 8.0, 1.0, 7.0]), np.array([1, 1, 1, 0, 2]))
    array([1, 4, 2, 0])
    """
    alerts = np.flatnonzero(events)
    alerts = alerts[np.argsort(-scores[alerts], kind="stable")]
    _, first = np.unique(events[alerts], return_index=True)
    later = np.ones(len(alerts), dtype=bool)
    later[first] = False
    return alerts[np.argsort(later, kind="stable")]


def reasons(detector: Detector, part: Part, index: NDArray[np.intp]) -> NDArray[np.object_]:
    """Return the reasons of some items of a part, and empty words for the others."""
    said = np.full(len(part), "", dtype=object)
    if len(index):
        places = detector.data_.speakers(part.items, part.before + index)
        speaks, owner = np.unique(places, return_inverse=True)
        items = detector.data_.take(part.items, speaks)
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # said when scored
            words = [explanation.reasons() for explanation in detector.explain(items)]
        said[index] = [words[i] for i in owner]
    return said


def strangest(detector: Detector, source: Source, data: Path, verdict: Verdict) -> None:
    """Print the strangest items, or events, with reasons."""
    top, events = verdict.strangest(TOP), verdict.events()
    spans = np.array([extent(events, int(i)) for i in top]).reshape(-1, 2)
    ids: dict[int, str] = {}
    why: dict[int, str] = {}
    with unchanged(data, len(verdict.scores)) as seen:
        for part in source.parts(data):
            inside, ends = within(top, seen, part), within(spans.ravel(), seen, part)
            ids |= {i + sum(seen): str(part.ids[i]) for i in (*inside, *ends)}
            said = reasons(detector, part, inside)
            why |= {i + sum(seen): said[i] for i in inside}
            seen.append(len(part))
    together = verdict.moments is not None
    what = "strangest event" if together else "strangest item"
    show.table(
        f"The {count_of(len(top), what)}" if len(top) > 1 else f"The {what}",
        ["id", ">score", ">p-value", "alert", "reasons"],
        (
            (ids[i], *_numbers(verdict, i), _alert(verdict, i, ids[first], ids[last]), why[i])
            for i, (first, last) in zip(top, spans, strict=True)
        ),
    )


def within(places: NDArray[np.intp], seen: list[int], part: Part) -> NDArray[np.intp]:
    """Return which places, counted from the first item of the file, lie in a part, in its count."""
    inside = np.sort(places - sum(seen))
    found: NDArray[np.intp] = inside[(inside >= 0) & (inside < len(part))]
    return found


def _numbers(verdict: Verdict, i: int) -> tuple[float, float | None]:
    p = float(verdict.p_values[i])
    return float(verdict.scores[i]), None if np.isnan(p) else p


def _alert(verdict: Verdict, i: int, first: str, last: str) -> str:
    """Say whether an item is an alert, and how long its event lasts."""
    if not verdict.alerts[i]:
        return ""
    return "yes" if first == last else f"{first} to {last}"


def counts(detector: Detector, verdict: Verdict) -> None:
    """Print how many alerts there are, beside how many normal items alone would raise."""
    count, raised = len(verdict.scores), int(verdict.alerts.sum())
    together = ""
    if verdict.moments is not None:
        together = f" in {count_of(int(verdict.events().max(initial=0)), 'event')}"
    expected = detector.alert_rate * count
    show.line(
        f"{count_of(count, 'item')}, {count_of(raised, 'alert')}{together} above "
        f"{detector.threshold_:.4g}; at alert rate {detector.alert_rate:g} about {expected:.3g} "
        "would come from normal items alone"
        if np.isfinite(detector.threshold_)
        else f"{count_of(count, 'item')}, no alerts: too few items were held out in training for "
        f"alert rate {detector.alert_rate:g}; go by the order of the scores"
    )


def learned_from(detector: Detector, verdict: Verdict) -> bool:
    """Say whether what was judged is what the model was fitted on, going by its scores."""
    own, now = detector.decision_scores_, verdict.scores
    return len(own) == len(now) and bool(np.allclose(own, now, rtol=1e-4))


def own_items(detector: Detector) -> str:
    """Say what scores of the items that were learned from are worth."""
    said = (
        "Note: these are the items that the model learned from. They may look more normal to it "
        "than new ones would, so that p-values are too large and alerts too few: go by the order "
        "of the scores, or learn from other items."
    )
    if getattr(detector, "contamination", None) == 0:
        said += " Where anomalies are among them, fit with --set contamination=0.1."
    return said


def _selection(detector: Detector, selected: NDArray[np.bool_], fdr: float) -> str:
    """Say how many were selected, or why none could be."""
    picked = int(selected.sum())
    if picked:
        return f"{picked:,} selected at fdr {fdr:g}: on average at most {fdr:.3g} of them normal"
    held = len(detector.calibration_)
    return (
        f"none selected at fdr {fdr:g}: {held:,} held-out items allow no p-value below "
        f"{1 / (held + 1):.2g}, and of {len(selected):,} items at least "
        f"{np.ceil(len(selected) / (fdr * (held + 1))):,.0f} would have to reach it; fit with "
        "more items, or go by the alerts"
    )
