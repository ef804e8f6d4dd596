"""Tabular: what any odd table becomes, and what is refused in words."""

from __future__ import annotations

import json
import warnings
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone

from askew.data import tabular
from askew.data.columns import kind_of
from askew.data.scaling import SCALINGS, ranks, soft_clip
from askew.data.table import as_table
from askew.data.tabular import Tabular
from askew.errors import InputError


def normal(rows: int = 200, columns: int = 4) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, columns))


def mixed(rows: int = 60) -> pd.DataFrame:
    generator = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "size": generator.normal(10, 2, rows),
            "holes": np.where(np.arange(rows) % 5 == 0, np.nan, generator.normal(size=rows)),
            "on": np.arange(rows) % 3 == 0,
            "color": np.array(["red", "red", "blue", "grün"])[np.arange(rows) % 4],
            "seen": pd.date_range("2026-01-01", periods=rows, freq="7h"),
            "id": [f"row-{i}" for i in range(rows)],
        }
    )


# --- what goes in


def same_in_all_forms() -> dict[str, object]:
    polars, arrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [3, 1, 2]})
    return {
        "pandas": frame,
        "polars": polars.from_pandas(frame),
        "lazy": polars.from_pandas(frame).lazy(),
        "pyarrow": arrow.Table.from_pandas(frame),
        "dicts": frame.to_dict("records"),
        "columns": frame.to_dict("list"),
        "structured": frame.to_records(index=False).view(np.ndarray),
    }


@pytest.mark.parametrize("form", same_in_all_forms())
def test_every_form_with_names_is_the_same_table(form):
    X = same_in_all_forms()[form]
    pd.testing.assert_frame_equal(as_table(X), same_in_all_forms()["pandas"], check_dtype=False)


@pytest.mark.parametrize(
    "X",
    [
        np.array([[1.0, 3.0], [2.0, 1.0]]),
        [[1.0, 3.0], [2.0, 1.0]],
        [(1.0, 3.0), np.array([2.0, 1.0])],
        np.array([[1.0, 3.0], [2.0, 1.0]], dtype=object),
        torch.tensor([[1.0, 3.0], [2.0, 1.0]]),
        sparse.csr_array(np.array([[1.0, 3.0], [2.0, 1.0]])),
        pd.DataFrame([[1.0, 3.0], [2.0, 1.0]]),
    ],
)
def test_forms_without_names_get_default_ones(X):
    table = as_table(X)
    assert list(table.columns) == ["column_0", "column_1"]
    assert table.to_numpy(dtype=float).tolist() == [[1.0, 3.0], [2.0, 1.0]]


def test_names_become_strings_and_labels_stay():
    table = as_table(pd.DataFrame({7: [1.0], (1, 2): [2.0]}, index=["x"]))
    assert list(table.columns) == ["7", "(1, 2)"]
    assert list(table.index) == ["x"]


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.zeros(3), "Expected 2D array.*1D.*reshape"),
        (pd.Series([1.0, 2.0]), "Expected 2D array.*1D.*reshape"),
        ([1.0, 2.0], "Expected 2D array.*1D.*reshape"),
        (np.zeros((2, 3, 4)), r"3D.*Series\(\)"),
        (3.0, "0D"),
        ([], "empty"),
        ([[1, 2], [3]], "Row 1 has 1 values but row 0 has 2"),
        (np.zeros((3, 2), dtype=complex), "Complex data not supported"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "same name.*'a'.*rename"),
        (sparse.csr_array((2**20, 2**10)), "sparse matrix.*reduce"),
        (pd.DataFrame({"a": [[1, 2], [3, 4]]}), "'a' holds a list in a cell"),
        (np.empty((0, 3)), "0 rows"),
        (np.zeros((1, 3)), "n_samples=1"),
        (np.empty((5, 0)), r"0 feature\(s\) \(shape=\(5, 0\)\) while a minimum of 1 is required"),
        (pd.DataFrame({"a": [1.0, 2.0], "b": [np.nan, np.nan]}), "'b' has no value"),
        (pd.DataFrame({"a": [1.0, 2.0], "b": ["", None]}), "'b' has no value"),
        (pd.DataFrame({"a": [1.0, np.inf]}), "'a', row 1: found inf.*finite"),
        (pd.DataFrame({"a": [1.0, -np.inf]}, index=["x", "y"]), "row y"),
        (pd.DataFrame({"id": [f"row {i}" for i in range(20)]}), "No column is left.*'id'"),
    ],
)
def test_fit_refuses_in_words(X, words):
    with pytest.raises(InputError, match=f"(?s){words}"):
        Tabular().fit(X)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"scaling": "minmax"}, "scaling='minmax'.*'standard', 'clipped', 'quantile', 'both'"),
        ({"layers": 0}, "layers=0"),
        ({"width": 0}, "width=0"),
    ],
)
def test_parameters_are_checked_in_fit_not_before(parameters, words):
    table = clone(Tabular(**parameters))
    with pytest.raises(InputError, match=words):
        table.fit(normal())


