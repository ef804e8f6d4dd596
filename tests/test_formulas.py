"""Each loss and network against its paper's formula, written with plain loops or in closed form."""

import math

import pytest
import torch
from torch import nn

from askew.losses import SIMILARITIES, contrast, cosine, euclidean, prediction, simclr
from askew.nets import stacked_conv
from askew.nets.conv import SeriesEncoder, SeriesViews
from askew.nets.mlp import MLP, StackedMLP
from askew.nets.transform import KINDS, Embedding, TableViews


def together(item, views):
    """Embeddings as `contrast` takes them: each item's own before those of its views."""
    return torch.cat([item[:, None], views], dim=1)


def naive_contrast(reference, views, temperature, similarity):
    """Equation 2 of Qiu et al. 2021 for one item, term by term."""

    def h(a, b):
        if similarity == "cosine":
            return math.exp(float(a @ b / (a.norm() * b.norm())) / temperature)
        return math.exp(-float((a - b).norm()) / temperature)

    terms = []
    for k, view in enumerate(views):
        own = h(view, reference)
        others = sum(h(view, other) for i, other in enumerate(views) if i != k)
        terms.append(-math.log(own / (own + others)))
    return terms


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
@pytest.mark.parametrize(("views", "temperature"), [(2, 1.0), (5, 0.1), (11, 0.2)])
def test_contrast_is_the_papers_formula(similarity, views, temperature):
    reference, z = torch.randn(4, 8).double(), torch.randn(4, views, 8).double()
    found = contrast(together(reference, z), temperature, similarity)
    for i in range(4):
        expected = naive_contrast(reference[i], z[i], temperature, similarity)
        assert found[i].tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
@pytest.mark.parametrize(
    ("views", "value"),
    [(2, 1.386294), (4, 5.545177), (11, 26.376848), (12, 29.818880), (15, 40.620753)],
)
def test_identical_views_cost_k_log_k(views, value, similarity, temperature):
    z = torch.randn(1, 16).double()
    found = contrast(together(z, z.expand(views, -1)[None]), temperature, similarity).sum()
    assert float(found) == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize(("temperature", "value"), [(1.0, 0.626523), (0.1, 9.0798e-5)])
def test_opposite_views_orthogonal_to_the_item(temperature, value):
    """Proposition 3's counter-example: low loss, yet the views say nothing of the item."""
    z = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]]).double()
    found = contrast(together(torch.tensor([[0.0, 1.0]]).double(), z), temperature).sum()
    assert float(found) == pytest.approx(value, rel=1e-4)


def test_one_hot_views_orthogonal_to_the_item_still_have_a_gradient():
    z = torch.eye(4, 5)[None].double().requires_grad_()
    item = torch.eye(5)[4:].double().requires_grad_()
    found = contrast(together(item, z), 1.0).sum()
    found.backward()
    assert float(found.detach()) == pytest.approx(4 * math.log(4), abs=1e-6)
    assert math.hypot(z.grad.norm(), item.grad.norm()) == pytest.approx(2.74, abs=0.01)


@pytest.mark.parametrize(
    ("views", "temperature", "value"),
    [(4, 1.0, 4.146369), (4, 0.1, 0.080049), (11, 1.0, 23.406612), (11, 0.1, 4.389510)],
)
def test_one_hot_views_around_the_item(views, temperature, value):
    z = torch.eye(views)[None].double()
    found = contrast(together(z.mean(1), z), temperature).sum()
    assert float(found) == pytest.approx(value, abs=1e-5)


def test_item_equal_to_one_of_its_one_hot_views():
    z = torch.eye(4)[None].double()
    assert float(contrast(together(z[:, 0], z), 1.0).sum()) == pytest.approx(4.902551, abs=1e-5)


def best_views(views):
    """The closed-form minimum: all cosines to the item (K-1)/(2K), residuals a regular simplex."""
    s = (views - 1) / (2 * views)
    corners = torch.eye(views).double() - 1 / views
    corners = corners / corners.norm(dim=1, keepdim=True)
    item = torch.zeros(1, views + 1).double()
    item[0, -1] = 1
    z = torch.cat([math.sqrt(1 - s * s) * corners, torch.full((views, 1), s).double()], dim=1)
    return item, z[None]


