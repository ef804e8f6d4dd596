"""Series: what each form of raw input becomes, and what is refused."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import askew
from askew import MemoryBank
from askew.data.gaps import fill_gaps, pad, presence
from askew.data.packed import Packed
from askew.data.series import Series
from askew.errors import InputError

RNG = np.random.default_rng(0)


def ragged(lengths=(12, 20, 16), channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(5, 2, size=(length, channels)) for length in lengths]


def long_table(series, names):
    frames = [
        pd.DataFrame(values, columns=names).assign(id=f"s{i}", time=range(len(values)))
        for i, values in enumerate(series)
    ]
    return pd.concat(frames, ignore_index=True)


@pytest.fixture
def fitted():
    return Series(layout="time-first", length=20).fit(ragged())


# Forms of raw input.


def test_layouts_agree_after_transposing():
    array = RNG.normal(size=(6, 20, 3))
    first = Series(layout="time-first").fit(array)
    second = Series(layout="channels-first").fit(array.swapaxes(1, 2))
    assert torch.equal(first.encode(array), second.encode(array.swapaxes(1, 2)))
    assert first.encode(array).shape == (6, 3, 20)


@pytest.mark.parametrize("X", [np.zeros((5, 20, 3)), [np.zeros((20, 3))] * 5])
def test_layout_is_never_guessed(X):
    with pytest.raises(InputError, match=r"20, 3\).*layout='time-first'.*layout='channels-first'"):
        Series().fit(X)


def test_single_channel_needs_no_layout():
    rows = RNG.normal(size=(5, 9))
    from_array = Series().fit(rows).encode(rows)
    assert from_array.shape == (5, 1, 9)
    assert torch.equal(from_array, Series().fit(list(rows)).encode(rows.tolist()))


def test_object_arrays_are_lists():
    series = ragged()
    boxed = np.empty(3, dtype=object)
    boxed[:] = series
    data = Series(layout="time-first").fit(series)
    assert torch.equal(data.encode(boxed), data.encode(series))
    assert data.count(boxed) == 3
    assert len(data.take(boxed, np.array([2, 0]))) == 2


def test_torch_tensors_and_masked_arrays():
    array = RNG.normal(size=(5, 8, 2))
    data = Series(layout="time-first").fit(array)
    assert torch.equal(data.encode(torch.from_numpy(array)), data.encode(array))
    masked = [np.ma.masked_array([1.0, 99.0, 3.0, 4.0], mask=[0, 1, 0, 0]), np.arange(4.0)]
    assert np.nanmax(Series(scaling="none").fit(masked).encode(masked)) == 4.0


def test_every_kind_of_table_gives_the_same_batch():
    series, names = ragged(), ["heat", "load", "flow"]
    frame = long_table(series, names)
    expected = Series(layout="time-first").fit(series).encode(series)
    for table in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        assert torch.equal(Series().fit(table).encode(table), expected)
    frames = [pd.DataFrame(values, columns=names) for values in series]
    assert torch.equal(Series().fit(frames).encode(frames), expected)
    polars = [pl.from_pandas(one) for one in frames]
    assert torch.equal(Series().fit(polars).encode(polars), expected)


def test_long_table_is_sorted_by_time_not_by_row():
    frame = long_table(ragged(), ["a", "b", "c"])
    data = Series().fit(frame)
    mixed = frame.sample(frac=1, random_state=3)
    order = [int(name[1:]) for name in mixed["id"].unique()]
    assert torch.equal(data.encode(mixed), data.encode(frame)[order])


@pytest.mark.parametrize(
    "times",
    [["10", "9", "2", "1"], ["2024-03-02", "2024-03-01", "2024-02-29 23:00", "2023-12-01"]],
)
def test_times_as_text_are_not_sorted_as_text(times):
    frame = pd.DataFrame({"id": ["a"] * 4 + ["b"] * 4, "t": times * 2, "v": [4.0, 3, 2, 1] * 2})
    batch = Series(scaling="none").fit(frame).encode(frame)
    assert batch.tolist() == [[[1, 2, 3, 4]]] * 2


def test_long_table_columns_can_be_named():
    frame = long_table(ragged(), ["a", "b", "c"]).rename(columns={"id": "wafer", "time": "when"})
    with pytest.raises(InputError, match=r"wafer.*Series\(id="):
        Series().fit(frame)
    assert Series(id="wafer", time="when").fit(frame).count(frame) == 3


def test_named_channels_may_come_in_another_order():
    frame = long_table(ragged(), ["a", "b", "c"])
    data = Series().fit(frame)
    assert torch.equal(data.encode(frame[["c", "time", "a", "b", "id"]]), data.encode(frame))
    frames = data.take(frame, np.arange(3))
    frames[1] = frames[1][["b", "c", "a"]]
    assert torch.equal(data.encode(frames), data.encode(frame))


def test_count_and_take():
    series, frame = ragged(), long_table(ragged(), ["a", "b", "c"])
    data = Series(layout="time-first").fit(series)
    order = np.array([2, 0, 2])
    for X in (series, tuple(series), frame):
        assert data.count(X) == 3
        assert torch.equal(data.encode(data.take(X, order)), data.encode(X)[order])
    array = RNG.normal(size=(4, 20, 3))
    assert data.count(array) == 4
    assert data.take(array, order).shape == (3, 20, 3)


@pytest.mark.parametrize(
    ("X", "series"),
    [
        ([np.zeros(3), np.zeros(4)], True),
        ([[1, 2], [3, 4, 5]], True),
        ([np.zeros((3, 2)), np.zeros((3, 2))], True),
        ([[[1, 2], [3, 4]], [[5, 6]]], True),
        ([pd.DataFrame({"a": [1]})], True),
        ([pl.DataFrame({"a": [1]})], True),
        ([[1, 2], [3, 4]], False),
        ([{"a": 1}, {"a": 2}], False),
        (["ab", "c"], False),
        ([["a"], ["b", "c"]], False),
        ([1, 2, 3], False),
        ([], False),
        (pd.DataFrame({"id": [1], "time": [1]}), False),
        (np.zeros((3, 4)), False),
        (None, False),
    ],
)
def test_looks_like(X, series):
    assert Series.looks_like(X) is series


def test_looks_like_knows_object_arrays():
    boxed = np.empty(2, dtype=object)
    boxed[:] = [np.zeros(3), np.zeros(4)]
    assert Series.looks_like(boxed)


# What a batch holds.


def test_standard_scaling_is_over_all_recorded_steps():
    series = ragged()
    batch = Series(layout="time-first").fit(series).encode(series)
    steps = np.concatenate([batch[i, :3, : len(s)].numpy().T for i, s in enumerate(series)])
    np.testing.assert_allclose(steps.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(steps.std(axis=0), 1, atol=1e-6)


def test_no_scaling_keeps_values():
    series = ragged()
    batch = Series(layout="time-first", scaling="none").fit(series).encode(series)
    np.testing.assert_array_equal(batch[0, :3, :12], series[0].T.astype(np.float32))


def test_constant_channels_stay_finite():
    series = [np.column_stack([np.full(8, 0.1), RNG.normal(size=8)]) for _ in range(5)]
    data = Series(layout="time-first").fit(series)
    assert data.scale_[0] == 1.0
    assert data.encode(series)[:, 0].abs().max() < 1e-6


def test_presence_is_there_only_where_training_needs_it():
    equal = RNG.normal(size=(4, 10, 2))
    assert Series(layout="time-first").fit(equal).encode(equal).shape == (4, 2, 10)
    gaps = equal.copy()
    gaps[0, 3, 1] = gaps[0, 5] = np.nan
    batch = Series(layout="time-first").fit(gaps).encode(gaps)
    assert batch[0, 2].tolist() == [1, 1, 1, 0.5, 1, 0, 1, 1, 1, 1]
    series = ragged()
    batch = Series(layout="time-first", length=20).fit(series).encode(series)
    assert batch[0, 3].tolist() == [1.0] * 12 + [0.0] * 8
    assert not batch[0, :, 12:].any()


def test_shorter_series_at_scoring_are_padded():
    data = Series(layout="time-first").fit(RNG.normal(size=(4, 10, 2)))
    batch = data.encode(np.ones((2, 7, 2)))
    assert batch.shape == (2, 2, 10)
    assert not batch[:, :, 7:].any()


def test_length_may_be_chosen():
    data = Series(layout="time-first", length=32).fit(ragged())
    assert data.encode(ragged()).shape == (3, 4, 32)


def test_gaps_are_bridged_and_edges_held():
    nan = np.nan
    values = np.array([[nan, nan], [1, nan], [nan, nan], [4, nan], [nan, nan], [7, 2]])
    packed = Packed(values, np.array([5, 1]))
    filled = fill_gaps(packed, np.array([0.0, 9.0]))
    assert filled.tolist() == [[1, 9], [1, 9], [2.5, 9], [4, 9], [4, 9], [7, 2]]


def test_channel_missing_in_one_series_gets_the_training_mean():
    series = ragged()
    data = Series(layout="time-first").fit(series)
    series[0][:, 1] = np.nan
    assert not data.encode(series)[0, 1].any()
    assert data.encode(series)[0, 3, 0] == pytest.approx(2 / 3)


def test_far_values_stay_finite_in_float32():
    data = Series(layout="time-first").fit(ragged())
    batch = data.encode([np.full((5, 3), 1e99), np.full((5, 3), -1e99)])
    assert torch.isfinite(batch).all()


def test_fitted_state_is_plain_and_survives_being_saved():
    series = ragged()
    series[1][2, 0] = np.nan
    data = Series(layout="time-first").fit(series)
    state = {name: value for name, value in vars(data).items() if name.endswith("_")}
    plain = {name: value for name, value in state.items() if not isinstance(value, np.ndarray)}
    assert json.loads(json.dumps(plain)) == plain
    twin = clone(data)
    vars(twin).update(state)
    assert torch.equal(twin.encode(series), data.encode(series))
    assert twin.describe() == "3 series: 12-20 steps, 3 channels"


def test_parameters_follow_scikit_learn():
    data = Series(layout="channels-first", width=16)
    assert clone(data).get_params() == data.get_params()
    assert data.set_params(scaling="none").scaling == "none"
    assert vars(Series()) == Series().get_params()


def test_describe_counts():
    rackets = Path(askew.__path__[0]) / "shipped" / "racketsports.npz"
    train = np.load(rackets, allow_pickle=False)["X_train"]
    data = Series(layout="time-first").fit(train)
    assert data.describe() == "151 series: 30 steps, 6 channels"
    assert Series().fit(np.eye(6)).describe() == "6 series: 6 steps, 1 channel"


def test_fitting_changes_neither_input_nor_global_random_state():
    series = ragged()
    series[0][3, 0] = np.nan
    copies, before = [s.copy() for s in series], torch.get_rng_state()
    data = Series(layout="time-first").fit(series)
    data.alter(data.encode(series), torch.Generator().manual_seed(0))
    assert torch.equal(before, torch.get_rng_state())
    for own, copy in zip(series, copies, strict=True):
        np.testing.assert_array_equal(own, copy)


# Networks.


@pytest.mark.parametrize("length", [4, 5, 30, 51, 300])
@pytest.mark.parametrize("blocks", [None, 1])
def test_networks_fit_the_batch(length, blocks):
    series = ragged((length, length - 1))
    data = Series(layout="time-first", blocks=blocks, width=4, length=length).fit(series)
    x = data.encode(series)
    assert data.encoder(8, bias=False)(x).shape == (2, 8)
    views = data.transform(3, "residual", bias=False)(x)
    assert views.shape == (6, 4, length)
    assert torch.isfinite(views).all()
    assert data.features()(x).shape == (2, 4 * 2 * length)


# Altered copies.

NAMES = ["scaled", "reversed", "shuffled", "pushed", "noise"]


def altered(data, series, seed=0):
    x = data.encode(series)
    return x, data.alter(x, torch.Generator().manual_seed(seed))


def test_altered_copies_keep_padding_and_differ(fitted):
    x, copies = altered(fitted, ragged())
    assert list(copies) == NAMES
    for name, copy in copies.items():
        assert copy.shape == x.shape and copy.dtype == x.dtype, name
        assert not copy[0, :, 12:].any(), name
        assert all((a != b).any() for a, b in zip(copy, x, strict=True)), name
        assert torch.equal(copy[:, 3], x[:, 3]), name  # all recorded, so steps do not differ


def test_altered_copies_repeat_with_the_seed(fitted):
    first, second = altered(fitted, ragged())[1], altered(fitted, ragged())[1]
    assert all(torch.equal(first[name], second[name]) for name in NAMES)


def test_altered_copies_are_what_they_say(fitted):
    x, copies = altered(fitted, ragged())
    torch.testing.assert_close(copies["scaled"][:, :3], 3 * x[:, :3])
    assert torch.equal(copies["reversed"][0, :, :12], x[0, :, :12].flip(-1))
    for i, steps in enumerate((12, 20, 16)):
        shuffled = {tuple(step) for step in copies["shuffled"][i, :, :steps].T.tolist()}
        assert shuffled == {tuple(step) for step in x[i, :, :steps].T.tolist()}
        moved = (copies["pushed"] - x)[i]
        assert (moved != 0).any(dim=1).sum() == 1
        assert (moved != 0).sum() == steps // 4
        torch.testing.assert_close(moved.max(), torch.tensor(6.0))


def test_altered_copies_know_typical_values_without_scaling():
    series = ragged()
    data = Series(layout="time-first", scaling="none").fit(series)
    x, copies = altered(data, series)
    mean = torch.from_numpy(data.mean_).float()[:, None]
    values = x[0, :3, :12]
    torch.testing.assert_close(copies["scaled"][0, :3, :12], mean + 3 * (values - mean))
    for moved in (copies["pushed"] - x)[:, :3].amax(dim=(1, 2)).tolist():
        assert np.isclose(moved, 6 * data.std_, rtol=1e-4).any()
    assert not copies["noise"][0, :, 12:].any()


def test_filled_steps_keep_their_presence_when_moved():
    series = ragged()
    series[1][3] = np.nan
    data = Series(layout="time-first").fit(series)
    _, copies = altered(data, series)
    assert copies["reversed"][1, 3, 16] == 0
    assert copies["shuffled"][1, 3].sum() == 19


# Explained groups.


def test_groups_cover_every_entry_once_per_channel(fitted):
    x = fitted.encode(ragged())
    names, masks = fitted.groups(x)
    assert len(names) == len(set(names)) == len(masks) == 3 * 16
    assert names[0] == "channel 0, step 0"
    assert names[3] == "channel 0, steps 3-4"
    assert masks.shape[1:] == x.shape[1:] and masks.dtype == torch.bool
    assert (masks[:, :3].sum(dim=0) == 1).all()
    assert (masks[:, 3].sum(dim=0) == 3).all()  # presence goes with each channel of its span


def test_groups_use_column_names():
    frame = long_table(ragged(), ["heat", "load", "flow"])
    data = Series(length=20).fit(frame)
    names, _ = data.groups(data.encode(frame))
    assert names[-1] == "flow, steps 18-19"


def test_point_map_keeps_sums_and_places(fitted):
    names, masks = fitted.groups(fitted.encode(ragged()))
    contributions = RNG.normal(size=len(names))
    points = fitted.point_map(contributions, None)
    assert points.shape == (20, 3)
    np.testing.assert_allclose(points.sum(), contributions.sum())
    for g in range(len(names)):
        inside = points.T[masks[g, :3].numpy()]
        np.testing.assert_allclose(inside.sum(), contributions[g])
        assert np.ptp(inside) == 0


# Refusals: what was found, what was expected, what to do.


def at(series, index, value):
    series = [s.copy() for s in series]
    series[index[0]][index[1:]] = value
    return series


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([], "list is empty"),
        (np.zeros((0, 20, 3)), "empty"),
        (ragged((12,)), "1 series; expected at least two"),
        ([np.zeros((12, 3)), np.zeros((12, 2))], "Series 0 has 3 channels but series 1 has 2"),
        ([np.zeros((12, 3)), np.zeros((0, 3))], "Series 1 is empty"),
        ([np.zeros((3, 2))] * 4, "longest series has 3 steps; expected at least 4"),
        (at(ragged(), (1, 4, 2), np.inf), "Series 1 holds inf in channel 2, step 4"),
        (at(ragged(), (2, 0, 0), -1e200), "Series 2 holds -1e[+]200 in channel 0"),
        ([np.array([[1, np.nan]] * 8)] * 3, "channel 1 has no value"),
        ([np.zeros((8, 2)), [["a", "b"]] * 8], "Series 1 holds something that is not a number"),
        ([np.zeros((8, 2)), [[1, 2], [3]]], "Series 1 .* nested lists of unequal length"),
        ([np.zeros((8, 2)), None], "Series 1 "),
        ([np.zeros(8), np.zeros((8, 2, 2))], r"Series 1 has the shape \(8, 2, 2\)"),
        (np.zeros(8), "Put a single series into a list"),
        (np.zeros((2, 2, 2, 2)), r"shape \(2, 2, 2, 2\)"),
        ({"a": [1.0]}, "Found dict; expected many series"),
        ("text", "Found str"),
        (None, "Found NoneType"),
        (np.array([["a", "b"]] * 5), "not a number"),
        (np.array([["2024-01-01"] * 4] * 5, dtype="datetime64[D]"), "not a number"),
    ],
)
def test_refused_at_fit(X, message):
    with pytest.raises(InputError, match=message):
        Series(layout="time-first").fit(X)


def frame_with(**columns):
    table = {"id": list("aaaabbbb"), "time": [0, 1, 2, 3] * 2, "v": np.arange(8.0)}
    return pd.DataFrame(table | columns)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (frame_with(time=[0, 1, 1, 3] * 2), "Series 'a' has the time 1 twice"),
        (frame_with(v=list("qrstuvwx")), "column 'v', row 0: found "),
        (frame_with(id=[None, *"aaabbbb"]), "Row 0 of the table has no value in 'id'"),
        (frame_with(time=[0, 1, 2, None] * 2), "Row 3 of the table has no value in 'time'"),
        (frame_with(time=["soon", "later", "now", "3"] * 2), "neither numbers nor dates"),
        (frame_with().drop(columns="v"), "at least one column of values"),
        (frame_with().drop(columns="time"), "expected time or timestamp or t or step"),
        (frame_with().iloc[:0], "0 rows"),
    ],
)
def test_long_tables_refused(frame, message):
    with pytest.raises(InputError, match=message):
        Series().fit(frame)


def test_there_is_room_for_series_longer_than_those_of_training():
    data = Series(layout="time-first").fit(ragged())
    assert data.encode([RNG.normal(size=(25, 3))]).shape == (1, 4, 25)


def test_refused_at_scoring(fitted):
    with pytest.raises(InputError, match=r"21 steps; expected at most 20.*length=21"):
        fitted.encode(ragged((21, 8)))
    with pytest.raises(InputError, match=r"2 channels; expected 3.*layout"):
        fitted.encode(ragged((8, 8), channels=2))
    data = Series().fit(long_table(ragged(), ["a", "b", "c"]))
    with pytest.raises(InputError, match=r"\['a', 'b', 'd'\]; expected those of training"):
        data.encode(long_table(ragged(), ["a", "b", "d"]))


def test_tables_with_other_channels_refused():
    frames = [pd.DataFrame({"a": [1.0] * 5}), pd.DataFrame({"b": [1.0] * 5})]
    with pytest.raises(InputError, match=r"Series 0 .*\['a'\] but series 1 has \['b'\]"):
        Series().fit(frames)


@pytest.mark.parametrize(
    "parameters",
    [
        {"layout": "time"},
        {"scaling": "minmax"},
        {"length": 3},
        {"length": 2.5},
        {"width": 0},
        {"blocks": -1},
    ],
)
def test_parameters_refused_at_fit(parameters):
    data = Series(**parameters)
    with pytest.raises(InputError, match=f"Series\\({next(iter(parameters))}="):
        data.fit(np.eye(8))


def test_one_series_can_be_scored(fitted):
    assert fitted.encode(ragged((12,))).shape == (1, 4, 20)


# Properties.

values = st.floats(-1e6, 1e6, width=32)


@st.composite
def many_series(draw, missing=True):
    """2 to 6 series of 1 to 12 steps, the longest with at least 4, and no channel unseen."""
    channels = draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    series = [rng.normal(size=(length, channels)) for length in (*lengths, 12)]
    for one in series[:-1]:
        one[rng.random(one.shape) < draw(st.sampled_from([0, 0.3, 1])) * missing] = np.nan
    series[-1][0] = draw(st.lists(values, min_size=channels, max_size=channels))
    return series


@settings(max_examples=60, deadline=None)
@given(many_series(), st.randoms(use_true_random=False))
def test_a_series_does_not_depend_on_its_neighbours(series, random):
    data = Series(layout="time-first").fit(series)
    batch = data.encode(series)
    assert torch.isfinite(batch).all()
    for i, one in enumerate(series):
        assert torch.equal(data.encode([one])[0], batch[i])
    order = random.sample(range(len(series)), len(series))
    assert torch.equal(data.encode([series[i] for i in order]), batch[order])


@settings(max_examples=60, deadline=None)
@given(many_series(missing=False))
def test_padding_loses_nothing(series):
    packed = Packed(np.concatenate(series), np.array([len(one) for one in series]))
    batch = pad(packed.values, packed, 14)
    for one, row in zip(series, batch, strict=True):
        np.testing.assert_array_equal(row[:, : len(one)].T, one.astype(np.float32))
        assert not row[:, len(one) :].any()


@settings(max_examples=60, deadline=None)
@given(many_series())
def test_layouts_are_equivalent(series):
    turned = [one.T for one in series]
    first = Series(layout="time-first").fit(series).encode(series)
    assert torch.equal(first, Series(layout="channels-first").fit(turned).encode(turned))


@settings(max_examples=60, deadline=None)
@given(many_series())
def test_gaps_are_filled_as_numpy_interpolates(series):
    packed = Packed(np.concatenate(series), np.array([len(one) for one in series]))
    mean = np.full(series[0].shape[1], 3.0)
    filled = np.split(fill_gaps(packed, mean), packed.starts[1:])
    for own, one in zip(filled, series, strict=True):
        for channel in range(one.shape[1]):
            here = ~np.isnan(one[:, channel])
            step = np.arange(len(one))
            expected = (
                np.interp(step, step[here], one[here, channel]) if here.any() else mean[channel]
            )
            np.testing.assert_allclose(own[:, channel], expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(many_series())
def test_presence_counts_what_was_recorded(series):
    packed = Packed(np.concatenate(series), np.array([len(one) for one in series]))
    share = presence(packed)
    assert ((share >= 0) & (share <= 1)).all()
    assert round(share.sum() * packed.values.shape[1]) == (~np.isnan(packed.values)).sum()


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 70), st.integers(1, 4), st.booleans())
def test_groups_and_point_map_fit_any_size(length, channels, equal):
    series = ragged((length, length if equal else length - 1), channels)
    data = Series(layout="time-first", length=length).fit(series)
    x = data.encode(series)
    names, masks = data.groups(x)
    assert len(names) == len(masks) == channels * min(16, length)
    assert (masks[:, :channels].sum(dim=0) == 1).all()
    points = data.point_map(np.ones(len(names)), None)
    assert points.shape == (length, channels)
    np.testing.assert_allclose(points.sum(), len(names))


@settings(max_examples=40, deadline=None)
@given(many_series(), st.integers(0, 2**31))
def test_altered_copies_stay_finite_and_within_their_series(series, seed):
    data = Series(layout="time-first").fit(series)
    _, copies = altered(data, series, seed)
    for copy, (i, one) in itertools.product(copies.values(), enumerate(series)):
        assert torch.isfinite(copy).all()
        assert not copy[i, :, len(one) :].any()


def test_series_that_are_hardly_recorded_are_told():
    data = Series(layout="time-first").fit(ragged())
    dead = np.full((12, 3), np.nan)
    with pytest.warns(UserWarning, match="2 of 3 series have fewer.*series 1"):
        data.encode([RNG.normal(size=(12, 3)), dead, RNG.normal(size=(2, 3))])


def test_reasons_say_which_steps_come_after_the_end_of_a_series():
    data = Series(layout="time-first").fit(ragged((20, 30, 25)))
    short = np.zeros((10, 3))
    names, _ = data.groups(data.encode([short]))
    (called,) = data.placed([names], [short])
    after = [name for name in called if name.endswith(", after its end")]
    first = [int(name.split("step")[1].strip("s ").split("-")[0].split(",")[0]) for name in called]
    assert [step >= 10 for step in first] == [name in after for name in called]
    assert 0 < len(after) < len(called)


def test_a_sensor_that_falls_silent_at_zero_is_no_padding():
    random = np.random.default_rng(0)
    waves = np.sin(np.arange(40) / 3 + random.uniform(0, 6, size=(60, 1)))[:, :, None]
    detector = MemoryBank(data=Series(layout="time-first", scaling="none")).fit(waves)
    silent = waves[:1].copy()
    silent[0, 20:] = 0.0
    assert detector.decision_function(silent) > 2 * detector.decision_scores_.max()
    nearly = silent + 1e-4 * (silent == 0)
    np.testing.assert_allclose(
        detector.decision_function(silent), detector.decision_function(nearly), rtol=0.01
    )


def test_further_channels_are_ignored_in_words():
    long = frame_with(extra=np.arange(8.0))
    data = Series(id="id", time="time").fit(frame_with())
    with pytest.warns(UserWarning, match="not in training are ignored: 'extra'"):
        found = data.encode(long)
    torch.testing.assert_close(found, data.encode(frame_with()))


def test_a_series_shorter_than_all_of_training_is_told():
    data = Series(layout="time-first").fit(np.random.default_rng(0).normal(size=(20, 40, 1)))
    with pytest.warns(UserWarning, match="2 of 3 series are shorter than all of training, 40"):
        data.encode([np.zeros((40, 1)), np.zeros((24, 1)), np.zeros((30, 1))])


@pytest.mark.parametrize("odd", [{"width": 2.5}, {"width": True}, {"jitter": float("inf")}])
def test_parameters_are_checked_without_a_detector(odd):
    with pytest.raises(InputError, match=next(iter(odd))):
        Series(layout="time-first", **odd).fit(np.zeros((4, 8, 1)))