# --- kinds


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (pd.Series([1, 2]), "number"),
        (pd.Series([1, None], dtype="Int64"), "number"),
        (pd.Series([1.5, None], dtype="Float64"), "number"),
        (pd.Series([Decimal("1.5"), None]), "number"),
        (pd.Series([1, 2.5, None], dtype=object), "number"),
        (pd.Series(["1.5", "2", None]), "number"),
        (pd.Series(["01", "02"]), "category"),
        (pd.to_timedelta(pd.Series(["1h", "2h"])), "number"),
        (pd.Series([True, False]), "boolean"),
        (pd.Series([True, None], dtype="boolean"), "boolean"),
        (pd.Series([True, None], dtype=object), "boolean"),
        (pd.Series(["a", "b"]), "category"),
        (pd.Series([1, 2], dtype="category"), "category"),
        (pd.Series([True, False], dtype="category"), "category"),
        (pd.Series([1, "a", None], dtype=object), "category"),
        (pd.Series(pd.date_range("2026", periods=2, tz="Asia/Tokyo")), "date"),
        (pd.Series(pd.period_range("2026", periods=2, freq="D")), "date"),
        (pd.Series([date(2026, 1, 5), None]), "date"),
        (pd.Series(["2026-01-05T10:00:00Z", None]), "date"),
        (pd.Series(["2026-01-05", "2026-13-05"]), "category"),
        (pd.Series(["2026-01-05", "soon"]), "category"),
        (pd.Series(["1/5/2026", "1/6/2026"]), "category"),
    ],
)
def test_kinds(cells, kind):
    assert kind_of(cells) == kind


def test_every_kind_in_one_table():
    table = Tabular(scaling="clipped").fit(mixed())
    assert table.kinds_ == {
        "size": "number",
        "holes": "number",
        "on": "boolean",
        "color": "category",
        "seen": "date",
    }
    assert "60 different texts" in table.left_out_["id"]
    assert table.describe() == ("60 rows: 2 numbers, 1 boolean, 1 category, 1 date; left out: 'id'")
    names, mask = table.groups(table.encode(mixed()))
    assert names == list(mixed().columns)
    # number; number and gap; boolean; three levels and others; sine and cosine of two parts; none
    assert mask.sum(1).tolist() == [1, 2, 1, 4, 4, 0]
    assert mask.sum(0).tolist() == [1] * mask.shape[1]


def test_text_among_numbers_is_named_when_a_column_is_left_out():
    cells = [str(i / 7) for i in range(50)] + ["broken"]
    table = Tabular().fit(pd.DataFrame({"a": cells, "b": np.arange(51.0)}))
    assert "row 50: 'broken'" in table.left_out_["a"]


def test_only_the_commonest_levels_get_a_column():
    levels = [f"l{i:02}" for i in range(40)]
    rows = pd.DataFrame({"c": levels * 3 + ["l39"] * 5})
    table = Tabular(scaling="none").fit(rows)
    x = table.encode(rows)
    assert x.shape == (125, Tabular().categories + 1)
    assert (x.sum(1) == 1).all()
    assert table.levels_["c"][:2] == ["l39", "l00"]
    unseen = table.encode(pd.DataFrame({"c": ["new", None, "l38"]}))
    assert unseen[:, -1].tolist() == [1, 1, 1]


