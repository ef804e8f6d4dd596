"""The training loop: what it sees, how far it goes, which weights it leaves."""

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from torch import nn

from askew import AskewError, AutoEncoder, InputError, NeuTraLAD, Tabular, load
from askew.datasets import load_table
from askew.metrics import average_precision
from askew.nets.parts import Parts
from askew.progress import Progress
from askew.seeding import seeded as drawing
from askew.train import (
    MAX_GRADIENT_NORM,
    SCHEDULES,
    Best,
    Budget,
    Stepper,
    batches,
    lowest,
    mean_loss,
    train,
)
from askew.trained import LEAST_A_STEP


class Point(nn.Module):
    """A place that training moves."""

    def __init__(self, *place):
        super().__init__()
        self.place = nn.Parameter(torch.tensor(place))


def at(*place):
    return Parts(point=Point(*place))


def place(net):
    return net.point.place.detach().clone()


def squares(net, x):
    return (net.point.place - x).square().sum(1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def trained(net, items, objective=squares, *, validation=None, seed=0, **budget):
    defaults = {
        "epochs": None, "steps": None, "batch_size": 100, "lr": 0.25, "weight_decay": 0.0,
        "schedule": "constant", "patience": None,
    }  # fmt: skip
    return train(
        net, items, objective, Budget(**{**defaults, **budget}),
        generator=seeded(seed), progress=Progress(), validation=validation,
    )  # fmt: skip


@pytest.fixture
def overshot():
    """Training walks from 0 towards 10; the validation items say that 3 is best."""
    return at(0.0), torch.full((4, 1), 10.0), torch.full((2, 1), 3.0)


# Which weights stay.


def test_the_best_weights_are_copies(overshot):
    net, items, validation = overshot
    history = trained(net, items, validation=validation, epochs=40, patience=100)
    assert len(history.losses) == 40
    assert float(place(net)) == pytest.approx(3, abs=0.2)
    best = history.validation_losses[history.best_epoch]
    assert mean_loss(net, validation, squares) == best
    assert best == min(history.validation_losses[Best.FIRST :])


def test_patience_stops_so_many_epochs_after_the_best(overshot):
    net, items, validation = overshot
    history = trained(net, items, validation=validation, epochs=100, patience=4)
    assert len(history.losses) == history.best_epoch + 1 + 4
    assert history.steps == len(history.losses) < 100
    assert float(place(net)) == pytest.approx(3, abs=0.2)


def test_without_patience_the_last_weights_stay(overshot):
    net, items, validation = overshot
    history = trained(net, items, validation=validation, epochs=40)
    assert history.best_epoch is None
    assert len(history.losses) == 40
    assert mean_loss(net, validation, squares) == history.validation_losses[-1]
    assert float(place(net)) > 5


def test_without_validation_the_training_loss_judges():
    weights = iter([9, 8, 7, 6, 5, 4, 1, 2, 3, 3, 3, 3, 3])
    net = at(0.0)
    seen = []

    def wandering(net, x):
        seen.append(float(place(net)))
        return (0 * net.point.place + net.point.place / 1e9 + next(weights)).expand(len(x))

    history = trained(net, torch.zeros(3, 1), wandering, epochs=13, patience=3)
    assert history.best_epoch == 6
    assert len(history.losses) == 10
    # The loss of an epoch is that of its steps; what is kept are the weights after them.
    assert float(place(net)) == seen[7]


def test_the_first_epochs_are_not_kept():
    values = iter(range(100))
    history = trained(
        at(0.0), torch.zeros(2, 1),
        lambda net, x: (net.point.place * 0 + next(values)).expand(len(x)),
        epochs=30, patience=2,
    )  # fmt: skip
    assert history.best_epoch == 5  # the paper's rule
    assert len(history.losses) == 5 + 1 + 2


def test_buffers_go_back_with_the_weights():
    net = Parts(norm=nn.BatchNorm1d(1))
    values = iter([5, 5, 5, 5, 5, 1, 2, 2])
    kept = []

    def normed(net, x):
        loss = net.norm(x).sum(1) * 0 + next(values)
        kept.append(net.norm.num_batches_tracked.item())
        return loss

    trained(net, torch.randn(8, 1), normed, epochs=8, patience=100)
    assert kept[-1] == 8
    assert net.norm.num_batches_tracked.item() == 6


# What is seen.


def test_validation_items_take_no_step():
    stepped, judged = [], []

    def watched(net, x):
        (stepped if torch.is_grad_enabled() else judged).extend(x[:, 0].tolist())
        assert net.training == torch.is_grad_enabled()
        return squares(net, x)

    one, two = at(0.0), at(0.0)
    items, validation = torch.arange(6.0)[:, None], torch.arange(100.0, 104.0)[:, None]
    trained(one, items, watched, validation=validation, epochs=7, batch_size=2)
    assert set(stepped) == set(range(6))
    assert judged == [100, 101, 102, 103] * 7
    trained(two, items, epochs=7, batch_size=2)
    assert torch.equal(place(one), place(two))
    assert not one.training


@pytest.mark.parametrize(
    ("count", "size", "seen"),
    [(10, 5, 10), (11, 5, 10), (9, 5, 5), (3, 5, 3), (5, 5, 5), (1, 1, 1)],
)
def test_each_item_is_seen_once_an_epoch_and_a_partial_batch_left_out(count, size, seen):
    passes = []

    def watched(net, x):
        passes.append(x[:, 0].tolist())
        return squares(net, x)

    net = at(0.0)
    items = torch.arange(float(count))[:, None]
    history = trained(net, items, watched, epochs=3, batch_size=size)
    each = len(passes) // 3
    assert history.steps == len(passes) == 3 * max(1, seen // size)
    orders = [list(chain(*passes[i * each : (i + 1) * each])) for i in range(3)]
    for order in orders:
        assert len(order) == len(set(order)) == seen
    if count > 5:
        assert len({tuple(order) for order in orders}) == 3  # shuffled anew each time


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 70))
def test_the_budget_counts_the_batches_there_are(count, size):
    found = list(batches(torch.arange(count), size, seeded()))
    budget = Budget(
        epochs=3, steps=None, batch_size=size, lr=1.0, weight_decay=0.0, schedule="constant",
        patience=None,
    )  # fmt: skip
    assert len(found) == budget.epoch_steps(count) == budget.total_steps(count) / 3
    assert {len(batch) for batch in found} == {min(size, count)}


