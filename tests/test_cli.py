"""The commands, as a user types them: files in, files and exit codes out."""

import errno
import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_transformer import texts, tiny_transformer

from askew import InputError, NeuTraLAD, load
from askew.cli import failures, main
from askew.cli.kinds import KINDS
from askew.cli.kinds import tabular as cli_tabular
from askew.cli.kinds.base import LABELS
from askew.cli.source import Source, guess
from askew.data import TYPES
from askew.detector import Detector
from askew.files.tables import chunks

pytestmark = pytest.mark.filterwarnings("ignore:health")  # quick detectors are poor ones

COLUMNS = ["size", "speed", "heat"]
QUICK = ["--method", "KNN"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ask(capsys):
    """Run a command; return its exit code, its results and its messages."""

    def run(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        shown = capsys.readouterr()
        return stop.value.code or 0, shown.out, shown.err

    return run


@pytest.fixture
def done(ask):
    """Run a command that must succeed; return its results."""

    def run(*words):
        code, out, err = ask(*words)
        assert code == 0, err
        return out

    return run


@pytest.fixture
def refused(ask):
    """Run a command that must refuse its input: exit 2, one last line, no trace; return it."""

    def run(*words):
        before = files()
        code, out, err = ask(*words)
        assert (code, out) == (2, ""), err
        lines = err.strip().splitlines()
        errors = [line for line in lines if line.startswith("Error: ")]
        assert errors == lines[-1:] and "Traceback" not in err
        assert files() == before, "something was left behind or changed"
        return errors[0]

    return run


def files():
    return {str(p): p.read_bytes() for p in Path().rglob("*") if p.is_file()}


def table(file, rows=200, **extra):
    values = np.random.default_rng(0).normal(size=(rows, 3))
    frame = pd.DataFrame(values, columns=COLUMNS).assign(**extra)
    frame.to_csv(file, index=False)
    return frame


def mixed(name="new.csv", normal=80, strange=20, label=("0", "1")):
    """Normal rows, then strange ones, with ids and labels."""
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(size=(normal, 3)), rng.normal(size=(strange, 3)) + 8])
    truth = [label[0]] * normal + [label[1]] * strange
    frame = pd.DataFrame(values, columns=COLUMNS)
    frame = frame.assign(name=[f"row-{i}" for i in range(len(frame))], truth=truth)
    frame.to_csv(name, index=False)
    return frame


def ts(name, series, labels):
    channels = len(series[0][0])
    lines = ["@timeStamps false", f"@dimensions {channels}", "@classLabel true normal anomaly"]
    for values, label in zip(series, labels, strict=True):
        fields = [",".join(map(str, channel)) for channel in np.asarray(values).T]
        lines.append(":".join([*fields, label]))
    Path(name).write_text("\n".join([*lines[:3], "@data", *lines[3:]]) + "\n")


def waves(count, channels=2, steps=24, seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 6, (count, 1, 1)) + np.arange(channels)
    wave = np.sin(np.arange(steps)[None, :, None] / 3 + phase)
    return (wave + noise * rng.normal(size=wave.shape)).round(3)


# Two commands, from files to alerts.