@pytest.mark.parametrize(
    ("views", "temperature", "value"),
    [
        (2, 1.0, 0.562300),
        (4, 1.0, 4.092790),
        (4, 0.1, 0.065117),
        (11, 0.1, 3.535177),
        (15, 0.1, 7.643822),
        (11, 0.2, 11.888169),
    ],
)
def test_closed_form_minimum(views, temperature, value):
    found = contrast(together(*best_views(views)), temperature).sum()
    assert float(found) == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("views", [2, 3, 4])
def test_no_descent_goes_below_the_minimum(views):
    lowest = float(contrast(together(*best_views(views)), 1.0).sum())
    reached = []
    for seed in range(3):
        z = torch.randn(1, views, 8, generator=torch.Generator().manual_seed(seed)).double()
        z.requires_grad_()
        item = torch.eye(1, 8).double()
        optimizer = torch.optim.LBFGS([z], max_iter=300, line_search_fn="strong_wolfe")

        def closure(z=z, item=item, optimizer=optimizer):
            optimizer.zero_grad()
            loss = contrast(together(item, z), 1.0).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        reached.append(float(closure()))
    assert min(reached) == pytest.approx(lowest, abs=1e-4)
    assert min(reached) >= lowest - 1e-9


@pytest.mark.parametrize(
    ("size", "value"), [(0, 5.545177), (1, 2.974674), (5, 0.080049), (10, 5.4476e-4)]
)
def test_prediction_of_constant_one_hot_views(size, value):
    """Proposition 1: views that ignore the item reach the minimum of transformation prediction."""
    found = prediction(size * torch.eye(4)[None].double()).sum()
    assert float(found) == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    ("items", "temperature", "value"),
    [(2, 1.0, 2.205779), (4, 1.0, 9.323377), (4, 0.1, 0.0021789)],
)
def test_simclr_of_identity_views(items, temperature, value):
    """Proposition 2: views equal to the item reach the minimum of SimCLR."""
    z = torch.eye(items).double()
    assert float(simclr(z, z, temperature).sum()) == pytest.approx(value, rel=1e-4)


def test_simclr_of_collapsed_embeddings():
    z = torch.ones(4, 3).double()
    assert float(simclr(z, z, 1.0).sum()) == pytest.approx(8 * math.log(7), abs=1e-6)


def test_simclr_is_the_papers_formula():
    first, second = torch.randn(3, 5).double(), torch.randn(3, 5).double()
    h = torch.exp(cosine(torch.cat([first, second])) / 0.5)
    expected = []
    for i in range(3):
        total = 0.0
        for a, b in ((i, i + 3), (i + 3, i)):
            rivals = sum(float(h[a, j]) for j in range(6) if j != a)
            total += -math.log(float(h[a, b]) / rivals)
        expected.append(total)
    assert simclr(first, second, 0.5).tolist() == pytest.approx(expected, rel=1e-9)


def test_views_that_are_the_item_mean_much_and_differ_in_nothing():
    """Semantics and diversity of the journal's ablation: e, 1 / e, and their product 1."""
    h = cosine(torch.randn(3, 1, 6).double().expand(-1, 5, -1)).exp()  # the item and four views
    others = ~torch.eye(4, dtype=bool)
    semantics, diversity = h[:, 1:, 0].mean(), (1 / h[:, 1:, 1:])[:, others].mean()
    assert float(semantics) == pytest.approx(math.e)
    assert float(diversity) == pytest.approx(0.367879, abs=1e-6)
    assert float(semantics * diversity) == pytest.approx(1)


def test_identity_is_stationary_but_no_minimum():
    """Why no transformation may start at zero: from here gradient descent would not move."""
    item = torch.randn(1, 6).double()
    z = item.expand(5, -1)[None].clone().requires_grad_()
    loss = contrast(together(item, z), 0.1).sum()
    loss.backward()
    assert float(z.grad.abs().max()) < 1e-9
    moved = [
        contrast(together(item, z.detach() + 0.1 * torch.randn_like(z)), 0.1).sum()
        for _ in range(20)
    ]
    assert min(float(m) for m in moved) < float(loss)


