"""Rows of a table: numbers, booleans, categories and dates become one vector a row."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pandas.api import types
from scipy import sparse, special
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from askew.data.base import DataType, Raw
from askew.errors import InputError
from askew.nets.mlp import MLP
from askew.nets.transform import TableViews

Floats = NDArray[np.float64]
State = dict[str, Floats]
"""What a scaling learned, by name: ``(m,)`` for m columns; knots and targets ``(m, knots)``."""

CHUNK = 8_192
"""Rows encoded at a time: float64 copies stay in the processor's cache, twice as fast as 65,536."""
LEVELS = 32
"""Levels of a category that get a column of their own; the rest share one."""
CLIP = 5.0
"""Standard deviations from which a value grows only logarithmically."""
FAR = 6.0
"""Standard deviations at which a cell stands that is missing where none ever was."""
KNOTS = 201
"""Training quantiles kept for each column by the scalings that use them."""
DENSE = 2**27
"""Entries up to which a sparse matrix is written out (1 GiB of float64)."""
DISTINCT = 0.9
"""Share of distinct values from which a text column is taken for an identifier."""

ISO_DATE = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
OFFSET = r"(?:Z|[+-]\d{2}:?\d{2})?"
LEADING_ZERO = r"[+-]?0\d"
CYCLES: Mapping[str, float] = {"hour": 1.0, "weekday": 7.0, "day of year": 365.0}
"""The cyclic parts of a date, and the days that one turn takes."""
PLURALS: Mapping[str, str] = {
    "number": "numbers",
    "boolean": "booleans",
    "category": "categories",
    "date": "dates",
}
INFERRED: Mapping[str, str] = {
    "boolean": "boolean",
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "datetime64": "date",
    "datetime": "date",
    "date": "date",
}
"""pandas' name for what a column of objects holds, and the kind of column it makes."""


# --- raw input to one pandas table ---------------------------------------------------------------


def as_table(X: Raw) -> pd.DataFrame:
    """Every kind of table becomes one pandas DataFrame with string names, once.

    Takes numpy arrays with two axes or named fields, lists of rows or of dicts, dicts of columns,
    pandas, polars and pyarrow tables, and sparse matrices of up to `DENSE` entries. Columns
    without names are called ``column_0``, ``column_1`` and so on; row labels are kept.

    Raises
    ------
    InputError: not a table (one axis, three axes, rows of unequal length, complex numbers), or
        two columns of the same name.

    Example
    -------
    >>> as_table([[1.0, "red"], [2.0, "blue"]])
       column_0 column_1
    0       1.0      red
    1       2.0     blue
    """
    return _with_names(_frame(X))


def default_names(width: int) -> list[str]:
    """Return the names that columns without names get.

    Example
    -------
    >>> default_names(2)
    ['column_0', 'column_1']
    """
    return [f"column_{i}" for i in range(width)]


def _frame(X: Raw) -> pd.DataFrame:
    if type(X).__name__ == "LazyFrame":
        X = X.collect()
    if hasattr(X, "to_pandas"):  # polars, pyarrow
        X = X.to_pandas()
    if isinstance(X, pd.DataFrame):
        return X
    if sparse.issparse(X):
        return pd.DataFrame(_dense(X))
    if isinstance(X, Mapping):
        return pd.DataFrame(dict(X))
    if isinstance(X, list | tuple):
        return _from_rows(X)
    return _from_array(X if isinstance(X, np.ma.MaskedArray) else np.asarray(X))


def _dense(X: Any) -> NDArray[Any]:
    rows, columns = X.shape
    if rows * columns > DENSE:
        raise InputError(
            f"The sparse matrix has {rows:,} x {columns:,} entries, but at most {DENSE:,} are "
            "written out: reduce its columns first, for example with TruncatedSVD."
        )
    return np.asarray(X.toarray())


def _sparse_rows(X: Any, index: NDArray[np.intp]) -> Any:
    return X.tocsr()[index]