def test_a_table_from_fit_to_report(done):
    table("train.csv", 300, name="x", truth=0)
    mixed()
    said = done(
        "fit", "train.csv", "--out", "model", "--id", "name", "--label", "truth",
        "--set", "steps=30", "--set", "nets=1", "--seed", 3,
    )  # fmt: skip
    assert "240 rows: 3 numbers" in said and "60 items held out" in said
    model = load("model")
    assert isinstance(model, NeuTraLAD) and (model.steps, model.seed) == (30, 3)
    assert model.data_.columns_ == COLUMNS  # neither the id nor the label was learned from

    said = done("score", "model", "new.csv", "--label", "truth", "--out", "scores.csv")
    assert "AUROC" in said and "alerts' recall" in said
    scores = pd.read_csv("scores.csv", keep_default_na=False)
    assert list(scores) == ["id", "score", "p_value", "alert", "reasons"]
    assert list(scores["id"]) == [f"row-{i}" for i in range(100)]
    assert scores["score"].to_numpy() == pytest.approx(
        model.decision_function(pd.read_csv("new.csv")[COLUMNS])
    )
    assert scores["alert"][80:].mean() > 0.9
    assert all((scores["reasons"] != "") == (scores["alert"] == 1))

    said = done("explain", "model", "new.csv", "--item", "row-99")
    assert said.startswith("row-99: score") and all(name in said for name in COLUMNS)
    assert "loss moved" in done("health", "model")
    done("report", "model", "new.csv", "--out", "report.html")
    page = Path("report.html").read_text()
    assert "AUROC" in page and "row-99" in page  # the model remembered both columns


def test_lines_of_words_are_texts_however_many_commas_they_have():
    Path("said.txt").write_text("The pump leaks, again, and again.\nOil was found on the floor.\n")
    assert guess(Path("said.txt"), None, None) == "text"


def test_a_zip_that_was_cut_off_is_told_from_a_table(refused):
    Path("graphs.zip").write_bytes(b"PK\x03\x04 and then nothing")
    assert "no readable zip archive" in refused("fit", "graphs.zip", "--out", "model")


def test_that_items_were_learned_from_is_told(ask):
    table("train.csv")
    mixed()
    ask("fit", "train.csv", "--out", "model", "--method", "KNN")
    note = ask("score", "model", "train.csv")[2]
    assert "that the model learned from" in note and "contamination" not in note  # KNN has none
    assert "learned from" not in ask("score", "model", "new.csv", "--label", "truth")[2]
    ask("fit", "train.csv", "--out", "model", "--set", "steps=5")
    assert "fit with --set contamination=0.1" in ask("score", "model", "train.csv")[2]


def recording(file, steps=400, strange=slice(300, 320)):
    frame = pd.DataFrame(np.sin(np.arange(steps)[:, None] / 5 + [0, 1]), columns=["a", "b"])
    frame += np.random.default_rng(0).normal(scale=0.1, size=frame.shape)
    frame.loc[strange, "a"] += 3
    times = pd.date_range("2026-01-01", periods=steps, freq="min")
    frame.insert(0, "time", times.strftime("%Y-%m-%d %H:%M:%S"))
    frame.to_csv(file, index=False)


def test_explain_says_of_a_step_what_score_says(done):
    recording("train.csv", strange=slice(0, 0))
    recording("new.csv")
    done("fit", "train.csv", "--out", "model", "--method", "KNN", "--set", "data__length=20")
    done("score", "model", "new.csv", "--out", "scores.csv")
    scores = pd.read_csv("scores.csv").set_index("id")
    for step in (290, 299, 322):  # near an edge, where the mean of windows is not the one's
        name = scores.index[step]
        said = done("explain", "model", "new.csv", "--item", name)
        assert f"score {scores['score'].iloc[step]:.4g}," in said
        assert ("an alert" in said) == bool(scores["alert"].iloc[step])
    told = scores["reasons"][scores["alert"] == 1].dropna()
    first = told.str.extract(r"steps? (\d+)")[0].astype(int)  # counted from the recording's first
    assert len(told) and first.between(260, 340).all()


