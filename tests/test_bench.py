"""Benchmarks: tables are read in words, jobs are done once, and the arithmetic is right."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from askew import InputError, Tabular, bench, bench_jobs, bench_protocols, bench_results, datasets
from askew.bench_jobs import Job
from askew.bench_table import Table
from askew.methods import method

pytestmark = pytest.mark.filterwarnings("ignore:health")  # small sets, one seed

FOLDER = Path(__file__).parents[1] / "benchmarks"
TABLES = sorted(FOLDER.glob("*.toml"))

QUICK = """
title = "Quick"
protocol = "half-split"
seeds = 3
[[set]]
name = "thyroid"
[[row]]
name = "kNN"
method = "KNN"
data = { scaling = "standard" }
[[row]]
name = "constant"
floor = "constant"
"""


@pytest.fixture
def quick(tmp_path):
    path = tmp_path / "quick.toml"
    path.write_text(QUICK)
    return path


def written(path, text):
    path.write_text(text)
    return path


# Reading.


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "Quick"', "title = Quick", "is not TOML"),
        ('title = "Quick"', "", "no 'title'"),
        ('protocol = "half-split"', "", "no 'protocol'"),
        ("[[row]]", "[[lines]]", "no 'row'"),
        ("[[set]]", "[[sets]]", "no 'set'"),
        ("half-split", "quarter-split", "protocol='quarter-split' is not known"),
        ("seeds = 3", 'metric = "accuracy"', "metric='accuracy' is not known: choose one of 'au"),
        ('floor = "constant"', 'floor = "ceiling"', "floor='ceiling' is not known"),
        ('floor = "constant"', "", "row 'constant' has neither a method nor a floor"),
        ('name = "thyroid"', "seeds = 1", "there is a set without a name"),
        ('name = "kNN"', "", "there is a row without a name"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_in_words(quick, old, new, words):
    assert old in QUICK
    with pytest.raises(InputError) as refusal:
        Table.read(written(quick, QUICK.replace(old, new)))
    assert words in str(refusal.value)


def test_a_table_that_is_not_there_or_not_text_is_refused_in_words(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        Table.read(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not TOML"):
        Table.read(tmp_path / "binary.toml")


def test_wrong_names_of_methods_and_types_are_refused_in_words(quick):
    for old, new, words in [
        ('"KNN"', '"Magic"', "'Magic' is not a method"),
        ('scaling = "standard"', 'type = "Video"', "data.type='Video' is not known"),
    ]:
        (job, *_) = Table.read(written(quick, QUICK.replace(old, new))).jobs(1)
        with pytest.raises(InputError, match=words):
            bench_jobs.run_job(job)


# Jobs.


def keys(path, text):
    return [job.key for job in Table.read(written(path, text)).jobs(None)]


def test_each_run_is_a_job_of_its_own(quick):
    jobs = list(Table.read(quick).jobs(None))
    assert [(job.row, job.seed) for job in jobs] == [
        ("kNN", 0), ("kNN", 1), ("kNN", 2), ("constant", 0),
    ]  # fmt: skip
    assert len({job.key for job in jobs}) == 4
    assert len(list(Table.read(quick).jobs(2))) == 3
    assert len(list(Table.read(quick).jobs(9))) == 4  # no more than the table asks for


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('method = "KNN"', 'method = "LOF"'),
        ('scaling = "standard"', 'scaling = "none"'),
        ('scaling = "standard"', 'scaling = "standard", categories = 3'),
        ('method = "KNN"', 'method = "KNN"\nparameters = { neighbors = 7 }'),
        ('method = "KNN"', 'method = "KNN"\non.thyroid.parameters = { neighbors = 7 }'),
        ('method = "KNN"', 'method = "KNN"\non.thyroid.data = { categories = 3 }'),
        ('name = "thyroid"', 'name = "arrhythmia"'),
        ('name = "thyroid"', 'name = "thyroid"\ndata = { categories = 3 }'),
        ("seeds = 3", "seeds = 3\nshuffle = false"),
        ("seeds = 3", "seeds = 3\nmost_train = 100"),
        ("seeds = 3", "seeds = 3\nmost_test = 100"),
        ("seeds = 3", "seeds = 3\ndata = { categories = 3 }"),
    ],
)
def test_a_job_is_another_when_a_setting_changes(quick, old, new):
    assert old in QUICK
    before, after = keys(quick, QUICK), keys(quick, QUICK.replace(old, new))
    assert not set(before[:3]) & set(after[:3])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "kNN"', 'name = "neighbours"'),
        ('title = "Quick"', 'title = "Slow"'),
        ("seeds = 3", 'seeds = 3\nmetric = "f1"'),
        ('name = "thyroid"', 'name = "thyroid"\npublished = { IF = 46.9 }'),
    ],
)
def test_a_job_is_the_same_when_only_words_change(quick, old, new):
    assert old in QUICK
    assert keys(quick, QUICK) == keys(quick, QUICK.replace(old, new))


def test_the_order_of_settings_makes_no_other_job():
    one, two = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert Job("r", "s", 0, 0, {"p": one}).key == Job("r", "s", 0, 0, {"p": two}).key
    assert Job("r", "s", 0, 0, one).key != Job("r", "s", 1, 0, one).key
    assert Job("r", "s", 0, 0, one).key != Job("r", "s", 0, 1, one).key


def test_settings_of_a_set_and_a_row_override_the_general_ones(quick):
    text = QUICK.replace("seeds = 3", 'seeds = 3\ndata = { scaling = "none", categories = 3 }')
    text = text.replace('"KNN"', '"KNN"\nparameters = { neighbors = 2 }\n'
                        "on.thyroid.parameters = { neighbors = 7 }")  # fmt: skip
    (job, *_) = Table.read(written(quick, text)).jobs(None)
    assert job.spec["data"] == {"scaling": "standard", "categories": 3}
    assert job.spec["parameters"] == {"neighbors": 7}
    text = text.replace("on.thyroid.parameters", 'on.thyroid.data = { scaling = "quantile" }\n#')
    (job, *_) = Table.read(written(quick, text)).jobs(None)
    assert job.spec["data"] == {"scaling": "quantile", "categories": 3}


def test_a_set_may_have_fewer_seeds_and_a_row_may_skip_it(quick):
    few = QUICK.replace('name = "thyroid"', 'name = "thyroid"\nseeds = 2')
    assert [job.seed for job in Table.read(written(quick, few)).jobs(None)] == [0, 1, 0]
    special = QUICK.replace('"KNN"', '"KNN"\non.thyroid.seeds = 1')
    assert [job.row for job in Table.read(written(quick, special)).jobs(None)] == [
        "kNN", "constant",
    ]  # fmt: skip
    skip = QUICK.replace('"KNN"', '"KNN"\nskip = ["thyroid"]')
    assert {job.row for job in Table.read(written(quick, skip)).jobs(None)} == {"constant"}


def test_series_have_a_job_for_each_class_unless_the_table_says_which(quick):
    text = QUICK.replace("half-split", "one-vs-rest").replace("thyroid", "racketsports")
    assert [job.part for job in Table.read(written(quick, text)).jobs(1)] == [0, 1, 2, 3] * 2
    text = text.replace('"racketsports"', '"racketsports"\nparts = [2]')
    assert [job.part for job in Table.read(written(quick, text)).jobs(1)] == [2, 2]


def test_the_parts_of_a_set_are_looked_up_once(quick, monkeypatch):
    text = QUICK.replace("half-split", "one-vs-rest").replace("thyroid", "racketsports")
    table, calls = Table.read(written(quick, text)), []
    monkeypatch.setattr(Table, "_parts", lambda self, entry: calls.append(entry) or [0, 1])
    assert len(list(table.jobs(3))) > 4 and len(calls) == 1


# Resuming.


@pytest.fixture
def counted(monkeypatch):
    """The jobs that were run, in place of running them."""
    calls = []

    def counting(job):
        calls.append(job.key)
        value = 0.9 - 0.1 * job.seed
        return {"auroc": value, "ap": value, "f1": value, "seconds": 1.0, "fit_seconds": 1.0}

    monkeypatch.setattr(bench, "run_job", counting)
    return calls


def test_finished_jobs_are_not_repeated(quick, counted):
    first = bench.run(quick, seeds=1, workers=1)
    assert len(counted) == 2
    assert first["rows"]["kNN"]["thyroid"]["auroc"] == [0.9, None]
    second = bench.run(quick, workers=1)
    assert len(counted) == len(set(counted)) == 4
    assert second["rows"]["kNN"]["thyroid"]["auroc"] == [
        pytest.approx(0.8), pytest.approx(0.1),
    ]  # fmt: skip
    assert bench.run(quick, workers=1) == second
    written(quick, QUICK.replace('name = "kNN"', 'name = "neighbours"'))
    assert bench.run(quick, workers=1)["rows"]["neighbours"] == second["rows"]["kNN"]
    assert len(counted) == 4


def test_what_was_finished_before_a_stop_is_kept(quick, counted, monkeypatch):
    counting = bench.run_job  # the one that counts

    def stopped(job):
        if len(counted) == 2:
            raise KeyboardInterrupt
        return counting(job)

    monkeypatch.setattr(bench, "run_job", stopped)
    with pytest.raises(KeyboardInterrupt):
        bench.run(quick, workers=1)
    monkeypatch.setattr(bench, "run_job", counting)
    bench.run(quick, workers=1)
    assert len(counted) == len(set(counted)) == 4


@pytest.mark.parametrize("left", [1, 30, -1], ids=["a letter", "a piece", "all but the line end"])
def test_a_line_cut_off_by_a_stop_is_done_again_and_once(quick, counted, left):
    whole = bench.run(quick, workers=1)
    kept = quick.parent / "results" / "quick.jsonl"
    *lines, last = kept.read_text().splitlines(keepends=True)
    kept.write_text("".join(lines) + last[:left])
    del counted[:]
    assert bench.run(quick, workers=1) == whole
    assert len(counted) == (0 if left == -1 else 1)
    written(quick, QUICK.replace("seeds = 3", "seeds = 4"))
    del counted[:]
    bench.run(quick, workers=1)
    assert len(counted) == 1  # the new seed: what was written after the cut can be read
    bench.run(quick, workers=1)
    assert len(counted) == 1


# Arithmetic.


def test_means_spreads_and_ranks_against_numbers_worked_out_by_hand():
    table = Table(
        title="By hand", protocol="one-vs-rest", metric="auroc", seeds=2,
        sets=[{"name": "a", "published": {"Paper": "70.5±1.0"}}, {"name": "b"}],
        rows=[{"name": "one"}, {"name": "two"}, {"name": "raw", "unranked": True},
              {"name": "floor", "floor": "random"}],
        data={}, options={},
    )  # fmt: skip
    auroc = {
        # (row, set): {(seed, part): AUROC}
        ("one", "a"): {(0, 0): 0.9, (0, 1): 0.4, (1, 0): 0.8, (1, 1): 0.7},
        ("one", "b"): {(0, 0): 0.6},
        ("two", "a"): {(0, 0): 0.5},
        ("two", "b"): {(0, 0): 0.6},
        ("raw", "a"): {(0, 0): 0.99},
        ("floor", "b"): {(0, 0): 0.45},
    }
    jobs, done = [], {}
    for (row, name), runs in auroc.items():
        for (seed, part), value in runs.items():
            jobs.append(Job(row, name, part, seed, {"row": row}))
            done[jobs[-1].key] = {
                "auroc": value, "ap": value / 2, "f1": value / 4, "seconds": 30.0,
            }  # fmt: skip
    jobs.append(Job("two", "a", 0, 1, {"row": "two"}))  # not done yet
    found = bench.summary(table, jobs, done, command="askew bench by hand")

    cell = found["rows"]["one"]["a"]
    # Means over classes: 0.65 and 0.75; their sample deviation: 0.1 / sqrt(2).
    assert cell["auroc"] == pytest.approx([0.70, 0.1 / math.sqrt(2)])
    assert cell["ap"] == pytest.approx([0.35, 0.05 / math.sqrt(2)])
    assert cell["f1"][0] == pytest.approx(0.175)
    assert cell["least"] == pytest.approx(0.55)  # class 1, over seeds
    assert (cell["below"], cell["runs"], cell["seeds"], cell["parts"]) == (1, 4, 2, 2)
    assert cell["seconds"] == 120
    assert found["rows"]["two"]["a"]["auroc"] == [0.5, None]  # 0.5 itself is not below
    assert found["rows"]["two"]["a"]["below"] == 0
    assert "b" not in found["rows"]["raw"]

    overall = found["overall"]
    assert overall["one"]["auroc"] == pytest.approx(0.65)
    assert overall["one"]["rank"] == pytest.approx((1 + 1.5) / 2)
    assert overall["two"]["rank"] == pytest.approx((2 + 1.5) / 2)
    assert overall["raw"]["rank"] is None and overall["floor"]["rank"] is None
    assert (overall["one"]["below"], overall["one"]["runs"]) == (1, 5)
    assert overall["floor"]["below"] == 1

    text = bench.markdown(found)
    line, others = [line for line in text.splitlines() if line.startswith("| one ")]
    assert others == "| one | 32.5 (2) | 16.2 (2) | 55.0 |"  # AP, F1, and the lowest class
    assert line == "| one | 70.0 ± 7.1 (2) | 60.0 (1) | 65.0 | 1.2 | 1 of 5 | 2.5 |"
    assert "| two | 50.0 (1) | 60.0 (1) | 55.0 | 1.8 | 0 of 2 | 1.0 |" in text
    assert "| raw | 99.0 (1) |  |  |  | 0 of 1 | 0.5 |" in text  # no mean over sets it lacks
    assert "| *published:* Paper | 70.5±1.0 |  |  |  |  |  |" in text
    assert "`askew bench by hand`" in text


def test_a_table_of_many_sets_has_a_line_a_set():
    names = [f"set {i}" for i in range(9)]
    table = Table(
        title="Many", protocol="half-split", metric="ap", seeds=1,
        sets=[{"name": name} for name in names], rows=[{"name": "one"}], data={}, options={},
    )  # fmt: skip
    jobs = [Job("one", name, 0, 0, {}) for name in names]
    result = {"auroc": 0.9, "ap": 0.5, "f1": 0.25, "seconds": 60.0}
    found = bench.summary(table, jobs, {job.key: result for job in jobs}, command="x")
    lines = bench.markdown(found).splitlines()
    assert "| one | 90.0 | 50.0 | 25.0 | 1.00 | 0 of 9 | 9.0 |" in lines
    assert all(f"| {name} | 50.0 (1) |" in lines for name in names)


# For real.


def test_thyroid_from_toml_to_markdown(quick):
    mean = '[[row]]\nname = "mean"\nfloor = "distance to the mean"\n[[row]]'
    text = QUICK.replace("[[row]]", mean, 1)
    text = text.replace('"thyroid"', '"thyroid"\npublished = { IF = 46.9, GOAD = "74.5±1.1" }')
    out = quick.parent / "new" / "quick.json"
    found = bench.run(written(quick, text), seeds=2, out=out, workers=1)
    cells = {row: found["rows"][row]["thyroid"] for row in ("kNN", "mean", "constant")}
    assert cells["constant"]["auroc"] == [0.5, None]
    assert 0.9 < cells["kNN"]["auroc"][0] < 1
    assert 0 < cells["kNN"]["auroc"][1] < 0.05  # two splits
    assert cells["mean"]["auroc"][0] > 0.6
    assert json.loads(out.read_text()) == found
    shown = out.with_suffix(".md").read_text()
    assert "(2) |" in shown and "| *published:* GOAD | 74.5±1.1 | 74.5 |" in shown
    lines = (quick.parent / "results" / "quick.jsonl").read_text().splitlines()
    assert len(lines) == 5
    record = json.loads(lines[0])
    assert (record["row"], record["set"], record["result"]["train"]) == ("mean", "thyroid", 1839)


@pytest.mark.parametrize("protocol", ["one-vs-rest", "n-vs-rest"])
def test_racketsports_from_toml_to_markdown(quick, protocol):
    text = QUICK.replace("half-split", protocol).replace("thyroid", "racketsports")
    text = text.replace("seeds = 3", 'seeds = 1\ndata = { type = "Series", layout = "time-first" }')
    found = bench.run(written(quick, text), workers=1)
    assert found["rows"]["constant"]["racketsports"]["auroc"] == [0.5, None]
    cell = found["rows"]["kNN"]["racketsports"]
    assert (cell["parts"], cell["runs"]) == (4, 4)
    assert cell["least"] <= cell["auroc"][0] <= 1
    assert cell["auroc"][0] > (0.6 if protocol == "one-vs-rest" else 0.5)


def test_large_sets_are_capped_by_the_seed(quick):
    text = QUICK.replace("seeds = 3", "seeds = 2\nmost_train = 50\nmost_test = 80")
    jobs = list(Table.read(written(quick, text)).jobs(None))[:2]
    splits = [bench_protocols.split_of(job) for job in [jobs[0], jobs[0], jobs[1]]]
    assert [len(split.train) for split in splits] == [50] * 3
    assert [len(split.labels) for split in splits] == [80] * 3
    assert splits[0].train.equals(splits[1].train)
    assert not splits[0].train.reset_index(drop=True).equals(splits[2].train.reset_index(drop=True))


def test_without_labels_the_same_rows_are_learned_from_and_scored(quick):
    text = QUICK.replace("half-split", "transductive").replace("seeds = 3", "most_train = 90")
    (job, *_) = Table.read(written(quick, text)).jobs(1)
    split = bench_protocols.split_of(job)
    assert len(split.train) == len(split.labels) == 90
    assert split.train is split.test
    truth = datasets.load_table("thyroid").labels
    np.testing.assert_array_equal(truth[split.train.index], split.labels)


def test_without_labels_a_set_that_comes_in_parts_is_refused(quick):
    text = QUICK.replace("half-split", "transductive").replace("thyroid", "racketsports")
    with pytest.raises(InputError, match="racketsports comes in parts"):
        bench_protocols.split_of(next(Table.read(written(quick, text)).jobs(1)))


def test_scores_are_the_same_whatever_the_labels_say(quick, monkeypatch):
    (job, *_) = Table.read(quick).jobs(1)
    seen = []
    monkeypatch.setitem(
        bench_results.METRICS, "auroc", lambda labels, scores: seen.append(scores) or 0.5
    )
    bench_jobs.run_job(job)
    split = bench_protocols.split_of
    turned = lambda job: (s := split(job))._replace(labels=1 - s.labels)  # noqa: E731
    monkeypatch.setattr(bench_jobs, "split_of", turned)
    bench_jobs.run_job(job)
    np.testing.assert_array_equal(*seen)


RECORDINGS = """
title = "Recordings"
protocol = "recordings"
metric = "vus_pr"
seeds = 1
most_train = 300
data = { type = "Windows", length = 20 }
[[set]]
name = "made"
[[row]]
name = "kNN"
method = "KNN"
[[row]]
name = "far"
floor = "distance to the mean"
[[row]]
name = "random"
floor = "random"
[[row]]
name = "constant"
floor = "constant"
"""


def test_recordings_from_toml_to_markdown(tmp_path, monkeypatch):
    time = np.arange(800)[:, None] / [8, 13]
    curves = np.sin(time) + 0.1 * np.random.default_rng(0).normal(size=time.shape)
    spoiled, labels = curves[400:].copy(), (np.arange(400) // 40 == 5).astype(int)
    spoiled[200:240] += 2
    made = datasets.Recordings(
        ["calm", "spoiled"], [curves[:400]] * 2, [curves[400:], spoiled], [0 * labels, labels]
    )
    monkeypatch.setattr(datasets, "load_recordings", lambda name: made)
    path = tmp_path / "made.toml"
    path.write_text(RECORDINGS, encoding="utf-8")
    found = bench.run(path, workers=1)
    rows = {name: cells["made"] for name, cells in found["rows"].items()}
    assert rows["kNN"]["parts"] == 1  # the other has no anomalies: it cannot be measured
    assert rows["kNN"]["vus_pr"][0] > 0.6 > 0.4 > rows["random"]["vus_pr"][0]
    assert rows["far"]["auroc"][0] > 0.7
    assert rows["constant"]["auroc"][0] == 0.5
    assert f"| kNN | {100 * rows['kNN']['vus_pr'][0]:.1f} (1) |" in bench.markdown(found)
    job = next(iter(Table.read(path).jobs(None)))
    split = bench_protocols.split_of(job)
    np.testing.assert_array_equal(split.train, curves[100:400])  # the last, one after the other


DEFECTS = """
title = "Made"
protocol = "defects"
seeds = 2
[[set]]
name = "made"
[[row]]
name = "kNN"
method = "KNN"
located = true
data = { type = "Images", scaling = "none" }
[[row]]
name = "kNN, images only"
method = "KNN"
data = { type = "Images" }
[[row]]
name = "random"
floor = "random"
"""


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A table of defects that are bright spots, and a method that sees brightness."""
    images = np.random.default_rng(0).integers(90, 110, (60, 12, 12), dtype=np.uint8)
    masks = np.zeros((30, 12, 12), dtype=np.uint8)
    masks[15:, 3:6, 7:9] = 1
    judged = np.where(masks, np.uint8(200), images[30:])
    found = datasets.Inspected(images[:30], judged, np.repeat([0, 1], 15), masks)
    monkeypatch.setattr(datasets, "load_inspected", lambda name, seed=0: found)
    monkeypatch.setattr(method("KNN"), "points", lambda self, net, x: (x[:, 0] - 0.4).abs())
    return tmp_path / "made.toml"


