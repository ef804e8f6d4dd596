"""The same questions to every method on every data type."""

import copy
import pickle
import warnings
from dataclasses import replace
from functools import reduce

import networkx
import numpy as np
import pytest
import torch
from sklearn.base import clone
from tiny_transformer import strange as strange_texts
from tiny_transformer import texts, tiny_transformer

import askew
from askew import (
    Graphs,
    Images,
    InputError,
    Nodes,
    NotFittedError,
    Series,
    Tabular,
    Text,
    Windows,
    report,
)
from askew.data.curves import Curves
from askew.data.graph_set import OneGraph
from askew.data.nodes import NodeSet, as_node_set
from askew.methods import METHODS, method
from askew.metrics import auroc
from askew.seeding import seeded

QUICK = {
    "NeuTraLAD": {"steps": 60},
    "PLAD": {"steps": 60, "nets": 2},
    "AutoEncoder": {"steps": 150, "nets": 1},
    "DeepSVDD": {"steps": 150},
}
LONGER = {("AutoEncoder", "Graphs"): {"steps": 400}}
"""Where a pair takes more steps than the method does elsewhere."""

BRIEF = {name: {"steps": 5} for name in QUICK}
"""Where it does not matter how well a detector has learned."""

pytestmark = pytest.mark.filterwarnings("ignore:health")


def rows(seed, count=120):
    generator = np.random.default_rng(seed)
    half = generator.normal(size=(count, 2))
    return np.column_stack([half, half @ [[1.0, 0.5], [-1.0, 1.0]], generator.random(count)])


def series(seed, count=60):
    generator = np.random.default_rng(seed)
    phase = generator.uniform(0, 1, size=(count, 1, 1))
    steps = np.linspace(0, 6, 24)[None, :, None] + phase
    curves = np.concatenate([np.sin(steps), np.cos(steps)], axis=2)
    return curves + 0.1 * generator.normal(size=curves.shape)


def recording(seed, count=120):
    generator = np.random.default_rng(seed)
    steps = 0.25 * np.arange(5 * count) + generator.uniform(0, 6)
    curves = np.column_stack([np.sin(steps), np.cos(steps)])
    return curves + 0.1 * generator.normal(size=curves.shape)


def images(seed, count=60):
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:8, :8]
    middle = generator.uniform(3, 4, size=(2, count, 1, 1))
    blob = np.exp(-((rows - middle[0]) ** 2 + (columns - middle[1]) ** 2) / 4)
    return blob + 0.05 * generator.normal(size=blob.shape)


def graphs(seed, count=60):
    """Rings whose nodes measure about the same."""
    generator = np.random.default_rng(seed)
    made = [networkx.cycle_graph(n) for n in generator.integers(6, 12, size=count)]
    for graph in made:
        for node in graph.nodes:
            graph.nodes[node]["x"] = generator.normal(size=3) * [1, 0.1, 0.1]
    return made


def shifted(rings):
    made = copy.deepcopy(rings)
    for ring in made:  # one node of each is far out
        ring.nodes[2]["x"] += [12, 1.2, 1.2]
    return made


def nodes(seed, count=120):
    """Two groups of nodes, each joined within, whose features tell the groups apart."""
    generator = np.random.default_rng(seed)
    group = np.arange(count) % 2
    x = generator.normal(size=(count, 3)) * 0.3 + np.outer(group, [2, -2, 1])
    first, step = generator.integers(0, count, 4 * count), generator.integers(1, 9, 4 * count)
    edges = np.stack([first, (first + 2 * step) % count])
    return as_node_set({"x": x, "edge_index": edges})


def with_features(nodes, x):
    return NodeSet(replace(nodes.graph, attributes=x), nodes.index)


def side_by_side(a, b):
    """Return two node sets as one, whose graphs are not joined."""
    count = len(a.graph.attributes)
    both = OneGraph(
        None,
        np.concatenate([a.graph.attributes, b.graph.attributes]),
        np.concatenate([a.graph.edges, b.graph.edges + count], axis=1),
    )
    return NodeSet(both, np.concatenate([a.index, b.index + count]))