@pytest.mark.parametrize(
    ("epochs", "steps", "taken"), [(3, None, 15), (3, 100, 15), (3, 7, 7), (None, 7, 7), (0, 7, 0)]
)
def test_epochs_or_steps_whichever_is_reached_first(epochs, steps, taken):
    history = trained(at(0.0), torch.zeros(10, 1), epochs=epochs, steps=steps, batch_size=2)
    assert history.steps == taken
    assert len(history.losses) == math.ceil(taken / 5)


def test_what_is_taken_for_anomalies_takes_no_step():
    items = torch.cat([torch.zeros(90, 1), torch.full((10, 1), 100.0)])
    blind = trained(at(1.0), items, steps=200, lr=0.1)
    assert blind.losses[-1] == pytest.approx(900, rel=0.01)  # around the mean of all, 10
    net = at(1.0)
    trained(net, items, steps=200, lr=0.1, contamination=0.1)
    assert abs(place(net)) < 0.1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.floats(0, 0.5))
def test_small_batches_leave_out_the_same_share(size, share):
    budget = Budget(
        epochs=None, steps=50, batch_size=size, lr=0.0, weight_decay=0.0, schedule="constant",
        patience=None, contamination=share,
    )  # fmt: skip
    stepper = Stepper(at(0.0), squares, budget, 50, lambda done, loss: None)
    left = [stepper.left_out(size) for stepper.done in range(50)]
    assert left[:5] == [0] * 5  # losses say little yet
    assert max(left) < size
    assert size == 1 or sum(left) == pytest.approx(45 * share * size, abs=1)


def test_losses_of_a_whole_batch_are_left_as_they_are():
    losses = torch.tensor([3.0, 1.0, 9.0])
    assert lowest(losses, 3) is losses


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_not_left_out_unnoticed(broken):
    assert not lowest(torch.tensor([3.0, broken, 1.0]), 2).isfinite().any()


@pytest.mark.parametrize(
    ("numbers", "size"), [(math.inf, 100), (4000, 100), (1000, 25), (1, LEAST_A_STEP)]
)
def test_large_items_come_fewer_a_step(monkeypatch, numbers, size):
    detector = NeuTraLAD(data=Tabular(scaling="none"), steps=1, nets=1, held_out=0.0)
    detector.fit(np.zeros((400, 40)) + np.arange(400)[:, None])
    monkeypatch.setattr(Tabular, "step_numbers", property(lambda data: numbers))
    assert detector._budget(torch.zeros(400, 40), 400).batch_size == size


def test_a_budget_without_limits_is_refused():
    with pytest.raises(InputError, match="epochs and steps"):
        trained(at(0.0), torch.zeros(3, 1))


@pytest.mark.parametrize("limit", [{"steps": 0}, {"epochs": 0}])
def test_no_steps_leave_the_weights_untouched(limit):
    net = at(1.5, -2.0)
    before = place(net)
    history = trained(net, torch.ones(5, 2), patience=3, validation=torch.ones(2, 2), **limit)
    assert torch.equal(place(net), before)
    assert (history.losses, history.steps, history.best_epoch) == ([], 0, None)
    assert not net.training


