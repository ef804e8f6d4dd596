"""Rows of a table: numbers, booleans, categories and dates become one vector a row."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from askew.data.alignment import aligned, listed, unnamed
from askew.data.base import DataType, Raw
from askew.data.columns import (
    CYCLES,
    Floats,
    as_booleans,
    as_dates,
    as_numbers,
    as_text,
    is_plain,
    kind_of,
    misread,
    turns,
)
from askew.data.identifiers import why_identifier, why_row_numbers
from askew.data.scaling import SCALINGS, TOP, State, moments, plain, ranks
from askew.data.table import as_table, sparse_rows
from askew.errors import InputError
from askew.nets.mlp import MLP
from askew.nets.parts import Decoder
from askew.nets.transform import TableViews
from askew.parameters import check_least, check_numbers, check_word

WHOLE = r"^([+-]?(?:0|[1-9]\d*))\.0+$"
"""How a whole number looks that was read as a fraction."""
CHUNK = 8_192
"""Rows encoded at a time: float64 copies stay in the processor's cache, twice as fast as 65,536."""
FAR = 6.0
"""Standard deviations at which a cell stands that is missing where none ever was."""
PLURALS: Mapping[str, str] = {
    "number": "numbers",
    "boolean": "booleans",
    "category": "categories",
    "date": "dates",
}