def _from_rows(rows: Sequence[Any]) -> pd.DataFrame:
    if not rows:
        raise InputError("The list of rows is empty: give at least two rows.")
    if all(isinstance(row, Mapping) for row in rows):
        return pd.DataFrame(list(rows))
    if not all(isinstance(row, list | tuple | np.ndarray) for row in rows):
        return _from_array(np.asarray(rows, dtype=object))
    first = len(rows[0])
    for i, row in enumerate(rows):
        if len(row) != first:
            raise InputError(
                f"Row {i} has {len(row)} values but row 0 has {first}: a table needs rows of one "
                "length. For series of unequal length use data=Series()."
            )
    return pd.DataFrame([list(row) for row in rows])


def _from_array(X: NDArray[Any]) -> pd.DataFrame:
    if X.dtype.names is not None and X.ndim == 1:
        return pd.DataFrame(X)
    if X.ndim != 2:
        raise InputError(_axes_advice(X.ndim))
    if np.iscomplexobj(X):
        raise InputError("Complex data not supported: give real and imaginary part as two columns.")
    return pd.DataFrame(X)


def _axes_advice(axes: int) -> str:
    found = f"Expected 2D array (rows, columns), got {axes}D array instead. "
    if axes > 2:
        return found + "For series, (n, length, channels), use data=Series()."
    return found + (
        "Reshape your data with X.reshape(-1, 1) if it is one column, "
        "or X.reshape(1, -1) if it is one row."
    )


def _with_names(table: pd.DataFrame) -> pd.DataFrame:
    names = [str(name) for name in table.columns]
    if table.columns.equals(pd.RangeIndex(len(names))):
        names = default_names(len(names))
    index = pd.Index(names, dtype=object)
    repeated = list(dict.fromkeys(index[index.duplicated()]))
    if repeated:
        raise InputError(
            f"Several columns have the same name ({', '.join(map(repr, repeated))}): "
            "rename them so that each name is used once."
        )
    return table if names == list(table.columns) else table.set_axis(names, axis=1)


# --- one column to values ------------------------------------------------------------------------


def kind_of(column: pd.Series[Any]) -> str:
    """A column is numbers, booleans, dates or categories, by its type and then by its cells.

    Text whose every cell reads as a number is numbers, unless one starts with a spare zero (as
    codes do); text whose every cell is an ISO date is dates; other text, mixed objects and
    anything of pandas' categorical type are categories.

    Raises
    ------
    InputError: cells that hold lists or dicts, or complex numbers.

    Example
    -------
    >>> kind_of(pd.Series(["2026-01-05", "2026-01-06 10:30", None]))
    'date'
    """
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if types.is_complex_dtype(dtype):
        raise InputError(
            f"Column {column.name!r} holds complex numbers. Complex data not supported."
        )
    if types.is_bool_dtype(dtype):
        return "boolean"
    if types.is_numeric_dtype(dtype) or types.is_timedelta64_dtype(dtype):
        return "number"
    if types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return "date"
    return _kind_of_objects(column)


def _kind_of_objects(column: pd.Series[Any]) -> str:
    inferred = types.infer_dtype(column.astype(object), skipna=True)
    if inferred in INFERRED:
        return INFERRED[inferred]
    text = as_text(column).dropna().astype(str)
    if text.str.fullmatch(ISO_DATE + OFFSET).all() and _parse_dates(text).notna().all():
        return "date"
    if text.str.match(LEADING_ZERO).any() or pd.to_numeric(text, errors="coerce").isna().any():
        return "category"
    return "number"


