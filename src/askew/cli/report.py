"""``askew report``: one HTML file about a model and the items it judged."""

from __future__ import annotations

from pathlib import Path

from askew import report
from askew.cli import show
from askew.cli.source import Source
from askew.errors import InputError
from askew.store import load
from askew.whole import check_place


def run(model: Path, data: Path | None, out: Path, label: str | None, skip: bool) -> None:
    """Write the report; with labels where the file has the model's label column.

    Raises
    ------
    InputError: the data or the place to write is wrong.
    """
    check_place(out)
    if out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out {out.name}: a report is an HTML file: end its name in .html.")
    detector = load(model)
    if data is None:
        report.write(detector, out)
    else:
        source = Source.of(detector).labelled(label).skipping(skip)
        labels = label is not None or source.has_labels(data)
        part = source.whole(data, labels=labels)
        report.write(detector, out, part.items, labels=part.labels, ids=part.ids, name=data.name)
    show.line(f"wrote {out}")
