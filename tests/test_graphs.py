"""Packed graphs, networks on them, and the readers."""

import warnings
import zipfile
from types import SimpleNamespace

import networkx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from askew import KNN, PLAD, AutoEncoder, Graphs, InputError, NeuTraLAD, datasets, load
from askew.data import guess
from askew.data.graph_changes import without_each
from askew.data.graph_set import as_graph_set, clean_edges
from askew.data.packed_graphs import PackedGraphs, ragged
from askew.files.graphs import has_tu_files, read_graphs
from askew.metrics import auroc
from askew.nets.gin import GINShape, GraphEmbedding, StackedGIN, graph_norm
from askew.nets.graph_summary import GraphSummary, degree_bucket
from askew.nets.transform import KINDS

pytestmark = pytest.mark.filterwarnings("ignore:health")


def random_graphs(sizes, seed=0, width=3):
    """Graphs of these numbers of nodes, as anything with x and edge_index."""
    generator = np.random.default_rng(seed)
    return [
        SimpleNamespace(
            x=generator.normal(size=(n, width)),
            edge_index=generator.integers(0, n, size=(2, generator.integers(0, 3 * n))),
        )
        for n in sizes
    ]


def packed(sizes, seed=0):
    found = as_graph_set(random_graphs(sizes, seed)).packed
    return found.with_x(found.x.float())


def same(a, b):
    return all(torch.equal(getattr(a, n), getattr(b, n)) for n in ("x", "edges", "nodes", "links"))


def dense(graphs, i):
    """Return features and adjacency of one graph, by hand."""
    before, links = int(graphs.nodes[:i].sum()), int(graphs.links[:i].sum())
    n = int(graphs.nodes[i])
    adjacency = torch.zeros(n, n)
    for first, second in graphs.edges[:, links : links + int(graphs.links[i])].T.tolist():
        adjacency[first, second] += 1
    return graphs.x[before : before + n], adjacency


SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(SIZES, st.data())
def test_picking_is_what_picking_one_by_one_and_joining_is(sizes, data):
    graphs = packed(sizes)
    index = data.draw(st.lists(st.integers(0, len(sizes) - 1), max_size=10))
    picked = graphs[np.array(index, dtype=int)]
    assert len(picked) == len(index)
    for place, i in enumerate(index):
        for a, b in zip(dense(picked, place), dense(graphs, i), strict=True):
            torch.testing.assert_close(a, b)
    if index:
        assert same(picked, PackedGraphs.join([graphs[i : i + 1] for i in index]))


@settings(max_examples=40, deadline=None)
@given(SIZES, st.integers(1, 5))
def test_cut_and_joined_is_as_before(sizes, size):
    graphs = packed(sizes)
    assert same(PackedGraphs.join(graphs.split(size)), graphs)
    assert same(graphs[:], graphs)
    assert same(graphs[torch.arange(len(graphs)) % 2 == 0], graphs[::2])
    assert same(graphs.repeat(2), PackedGraphs.join([graphs, graphs]))
    assert same(graphs[-1:], graphs[np.array([-1])])


def test_sums_over_neighbours_and_nodes_are_those_of_a_loop():
    graphs = packed([1, 4, 7, 3])
    summed, pooled = graphs.neighbours(graphs.x), graphs.pool(graphs.x)
    for i, rows in enumerate(summed.split(graphs.nodes.tolist())):
        x, adjacency = dense(graphs, i)
        torch.testing.assert_close(rows, adjacency @ x)
        torch.testing.assert_close(pooled[i], x.sum(0))
        torch.testing.assert_close(graphs.mean(graphs.x)[i], x.mean(0))
    assert (graphs.degrees == graphs.neighbours(torch.ones(15, 1))[:, 0]).all()


def test_the_way_back_through_neighbours_is_that_of_a_dense_product():
    graphs = packed([5, 6])
    x = graphs.x.double().requires_grad_()
    torch.autograd.gradcheck(graphs.with_x(x).neighbours, x)