def as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Each cell becomes the text that names its level; missing and blank cells become None.

    ``1`` and ``1.0`` give the same text, since a missing neighbour turns integers into floats.

    Raises
    ------
    InputError: cells that hold lists or dicts.

    Example
    -------
    >>> as_text(pd.Series(["a", 1.0, 1, True, "", None], dtype=object)).tolist()
    ['a', '1', '1', 'True', None, None]
    """
    codes, distinct = _distinct(column)
    texts = np.array([*(_text(cell, column.name) for cell in distinct), None], dtype=object)
    return pd.Series(texts[codes], index=column.index, name=column.name, dtype=object)


def _distinct(column: pd.Series[Any]) -> tuple[NDArray[np.intp], Any]:
    """Return codes and distinct cells, -1 where missing; among objects every cell is distinct.

    Objects are not compared, since 1, 1.0 and True are equal but have different texts.
    """
    if types.is_object_dtype(column.dtype):
        return np.arange(len(column)), column
    codes, distinct = pd.factorize(column)
    return codes, distinct


def _text(cell: Any, name: object) -> str | None:
    if isinstance(cell, str):
        return None if cell.strip() in ("", "nan", "NaN") else cell
    if isinstance(cell, list | tuple | dict | set | np.ndarray):
        raise InputError(
            f"Column {name!r} holds a {type(cell).__name__} in a cell, but a cell of a table is "
            "one value: spread it over columns."
        )
    if cell is None or cell is pd.NA or cell is pd.NaT or cell != cell:
        return None
    if isinstance(cell, float | np.floating) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def as_numbers(column: pd.Series[Any]) -> Floats:
    """Return a column as float64, NaN where a cell is missing; durations in seconds.

    Raises
    ------
    InputError: a cell that is not a number, or infinite, by column, row and value.

    Example
    -------
    >>> as_numbers(pd.Series(["1.5", None, "2"])).tolist()
    [1.5, nan, 2.0]
    """
    if types.is_timedelta64_dtype(column.dtype):
        return np.asarray(column.dt.total_seconds(), dtype=np.float64)
    if _is_plain(column.dtype):
        return _finite(column.to_numpy(dtype=np.float64), column)
    if types.is_numeric_dtype(column.dtype) and not isinstance(column.dtype, pd.CategoricalDtype):
        return _finite(column.to_numpy(dtype=np.float64, na_value=np.nan), column)
    text = as_text(column)
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)
    booleans = text.map({"True": 1.0, "False": 0.0}).to_numpy(dtype=np.float64)
    numbers = np.asarray(np.where(np.isnan(numbers), booleans, numbers), dtype=np.float64)
    _refuse(np.isnan(numbers) & text.notna().to_numpy(), column, "a number")
    return _finite(numbers, column)


def _is_plain(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind in "biuf"


def _refuse(bad: NDArray[np.bool_], column: pd.Series[Any], expected: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"Column {column.name!r}, row {column.index[row]}: found {str(column.iloc[row])!r}, "
            f"expected {expected}. Correct the cell, or leave it empty if it is unknown."
        )


def _finite(numbers: Floats, column: pd.Series[Any]) -> Floats:
    infinite = np.isinf(numbers)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise InputError(
            f"Column {column.name!r}, row {column.index[row]}: found {numbers[row]}, but "
            "numbers must be finite. Replace infinite values, or leave the cell empty."
        )
    return numbers


def as_booleans(column: pd.Series[Any]) -> Floats:
    """Return a column of yes and no as 1 and 0, NaN where a cell is missing.

    Raises
    ------
    InputError: a cell that is neither, by column, row and value.

    Example
    -------
    >>> as_booleans(pd.Series([True, None, "false", 1], dtype=object)).tolist()
    [1.0, nan, 0.0, 1.0]
    """
    if types.is_bool_dtype(column.dtype) and not isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    text = as_text(column)
    words = {"true": 1.0, "1": 1.0, "false": 0.0, "0": 0.0}
    values: Floats = np.array(text.astype(str).str.lower().map(words), dtype=np.float64)
    _refuse(np.isnan(values) & text.notna().to_numpy(), column, "true or false")
    return values


def as_dates(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as dates on the clock of their own time zone, NaT where missing.

    The clock on the wall is kept and the zone dropped: what repeats is eight in the morning there.

    Raises
    ------
    InputError: a cell that is not a date, by column, row and value.

    Example
    -------
    >>> as_dates(pd.Series(["2026-01-05 08:00+02:00"])).dt.hour.tolist()
    [8]
    """
    if isinstance(column.dtype, pd.PeriodDtype):
        return pd.Series(column.dt.to_timestamp())
    if types.is_datetime64_any_dtype(column.dtype):
        return pd.Series(column.dt.tz_localize(None))
    text = as_text(column)
    dates = _parse_dates(text)
    _refuse((dates.isna() & text.notna()).to_numpy(), column, "a date such as 2026-01-31 08:30")
    return dates