def test_a_missing_category_is_a_level_of_its_own():
    rows = pd.DataFrame({"c": ["a", "b", None, "a", ""]})
    x = Tabular(scaling="none").fit(rows).encode(rows)
    assert x.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 0]]


def test_levels_survive_another_type_of_column():
    table = Tabular(scaling="none").fit(pd.DataFrame({"c": ["1", "2", "x", "1", "2", "x"]}))
    as_text = table.encode(pd.DataFrame({"c": ["1", None]}))
    as_float = table.encode(pd.DataFrame({"c": [1.0, np.nan]}))
    assert torch.equal(as_text, as_float)


# --- dates


def dates(start: str, hours: int, freq: str = "h") -> pd.DataFrame:
    return pd.DataFrame({"t": pd.date_range(start, periods=hours, freq=freq)})


def test_parts_need_a_whole_cycle_in_training():
    assert Tabular().fit(dates("2026-01-01", 3 * 24)).parts_ == {"t": ["hour"]}
    assert Tabular().fit(dates("2026-01-01", 9 * 24)).parts_ == {"t": ["hour", "weekday"]}
    daily = Tabular().fit(dates("2025-01-01", 400, "D"))
    assert daily.parts_ == {"t": ["weekday", "day of year"]}
    with pytest.raises(InputError, match="less than a day"):
        Tabular().fit(dates("2026-01-01", 5))


def test_the_same_hour_years_later_is_the_same():
    table = Tabular().fit(dates("2026-01-05", 14 * 24))
    soon, later = table.encode(dates("2026-01-05", 1)), table.encode(dates("2037-01-05", 1))
    assert torch.equal(soon, later)


def test_midnight_is_close_to_a_minute_before_it():
    table = Tabular().fit(dates("2026-01-01", 3 * 24))
    before, after = table.encode(pd.DataFrame({"t": ["2026-01-02 23:59", "2026-01-03 00:00"]}))
    assert (before - after).abs().max() < 0.01


def test_dates_as_text_are_the_same_as_dates():
    rows = dates("2026-01-01", 9 * 24)
    text = rows.assign(t=rows["t"].dt.strftime("%Y-%m-%dT%H:%M:%S+02:00"))
    table = Tabular().fit(rows)
    assert torch.equal(table.encode(rows), Tabular().fit(text).encode(text))
    assert torch.equal(table.encode(rows), table.encode(text))


# --- missing cells


def test_a_gap_as_in_training_is_the_median_and_a_mark():
    rows = pd.DataFrame({"a": [1.0, 2.0, np.nan, 3.0, 10.0, 2.0, 0.0]})
    table = Tabular(scaling="none").fit(rows)
    assert table.encode(rows)[:, 1].tolist() == [0, 0, 1, 0, 0, 0, 0]
    assert table.encode(rows)[2, 0] == 2.0


@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_gap_never_seen_is_far_out_in_its_own_column(scaling):
    rows = normal()
    table = Tabular(scaling=scaling).fit(rows)
    x = table.encode(rows)
    gap = rows[:1].copy()
    gap[0, 2] = np.nan
    found = table.encode(gap)[0]
    changed = found != x[0]
    assert set(table.owners_[changed.numpy()].tolist()) == {2}
    assert (found[changed] > x[:, changed].amax(0)).all()


@pytest.mark.parametrize("column", ["on", "color", "seen"])
def test_a_gap_never_seen_in_other_kinds_is_seen(column):
    table = Tabular().fit(mixed())
    x = table.encode(mixed())
    gap = mixed().astype({column: object})
    gap.loc[0, column] = None
    found = table.encode(gap)
    assert found[0].abs().max() > x.abs().max()
    assert torch.equal(found[1:], x[1:])


# --- scalings