@pytest.mark.parametrize("kind", KINDS)
def test_networks_do_not_start_at_the_stationary_point(kind):
    x = torch.randn(3, 6)
    views = TableViews(6, 4, width=8, layers=2, kind=kind, bias=True)(x)
    assert float((views.unflatten(0, (4, 3)) - x).abs().amax((1, 2)).min()) > 1e-3


def test_one_view_costs_nothing():
    for similarity in ("cosine", "euclidean"):
        found = contrast(together(torch.randn(5, 3), torch.randn(5, 1, 3)), 0.1, similarity)
        assert float(found.abs().max()) == 0


def test_gradient_is_softmax_minus_one(monkeypatch):
    """Equation 11: d l / d sim(z_k, z_0) = (p_k0 - 1) / temperature, and p_kl / temperature."""
    monkeypatch.setitem(SIMILARITIES, "given", lambda sims: sims)  # embeddings that say them
    sims, tau = torch.randn(1, 5, 5).double().requires_grad_(), 0.3
    contrast(sims, tau, "given").sum().backward()
    expected = torch.zeros(5, 5).double()
    for k, own in enumerate(sims[0].detach().exp().pow(1 / tau).tolist()):
        rivals = sum(own) - own[k]
        for other in range(5):
            if k > 0 and other != k:
                expected[k, other] = (own[other] / rivals - (other == 0)) / tau
    torch.testing.assert_close(sims.grad[0], expected)


@pytest.mark.parametrize(("views", "scaled"), [(11, 0.134026), (15, 0.188175)])
def test_the_minimum_over_that_of_equal_views(views, scaled):
    lowest = float(contrast(together(*best_views(views)), 0.1).sum())
    assert lowest / (views * math.log(views)) == pytest.approx(scaled, abs=1e-6)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_no_item_costs_more_than_views_opposed_to_it(temperature):
    views = 4
    most = views * math.log(1 + (views - 1) * math.exp(2 / temperature))
    item, z = torch.randn(200, 3).double(), torch.randn(200, views, 3).double()
    found = contrast(together(item, z), temperature).sum(1)
    opposed = contrast(together(-z[:, 0], z[:, :1].expand(-1, views, -1)), temperature).sum(1)
    assert float(found.max()) < most
    torch.testing.assert_close(opposed, torch.full_like(opposed, most))


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
def test_gradient_against_finite_differences(similarity):
    z = torch.randn(2, 4, 3).double().requires_grad_()
    item = torch.randn(2, 3).double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a, b: contrast(together(a, b), 0.5, similarity), (item, z)
    )


def test_invariances():
    item, z = torch.randn(3, 6).double(), torch.randn(3, 5, 6).double()
    rotation = torch.linalg.qr(torch.randn(6, 6).double()).Q
    terms = contrast(together(item, z), 0.1)
    order = torch.randperm(5)
    assert torch.allclose(contrast(together(item, z[:, order]), 0.1), terms[:, order])
    assert torch.allclose(contrast(together(item @ rotation, z @ rotation), 0.1), terms)
    assert torch.allclose(contrast(together(3 * item, 3 * z), 0.1), terms)
    assert torch.allclose(contrast(together(item[1:], z[1:]), 0.1), terms[1:])


def test_euclidean_is_minus_the_distance():
    z = torch.randn(2, 5, 4).double()
    assert torch.allclose(euclidean(z), -torch.cdist(z, z), atol=1e-5)


def table_member(kind, bias):
    return Embedding(
        transform=TableViews(6, 11, width=24, layers=2, kind=kind, bias=bias),
        encoder=MLP([6, 24, 24, 24, 24, 24], bias=bias, norm=False),
    ).double()