def test_steps_that_follow_each_other_are_one_event(done):
    recording("train.csv", strange=slice(0, 0))
    recording("new.csv")
    done("fit", "train.csv", "--out", "model", "--method", "KNN", "--set", "data__length=20")
    done("score", "model", "new.csv", "--out", "scores.csv")
    scores = pd.read_csv("scores.csv")
    assert ((scores["event"] > 0) == (scores["alert"] == 1)).all()
    events = scores[scores["event"] > 0].groupby("event")
    assert scores["event"].max() < 5 and events["id"].count().max() >= 20
    said = done("score", "model", "new.csv")
    assert f"alerts in {len(events)} event" in said
    told = scores[scores["reasons"].notna()]
    assert set(told["event"]) == set(scores["event"]) - {0}  # each has its reasons
    longest = events.get_group(events["id"].count().idxmax())["id"]
    assert f"{longest.iloc[0]} to {longest.iloc[-1]}" in said
    shown = [line.split("│")[1].strip() for line in said.splitlines() if line.startswith("│ 2026")]
    steps = scores.index[scores["id"].isin(shown)].to_numpy()
    assert len(steps) == len(shown) > 3 and np.diff(steps).min() >= 20


@pytest.mark.parametrize("kind", ["windows", "series"])
def test_a_folder_takes_tables_with_capital_endings_too(kind):
    Path("runs").mkdir()
    recording("runs/a.csv", 100)
    recording("runs/b.CSV", 100)
    part = KINDS[kind].whole(Source(type=kind, time="time"), Path("runs"), labels=False)
    assert len(part.items) == 2


def test_series_from_fit_to_explain(done):
    ts("train.ts", waves(60), ["normal"] * 60)
    strange = waves(6, seed=2) + np.linspace(0, 6, 24)[:, None]
    ts("new.ts", [*waves(12, seed=1), *strange], ["normal"] * 12 + ["anomaly"] * 6)
    done(
        "fit", "train.ts", "--out", "model", "--alert-rate", 0.1,
        "--set", "steps=30", "--set", "nets=1", "--set", "views=3",
    )  # fmt: skip
    said = done("score", "model", "new.ts", "--label", "class", "--out", "scores.jsonl")
    assert "AUROC" in said
    rows = [json.loads(line) for line in Path("scores.jsonl").read_text().splitlines()]
    assert len(rows) == 18 and rows[-1]["alert"] == 1 and "channel" in rows[-1]["reasons"]
    assert "steps" in done("explain", "model", "new.ts", "--item", "17")
    done("report", "model", "new.ts", "--out", "report.html")
    assert "channel 1" in Path("report.html").read_text()


def test_a_long_table_is_seen_to_be_series(ask, done):
    frame = pd.concat(
        [
            pd.DataFrame(values, columns=["x", "y"]).assign(id=f"s{i}", time=range(24), bad=0)
            for i, values in enumerate(waves(30))
        ]
    )
    frame.to_csv("train.csv", index=False)
    code, _, err = ask("fit", "train.csv", "--out", "model", "--label", "bad", *QUICK)
    assert code == 0 and "train.csv: read as series" in err
    assert load("model").data_.channels_ == ["x", "y"]
    assert (
        "s29" in done("score", "model", "train.csv", "--out", "s.csv") + Path("s.csv").read_text()
    )
    assert "x, step" in done("explain", "model", "train.csv", "--item", "s3")


def test_rows_with_their_own_ids_and_times_are_a_table(ask):
    table("train.csv", 60, id=range(60), time=range(60))
    code, _, err = ask("fit", "train.csv", "--out", "model", "--id", "id", *QUICK)
    assert code == 0 and "read as tabular" in err


def test_scored_files_agree_in_every_format(done):
    table("train.csv", 600)
    mixed()
    done("fit", "train.csv", "--out", "model", *QUICK)
    for end in ("csv", "parquet", "jsonl"):
        done("score", "model", "new.csv", "--fdr", 0.1, "--out", f"scores.{end}")
    csv = pd.read_csv("scores.csv", keep_default_na=False)
    assert list(csv) == ["id", "score", "p_value", "alert", "reasons", "selected"]
    assert csv["selected"][80:].all() and csv["selected"][:80].mean() < 0.2
    pd.testing.assert_frame_equal(csv, pd.read_parquet("scores.parquet"), check_dtype=False)
    lines = pd.read_json("scores.jsonl", lines=True)
    pd.testing.assert_frame_equal(csv, lines, check_dtype=False)