def test_ragged_pieces():
    first, counts = torch.tensor([7, 0, 3]), torch.tensor([2, 0, 3])
    assert ragged(first, counts).tolist() == [7, 8, 3, 4, 5]


def shape(**other):
    usual = dict(inputs=3, width=5, layers=3, bias=True, norm=False, around=2.0, roots=True)
    return GINShape(**{**usual, **other})


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("roots", [False, True])
def test_networks_side_by_side_are_those_of_a_loop_over_networks_and_graphs(norm, bias, roots):
    graphs = packed([1, 4, 7, 3])
    net = StackedGIN(shape(norm=norm, bias=bias, roots=roots), 4, 8)
    found = net(graphs)
    assert found.shape == (4, 4, 8)
    for k in range(4):
        for i in range(len(graphs)):
            torch.testing.assert_close(
                found[k, i], by_hand(net, k, *dense(graphs, i), norm, roots), rtol=1e-3, atol=1e-3
            )


def by_hand(net, k, h, adjacency, norm, roots):
    def linear(layer, x):
        out = x @ layer.weight[k]
        return out if layer.bias is None else out + layer.bias[k]

    parts = []
    for layer, readout in zip(net.layers, net.readouts, strict=True):
        message = linear(layer.inner, h)
        h = linear(layer.outer, ((message + adjacency @ message) / 2.0).relu()).relu()
        if norm:
            h = (h - h.mean(0)) / (h.var(0, unbiased=False) + 1e-5).sqrt()
        pooled = linear(readout.inner, h).relu().sum(0)
        pooled = (pooled + 1e-3).sqrt() if roots else pooled
        parts.append(linear(readout.outer, pooled))
    return torch.cat(parts, dim=-1).squeeze()


def test_without_biases_the_order_of_sums_and_linear_layers_does_not_matter():
    """The paper's network: two linear layers after the sum over neighbours, two before the pool."""
    graphs = packed([4, 6])
    net = StackedGIN(shape(bias=False, around=1.0, roots=False, layers=1), 1, 2)
    layer, readout = net.layers[0], net.readouts[0]
    for i in range(2):
        x, adjacency = dense(graphs, i)
        h = ((x + adjacency @ x) @ layer.inner.weight[0]).relu() @ layer.outer.weight[0]
        paper = (h.relu() @ readout.inner.weight[0]).relu() @ readout.outer.weight[0]
        torch.testing.assert_close(net(graphs)[0, i], paper.sum(0), rtol=1e-4, atol=1e-5)


def test_node_order_does_not_matter_and_norm_is_of_each_graph():
    graphs = random_graphs([6])
    order = np.random.default_rng(1).permutation(6)
    place = np.argsort(order)
    other = SimpleNamespace(x=graphs[0].x[order], edge_index=place[graphs[0].edge_index])
    both = as_graph_set([graphs[0], other]).packed
    both = both.with_x(both.x.float())
    for net in (GraphEmbedding(shape(norm=True), 3, 8), GraphSummary(0, 3, [1, 4])):
        one, other = net(both)
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    h = graph_norm(both, torch.randn(2, 12, 4))
    torch.testing.assert_close(h[:, :6].mean(1), torch.zeros(2, 4), atol=1e-5, rtol=0)


def test_roots_of_counts_are_equally_uncertain_whatever_the_size():
    """Poisson counts of 10 and of 1,000: the square roots spread alike, the counts tenfold."""
    drawn = np.random.default_rng(0).poisson([10, 1000], size=(20_000, 2))
    assert np.sqrt(drawn).std(0) == pytest.approx([0.5, 0.5], abs=0.02)


def test_summary_by_hand():
    path = SimpleNamespace(
        x=np.array([[4.0], [4.0], [-2.0]]), edge_index=np.array([[0, 1], [1, 2]])
    )
    graphs = as_graph_set([path]).packed
    sizes, of_nodes, of_edges = GraphSummary(0, 1, [26, 48]).blocks(graphs)
    np.testing.assert_allclose(sizes, np.log1p([[3, 2, 2 / 3]]))
    degrees = np.zeros(24)
    degrees[1:3] = np.sqrt([2, 1])  # two ends, one in the middle
    np.testing.assert_allclose(of_nodes, [[*degrees, 2 * np.sqrt(3)]])
    # An edge from an end to the middle is 1 * 24 + 2 = 26; the other way round 49, not counted.
    np.testing.assert_allclose(of_edges, [np.sqrt([2, 0, 2])])
    assert degree_bucket(torch.tensor([7, 8, 10, 11])).tolist() == [7, 8, 9, 9]