def test_standard_is_the_mean_and_deviation_of_training():
    rows = normal() * [1, 10, 1e6, 1e-6] + [0, 5, 1e9, 3]
    x = Tabular(scaling="standard").fit(rows).encode(rows).double().numpy()
    expected = (rows - rows.mean(0)) / rows.std(0)
    np.testing.assert_allclose(x, expected, atol=1e-5)


def test_none_leaves_numbers_as_they_are():
    x = Tabular(scaling="none").fit(normal()).encode(normal())
    assert torch.equal(x, torch.from_numpy(normal()).float())


def test_quantile_makes_any_shape_normal_and_goes_on_beyond():
    rows = np.exp(normal(5000, 1) * 2)
    table = Tabular(scaling="quantile").fit(rows)
    x = table.encode(rows).double().numpy()[:, 0]
    np.testing.assert_allclose(np.quantile(x, [0.025, 0.5, 0.975]), [-1.96, 0, 1.96], atol=0.06)
    assert x[np.argsort(rows[:, 0])].tolist() == sorted(x)
    out = table.encode(np.array([[1.1], [2.0], [100.0]]) * rows.max())[:, 0]
    assert x.max() < out[0] < out[1] < out[2] < 50


def test_quantile_puts_ties_in_the_middle_of_their_ranks():
    values, targets = ranks(np.repeat([0.0, 1.0, 2.0], 100), 201)
    assert values[:3].tolist() == [0.0, 1.0, 2.0]
    # Middle ranks 1/6, 1/2, 5/6 are at -0.967, 0, 0.967; brought to a standard deviation of 1.
    np.testing.assert_allclose(targets[:3], [-(1.5**0.5), 0.0, 1.5**0.5], atol=0.01)


def test_both_is_clipped_and_quantile_side_by_side():
    rows = normal()
    x = Tabular(scaling="both").fit(rows)
    parts = [Tabular(scaling=word).fit(rows).encode(rows) for word in ("clipped", "quantile")]
    assert torch.equal(x.encode(rows), torch.hstack(parts))
    assert x.groups(x.encode(rows))[1].sum(1).tolist() == [2, 2, 2, 2]


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=20))
def test_soft_clip_is_monotone_odd_and_finite(values):
    z = np.sort(np.array(values))
    clipped = soft_clip(z)
    assert np.isfinite(clipped).all()
    assert (np.diff(clipped) >= 0).all()
    np.testing.assert_array_equal(soft_clip(-z), -clipped)


@pytest.mark.parametrize("scaling", ["clipped", "quantile", "both"])
def test_size_stays_visible_and_bounded(scaling):
    table = Tabular(scaling=scaling).fit(normal())
    sizes = [table.encode(np.full((1, 4), 10.0**k)).abs().min().item() for k in range(1, 300, 20)]
    assert sizes == sorted(set(sizes))
    assert sizes[-1] < 5000


def test_a_constant_column_is_kept_and_a_change_is_seen():
    rows = np.column_stack([normal(50, 1), np.full(50, 0.1), np.zeros(50)])
    table = Tabular(scaling="clipped").fit(rows)
    assert table.encode(rows)[:, 1:].abs().max() == 0
    changed = table.encode(np.array([[0.0, 0.2, 1.0]]))[0]
    np.testing.assert_allclose(changed[1:], [1.0, 1.0], rtol=1e-6)


def test_an_indicator_that_never_changed_is_rare_not_infinite():
    rows = pd.DataFrame({"c": ["a", "b"] * 500})
    unseen = Tabular().fit(rows).encode(pd.DataFrame({"c": ["new"]}))
    assert 5 < unseen[0, -1] < 31.63  # clipped below 1 / sqrt(1 / 1000)


# --- columns at scoring