def test_scores_do_not_depend_on_the_parts_a_file_is_read_in(done, monkeypatch):
    table("train.csv")
    mixed()
    done("fit", "train.csv", "--out", "model", *QUICK)
    done("score", "model", "new.csv", "--out", "whole.csv")
    from askew.cli.kinds import tabular

    monkeypatch.setattr(
        tabular, "chunks", lambda path, read=tabular.chunks, **how: read(path, 7, **how)
    )
    done("score", "model", "new.csv", "--out", "parts.csv")
    assert Path("parts.csv").read_bytes() == Path("whole.csv").read_bytes()


def test_without_out_the_strangest_are_shown(done):
    table("train.csv")
    mixed()
    done("fit", "train.csv", "--out", "model", *QUICK)
    said = done("score", "model", "new.csv")
    assert "10 strangest" in said and "%)" in said and "100 items" in said


@pytest.mark.parametrize("words", [("0", "1"), ("false", "TRUE"), ("normal", "anomaly")])
def test_labels_may_be_numbers_truth_or_words(done, words):
    table("train.csv")
    mixed(label=words)
    done("fit", "train.csv", "--out", "model", *QUICK)
    assert "20 anomalous" in done("score", "model", "new.csv", "--label", "truth")
    assert all(word.lower() in LABELS for word in words)


def test_labels_of_one_class_give_no_metrics_but_scores(ask):
    table("train.csv", truth=0)
    ask("fit", "train.csv", "--out", "model", "--label", "truth", *QUICK)
    code, out, err = ask("score", "model", "train.csv", "--label", "truth", "--out", "s.csv")
    assert code == 0 and "AUROC" not in out and "Warning: no metrics" in err
    assert len(pd.read_csv("s.csv")) == 200


def test_too_few_held_out_items_are_told(ask):
    table("train.csv", 40)
    code, out, err = ask("fit", "train.csv", "--out", "model", *QUICK)
    assert code == 0 and "no alerts" in out
    assert "Warning: 8 held-out items" in err and "--alert-rate 0.12 or more" in err
    ask("fit", "train.csv", "--out", "model", "--alert-rate", 0.12, *QUICK)
    assert np.isfinite(load("model").threshold_)


def test_columns_unseen_in_training_are_told_once_in_a_line(ask):
    table("train.csv")
    mixed()
    ask("fit", "train.csv", "--out", "model", *QUICK)
    code, _, err = ask("score", "model", "new.csv", "--out", "s.csv")
    warnings = [line for line in err.splitlines() if line.startswith("Warning:")]
    assert code == 0 and len(warnings) == 1 and "'name'" in warnings[0]


def test_a_model_fitted_in_python_is_scored_by_command(done):
    NeuTraLAD(steps=10, nets=1).fit(table("train.csv")).save("model")
    assert Source.of(load("model")) == Source(type="tabular", words=[])
    assert "200 items" in done("score", "model", "train.csv")


def coded_rows(count, seed):
    random = np.random.default_rng(seed)
    words = random.choice(["007", "012", "A12", "1.10", "1e3", "TRUE", "5"], count)
    return pd.DataFrame({"a": random.normal(size=count), "code": words})


def test_a_row_is_judged_alike_whatever_rows_and_formats_stand_beside_it(done):
    coded_rows(400, 0).to_parquet("train.parquet")
    done("fit", "train.parquet", "--out", "model", "--method", "KNN")
    rows = coded_rows(30, 1)
    rows.to_parquet("all.parquet")
    rows.to_csv("all.csv", index=False)
    done("score", "model", "all.parquet", "--out", "expected.csv")
    done("score", "model", "all.csv", "--out", "found.csv")
    expected = pd.read_csv("expected.csv")["score"]
    np.testing.assert_allclose(pd.read_csv("found.csv")["score"], expected)
    for i in range(7):
        rows.iloc[i : i + 1].to_csv("one.csv", index=False)
        done("score", "model", "one.csv", "--out", "found.csv")
        assert pd.read_csv("found.csv")["score"][0] == pytest.approx(expected[i])


