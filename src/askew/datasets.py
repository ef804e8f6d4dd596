"""Known public data sets: where each is, whether it is the right file, and how it is split.

Four small ones ship with the package. The others are looked for in the folder named by the
environment variable `ASKEW_DATA`, then in `../shared/data` beside the project, and where the
original publisher's bytes are the ones expected, downloaded into the user's cache. A file is used
only if its sha256 is the one in its table. Splits never look at anything but labels.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from askew.errors import InputError

if TYPE_CHECKING:  # pandas is imported where a table is read: listing data sets stays quick
    import pandas as pd

__all__ = [
    "DATASETS",
    "DataSet",
    "Inspected",
    "OneClass",
    "ClassSplit",
    "Recordings",
    "Table",
    "Unsplit",
    "chosen",
    "find",
    "fold_vs_rest",
    "half_split",
    "load",
    "load_classes",
    "load_inspected",
    "load_recordings",
    "load_table",
    "load_unsplit",
    "n_vs_rest",
    "one_vs_rest",
    "path",
]

Items = TypeVar("Items")
Labels = NDArray[np.int64]
Classed = Any  # items that `chosen` can choose from: an array, or a list


class Table(NamedTuple):
    """Rows with the truth about them: 1 is an anomaly. Shapes (n, columns), (n,)."""

    rows: pd.DataFrame
    labels: Labels


@dataclass(frozen=True)
class ClassSplit:
    """Items with their classes, in the published train and test parts.

    Series of equal length come as one array (n, T, C), of unequal length as a list of arrays
    (T_i, C); texts as a list, images as an array.
    """

    train: Classed
    train_labels: NDArray[Any]
    test: Classed
    test_labels: NDArray[Any]

    @property
    def classes(self) -> list[Any]:
        """The classes in order."""
        return list(np.unique(self.train_labels).tolist())


@dataclass(frozen=True)
class Recordings:
    """Long recordings, each with a part to learn from and a part to judge, one label a step.

    Attributes
    ----------
    names: of the recordings: machines, channels, runs.
    train, test: arrays (steps, channels).
    labels: of the steps of the test parts, 1 for anomalous ones.
    """

    names: list[str]
    train: list[NDArray[Any]]
    test: list[NDArray[Any]]
    labels: list[Labels]

    @property
    def measurable(self) -> list[int]:
        """Positions of the recordings whose test part has normal and anomalous steps."""
        return [i for i, y in enumerate(self.labels) if 0 < int(y.sum()) < len(y)]


class Unsplit(NamedTuple):
    """Items without a train and a test part, with their classes, or 0 and 1, shape (n,)."""

    items: Classed
    labels: Labels


class OneClass(NamedTuple, Generic[Items]):
    """What a detector is given: normal items to train on, a test part, and its 0/1 labels."""

    train: Items
    test: Items
    labels: Labels


@dataclass(frozen=True)
class Inspected:
    """Images with a split of their own: normal ones to train on, others to judge.

    Attributes
    ----------
    train, test: grey or colour images, ``(n, h, w)`` or ``(n, h, w, 3)``.
    labels: of the test part, 1 for a defect.
    masks: 1 where the defect is, ``(n, h, w)``; None where nobody marked it.
    """

    train: NDArray[np.uint8]
    test: NDArray[np.uint8]
    labels: Labels
    masks: NDArray[np.uint8] | None


Loaded = Table | ClassSplit | Recordings | Inspected | Unsplit
_Reader = Callable[[Path, int], Loaded]


@dataclass(frozen=True)
class DataSet:
    """One public data set: where it comes from and how its file is known and read."""

    name: str
    kind: str
    file: str
    sha256: str
    licence: str
    source: str
    about: str
    read: Callable[[Path, int], Loaded]
    shipped: bool = False
    url: str = ""  # of the same bytes at the original publisher; empty where there is none


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
    for folder in [_SHIPPED] if data.shipped else _folders():
        if (folder / data.file).is_file():
            return _checked(folder / data.file, data)
    return _download(data)


def load(name: str, *, seed: int = 0) -> Loaded:
    """A data set in memory: rows and labels, a split of series or images, recordings, images.

    `kdd` takes normal traffic as the anomaly, because attacks are the majority; `kddrev` has all
    normal traffic and 24,319 attacks drawn with `seed`, the only use of it. `sad` keeps lengths
    20 to 50, as the published protocol does.

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