def test_the_loss_of_an_epoch_is_the_mean_of_its_batches():
    values = iter([1.0, 2.0, 6.0, 4.0, 4.0, 10.0])
    history = trained(
        at(0.0), torch.zeros(6, 1),
        lambda net, x: (net.point.place * 0 + next(values)).expand(len(x)),
        epochs=2, batch_size=2,
    )  # fmt: skip
    assert history.losses == [3.0, 6.0]


def test_the_mean_loss_is_over_items_and_leaves_the_mode_alone():
    net = at(0.0)
    items = torch.arange(1300.0)[:, None]  # more than two batches of 512
    assert mean_loss(net, items, lambda net, x: x[:, 0]) == pytest.approx(1299 / 2)
    assert net.training
    net.eval()
    mean_loss(net, items, squares)
    assert not net.training


def test_the_same_generator_gives_the_same_weights():
    items = torch.randn(40, 2)
    nets = [at(0.0, 0.0) for _ in range(3)]
    for net, seed in zip(nets, (1, 1, 2), strict=True):
        trained(net, items, seed=seed, epochs=3, batch_size=4)
    assert torch.equal(place(nets[0]), place(nets[1]))
    assert not torch.equal(place(nets[0]), place(nets[2]))


# How far a step goes.


def downhill(net, x):
    """Gradient 1 whatever the place: then each step of Adam is as long as its learning rate."""
    return net.point.place.expand(len(x))


def stepped(schedule, steps=100):
    places = []

    def watched(net, x):
        places.append(float(place(net)))
        return downhill(net, x)

    net = at(0.0)
    trained(net, torch.zeros(1, 1), watched, steps=steps, lr=1.0, schedule=schedule)
    return -np.diff([*places, float(place(net))])


def test_a_constant_rate_is_constant():
    np.testing.assert_allclose(stepped("constant"), 1, rtol=1e-4)


def test_a_halved_rate_is_halved_halfway():
    np.testing.assert_allclose(stepped("halved"), np.repeat([1, 0.5], 50), rtol=1e-4)


def test_one_cycle_climbs_for_a_tenth_and_falls_to_nothing():
    taken = stepped("one-cycle")
    assert taken[10] == pytest.approx(1, rel=1e-3)
    np.testing.assert_allclose(taken[1:11], np.arange(1, 11) / 10, rtol=1e-3)
    assert (np.diff(taken[10:]) < 0).all()
    assert taken[55] == pytest.approx(0.5, rel=1e-3)
    assert 0 < taken[-1] < 2e-3 and 0 < taken[0] < 2e-3


def test_every_schedule_stays_between_zero_and_one():
    for name, factor in SCHEDULES.items():
        values = [factor(done) for done in np.linspace(0, 1, 201)]
        assert max(values) == pytest.approx(1), name
        assert min(values) >= 0, name


def adam(gradients, lr, b1=0.9, b2=0.999, eps=1e-8):
    """The paper's Adam, gradients cut to the largest norm allowed; returns where it ends."""
    m = v = w = np.zeros(2)
    for t, gradient in enumerate(gradients, 1):
        g = gradient * min(1, MAX_GRADIENT_NORM / np.linalg.norm(gradient))
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        w = w - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    return w


def test_a_huge_gradient_is_cut_to_length_and_keeps_its_direction():
    gradients = np.array([[1.0, 1.0], [1.0, -1.0], [6e6, 8e6], [1.0, 2.0], [-0.5, 1.0]])
    left = iter(torch.tensor(gradients, dtype=torch.float32))
    net = at(0.0, 0.0)
    trained(
        net, torch.zeros(1, 1),
        lambda net, x: (net.point.place * next(left)).sum().expand(len(x)), steps=5, lr=0.1,
    )  # fmt: skip
    np.testing.assert_allclose(place(net).numpy(), adam(gradients, 0.1), rtol=1e-3)


def test_frozen_weights_stay():
    net = Parts(point=Point(0.0), fixed=Point(4.0))
    net.fixed.place.requires_grad_(False)
    trained(net, torch.ones(5, 1), lambda n, x: squares(n, x) * n.fixed.place, steps=5)
    assert float(net.fixed.place) == 4
    assert float(place(net)) > 0.5


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_divergence_is_told_in_words(bad):
    values = iter([1.0, 1.0, bad, 1.0])

    def diverging(net, x):
        return (net.point.place * 0 + next(values)).expand(len(x))

    with pytest.raises(AskewError, match=f"diverged: the loss is {bad} after 4 steps; lower lr"):
        trained(at(0.0), torch.zeros(4, 1), diverging, epochs=3, batch_size=1)


# With a method.


ROWS = np.random.default_rng(0).normal(size=(80, 3))