def test_codes_are_categories_from_every_format(done):
    rows = coded_rows(400, 0).assign(code=np.resize(["01067", "10115", "01069"], 400))
    rows.to_csv("train.csv", index=False)
    rows.to_parquet("train.parquet")
    rows.to_json("train.jsonl", orient="records", lines=True)
    for name in ("train.csv", "train.parquet", "train.jsonl"):
        done("fit", name, "--out", "model", "--method", "KNN")
        assert load("model").data_.levels_["code"] == ["01067", "01069", "10115"]


def test_columns_that_are_strange_as_a_whole_are_named(ask, monkeypatch):
    rows = coded_rows(200, 0)
    rows.to_csv("train.csv", index=False)
    ask("fit", "train.csv", "--out", "model", "--method", "KNN")
    rows.assign(a=np.nan, code="b12").to_csv("new.csv", index=False)
    code, _, err = ask("score", "model", "new.csv")
    assert code == 0
    assert "column 'a' is empty in all rows" in err
    assert "no value of column 'code' was seen in training: 'b12'" in err
    code, _, err = ask("score", "model", "train.csv")
    assert "column" not in err
    rows.head(1).assign(code="b12").to_csv("one.csv", index=False)
    assert "column" not in ask("score", "model", "one.csv")[2]  # one row lacks things, not a file
    half = rows.assign(a=rows["a"].where(rows.index >= 100))
    half.to_csv("half.csv", index=False)
    monkeypatch.setattr(cli_tabular, "chunks", partial(chunks, rows=100))
    code, _, err = ask("score", "model", "half.csv")
    assert code == 0 and "column" not in err  # empty in the first part only


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--seed", "7", "--set", "seed=5"], "--seed and --set seed"),
        (["--alert-rate", "0.1", "--set", "alert_rate=0.2"], "--alert-rate and --set alert_rate"),
        (["--set", "neighbors=5", "--set", "neighbors=7"], "--set neighbors is given more"),
        (["--id", "a", "--set", "data__id=b"], "--id and --set data__id"),
    ],
)
def test_what_is_said_twice_is_refused(options, words, refused):
    table("train.csv")
    assert words in refused("fit", "train.csv", "--out", "model", "--method", "KNN", *options)


def test_labels_inside_an_array_file_are_not_learned_from(ask):
    rows = np.random.default_rng(0).normal(size=(200, 3))
    np.savez("train.npz", X=rows, y=np.zeros(200))
    code, _, err = ask("fit", "train.npz", "--out", "model", *QUICK)
    assert code == 0 and "y is taken for labels" in err
    assert load("model").data_.n_features_in_ == 3


def test_a_benchmark_table_must_be_there(refused):
    assert "does not exist" in refused("bench", "none.toml")


# Data sets, methods, help.


def test_a_known_data_set_is_split_for_use(done):
    assert done("data", "path", "thyroid").strip().endswith("thyroid.csv")
    assert "kddrev" in done("data", "list")
    said = done("data", "split", "thyroid", "--out", "d")
    assert "1,839 normal rows" in said
    train, test = pd.read_csv("d/train.csv"), pd.read_csv("d/test.csv")
    assert "label" not in train and len(train) + len(test) == 3772
    assert test["label"].sum() == 93


def test_methods_are_listed_with_their_ideas(done):
    said = done("methods")
    assert "NeuTraLAD" in said and "OneClassSVM" in said


def test_methods_are_listed_with_the_types_they_take(done, monkeypatch):
    from askew.data import Series

    monkeypatch.setattr(Series, "lacks", {"decoder": "no decoder: just because"})
    said = done("methods")
    assert "Tabular" in said
    (line,) = (line for line in said.splitlines() if "AutoEncoder" in line and "yes" in line)
    assert "no decoder: just because" in line