def test_columns_are_found_by_name():
    rows = pd.DataFrame(normal(), columns=list("abcd"))
    table = Tabular().fit(rows)
    x = table.encode(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(table.encode(rows[list("dbca")]), x)
    with pytest.warns(UserWarning, match="ignored: 'e'") as caught:
        assert torch.equal(table.encode(rows.assign(e="text")), x)
    assert len(caught) == 1
    assert table.feature_names_in_.tolist() == list("abcd")


def test_tables_without_names_go_by_position():
    named, plain = pd.DataFrame(normal(), columns=list("abcd")), normal()
    with pytest.warns(UserWarning, match="does not have valid feature names.*fitted with"):
        x = Tabular().fit(named).encode(plain)
    with pytest.warns(UserWarning, match="has feature names.*fitted without"):
        assert torch.equal(Tabular().fit(plain).encode(named), x)
    assert not hasattr(Tabular().fit(plain), "feature_names_in_")
    assert Tabular().fit(plain).n_features_in_ == 4


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("size", "big", "'size', row 2: found 'big', expected a number"),
        ("size", pd.Timestamp("2026-01-01"), "'size', row 2: found '2026-01-01.*a number"),
        ("size", np.inf, "'size', row 2: found inf"),
        ("holes", "-inf", "'holes', row 2: found -inf"),
        ("on", 2, "'on', row 2: found '2', expected true or false"),
        ("seen", "soon", "'seen', row 2: found 'soon', expected a date"),
        ("seen", 17.5, "'seen', row 2: found '17.5', expected a date"),
        ("color", ["red"], "'color' holds a list"),
    ],
)
def test_cells_that_do_not_fit_are_named(column, cell, words):
    table = Tabular().fit(mixed())
    rows = mixed().astype({column: object})
    rows.at[2, column] = cell
    with pytest.raises(InputError, match=words):
        table.encode(rows)


def test_the_row_is_named_in_later_chunks_too(monkeypatch):
    table = Tabular().fit(normal())
    monkeypatch.setattr(tabular, "CHUNK", 7)
    rows = normal()
    rows[123, 1] = np.inf
    with pytest.raises(InputError, match="'column_1', row 123: found inf"):
        table.encode(rows)


def test_missing_columns_and_other_widths_are_refused():
    table = Tabular().fit(mixed())
    with pytest.raises(InputError, match=r"missing: 'on', 'seen'\. The table has 'size'"):
        table.encode(mixed().drop(columns=["on", "seen"]))
    with pytest.raises(InputError, match="X has 3 features, but Tabular is expecting 4 features"):
        Tabular().fit(normal()).encode(normal()[:, :3])


def test_not_fitted_is_said():
    for ask in (lambda t: t.encode(normal()), lambda t: t.encoder(2, bias=True), Tabular.describe):
        with pytest.raises(ValueError, match="not fitted"):
            ask(Tabular())


# --- counting and taking


@pytest.mark.parametrize("form", ["pandas", "polars", "pyarrow", "dicts", "columns", "structured"])
def test_count_and_take(form):
    X = same_in_all_forms()[form]
    table = Tabular()
    assert table.count(X) == 3
    assert table.take(X, np.array([2, 0]))["a"].tolist() == [4.0, 1.0]


def test_take_from_sparse_keeps_the_order():
    X = sparse.csr_array(np.arange(6.0).reshape(3, 2))
    assert Tabular().take(X, np.array([2, 0])).to_numpy().tolist() == [[4, 5], [0, 1]]


# --- networks, health, explanation


@pytest.mark.parametrize("norm", [False, True])
def test_networks_have_the_shapes_they_say(norm):
    table = Tabular(batch_norm=norm, scaling="standard").fit(normal())
    x = table.encode(normal())
    assert table.encoder(7, bias=False)(x).shape == (200, 7)
    assert table.transform(3, "residual", bias=True)(x).shape == (600, 4)
    assert torch.equal(table.features()(x), x)


@pytest.mark.parametrize(("columns", "width"), [(5, 16), (32, 32), (301, 64)])
def test_the_width_of_views_follows_the_columns(columns, width):
    data = Tabular(scaling="standard").fit(normal(10, columns))
    shapes = [tuple(w.shape) for w in data.transform(3, "residual", bias=False).parameters()]
    assert shapes == [(3, columns, width), (3, width, columns)]


