"""Model folders: written whole or not at all, plain numbers and words, readable for good."""

import builtins
import errno
import hashlib
import json
import os
import pickle
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from askew import KNN, InputError, ModelError, NeuTraLAD, load, store
from askew.store import MANIFEST, SCHEMA, WEIGHTS

pytestmark = pytest.mark.filterwarnings("ignore:health")  # tiny detectors are poor ones

ROWS = np.random.default_rng(0).normal(size=(60, 3))
OLD = Path(__file__).parent / "models" / "v1"


@pytest.fixture(scope="module")
def _saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "model"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        KNN().fit(ROWS).save(folder)
    return folder


@pytest.fixture
def model(_saved, tmp_path):
    """A model folder of one's own, alone in its parent."""
    return Path(shutil.copytree(_saved, tmp_path / "model"))


def contents(folder):
    """All files below a folder, hidden ones too, with what they hold."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def manifest(folder):
    return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))


def rewrite(folder, content):
    """Write a manifest by hand, with the hash of itself that it would have been saved with."""
    if isinstance(content.get("sha256"), dict):
        content = {**content, "sha256": content["sha256"] | {MANIFEST: store._sha256_of(content)}}
    (folder / MANIFEST).write_text(json.dumps(content), encoding="utf-8")


def refusal(folder):
    """Load a model that must be refused; return why."""
    with pytest.raises(ModelError) as error:
        load(folder)
    said = str(error.value)
    assert "\n" not in said and len(said) < 600
    return said


# Whole or not at all.


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def half_written(path, content, *_, **__):
    """Write half of a file, and then find the disk full."""
    half = content[: len(content) // 2]
    with open(path, "wb") as file:
        file.write(half if isinstance(half, bytes) else half.encode())
    full_disk()


def only(failing, real, call):
    """Return a method of `Path` that fails at one of its calls and works at the others."""
    count = 0

    def method(path, *args, **kwargs):
        nonlocal count
        count += 1
        return (failing if count == call else real)(path, *args, **kwargs)

    return method


@pytest.mark.parametrize(
    ("name", "failing", "call"),
    [
        ("write_bytes", half_written, 1),
        ("write_text", half_written, 1),
        ("chmod", full_disk, 1),
        ("rename", full_disk, 1),
        ("rename", full_disk, 2),
    ],
    ids=["weights", "manifest", "rights", "old away", "new in place"],
)
@pytest.mark.parametrize("first", [False, True], ids=["over an old model", "in a new place"])
def test_a_full_disk_leaves_everything_as_it_was(model, monkeypatch, name, failing, call, first):
    if first:
        if (name, call) == ("rename", 2):
            pytest.skip("one rename is enough in a new place")
        shutil.rmtree(model)
    other = KNN(neighbors=2).fit(ROWS)
    before = contents(model.parent)
    with monkeypatch.context() as patched:
        patched.setattr(Path, name, only(failing, getattr(Path, name), call))
        with pytest.raises(InputError, match="No space left on device"):
            other.save(model)
    assert contents(model.parent) == before
    if not first:
        assert load(model).neighbors == 5
    other.save(model)
    assert load(model).neighbors == 2
    assert set(contents(model.parent)) == {"model", f"model/{MANIFEST}", f"model/{WEIGHTS}"}


def test_a_place_that_cannot_be_made_is_told(model, monkeypatch):
    before = contents(model.parent)
    with monkeypatch.context() as patched:
        patched.setattr(store.tempfile, "mkdtemp", full_disk)
        with pytest.raises(InputError, match="cannot be written: No space"):
            KNN().fit(ROWS).save(model)
    assert contents(model.parent) == before
    with pytest.raises(InputError, match="cannot be written"):
        KNN().fit(ROWS).save(model / MANIFEST / "below a file")


def test_stopping_while_the_folders_change_places_leaves_the_old_model(model, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    before = contents(model.parent)
    other = KNN(neighbors=2).fit(ROWS)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", only(stopped, Path.rename, 2))
        with pytest.raises(KeyboardInterrupt):
            other.save(model)
    assert contents(model.parent) == before


def test_what_cannot_be_written_as_words_leaves_the_old_model(model):
    before = contents(model.parent)
    odd = KNN().fit(ROWS)
    odd.most = object()
    with pytest.raises((TypeError, InputError)):
        odd.save(model)
    assert contents(model.parent) == before


def test_only_a_model_is_replaced(tmp_path):
    detector = KNN().fit(ROWS)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = contents(tmp_path)
    for place in ("letters", "file"):
        with pytest.raises(InputError, match="is not a model"):
            detector.save(tmp_path / place)
    assert contents(tmp_path) == before
    (tmp_path / "empty").mkdir()
    detector.save(tmp_path / "empty")
    detector.save(tmp_path / "new" / "deep" / "model")
    assert load(tmp_path / "empty").neighbors == load(tmp_path / "new/deep/model").neighbors == 5


def test_others_may_read_a_model(tmp_path):
    KNN().fit(ROWS).save(tmp_path / "model")
    assert (tmp_path / "model").stat().st_mode & 0o055 == 0o055


# What it is made of.


def test_a_folder_holds_json_and_safetensors_only(model):
    assert sorted(path.name for path in model.iterdir()) == [MANIFEST, WEIGHTS]
    found = json.loads((model / MANIFEST).read_text(), parse_constant=pytest.fail)
    assert (found["schema"], found["class"], found["data"]["class"]) == (SCHEMA, "KNN", "Tabular")
    raw = (model / WEIGHTS).read_bytes()
    assert found["sha256"][WEIGHTS] == hashlib.sha256(raw).hexdigest()
    size = int.from_bytes(raw[:8], "little")  # the layout of safetensors: size, JSON, numbers
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    kinds = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"}
    assert {tensor["dtype"] for tensor in header.values()} <= kinds
    assert max(tensor["data_offsets"][1] for tensor in header.values()) == len(raw) - 8 - size
    for path in model.iterdir():
        assert not path.read_bytes().startswith((b"\x80", b"PK"))  # pickle, torch.save
        with pytest.raises((pickle.UnpicklingError, ValueError, EOFError, KeyError, IndexError)):
            pickle.loads(path.read_bytes())


def test_loading_unpickles_nothing_and_imports_askew_only(model, monkeypatch):
    def never(*_, **__):
        pytest.fail("a model was unpickled")

    imported = []
    real = builtins.__import__

    def watched(name, scope=None, *rest):
        if (scope or {}).get("__name__", "").partition(".")[0] == "askew":
            imported.append(name)
        return real(name, scope, *rest)

    from askew import methods

    finding = methods.import_module
    monkeypatch.setattr(methods, "import_module", lambda n: imported.append(n) or finding(n))
    monkeypatch.setattr(builtins, "__import__", watched)
    for owner, name in [
        (pickle, "load"),
        (pickle, "loads"),
        (pickle, "Unpickler"),
        (torch, "load"),
    ]:
        monkeypatch.setattr(owner, name, never)
    assert load(model).decision_function(ROWS[:2]).shape == (2,)
    assert {name.partition(".")[0] for name in imported} == {"askew"}
    assert "askew.methods.neighbors" in imported


def test_arrays_words_and_numbers_come_back_as_they_were():
    value = {
        "float": np.array([1.5, np.nan, np.inf]), "int": np.arange(3), "bool": np.array([True]),
        "none": None, "words": np.array(["a", "é"], dtype=object), "empty": np.empty((0, 2)),
        "list": [1, "x", [np.array([2.0])]], "scalar": np.float64(0.1),
    }  # fmt: skip
    tensors = {}
    plain = json.loads(json.dumps(store._plain(value, "v", tensors)))
    back = store._revive(plain, tensors)
    for name in ("float", "int", "bool", "words", "empty"):
        np.testing.assert_array_equal(back[name], value[name])
        assert back[name].dtype == value[name].dtype
    assert (back["none"], back["scalar"], back["list"][:2]) == (None, 0.1, [1, "x"])
    assert back["list"][2][0].tolist() == [2.0]


def test_parameters_may_be_numbers_of_numpy(tmp_path):
    KNN(neighbors=np.int64(3), alert_rate=np.float64(0.2)).fit(ROWS).save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert (loaded.neighbors, loaded.alert_rate) == (3, 0.2)
    assert type(loaded.neighbors) is int


# Damage.


@pytest.mark.parametrize("place", [0, 20, 0.5, -1], ids=["size", "header", "middle", "end"])
def test_one_flipped_bit_is_noticed(model, place):
    raw = bytearray((model / WEIGHTS).read_bytes())
    raw[int(place * len(raw)) if isinstance(place, float) else place] ^= 1
    (model / WEIGHTS).write_bytes(raw)
    assert "sha256" in refusal(model)


@pytest.mark.parametrize("left", [0, 5, 100, -1])
@pytest.mark.parametrize("hashed", [False, True], ids=["as it is", "with its own sha256"])
def test_truncated_weights_are_noticed(model, left, hashed):
    raw = (model / WEIGHTS).read_bytes()[:left]
    (model / WEIGHTS).write_bytes(raw)
    if hashed:
        rewrite(model, {**manifest(model), "sha256": {WEIGHTS: hashlib.sha256(raw).hexdigest()}})
    assert ("damaged" if hashed else "sha256") in refusal(model)


def test_weights_that_are_missing_or_of_another_model_are_noticed(model, tmp_path):
    KNN().fit(ROWS[:30]).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / WEIGHTS, model / WEIGHTS)
    assert "sha256" in refusal(model)
    rewrite(model, {**manifest(model), "sha256": manifest(tmp_path / "other")["sha256"]})
    load(model)  # the same names and kinds: a whole model, only another one
    (model / WEIGHTS).unlink()
    assert "missing or unreadable" in refusal(model)


def test_weights_of_another_method_do_not_fit(model, tmp_path):
    NeuTraLAD(steps=1, nets=1, views=2, neighbors=0).fit(ROWS).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / WEIGHTS, model / WEIGHTS)
    rewrite(model, {**manifest(model), "sha256": manifest(tmp_path / "other")["sha256"]})
    assert "does not hold what its askew.json promises" in refusal(model)


@pytest.mark.parametrize(
    ("name", "value"),
    [("threshold_", 1e9), ("labels_", []), ("alert_rate", 0.5), ("neighbors", 1), ("columns_", [])],
)
def test_a_manifest_changed_by_hand_is_noticed(model, name, value):
    content = manifest(model)
    places = [content["parameters"], content["fitted"], content["data"]["fitted"]]
    next(place for place in places if name in place)[name] = value
    (model / MANIFEST).write_text(json.dumps(content), encoding="utf-8")
    said = refusal(model)
    assert MANIFEST in said and "sha256" in said


def test_a_manifest_may_be_laid_out_otherwise(model):
    content = manifest(model)
    (model / MANIFEST).write_text(json.dumps(content, sort_keys=True), encoding="utf-8")
    load(model)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff\xfe\x00", b"no JSON", b'{"schema": 1', b"[" * 9**5]
)
def test_a_manifest_that_is_not_json_is_damaged(model, text):
    (model / MANIFEST).write_bytes(text)
    assert "is damaged" in refusal(model)


@pytest.mark.parametrize("text", ["[]", "null", "1", '"schema"', "{}", '{"name": "a web page"}'])
def test_json_of_someone_else_is_not_of_askew(model, text):
    (model / MANIFEST).write_text(text)
    assert "not of askew" in refusal(model)


@pytest.mark.parametrize("place", ["", "letters", "file", "nowhere"])
def test_a_folder_without_a_manifest_is_no_model(tmp_path, place):
    (tmp_path / "letters").mkdir()
    (tmp_path / "file").write_text("mine")
    assert "is not a model" in refusal(tmp_path / place)


def test_a_newer_schema_asks_for_a_newer_askew(model):
    rewrite(model, {**manifest(model), "schema": SCHEMA + 1})
    assert "install a newer askew" in refusal(model)


@pytest.mark.parametrize("schema", ["two", None, [1], 0, -1, True, 5.0])
def test_a_schema_that_is_no_number_is_refused(model, schema):
    rewrite(model, {**manifest(model), "schema": schema})
    assert "names no schema" in refusal(model)


@pytest.mark.parametrize("hashes", [None, "x", [], {}, {WEIGHTS: None}])
def test_without_a_hash_nothing_is_believed(model, hashes):
    rewrite(model, {**manifest(model), "sha256": hashes})
    assert "sha256" in refusal(model)


@pytest.mark.parametrize(
    "path",
    ["class", "parameters", "data", "fitted", "sha256", "data/class", "data/parameters",
     "data/fitted"],
)  # fmt: skip
def test_a_missing_entry_is_refused(model, path):
    content = manifest(model)
    *outer, last = path.split("/")
    inner = content
    for name in outer:
        inner = inner[name]
    del inner[last]
    rewrite(model, content)
    said = refusal(model)
    assert last in said or "sha256" in said


@pytest.mark.parametrize("part", ["method", "data"])
@pytest.mark.parametrize("wrong", [{"magic": 1}, [], "x", None])
def test_parameters_that_are_unknown_or_of_no_use_are_refused(model, part, wrong):
    content = manifest(model)
    (content if part == "method" else content["data"])["parameters"] = wrong
    rewrite(model, content)
    said = refusal(model)
    assert "magic" in said or wrong != {"magic": 1}


@pytest.mark.parametrize(
    "name",
    ["Magic", "os.system", "builtins.eval", "askew.store.save", "Detector", "TrainedDetector",
     "DataType", "guess", "__doc__", "", None, ["KNN"], {"KNN": 1}],
)  # fmt: skip
@pytest.mark.parametrize("part", ["method", "data"])
def test_a_name_that_is_not_a_method_or_type_is_refused_and_never_run(
    model, part, name, monkeypatch
):
    ran = []
    monkeypatch.setattr(os, "system", lambda *a, **k: ran.append((a, k)))
    monkeypatch.setattr(store.data_types, "guess", lambda *a, **k: ran.append((a, k)))
    content = manifest(model)
    (content if part == "method" else content["data"])["class"] = name
    for parameters in (content["parameters"], {}, {"command": "echo"}):
        (content if part == "method" else content["data"])["parameters"] = parameters
        rewrite(model, content)
        said = refusal(model)
        if isinstance(name, str) and part == "method":
            assert repr(name) in said and "NeuTraLAD" in said
    assert ran == []


def test_a_nested_data_type_must_be_one_too(model):
    content = manifest(model)
    content["parameters"]["data"] = {"class": "os.system", "parameters": {"command": "echo"}}
    rewrite(model, content)
    assert "'os.system' is not a data type" in refusal(model)


# Models of schema 1, kept for good; nothing writes them any more. Those of the present schema are
# in test_kept_models.py.


def kept():
    return json.loads((OLD / "expected.json").read_text(encoding="utf-8"))


def raw(kind):
    """The kept inputs, as a user has them."""
    items = kept()[kind]["inputs"]
    if kind == "series":
        return np.array(items)
    return pd.DataFrame(items).assign(day=lambda table: pd.to_datetime(table["day"]))


@pytest.mark.parametrize("kind", ["tabular", "series"])
def test_old_models_give_the_scores_they_gave(kind):
    detector, expected = load(OLD / kind), kept()[kind]
    inputs = raw(kind)
    close = {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(detector.decision_function(inputs), expected["scores"], **close)
    np.testing.assert_allclose(detector.p_values(inputs), expected["p_values"], **close)
    assert detector.predict(inputs).tolist() == expected["alerts"]
    assert np.ptp(expected["scores"]) > 1  # or nothing would be compared


@pytest.mark.parametrize("kind", ["tabular", "series"])
def test_old_models_give_the_explanations_they_gave(kind):
    found = load(OLD / kind).explain(raw(kind))
    for explanation, expected in zip(found, kept()[kind]["explanations"], strict=True):
        assert explanation.names[0] == expected["names"][0]
        ours = dict(zip(explanation.names, explanation.contributions, strict=True))
        theirs = dict(zip(expected["names"], expected["contributions"], strict=True))
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-4)
        np.testing.assert_allclose(
            explanation.views.ravel(), expected["views"], rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("kind", ["tabular", "series"])
def test_old_models_are_saved_again_unchanged(kind, tmp_path):
    load(OLD / kind).save(tmp_path / "model")
    old, new = upgraded(manifest(OLD / kind)), manifest(tmp_path / "model")
    assert {**old, "versions": 0, "sha256": 0} == {**new, "versions": 0, "sha256": 0}
    before, after = (load_file(folder / WEIGHTS) for folder in (OLD / kind, tmp_path / "model"))
    assert bool(after.pop("net.bank.itself")) and after.pop("net.bank.power") == 1  # said since 5
    later = [name for name in after if name.startswith(("net.middle.", "net.from_middle."))]
    assert len([after.pop(name) for name in later]) == 5  # said since 7: none
    before = {name.replace("net.contrast.", "net.own."): t for name, t in before.items()}  # till 5
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    size = sum(path.stat().st_size for path in (OLD / kind).iterdir())
    assert size < 60_000


def upgraded(content):
    """What a model of schema 1 becomes: what went without saying then is said."""
    for data in (content["data"], content["parameters"]["data"]):
        if data is not None and data["class"] == "Series":
            data["parameters"]["values"] = False
            data["parameters"]["inner"] = None
    content["parameters"]["middle"], content["parameters"]["contamination"] = False, 0.0
    return {**content, "schema": SCHEMA}


def test_a_device_is_kept_by_its_name(tmp_path):
    rows = np.random.default_rng(0).normal(size=(60, 2))
    KNN(device=torch.device("cpu")).fit(rows).save(tmp_path / "model")
    assert load(tmp_path / "model").device == "cpu"