# Raw input.


def test_edges_come_once_in_each_direction_and_never_from_a_node_to_itself():
    edges = np.array([[0, 1, 0, 2, 0], [1, 0, 1, 2, 2]])
    assert clean_edges(edges, 3).T.tolist() == [[0, 1], [0, 2], [1, 0], [2, 0]]


def test_libraries_and_files_give_the_same(tmp_path):
    geometric = pytest.importorskip("torch_geometric.data")
    x = torch.tensor([[0.5], [1.0], [2.0]])
    edges = torch.tensor([[0, 1, 1], [1, 2, 0]])
    one = geometric.Data(x=x, edge_index=edges)
    other = networkx.Graph([(0, 1), (1, 2)])
    networkx.set_node_attributes(other, {i: float(v) for i, v in enumerate(x)}, "size")
    write_tu(tmp_path / "SET", attributes=["0.5", "1.0", "2.0"] * 2)
    first = as_graph_set([one, other]).packed
    assert same(first, as_graph_set(tmp_path / "SET").packed)
    assert same(first[:1], first[1:])
    assert type(guess([one, other])) is Graphs


def write_tu(folder, *, attributes=None, labels=None, classes=("0", "1"), edges=None):
    """Two paths of three nodes, every edge twice in each direction and a node joined to itself."""
    folder.mkdir()
    paths = ["1, 2", "2, 1", "1, 2", "2, 1", "2, 3", "3, 2", "4, 5", "5, 4", "5, 6", "6, 5", "6, 6"]
    files = {
        "A": edges or paths,
        "graph_indicator": ["1", "1", "1", "2", "2", "2"],
        "graph_labels": classes,
        "node_labels": labels,
        "node_attributes": attributes,
    }
    for name, lines in files.items():
        if lines is not None:
            (folder / f"{folder.name}_{name}.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_zips_of_tu_sets_are_read_also_with_lzma(tmp_path, method):
    folder = write_tu(tmp_path / "SET", labels=["3", "3", "5", "5", "5", "3"])
    with zipfile.ZipFile(tmp_path / "SET.zip", "w", method) as archive:
        for file in folder.iterdir():
            archive.write(file, f"SET/{file.name}")
    assert has_tu_files(tmp_path / "SET.zip")
    assert has_tu_files(folder)
    assert has_tu_files(folder.parent)  # as a zip unpacks
    found, plain = read_graphs(tmp_path / "SET.zip"), read_graphs(folder)
    assert same(found.graphs.packed, plain.graphs.packed)
    assert found.graphs.names == ("3", "5")
    assert found.graphs.labels.tolist() == [0, 0, 1, 1, 1, 0]
    assert found.graphs.packed.links.tolist() == [4, 4]
    assert found.classes.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ({"edges": ["1, 9"]}, "number 8"),
        ({"edges": ["1, 4"]}, "different graphs"),
        ({"edges": ["1, x"]}, "not numbers"),
        ({"attributes": ["1", "2"]}, "one a node"),
        ({"attributes": ["1", "2", "inf", "1", "1", "1"]}, "finite"),
        ({"classes": ["1"]}, "one a graph"),
    ],
)
def test_tu_sets_that_contradict_themselves_are_refused(tmp_path, files, match):
    with pytest.raises(InputError, match=match):
        read_graphs(write_tu(tmp_path / "SET", **files))


def test_folders_and_zips_without_graphs_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"_A\.txt"):
        read_graphs(tmp_path)
    (tmp_path / "no.zip").write_bytes(b"PK not really")
    assert not has_tu_files(tmp_path / "no.zip")
    with pytest.raises(InputError, match="cannot be read"):
        read_graphs(tmp_path / "no.zip")