@pytest.mark.parametrize("scaling", SCALINGS)
def test_altered_copies(scaling):
    table = Tabular(scaling=scaling).fit(normal() * 100 + 1000)
    x = table.encode(normal() * 100 + 1000)
    altered = table.alter(x, torch.Generator().manual_seed(0))
    again = table.alter(x, torch.Generator().manual_seed(0))
    assert list(altered) == ["scaled", "shuffled", "pushed", "noise"]
    assert all(torch.equal(altered[name], again[name]) for name in altered)
    torch.testing.assert_close(altered["scaled"].std(0), 3 * x.std(0))
    torch.testing.assert_close(altered["scaled"].mean(0), x.mean(0), atol=0.7, rtol=1e-3)
    assert torch.equal(altered["shuffled"].sort(0).values, x.sort(0).values)
    of_column = table.owners_ == table.owners_[0]  # what one raw column made stays together
    rows = {tuple(row) for row in x[:, of_column].tolist()}
    assert {tuple(row) for row in altered["shuffled"][:, of_column].tolist()} == rows
    copies = len(table.owners_) // table.n_features_in_
    assert ((altered["pushed"] != x).sum(1) == copies).all()
    assert ((altered["pushed"] - x).amax(1) >= 5.9).all()


def test_points_are_the_columns():
    contributions = np.arange(4.0)
    assert Tabular().fit(normal()).point_map(contributions, None) is contributions


# --- fitted state, and any odd table


def state(table: Tabular) -> str:
    """The fitted state as text: plain JSON and arrays, nothing else."""
    kept = {name: value for name, value in vars(table).items() if name.endswith("_")}
    return json.dumps(kept, default=lambda array: array.tolist())


def restored(table: Tabular) -> Tabular:
    other = clone(table)
    for name, value in vars(table).items():
        if name.endswith("_"):
            plain = value if isinstance(value, np.ndarray | dict) else json.loads(json.dumps(value))
            setattr(other, name, plain)
    return other


def test_the_state_is_json_and_arrays():
    table = Tabular(scaling="both").fit(mixed())
    for name, value in vars(table).items():
        if name.endswith("_") and isinstance(value, dict):
            arrays = [isinstance(v, np.ndarray) for v in value.values()]
            assert all(arrays) or not any(arrays), name
    assert torch.equal(restored(table).encode(mixed()), table.encode(mixed()))
    assert clone(table).get_params() == table.get_params()


SIZES = st.floats(allow_nan=False, allow_infinity=False)
CELLS = {
    "number": SIZES,
    "small": st.floats(-1, 1),
    "integer": st.integers(-(2**53), 2**53),
    "constant": st.just(0.1),
    "boolean": st.booleans(),
    "category": st.sampled_from(["a", "b", "ü", "日本", " "]),
    "single": st.just("only"),
    "date": st.datetimes(
        pd.Timestamp("1980-01-01").to_pydatetime(), pd.Timestamp("2050-01-01").to_pydatetime()
    ),
    "objects": st.sampled_from(["a", 1, 1.0, True, 2.5, "1", Decimal("1.0")]),
    "text": st.text(max_size=3),
}


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(2, 25))
    names = draw(st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=5, unique=True))
    columns = {}
    for name in names:
        cell = CELLS[draw(st.sampled_from(sorted(CELLS)))]
        holes = st.none() if draw(st.booleans()) else cell
        columns[name] = draw(st.lists(cell | holes, min_size=rows, max_size=rows))
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


@settings(max_examples=150, deadline=None)
@given(tables(), st.sampled_from(sorted(SCALINGS)), st.randoms(use_true_random=False))
def test_any_odd_table(rows, scaling, random):
    try:
        table = Tabular(scaling=scaling).fit(rows)
    except InputError as error:
        assert any(word in str(error) for word in ("no value", "No column", "inf", "bear"))
        return
    x = table.encode(rows)
    assert x.shape == (len(rows), len(table.owners_))
    assert x.dtype == torch.float32
    assert torch.isfinite(x).all()
    assert torch.equal(table.encode(rows), x)
    for i in range(len(rows)):
        assert torch.equal(table.encode(rows.iloc[[i]]), x[[i]])
    order = list(range(len(rows)))
    random.shuffle(order)
    assert state(Tabular(scaling=scaling).fit(rows.iloc[order])) == state(table)


