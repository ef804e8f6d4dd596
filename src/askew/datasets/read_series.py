"""Files of whole series and of long recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from askew.datasets.kinds import Classed, ClassSplit, Reader, Recordings
from askew.datasets.splits import chosen

SKAB_TRAIN = 400
NAB_TRAIN = 0.15


def read_series(file: Path, _seed: int) -> ClassSplit:
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


def read_sad(file: Path, seed: int) -> ClassSplit:
    """Read spoken digits of 20 to 50 steps, as the published protocol does."""
    split = read_series(file, seed)
    train = [i for i, one in enumerate(split.train) if 20 <= len(one) <= 50]
    test = [i for i, one in enumerate(split.test) if 20 <= len(one) <= 50]
    return ClassSplit(
        chosen(split.train, np.array(train)),
        split.train_labels[train],
        chosen(split.test, np.array(test)),
        split.test_labels[test],
    )


def read_parts(file: Path, _seed: int) -> Recordings:
    """Arrays as stored: NAME/train, NAME/test, NAME/label."""
    with np.load(file, allow_pickle=False) as stored:
        names = [key.removesuffix("/label") for key in stored.files if key.endswith("/label")]
        return Recordings(
            names,
            [stored[f"{name}/train"] for name in names],
            [stored[f"{name}/test"] for name in names],
            [stored[f"{name}/label"].astype(np.int64) for name in names],
        )


def read_cut(values: str, trained: Callable[[Any, str, int], int]) -> Reader:
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