def test_defects_are_found_and_located(made):
    made.write_text(DEFECTS, encoding="utf-8")
    found = bench.run(made, workers=1)
    rows = {name: cells["made"] for name, cells in found["rows"].items()}
    assert rows["kNN"]["pixel_auroc"][0] == 1
    assert rows["kNN"]["aupro"][0] == pytest.approx(1)
    assert found["overall"]["kNN"]["aupro"] == pytest.approx(1)
    assert rows["kNN"]["auroc"][0] > 0.9
    assert "aupro" not in rows["kNN, images only"]
    made.write_text(DEFECTS.replace("seeds = 2", 'seeds = 2\nmetric = "aupro"'), encoding="utf-8")
    shown = bench.markdown(bench.run(made, workers=1))
    assert "| kNN | 100.0" in shown
    assert "| random |  |" in shown


# The tables we publish.

SHAPES = {"Tabular": (30, 4), "Windows": (200, 2), "Series": (30, 16, 2), "Images": (3, 16, 16)}


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_published_tables_can_be_run(path):
    table = Table.read(path)
    names = [entry["name"] for entry in table.sets]
    rows = [row["name"] for row in table.rows]
    assert len(set(names)) == len(names) and len(set(rows)) == len(rows)
    assert {"constant", "random"} <= set(rows)  # the floors
    fitted = set()
    for row in table.rows:
        assert ("method" in row) != ("floor" in row), row["name"]
        for entry in table.sets:
            job = Job(row["name"], entry["name"], 0, 0, table._spec(row, entry))
            data = bench_jobs.data_type(job)
            shape = SHAPES.get(type(data).__name__)  # texts and graphs are no arrays
            if shape is not None and repr(data.get_params()) not in fitted:
                fitted.add(repr(data.get_params()))
                data.fit(np.random.default_rng(0).random(shape))
            if "method" in row:
                method(row["method"])(data=data, **job.spec["parameters"]).check()
    for entry in table.sets:
        for value in entry.get("published", {}).values():
            assert 0 < float(str(value).partition("±")[0]) <= 100


