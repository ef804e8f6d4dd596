"""What a user calls DATA: which kind of file it is, and which columns only name or label items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from askew.cli.failures import say
from askew.cli.kinds import KINDS, Part
from askew.data.base import DataType
from askew.errors import InputError

if TYPE_CHECKING:
    from askew.detector import Detector


@dataclass(frozen=True, kw_only=True)
class Source:
    """How files of one model are read: the same way when it is fitted and when it scores.

    ``askew fit`` keeps it with the model as ``source_``, a plain dictionary of these fields, so
    that nobody has to name the columns again.

    Attributes
    ----------
    type: one of `askew.cli.kinds.KINDS`.
    id: column that names items; in a long table the one that names series.
    label: column with the truth about items, never learned from.
    time: of series and recordings; see `askew.data.Series`.
    layout: of series and images; see `askew.data.Series` and `askew.data.Images`.
    unreadable: "skip" leaves out images that cannot be read and rows without text.
    column: that holds texts; see `askew.data.Text`.
    words: columns of a table that the model knows as words, whatever their cells look like; None
        before there is one.
    reach: rows before and after a row that can matter to its score; see `DataType.reach`.
    name: of the file the model was fitted on.
    fitted: when, and by which version of askew.
    """

    type: str
    id: str | None = None
    label: str | None = None
    time: str | None = None
    layout: str | None = None
    unreadable: str | None = None
    column: str | None = None
    words: Sequence[str] | None = None
    reach: int = 0
    name: str = ""
    fitted: str = ""

    @classmethod
    def of(cls, detector: Detector) -> Self:
        """Return how a model's files are read; one fitted in Python is asked for its data type."""
        kept, data = getattr(detector, "source_", None), detector.data_
        learned: dict[str, Any] = {"words": data.word_columns(), "reach": data.reach()}
        if kept is not None:
            return replace(cls(**kept), **learned)
        for name, kind in KINDS.items():
            named = kind.describes(data)
            if named is not None:
                return cls(type=name, **learned, **named)
        raise InputError(f"{type(data).__name__} is not read from files: use Python.")

    @property
    def verbatim(self) -> list[str]:
        """Columns whose cells stay as they are written: ids, which may begin with zeros."""
        return [] if self.id is None else [self.id]

    def keep(self, detector: Detector) -> None:
        """Leave it with a detector, to be saved as ``source_``."""
        setattr(detector, "source_", asdict(self))  # noqa: B010 (a fact of this command line)

    def labelled(self, label: str | None) -> Self:
        """Return the same source with another label column, where one is named."""
        return self if label is None else replace(self, label=label)

    def skipping(self, wanted: bool) -> Self:
        """Return the same source without what cannot be read, where that is wanted."""
        return replace(self, unreadable="skip") if wanted else self

    def data_type(self) -> DataType:
        """Return the data type for such files, not fitted yet."""
        return KINDS[self.type].data_type()

    def parts(self, path: Path, *, labels: bool = False) -> Iterator[Part]:
        """Yield a file in parts of bounded size, where its kind allows.

        Parameters
        ----------
        path: of the file.
        labels: whether the label column must be there, to be returned.

        Raises
        ------
        InputError: the file or one of its columns is not what it should be.
        """
        return KINDS[self.type].parts(self, path, labels=labels)

    def whole(self, path: Path, *, labels: bool = False) -> Part:
        """Return all items of a file; see `parts`."""
        return KINDS[self.type].whole(self, path, labels=labels)

    def heads(self, path: Path) -> list[pd.DataFrame]:
        """Return the first rows where columns have names: of a file, or a folder's first."""
        return KINDS[self.type].heads(self, path)

    def has_labels(self, path: Path) -> bool:
        """Say whether a file has the label column, where there is one."""
        return self.label is not None and any(self.label in frame for frame in self.heads(path))


def guess(path: Path, id: str | None, time: str | None) -> str:
    """Return the type a file seems to have, and say why on stderr.

    Raises
    ------
    InputError: it looks like nothing known.

    Example
    -------
    >>> guess(Path("recordings.ts"), None, None)
    'series'
    """
    for name, kind in KINDS.items():
        why = kind.why(path, id, time)
        if why is not None:
            others = ", ".join(other for other in KINDS if other != name)
            say(f"{path.name}: read as {name} ({why}); if it is not, give --type {others}")
            return name
    raise InputError(f"{path.name} looks like no type of data: give --type {', '.join(KINDS)}.")