@pytest.mark.parametrize(
    ("graphs", "match"),
    [
        ([networkx.Graph(), networkx.path_graph(2)], "no nodes"),
        ([networkx.path_graph(2)], "at least 2"),
        ([], "at least 2"),
        (networkx.path_graph(3), "one graph"),
        ([networkx.path_graph(2), "a word"], "str"),
        (7, "int"),
        ([*random_graphs([3]), *random_graphs([3], width=2)], "node features"),
        ([SimpleNamespace(x=np.ones((2, 1)), edge_index=np.array([[0], [2]]))] * 2, "number 2"),
        ([SimpleNamespace(x=np.array([["a"]]), edge_index=np.zeros((2, 0)))] * 2, "numbers"),
    ],
)
def test_what_is_no_set_of_graphs_is_refused(graphs, match):
    with pytest.raises(InputError, match=match):
        Graphs().fit(graphs)


def test_networkx_data_that_do_not_match_are_refused():
    partly, worded = networkx.path_graph(3), networkx.path_graph(3)
    partly.nodes[0]["size"] = 1.0
    networkx.set_node_attributes(worded, "red", "colour")
    labelled = networkx.path_graph(3)
    networkx.set_node_attributes(labelled, "C", "label")
    for graphs, match in [
        ([partly] * 2, "some nodes only"),
        ([worded] * 2, "not numbers"),
        ([labelled, networkx.path_graph(3)], "Some graphs"),
    ]:
        with pytest.raises(InputError, match=match):
            Graphs().fit(graphs)
    fitted = Graphs().fit([labelled] * 2)
    with pytest.raises(InputError, match="lack labels"):
        fitted.encode([networkx.path_graph(3)])


@pytest.mark.parametrize("wrong", [{"scaling": "x"}, {"sums": "x"}, {"layers": 0}, {"labels": 0}])
def test_senseless_parameters_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Graphs(**wrong).fit([networkx.path_graph(3)] * 3)


def test_nodes_are_described_by_labels_by_attributes_or_by_neighbours():
    labelled = networkx.path_graph(3)
    networkx.set_node_attributes(labelled, {0: "C", 1: "N", 2: "C"}, "label")
    data = Graphs(labels=1).fit([labelled, labelled])
    assert data.levels_ == ["C"]
    assert data.encode([labelled]).x.tolist() == [[1, 0], [0, 1], [1, 0]]
    bare = Graphs().fit([networkx.path_graph(3), networkx.star_graph(3)])
    assert bare.encode([networkx.star_graph(9)]).x.argmax(1).tolist() == [4, *[1] * 9]
    assert bare.encode([networkx.empty_graph(2)]).x.argmax(1).tolist() == [0, 0]
    measured = Graphs().fit(random_graphs([50, 50]))
    x = measured.encode(random_graphs([50, 50])).x
    torch.testing.assert_close(x.mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std(0), torch.ones(3), atol=0.02, rtol=0)


def test_graphs_without_edges_are_scored_and_stand_out():
    rings = [networkx.cycle_graph(n) for n in (5, 6, 7, 8) * 10]
    detector = NeuTraLAD(steps=20).fit(rings)
    alone = detector.decision_function([networkx.empty_graph(6)])
    assert alone > detector.decision_scores_.max()
    assert detector.decision_function([]).shape == (0,)


def test_altered_copies_are_what_they_are_called():
    data = Graphs().fit(random_graphs([30] * 4))
    x = data.encode(random_graphs([30] * 4))
    altered = data.alter(x, torch.Generator().manual_seed(0))
    assert altered["grown"].nodes.tolist() == [90] * 4
    assert altered["grown"].links.tolist() == (3 * x.links).tolist()
    assert (altered["cut"].links < x.links / 2).all()
    assert (altered["rewired"].links <= x.links).all()
    assert (altered["rewired"].links > x.links / 2).all()
    assert torch.equal(altered["shuffled"].x.sort(0).values, x.x.sort(0).values)