def test_there_are_published_tables():
    assert {"tables", "series", "adbench"} <= {path.stem for path in TABLES}


@pytest.mark.parametrize(
    ("old", "new", "level"),
    [
        ("title =", "sead = 3\ntitle =", "table"),
        ("[[set]]\nname =", "[[set]]\nseed = 3\nname =", "set"),
        ("[[row]]\nname =", "[[row]]\nparams = {}\nname =", "row"),
        ("[[row]]\nname =", "[[row]]\non.thyroid = { seed = 3 }\nname =", "row's on"),
    ],
)
def test_misspelt_settings_are_refused(quick, old, new, level):
    assert old in QUICK
    quick.write_text(QUICK.replace(old, new, 1))
    with pytest.raises(InputError, match=f"in a {level}, where it means nothing"):
        Table.read(quick)


def test_a_set_has_caps_of_its_own(quick):
    quick.write_text(QUICK.replace("[[set]]\nname =", "[[set]]\nmost_test = 7\nname =", 1))
    first = Table.read(quick).sets[0]["name"]
    caps = {job.set: job.spec.get("most_test") for job in Table.read(quick).jobs(1)}
    assert caps.pop(first) == 7
    assert 7 not in caps.values()


def test_a_row_that_names_a_strange_set_is_refused(quick):
    quick.write_text(QUICK.replace("[[row]]\nname =", '[[row]]\nskip = ["x"]\nname =', 1))
    with pytest.raises(InputError, match="names 'x', not a set"):
        Table.read(quick)


