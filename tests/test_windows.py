"""Windows of recordings: cutting, restoring, folds, clocks, refusals, memory, files."""

import tracemalloc
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import askew
from askew import KNN, AutoEncoder, InputError, NeuTraLAD, Windows, load
from askew.cli import main
from askew.cli.judging import joined, judge
from askew.cli.kinds import windows as cli_windows
from askew.cli.source import Source
from askew.data import cuts, guess, windows
from askew.data.recording import check_clock
from askew.files.tables import chunks
from askew.verdict import Verdict

pytestmark = pytest.mark.filterwarnings("ignore:health")


def recording(seed=0, steps=600, channels=2):
    generator = np.random.default_rng(seed)
    time = np.arange(steps)[:, None] / np.array([8.0, 13.0, 5.0])[:channels]
    return np.sin(time) + 0.1 * generator.normal(size=(steps, channels))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# Cutting and restoring.


@given(
    lengths=st.lists(st.integers(5, 60), min_size=1, max_size=4),
    length=st.integers(4, 12),
    stride=st.integers(1, 12),
    channels=st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_restoring_what_was_cut_gives_the_recording_back(lengths, length, stride, channels):
    lengths = [max(n, length) for n in lengths]
    stride = min(stride, length)
    drawn = np.random.default_rng(0)
    whole = [drawn.normal(size=(n, channels)) for n in lengths]
    data = Windows(length=length, stride=stride, scaling="none").fit(whole)
    cut = data.encode(whole).numpy().astype(np.float64)  # (n, C, L)
    assert len(cut) == data.count(whole) == len(data.take(whole, np.arange(data.count(whole))))
    steps = np.concatenate(whole)
    np.testing.assert_allclose(data.restore(cut.swapaxes(1, 2), whole), steps, rtol=1e-6)
    np.testing.assert_allclose(data.restore(cut[:, 0], whole), steps[:, 0], rtol=1e-6)


@given(lengths=st.lists(st.integers(6, 40), min_size=1, max_size=3), stride=st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_scores_of_windows_against_a_loop(lengths, stride):
    whole = [np.zeros((n, 1)) for n in lengths]
    data = Windows(length=6, stride=stride).fit(whole)
    scores = np.random.default_rng(0).normal(size=data.count(whole))
    starts = cuts.starts_of(np.array(lengths), 6, stride)
    every = [
        np.mean([s for s, a in zip(scores, starts, strict=True) if a <= step < a + 6])
        for step in range(sum(lengths))
    ]
    np.testing.assert_allclose(data.restore(scores, whole), every)
    data.look_ahead = False
    ends, first = starts + 5, np.repeat(np.cumsum(lengths) - lengths, lengths)
    latest = []
    for step in range(sum(lengths)):
        own = [i for i, end in enumerate(ends) if starts[i] >= first[step]]
        past = [i for i in own if ends[i] <= step]
        latest.append(scores[past[-1] if past else own[0]])
    np.testing.assert_array_equal(data.restore(scores, whole), latest)


def test_windows_are_where_they_say_and_end_with_the_recording():
    x = np.arange(23.0)
    data = Windows(length=5, stride=4, scaling="none").fit(x)
    expected = [x[a : a + 5] for a in (0, 4, 8, 12, 16, 18)]
    np.testing.assert_array_equal(data.encode(x)[:, 0].numpy(), expected)
    assert data.describe() == "a recording of 23 steps, 1 channel: 6 windows of 5"


def test_scores_of_some_windows_cover_their_steps_only():
    x = np.arange(20.0)
    data = Windows(length=5, stride=5).fit(x)
    found = data.restore(np.array([1.0, 2.0]), x, np.array([1, 3]))
    np.testing.assert_array_equal(found, [1] * 5 + [2] * 5)
    data = Windows(length=5, stride=5, look_ahead=False).fit(x)
    found = data.restore(np.array([1.0, 2.0]), x, np.array([1, 3]))
    np.testing.assert_array_equal(found, [1] * 5 + [2])


def test_without_look_ahead_the_future_changes_nothing():
    x, other = recording(1), recording(1)
    other[400:] = 9.0
    detector = KNN(data=Windows(length=20, stride=1, look_ahead=False)).fit(recording())
    before, after = detector.decision_function(x), detector.decision_function(other)
    np.testing.assert_allclose(before[:400], after[:400])
    assert (after[420:] > before[420:]).all()
    mean = KNN(data=Windows(length=20, stride=1)).fit(recording())
    assert not np.allclose(mean.decision_function(x)[:400], mean.decision_function(other)[:400])


def test_a_huge_score_leaves_its_neighbours_alone():
    x = np.arange(100.0)
    data = Windows(length=5, stride=5).fit(x)
    scores = np.ones(20)
    scores[3] = 1e300
    assert (np.delete(data.restore(scores, x), np.arange(15, 20)) == 1).all()


@pytest.mark.parametrize("look_ahead", [True, False])
def test_each_step_has_a_window_that_speaks_for_it(look_ahead):
    x = [recording(0, 50), recording(1, 33)]
    data = Windows(length=10, stride=4, look_ahead=look_ahead).fit(x)
    places = np.arange(83)
    speaks = data.speakers(x, places)
    starts = cuts.starts_of(np.array([50, 33]), 10, 4)[speaks]
    assert ((starts >= 50) == (places >= 50)).all()  # of its own recording
    if look_ahead:
        assert ((starts <= places) & (places < starts + 10)).all()
    else:
        warm = (places < 9) | ((places >= 50) & (places < 59))
        assert (starts + 9 <= places)[~warm].all()
    chosen = data.take(x, speaks[[60]])
    assert data.whereabouts(chosen).endswith("of recording 1")
    np.testing.assert_array_equal(data.speakers(chosen, np.array([0])), [0])
    np.testing.assert_array_equal(data.restore(np.array([7.0]), chosen), [7.0])


# What is held out.


@given(
    steps=st.integers(400, 3000),
    stride=st.integers(1, 20),
    parts=st.integers(1, 3),
    share=st.floats(0.05, 0.3),
    seed=st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_no_window_is_learned_from_that_shares_a_step_with_a_held_out_one(
    steps, stride, parts, share, seed
):
    x = [np.zeros(steps), np.zeros(300)]
    data = Windows(length=20, stride=stride)
    folds = data.folds(x, parts, share, 10_000, generator(seed))
    starts = cuts.starts_of(np.array([steps, 300]), 20, stride)
    assert len(folds) == parts
    held = np.concatenate([fold.held for fold in folds])
    assert len(np.unique(held)) == len(held)
    for fold in folds:
        assert (np.diff(fold.held) > 0).all() and (np.diff(fold.learned) > 0).all()
        wanted = int(share * len(starts))
        assert wanted - windows.BLOCKS < len(fold.held) <= wanted
        gap = np.abs(starts[fold.learned][:, None] - starts[fold.held][None]).min(initial=20)
        assert gap >= 20
        runs = 1 + (np.diff(fold.held) > 1).sum()
        assert runs <= windows.BLOCKS  # contiguous blocks


def test_held_out_blocks_differ_by_the_seed_and_not_by_chance():
    x = np.zeros(5000)
    one, two, other = (Windows().folds(x, 2, 0.2, 9999, generator(s)) for s in (0, 0, 1))
    np.testing.assert_array_equal(one[1].held, two[1].held)
    assert not np.array_equal(one[0].held, other[0].held)


def test_nothing_held_out_learns_from_all():
    (fold,) = Windows(length=10).folds(np.zeros(200), 1, 0.0, 9999, generator())
    assert len(fold.held) == 0
    assert len(fold.learned) == Windows(length=10).count(np.zeros(200))


def test_scales_come_from_the_steps_that_are_learned_from():
    x = np.zeros(200)
    x[150:] = 100.0
    data = Windows(length=10)
    index = np.flatnonzero(cuts.starts_of(np.array([200]), 10, 2) < 100)
    data.fit(data.take(x, index))
    assert data.mean_ == 0


def test_detectors_end_to_end(tmp_path):
    x, y = recording(0, 1500), recording(1, 1000)
    y[500:530, 0] += 2
    detector = KNN(data=Windows(length=25)).fit(x)
    scores = detector.decision_function(y)
    assert scores.shape == detector.predict(y).shape == detector.p_values(y).shape == (1000,)
    assert detector.decision_scores_.shape == detector.labels_.shape == (1500,)
    assert scores[500:530].min() > np.quantile(np.delete(scores, np.arange(470, 560)), 0.99)
    assert detector.predict(y)[500:530].all()
    detector.save(tmp_path / "model")
    loaded = askew.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.decision_function(y), scores)
    assert loaded.references_.shape[1:] == (2, 25)
    (why,) = detector.explain(detector.data_.take(y, detector.data_.speakers(y, np.array([515]))))
    assert why.points.shape == (25, 2)
    assert why.points[:, 0].sum() > why.points[:, 1].sum()
    drawn, about = detector.data_.overview(y, scores, detector.threshold_, None)
    assert len(drawn.axes) == 3 and "score" in about


def test_false_alarms_of_fresh_normal_steps_are_near_the_rate():
    rates = []
    for seed in range(8):
        detector = KNN(data=Windows(length=10), alert_rate=0.05, held_out=0.3)
        detector.fit(np.random.default_rng(seed).normal(size=(3000, 2)))
        rates.append(detector.predict(np.random.default_rng(99 + seed).normal(size=(3000, 2))))
    assert 0.02 < np.mean(rates) < 0.08


# Raw input.


@pytest.mark.parametrize("clock", ["time", "datetime", "index", None])
@pytest.mark.parametrize("form", [lambda f: f, pl.from_pandas, pa.Table.from_pandas])
def test_tables_are_read_like_arrays(clock, form):
    x = recording(0, 200)
    table = pd.DataFrame(x, columns=["heat", "flow"])
    if clock == "index":
        if form is not form or form in (pl.from_pandas, pa.Table.from_pandas):
            pytest.skip("only pandas has an index of dates")
        table.index = pd.date_range("2026-01-01", periods=200, freq="min")
    elif clock:
        table.insert(0, clock, pd.date_range("2026-01-01", periods=200, freq="min", tz="UTC"))
    data = Windows(length=20).fit(form(table))
    assert data.channels_ == ["heat", "flow"]
    plain = Windows(length=20).fit(x)
    np.testing.assert_allclose(data.encode(form(table)), plain.encode(x))
    turned = table[[c for c in table.columns[::-1]]]
    np.testing.assert_allclose(data.encode(form(turned)), plain.encode(x))
    more = table.assign(extra="words")  # left out, as in tables
    np.testing.assert_allclose(data.encode(form(more)), plain.encode(x))


def test_forms_of_several_recordings():
    x = [recording(i, 60) for i in range(3)]
    data = Windows(length=12).fit(x)
    np.testing.assert_array_equal(data.encode(np.stack(x)), data.encode(x))
    np.testing.assert_array_equal(data.encode([pd.DataFrame(one) for one in x]), data.encode(x))
    one = Windows(length=12).fit(x[0][:, 0])
    np.testing.assert_array_equal(one.encode(x[0][:, 0].tolist()), one.encode(x[0][:, :1]))
    assert data.describe() == "3 recordings of 180 steps, 2 channels: 147 windows of 12"


def test_missing_values_are_bridged_and_marked():
    x = np.arange(40.0)
    x[10:14] = np.nan
    data = Windows(length=10, stride=5, scaling="none").fit(x)
    batch = data.encode(x)
    assert batch.shape[1] == 2
    np.testing.assert_allclose(batch[2, 0].numpy(), np.arange(10.0, 20.0))  # from outside, too
    np.testing.assert_allclose(batch[2, 1].numpy(), [0] * 4 + [1] * 6)


def test_a_constant_channel_is_left_as_it_is():
    x = recording(0, 300)
    x[:, 1] = 5.0
    detector = KNN(data=Windows(length=20)).fit(x)
    strange = x.copy()
    strange[100:120, 1] = 6.0
    assert detector.decision_function(strange)[110] > detector.threshold_


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        (lambda: Windows().fit(np.zeros(37)), "50 time steps long, but recording 0 has only 37"),
        (lambda: Windows(length=10).fit([np.zeros(30), np.zeros(5)]), "recording 1 has only 5"),
        (lambda: Windows(length=10).fit([np.zeros((30, 2)), np.zeros((30, 3))]), "recording 1"),
        (lambda: Windows(length=10).fit(
            [pd.DataFrame({"a": np.zeros(30)}), pd.DataFrame({"b": np.zeros(30)})]), "'b'"),
        (lambda: Windows(length=10).fit(np.array([np.inf] * 30)), "Recording 0 holds inf"),
        (lambda: Windows(length=10).fit(np.full(30, np.nan)), "no value"),
        (lambda: Windows(length=10).fit([]), "Give at least one step"),
        (lambda: Windows(length=10).fit(np.zeros((2, 3, 4, 5))), "expected a recording"),
        (lambda: Windows(length=10).fit(["a"] * 30), "not a number"),
        (lambda: Windows(length=3).fit(np.zeros(30)), r"Windows\(length=3\)"),
        (lambda: Windows(stride=101).fit(np.zeros(300)), "skip steps"),
        (lambda: Windows(stride=0).fit(np.zeros(300)), r"Windows\(stride=0\)"),
        (lambda: Windows(scaling="odd").fit(np.zeros(300)), r"Windows\(scaling='odd'\)"),
        (lambda: Windows(length=10, time="when").fit(pd.DataFrame({"a": range(30)})), "'when'"),
        (lambda: KNN(data=Windows(length=10), held_out=0.5).fit(np.zeros(25)), "too few to hold"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_in_words(fit, words):
    with pytest.raises(InputError, match=words):
        fit()


def test_other_channels_than_in_training_are_refused():
    data = Windows(length=10).fit(pd.DataFrame({"a": range(30), "b": range(30)}))
    with pytest.raises(InputError, match="expected those of training"):
        data.encode(pd.DataFrame({"a": range(30), "c": range(30)}))
    with pytest.raises(InputError, match="expected 2, as in training"):
        data.encode(np.zeros((30, 3)))


def test_clocks_that_do_not_go_forward_are_refused():
    times = list(pd.date_range("2026-01-01", periods=30, freq="h"))
    back = [*times[:10], times[5], *times[11:]]
    for clock, words in ((back, "goes back"), ([*times[:10], times[9], *times[11:]], "twice")):
        with pytest.raises(InputError, match=words):
            Windows(length=10).fit(pd.DataFrame({"time": clock, "a": range(30)}))
    with pytest.raises(InputError, match="goes back from 10 to 9"):  # not sorted as text
        check_clock(pd.Series(["9", "10", "9"], name="t"), "Recording 0")


def test_gaps_and_uneven_clocks_are_told():
    times = pd.Series(pd.date_range("2026-01-01", periods=60, freq="min"), name="time")
    with pytest.warns(UserWarning, match=r"1 gap in time, the longest from .*00:29.*, 61 usual"):
        check_clock(times.where(times.index < 30, times + pd.Timedelta("1h")), "Recording 0")
    drawn = np.cumsum(np.random.default_rng(0).uniform(0.8, 1.2, size=60))
    with pytest.warns(UserWarning, match="irregular clock"):
        check_clock(pd.Series(drawn, name="t"), "Recording 0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_clock(times, "Recording 0")


def test_arrays_and_tables_are_never_guessed_to_be_recordings():
    assert not isinstance(guess(recording()), Windows)


# Memory.


def test_training_windows_are_no_more_than_asked_for():
    data = Windows(length=20, most=50).fit(np.zeros(2000) + np.arange(2000) % 7)
    assert data.count_ <= 101  # at a stride of the whole length no more than the recording
    assert data.stride_ == 20
    assert Windows(length=20).fit(np.arange(2000.0)).stride_ == 1
    assert Windows(length=20, stride=7).fit(np.arange(2000.0)).stride_ == 7
    fine = Windows(length=20, most=200).fit(np.arange(2000.0))
    assert fine.stride_ == 10
    assert fine.count_ <= 200


def test_a_long_recording_is_scored_in_bounded_memory():
    long = np.random.default_rng(0).normal(size=(200_000, 6))
    detector = KNN(data=Windows(length=50, stride=2)).fit(long[:300])
    all_windows = 4 * 6 * 50 * detector.data_.count(long)
    tracemalloc.start()
    scores = detector.decision_function(long)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert scores.shape == (200_000,)
    chunk = 4 * windows.CHUNK_NUMBERS  # one in use while the next is cut
    assert peak < long.nbytes * 5 + 2 * chunk < 1.2 * all_windows
    (chunk, *_) = detector.data_.chunks(long, 65_536)
    assert chunk.numel() <= windows.CHUNK_NUMBERS


def test_chunks_are_what_is_encoded_at_once(monkeypatch):
    x = [recording(0, 300), recording(1, 200)]
    x[0][100:103] = np.nan
    data = Windows(length=20).fit(x)
    whole = data.encode(x)
    monkeypatch.setattr(windows, "CHUNK_NUMBERS", 3 * 3 * 20)
    parts = list(data.chunks(x, 65_536))
    assert max(map(len, parts)) == 3
    np.testing.assert_array_equal(torch.cat(parts), whole)


# The command line.


def write(folder, name, seed, steps=1200):
    table = pd.DataFrame(recording(seed, steps), columns=["heat", "flow"])
    table.insert(0, "time", pd.date_range("2026-01-01", periods=steps, freq="min"))
    if name.startswith("test"):
        table.loc[600:640, "heat"] += 2
        table["fault"] = ((table.index >= 600) & (table.index <= 640)).astype(int)
    table.to_csv(folder / name, index=False)
    return folder / name


def run(*words):
    with pytest.raises(SystemExit) as stopped:
        main([str(word) for word in words])
    return stopped.value.code


def test_from_files_to_scores_reasons_and_a_report(tmp_path, capsys):
    train, test = write(tmp_path, "train.csv", 0), write(tmp_path, "test.csv", 1)
    model, out = tmp_path / "model", tmp_path / "scores.csv"
    assert run("fit", train, "--out", model, "--method", "KNN", "--set", "data__length=30") == 0
    said = capsys.readouterr()
    assert "read as windows" in said.err and "1,200 steps, 2 channels" in said.out
    assert run("score", model, test, "--out", out, "--label", "fault") == 0
    said = capsys.readouterr().out
    assert "AUROC" in said and "events' recall" in said and "affiliation, precision" in said
    scores = pd.read_csv(out)
    assert len(scores) == 1200
    assert scores["id"][0] == "2026-01-01 00:00:00"
    assert scores["alert"][600:640].all() and scores["alert"].sum() < 300
    assert scores["reasons"][620].startswith("heat")
    assert run("explain", model, test, "--item", "2026-01-01 10:20:00") == 0
    said = capsys.readouterr().out
    assert "the window of steps" in said and "heat" in said
    assert run("explain", model, test, "--item", "2027-01-01 10:20:00") == 2
    assert run("report", model, test, "--label", "fault", "--out", tmp_path / "r.html") == 0
    page = (tmp_path / "r.html").read_text()
    assert "At a glance" in page and "The strangest events" in page
    longest = scores["event"].value_counts().drop(0).idxmax()
    first, *_, last = scores["id"][scores["event"] == longest]
    assert f"alert from {first} to {last}" in page
    assert f"in {scores['event'].max()} event" in page


def test_a_folder_of_recordings_is_one_when_it_is_said_so(tmp_path, capsys):
    folder = tmp_path / "runs"
    folder.mkdir()
    for i in range(3):
        write(folder, f"run{i}.csv", i, 300)
    model, out = tmp_path / "model", tmp_path / "scores.parquet"
    words = ("--type", "windows", "--method", "KNN", "--set", "data__length=30")
    assert run("fit", folder, "--out", model, *words) == 0
    assert "3 recordings of 900 steps" in capsys.readouterr().out
    assert run("score", model, folder, "--out", out) == 0
    scores = pd.read_parquet(out)
    assert len(scores) == 900
    assert scores["id"][300] == "run1 2026-01-01 00:00:00"


def test_a_column_of_ids_that_repeat_says_which_recording_a_row_is_of(tmp_path, capsys):
    tables = [pd.read_csv(write(tmp_path, f"{i}.csv", i, 300)) for i in range(3)]
    both = pd.concat([table.assign(machine=f"00{i}") for i, table in enumerate(tables)])
    file, model, out = (tmp_path / name for name in ("all.csv", "model", "scores.csv"))
    both.sort_values("time", kind="stable").to_csv(file, index=False)  # interleaved
    words = ("--type", "windows", "--id", "machine")
    settings = ("--method", "KNN", "--set", "data__length=30")
    assert run("fit", file, "--out", model, *words, *settings) == 0
    assert "3 recordings of 900 steps, 2 channels" in capsys.readouterr().out
    assert run("score", model, file, "--out", out) == 0
    scores = pd.read_csv(out)
    detector = load(model)
    each = [table[["time", "heat", "flow"]] for table in tables]
    assert np.allclose(scores["score"], detector.decision_function(each))
    assert scores["id"][300] == "001 2026-01-01 00:00:00"
    both.drop(columns="machine").iloc[:300].to_csv(file, index=False)
    capsys.readouterr()
    assert run("score", model, file, "--out", out) == 0
    assert "has no column 'machine': its rows are taken for one" in capsys.readouterr().err
    both.assign(machine=[None, *both["machine"][1:]]).to_csv(file, index=False)
    capsys.readouterr()
    assert run("score", model, file, "--out", out) == 2
    assert "no value in 'machine'" in capsys.readouterr().err


def test_ids_of_steps_may_repeat_now_and_then(tmp_path, capsys):
    file, model, out = (tmp_path / name for name in ("steps.csv", "model", "scores.csv"))
    table = pd.read_csv(write(tmp_path, "one.csv", 0, 300))
    table.assign(name=["s0", "s0", *(f"s{i}" for i in range(2, 300))]).to_csv(file, index=False)
    words = ("--type", "windows", "--id", "name", "--method", "KNN", "--set", "data__length=30")
    assert run("fit", file, "--out", model, *words) == 0
    assert "a recording of 300 steps, 2 channels" in capsys.readouterr().out
    assert run("score", model, file, "--out", out) == 0
    assert list(pd.read_csv(out)["id"][:3]) == ["s0", "s0", "s2"]


@pytest.mark.parametrize(
    ("spoil", "claimed"),
    [
        (lambda t: t, True),
        (lambda t: t.assign(time=t["time"].sample(frac=1, random_state=0).to_numpy()), False),
        (lambda t: t.head(100), False),
        (lambda t: t.drop(columns="time"), False),
        (lambda t: t.assign(heat="hot", flow="fast"), False),
        (lambda t: t.assign(time=t["time"] + pd.to_timedelta(np.arange(len(t)) ** 2, "s")), False),
        (lambda t: t.assign(time=t["time"].iloc[0]), False),
    ],
)
def test_only_an_even_clock_beside_numbers_is_taken_for_a_recording(tmp_path, spoil, claimed):
    from askew.cli.source import guess as guess_file

    path = write(tmp_path, "train.csv", 0, 400)
    spoil(pd.read_csv(path, parse_dates=["time"])).to_csv(path, index=False)
    assert guess_file(path, None, None) == ("windows" if claimed else "tabular")
    assert guess_file(path, "heat", None) != "windows"


def test_the_default_sees_a_short_disturbance():
    x, y = recording(0, 1500), recording(1, 800)
    y[400:420] = y[400:420][::-1] + 0.8
    detector = NeuTraLAD(data=Windows(length=20), steps=40, nets=1).fit(x)
    scores = detector.decision_function(y)
    assert 395 <= scores.argmax() <= 425
    assert {check["name"] for check in detector.health_} >= {"scores vary", "alone as in a batch"}


def test_what_differs_from_training_is_told(recwarn):
    clock = pd.date_range("2026-01-01", periods=300, freq="min")
    frame = pd.DataFrame({"a": recording(0, 300)[:, 0], "b": recording(1, 300)[:, 0]}, index=clock)
    data = Windows(length=20).fit(frame)
    data.encode(frame)
    assert not recwarn.list
    with pytest.warns(UserWarning, match="Recording 0 has no value of a, b: its steps"):
        data.encode(frame.assign(a=np.nan, b=np.nan))
    with pytest.warns(UserWarning, match="Recording 1 has no value of b: its steps"):
        data.encode([frame, frame.assign(b=np.nan)])
    slower = frame.set_axis(pd.date_range("2026-01-01", periods=300, freq="5min"))
    for several in (slower, [frame, frame, slower]):
        with pytest.warns(UserWarning, match="Steps are 300 seconds apart and were 60 in training"):
            data.encode(several)
    recwarn.clear()
    data.encode(frame.reset_index(drop=True).assign(time=np.arange(300)))  # another kind of clock
    assert not recwarn.list
    with pytest.warns(UserWarning, match="not in training are ignored: 'c'"):
        assert data.encode(frame.assign(c=1.0)).shape[1] == 2


def test_a_clock_of_any_name_is_found_and_may_not_be_put_back():
    told = pd.date_range("2026-10-25", periods=240, freq="min", tz="Europe/Berlin")
    frame = pd.DataFrame({"Zeitpunkt": told.tz_localize(None), "a": np.sin(np.arange(240.0))})
    assert Windows(length=20).fit(frame.iloc[:60]).channels_ == ["a"]
    frame["Zeitpunkt"] = frame["Zeitpunkt"].astype(str)
    assert Windows(length=20).fit(frame.iloc[:60]).ticks_ == [[60, "seconds"]]
    with pytest.raises(InputError, match="clocks were put back an hour"):
        Windows(length=20).fit(frame)
    assert Windows(length=20).fit(frame.assign(Zeitpunkt=told)).ticks_ == [[60, "seconds"]]


def test_hours_that_come_twice_and_counts_that_start_again_have_advice_of_their_own():
    told = pd.date_range("2026-10-20", periods=240, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"time": told.tz_localize(None), "a": np.sin(np.arange(240.0))})
    with pytest.raises(InputError, match=r"02:00:00 twice.*clocks were put back an hour"):
        Windows(length=20).fit(frame)
    with pytest.raises(InputError, match="another recording begins"):
        Windows(length=20).fit(frame.assign(time=np.arange(240) % 120))


def test_columns_of_one_name_and_far_dates_are_no_trouble():
    frame = pd.DataFrame(recording(0, 60), columns=["a", "b"])
    data = Windows(length=10).fit(frame)
    with pytest.warns(UserWarning, match="ignored: 'c', 'c'"):
        both = pd.concat([frame, frame.set_axis(["c", "c"], axis=1)], axis=1)
        assert torch.equal(data.encode(both), data.encode(frame))
    with pytest.warns(UserWarning, match="ignored: 'exported'"):  # all the same: no clock
        data.encode(frame.assign(exported="2026-01-01"))
    far = pd.Series(np.datetime64("2900-01-01", "s") + np.arange(60) * np.timedelta64(1, "h"))
    assert Windows(length=10).fit(frame.assign(when=far)).ticks_ == [[3600, "seconds"]]


@pytest.mark.parametrize("look_ahead", [True, False])
def test_reasons_count_from_the_beginning_of_their_recording(look_ahead):
    first, second = recording(0, 200), recording(1, 200)
    second[150:156, 0] += 9
    data = Windows(length=20, look_ahead=look_ahead)
    detector = KNN(data=data).fit([recording(2, 300), recording(3, 300)])
    both = [first, second]
    speaks = detector.data_.speakers(both, np.array([355]))
    (found,) = detector.explain(detector.data_.take(both, speaks))
    assert found.names[0].startswith("recording 1, channel 0, step")
    steps = [int(step) for step in found.names[0].split("step")[1].strip("s ").split("-")]
    assert min(steps) >= 145 and max(steps) <= 160


@pytest.mark.parametrize("length", [5, 6])
def test_points_keep_their_channels_where_windows_are_as_long_as_there_are_channels(length):
    random = np.random.default_rng(0)
    steps = np.sin(np.arange(200)[:, None] / 4 + np.arange(5)) + 0.05 * random.normal(size=(200, 5))
    spoilt = steps.copy()
    spoilt[100, 2] += 8
    detector = AutoEncoder(data=Windows(length=length), nets=1, steps=60).fit([steps])
    strangest = detector.decision_points([spoilt]).max(0)
    assert strangest.argmax() == 2 and np.sort(strangest)[-2] < strangest[2] / 5


def test_views_of_windows_are_told_apart_at_each_step():
    steps = np.sin(np.arange(120)[:, None] / 4)
    detector = NeuTraLAD(data=Windows(length=33), nets=3, steps=2).fit([steps])
    terms = detector.view_scores([steps])
    assert terms.shape == (120, 33)
    assert np.ptp(terms[60]) > 0


def test_events_of_two_recordings_do_not_touch():
    labels, alerts = np.zeros(40, int), np.zeros(40, bool)
    labels[15:20], labels[20:24], alerts[18:22] = 1, 1, True
    moments = joined([np.arange(20) / 10, np.arange(20) / 10])
    verdict = Verdict(alerts.astype(float), np.full(40, np.nan), alerts, moments, labels)
    by_event, _ = verdict.agreement().of_events
    assert by_event == (1.0, 1.0, 1.0)
    labels[20:24] = 0
    by_event, _ = replace(verdict, labels=labels).agreement().of_events
    assert by_event == (0.5, 1.0, 0.5)


@pytest.mark.parametrize("look_ahead", ["true", "false"])
@pytest.mark.parametrize("stride", ["1", "7"])
def test_a_long_recording_is_judged_in_stretches_as_it_is_as_a_whole(
    look_ahead, stride, tmp_path, monkeypatch
):
    train, test = write(tmp_path, "train.csv", 0), write(tmp_path, "test.csv", 1)
    frame = pd.read_csv(test)
    frame.loc[frame.index % 97 == 5, "heat"] = np.nan
    frame.to_csv(test, index=False)
    settings = [f"data__{one}" for one in (f"look_ahead={look_ahead}", f"stride={stride}")]
    chosen = [word for one in (*settings, "data__length=20") for word in ("--set", one)]
    assert run("fit", train, "--out", tmp_path / "model", "--method", "KNN", *chosen) == 0
    found = []
    for rows in (100_000, 83):
        monkeypatch.setattr(cli_windows, "chunks", partial(chunks, rows=rows))
        parts = list(Source.of(load(tmp_path / "model")).parts(test))
        assert len(parts) == (1 if rows > 1200 else pytest.approx(15, abs=3))
        assert run("score", tmp_path / "model", test, "--out", tmp_path / "o.csv") == 0
        found.append(pd.read_csv(tmp_path / "o.csv"))
    whole, cut = found
    assert whole["alert"].sum() > 10
    np.testing.assert_allclose(cut["score"], whole["score"], rtol=1e-5)
    for name in ("id", "alert", "event"):
        assert cut[name].tolist() == whole[name].tolist()
    explained = (whole["reasons"].notna() & cut["reasons"].notna()).to_numpy()
    assert explained.sum() > 5
    assert cut["reasons"][explained].tolist() == whole["reasons"][explained].tolist()
    assert run("explain", tmp_path / "model", test, "--item", whole["id"][700]) == 0


def test_clocks_of_stretches_are_told_by_the_rows_of_the_file():
    rows = pd.DataFrame({"time": [5, 6, 6], "heat": 1.0}, index=pd.RangeIndex(100, 103))
    with pytest.raises(InputError, match="twice, in rows 101 and 102"):
        check_clock(rows["time"], "Recording 0")


def test_memory_does_not_grow_with_a_recording_that_is_judged(tmp_path, monkeypatch):
    monkeypatch.setattr(cli_windows, "chunks", partial(chunks, rows=5000))
    steps = np.sin(np.arange(3000)[:, None] / 5 + np.arange(8))
    KNN(data=Windows(length=20)).fit(pd.DataFrame(steps, columns=list("abcdefgh"))).save(
        tmp_path / "model"
    )
    peaks = []
    for times in (10, 40):
        path = tmp_path / f"{times}.parquet"
        pd.DataFrame(np.tile(steps, (times, 1)), columns=list("abcdefgh")).to_parquet(path)
        detector = load(tmp_path / "model")
        tracemalloc.start()
        judge(detector, Source.of(detector), path, labels=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 40 * 90_000  # a few numbers a step are kept
