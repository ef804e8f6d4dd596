"""Nodes of one graph as rows of a table."""

import tracemalloc
from types import SimpleNamespace

import networkx
import numpy as np
import pytest
import torch

from askew import KNN, InputError, NeuTraLAD, Nodes, datasets, load
from askew.data import guess
from askew.data.nodes import NodeSet, as_node_set, means, triangles, unlike
from askew.metrics import auroc

pytestmark = pytest.mark.filterwarnings("ignore:health")


def network(count=60, width=3, seed=0):
    generator = np.random.default_rng(seed)
    edges = generator.integers(0, count, size=(2, 3 * count))
    return {"x": generator.normal(size=(count, width)), "edge_index": edges}


def test_means_are_those_of_a_loop():
    nodes = as_node_set(network(20))
    edges, x = nodes.graph.edges, nodes.graph.attributes
    once, twice = means(edges, x, 2)
    for node in range(20):
        around = edges[1][edges[0] == node]
        expected = x[around].mean(0) if len(around) else x[node]
        np.testing.assert_allclose(once[node], expected)
        expected = once[around].mean(0) if len(around) else once[node]
        np.testing.assert_allclose(twice[node], expected)


def test_unlike_is_0_for_the_same_direction_and_2_for_the_opposite():
    own = np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]])
    np.testing.assert_allclose(unlike(own, own * [[3], [-1], [1]]), [0, 2, 1], atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_triangles_are_those_of_networkx(seed):
    edges = as_node_set(network(40, seed=seed)).graph.edges
    graph = networkx.Graph(edges.T.tolist())
    graph.add_nodes_from(range(40))
    expected = networkx.triangles(graph)
    assert sum(expected.values()) > 0
    assert triangles(edges, 40).tolist() == [expected[node] for node in range(40)]


def test_triangles_around_a_hub_take_no_memory():
    rim = np.arange(1, 100_001)
    wheel = np.hstack([np.stack([0 * rim, rim]), np.stack([rim, np.roll(rim, 1)])])
    tracemalloc.start()
    found = triangles(np.hstack([wheel, wheel[::-1]]), 100_001)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found[0] == 100_000 and (found[1:] == 2).all()
    assert most < 2**28


@pytest.mark.parametrize(("width", "hops"), [(1, 0), (1, 2), (30, 1), (100, 2)])
def test_parts_of_a_node_count_alike_however_many_columns_they_have(width, hops):
    graph = network(width=width)
    data = Nodes(hops=hops).fit(graph)
    names, masks = data.groups(data.encode(graph)[0])
    sums = {}
    for name, mask in zip(names, masks, strict=True):
        place = name.startswith(("neighbours", "unlike", "triangles"))
        part = "place" if place else name.partition(" against ")[2]
        sums[part] = sums.get(part, 0.0) + float(data.weights_[mask].sum())
    assert len(sums) == 2 + hops  # features, each surrounding, place
    np.testing.assert_allclose(list(sums.values()), sums["place"], rtol=1e-5)
    assert data.weights_.max() == 1


def test_altered_copies_move_as_far_as_those_of_a_table():
    graph = network(width=100)
    data = Nodes().fit(graph)
    x = data.encode(graph)
    altered = data.alter(x, torch.Generator().manual_seed(0))
    spread = x.std(0)
    assert ((altered["pushed"] - x).abs() / spread).max() < 12  # six, of columns with odd spreads
    noise = (altered["noise"] - x).std(0) / spread
    assert 0.5 < noise.median() < 2


def test_a_batch_knows_no_graph_and_picking_keeps_the_neighbourhood():
    graph = network()
    data = Nodes().fit(graph)
    x = data.encode(graph)
    assert x.shape[0] == 60
    picked = data.encode(data.take(graph, np.array([7, 3])))
    np.testing.assert_allclose(picked, x[[7, 3]])
    assert data.count(graph) == 60
    assert len(as_node_set(graph)[::-1]) == 60


def test_names_say_where_a_feature_stands():
    data = Nodes(hops=1).fit(network(width=1))
    names, masks = data.groups(data.encode(network(width=1))[0])
    assert names == [
        "x0",
        "x0 against 1 hop away",
        "neighbours",
        "neighbours against 1 hop away",
        "unlike 1 hop away",
        "triangles",
        "neighbours linked",
    ]
    assert masks.any(1).all()


def test_many_features_become_components():
    wide = network(width=30)
    data = Nodes(components=4, hops=1).fit(wide)
    names, _ = data.groups(data.encode(wide)[0])
    assert names[:4] == [f"component {i}" for i in range(4)]
    gram = data.directions_ @ data.directions_.T
    np.testing.assert_allclose(gram, np.eye(4), atol=1e-9)


def test_libraries_files_and_mappings_give_the_same(tmp_path):
    graph = network(10)
    np.savez(tmp_path / "graph.npz", **graph)
    other = networkx.Graph()
    other.add_nodes_from((i, {"x": row}) for i, row in enumerate(graph["x"]))
    other.add_edges_from(graph["edge_index"].T.tolist())
    like_geometric = SimpleNamespace(**graph)
    data = Nodes().fit(graph)
    for form in (tmp_path / "graph.npz", str(tmp_path / "graph.npz"), other, like_geometric):
        np.testing.assert_array_equal(data.encode(form), data.encode(graph))
    assert type(guess(other)) is type(guess(like_geometric)) is Nodes


def test_labels_of_nodes_are_seen_and_unknown_ones_told_apart():
    graph = networkx.path_graph(8)
    networkx.set_node_attributes(graph, {i: "ab"[i % 2] for i in graph}, "label")
    data = Nodes(hops=0).fit(graph)
    assert data.levels_ == ["a", "b"]
    changed = graph.copy()
    changed.nodes[4]["label"] = "c"
    moved = (data.encode(changed) != data.encode(graph)).any(1).nonzero().ravel()
    assert moved.tolist() == [4]
    with pytest.raises(InputError, match="labels"):
        data.encode(networkx.path_graph(8))


@pytest.mark.parametrize(
    ("graph", "match"),
    [
        ({"x": np.ones((3, 1))}, "edge_index"),
        ({"x": np.ones((3, 1)), "edge_index": np.ones((3, 2))}, "shape"),
        ({"x": np.ones((3, 1)), "edge_index": np.array([[0], [3]])}, "number 3"),
        ({"x": np.array([[np.nan]] * 3), "edge_index": np.zeros((2, 0))}, "nan"),
        ({"x": np.ones((0, 1)), "edge_index": np.zeros((2, 0))}, "no nodes"),
        ({"x": np.ones((1, 1)), "edge_index": np.zeros((2, 0))}, "1 rows"),
        (np.ones((3, 3)), "ndarray"),
        ([networkx.path_graph(3)], "Graphs"),
    ],
)
def test_what_is_no_graph_is_refused(graph, match):
    with pytest.raises(InputError, match=match):
        Nodes().fit(graph)


@pytest.mark.parametrize("wrong", [{"hops": -1}, {"components": 0}, {"scaling": "x"}])
def test_senseless_parameters_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Nodes(**wrong).fit(network())


def test_another_width_is_refused():
    with pytest.raises(InputError, match="2 features"):
        Nodes().fit(network()).encode(network(width=2))


def test_arrays_without_edges_are_refused(tmp_path):
    np.savez(tmp_path / "rows.npz", X=np.ones((3, 2)))
    with pytest.raises(InputError, match="'x'"):
        as_node_set(tmp_path / "rows.npz")


def test_nodes_unlike_their_neighbours_stand_out():
    generator = np.random.default_rng(0)
    count, group = 300, np.arange(300) % 2
    step = generator.integers(1, 20, size=4 * count)
    first = generator.integers(0, count, size=4 * count)
    x = np.outer(group, [3.0, -3.0]) + generator.normal(size=(count, 2))
    swapped = generator.choice(count, 15, replace=False)
    x[swapped] = np.outer(1 - group[swapped], [3.0, -3.0]) + generator.normal(size=(15, 2))
    graph = {"x": x, "edge_index": np.stack([first, (first + 2 * step) % count])}
    truth = np.isin(np.arange(count), swapped).astype(int)
    for detector in (NeuTraLAD(data=Nodes(), steps=100), KNN(data=Nodes())):
        assert auroc(truth, detector.fit(graph).decision_scores_) > 0.9


def test_the_table_inside_is_saved(tmp_path):
    detector = KNN(data=Nodes(hops=1)).fit(network())
    detector.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    new = network(seed=2)
    np.testing.assert_array_equal(loaded.decision_function(new), detector.decision_function(new))
    assert loaded.data_.describe() == detector.data_.describe()
    assert isinstance(loaded.data_.take(new, np.array([0])), NodeSet)


@pytest.mark.parametrize(("name", "count", "anomalies"), [("disney", 124, 6), ("books", 1418, 28)])
def test_public_sets_have_the_published_counts(name, count, anomalies):
    try:
        nodes, labels = datasets.load_unsplit(f"pygod/{name}")
    except InputError as error:
        pytest.skip(str(error))
    assert (len(nodes), labels.sum()) == (count, anomalies)


def test_a_mapping_is_guessed_and_named_features_are_not_mixed_up():
    assert type(guess(network())) is Nodes
    graph = networkx.gnp_random_graph(40, 0.1, seed=0)
    for node in graph:
        graph.nodes[node].update(age=float(node), label=node % 3)
    other = graph.copy()
    for node in other:
        other.nodes[node]["zone"] = other.nodes[node].pop("age")
        graph.nodes[node]["label"] = float(graph.nodes[node]["label"])
    detector = KNN(data=Nodes(hops=1)).fit(graph)
    for node in graph:
        graph.nodes[node]["label"] = int(graph.nodes[node]["label"])
    np.testing.assert_array_equal(detector.decision_function(graph), detector.decision_scores_)
    with pytest.raises(InputError, match="'zone', but training has 'age'"):
        detector.decision_function(other)