@pytest.mark.parametrize(
    ("level", "line", "words"),
    [
        ("row", 'skip = "thyroid"', "expected a list of names"),
        ("row", "on.thyroid = 3", "expected a table for each set"),
        ("row", "on = 3", "expected a table for each set"),
        ("row", "seeds = 0", "expected a whole number, at least 1"),
        ("row", "seeds = 1.5", "expected a whole number, at least 1"),
        ("row", "seeds = true", "expected a whole number, at least 1"),
        ("row", 'unranked = "false"', "expected true or false"),
        ("row", 'parameters = "x"', "expected a table of constructor arguments"),
        ("row", "parameters = { steps = 2026-01-01 }", "expected a table of constructor arguments"),
        ("row", 'floor = "random"', "both a method and a floor"),
        ("set", "most_train = -5", "expected a whole number, at least 1"),
        ("set", 'most_train = "60"', "expected a whole number, at least 1"),
        ("set", "parts = 3", "expected a list of numbers from 0 on"),
        ("set", "parts = [-1]", "expected a list of numbers from 0 on"),
        ("set", 'published = { "X" = "n/a" }', "expected a table of numbers"),
    ],
)
def test_wrong_kinds_of_settings_are_refused(quick, level, line, words):
    begins = f"[[{level}]]\nname ="
    quick.write_text(QUICK.replace(begins, f"[[{level}]]\n{line}\nname =", 1))
    with pytest.raises(InputError, match=words):
        Table.read(quick)