def load_table(name: str, *, seed: int = 0) -> Table:
    """`load` for a table.

    Raises
    ------
    InputError : as for `load`, or the data set holds series.

    Example
    -------
    >>> load_table("arrhythmia").rows.shape
    (452, 274)
    """
    loaded = load(name, seed=seed)
    if isinstance(loaded, Table):
        return loaded
    raise InputError(f"{name} holds series, not a table: use load_classes.")


def load_classes(name: str) -> ClassSplit:
    """`load` for items with classes: series, texts, images.

    Raises
    ------
    InputError : as for `load`, or the data set is a table.

    Example
    -------
    >>> load_classes("epilepsy").classes
    ['EPILEPSY', 'RUNNING', 'SAWING', 'WALKING']
    """
    loaded = load(name)
    if isinstance(loaded, ClassSplit):
        return loaded
    raise InputError(f"{name} has no classes in a train and a test part: use load.")


def load_recordings(name: str) -> Recordings:
    """`load` for long recordings with a label for each step.

    `smd`, `asd`, `msl`, `smap` come with train parts. Of `ucr`, as many steps train as the file
    says; of `nab`, the first 15 % (its probationary period, where its scores do not count; a few
    hold anomalies nevertheless); of `skab`, the first 400 steps of each run, as in its own
    examples (those of other/2 hold anomalies). The steps that follow are the test.

    Raises
    ------
    InputError : as for `load`, or the data set has no recordings.
    """
    loaded = load(name)
    if isinstance(loaded, Recordings):
        return loaded
    raise InputError(f"{name} has no recordings in a train and a test part: use load.")


def load_inspected(name: str, *, seed: int = 0) -> Inspected:
    """`load` for images with a split of their own, some with masks; a seed draws another split.

    Raises
    ------
    InputError : as for `load`, or the data set is of another kind.
    """
    loaded = load(name, seed=seed)
    if isinstance(loaded, Inspected):
        return loaded
    raise InputError(f"{name} has no split and no masks of its own: use load.")


def load_unsplit(name: str) -> Unsplit:
    """`load` for graphs, and for the nodes of one.

    Raises
    ------
    InputError : as for `load`, or the data set is of another kind.
    """
    loaded = load(name)
    if isinstance(loaded, Unsplit):
        return loaded
    raise InputError(f"{name} does not hold graphs: use load.")


