"""The one training loop."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from askew.errors import AskewError, InputError
from askew.progress import Advance, Progress

Objective = Callable[[Any, Tensor], Tensor]
"""``(net, x) -> (B,)``: one loss an item."""

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "halved": lambda done: 1.0 if done < 0.5 else 0.5,
    "one-cycle": lambda done: min(done / 0.1, 0.5 + 0.5 * math.cos(math.pi * (done - 0.1) / 0.9)),
}
"""The learning rate's factor by the share of the budget that is done."""

MAX_GRADIENT_NORM = 10.0

WARM_UP = 0.1
"""Share of the steps that learn from whole batches: before, losses do not tell who is strange."""


@dataclass
class History:
    """What training left behind: the mean loss of each epoch, and of held-back items if any."""

    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    steps: int = 0

    @classmethod
    def mean(cls, histories: list[History]) -> History:
        """Return the history of several networks: mean losses while all trained, steps of all."""
        if len(histories) == 1:
            return histories[0]
        return cls(
            losses=_means([history.losses for history in histories]),
            validation_losses=_means([history.validation_losses for history in histories]),
            steps=sum(history.steps for history in histories),
        )


def _means(curves: list[list[float]]) -> list[float]:
    return [math.fsum(values) / len(values) for values in zip(*curves, strict=False)]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long, how fast and on what to train.

    ``epochs`` or ``steps``, whichever is reached first; ``contamination``: the share of each batch
    that is left out of the step.
    """

    epochs: int | None
    steps: int | None
    batch_size: int
    lr: float
    weight_decay: float
    schedule: str
    patience: int | None
    contamination: float = 0.0

    def total_steps(self, items: int) -> int:
        """Return the number of gradient steps that this budget means for so many items."""
        by_epochs = None if self.epochs is None else self.epochs * self.epoch_steps(items)
        limits = [limit for limit in (by_epochs, self.steps) if limit is not None]
        if not limits:
            raise InputError("epochs and steps are both None: give at least one of them.")
        return min(limits)

    def epoch_steps(self, items: int) -> int:
        """Return the number of batches in a pass; a last partial batch is left out."""
        return max(1, items // self.batch_size)


def batches(items: Tensor, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield one shuffled pass over items already in memory, as slices of ``size``.

    A last partial batch is left out, unless it is the only one.
    """
    order = torch.randperm(len(items), generator=generator).to(items.device)
    for start in range(0, max(len(items) - size, 0) + 1, size):
        yield items[order[start : start + size]]


def train(
    net: nn.Module,
    items: Tensor,
    objective: Objective,
    budget: Budget,
    *,
    generator: torch.Generator,
    progress: Progress,
    validation: Tensor | None = None,
) -> History:
    """Fit a network's weights to the mean of ``objective(net, x)``, an item at a time.

    With ``budget.contamination``, the items of each batch that have the highest losses are taken
    for anomalies and take no step.

    With ``budget.patience``, the weights of the best epoch are kept (copied) and training stops
    after so many epochs without a better one. Epochs are judged by ``validation``, training items
    that take no step, or by their own training loss where there are none. Without patience the
    last weights stay.

    Raises
    ------
    AskewError: the loss is no longer finite.
    """
    history, best = History(), Best(net, budget.patience)
    total = budget.total_steps(len(items))
    net.train()
    with progress.over(total) as advance:
        stepper = Stepper(net, objective, budget, total, advance)
        while stepper.done < total:
            history.losses.append(stepper.epoch(batches(items, budget.batch_size, generator)))
            if validation is not None:
                history.validation_losses.append(mean_loss(net, validation, objective))
            if best.stop(history):
                break
    history.steps = stepper.done
    best.restore(history)
    net.eval()
    return history


class Stepper:
    """Take gradient steps, up to a total."""

    def __init__(
        self, net: nn.Module, objective: Objective, budget: Budget, total: int, advance: Advance
    ) -> None:
        self.net, self.objective, self.total, self.advance = net, objective, total, advance
        self.contamination = budget.contamination
        self.done = 0
        self.weights = [weight for weight in net.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.Adam(
            self.weights, lr=budget.lr, weight_decay=budget.weight_decay, fused=True
        )
        factor = SCHEDULES[budget.schedule]
        self.scheduler = LambdaLR(
            self.optimizer, lambda step: max(factor(step / max(total, 1)), 1e-3)
        )

    def epoch(self, passed: Iterator[Tensor]) -> float:
        """Take a step on each batch, fewer where the total is reached; return their mean loss."""
        losses = [self.step(x) for x in itertools.islice(passed, self.total - self.done)]
        mean = float(torch.stack(losses).mean())
        if not math.isfinite(mean):
            raise AskewError(
                f"training diverged: the loss is {mean} after {self.done} steps; lower lr, "
                "or look for extreme values in the data."
            )
        return mean

    def step(self, x: Tensor) -> Tensor:
        """Follow the gradient of one batch and return its mean loss."""
        self.optimizer.zero_grad(set_to_none=True)
        losses = self.objective(self.net, x)
        loss = lowest(losses, len(losses) - self.left_out(len(losses))).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights, MAX_GRADIENT_NORM, foreach=False)
        self.optimizer.step()
        self.scheduler.step()
        self.done += 1
        if self.done % 20 == 0 or self.done == self.total:
            self.advance(self.done, float(loss.detach()))
        return loss.detach()

    def left_out(self, batch: int) -> int:
        """Return how many of a batch take no part in the next step; one always does.

        None is left out of the first tenth of the steps. Summed over the others it is the share
        asked for, also where that is less than an item of a batch.
        """
        if self.done < WARM_UP * self.total:
            return 0
        share = self.contamination * batch
        return min(int((self.done + 1) * share) - int(self.done * share), batch - 1)


def lowest(losses: Tensor, count: int) -> Tensor:
    """Return so many of the lowest losses, ``(B,) -> (count,)``; all of them as they are.

    Where one of the batch is not finite, none is: training that diverges does not go unnoticed.

    Example
    -------
    >>> lowest(torch.tensor([3.0, 1.0, 9.0]), 2)
    tensor([1., 3.])
    """
    if count == len(losses):
        return losses
    return losses.topk(count, largest=False).values + 0 * losses.detach().sum()


def mean_loss(net: nn.Module, items: Tensor, objective: Objective) -> float:
    """Return the mean loss of items in evaluation mode; the network's mode is left as found."""
    training = net.training
    net.eval()
    with torch.no_grad():
        total = math.fsum(float(objective(net, x).sum()) for x in items.split(512))
    net.train(training)
    return total / len(items)


class Best:
    """Remember the weights of the best epoch; they are copies, not the live ones."""

    FIRST = 5
    """Epochs before this one are not kept: their loss says little (the paper's rule)."""

    def __init__(self, net: nn.Module, patience: int | None) -> None:
        self.net, self.patience = net, patience
        self.value, self.epoch = math.inf, 0
        self.weights: dict[str, Tensor] | None = None

    def stop(self, history: History) -> bool:
        """Look at the newest epoch and say whether patience has run out."""
        if self.patience is None:
            return False
        watched = history.validation_losses or history.losses
        epoch = len(watched) - 1
        if epoch >= self.FIRST and watched[-1] < self.value:
            self.value, self.epoch = watched[-1], epoch
            self.weights = {name: value.clone() for name, value in self.net.state_dict().items()}
        return self.weights is not None and epoch - self.epoch >= self.patience

    def restore(self, history: History) -> None:
        """Put the best weights back, where any were kept."""
        if self.weights is not None:
            self.net.load_state_dict(self.weights)
            history.best_epoch = self.epoch