@settings(max_examples=30, deadline=None)
@given(tables())
def test_typed_columns_encode_like_objects(rows):
    try:
        table = Tabular().fit(rows)
    except InputError:
        return
    typed = rows.infer_objects().convert_dtypes()
    np.testing.assert_allclose(table.encode(typed), table.encode(rows), atol=1e-5)


def test_long_arrays_are_the_same_in_any_chunk(monkeypatch):
    rows = np.random.default_rng(0).standard_t(2, size=(1000, 5))
    table = Tabular(scaling="both").fit(rows)
    x = table.encode(rows)
    for chunk in (1, 7, 999):
        monkeypatch.setattr(tabular, "CHUNK", chunk)
        assert torch.equal(table.encode(rows), x)
    assert torch.equal(table.encode(np.asfortranarray(rows)), x)


# --- columns that number the rows


def test_whole_numbers_that_run_through_are_left_out():
    rows = pd.DataFrame({"number": np.arange(600)[::-1], "value": normal(600, 1)[:, 0]})
    some = rows.sample(480, random_state=0)  # as after some rows were held out
    table = Tabular().fit(some)
    assert "numbers the rows" in table.left_out_["number"]
    assert list(table.kinds_) == ["value"]


@pytest.mark.parametrize("column", [np.arange(600) * 7, np.arange(600) // 2, np.arange(600.0)])
def test_other_whole_numbers_are_kept(column):
    rows = pd.DataFrame({"count": column, "value": normal(600, 1)[:, 0]})
    assert "count" in Tabular().fit(rows).kinds_


SECONDS = np.random.default_rng(0).random(60) * 1e4


@pytest.mark.parametrize(
    "form",
    [
        lambda column: column,
        lambda column: column.astype("duration[us][pyarrow]"),
        lambda column: pd.Series([cell.to_pytimedelta() for cell in column], dtype=object),
    ],
)
def test_durations_are_seconds_however_they_are_kept(form):
    column = form(pd.Series(pd.to_timedelta(SECONDS, unit="s").round("us")))
    data = Tabular(scaling="none").fit(pd.DataFrame({"took": column}))
    assert data.kinds_ == {"took": "number"}
    np.testing.assert_allclose(
        data.encode(pd.DataFrame({"took": column}))[:, 0], SECONDS, rtol=1e-6
    )


def test_dates_of_arrow_are_dates():
    days = pd.Series([date(2026, 1, 1 + i % 28) for i in range(60)])
    tables = [pd.DataFrame({"day": days.astype(kind)}) for kind in (object, "date32[pyarrow]")]
    assert torch.equal(*(Tabular().fit(table).encode(table) for table in tables))


def test_numbers_in_any_byte_order_are_taken():
    foreign = normal().astype(">f8")
    expected = Tabular().fit(normal()).encode(normal())
    named = {f"column_{i}": column for i, column in enumerate(foreign.T)}
    for table in (
        foreign,
        np.ma.masked_array(foreign),
        pd.DataFrame(foreign, index=range(5, 205)),
        named,
    ):
        data = Tabular().fit(table)
        assert torch.equal(data.encode(data.take(table, np.arange(200))), expected)


def test_numbers_beyond_what_networks_bear_are_refused_where_nothing_scales_them():
    with pytest.raises(InputError, match=r"'column_1' reaches 1\.48e\+16"):
        Tabular(scaling="none").fit(normal() * [1, 5e15, 1, 1])


def test_levels_never_seen_are_not_taken_for_others():
    levels = ["1.1", "1.2", "2.0", "b", "7"]
    data = Tabular().fit(pd.DataFrame({"k": np.resize(levels, 50), "x": np.arange(50) / 7}))
    new = pd.DataFrame({"k": ["7", "7.0", "1.1", "1.10", "007", "1e3", "zebra"], "x": 1.0})
    encoded = data.encode(new)
    assert torch.equal(encoded[0], encoded[1])  # a missing neighbour made it a fraction
    for other in (3, 4, 5):
        assert torch.equal(encoded[other], encoded[6])
