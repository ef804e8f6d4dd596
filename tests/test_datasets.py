"""Data sets: the published counts, the splits, and what happens when a file is not right."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from askew.datasets import (
    DATASETS,
    ClassSplit,
    contaminated,
    find,
    half_split,
    load,
    load_classes,
    load_recordings,
    load_table,
    loading,
    n_vs_rest,
    one_vs_rest,
    path,
)
from askew.errors import InputError

ADBENCH = [name for name in DATASETS if name.startswith("adbench/")]
LARGE = 60_000  # rows; larger sets are checked by the slow test


def at_hand(name):
    """Skip, with the reason, where a set that does not ship is not on this computer."""
    data = find(name)
    if not data.shipped and not any((f / data.file).is_file() for f in loading._folders()):
        pytest.skip(f"{data.file} is not here: set ASKEW_DATA to a folder that has it")
    return name


def rows_of(name):
    return int(find(name).about.split()[0])


def test_the_table_is_complete():
    assert len(ADBENCH) == 43
    assert sorted(d.name for d in DATASETS.values() if d.shipped) == [
        "arrhythmia",
        "epilepsy",
        "racketsports",
        "thyroid",
    ]
    for data in DATASETS.values():
        assert len(data.sha256) == 64 and data.source.startswith("http") and data.about
        assert data.licence


@pytest.mark.parametrize(("name", "shape", "anomalies"), [
    ("thyroid", (3772, 6), 93),
    ("arrhythmia", (452, 274), 66),
])  # fmt: skip
def test_shipped_tables(name, shape, anomalies):
    rows, labels = load_table(name)
    assert rows.shape == shape and labels.shape == shape[:1]
    assert labels.sum() == anomalies and set(labels) == {0, 1}
    assert rows.notna().all().all() and "label" not in rows


def test_shipped_thyroid_holds_the_original_values():
    same = load_table(at_hand("adbench/38_thyroid"))
    rows, labels = load_table("thyroid")
    np.testing.assert_allclose(rows.to_numpy(), same.rows.to_numpy(), rtol=1e-12)
    assert (labels == same.labels).all()


@pytest.mark.parametrize(("name", "train", "test", "length", "channels", "classes"), [
    ("epilepsy", 137, 138, (206, 206), 3, 4),
    ("racketsports", 151, 152, (30, 30), 6, 4),
    ("natops", 180, 180, (51, 51), 24, 6),
    ("sad", 5810, 2014, (20, 50), 13, 10),
    ("charactertrajectories", 1422, 1436, (60, 182), 3, 20),
    ("ct", 1422, 1436, (60, 182), 3, 20),
])  # fmt: skip
def test_series(name, train, test, length, channels, classes):
    split = load_classes(at_hand(name))
    lengths = [len(one) for part in (split.train, split.test) for one in part]
    assert (len(split.train), len(split.test)) == (train, test)
    assert (len(split.train_labels), len(split.test_labels)) == (train, test)
    assert (min(lengths), max(lengths)) == length
    assert {one.shape[1] for one in split.train} == {channels}
    assert len(split.classes) == classes == len(set(split.test_labels))


@pytest.mark.parametrize("name", [name for name in ADBENCH if rows_of(name) <= LARGE])
def test_adbench(name):
    check_adbench(at_hand(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ADBENCH if rows_of(name) > LARGE])
def test_large_adbench(name):
    check_adbench(at_hand(name))


def check_adbench(name):
    rows, labels = load_table(name)
    n, columns, anomalies = (
        int(w) for w in find(name).about.replace(",", "").split() if w.isdigit()
    )
    assert rows.shape == (n, columns) and labels.sum() == anomalies and set(labels) == {0, 1}


def test_kdd_attacks_are_the_majority():
    rows, labels = load_table(at_hand("kdd"))
    assert rows.shape == (494_021, 41) and labels.sum() == 97_278
    kinds = rows.dtypes.astype(str).value_counts()
    assert kinds["category"] == 7 and kinds["float64"] == 34


def test_kddrev_draws_attacks_with_the_seed():
    rows, labels = load_table(at_hand("kddrev"), seed=1)
    assert rows.shape == (97_278 + 24_319, 41) and labels.sum() == 24_319
    assert half_split(rows, labels).labels.mean() == pytest.approx(1 / 3, abs=1e-4)
    again, other = load_table("kddrev", seed=1), load_table("kddrev", seed=2)
    assert rows.equals(again.rows)
    assert not rows.equals(other.rows)


@pytest.mark.parametrize(("name", "count", "channels", "train", "test", "measurable"), [
    ("smd", 4, 38, 94_764, 94_766, 4),
    ("msl", 27, 55, 58_317, 73_729, 27),
    ("smap", 54, 25, 138_004, 435_826, 54),
    ("asd", 12, 19, 102_331, 51_840, 12),
    ("skab", 34, 8, 34 * 400, 37_401 - 34 * 400, 34),
    ("ucr", 4, 1, 8_100, 30_001 - 8_100, 4),
])  # fmt: skip
def test_recordings(name, count, channels, train, test, measurable):
    found = load_recordings(at_hand(name))
    assert len(found.names) == count and len(found.measurable) == measurable
    assert sum(map(len, found.train)) == train
    assert sum(map(len, found.test)) == test
    for one, other, labels in zip(found.train, found.test, found.labels, strict=True):
        assert one.shape[1] == other.shape[1] == channels
        assert len(labels) == len(other) and set(labels.tolist()) <= {0, 1}


def test_nab_trains_on_its_probationary_period():
    found = load_recordings(at_hand("nab"))
    whole = [len(a) + len(b) for a, b in zip(found.train, found.test, strict=True)]
    assert [len(a) for a in found.train] == [int(0.15 * n) for n in whole]
    assert (len(found.names), len(found.measurable)) == (58, 52)


def test_half_split_of_thyroid_has_93_anomalies_not_94():
    """An odd number of normal rows, 3679: published code counted one of them as an anomaly."""
    rows, labels = load_table("thyroid")
    split = half_split(rows, labels, shuffle=False)
    assert (len(split.train), len(split.test), split.labels.sum()) == (1839, 1933, 93)
    normal = np.flatnonzero(labels == 0)
    pd.testing.assert_frame_equal(split.train, rows.iloc[normal[:1839]])


@pytest.mark.parametrize("shuffle", [True, False])
def test_half_split_uses_every_row_once_and_trains_on_normals_only(shuffle):
    y = np.random.default_rng(0).permutation(np.repeat([0, 1], [41, 9]))
    train, test, labels = half_split(np.arange(50), y, seed=3, shuffle=shuffle)
    assert sorted([*train, *test]) == list(range(50))
    assert (y[train] == 0).all() and (y[test] == labels).all() and len(train) == 20


def test_half_split_follows_its_seed_and_leaves_the_global_one():
    before = np.random.get_state()[1].copy()
    draws = [half_split(np.arange(40), np.zeros(40), seed=s).train.tolist() for s in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
    assert (np.random.get_state()[1] == before).all()


def ragged():
    series = [np.full((3 + i, 2), i, dtype=np.float32) for i in range(6)]
    labels = np.array(["a", "b", "c"] * 2)
    return ClassSplit(series, labels, series, labels)


def test_one_vs_rest_of_ragged_series():
    train, test, labels = one_vs_rest(ragged(), "b")
    assert [int(one[0, 0]) for one in train] == [1, 4]
    assert len(test) == 6 and labels.tolist() == [1, 0, 1, 1, 0, 1]


def test_contaminated_training_holds_its_share_of_others_and_judges_none_of_them():
    split = load_classes("racketsports")
    cls = split.classes[0]
    clean, same = one_vs_rest(split, cls), contaminated(split, cls, share=0.2)
    ours = {one.tobytes() for one in split.train[split.train_labels == cls]}
    strange = [one.tobytes() not in ours for one in same.train]
    assert len(same.train) - sum(strange) == len(clean.train)
    assert np.mean(strange) == pytest.approx(0.2, abs=0.01)
    np.testing.assert_array_equal(same.labels, clean.labels)
    other = contaminated(split, cls, share=0.2, seed=1)
    assert len(other.train) == len(same.train) and not np.array_equal(other.train, same.train)
    with pytest.raises(InputError, match="items of other classes are asked for"):
        contaminated(split, cls, share=0.99)


def test_n_vs_rest_goes_round():
    train, _, labels = n_vs_rest(ragged(), first=2, n=2)
    assert [int(one[0, 0]) for one in train] == [0, 2, 3, 5]
    assert labels.tolist() == [0, 1, 0, 0, 1, 0]
    single = n_vs_rest(ragged(), first=1, n=1)
    assert single.labels.tolist() == one_vs_rest(ragged(), "b").labels.tolist()


def changed(monkeypatch, name, **fields):
    monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], **fields))


def test_another_file_under_the_name_is_refused(tmp_path, monkeypatch):
    file = tmp_path / find("natops").file
    file.parent.mkdir()
    file.write_bytes(b"not the data")
    monkeypatch.setenv("ASKEW_DATA", str(tmp_path))
    with pytest.raises(InputError, match="sha256"):
        path("natops")


def test_askew_data_comes_first(tmp_path, monkeypatch):
    file = tmp_path / "x.npz"
    file.write_bytes(b"some bytes")
    digest = "0123456789abcdef" * 4
    monkeypatch.setenv("ASKEW_DATA", str(tmp_path))
    changed(monkeypatch, "natops", file="x.npz", sha256=digest)
    with pytest.raises(InputError, match=digest[:12]):
        path("natops")
    changed(monkeypatch, "natops", file="x.npz", sha256=sha256_of(file))
    assert path("natops") == file


def sha256_of(file):
    import hashlib

    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_set_without_download_says_where_to_get_it(monkeypatch):
    monkeypatch.setattr(loading, "_folders", lambda: [])
    with pytest.raises(InputError, match=r"timeseriesclassification.*ASKEW_DATA"):
        path("natops")


def test_a_download_is_checked(tmp_path, monkeypatch):
    """Served from a local file, so that no test needs the network."""
    import pooch

    def serve(url, output_file, _pooch):
        with open(output_file, "wb") as out:
            out.write(b"some bytes")

    fetch = pooch.retrieve
    monkeypatch.setattr(loading, "_folders", lambda: [])
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    monkeypatch.setattr(pooch, "retrieve", lambda *a, **k: fetch(*a, **k, downloader=serve))
    with pytest.raises(InputError, match="could not be fetched"):
        path("adbench/45_wine")
    good = tmp_path / "good"
    good.write_bytes(b"some bytes")
    changed(monkeypatch, "adbench/45_wine", sha256=sha256_of(good))
    assert path("adbench/45_wine").read_bytes() == b"some bytes"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: find("thyriod"), "did you mean thyroid"),
        (lambda: find("zzzzzz"), "askew data list"),
        (lambda: load("nothing here"), "no data set"),
        (lambda: load_table("epilepsy"), "not a table: use load_classes"),
        (lambda: load_classes("thyroid"), "use load_table"),
        (lambda: one_vs_rest(ragged(), "z"), "no class 'z'"),
        (lambda: n_vs_rest(ragged(), 0, 3), "between 1 and 2"),
        (lambda: half_split(np.arange(4), [0, 0, 1]), "One label a row"),
        (lambda: half_split(np.arange(3), [0, 1, 1]), "two at least"),
        (lambda: half_split(np.arange(3), [0, 0, 2]), "0 .normal"),
    ],
)
def test_wrong_input_is_refused_in_words(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_importing_the_table_is_quick():
    """No torch, pandas or scikit-learn: `askew data list` and `--help` stay fast."""
    code = (
        "import sys, askew.datasets, askew.errors, askew.calibrate, askew.metrics;"
        "print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"torch", "pandas", "sklearn", "scipy"} & set(loaded.stdout.split())


def test_unfitted_is_also_scikit_learns_error():
    from sklearn.exceptions import NotFittedError as Sklearn

    from askew.errors import AskewError, NotFittedError

    assert issubclass(NotFittedError, Sklearn) and issubclass(NotFittedError, AskewError)
    with pytest.raises(Sklearn):
        raise NotFittedError("NeuTraLAD is not fitted: call fit first.")


def test_means_of_two_images_are_the_anomalies_of_pairs():
    from askew.datasets.read_images import read_pairs

    images = np.arange(0, 240, 20, dtype=np.uint8).repeat(4).reshape(12, 2, 2)
    split = ClassSplit(images[:6], np.arange(6), images[6:], np.arange(6))
    found = read_pairs(lambda file, seed: split)(None, 0)
    assert found.labels.tolist() == [0] * 6 + [1] * 6
    assert np.array_equal(found.test[:6], images[6:])
    halves = (images[6:, None] // 2 + images[None, 6:] // 2).reshape(-1, 4)
    assert all((image.ravel() == halves).all(1).any() for image in found.test[6:])