def test_help_is_quick_and_loads_nothing_heavy():
    code = (
        "import sys\nfrom askew.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n"
        "    heavy = {'torch', 'pandas', 'numpy', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "    assert not heavy, heavy\n"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert time.perf_counter() - start < 2  # 0.2 s on an idle machine


# Bad input: exit 2, one clear sentence, nothing half-written.


def broken(name, text):
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())


def test_fit_refuses_bad_tables(refused):
    broken("empty.csv", "")
    broken("header.csv", "a,b\n")
    broken("one.csv", "a,b\n1,2\n")
    broken("blank.csv", "a,b\n1,\n2,\n3,\n")
    broken("infinite.csv", "a,b\n1,2\ninf,3\n2,5\n")
    broken("junk.parquet", b"PAR1 this is not a table")
    broken("what.docx", "a,b\n1,2\n")
    for name in ("empty.csv", "header.csv", "one.csv", "junk.parquet", "what.docx", "none.csv"):
        refused("fit", name, "--out", "model", *QUICK)
    assert "'b'" in refused("fit", "blank.csv", "--out", "model", *QUICK)
    assert "inf" in refused("fit", "infinite.csv", "--out", "model", *QUICK)


def test_fit_refuses_bad_series(refused):
    ts("short.ts", waves(10, steps=3), ["normal"] * 10)
    assert "at least 4" in refused("fit", "short.ts", "--out", "model", *QUICK)
    broken("unequal.ts", "@classLabel false\n@data\n1,2,3,4:1,2,3,4\n1,2,3,4\n")
    assert "channel" in refused("fit", "unequal.ts", "--out", "model", *QUICK)
    ts("cut.ts", waves(10), ["normal"] * 10)
    broken("cut.ts", Path("cut.ts").read_bytes()[:-40])
    refused("fit", "cut.ts", "--out", "model", *QUICK)
    broken("cut.npz", b"PK\x03\x04 cut")
    refused("fit", "cut.npz", "--out", "model", *QUICK)


def test_fit_refuses_bad_options(refused):
    table("train.csv")
    fit = ("fit", "train.csv", "--out", "model")
    assert "column 'nobody'" in refused(*fit, "--id", "nobody")
    assert "column 'nothing'" in refused(*fit, "--label", "nothing")
    assert "expected one of" in refused(*fit, "--type", "video")
    assert "NeuTraLAD" in refused(*fit, "--method", "Magic")
    assert "did you mean views" in refused(*fit, "--set", "view=7")
    assert "NAME=VALUE" in refused(*fit, "--set", "views")
    assert "expected int" in refused(*fit, "--set", "views=many")
    assert "fewer than 2" in refused(*fit, "--set", "views=1")
    assert "quantile" in refused(*fit, "--set", "data__scaling=log")
    assert "between 0 and 1" in refused(*fit, "--alert-rate", "2")
    Path("taken").mkdir()
    Path("taken/letter.txt").write_text("mine")
    assert "not a model" in refused("fit", "train.csv", "--out", "taken")


@pytest.fixture
def model(done):
    table("train.csv")
    done("fit", "train.csv", "--out", "model", *QUICK)


@pytest.mark.usefixtures("model")
def test_score_refuses_bad_items(refused):
    table("text.csv").assign(heat=["1"] * 150 + ["hot"] * 50).to_csv("text.csv", index=False)
    assert "'hot'" in refused("score", "model", "text.csv", "--out", "s.csv")
    table("less.csv").drop(columns="heat").to_csv("less.csv", index=False)
    assert "heat" in refused("score", "model", "less.csv", "--out", "s.csv")
    broken("infinite.csv", "size,speed,heat\n1,2,3\n1,-inf,3\n")
    assert "inf" in refused("score", "model", "infinite.csv", "--out", "s.csv")
    broken("empty.csv", "")
    refused("score", "model", "empty.csv", "--out", "s.csv")
    mixed(label=("fine", "odd"))
    assert "'fine'" in refused("score", "model", "new.csv", "--label", "truth", "--out", "s.csv")