@pytest.mark.parametrize("method", [PLAD, AutoEncoder])
@pytest.mark.parametrize("described", ["labels", "nothing", "one label"])
def test_small_and_edgeless_graphs_are_moved_and_restored(method, described):
    generator = np.random.default_rng(0)
    sizes, labels = generator.integers(1, 7, size=40).tolist(), {"labels": "CN", "one label": "C"}
    items = [networkx.gnp_random_graph(size, 0.3, seed=size) for size in sizes]
    for graph in items if described in labels else ():
        for node in graph:
            graph.nodes[node]["label"] = generator.choice(list(labels[described]))
    detector = method(steps=20, nets=1, contamination=0.1).fit(items)
    assert np.isfinite(detector.decision_scores_).all()
    alone = [detector.decision_function([graph])[0] for graph in items[:5]]
    np.testing.assert_allclose(detector.decision_function(items)[:5], alone, rtol=1e-4, atol=1e-5)


def test_items_that_chance_does_not_move_are_left_to_the_perturbator():
    rings = [networkx.cycle_graph(n) for n in (4, 5, 6, 7) * 10]  # all nodes look alike
    detector = PLAD(steps=0, nets=1, random=1.0, surround=False).fit(rings)
    x = detector.data_.encode(rings)
    assert (detector.data_.stray(x) == 0).all()
    some = torch.ones_like(x.x)
    scale, shift = detector._partly_random(x, some, 2 * some)
    assert torch.equal(scale, some)
    assert torch.equal(shift, 2 * some)


def test_scattered_nodes_become_others_of_the_batch():
    data = Graphs().fit(random_graphs([30] * 4))
    x = data.encode(random_graphs([30] * 4))
    torch.manual_seed(0)
    made = x.x + data.scatter(x)
    known = {tuple(row) for row in x.x.round(decimals=4).tolist()}
    assert {tuple(row) for row in made.round(decimals=4).tolist()} <= known
    shares = x.mean((made != x.x).any(1, keepdim=True).float()).squeeze(1)
    assert shares.max() - shares.min() > 0.2  # a share of each graph's own


def test_nodes_are_decoded_from_their_graph_and_their_neighbours():
    data = Graphs(width=8).fit(random_graphs([6] * 4))
    graph = data.encode(random_graphs([6, 5]))
    decoder, described = data.decoder(3, outputs=2, bias=True), torch.randn(2, 3)
    made = decoder(described, graph)
    for i, first in enumerate((0, 6)):
        x, adjacency = dense(graph, i)
        for node in range(len(x)):
            beside = x[adjacency[node] > 0]
            mean = beside.mean(0) if len(beside) else torch.zeros(x.shape[1])
            naive = decoder.layers(torch.cat([described[i], mean])).view(2, -1)
            torch.testing.assert_close(made[first + node], naive)


@pytest.mark.parametrize("kind", KINDS)
def test_views_of_graphs_are_a_loop_over_views_and_nodes(kind):
    data = Graphs(width=8).fit(random_graphs([6] * 4))
    graph = data.encode(random_graphs([6, 5]))
    views = data.transform(3, kind, bias=True)
    seen, (first, last) = views(graph), (views.nodes.stack[0], views.nodes.stack[2])
    assert len(seen) == 6
    for k, view in enumerate(seen.split(2)):
        assert torch.equal(view.edges, graph.edges)
        for node, x in enumerate(graph.x):
            h = torch.relu(x @ first.weight[k] + first.bias[k, 0])
            naive = KINDS[kind](x, h @ last.weight[k] + last.bias[k, 0])
            torch.testing.assert_close(view.x[node], naive)
    assert views.masks(graph).shape == (11, 3, graph.x.shape[1])


def test_features_of_graphs_are_restored_where_zero_is_the_usual_one():
    data = Graphs().fit(random_graphs([20] * 40))
    x = data.encode(random_graphs([5, 20, 60]))
    assert torch.equal(data.target(x), data.features()(x))
    error = data.pool(data.error(x, torch.zeros_like(data.target(x))), x)
    assert error.argmin() == 1