def half_split(X: Items, y: ArrayLike, *, seed: int = 0, shuffle: bool = True) -> OneClass[Items]:
    """Half of the normal rows train; the other half and every anomaly are the test.

    With n normal rows, floor(n / 2) train: the first in file order, or drawn with `seed`. (Some
    published splits label one normal row too many as an anomaly when n is odd; this does not.)

    Parameters
    ----------
    X : rows, as a table or an array.
    y : 1 for an anomaly, 0 for a normal row.

    Raises
    ------
    InputError : fewer than two normal rows, or labels that do not match the rows.

    Example
    -------
    >>> train, test, labels = half_split(np.arange(5), [0, 0, 1, 0, 1], shuffle=False)
    >>> train.tolist(), test.tolist(), labels.tolist()
    ([0], [1, 3, 2, 4], [0, 0, 1, 1])
    """
    labels = np.asarray(y)
    if labels.shape != (_count(X),):
        raise InputError(f"One label a row is expected: {_count(X)} rows, labels {labels.shape}.")
    normal, anomalous = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
    if len(normal) < 2 or len(normal) + len(anomalous) < len(labels):
        raise InputError("Labels are 0 (normal, two at least) and 1 (anomalous): check the column.")
    if shuffle:
        normal = np.random.default_rng(seed).permutation(normal)
    train, held_out = np.split(normal, [len(normal) // 2])
    truth = np.repeat([0, 1], [len(held_out), len(anomalous)])
    return OneClass(chosen(X, train), chosen(X, np.concatenate([held_out, anomalous])), truth)


def one_vs_rest(split: ClassSplit, cls: Any) -> OneClass[Any]:
    """One class is normal: its train part trains, the whole test part is judged.

    Raises
    ------
    InputError : a class the split does not have.

    Example
    -------
    >>> train, test, labels = one_vs_rest(load_classes("epilepsy"), "RUNNING")
    >>> len(train), len(test), int(labels.sum())
    (36, 138, 101)
    """
    return _normal_classes(split, [cls])


def n_vs_rest(split: ClassSplit, first: int, n: int) -> OneClass[Any]:
    """n classes in a row are normal, from the one at position `first`, going round at the end.

    n one below the number of classes makes a single class the anomaly.

    Raises
    ------
    InputError : n is not between 1 and one below the number of classes.

    Example
    -------
    >>> train, test, labels = n_vs_rest(load_classes("epilepsy"), first=3, n=2)
    >>> len(train), int(labels.sum())
    (71, 67)
    """
    classes = split.classes
    if not 1 <= n < len(classes):
        raise InputError(f"n lies between 1 and {len(classes) - 1} here, but {n} was given.")
    return _normal_classes(split, [classes[(first + i) % len(classes)] for i in range(n)])


def fold_vs_rest(found: Unsplit, cls: Any, *, fold: int, folds: int) -> OneClass[Any]:
    """One class is normal: a fold of all items is judged, the normal ones of the others train.

    Folds are stratified: each has its share of each class. They are always the same.

    Raises
    ------
    InputError : no such class, or fewer items of it than folds.

    Example
    -------
    >>> ten = Unsplit(np.arange(10), np.repeat([0, 1], 5))
    >>> train, test, labels = fold_vs_rest(ten, 1, fold=0, folds=5)
    >>> len(train), len(test), int(labels.sum())
    (4, 2, 1)
    """
    if np.sum(found.labels == cls) < folds:
        raise InputError(f"Class {cls!r} has fewer items than {folds} folds: take fewer.")
    order = np.random.default_rng(0).permutation(len(found.labels))
    rank = np.empty(len(order), dtype=np.intp)
    for each in np.unique(found.labels):
        inside = order[found.labels[order] == each]
        rank[inside] = np.arange(len(inside))
    judged = rank % folds == fold
    train = chosen(found.items, np.flatnonzero(~judged & (found.labels == cls)))
    labels = (found.labels[judged] != cls).astype(np.int64)
    return OneClass(train, chosen(found.items, np.flatnonzero(judged)), labels)


def _normal_classes(split: ClassSplit, normal: list[Any]) -> OneClass[Any]:
    unknown = [cls for cls in normal if cls not in split.classes]
    if unknown:
        raise InputError(f"There is no class {unknown[0]!r}: the classes are {split.classes}.")
    train = chosen(split.train, np.flatnonzero(np.isin(split.train_labels, normal)))
    labels = (~np.isin(split.test_labels, normal)).astype(np.int64)
    return OneClass(train, split.test, labels)


def _count(items: Any) -> int:
    return len(items)


def chosen(items: Any, index: NDArray[np.intp]) -> Any:
    """Items at these places, in the container they came in.

    Example
    -------
    >>> chosen(["a", "b", "c"], np.array([2, 0]))
    ['c', 'a']
    """
    if isinstance(items, list):
        return [items[i] for i in index]
    return items.iloc[index] if hasattr(items, "iloc") else items[index]


def _folders() -> list[Path]:
    """Places a data set may already be in, first come first served."""
    named = os.environ.get("ASKEW_DATA")
    beside = [Path.cwd(), Path(__file__).parents[2]]  # the second is the root of a checkout
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


def _read_shipped_table(file: Path, _seed: int) -> Table:
    import pandas as pd

    table = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    return Table(table.drop(columns="label"), table["label"].to_numpy(np.int64))


def _read_adbench(file: Path, _seed: int) -> Table:
    import pandas as pd

    with np.load(file, allow_pickle=False) as arrays:
        rows, labels = arrays["X"], arrays["y"]
    columns = [f"x{i + 1}" for i in range(rows.shape[1])]
    return Table(pd.DataFrame(rows, columns=columns), labels.ravel().astype(np.int64))


def _read_kdd(file: Path, _seed: int) -> Table:
    import pandas as pd

    kinds = {"symbolic": "category", "continuous": "float64", "class": "str"}
    lines = (_SHIPPED / "kdd_columns.txt").read_text(encoding="utf-8").splitlines()
    columns = {name: kinds[kind] for name, kind in (line.split(": ") for line in lines)}
    table = pd.read_csv(file, names=[*columns], dtype=columns, compression="gzip")
    labels = (table.pop("label") == "normal.").to_numpy().astype(np.int64)
    return Table(table, labels)


def _read_kddrev(file: Path, seed: int) -> Table:
    """Normal traffic is normal again; attacks are thinned to one in five of the rows, in order."""
    rows, is_normal = _read_kdd(file, seed)
    attacks = np.flatnonzero(is_normal == 0)
    drawn = np.random.default_rng(seed).choice(attacks, _KDDREV_ATTACKS, replace=False)
    kept = np.sort(np.concatenate([np.flatnonzero(is_normal), drawn]))
    return Table(rows.iloc[kept].reset_index(drop=True), 1 - is_normal[kept])


def _read_series(file: Path, _seed: int) -> ClassSplit:
    """Arrays as stored: X_train, y_train, X_test, y_test; len_* where series are end to end."""
    with np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    parts = [(_whole(arrays, part), _class_labels(arrays, part)) for part in ("train", "test")]
    return ClassSplit(*parts[0], *parts[1])


def _whole(arrays: dict[str, NDArray[Any]], part: str) -> Classed:
    lengths = arrays.get(f"len_{part}")
    steps = arrays[f"X_{part}"]
    return steps if lengths is None else np.split(steps, np.cumsum(lengths)[:-1])


def _class_labels(arrays: dict[str, NDArray[Any]], part: str) -> NDArray[Any]:
    names = arrays.get("class_names")
    labels = arrays[f"y_{part}"]
    return labels if names is None else names[labels - 1]  # numbered from 1


def _read_sad(file: Path, seed: int) -> ClassSplit:
    split = _read_series(file, seed)
    train = [i for i, one in enumerate(split.train) if 20 <= len(one) <= 50]
    test = [i for i, one in enumerate(split.test) if 20 <= len(one) <= 50]
    return ClassSplit(
        chosen(split.train, np.array(train)),
        split.train_labels[train],
        chosen(split.test, np.array(test)),
        split.test_labels[test],
    )


def _read_parts(file: Path, _seed: int) -> Recordings:
    """Arrays as stored: NAME/train, NAME/test, NAME/label."""
    with np.load(file, allow_pickle=False) as stored:
        names = [key.removesuffix("/label") for key in stored.files if key.endswith("/label")]
        return Recordings(
            names,
            [stored[f"{name}/train"] for name in names],
            [stored[f"{name}/test"] for name in names],
            [stored[f"{name}/label"].astype(np.int64) for name in names],
        )


def _read_cut(values: str, trained: Callable[[Any, str, int], int]) -> _Reader:
    """Read recordings stored whole, whose first steps train; ``trained`` says how many."""

    def read(file: Path, _seed: int) -> Recordings:
        with np.load(file, allow_pickle=False) as stored:
            names = [key.removesuffix("/label") for key in stored.files if key.endswith("/label")]
            steps = [stored[f"{name}/{values}"] for name in names]
            labels = [stored[f"{name}/label"].astype(np.int64) for name in names]
            ends = [trained(stored, name, len(y)) for name, y in zip(names, labels, strict=True)]
        whole = [one.reshape(len(one), -1) for one in steps]
        return Recordings(
            names,
            [one[:end] for one, end in zip(whole, ends, strict=True)],
            [one[end:] for one, end in zip(whole, ends, strict=True)],
            [one[end:] for one, end in zip(labels, ends, strict=True)],
        )

    return read


def _read_fashion_mnist(file: Path, _seed: int) -> ClassSplit:
    with np.load(file, allow_pickle=False) as a:
        return ClassSplit(a["x_train"], a["y_train"], a["x_test"], a["y_test"])


@lru_cache(maxsize=1)
def _read_cifar10(file: Path, _seed: int) -> ClassSplit:
    """All images, decoded once: it takes some ten seconds."""
    return _cifar10(file, 5000, 1000)


def _read_pairs(read: Callable[[Path, int], ClassSplit]) -> _Reader:
    """All classes are normal; the anomalies are means of two test images each, drawn at random.

    PLAD's protocol: 10,000 training images, the whole test part, and as many means as it has. An
    image may be in several pairs, and both of a pair may be of one class.
    """

    def pairs(file: Path, seed: int) -> Inspected:
        split, generator = read(file, seed), np.random.default_rng(seed)
        images = np.asarray(split.test)
        trains = generator.permutation(len(split.train))[:_PAIRS_TRAIN]
        first, second = generator.integers(len(images), size=(2, len(images)))
        means = ((images[first].astype(np.uint16) + images[second]) // 2).astype(np.uint8)
        labels = np.repeat([0, 1], len(images))
        train = np.asarray(split.train)[np.sort(trains)]
        return Inspected(train, np.concatenate([images, means]), labels, None)

    return pairs


def _read_cifar10_subset(file: Path, _seed: int) -> ClassSplit:
    """The first 300 training and 150 test images of each class: what a slow network can see."""
    return _cifar10(file, 300, 150)


def _cifar10(file: Path, most_train: int, most_test: int) -> ClassSplit:
    with np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    parts: list[NDArray[Any]] = []
    for part, most in (("train", most_train), ("test", most_test)):
        labels = arrays[f"y_{part}"]
        places = np.sort(np.concatenate([np.flatnonzero(labels == c)[:most] for c in range(10)]))
        images = _decoded(arrays[f"jpeg_{part}"], arrays[f"offsets_{part}"], places)
        parts += [images, arrays["classes"][labels[places]]]
    return ClassSplit(*parts)


def _decoded(
    blob: NDArray[np.uint8], offsets: NDArray[np.int64], places: NDArray[np.intp], mode: str = "RGB"
) -> NDArray[np.uint8]:
    """Return some of the encoded images in a blob, ``(n, h, w)`` or ``(n, h, w, 3)``."""
    try:
        from PIL import Image
    except ImportError as error:
        raise InputError("These images need pillow: pip install 'askew[images]'.") from error
    files = (BytesIO(blob[offsets[i] : offsets[i + 1]].tobytes()) for i in places)
    return np.stack([np.asarray(Image.open(file).convert(mode)) for file in files])


def _read_magnetic_tile(file: Path, seed: int) -> Inspected:
    """Half of the tiles without a defect train; a tile's pictures are all on one side."""
    with np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    good = arrays["y"] == 0
    tiles = np.array([name.rpartition("_")[2] for name in arrays["names"]])
    spotless = np.setdiff1d(tiles[good], tiles[~good])
    drawn = np.random.default_rng(seed).permutation(spotless)[: len(spotless) // 2]
    return _inspected(arrays, "jpeg", np.isin(tiles, drawn))


def _read_kolektorsdd(file: Path, _seed: int) -> Inspected:
    """The repository's training part without its defects trains; all defects are judged."""
    with np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    return _inspected(arrays, "webp", (arrays["repo_split"] == 0) & (arrays["y"] == 0))


def _inspected(arrays: dict[str, NDArray[Any]], blob: str, trains: NDArray[np.bool_]) -> Inspected:
    images = _decoded(arrays[blob], arrays["offsets"], np.arange(len(trains)), "L")
    masks = np.unpackbits(arrays["masks_packed"], axis=1).reshape(-1, *arrays["mask_shape"])
    truth = (arrays["y"] > 0).astype(np.int64)
    return Inspected(images[trains], images[~trains], truth[~trains], masks[~trains])


def _read_brain_mri(file: Path, seed: int) -> Inspected:
    """Without the 25 exact repeats; half of the images without a tumour train."""
    with np.load(file, allow_pickle=False) as stored:
        images, truth = stored["x"], stored["y"].astype(np.int64)
    kept = np.sort(np.unique(images.reshape(len(images), -1), axis=0, return_index=True)[1])
    train, test, labels = half_split(images[kept], truth[kept], seed=seed)
    return Inspected(train, test, labels, None)


def _read_features(file: Path, category: str) -> Table:
    import pandas as pd

    with np.load(file, allow_pickle=False) as arrays:
        rows, labels = arrays[f"{category}_X"], arrays[f"{category}_y"]
    columns = [f"x{i + 1}" for i in range(rows.shape[1])]
    return Table(pd.DataFrame(rows, columns=columns), labels.astype(np.int64))


_MVTEC = """
bottle cable capsule carpet grid hazelnut leather metal_nut pill screw tile toothbrush transistor
wood zipper
"""
"""Categories of MVTec AD."""


_SEVEN = ("acq", "crude", "earn", "interest", "money-fx", "ship", "trade")
_SIX = ("comp", "misc", "pol", "rec", "rel", "sci")
_GROUPS = {
    "alt.atheism": "rel",
    "soc.religion.christian": "rel",
    "talk.religion.misc": "rel",
    "talk.politics.guns": "pol",
    "talk.politics.mideast": "pol",
    "talk.politics.misc": "pol",
}


def _json_lines(file: Path) -> Iterator[dict[str, Any]]:
    with lzma.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _read_reuters(file: Path, _seed: int) -> ClassSplit:
    """Documents with exactly one topic, of the seven largest: title and body together."""
    return _texts((d["split"], set(d["topics"]), _news(d)) for d in _json_lines(file))


def _read_reuters_nltk(file: Path, _seed: int) -> ClassSplit:
    """The same, but only topics with documents in both parts count: NLTK's 90 categories."""
    documents = list(_json_lines(file))
    topics: dict[str, set[str]] = {"train": set(), "test": set()}
    for document in documents:
        topics[document["split"]].update(document["topics"])
    both = topics["train"] & topics["test"]
    return _texts((d["split"], both & set(d["topics"]), _news(d)) for d in documents)


def _news(document: dict[str, Any]) -> str:
    return f"{document['title']}\n{document['text']}".strip()


def _read_newsgroups(file: Path, _seed: int) -> ClassSplit:
    """Six classes of groups; what is empty once headers, footers and quotes are gone is no text."""
    documents = ((d["split"], d["group"], d["text"]) for d in _json_lines(file))
    return _texts((s, {_GROUPS.get(g, g.split(".")[0])}, t) for s, g, t in documents)


def _texts(documents: Iterable[tuple[str, set[str], str]]) -> ClassSplit:
    """Keep texts, not empty, of exactly one class, one of `_SEVEN` or `_SIX`, in two parts."""
    parts: dict[str, list[tuple[str, str]]] = {"train": [], "test": []}
    for part, classes, text in documents:
        if len(classes) == 1 and text.strip() and classes <= {*_SEVEN, *_SIX}:
            parts[part].append((text, next(iter(classes))))
    train, test = parts["train"], parts["test"]
    return ClassSplit(
        [text for text, _ in train],
        np.array([cls for _, cls in train]),
        [text for text, _ in test],
        np.array([cls for _, cls in test]),
    )


def _read_sms(file: Path, _seed: int) -> Table:
    import pandas as pd

    with lzma.open(file, "rt", encoding="utf-8", newline="\n") as lines:
        pairs = [line.rstrip("\r\n").split("\t", 1) for line in lines]
    labels = np.array([kind == "spam" for kind, _ in pairs]).astype(np.int64)
    return Table(pd.DataFrame({"text": [text for _, text in pairs]}), labels)


def _read_tu(file: Path, _seed: int) -> Unsplit:
    from askew.read_graphs import read_graphs

    found = read_graphs(file)
    classes = np.zeros(len(found.graphs)) if found.classes is None else found.classes
    return Unsplit(found.graphs, classes.astype(np.int64))


def _read_network(file: Path, _seed: int) -> Unsplit:
    """Nodes of one graph; any label above 0 is an anomaly."""
    from askew.data.nodes import as_node_set
    from askew.read_graphs import read_network

    arrays = read_network(file)
    return Unsplit(as_node_set(arrays), (arrays["y"] > 0).astype(np.int64))


_SHIPPED = Path(__file__).parent / "shipped"
_ADBENCH = "https://github.com/Minqi824/ADBench"
_KDDREV_ATTACKS = 24_319
_SKAB_TRAIN = 400
_PAIRS_TRAIN = 10_000
_NAB_TRAIN = 0.15
_READERS: dict[str, _Reader] = {
    "table": _read_shipped_table,
    "kdd": _read_kdd,
    "kddrev": _read_kddrev,
    "series": _read_series,
    "sad": _read_sad,
    "tu": _read_tu,
    "network": _read_network,
    "parts": _read_parts,
    "skab": _read_cut("X", lambda stored, name, steps: _SKAB_TRAIN),
    "nab": _read_cut("value", lambda stored, name, steps: int(_NAB_TRAIN * steps)),
    "ucr": _read_cut("value", lambda stored, name, steps: int(stored[f"{name}/train_end"])),
    "fashion_mnist": _read_fashion_mnist,
    "cifar10": _read_cifar10,
    "cifar10_subset": _read_cifar10_subset,
    "fashion_mnist_pairs": _read_pairs(_read_fashion_mnist),
    "cifar10_pairs": _read_pairs(_read_cifar10),
    "magnetic_tile": _read_magnetic_tile,
    "kolektorsdd": _read_kolektorsdd,
    "brain_mri": _read_brain_mri,
    "reuters": _read_reuters,
    "reuters-nltk": _read_reuters_nltk,
    "newsgroups": _read_newsgroups,
    "sms": _read_sms,
}


def _entry(name: str, fields: dict[str, Any]) -> DataSet:
    return DataSet(name=name, read=_READERS[fields.pop("layout")], **fields)


def _adbench(line: str) -> DataSet:
    stem, rows, columns, anomalies, sha256 = line.split()
    return DataSet(
        name=f"adbench/{stem}",
        kind="tabular",
        file=f"tabular/adbench_classical/{stem}.npz",
        sha256=sha256,
        licence="each set keeps the licence of its origin",
        source=_ADBENCH,
        about=f"{rows} x {columns}, {anomalies} anomalies",
        read=_read_adbench,
        url=f"{_ADBENCH}/raw/main/adbench/datasets/Classical/{stem}.npz",
    )


def _mvtec(category: str) -> DataSet:
    return DataSet(
        name=f"mvtec_features/{category}",
        kind="tabular",
        file="images/mvtec_resnet18_features.npz",
        sha256="35202de17c574bbcb6137bf03fa2f7879ad05c6319dbf7e949fcb56a91fa9434",
        licence="images CC BY-NC-SA 4.0, features of ADBench BSD 2-Clause",
        source="https://github.com/Minqi824/ADBench",
        about="512 features of ResNet-18, image by image; no images",
        read=lambda file, _seed: _read_features(file, category),
    )


def _catalogue() -> dict[str, DataSet]:
    """The two small tables beside the shipped files, and the short name papers use for one."""
    entries = tomllib.loads((_SHIPPED / "catalogue.toml").read_text(encoding="utf-8"))
    lines = (_SHIPPED / "adbench.txt").read_text(encoding="utf-8").splitlines()
    listed = [*map(_adbench, lines), *map(_mvtec, _MVTEC.split())]
    every = [*(_entry(*item) for item in entries.items()), *listed]
    known = {data.name: data for data in every}
    return known | {"ct": known["charactertrajectories"]}


DATASETS: dict[str, DataSet] = _catalogue()