@pytest.mark.parametrize(
    ("kind", "bias", "blind"),
    [
        ("residual", False, True),
        ("forward", False, True),
        ("multiplicative", False, False),
        ("residual", True, False),
        ("bounded", True, False),
    ],
)
def test_which_networks_cannot_see_the_size_of_a_row(kind, bias, blind):
    """The paper's bias-free residual networks score a row and a thousand times it alike."""
    member, x = table_member(kind, bias), torch.randn(8, 6).double()
    scores = [contrast(member(c * x), 0.1).sum(1) for c in (1, 1000)]
    assert torch.allclose(*scores, rtol=1e-6) is blind


def test_a_zero_row_costs_k_log_k_without_biases():
    found = contrast(table_member("residual", False)(torch.zeros(1, 6).double()), 0.1)
    assert float(found.sum()) == pytest.approx(11 * math.log(11))


def test_parameter_counts_of_the_papers_networks():
    def count(net):
        return sum(p.numel() for p in net.parameters())

    assert count(MLP([6, 24, 24, 24, 24, 24], bias=False, norm=False)) == 2448
    assert count(StackedMLP(11, [6, 24, 6], bias=False)) == 3168
    assert count(MLP([274, 64, 64, 64, 64, 32], bias=False, norm=True)) == 31_872
    assert count(StackedMLP(11, [274, 200, 274], bias=False)) == 1_205_600
    assert count(MLP([121, 64, 64, 64, 64, 32], bias=False, norm=False)) == 22_080
    assert count(StackedMLP(11, [121, 100, 121], bias=False)) == 266_200
    paper = {"width": 32, "widest": 1024, "blocks": None, "kind": "residual", "bias": False}
    assert count(SeriesEncoder(24, 51, 64, **paper)) == 337_216
    assert count(SeriesViews(24, 11, kind="multiplicative", bias=False)) == 152_064


@pytest.mark.parametrize("bias", [False, True])
def test_stacked_networks_equal_a_loop_over_k(bias):
    stack, x = StackedMLP(5, [6, 9, 6], bias=bias), torch.randn(7, 6)
    linears = [m for m in stack if hasattr(m, "weight")]
    for k, out in enumerate(stack(x[None])):
        net = MLP([6, 9, 6], bias=bias, norm=False)
        for plain, stacked in zip(
            [m for m in net if isinstance(m, nn.Linear)], linears, strict=True
        ):
            plain.weight.data = stacked.weight[k].T
            if bias:
                plain.bias.data = stacked.bias[k, 0]
        assert torch.allclose(net(x), out, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("cached", [2**21, 0])  # all networks at once, and a few at a time
def test_series_views_equal_a_loop_over_k(kind, bias, cached, monkeypatch):
    """The batched form against torch's own convolutions, one view after the other."""
    channels, views, x = 4, 3, torch.randn(5, 4, 17)
    monkeypatch.setattr(stacked_conv, "CACHED_NUMBERS", cached)
    transform = SeriesViews(channels, views, kind=kind, bias=bias)
    convs = [m for m in transform.modules() if hasattr(m, "weight")]

    def conv(k, i, x):
        weight = convs[i].weight[k].permute(1, 2, 0)  # taps last, as torch has them
        padded = nn.functional.pad(x, (1, 1), mode="reflect")
        return nn.functional.conv1d(
            padded, weight, convs[i].bias[k].flatten() if bias and i == 7 else None
        )

    norm = nn.functional.instance_norm
    for k in range(views):
        m = norm(conv(k, 0, x)).relu()
        for block in range(3):
            inner = norm(conv(k, 1 + 2 * block, m)).relu()
            m = (m + norm(conv(k, 2 + 2 * block, inner))).relu()
        expected = KINDS[kind](x, conv(k, 7, m))
        found = transform(x).unflatten(0, (views, 5))[k]
        assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("cached", [2**21, 0])
def test_gradients_of_stacked_convolutions(cached, monkeypatch):
    monkeypatch.setattr(stacked_conv, "CACHED_NUMBERS", cached)
    weight = torch.randn(3, 3, 2, 4, dtype=torch.double, requires_grad=True)
    x = torch.randn(3, 4, 2, 6, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(stacked_conv.Convolve.apply, (weight, x))