@pytest.mark.usefixtures("model")
def test_score_refuses_bad_options_before_it_works(refused, monkeypatch):
    monkeypatch.setattr(Detector, "decision_function", None)  # never reached
    score = ("score", "model", "train.csv")
    assert ".parquet" in refused(*score, "--out", "s.xlsx")
    assert "create it first" in refused(*score, "--out", "nowhere/s.csv")
    assert "the data itself" in refused(*score, "--out", "train.csv")
    assert "above 0" in refused(*score, "--fdr", "0")
    assert "column 'truth'" in refused(*score, "--label", "truth")
    assert "end its name in .html" in refused("report", "model", "--out", "r.pdf")


@pytest.mark.usefixtures("model")
def test_explain_refuses_items_that_are_not_there(refused):
    assert "200 items" in refused("explain", "model", "train.csv", "--item", "200")


@pytest.mark.usefixtures("model")
def test_damaged_and_foreign_models_are_refused(refused):
    assert "not a model" in refused("score", "train.csv", "train.csv")
    assert "not a model" in refused("health", "nowhere")
    weights = Path("model/weights.safetensors")
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "sha256" in refused("score", "model", "train.csv", "--out", "s.csv")
    weights.write_bytes(whole)
    Path("model/askew.json").write_text("{")
    assert "damaged" in refused("health", "model")


# Interruptions and full disks leave what was there.

FULL = "Error: The disk is full: free some space, or write to another place."


@pytest.mark.usefixtures("model")
def test_stopping_the_training_leaves_the_previous_model(ask, monkeypatch):
    before = files()

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("askew.methods.neutral.NeuTraLAD.learn", stopped)
    code, out, err = ask("fit", "train.csv", "--out", "model")
    assert (code, out) == (2, "") and err.splitlines()[-1].startswith("Interrupted: nothing was")
    assert files() == before


@pytest.mark.usefixtures("model")
def test_a_full_disk_leaves_the_previous_files(ask, done, monkeypatch):
    done("score", "model", "train.csv", "--out", "s.csv")
    before = files()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    monkeypatch.setattr(Path, "write_text", full)
    for words in (
        ("fit", "train.csv", "--out", "model", *QUICK),
        ("score", "model", "train.csv", "--out", "s.csv"),
        ("report", "model", "--out", "r.html"),
    ):
        code, _, err = ask(*words)
        said = err.splitlines()[-1]
        assert code == 2 and "unexpected" not in said
        assert "No space left on device" in said or said == FULL
        assert files() == before


