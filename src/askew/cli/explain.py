"""``askew explain``: why one item scored what it did."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from askew.cli import show
from askew.cli.failures import say
from askew.cli.source import Source
from askew.data.base import Raw
from askew.errors import InputError
from askew.explain import Explanation
from askew.store import load
from askew.wording import count_of

SHOWN = 10
"""Contributions and views printed, the strongest."""


def run(model: Path, data: Path, item: str, skip: bool) -> None:
    """Find an item by its id and print what made its score.

    Raises
    ------
    InputError: no item has this id.
    """
    detector = load(model)
    items, place = find(Source.of(detector).skipping(skip), data, item)
    speaks = detector.data_.speakers(items, np.array([place]))
    found = detector.data_.take(items, speaks)
    (explanation,) = detector.explain(found)
    where = detector.data_.whereabouts(found)
    # A step has a score of its own, from all windows that hold it.
    score = detector.decision_function(items)[place] if where else explanation.score
    p = detector.p_values_of([score])[0] if len(detector.calibration_) else None
    alert = "an alert" if detector.alerts_of([score])[0] else "no alert"
    chance = "" if p is None else f", p-value {p:.4g}"
    show.line(f"{item}: score {score:.4g}{chance}: {alert} (threshold {detector.threshold_:.4g})")
    if where:
        show.line(f"what is explained is {where}, which scores {explanation.score:.4g}")
    show.line(f"the training item most like it scores {explanation.typical_score:.4g}")
    contributions(explanation, found)
    views(explanation)


def find(source: Source, data: Path, item: str) -> tuple[Raw, int]:
    """Return raw input and the place in it of what has this id; of the first, if several do.

    Where none has it and it is a number, the item in that row is meant.
    """
    count, numbered, example = 0, None, ""
    for part in source.parts(data):
        places = np.flatnonzero([str(name) == item for name in part.ids])
        if len(places) > 1:
            say(f"Warning: {len(places)} items are called {item}: the first is explained.")
        if len(places):
            return part.items, part.before + int(places[0])
        if item.isdecimal() and count <= int(item) < count + len(part):
            numbered = part.items, part.before + int(item) - count
        count += len(part)
        example = str(part.ids[-1]) if len(part.ids) else example
    if numbered is not None:
        return numbered
    raise InputError(
        f"--item {item}: none of the {count_of(count, 'item')} in {data.name} is called so or has "
        f"this number (they count from 0); the last one is called {example!r}."
    )


def contributions(explanation: Explanation, item: Raw) -> None:
    """Print the strongest contributions, and for a row of a table its values."""
    values = item.iloc[0].to_dict() if hasattr(item, "iloc") else {}
    positive = np.clip(explanation.contributions, 0, None).sum() or 1.0
    show.table(
        "What made the score",
        ["where", "value", ">contribution", ">share"]
        if values
        else ["where", ">contribution", ">share"],
        (
            (name, *([values.get(name)] if values else []), float(made), _share(made / positive))
            for name, made in zip(
                explanation.names[:SHOWN], explanation.contributions[:SHOWN], strict=True
            )
        ),
    )


def views(explanation: Explanation) -> None:
    """Print the learned views whose terms rose most above those of the typical item."""
    if not explanation.views.size:
        return
    order = np.argsort(-explanation.views, axis=None, kind="stable")[:SHOWN]
    places = np.column_stack(np.unravel_index(order, explanation.views.shape))
    show.table(
        "Learned views that found it strange (loss above that of the most similar training item)",
        ["network", "view", ">term"],
        ((net + 1, view, float(explanation.views[net, view])) for net, view in places),
    )


def _share(part: float) -> str:
    return f"{part:.0%}" if part >= 0 else "speaks for it"
