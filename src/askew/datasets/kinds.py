"""What data sets hold: tables, classes, recordings, inspected images, graphs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # pandas is imported where a table is read: listing data sets stays quick
    import pandas as pd

Labels = NDArray[np.int64]
Items = TypeVar("Items")
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
"""What a data set is once it has been read."""

Reader = Callable[[Path, int], Loaded]
"""From a checked file, and a seed where something is drawn, to what is in it."""

SHIPPED = Path(__file__).parents[1] / "shipped"
"""Files that come with the package."""