def test_parts_that_a_set_does_not_have_are_refused(quick):
    parted = QUICK.replace("[[set]]\nname =", "[[set]]\nparts = [9]\nname =", 1)
    with pytest.raises(InputError, match="'thyroid' has parts; half-split has none"):
        Table.read(written(quick, parted))
    for protocol, words in {"one-vs-rest": "no part 9", "n-vs-rest": "no class number 9"}.items():
        classes = parted.replace("half-split", protocol).replace("thyroid", "racketsports")
        (job, *_) = Table.read(written(quick, classes)).jobs(1)
        with pytest.raises(InputError, match=words):
            bench_jobs.run_job(job)


@pytest.mark.parametrize(("level", "name"), [("set", "thyroid"), ("row", "kNN")])
def test_two_of_one_name_are_refused(quick, level, name):
    more = f'\n[[{level}]]\nname = "{name}"\n'
    quick.write_text(QUICK + more + 'floor = "random"\n' * (level == "row"))
    with pytest.raises(InputError, match=f"2 times a {level} '{name}'"):
        Table.read(quick)


def test_one_set_in_single_brackets_is_refused_in_words(quick):
    quick.write_text(QUICK.replace("[[set]]", "[set]", 1))
    with pytest.raises(InputError, match=r"expected at least one \[\[…\]\]"):
        Table.read(quick)