@pytest.mark.filterwarnings("ignore:health")
def test_a_method_keeps_its_best_epoch_by_items_set_aside():
    learned, stepped, judged = [], [], []

    class Watched(NeuTraLAD):
        def learn(self, net, items, folds, generator):
            learned.append(items[folds[0].learned])
            return super().learn(net, items, folds, generator)

        def member_losses(self, member, x):
            (stepped if torch.is_grad_enabled() else judged).append(x)
            return super().member_losses(member, x)

    detector = Watched(
        views=2, nets=1, neighbors=0, epochs=60, steps=None, lr=0.05, schedule="constant",
        patience=3, validation=0.25,
    ).fit(ROWS)  # fmt: skip
    training = detector.training_
    assert len(learned[0]) == 64
    looks = judged[1:-1]  # without the looks at all 64 before and after
    assert [len(x) for x in looks] == [16] * len(training["losses"])
    assert all(torch.equal(x, looks[0]) for x in looks)
    apart = {tuple(row) for row in looks[0].tolist()}
    assert apart.isdisjoint(tuple(row) for x in stepped for row in x.tolist())
    assert len(training["validation_losses"]) == len(training["losses"])
    late = training["validation_losses"][Best.FIRST :]
    assert training["best_epoch"] == Best.FIRST + int(np.argmin(late))
    assert len(training["losses"]) in (training["best_epoch"] + 4, 60)


@pytest.mark.filterwarnings("ignore:health")
def test_a_method_without_patience_learns_from_all_items():
    quick = {"views": 2, "nets": 1, "neighbors": 0, "steps": 6}
    one = NeuTraLAD(**quick).fit(ROWS)
    two = NeuTraLAD(**quick, validation=0.5).fit(ROWS)
    assert one.training_["validation_losses"] == two.training_["validation_losses"] == []
    np.testing.assert_array_equal(one.decision_scores_, two.decision_scores_)


@pytest.mark.filterwarnings("ignore:health")  # quick detectors are poor ones
@pytest.mark.parametrize(
    "detector",
    [NeuTraLAD(neighbors=0, nets=1, steps=150), AutoEncoder(nets=1, steps=150)],
    ids=lambda detector: type(detector).__name__,
)
def test_anomalies_among_what_is_learned_from_are_found_once_they_take_no_step(detector):
    rows, labels = load_table("thyroid")
    found = [
        average_precision(
            labels, clone(detector).set_params(contamination=share).fit(rows).decision_scores_
        )
        for share in (0.0, 0.1)
    ]
    assert found[1] > 2 * found[0] and found[1] > 0.3  # 0.025: chance


@pytest.mark.filterwarnings("ignore:health")
def test_fits_in_threads_draw_from_their_own_seeds():
    rows = np.random.default_rng(0).normal(size=(120, 3))

    def fitted(seed):
        return NeuTraLAD(nets=1, steps=10, seed=seed).fit(rows).decision_scores_

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(fitted, [0, 1, 0, 1]))
    for seed, scores in zip([0, 1, 0, 1], found, strict=True):
        np.testing.assert_array_equal(scores, fitted(seed))


@pytest.mark.filterwarnings("ignore:health")
@pytest.mark.parametrize("method", [NeuTraLAD, AutoEncoder])
def test_the_default_precision_of_torch_changes_nothing(method, tmp_path):
    rows = np.random.default_rng(0).normal(size=(120, 3))
    expected = method(nets=1, steps=10, seed=np.int64(3)).fit(rows).decision_function(rows)
    torch.set_default_dtype(torch.float64)
    try:
        method(nets=1, steps=10, seed=3).fit(rows).save(tmp_path / "model")
        found = load(tmp_path / "model").decision_function(rows)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_threads_that_wait_for_each_other_leave_the_default_precision_alone():
    began, waiting = threading.Event(), threading.Event()

    def first():
        with drawing(0):
            began.set()
            waiting.wait(5)
            time.sleep(0.2)  # the other one is at the lock by now

    def second():
        began.wait(5)
        waiting.set()
        with drawing(0):
            pass

    torch.set_default_dtype(torch.float64)
    try:
        threads = [threading.Thread(target=one) for one in (first, second)]
        [one.start() for one in threads]
        [one.join() for one in threads]
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_forked_during_a_fit_does_not_wait_for_it():
    def child():
        with drawing(0):
            pass

    began, done = threading.Event(), threading.Event()

    def fitting():
        with drawing(0):
            began.set()
            done.wait(20)

    thread = threading.Thread(target=fitting)
    thread.start()
    began.wait(5)
    forked = get_context("fork").Process(target=child)
    forked.start()
    forked.join(10)
    done.set()
    thread.join()
    ended = forked.exitcode
    forked.kill()
    assert ended == 0