def _parse_dates(text: pd.Series[Any]) -> pd.Series[Any]:
    clock = text.astype(str).str.extract(f"^({ISO_DATE}){OFFSET}$", expand=False)
    return pd.to_datetime(clock, format="ISO8601", errors="coerce")


def turns(dates: pd.Series[Any], part: str) -> Floats:
    """Return how much of its cycle a part of each date has gone through, in [0, 1).

    Example
    -------
    >>> turns(pd.Series(pd.to_datetime(["2026-01-05 18:00"])), "hour").tolist()
    [0.75]
    """
    clock = dates.dt
    if part == "hour":
        turn = (clock.hour + clock.minute / 60 + clock.second / 3600) / 24
    elif part == "weekday":
        turn = clock.day_of_week / 7
    else:
        turn = (clock.day_of_year - 1) / 366
    return np.asarray(turn, dtype=np.float64)


# --- scalings ------------------------------------------------------------------------------------


def soft_clip(z: Floats) -> Floats:
    """Values beyond `CLIP` grow like their logarithm: size stays visible, without dominating.

    ``z`` up to ``c`` = 5 is kept, beyond it becomes ``sign(z) c (1 + log(|z| / c))``: monotone,
    with a continuous slope.

    Shapes
    ------
    ``(n, m) -> (n, m)``; infinite values, from overflow, become the largest finite one's.

    Example
    -------
    >>> soft_clip(np.array([[-3.0, 5.0, 500.0]])).round(1).tolist()
    [[-3.0, 5.0, 28.0]]
    """
    far = np.abs(z) > CLIP
    if far.any():
        size = np.minimum(np.abs(z[far]), np.finfo(np.float64).max)
        z = z.copy()
        z[far] = np.sign(z[far]) * CLIP * (1 + np.log(size / CLIP))
    return z


def plain(values: Floats, state: State) -> Floats:
    """Return numbers as they are, within the range of float32."""
    top = float(np.finfo(np.float32).max)
    return np.clip(values, -top, top) if np.abs(values).max(initial=0) > top else values


def standard(values: Floats, state: State) -> Floats:
    """Return distances from the training mean in training standard deviations, softly clipped."""
    with np.errstate(over="ignore"):
        z = values - state["center"]
        z /= state["scale"]  # in place: passes over memory are what this costs
        return soft_clip(z)


def quantile(values: Floats, state: State) -> Floats:
    """Return the normal quantile of each value's rank in training, so that any column looks normal.

    Between training quantiles it interpolates. Beyond the training range it goes on in a straight
    line, one unit a training standard deviation: plain ranks would hide how far out a value is.
    """
    ranked = np.empty_like(values)
    for i, (knots, targets) in enumerate(zip(state["knots"], state["targets"], strict=True)):
        ranked[:, i] = np.interp(values[:, i], knots, targets)
    low, high = state["knots"][:, 0], state["knots"][:, -1]
    with np.errstate(over="ignore"):
        beyond = (values - np.clip(values, low, high)) / state["scale"]
        return soft_clip(ranked + beyond)


def both(values: Floats, state: State) -> Floats:
    """Return `standard` and `quantile` side by side, ``(n, 2 m)``."""
    return np.hstack([standard(values, state), quantile(values, state)])