def test_leaving_out_each_node_is_what_a_loop_does():
    graph = packed([6])
    x, adjacency = dense(graph, 0)
    for i, found in enumerate(without_each(graph).split(1)):
        rest = [node for node in range(6) if node != i]
        for a, b in zip(dense(found, 0), (x[rest], adjacency[rest][:, rest]), strict=True):
            torch.testing.assert_close(a, b)


def test_explanation_points_at_the_strange_node_and_is_drawn():
    graphs = random_graphs([8] * 80)
    detector = KNN().fit(graphs)
    strange = random_graphs([8], seed=5)
    strange[0].x[3] += 9
    (explanation,) = detector.explain(strange)
    assert explanation.names[0] == "node 3"
    assert explanation.points.argmax() == 3
    figure, words = detector.data_.picture(strange, explanation)
    assert "nodes" in words
    assert len(figure.axes) == 2


@pytest.mark.parametrize(
    "data", [Graphs(norm=True, sums="plain", width=8), Graphs(networks="summary", width=8)]
)
def test_saved_graphs_score_as_before(data, tmp_path):
    detector = NeuTraLAD(steps=5, data=data).fit(random_graphs([5] * 30))
    detector.save(tmp_path / "model")
    new = random_graphs([4, 9], seed=3)
    np.testing.assert_array_equal(
        load(tmp_path / "model").decision_function(new), detector.decision_function(new)
    )


def test_views_of_a_summary_find_larger_graphs():
    data = Graphs(networks="summary", width=16)
    detector = NeuTraLAD(steps=60, data=data, nets=1).fit(random_graphs([8] * 100))
    normal, larger = (random_graphs([size] * 20, seed=7) for size in (8, 24))
    scores = detector.decision_function([*normal, *larger])
    assert auroc(np.repeat([0, 1], 20), scores) > 0.9
    assert data.step_numbers == np.inf
    assert Graphs().step_numbers < np.inf


# Public sets, where they are.


def needed(name):
    try:
        return datasets.load_unsplit(name)
    except InputError as error:
        pytest.skip(str(error))


def test_folds_are_stratified_and_keep_anomalies_out_of_training():
    found = datasets.Unsplit(np.arange(50), np.repeat([-1, 1], [30, 20]))
    seen = []
    for fold in range(5):
        train, test, labels = datasets.fold_vs_rest(found, 1, fold=fold, folds=5)
        assert set(train) <= set(range(30, 50))
        assert not set(train) & set(test)
        assert (len(train), len(test), labels.sum()) == (16, 10, 6)
        seen += list(test)
    assert sorted(seen) == list(range(50))
    with pytest.raises(InputError, match="fewer items"):
        datasets.fold_vs_rest(found, 1, fold=0, folds=21)


def test_imdb_lists_edges_twice():
    graphs = needed("tu/IMDB-BINARY").items
    assert len(graphs) == 1000
    assert graphs.packed.edges.shape[1] == 193_062


@pytest.mark.slow
def test_the_default_is_not_turned_round_on_proteins():
    found = needed("tu/PROTEINS")
    for cls in (1, 2):
        train, test, labels = datasets.fold_vs_rest(found, cls, fold=0, folds=5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = NeuTraLAD().fit(train).decision_function(test)
        from askew.metrics import auroc

        assert auroc(labels, scores) > 0.5


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        (np.array([[0, 1], [1, 2], [2, 0]]), r"shape \(3, 2\): expected \(2, edges\)"),
        (np.array([[0.5, 1], [1, 2]]), "holds 0.5: expected numbers of nodes"),
        (np.array([[True, False], [True, True]]), "holds True: expected numbers of nodes"),
        ([["a"], ["b"]], "no array of numbers"),
        ([[0, 1], [1]], "no array of numbers"),
    ],
)
def test_edges_of_another_form_are_refused(edges, words):
    graph = SimpleNamespace(x=np.zeros((3, 1)), edge_index=edges)
    with pytest.raises(InputError, match=words):
        as_graph_set([graph])