@dataclass(kw_only=True, eq=False, repr=False)
class Tabular(DataType):
    """A row is a vector: columns are scaled, categories spread out, gaps marked, sizes kept.

    *Numbers* are scaled by what training showed; far out they grow like a logarithm, so that a
    value 1,000 times too big is stranger than one 10 times too big and yet does not drown the rest.
    *Categories* get a 0/1 column for each of their commonest levels and one for all others, seen or
    not. Text that is different in nearly every row says which row it is, not whether it is normal:
    it is left out and listed in ``left_out_``; so are whole numbers that number the rows.

    *Dates* become what repeats: hour of day, weekday, day of year, as points on a circle, each only
    where training covers a whole cycle. Time itself is never used, since every future row would
    be later than all of training, hence strange. Zones are dropped: the clock on the wall counts.

    *A missing cell is information.* Where training had some, a cell gets the median and a 0/1
    column says that it was missing. Where training had none, it stands as a value beyond all of
    training and at least six standard deviations out; a category's falls under "all others".

    Constant columns are kept: a change in one is seen.

    Parameters
    ----------
    scaling: "both": "clipped" (distances from the training mean in standard deviations, beyond
        three of them logarithmically) and "quantile" (normal quantiles of the training ranks) side
        by side. Or one of them, or "standard" (never clipped; 0/1 columns stay so), or "none", for
        numbers of at most 1e12 (beyond that, new ones count as 1e12).
    width, layers: hidden width and linear layers of the encoder.
    view_width, view_layers: the same for the networks of the views. No width: the encoded columns,
        at least 16 and at most 64.
    batch_norm: batch normalisation in the encoder, as the paper has it for Arrhythmia.
    categories: commonest levels of a category that get a column of their own; the rest share one.

    Shapes
    ------
    ``(n, columns)`` raw, ``(n, d)`` encoded; points are the raw columns.

    Example
    -------
    >>> rows = pd.DataFrame({"size": [1.0, 2.0, None, 3.0], "color": ["red", "blue", "red", "red"]})
    >>> table = Tabular().fit(rows)
    >>> table.describe()
    '4 rows: 1 number, 1 category'
    >>> table.encode(rows).shape  # size twice, whether it is missing; red, blue, others
    torch.Size([4, 6])
    """

    has_middle: ClassVar[bool] = True

    scaling: str = "both"
    width: int = 64
    layers: int = 5
    view_width: int | None = None
    view_layers: int = 2
    batch_norm: bool = False
    categories: int = 32

    # --- learning

    def fit(self, X: Raw) -> Self:
        """Learn kinds, scales and levels from training rows; their order does not matter.

        Raises
        ------
        InputError: fewer than two rows, no column to learn from, a column without any value, an
            infinite value, or a parameter out of its range.
        """
        self._check_parameters()
        table = as_table(X)
        self._check_size(table)
        self.columns_: list[str] = list(table.columns)
        self.n_features_in_: int = len(self.columns_)
        self.rows_: int = len(table)
        self._learn_kinds(table)
        self._learn_numbers(table)
        self._learn_indicators(table)
        return self

    def _check_parameters(self) -> None:
        check_numbers(self)
        check_word(self, "scaling", SCALINGS)
        check_least(self, 1, "layers", "view_layers", "width", "view_width", "categories")

    def _check_size(self, table: pd.DataFrame) -> None:
        rows, columns = table.shape
        if columns == 0:
            raise InputError(
                f"Found array with 0 feature(s) (shape=({rows}, 0)) while a minimum of 1 is "
                "required: give a table with columns."
            )
        if rows < 2:
            raise InputError(
                f"The table has {rows} rows (n_samples={rows}), but Tabular needs at least 2 to "
                "learn what varies: give more rows."
            )

    def _learn_kinds(self, table: pd.DataFrame) -> None:
        self.kinds_: dict[str, str] = {}
        self.left_out_: dict[str, str] = {}
        self.missing_: list[str] = []
        self.parts_: dict[str, list[str]] = {}
        self.levels_: dict[str, list[str | None]] = {}
        learners = {
            "category": self._learn_levels,
            "date": self._learn_parts,
            "number": why_row_numbers,
        }
        for name in self.columns_:
            self._refuse_empty(table[name])
            kind = kind_of(table[name])
            reason = learners[kind](table[name]) if kind in learners else ""
            if reason:
                self.left_out_[name] = reason
            else:
                self.kinds_[name] = kind
        self._refuse_nothing_left()

    def _refuse_empty(self, column: pd.Series[Any]) -> None:
        if column.isna().all() or (column.dtype.kind == "O" and bool(as_text(column).isna().all())):
            raise InputError(
                f"Column {column.name!r} has no value in any of the {len(column)} training rows, "
                "so nothing can be learned from it: leave it out or fill it."
            )

    def _refuse_nothing_left(self) -> None:
        if not self.kinds_:
            reasons = "; ".join(f"{name!r} {reason}" for name, reason in self.left_out_.items())
            raise InputError(
                f"No column is left to learn from: {reasons}. Give a table with numbers, booleans, "
                "categories or dates that repeat."
            )

    def _learn_levels(self, column: pd.Series[Any]) -> str:
        """Keep the commonest levels; return why the column is left out, or nothing."""
        text = as_text(column)
        doubt = misread(text)
        if doubt:
            warnings.warn(f"Column {column.name!r} is read as words, but {doubt}.", stacklevel=2)
        reason = why_identifier(text)
        if reason:
            return reason
        counts = text.value_counts().items()
        ranked = sorted(counts, key=lambda level: (-level[1], str(level[0])))
        levels: list[str | None] = [str(level) for level, _ in ranked[: self.categories]]
        self.levels_[str(column.name)] = [*levels, None] if text.isna().any() else levels
        return ""

    def _learn_parts(self, column: pd.Series[Any]) -> str:
        """Keep the parts that training shows a whole cycle of; return why there is none."""
        dates = as_dates(column).dropna()
        days = (dates.max() - dates.min()) / pd.Timedelta(days=1)
        parts = [p for p, cycle in CYCLES.items() if days >= cycle and np.ptp(turns(dates, p)) > 0]
        if not parts:
            return "has dates that span less than a day or never change, so no part of them repeats"
        self.parts_[str(column.name)] = parts
        return ""

    def _learn_numbers(self, table: pd.DataFrame) -> None:
        learned = [self._column_state(as_numbers(table[name]), name) for name in self._numbers()]
        knots = (len(learned), SCALINGS[self.scaling].knots)
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("center", "scale", "fill"), knots[:1])
        shapes |= dict.fromkeys(("knots", "targets"), knots)
        self.numbers_: State = {
            key: np.reshape([state[key] for state in learned], shape).astype(np.float64)
            for key, shape in shapes.items()
        }

    def _column_state(self, values: Floats, name: str) -> dict[str, Any]:
        ordered = np.sort(values[~np.isnan(values)])
        self._refuse_huge(ordered, name)
        center, scale = moments(ordered)
        knots, targets = ranks(ordered, SCALINGS[self.scaling].knots)
        fill = float(ordered[len(ordered) // 2])
        if len(ordered) < len(values):
            self.missing_.append(name)
        else:
            fill = _beyond(fill, scale, ordered[-1])
        return {"center": center, "scale": scale, "fill": fill, "knots": knots, "targets": targets}

    def _refuse_huge(self, ordered: Floats, name: str) -> None:
        largest = max(abs(ordered[0]), abs(ordered[-1]))
        if self.scaling == "none" and largest > TOP:
            raise InputError(
                f"Column {name!r} reaches {largest:.3g}, but networks bear at most {TOP:g}: with "
                "scaling='none' give it in larger units, or choose another scaling."
            )

    def _learn_indicators(self, table: pd.DataFrame) -> None:
        for name in self._kind("boolean"):
            if np.isnan(as_booleans(table[name])).any():
                self.missing_.append(name)
        self.missing_ += [name for name in self.parts_ if as_dates(table[name]).isna().any()]
        owners, columns = list(np.tile(self._positions(self._numbers()), self._copies())), []
        for name, block in self._indicators(table):
            owners += self._positions([name] * block.shape[1])
            columns += [self._indicator_state(values, name) for values in block.T]
        self.owners_: NDArray[np.int64] = np.array(owners, dtype=np.int64)
        learned = np.array(columns, dtype=np.float64).reshape(-1, 3)
        self.indicators_: State = dict(zip(["center", "scale", "fill"], learned.T, strict=True))

    def _indicator_state(self, values: Floats, name: str) -> tuple[float, float, float]:
        ordered = np.sort(values[~np.isnan(values)])
        center, scale = moments(ordered)
        # An indicator that never changed is taken as if it had, in one row: unseen is rare, not
        # infinitely strange.
        if ordered[0] == ordered[-1]:
            scale = float(np.sqrt((1 - 1 / self.rows_) / self.rows_))
        fill = center if name in self.missing_ else _beyond(center, scale, ordered[-1])
        return center, scale, fill

    # --- encoding

    def count(self, X: Raw) -> int:
        """Return the number of rows."""
        return int(X.shape[0]) if len(getattr(X, "shape", ())) == 2 else len(as_table(X))

    def take(self, X: Raw, index: NDArray[np.intp]) -> pd.DataFrame:
        """Return these rows, in this order, as a DataFrame that keeps their labels."""
        if hasattr(X, "to_pandas") and hasattr(X, "shape"):  # polars, pyarrow: pick, then convert
            return as_table(X.take(index) if hasattr(X, "take") else X[index])
        if sparse.issparse(X):
            return as_table(sparse_rows(X, index))
        return as_table(X).iloc[np.asarray(index)]

    def encode(self, X: Raw) -> Tensor:
        """Return rows as one float32 batch ``(n, d)``; each row by itself.

        Columns are found by name: their order does not matter, and further ones are ignored with a
        warning. Tables without names are taken by position.

        Raises
        ------
        InputError: a column is missing, the width differs, or a cell does not fit its column.
        """
        check_is_fitted(self)
        table = aligned(as_table(X), self.columns_)
        encoded = np.empty((len(table), len(self.owners_)), dtype=np.float32)
        for start in range(0, len(table), CHUNK):
            encoded[start : start + CHUNK] = self._encode_rows(table.iloc[start : start + CHUNK])
        return torch.from_numpy(encoded)

    def _encode_rows(self, table: pd.DataFrame) -> Floats:
        scaling = SCALINGS[self.scaling]
        values = self._values(table)
        blocks = [block for _, block in self._indicators(table, values)]
        numbers = scaling.numbers(_filled(values, self.numbers_["fill"]), self.numbers_)
        if not blocks:
            return numbers
        indicators = _filled(np.hstack(blocks), self.indicators_["fill"])
        return np.hstack([numbers, scaling.indicators(indicators, self.indicators_)])

    def _values(self, table: pd.DataFrame) -> Floats:
        """Return the number columns, NaN where missing, ``(n, m)``."""
        names = self._numbers()
        if not names:
            return np.empty((len(table), 0))
        part = table if names == self.columns_ else table[names]
        if all(is_plain(dtype) for dtype in part.dtypes):
            values = part.to_numpy(dtype=np.float64)
            if not np.isinf(values).any():
                return values
        return np.stack([as_numbers(part[name]) for name in names], axis=1)

    def _indicators(
        self, table: pd.DataFrame, values: Floats | None = None
    ) -> Iterator[tuple[str, Floats]]:
        """Yield each column's name with what it has beside numbers, ``(n, k)``: see the branches.

        NaN stands where a boolean or a date is missing. ``values``: the number columns, if at hand.
        """
        for name in [name for name in self._numbers() if name in set(self.missing_)]:
            found = as_numbers(table[name]) if values is None else values[:, self._place(name)]
            yield name, np.isnan(found)[:, None].astype(np.float64)
        for name in self._kind("boolean"):
            yield name, self._marked(name, as_booleans(table[name])[:, None])
        for name, parts in self.parts_.items():
            yield name, self._marked(name, _circles(as_dates(table[name]), parts))
        for name, levels in self.levels_.items():
            yield name, _one_hot(as_text(table[name]), levels)

    def _marked(self, name: str, block: Floats) -> Floats:
        """Add whether a cell is missing, for columns where that occurred in training."""
        gaps = np.isnan(block[:, :1]).astype(np.float64)
        return np.hstack([block, gaps]) if name in self.missing_ else block

    # --- networks

    def encoder(self, dim: int, *, bias: bool) -> nn.Module:
        """Return `layers` linear layers, ``(B, d) -> (B, dim)``."""
        columns = self._columns()
        hidden = [self.width] * (self.layers - 1)
        return MLP([columns, *hidden, dim], bias=bias, norm=self.batch_norm)

    def transform(self, views: int, kind: str, *, bias: bool) -> nn.Module:
        """Return `view_layers` linear layers for each view, ``(B, d) -> (views * B, d)``."""
        columns = self._columns()
        return TableViews(
            columns,
            views,
            width=self.view_width or min(max(columns, 16), 64),
            layers=self.view_layers,
            kind=kind,
            bias=bias,
        )

    def decoder(self, dim: int, *, outputs: int = 1, bias: bool) -> nn.Module:
        """Return `layers` linear layers, ``(B, dim), (B, d) -> (B, outputs, d)``."""
        columns = self._columns()
        hidden = [self.width] * (self.layers - 1)
        layers = MLP([dim, *hidden, outputs * columns], bias=bias, norm=False)
        return Decoder(layers, nn.Unflatten(1, (outputs, columns)))

    def signs(self, x: Tensor) -> Tensor:
        """Return a random sign for each raw column, shared by all it became, ``(B, d)``."""
        owners = torch.from_numpy(self.owners_).to(x.device)
        return (torch.randint_like(x[:, :1].expand(-1, self.n_features_in_), 2) * 2 - 1)[:, owners]

    def error(self, x: Tensor, restored: Tensor) -> Tensor:
        """Return squared differences summed over what each raw column became, ``(B, columns)``.

        A column that was left out has 0.
        """
        owners = torch.from_numpy(self.owners_).to(x.device)
        squared = (x - restored).square()
        return squared.new_zeros(len(x), self.n_features_in_).index_add(1, owners, squared)

    def features(self) -> nn.Module:
        """Return the encoded row itself, ``(B, d) -> (B, d)``."""
        return nn.Flatten()

    # --- health and explanation

    def alter(self, x: Tensor, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Return rows that should look stranger, by what was done to them; each ``(B, d)``.

        "scaled": three times as far from the mean. "shuffled": every raw column permuted on its
        own, so that each value is normal and their combination is not. "pushed": one random raw
        column a row moved by six standard deviations. "noise": one standard deviation everywhere.
        """
        center, unit = self._typical(x)
        owners = torch.from_numpy(self.owners_)
        order = torch.rand(len(x), self.n_features_in_, generator=generator).argsort(0)[:, owners]
        made = owners.unique()  # the raw columns that made any
        chosen = made[torch.randint(len(made), (len(x), 1), generator=generator)]
        pushed = x + FAR * unit * (owners == chosen).to(x)
        noise = torch.randn(x.shape, generator=generator).to(x) * unit
        return {
            "scaled": center + 3 * (x - center),
            "shuffled": x.gather(0, order.to(x.device)),
            "pushed": pushed,
            "noise": x + noise,
        }

    def _typical(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of encoded columns, ``(d,)``."""
        if self.scaling != "none":
            return torch.zeros_like(x[0]), torch.ones_like(x[0])
        learned = [
            plain(np.append(self.numbers_[key], self.indicators_[key]), {})
            for key in ("center", "scale")
        ]
        return torch.from_numpy(learned[0]).to(x), torch.from_numpy(learned[1]).to(x)

    def groups(self, x: Tensor) -> tuple[list[str], Tensor]:
        """Return the raw columns' names and which encoded columns each made, ``(columns, d)``.

        A column that was left out has none.
        """
        owners = torch.from_numpy(self.owners_).to(x.device)
        return list(self.columns_), owners == torch.arange(self.n_features_in_, device=x.device)[
            :, None
        ]

    def describe(self) -> str:
        """Return how many rows and columns of which kind training had, and what was left out."""
        check_is_fitted(self)
        counts = {kind: len(self._kind(kind)) for kind in PLURALS}
        kinds = [f"{n:,} {kind if n == 1 else PLURALS[kind]}" for kind, n in counts.items() if n]
        left_out = f"; left out: {listed(list(self.left_out_))}" if self.left_out_ else ""
        return f"{self.rows_:,} rows: {', '.join(kinds)}{left_out}"

    def doubts(self, X: Raw) -> dict[tuple[str, str], str]:
        """Say which columns are empty in all rows, or hold only levels that training had not."""
        table = as_table(X)
        found = [self._doubt(table[name]) for name in self.kinds_ if name in table]
        return {key: doubt for one in found for key, doubt in one.items()}

    def _doubt(self, column: pd.Series[Any]) -> dict[tuple[str, str], str]:
        name = str(column.name)
        known = as_text(column).dropna().unique() if name in self.levels_ else column.dropna()
        if not len(known):
            return {(name, "empty"): f"column {name!r} is empty in all rows"}
        if name not in self.levels_ or any(map(self._is_seen(name), known)):
            return {}
        shown = listed(list(known), 3)
        return {(name, "unseen"): f"no value of column {name!r} was seen in training: {shown}"}

    def _is_seen(self, name: str) -> Callable[[str], bool]:
        seen = {level for level in self.levels_[name] if level is not None}
        return lambda level: not seen.isdisjoint((level, _as_whole(level)))

    def word_columns(self) -> list[str]:
        """Return the columns that are categories."""
        return list(self.levels_)

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """The names of the training columns, as in scikit-learn: absent where there were none."""
        if unnamed(self.columns_):
            raise AttributeError("feature_names_in_: the training table had no column names.")
        return np.array(self.columns_, dtype=object)

    # --- what was learned, looked up

    def _kind(self, kind: str) -> list[str]:
        return [name for name, found in self.kinds_.items() if found == kind]

    def _numbers(self) -> list[str]:
        return self._kind("number")

    def _place(self, name: str) -> int:
        return self._numbers().index(name)

    def _positions(self, names: Sequence[str]) -> list[int]:
        place = {name: i for i, name in enumerate(self.columns_)}
        return [place[name] for name in names]

    def _copies(self) -> int:
        return SCALINGS[self.scaling].copies

    def _columns(self) -> int:
        check_is_fitted(self)
        return len(self.owners_)


# --- helpers of the data type --------------------------------------------------------------------


def _beyond(typical: float, scale: float, top: float) -> float:
    """Return a value that is far out and beyond all of training."""
    with np.errstate(over="ignore"):
        value = max(typical + FAR * scale, top + scale)
    return float(min(value, np.finfo(np.float64).max))


def _filled(values: Floats, fill: Floats) -> Floats:
    gaps = np.isnan(values)
    return np.where(gaps, fill, values) if gaps.any() else values


def _circles(dates: pd.Series[Any], parts: Sequence[str]) -> Floats:
    """Return sine and cosine of each part, ``(n, 2 parts)``: midnight is close to one minute to."""
    angles = 2 * np.pi * np.stack([turns(dates, part) for part in parts], axis=1)
    return np.hstack([np.sin(angles), np.cos(angles)])


def _as_whole(level: str | None) -> str | None:
    """Return what a level is called that was read as a number where others are words: 5 for 5.0."""
    return None if level is None else re.sub(WHOLE, r"\1", level)


def _one_hot(text: pd.Series[Any], levels: Sequence[str | None]) -> Floats:
    """Return a column a level, and a last one for all others, ``(n, levels + 1)``."""
    place = {level: i for i, level in enumerate(levels)}
    codes, found = pd.factorize(text)
    # A missing cell has the code -1, hence the last entry.
    others = len(levels)
    places = [place.get(level, place.get(_as_whole(level), others)) for level in [*found, None]]
    return np.eye(len(levels) + 1)[np.array(places, dtype=np.intp)[codes]]