class Scaling(NamedTuple):
    """How numbers are scaled, how indicators are, and what has to be learned for it."""

    numbers: Callable[[Floats, State], Floats]
    indicators: Callable[[Floats, State], Floats]
    copies: int
    knots: int


SCALINGS: Mapping[str, Scaling] = {
    "none": Scaling(plain, plain, copies=1, knots=0),
    "standard": Scaling(standard, standard, copies=1, knots=0),
    "quantile": Scaling(quantile, standard, copies=1, knots=KNOTS),
    "both": Scaling(both, standard, copies=2, knots=KNOTS),
}
"""The scalings by name. Indicators are never ranked: two values have no shape to make normal."""


def moments(ordered: Floats) -> tuple[float, float]:
    """Return mean and standard deviation of sorted values, without overflow or underflow.

    Sorted, so that the order of the training rows cannot change the last bit. A constant column
    has no deviation: its own size is the scale on which a change is then measured.

    Example
    -------
    >>> moments(np.array([1e300, 3e300])), moments(np.array([7.0, 7.0]))
    ((2e+300, 1e+300), (7.0, 7.0))
    """
    low, high = float(ordered[0]), float(ordered[-1])
    size = max(abs(low), abs(high))
    if low == high:
        return low, size or 1.0
    unit = math.ldexp(1.0, math.frexp(size)[1] - 1)  # a power of two, so dividing is exact
    scaled = ordered / unit
    mean = float(scaled.mean())
    spread = float(max(scaled[-1] - mean, mean - scaled[0]))
    deviation = spread * float(np.sqrt(np.mean(((scaled - mean) / spread) ** 2)))
    resolution = 4 * np.finfo(np.float64).eps * size  # what is finer is rounding, not variation
    return mean * unit, max(deviation * unit, resolution, float(np.finfo(np.float64).tiny))


def ranks(ordered: Floats, knots: int) -> tuple[Floats, Floats]:
    """Return quantiles of sorted values and the standard normal's quantiles they stand for.

    The normal's are evenly spaced up to the two ends of the sample, so tails are not skipped. Tied
    values share the quantile in the middle of their ranks. Both are padded with their last entry.

    Shapes
    ------
    ``(n,) -> (knots,), (knots,)``
    """
    if knots == 0:
        return np.empty(0), np.empty(0)
    n = len(ordered)
    share = special.ndtr(np.linspace(-1, 1, knots) * special.ndtri(1 - 0.5 / n))
    values = ordered[np.clip(np.rint(share * n - 0.5), 0, n - 1).astype(np.intp)]
    distinct, first = np.unique(values, return_index=True)
    last = np.append(first[1:], knots) - 1
    targets = special.ndtri((share[first] + share[last]) / 2)
    padding = (0, knots - len(distinct))
    return np.pad(distinct, padding, mode="edge"), np.pad(targets, padding, mode="edge")