def test_tensors_with_gradients_or_half_precision_are_taken():
    x, edges = torch.randn(4, 2), torch.tensor([[0, 1], [1, 2]])
    given = [x, x.clone().requires_grad_(), x.bfloat16()]
    found = as_graph_set([SimpleNamespace(x=one, edge_index=edges) for one in given])
    np.testing.assert_allclose(found.attributes[:4], found.attributes[4:8])
    np.testing.assert_allclose(found.attributes[:4], found.attributes[8:], rtol=0.01)


def ring(size, **measured):
    graph = networkx.cycle_graph(size)
    for node in graph:
        graph.nodes[node].update({name: of(node) for name, of in measured.items()})
    return graph


def test_attributes_are_taken_by_name(tmp_path):
    rings = [ring(n, age=float, income=lambda v: v % 3) for n in range(5, 25)]
    detector = KNN().fit(rings)
    detector.save(tmp_path / "model")
    other = [ring(n, income=float, zone=lambda v: v % 3) for n in (5, 6)]
    for one in (detector, load(tmp_path / "model")):
        with pytest.raises(InputError, match="'income', 'zone', but training has 'age', 'income'"):
            one.decision_function(other)
    with pytest.raises(InputError, match="Graph 20 has node data"):
        as_graph_set([*rings, *other])


def test_labels_1_and_1_0_are_the_same():
    whole = as_graph_set([ring(6, label=lambda v: v % 3)])
    broken = as_graph_set([ring(6, label=lambda v: float(v % 3))])
    assert whole.names == broken.names == ("0", "1", "2")


def test_many_graphs_in_one_batch_are_graphs():
    with warnings.catch_warnings(action="ignore"):  # of torch_geometric about torch
        geometric = pytest.importorskip("torch_geometric.data")
    edges = torch.tensor([[0], [1]])
    graphs = [geometric.Data(x=torch.randn(n, 2), edge_index=edges) for n in (3, 4, 5)]
    batch = geometric.Batch.from_data_list(graphs)
    assert type(guess(batch)) is Graphs
    assert as_graph_set(batch).sizes.tolist() == [3, 4, 5]


def test_node_data_that_are_no_numbers_are_refused():
    with pytest.raises(InputError, match="'box' are not numbers of one width"):
        as_graph_set([ring(4, box=lambda v: {"a": v})])


def test_attributes_of_several_numbers_are_not_mixed_up():
    one = ring(5, pos=lambda v: [v, 0.5], x=float)
    other = ring(5, pos=float, x=lambda v: [v, 0.5])
    with pytest.raises(InputError, match="'pos', 'x of 2', but graph 0 has 'pos of 2', 'x'"):
        as_graph_set([one, other])
    other.nodes[3]["pos"] = [1.0, 2.0]
    with pytest.raises(InputError, match="not numbers of one width"):
        as_graph_set([other])


def test_models_from_when_1_0_was_a_label_of_its_own_know_it_still():
    rings = [ring(n, label=lambda v: v % 3) for n in (5, 6, 7)]
    data = Graphs().fit(rings)
    expected = data.encode(rings).x
    data.levels_ = ["0.0", "1.0", "2.0"]  # as models before schema 8 have them
    assert torch.equal(data.encode(rings).x, expected)


def test_copies_that_are_larger_than_their_originals_are_judged_beside_them(monkeypatch):
    monkeypatch.setattr("askew.pieces.NUMBERS", 2000)  # a batch is a few graphs
    graphs = random_graphs([20] * 40)
    detector = NeuTraLAD(data=Graphs(networks="summary"), nets=1, steps=2).fit(graphs)
    items = detector.data_.encode(graphs)
    copies = detector.data_.alter(items, torch.Generator().manual_seed(0))["grown"]
    found = detector.score_copies(copies, items)
    one = np.concatenate(
        [detector.score_copies(copies[i : i + 1], items[i : i + 1]) for i in range(40)]
    )
    np.testing.assert_allclose(found, one, rtol=1e-3)