def infinite_array(x):
    x = x.copy()
    x[3, ..., 0] = np.inf
    return x


def wordless(texts):
    texts = texts.copy()
    texts[3] = " "
    return texts


def infinite_graphs(x):
    x = copy.deepcopy(x)
    x[3].nodes[1]["x"] = np.array([0, np.inf, 0])
    return x


def infinite_nodes(x):
    values = x.graph.attributes.copy()
    values[3, 0] = np.inf
    return {"x": values, "edge_index": x.graph.edges}


def narrower_graphs(x):
    x = copy.deepcopy(x)
    for graph in x:
        networkx.set_node_attributes(graph, {n: graph.nodes[n]["x"][:2] for n in graph}, "x")
    return x


INFINITE = {"Text": wordless, "Graphs": infinite_graphs, "Nodes": infinite_nodes}
NARROWER = {
    "Text": lambda x: np.column_stack([x, x]),
    "Graphs": narrower_graphs,
    "Nodes": lambda x: with_features(x, x.graph.attributes[:, :-1]),
}


TYPES = {
    "Graphs": (graphs, Graphs(), shifted),
    "Nodes": (nodes, Nodes(hops=1), lambda x: with_features(x, 4 - 3 * x.graph.attributes)),
    "Tabular": (rows, Tabular(), lambda x: x[:, [1, 0, 2, 3, 4]] * 3 + 2),
    "Images": (images, Images(), lambda x: np.roll(x, 4, axis=1) * 1.2),
    "Series": (series, Series(layout="time-first"), lambda x: x[:, ::-1] * 2),
    "Text": (texts, Text(model=tiny_transformer(), length=16), strange_texts),
    "Windows": (recording, Windows(length=24), lambda x: x[::-1] * 2 + 1),
}


def in_fives(x):
    return [x[i : i + 1] for i in range(5)]


PIECES = {
    "Windows": (list, lambda x: np.split(x, 3)),
    "Graphs": (lambda parts: [graph for part in parts for graph in part], in_fives),
    "Nodes": (lambda parts: reduce(side_by_side, parts), in_fives),
}
"""Where items are not what one axis counts: what joins raw input, and pieces with scores alone."""

PAIRS = [
    (name, kind)
    for name in METHODS
    for kind in TYPES
    if not method(name)().refusal(type(TYPES[kind][1]))
]
TRAINED_PAIRS = [pair for pair in PAIRS if pair[0] in QUICK]


def kind_of(detector):
    return type(detector.data_).__name__


def make(name, of_type, **parameters):
    quick = {**QUICK.get(name, {}), **LONGER.get((name, of_type), {})}
    return method(name)(data=TYPES[of_type][1], **{**quick, **parameters})


def brief(name, of_type, **parameters):
    return make(name, of_type, **{**BRIEF.get(name, {}), **parameters})


def join(kind, parts):
    return PIECES.get(kind, (np.concatenate, None))[0](parts)


