"""What trains and what tests: splits that look at labels and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from askew.datasets.kinds import ClassSplit, Items, OneClass, Unsplit
from askew.errors import InputError


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
    >>> from askew.datasets import load_classes
    >>> train, test, labels = one_vs_rest(load_classes("epilepsy"), "RUNNING")
    >>> len(train), len(test), int(labels.sum())
    (36, 138, 101)
    """
    return _normal_classes(split, [cls])


def contaminated(split: ClassSplit, cls: Any, *, share: float, seed: int = 0) -> OneClass[Any]:
    """As `one_vs_rest`, but among what trains are items of the other classes' train part.

    Parameters
    ----------
    share: of those among all that trains, in (0, 1); drawn with `seed`.

    Raises
    ------
    InputError : a class the split does not have, or too few items of others for such a share.

    Example
    -------
    >>> from askew.datasets import load_classes
    >>> train, test, labels = contaminated(load_classes("epilepsy"), "RUNNING", share=0.1)
    >>> len(train), len(test), int(labels.sum())
    (40, 138, 101)
    """
    own = np.flatnonzero(split.train_labels == cls)
    others = np.flatnonzero(split.train_labels != cls)
    wanted = round(share / (1 - share) * len(own))
    if wanted > len(others):
        raise InputError(f"{wanted} items of other classes are asked for; {len(others)} are there.")
    drawn = np.random.default_rng(seed).permutation(others)[:wanted]
    together = np.sort(np.concatenate([own, drawn]))
    return one_vs_rest(split, cls)._replace(train=chosen(split.train, together))


def n_vs_rest(split: ClassSplit, first: int, n: int) -> OneClass[Any]:
    """n classes in a row are normal, from the one at position `first`, going round at the end.

    n one below the number of classes makes a single class the anomaly.

    Raises
    ------
    InputError : there is no class at that position, or n is not between 1 and one below their
        number.

    Example
    -------
    >>> from askew.datasets import load_classes
    >>> train, test, labels = n_vs_rest(load_classes("epilepsy"), first=3, n=2)
    >>> len(train), int(labels.sum())
    (71, 67)
    """
    classes = split.classes
    if not 0 <= first < len(classes):
        raise InputError(
            f"There is no class number {first}: they count from 0, {len(classes)} in all."
        )
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