# --- the data type -------------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False, repr=False)
class Tabular(DataType):
    """A row is a vector: columns are scaled, categories spread out, gaps marked, sizes kept.

    *Numbers* are scaled by what training showed; beyond five standard deviations they grow like a
    logarithm, so that a value 1,000 times too big is stranger than one 10 times too big and yet
    does not drown the rest. *Categories* get a 0/1 column for each of their 32 commonest levels and
    one for all others, seen or not. Text that is different in nearly every row says which row it
    is, not whether it is normal: it is left out and listed in ``left_out_``.

    *Dates* become what repeats: hour of day, weekday, day of year, as points on a circle, each only
    where training covers a whole cycle. Time itself is never used, since every future row would
    be later than all of training, hence strange. Zones are dropped: the clock on the wall counts.

    *A missing cell is information.* Where training had some, a cell gets the median and a 0/1
    column says that it was missing. Where training had none, it stands as a value beyond all of
    training and at least six standard deviations out; a category's falls under "all others".

    Constant columns are kept: a change in one is seen.

    Parameters
    ----------
    scaling: "standard" (training mean and standard deviation), "quantile" (normal quantiles of the
        training ranks, in a straight line beyond them), "both" side by side, or "none".
    width, layers: hidden width and linear layers of the encoder. No width: twice the encoded
        columns below 32 of them, 64 up to 300, 256 beyond.
    view_width, view_layers: the same for the networks of the views. No width: the encoded columns.
    batch_norm: batch normalisation in all these networks.

    Shapes
    ------
    ``(n, columns)`` raw, ``(n, d)`` encoded; points are the raw columns.

    Example
    -------
    >>> rows = pd.DataFrame({"size": [1.0, 2.0, None, 3.0], "color": ["red", "blue", "red", "red"]})
    >>> table = Tabular().fit(rows)
    >>> table.describe()
    '4 rows: 1 number, 1 category'
    >>> table.encode(rows).shape  # size, whether it is missing; red, blue, all others
    torch.Size([4, 5])
    """

    scaling: str = "standard"
    width: int | None = None
    layers: int = 5
    view_width: int | None = None
    view_layers: int = 2
    batch_norm: bool = False

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
        if self.scaling not in SCALINGS:
            raise InputError(
                f"scaling={self.scaling!r} is not a scaling: choose one of {', '.join(SCALINGS)}."
            )
        sizes = [self.layers, self.view_layers, self.width, self.view_width]
        for name, size in zip(["layers", "view_layers", "width", "view_width"], sizes, strict=True):
            if size is not None and size < 1:
                raise InputError(f"{name}={size!r} is too small: give at least 1.")

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
        learners = {"category": self._learn_levels, "date": self._learn_parts}
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
        counts = text.value_counts()
        if len(counts) > DISTINCT * len(text.dropna()) and len(counts) >= 10:
            return _why_left_out(text)
        commonest = sorted(counts.items(), key=lambda level: (-level[1], str(level[0])))[:LEVELS]
        levels: list[str | None] = [str(level) for level, _ in commonest]
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
        center, scale = moments(ordered)
        knots, targets = ranks(ordered, SCALINGS[self.scaling].knots)
        fill = float(ordered[len(ordered) // 2])
        if len(ordered) < len(values):
            self.missing_.append(name)
        else:
            fill = _beyond(fill, scale, ordered[-1])
        return {"center": center, "scale": scale, "fill": fill, "knots": knots, "targets": targets}

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
            return as_table(_sparse_rows(X, index))
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
        table = self._align(as_table(X))
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
        if all(_is_plain(dtype) for dtype in part.dtypes):
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

    def _align(self, table: pd.DataFrame) -> pd.DataFrame:
        names = list(table.columns)
        if names == self.columns_:
            return table
        if _unnamed(names) or _unnamed(self.columns_):
            return self._by_position(table)
        self._refuse_missing(names)
        further = [name for name in names if name not in set(self.columns_)]
        if further:
            warnings.warn(
                f"Columns that were not in training are ignored: {_listed(further)}. "
                "Feature names unseen at fit time: leave them out, or train with them.",
                UserWarning,
                stacklevel=3,
            )
        return table[self.columns_]

    def _by_position(self, table: pd.DataFrame) -> pd.DataFrame:
        if table.shape[1] != self.n_features_in_:
            raise InputError(
                f"X has {table.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input: {_listed(self.columns_)}."
            )
        found, trained = (
            ("does not have valid", "with") if _unnamed(table.columns) else ("has", "without")
        )
        warnings.warn(
            f"X {found} feature names, but {type(self).__name__} was fitted {trained} feature "
            "names: columns are taken by their position.",
            UserWarning,
            stacklevel=4,
        )
        return table.set_axis(self.columns_, axis=1)

    def _refuse_missing(self, names: Sequence[str]) -> None:
        missing = [name for name in self.columns_ if name not in set(names)]
        if missing:
            raise InputError(
                f"Columns are missing: {_listed(missing)}. The table has {_listed(names)}; give "
                f"all {self.n_features_in_} columns of training, with empty cells where unknown. "
                "(Feature names seen at fit time, yet now missing.)"
            )

    # --- networks

    def encoder(self, dim: int, *, bias: bool) -> nn.Module:
        """Return `layers` linear layers, ``(B, d) -> (B, dim)``."""
        columns = self._columns()
        hidden = [self.width or _default_width(columns)] * (self.layers - 1)
        return MLP([columns, *hidden, dim], bias=bias, norm=self.batch_norm)

    def transform(self, views: int, kind: str, *, bias: bool) -> nn.Module:
        """Return `view_layers` linear layers for each view, ``(B, d) -> (B * views, d)``."""
        columns = self._columns()
        return TableViews(
            columns,
            views,
            width=self.view_width or columns,
            layers=self.view_layers,
            kind=kind,
            bias=bias,
            norm=self.batch_norm,
        )

    def features(self) -> nn.Module:
        """Return the encoded row itself, ``(B, d) -> (B, d)``."""
        return nn.Flatten()

    # --- health and explanation

    def alter(self, x: Tensor, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Return rows that should look stranger, by what was done to them; each ``(B, d)``.

        "scaled": three times as far from the mean. "shuffled": every column permuted on its own,
        so that each value is normal and their combination is not. "pushed": one random column a
        row moved by six standard deviations. "noise": one standard deviation of it everywhere.
        """
        center, unit = self._typical(x)
        order = torch.rand(x.shape, generator=generator).argsort(0).to(x.device)
        chosen = torch.randint(x.shape[1], (len(x), 1), generator=generator).to(x.device)
        pushed = torch.zeros_like(x).scatter_(1, chosen, FAR) * unit
        noise = torch.randn(x.shape, generator=generator).to(x) * unit
        return {
            "scaled": center + 3 * (x - center),
            "shuffled": x.gather(0, order),
            "pushed": x + pushed,
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

    def point_map(self, contributions: Floats) -> Floats:
        """Return the contributions as they are: the groups are the columns, ``(columns,)``."""
        return contributions

    def describe(self) -> str:
        """Return how many rows and columns of which kind training had, and what was left out."""
        check_is_fitted(self)
        counts = {kind: len(self._kind(kind)) for kind in PLURALS}
        kinds = [f"{n:,} {kind if n == 1 else PLURALS[kind]}" for kind, n in counts.items() if n]
        left_out = f"; left out: {_listed(list(self.left_out_))}" if self.left_out_ else ""
        return f"{self.rows_:,} rows: {', '.join(kinds)}{left_out}"

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """The names of the training columns, as in scikit-learn: absent where there were none."""
        if _unnamed(self.columns_):
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


def _unnamed(names: Sequence[str] | pd.Index[Any]) -> bool:
    return list(names) == default_names(len(names))


def _listed(names: Sequence[str], most: int = 10) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


def _default_width(columns: int) -> int:
    if columns < 32:
        return 2 * columns
    return 64 if columns <= 300 else 256


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


def _one_hot(text: pd.Series[Any], levels: Sequence[str | None]) -> Floats:
    """Return a column a level, and a last one for all others, ``(n, levels + 1)``."""
    place = {level: i for i, level in enumerate(levels)}
    codes, found = pd.factorize(text)
    # A missing cell has the code -1, hence the last entry.
    places = [place.get(level, len(levels)) for level in [*found, None]]
    return np.eye(len(levels) + 1)[np.array(places, dtype=np.intp)[codes]]


def _why_left_out(text: pd.Series[Any]) -> str:
    """Say that a column names its rows, or that text among its numbers made it look so."""
    known = text.dropna()
    worded = pd.to_numeric(known, errors="coerce").isna()
    if worded.mean() < 0.5 and worded.any():
        row = known.index[int(np.argmax(worded))]
        return f"mixes numbers with text (row {row}: {known[worded].iloc[0]!r})"
    return f"has {known.nunique():,} different texts in {len(known):,} rows, like an identifier"
