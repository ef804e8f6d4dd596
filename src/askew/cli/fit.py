"""``askew fit``: learn what normal looks like, and save it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

import askew
from askew.calibrate import enough_for
from askew.cli import settings, show
from askew.cli.failures import say
from askew.cli.kinds import KINDS
from askew.cli.kinds.base import column
from askew.cli.source import Source, guess
from askew.detector import Detector
from askew.errors import InputError
from askew.methods import method
from askew.store import check_place
from askew.wording import count_of

LABEL_NAMES = ("label", "labels", "y", "target", "class", "anomaly", "is_anomaly", "outlier")
"""Columns of these names are more often labels than measurements."""


def run(
    data: Path,
    out: Path,
    *,
    kind: str | None,
    name: str,
    label: str | None,
    id: str | None,
    alert_rate: float | None,
    chosen: Sequence[str],
    seed: int | None,
    skip: bool,
) -> None:
    """Fit a method to a file and save it, whole or not at all.

    The model remembers how the file was read, as ``source_``; see `askew.cli.source.Source`.

    Raises
    ------
    InputError: the data, the place, or an option is wrong.
    """
    check_place(out)
    made = method(name)(verbose=True)
    source = named(data, kind, id, label, chosen).skipping(skip)
    given = {"alert_rate": alert_rate, "seed": seed}
    given = {name: value for name, value in given.items() if value is not None}
    check_said_once([*given, *(["data__id"] if id is not None else [])], chosen)
    made.set_params(data=source.data_type(), **given)
    settings.apply(made, chosen)
    made.check()
    check_columns(source, data)
    part = source.whole(data)
    with logged():
        made.fit(part.items)
    source.keep(made)
    tell(made, source)
    made.set_params(verbose=False)
    made.save(out)
    show.line(f"saved to {out}; next: askew score {out} DATA")


def check_said_once(given: Iterable[str], chosen: Sequence[str]) -> None:
    """Refuse a parameter that has an option of its own and a ``--set`` beside it.

    Raises
    ------
    InputError: which one was said twice.
    """
    for name in {setting.partition("=")[0] for setting in chosen} & set(given):
        option = name.removeprefix("data__").replace("_", "-")
        raise InputError(f"--{option} and --set {name} are both given: leave one of them out.")


def named(
    data: Path, kind: str | None, id: str | None, label: str | None, chosen: Sequence[str]
) -> Source:
    """Return how the file is to be read: as the user says, or as it looks."""
    if not data.exists():
        raise InputError(f"{data} does not exist: give a file or folder of normal items.")
    if kind is not None and kind not in KINDS:
        raise InputError(f"--type {kind}: expected one of {', '.join(KINDS)}.")
    ways = dict(setting.split("=", 1) for setting in chosen if "=" in setting)
    time, layout = ways.get("data__time"), ways.get("data__layout")
    id = id or ways.get("data__id")
    source = Source(
        type=kind or guess(data, id, time),
        id=id,
        label=label,
        time=time,
        layout=layout,
        unreadable=ways.get("data__unreadable"),
        column=ways.get("data__column"),
        name=data.name,
        fitted=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, askew {askew.__version__}",
    )
    return without_labels_of_arrays(source, data)


def without_labels_of_arrays(source: Source, data: Path) -> Source:
    """Set the labels ``y`` that an .npz file carries beside its rows apart, unasked.

    Reading makes them a column like the others, and a detector must not learn from it.
    """
    carried = data.suffix.lower() == ".npz" and source.type == "tabular" and source.label is None
    if carried and any("label" in frame for frame in source.heads(data)):
        say(f"{data.name}: y is taken for labels; nothing is learned from it")
        return source.labelled("label")
    return source


def check_columns(source: Source, data: Path) -> None:
    """Refuse names of columns that the file does not have.

    Raises
    ------
    InputError: a column is not there.
    """
    for frame in source.heads(data):
        for role, name in {"id": source.id, "label": source.label}.items():
            if name is not None and not (role == "id" and data.is_dir()):
                column(frame, name, role)


@contextmanager
def logged() -> Iterator[None]:
    """Let the library's progress lines through to stderr, where no terminal shows a bar."""
    logger, handler = logging.getLogger("askew"), logging.StreamHandler(sys.stderr)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def tell(detector: Detector, source: Source) -> None:
    """Print what was learned, and what a user should know before relying on it."""
    passed = sum(bool(check["passed"]) for check in detector.health_)
    held = len(detector.calibration_)
    show.line(f"{type(detector).__name__} fitted on {source.name}: {detector.data_.describe()}")
    for name, reason in getattr(detector.data_, "left_out_", {}).items():
        say(f"Warning: column {name!r} is left out: it {reason}.")
    for name in columns_like_labels(detector, source):
        say(f"Warning: column {name!r} is learned from; if it holds labels, give --label {name}.")
    if source.label is not None:
        show.line(f"label column {source.label!r} removed: nothing is learned from it")
    finite = np.isfinite(detector.threshold_)
    above = f"alerts above {detector.threshold_:.4g}" if finite else "no alerts"
    show.line(
        f"{above}, from {count_of(held, 'item')} held out, at "
        f"alert rate {detector.alert_rate:g}; health: {passed} of {len(detector.health_)} passed"
    )
    if not finite:
        say(f"Warning: {_too_few(detector, held)}")


def columns_like_labels(detector: Detector, source: Source) -> list[str]:
    """Return learned columns that are named as labels usually are."""
    if source.label is not None:
        return []
    learned = getattr(detector.data_, "kinds_", {})
    return [name for name in learned if name.lower() in LABEL_NAMES]


def _too_few(detector: Detector, held: int) -> str:
    """Say that no alert is possible, and what would allow one."""
    needed = enough_for(detector.alert_rate)
    lowest = (
        "" if not held else f", accept --alert-rate {np.ceil(100 / (held + 1)) / 100:g} or more"
    )
    return (
        f"{count_of(held, 'held-out item')} cannot show how rare a score is at alert rate "
        f"{detector.alert_rate:g}, so nothing will be an alert: {needed} are needed. Give more "
        f"items{lowest}, or go by the order of the scores."
    )