@pytest.mark.usefixtures("model")
def test_what_nobody_foresaw_is_told_with_the_way_to_its_trace(ask, monkeypatch):
    def surprise(*_):
        raise ZeroDivisionError("by\nnothing")

    monkeypatch.setattr(Detector, "decision_function", surprise)
    code, _, err = ask("score", "model", "train.csv")
    assert code == 1 and "Traceback" not in err and "ASKEW_DEBUG=1" in err.splitlines()[-1]
    monkeypatch.setenv("ASKEW_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["score", "model", "train.csv"])


def test_tu_sets_and_nodes_are_fitted_scored_and_explained(ask, done, tmp_path):
    edges, owners = [], []
    for graph in range(30):  # rings of five to seven nodes
        size, first = 5 + graph % 3, len(owners) + 1
        edges += [f"{first + i}, {first + (i + 1) % size}" for i in range(size)]
        owners += [str(graph + 1)] * size
    folder = tmp_path / "RINGS"
    folder.mkdir()
    for name, lines in {
        "A": edges,
        "graph_indicator": owners,
        "graph_labels": ["0"] * 27 + ["1"] * 3,
    }.items():
        (folder / f"RINGS_{name}.txt").write_text("\n".join(lines))
    generator = np.random.default_rng(0)
    np.savez(
        tmp_path / "one.npz",
        x=generator.normal(size=(50, 2)),
        edge_index=generator.integers(0, 50, size=(2, 90)),
        y=np.arange(50) < 3,
    )
    for data, label, kind in [("RINGS", "graph_labels", "graphs"), ("one.npz", "y", "nodes")]:
        code, _, said = ask("fit", data, "--out", f"model of {data}", *QUICK)
        assert code == 0, said
        assert f"read as {kind}" in said
        assert "AUROC" in done("score", f"model of {data}", data, "--label", label)
        assert "contribution" in done("explain", f"model of {data}", data, "--item", "3")


def test_python_runs_the_package_as_the_command():
    shown = subprocess.run(
        [sys.executable, "-m", "askew", "--help"], capture_output=True, text=True
    )
    assert shown.returncode == 0
    assert "Usage: askew" in shown.stdout


def test_ids_come_out_as_they_went_in(done, refused):
    table("train.csv", id=[f"{i:04d}" for i in range(200)])
    done("fit", "train.csv", "--out", "m", "--id", "id", *QUICK)
    done("score", "m", "train.csv", "--out", "s.csv")
    assert pd.read_csv("s.csv", dtype=str)["id"].tolist() == [f"{i:04d}" for i in range(200)]
    assert done("explain", "m", "train.csv", "--item", "0007").startswith("0007: score")
    by_number = done("explain", "m", "train.csv", "--item", "7")
    assert (
        by_number.split(": ", 1)[1]
        == done("explain", "m", "train.csv", "--item", "0007").split(": ", 1)[1]
    )
    assert "the last one is called '0199'" in refused("explain", "m", "train.csv", "--item", "200")


def test_a_place_that_cannot_be_written_is_refused_before_training(refused, monkeypatch):
    table("train.csv")
    monkeypatch.setattr(Detector, "fit", lambda *_: pytest.fail("it was trained"))
    message = refused("fit", "train.csv", "--out", "train.csv/model", *QUICK)
    assert "cannot be written" in message


def test_rows_without_text_are_left_out_where_that_is_wanted(ask, done, refused):
    some = pd.DataFrame({"name": [f"t{i}" for i in range(60)], "text": list(texts(0, 60))})
    some.to_csv("train.csv", index=False)
    holes = some["text"].where(some.index != 3).where(some.index != 5, " \u200b")
    some.assign(text=holes).to_csv("holes.csv", index=False)
    model = ["--set", f"data__model={tiny_transformer()}", "--type", "text", "--id", "name"]
    done("fit", "train.csv", "--out", "m", *model, *QUICK)
    assert "Row t3 has no text" in refused("score", "m", "holes.csv", "--out", "s.csv")
    code, _, told = ask("score", "m", "holes.csv", "--out", "s.csv", "--skip-unreadable")
    assert code == 0 and "2 rows without text left out, the first: t3" in told
    assert pd.read_csv("s.csv")["id"].tolist() == [f"t{i}" for i in range(60) if i not in (3, 5)]


def test_words_that_look_like_dates_or_numbers_are_told(ask):
    days = [f"{1 + i % 28:02d}/01/2024" for i in range(200)]
    table("train.csv", day=days, price=[f"{i % 9},50 €" for i in range(200)])
    code, _, told = ask("fit", "train.csv", "--out", "m", *QUICK)
    assert code == 0
    assert "'day' is read as words, but looks like dates ('01/01/2024')" in told
    assert "'price' is read as words, but looks like numbers" in told


def test_refusals_say_what_can_be_typed(refused):
    np.save("train.npy", np.zeros((40, 6, 5)))
    message = refused("fit", "train.npy", "--out", "m", "--type", "series", *QUICK)
    assert "--set data__layout=time-first" in message and "Series(" not in message
    assert all(
        f"{name}(a=1)" not in failures.sentence(InputError(f"{name}(a=1)")) for name in TYPES
    )