def pieces(kind, x):
    return PIECES.get(kind, (None, in_fives))[1](x)


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: "-".join(pair))
def fitted(request):
    """A fitted detector of each pair, its fresh normal items and planted anomalies."""
    name, kind = request.param
    draw, _, spoil = TYPES[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        detector = make(name, kind).fit(draw(0))
    return detector, draw(1), spoil(draw(2))


def test_planted_anomalies_rank_above_normal_items(fitted):
    detector, normal, strange = fitted
    scores = detector.decision_function(join(kind_of(detector), [normal, strange]))
    labels = np.repeat([0, 1], [len(normal), len(strange)])
    assert auroc(labels, scores) > 0.8


def test_one_finite_score_an_item_and_not_all_alike(fitted):
    detector, normal, _ = fitted
    scores = detector.decision_function(normal)
    assert scores.shape == (len(normal),)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert np.ptp(scores) > 1e-6


def test_scores_do_not_depend_on_neighbours(fitted):
    detector, normal, strange = fitted
    kind = kind_of(detector)
    few = pieces(kind, normal)
    alone = [detector.decision_function(one) for one in few]
    together = detector.decision_function(join(kind, [*few, strange]))
    backwards = detector.decision_function(join(kind, few[::-1]))
    expected, turned = np.concatenate(alone), np.concatenate(alone[::-1])
    np.testing.assert_allclose(together[: len(expected)], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(backwards, turned, rtol=1e-4, atol=1e-5)


def test_saved_is_loaded(fitted, tmp_path):
    detector, normal, _ = fitted
    detector.save(tmp_path / "model")
    loaded = askew.load(tmp_path / "model")
    np.testing.assert_array_equal(
        loaded.decision_function(normal), detector.decision_function(normal)
    )
    np.testing.assert_array_equal(loaded.p_values(normal), detector.p_values(normal))
    np.testing.assert_array_equal(loaded.predict(normal), detector.predict(normal))
    assert repr(loaded.get_params(deep=False)) == repr(detector.get_params(deep=False))
    assert loaded.health_ == detector.health_
    one = pieces(kind_of(detector), normal)[0]
    if kind_of(detector) == "Windows":
        one = one[:30]  # each of its steps is explained
    assert loaded.explain(one)[0].names == detector.explain(one)[0].names


def test_training_scores_agree_with_scoring_the_same_items(fitted):
    detector, _, _ = fitted
    draw = TYPES[kind_of(detector)][0]
    np.testing.assert_allclose(
        detector.decision_scores_, detector.decision_function(draw(0)), rtol=1e-5
    )
    np.testing.assert_array_equal(detector.labels_, detector.predict(draw(0)))


def test_alerts_p_values_and_threshold_agree(fitted):
    detector, normal, strange = fitted
    both = join(kind_of(detector), [normal, strange])
    p, alerts = detector.p_values(both), detector.predict(both)
    assert ((p > 0) & (p <= 1)).all()
    assert set(np.unique(alerts)) <= {0, 1}
    lowered = detector._lowered(detector.decision_function(both))
    detector.alert_rate, before = 0.2, detector.alert_rate
    try:
        loose = detector._threshold(detector.calibration_)
        np.testing.assert_array_equal(lowered > loose, p <= 0.2)
    finally:
        detector.alert_rate = before
    np.testing.assert_allclose(detector.predict_proba(both).sum(1), 1)


def test_new_normal_items_raise_about_as_many_alarms_as_asked_for(fitted):
    """No more of them score beyond what was held out than chance and few items explain."""
    detector, normal, _ = fitted
    if kind_of(detector) == "Windows":
        pytest.skip("steps beside each other score alike: one stretch decides for many")
    p = detector.p_values(normal)
    assert (p <= 0.2).mean() < 0.45


def test_explanations_add_up_and_point_somewhere(fitted):
    detector, _, strange = fitted
    one = pieces(kind_of(detector), strange)[0]
    if kind_of(detector) == "Windows":
        one = one[:30]  # each of its steps is explained
    explanation, *_ = detector.explain(one)
    assert len(explanation.names) == len(explanation.contributions)
    assert (np.diff(explanation.contributions) <= 1e-12).all()
    assert explanation.points.sum() == pytest.approx(explanation.contributions.sum(), rel=1e-6)
    assert explanation.score > explanation.typical_score
    assert explanation.contributions[0] > 0


def test_health_is_recorded(fitted):
    detector, _, _ = fitted
    names = {check["name"] for check in detector.health_}
    assert {"scores vary", "alone as in a batch", "sees scaled items"} <= names
    assert all(check["passed"] for check in detector.health_ if check["name"] == "scores vary")


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_same_seed_same_scores_and_random_state_left_alone(name, kind):
    draw = TYPES[kind][0]
    torch_before, numpy_before = torch.random.get_rng_state(), np.random.get_state()
    one = brief(name, kind, seed=3).fit(draw(0)).decision_function(draw(1))
    two = brief(name, kind, seed=3).fit(draw(0)).decision_function(draw(1))
    np.testing.assert_array_equal(one, two)
    assert torch.equal(torch.random.get_rng_state(), torch_before)
    for found, expected in zip(np.random.get_state(), numpy_before, strict=True):
        np.testing.assert_array_equal(found, expected)  # the place in the numbers drawn, too


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_parameters_are_only_stored(name, kind):
    detector = brief(name, kind, seed=7)
    copy = clone(detector)
    assert copy is not detector
    assert repr(copy.get_params(deep=False)) == repr(detector.get_params(deep=False))
    parameter = min(detector.data.get_params())
    copy.set_params(**{f"data__{parameter}": "other", "alert_rate": 0.2})
    assert (getattr(copy.data, parameter), copy.alert_rate) == ("other", 0.2)
    assert getattr(detector.data, parameter) == getattr(TYPES[kind][1], parameter) != "other"
    before = repr(detector.get_params())
    detector.fit(TYPES[kind][0](0))
    assert repr(detector.get_params()) == before


@pytest.mark.parametrize("name", METHODS)
def test_a_data_type_that_is_guessed_has_no_parameters_yet(name):
    with pytest.raises(InputError, match="data__width cannot be set while data is None"):
        method(name)().set_params(data__width=8)
    assert method(name)().set_params(data=Tabular(), data__width=8).data.width == 8


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("views", ["bounded", "residual", "multiplicative", "forward"])
def test_every_weight_gets_a_gradient(kind, views):
    draw, data, _ = TYPES[kind]
    detector = make("NeuTraLAD", kind, kind=views)
    data = clone(data).fit(draw(0))
    net = detector.build(data)
    detector.losses(net, data.encode(draw(0))).mean().backward()
    silent = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    if isinstance(data, Curves):  # a bias before an instance norm has no effect
        silent = [name for name in silent if not name.endswith("bias")]
    assert silent == []


@pytest.mark.parametrize(("name", "kind"), TRAINED_PAIRS)
def test_training_moves_every_weight(name, kind):
    draw, data, _ = TYPES[kind]
    detector = make(name, kind, steps=1).set_params(data=clone(data)).fit(draw(0))
    net, x = detector.net_.train(), detector.data_.encode(draw(0))
    parts = getattr(net, "members", [net])
    losses = getattr(detector, "member_losses", detector.losses)
    for part in parts:
        with seeded(0):
            losses(part, x).mean().backward()
    silent = [n for n, p in net.named_parameters() if p.requires_grad and not bool(p.grad.any())]
    if isinstance(detector.data_, Curves):  # a bias before an instance norm has no effect
        silent = [name for name in silent if not name.endswith("bias")]
    assert silent == []


def entries_of(kind):
    """A fitted data type, a batch of it, and the entries of that, with torch's generator set."""
    draw, data, _ = TYPES[kind]
    data = clone(data).fit(draw(0))
    x = data.encode(draw(0))
    torch.manual_seed(0)
    return data, x, data.entries(x)


@pytest.mark.parametrize("kind", TYPES)
def test_entries_are_spread_and_averaged_item_by_item(kind):
    data, x, entries = entries_of(kind)
    values = torch.arange(1.0, len(x) + 1)
    spread = data.to_entries(values, x)
    assert len(spread) == len(entries)
    assert spread.ndim == entries.ndim
    everywhere = spread * torch.ones_like(entries)
    torch.testing.assert_close(data.mean_entry(everywhere, x), values)
    one = data.mean_entry(torch.where(spread == 1, entries.square(), 0), x)
    assert one[0] > 0
    assert (one[1:] == 0).all()


@pytest.mark.parametrize("kind", TYPES)
def test_displacements_of_items_are_their_own_and_on_all_sides(kind):
    data, x, entries = entries_of(kind)
    signs = torch.stack([data.signs(x) for _ in range(10)])
    assert set(signs.unique().tolist()) == {-1, 1}
    assert abs(signs.float().mean()) < 0.1
    for draw_some in (data.signs, data.differing, data.scatter, data.stray):
        drawn = draw_some(x)
        assert drawn.shape == entries.shape
        assert not torch.equal(drawn, draw_some(x))
        of_each = data.mean_entry(drawn.float(), x)
        assert len(of_each.unique()) > 4  # signs of few entries have few means
    strays = torch.stack([data.stray(x) for _ in range(30)]).double()
    assert (strays.mean(0).square().mean() / strays.square().mean()) < 0.15
    still = data.affine(x, torch.ones_like(entries), torch.zeros_like(entries))
    assert torch.equal(data.entries(still), entries)
    moved = data.entries(data.affine(x, torch.ones_like(entries), data.stray(x)))
    changed = data.mean_entry((moved - entries).abs(), x)
    assert (changed > 0).float().mean() > 0.9


@pytest.mark.parametrize("kind", TYPES)
def test_answers_of_decoders_are_laid_out_like_items_each_from_its_own_description(kind):
    data, x, entries = entries_of(kind)
    decoder, restorer = data.decoder(4, outputs=2, bias=True), data.restorer(4, bias=True)
    described = torch.randn(len(x), 4)
    made, restored = decoder(described, x), restorer(described, x)
    assert made.shape == (len(entries), 2, *entries.shape[1:])
    assert restored[:, 0].shape == data.target(x).shape
    assert len(data.pool(data.error(x, restored[:, 0]), x)) == len(x)
    described[0] += 1
    others = data.to_entries(torch.arange(len(x)) > 0, x)
    changed = (decoder(described, x) - made).abs().amax(1)
    assert changed.sum() > 0
    assert (changed * others).sum() == 0


@pytest.mark.parametrize("kind", TYPES)
def test_joined_batches_are_the_items_of_both(kind):
    data, x, _ = entries_of(kind)
    both = data.join(x[:3], x[1:2])
    assert len(both) == 4
    for found, expected in ((both[:3], x[:3]), (both[3:], x[1:2])):
        assert repr(data.keep(found)) == repr(data.keep(expected))
        assert torch.equal(data.entries(found), data.entries(expected))


@pytest.mark.parametrize("kind", TYPES)
def test_views_alter_entries_and_plain_perturbators_are_such_networks(kind):
    data, x, entries = entries_of(kind)
    views = data.transform(2, "residual", bias=True)
    outputs = views.networks(x)
    assert outputs.shape == (2, *entries.shape)
    altered = data.entries(views(x))
    assert altered.shape == (2 * len(entries), *entries.shape[1:])
    moved = data.entries(data.affine(x, torch.ones_like(entries), outputs[0]))
    torch.testing.assert_close(altered[: len(entries)], moved)
    detector = brief("PLAD", kind, latent=0).fit(TYPES[kind][0](0))
    assert np.isfinite(detector.decision_scores_).all()


@pytest.mark.parametrize("kind", TYPES)
def test_a_training_item_is_explained_by_another(kind):
    draw, data, _ = TYPES[kind]
    items = draw(0)
    detector = make("KNN", kind).set_params(data=clone(data)).fit(items)
    strangest = np.argsort(-detector.decision_function(items), kind="stable")[:1]
    (found,) = detector.explain(detector.data_.take(items, strangest))[:1]
    assert np.abs(found.contributions).max() > 0
    assert found.typical_score < found.score


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("view", ["bounded", "multiplicative"])
def test_a_report_shows_learned_views_of_every_type(kind, view, tmp_path):
    draw, data, spoil = TYPES[kind]
    detector = make("NeuTraLAD", kind, steps=5, nets=1, kind=view).set_params(data=clone(data))
    items = join(kind, [draw(1), spoil(draw(2))])
    report.write(detector.fit(draw(0)), tmp_path / "report.html", items)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("Learned views" in page) is (kind != "Graphs")  # a graph's views are networks over it


@pytest.mark.parametrize("kind", TYPES)
def test_what_others_are_compared_with_is_not_strange(kind):
    draw, data, spoil = TYPES[kind]
    few = pieces(kind, spoil(draw(2)))[:2]
    items = join(kind, [draw(0), *few])
    detector = make("KNN", kind).set_params(data=clone(data)).fit(items)
    kept = detector.score_items(detector.data_.kept(detector.references_))
    assert kept.max() < np.quantile(detector.decision_scores_, 0.95)


@pytest.mark.parametrize("kind", TYPES)
def test_distances_are_of_a_known_kind_and_training_items_are_not_their_own_neighbours(kind):
    draw, data, _ = TYPES[kind]
    items = draw(0)
    detector = make("NeuTraLAD", kind, steps=0).set_params(data=clone(data)).fit(items)
    net, x = detector.net_, detector.data_.encode(items)
    assert float(net.bank.power) == detector.data_.distance_power
    assert detector.data_.distance_power in (1.0, 2.0)
    assert net.bank.distance(net.features(x), 1).median() > 0


@pytest.mark.parametrize("name", METHODS)
def test_pairs_that_are_refused_are_refused_at_once_and_in_words(name):
    for kind in askew.data.TYPES:
        reason = method(name)().refusal(getattr(askew.data, kind))
        assert (reason == "") or (name, kind) not in PAIRS
    needs = method(name)().needs

    class Bare(Tabular):
        lacks = dict.fromkeys(needs, "none of it")

    if needs:
        with pytest.raises(InputError, match="does not take Bare"):
            method(name)(data=Bare()).fit(rows(0))


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_unfitted_is_said_so(name, kind):
    with pytest.raises(NotFittedError, match="not fitted"):
        make(name, kind).decision_function(TYPES[kind][0](0))


@pytest.mark.parametrize(("name", "kind"), PAIRS)
@pytest.mark.parametrize("spoiled", ["empty", "infinite", "another width"])
def test_bad_input_is_refused_in_words(name, kind, spoiled):
    good = TYPES[kind][0](0)
    bad = good[:0] if spoiled == "empty" else good[: len(good) // 2]
    if spoiled == "infinite":
        bad = INFINITE.get(kind, infinite_array)(bad)
    if spoiled == "another width":
        bad = NARROWER.get(kind, lambda x: x[..., :-1])(bad)
    else:
        with pytest.raises(InputError):
            brief(name, kind).fit(bad)
    if spoiled != "empty":
        detector = brief(name, kind).fit(good)
        with pytest.raises(InputError):
            detector.decision_function(bad)


def test_a_failed_fit_leaves_the_previous_model():
    detector = make("NeuTraLAD", "Tabular").fit(rows(0))
    before = detector.decision_function(rows(1))
    with pytest.raises(InputError):
        detector.fit(rows(0)[:0])
    np.testing.assert_array_equal(detector.decision_function(rows(1)), before)


@pytest.mark.parametrize(
    "wrong",
    [
        {"views": 1},
        {"kind": "twisted"},
        {"similarity": "taste"},
        {"loss": "none"},
        {"temperature": 0.0},
        {"steps": None, "epochs": None},
        {"lr": -1.0},
        {"schedule": "never"},
        {"held_out": 1.0},
        {"alert_rate": 0.0},
        {"validation": 1.5},
        {"contamination": 0.6},
        {"contamination": -0.1},
        {"neighbors": -1},
        {"views": "many"},
        {"lr": "fast"},
        {"steps": 2.5},
        {"seed": None},
        {"seed": 2**70},
        {"device": "gpu"},
        {"device": "meta"},
        {"device": None},
        {"device": "hpu"},
        {"seed": 10**400},
        {"lr": float("nan")},
        {"weight_decay": -1.0},
        {"bias": "no"},
        {"verbose": 1},
        {"data": "Tabular"},
        {"data": Tabular},
        {"data__batch_norm": "x"},
        {"patience": -1},
        {"data__width": 3.5},
        {"data__layers": None},
    ],
)
def test_senseless_parameters_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong)).removeprefix("data__")):
        clone(make("NeuTraLAD", "Tabular")).set_params(**wrong).fit(rows(0))


