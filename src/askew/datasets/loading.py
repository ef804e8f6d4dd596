"""Find, check and read the file of a data set."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from askew.datasets.catalogue import DATASETS, DataSet
from askew.datasets.kinds import SHIPPED, ClassSplit, Inspected, Loaded, Recordings, Table, Unsplit
from askew.errors import InputError

Kind = TypeVar("Kind", bound=Loaded)


def find(name: str) -> DataSet:
    """The table's entry of that name.

    Raises
    ------
    InputError : an unknown name; the message lists the nearest ones.

    Example
    -------
    >>> find("thyroid").shipped
    True
    """
    if name in DATASETS:
        return DATASETS[name]
    near = get_close_matches(name, DATASETS, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "`askew data list` shows them all."
    raise InputError(f"There is no data set {name!r}: {hint}")


def path(name: str) -> Path:
    """Where the checked file of a data set is; it is downloaded if it can be and has to be.

    Raises
    ------
    InputError : an unknown name, a file with other contents, or one that cannot be had from here.

    Example
    -------
    >>> path("thyroid").name
    'thyroid.csv'
    """
    data = find(name)
    for folder in [SHIPPED] if data.shipped else _folders():
        if (folder / data.file).is_file():
            return _checked(folder / data.file, data)
    return _download(data)


def load(name: str, *, seed: int = 0) -> Loaded:
    """A data set in memory, as one of the kinds of `askew.datasets.kinds`.

    `kdd` takes normal traffic as the anomaly, because attacks are the majority; `kddrev` has all
    normal traffic and 24,319 attacks drawn with `seed`. `sad` keeps lengths 20 to 50, as the
    published protocol does. Images with a split of their own are split by `seed`, and pairs of
    images drawn.

    Raises
    ------
    InputError : as for `path`.

    Example
    -------
    >>> rows, labels = load("thyroid")
    >>> rows.shape, int(labels.sum())
    ((3772, 6), 93)
    """
    return find(name).read(path(name), seed)


def _of_kind(name: str, kind: type[Kind], seed: int, words: str) -> Kind:
    loaded = load(name, seed=seed)
    if isinstance(loaded, kind):
        return loaded
    raise InputError(f"{name} {words}: use {_LOADERS[type(loaded)].__name__}.")


def load_table(name: str, *, seed: int = 0) -> Table:
    """`load` for a table.

    Raises
    ------
    InputError : as for `load`, or the data set is of another kind.

    Example
    -------
    >>> load_table("arrhythmia").rows.shape
    (452, 274)
    """
    return _of_kind(name, Table, seed, "is not a table")


def load_classes(name: str) -> ClassSplit:
    """`load` for items with classes: series, texts, images.

    Raises
    ------
    InputError : as for `load`, or the data set is of another kind.

    Example
    -------
    >>> load_classes("epilepsy").classes
    ['EPILEPSY', 'RUNNING', 'SAWING', 'WALKING']
    """
    return _of_kind(name, ClassSplit, 0, "has no classes in a train and a test part")


def load_recordings(name: str) -> Recordings:
    """`load` for long recordings with a label for each step.

    `smd`, `asd`, `msl`, `smap` come with train parts. Of `ucr`, as many steps train as the file
    says; of `nab`, the first 15 % (its probationary period, where its scores do not count; a few
    hold anomalies nevertheless); of `skab`, the first 400 steps of each run, as in its own
    examples (those of other/2 hold anomalies). The steps that follow are the test.

    Raises
    ------
    InputError : as for `load`, or the data set is of another kind.
    """
    return _of_kind(name, Recordings, 0, "has no recordings in a train and a test part")


def load_inspected(name: str, *, seed: int = 0) -> Inspected:
    """`load` for images with a split of their own, some with masks; a seed draws another split.

    Raises
    ------
    InputError : as for `load`, or the data set is of another kind.
    """
    return _of_kind(name, Inspected, seed, "has no split and no masks of its own")


def load_unsplit(name: str) -> Unsplit:
    """`load` for graphs, and for the nodes of one.

    Raises
    ------
    InputError : as for `load`, or the data set is of another kind.
    """
    return _of_kind(name, Unsplit, 0, "does not hold graphs")


_LOADERS: dict[type, Callable[..., Loaded]] = {
    Table: load_table,
    ClassSplit: load_classes,
    Recordings: load_recordings,
    Inspected: load_inspected,
    Unsplit: load_unsplit,
}


def _folders() -> list[Path]:
    """Places a data set may already be in, first come first served."""
    named = os.environ.get("ASKEW_DATA")
    beside = [Path.cwd(), Path(__file__).parents[3]]  # the second is the root of a checkout
    found = [root.parent / "shared" / "data" for root in beside]
    return [Path(named), *found] if named else found


def _checked(file: Path, data: DataSet) -> Path:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != data.sha256:
        raise InputError(
            f"{file} is not the file known as {data.name}: its sha256 is {digest[:12]}..., "
            f"expected {data.sha256[:12]}...; remove it, or fetch it again from {data.source}."
        )
    return file


def _download(data: DataSet) -> Path:
    """Fetch the original publisher's file into the user's cache, or say where to get it."""
    if not data.url:
        raise InputError(
            f"{data.name} does not ship with askew and has no direct download. It comes from "
            f"{data.source}; put {data.file} (sha256 {data.sha256[:12]}...) into a folder and "
            "set ASKEW_DATA to that folder."
        )
    import pooch  # only here: nothing else needs the network

    cache, fname = pooch.os_cache("askew"), Path(data.file).name
    try:
        return Path(pooch.retrieve(data.url, f"sha256:{data.sha256}", fname=fname, path=cache))
    except (OSError, ValueError) as error:  # no network, or other bytes than expected
        raise InputError(
            f"{data.name} could not be fetched from {data.url} ({error}); put {data.file} into a "
            "folder and set ASKEW_DATA to that folder."
        ) from error