def test_only_graphs_have_sizes(quick):
    quick.write_text(QUICK.replace('floor = "constant"', 'floor = "size"'))
    with pytest.raises(InputError, match="only graphs have sizes"):
        bench.run(quick, workers=1)


def test_lines_that_are_no_results_are_passed_over(quick):
    bench.run(quick, seeds=1, workers=1)
    kept = quick.parent / "results" / "quick.jsonl"
    kept.write_text('{"key": 3}\n[]\n7\n' + kept.read_text())
    lines = kept.read_text().count("\n")
    found = bench.run(quick, seeds=1, workers=1)
    assert kept.read_text().count("\n") == lines and found["command"].endswith("--seeds 1")


WAITING = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from askew.bench import _end_with_parent
if __name__ == "__main__":
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_end_with_parent) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600).result()
"""


def test_workers_end_when_the_bench_is_killed(tmp_path):
    script = written(tmp_path / "waiting.py", WAITING)
    bench_run = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE)
    assert int(bench_run.stdout.readline()) != bench_run.pid  # the worker is there
    bench_run.kill()
    bench_run.communicate(timeout=30)  # the worker holds the pipe's other end as long as it lives


def test_what_a_row_says_of_another_set_makes_no_other_job(quick):
    two = QUICK.replace("[[row]]", '[[set]]\nname = "arrhythmia"\n\n[[row]]', 1)
    more = two.replace(
        'method = "KNN"', 'method = "KNN"\non.arrhythmia.parameters = { neighbors = 7 }', 1
    )
    before, after = set(keys(quick, two)), set(keys(quick, more))
    assert len(before & after) == len(before) - 3  # those of kNN on arrhythmia, three seeds


def test_a_seed_counts_once_all_of_its_parts_are_done(quick):
    table = Table.read(quick)
    jobs = [replace(job, part=part) for job in table.jobs(2) for part in (0, 1)]
    first = jobs[0]
    mine = [job for job in jobs if (job.row, job.set) == (first.row, first.set)]
    done = {
        job.key: {"auroc": 0.9, "seconds": 1.0} for job in mine if (job.part, job.seed) != (1, 1)
    }
    cell = bench.summary(table, jobs, done, command="x")["rows"][first.row][first.set]
    assert (cell["seeds"], cell["runs"]) == (1, 2)


def test_maps_are_measured_where_the_test_part_is_capped(made):
    capped = DEFECTS.replace('name = "made"', 'name = "made"\nmost_test = 20', 1)
    made.write_text(capped, encoding="utf-8")
    cell = bench.run(made, workers=1)["rows"]["kNN"]["made"]
    assert cell["pixel_auroc"][0] == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('method = "KNN"', 'method = "KNN"\nparameters = { stepz = 5 }'),
        ('scaling = "standard"', "widht = 5"),
    ],
)
def test_a_misspelt_parameter_is_refused_by_its_row(quick, old, new):
    assert old in QUICK
    wrong = QUICK.replace(old, new)
    with pytest.raises(InputError, match=r"row 'kNN' on 'thyroid'.*unexpected keyword"):
        keys(quick, wrong)


def test_a_floor_is_another_job_when_a_default_of_its_data_type_changes(quick, monkeypatch):
    text = QUICK.replace('floor = "constant"', 'floor = "distance to the mean"')
    before, known = keys(quick, text), Tabular.__init__.__kwdefaults__
    monkeypatch.setattr(Tabular.__init__, "__kwdefaults__", {**known, "layers": 9})
    assert len(set(before) - set(keys(quick, text))) == len(before)