@pytest.mark.parametrize(("name", "kind"), TRAINED_PAIRS)
def test_every_method_that_trains_can_leave_out_a_share_on_every_type(name, kind):
    draw = TYPES[kind][0]
    plain, trimmed = (brief(name, kind, contamination=c).fit(draw(0)) for c in (0.0, 0.3))
    assert np.isfinite(trimmed.decision_function(draw(1))).all()
    assert not np.array_equal(plain.decision_scores_, trimmed.decision_scores_)


def test_no_p_values_without_held_out_items():
    detector = make("KNN", "Tabular", held_out=0.0).fit(rows(0))
    with pytest.raises(InputError, match="held_out"):
        detector.p_values(rows(1))
    assert detector.decision_function(rows(1)).shape == (120,)


def test_false_alarms_stay_at_the_rate_asked_for():
    generator = np.random.default_rng(0)
    normal = generator.normal(size=(4000, 3))
    detector = make("KNN", "Tabular", alert_rate=0.05, held_out=0.5).fit(normal)
    rate = detector.predict(generator.normal(size=(20_000, 3))).mean()
    assert 0.03 < rate < 0.07


def test_select_finds_planted_rows_at_the_false_discovery_rate():
    generator = np.random.default_rng(0)
    detector = make("KNN", "Tabular", held_out=0.5).fit(generator.normal(size=(4000, 3)))
    batch = np.concatenate([generator.normal(size=(500, 3)), 9 + generator.normal(size=(50, 3))])
    picked = detector.select(batch, fdr=0.1)
    assert picked[500:].all()
    assert picked[:500].sum() <= 15


def test_explanation_names_the_column_that_was_spoiled():
    detector = make("NeuTraLAD", "Tabular", steps=300).fit(rows(0, 600))
    strange = rows(1, 20)
    strange[:, 4] += 4
    top = [explanation.names[0] for explanation in detector.explain(strange)]
    assert top.count("column_4") >= 18
    mended = strange.copy()
    mended[:, 4] -= 4
    after = detector.decision_function(mended)
    assert (after < detector.decision_function(strange)).all()


def test_explanation_points_at_the_span_that_was_spoiled():
    detector = make("KNN", "Series").fit(series(0, 200))
    strange = series(1, 5)
    strange[:, 10:14, 1] += 3
    for explanation in detector.explain(strange):
        assert explanation.points.shape == (24, 2)
        step, channel = np.unravel_index(explanation.points.argmax(), (24, 2))
        assert 9 <= step <= 14
        assert channel == 1


def test_p_values_of_the_default_hold_for_fresh_normal_items():
    """Also where few items are held out, which measure both parts of the score themselves."""
    alarms = []
    for seed in range(30):
        generator = np.random.default_rng(seed)
        detector = make("NeuTraLAD", "Tabular", nets=1, steps=10, views=3, seed=seed)
        detector.fit(generator.normal(size=(100, 3)))
        assert len(detector.calibration_) == 20
        alarms.append((detector.p_values(generator.normal(size=(500, 3))) <= 0.1).mean())
    # 2 of 21 places: 0.095 on average; each seed's own rate spreads by about 0.065.
    assert np.mean(alarms) == pytest.approx(0.095, abs=3 * 0.065 / 30**0.5)


def test_networks_that_each_hold_out_a_part_raise_no_more_false_alarms_than_asked_for():
    """Their mean is steadier than the networks that set the yardstick: fewer, if anything."""
    alarms = []
    for seed in range(8):
        generator = np.random.default_rng(seed)
        detector = make("NeuTraLAD", "Tabular", nets=3, steps=30, views=3, seed=seed)
        detector.fit(generator.normal(size=(100, 3)))
        assert len(detector.calibration_) == 60
        alarms.append((detector.p_values(generator.normal(size=(500, 3))) <= 0.2).mean())
    assert 0.03 < np.mean(alarms) < 0.2


def test_each_network_learns_from_all_but_its_own_part():
    detector = make("NeuTraLAD", "Tabular", nets=3)
    folds = detector._folds(Tabular(), rows(0, 50), torch.Generator().manual_seed(0))
    assert [len(fold.held) for fold in folds] == [10, 10, 10]
    assert len(np.unique(np.concatenate([fold.held for fold in folds]))) == 30
    for fold in folds:
        np.testing.assert_array_equal(np.sort(np.concatenate(fold)), np.arange(50))


@pytest.mark.parametrize("name", METHODS)
def test_copies_of_a_training_item_score_alike_alone_and_together(name):
    few = np.repeat(np.random.default_rng(0).normal(size=(5, 7)) * 100, 30, axis=0)
    detector = make(name, "Tabular").fit(few)
    together = detector.decision_function(few)
    alone = np.concatenate([detector.decision_function(few[i : i + 1]) for i in range(0, 150, 30)])
    np.testing.assert_allclose(together[::30], alone, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(detector.p_values(few)[::30], detector.p_values(few[::30]))


def test_rows_too_large_for_the_networks_are_not_called_normal():
    huge = make("NeuTraLAD", "Tabular").set_params(data=Tabular(scaling="none")).fit(rows(0))
    assert huge.decision_function(np.full((1, 5), 1e300))[0] > huge.threshold_


def test_the_bank_does_not_depend_on_the_order_of_the_file():
    clusters = np.concatenate([rows(0, 400), 50 + rows(1, 400)])
    detector = make("NeuTraLAD", "Tabular", bank=10).fit(clusters)
    near = detector.net_.bank.items[:, 4]
    assert (near > 0).any()
    assert (near < 0).any()


def test_what_was_fitted_before_survives_a_fit_that_fails_late():
    detector = make("KNN", "Tabular").fit(rows(0))
    before = detector.decision_function(rows(1))
    bad = rows(0)
    bad[7, 2] = np.inf  # found only when the held-out rows are encoded, or the learned ones
    with pytest.raises(InputError):
        detector.fit(bad[:, :4])
    np.testing.assert_array_equal(detector.decision_function(rows(1)), before)


def test_columns_with_names_that_mean_something_to_the_store(tmp_path):
    import pandas as pd

    for name in ("array:x", "$array", "strings", "$mapping"):
        table = pd.DataFrame({name: np.arange(40.0), "kind": ["array:y", "$strings"] * 20})
        detector = make("KNN", "Tabular").fit(table)
        detector.save(tmp_path / "model")
        loaded = askew.load(tmp_path / "model")
        np.testing.assert_array_equal(
            loaded.decision_function(table), detector.decision_function(table)
        )


def test_parameters_changed_after_fit_are_neither_used_nor_saved(tmp_path):
    detector = make("NeuTraLAD", "Tabular").fit(rows(0))
    detector.save(tmp_path / "model")
    for one in (detector, askew.load(tmp_path / "model"), pickle.loads(pickle.dumps(detector))):
        scores = one.decision_function(rows(1))
        one.set_params(temperature=0.5)
        for use in (one.decision_function, one.explain, one.predict):
            with pytest.raises(InputError, match="temperature was changed after fit"):
                use(rows(1))
        with pytest.raises(InputError, match="changed after fit"):
            one.save(tmp_path / "other")
        one.set_params(temperature=0.1, data__width=7)
        with pytest.raises(InputError, match="data__width was changed after fit, from 64 to 7"):
            one.decision_function(rows(1))
        one.set_params(data__width=64, seed=7, verbose=True)
        kind, one.data = one.data, Series()
        with pytest.raises(InputError, match="data was changed after fit, from 'Tabular'"):
            one.decision_function(rows(1))
        one.data = kind
        np.testing.assert_array_equal(one.decision_function(rows(1)), scores)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
