"""Detectors whose networks learn by gradient steps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from askew.data import Fold
from askew.detector import Detector
from askew.errors import InputError
from askew.nets.parts import Parts
from askew.parameters import check_above, check_least, check_word
from askew.progress import Progress, Shown
from askew.train import SCHEDULES, Budget, History, Objective, mean_loss, train

LEAST_A_STEP = 8
"""Items that a step of training takes, however large they are, where there are so many."""


@dataclass(kw_only=True, eq=False, repr=False)
class TrainedDetector(Detector):
    """A detector whose networks learn by gradient steps.

    Parameters
    ----------
    epochs, steps: the budget, whichever is reached first; ``None``: no such limit.
    batch_size: most items a step; fewer where they are large, as the data type says.
    batches: least batches an epoch, so that small sets take small batches.
    lr: learning rate of Adam.
    weight_decay: strength of the L2 penalty.
    schedule: ``"constant"``, ``"halved"`` (halfway through) or ``"one-cycle"``.
    patience: keep the weights of the best epoch and stop after so many without a better one;
        ``None``: train the whole budget and keep the last weights.
    validation: share of the learned-from items, in [0, 1), that takes no step but judges epochs
        for ``patience``; with 0 the training loss does.
    contamination: share of the items, in [0, 0.5], that is taken for anomalies where they are
        learned from too: so many of each batch, those with the highest losses, take no step
        (trimmed losses; "refine" in Qiu et al., Latent Outlier Exposure, ICML 2022). It need not
        be known: 0.1 serves where a file has to be judged by itself.
    """

    epochs: int | None = None
    steps: int | None = 300
    batch_size: int = 128
    batches: int = 4
    lr: float = 2e-3
    weight_decay: float = 0.0
    schedule: str = "one-cycle"
    patience: int | None = None
    validation: float = 0.0
    contamination: float = 0.0

    def losses(self, net: Parts, x: Tensor) -> Tensor:
        """Return what training lowers, ``(B,)``; the scores unless a method says otherwise."""
        return self.scores(net, x)

    def learn(
        self, net: Parts, items: Tensor, folds: list[Fold], generator: torch.Generator
    ) -> History:
        """Train the networks on the items."""
        return self.train(net, items[folds[0].learned], self.losses, generator)

    def train(
        self, net: nn.Module, items: Tensor, objective: Objective, generator: torch.Generator
    ) -> History:
        """Train a network, or a part of one, to lower an objective on the items."""
        judged = int(self.validation * len(items)) if self.patience is not None else 0
        order = torch.randperm(len(items), generator=generator).to(items.device)
        return train(
            net,
            items[order[judged:]] if judged else items,
            objective,
            self._budget(items, len(items) - judged),
            generator=generator,
            validation=items[order[:judged]] if judged else None,
            progress=Shown() if self.verbose else Progress(),
        )

    def check(self) -> None:
        """Raise `InputError` where a parameter makes no sense."""
        super().check()
        check_word(self, "schedule", SCHEDULES)
        check_least(self, 0, "epochs", "steps", "weight_decay", "patience")
        check_least(self, 1, "batch_size", "batches")
        check_above(self, 0, "lr")
        if not 0 <= self.validation < 1:
            raise InputError(f"validation={self.validation}: expected a share from 0 to below 1.")
        if not 0 <= self.contamination <= 0.5:
            raise InputError(f"contamination={self.contamination}: expected a share from 0 to 0.5.")

    def _budget(self, items: Tensor, learned: int) -> Budget:
        wanted = min(self.batch_size, learned // self.batches)
        each = max(1, items.numel() // len(items))
        fitting = max(LEAST_A_STEP, self.data_.step_numbers / each)
        return Budget(
            epochs=self.epochs,
            steps=self.steps,
            batch_size=int(max(1, min(wanted, fitting))),
            lr=self.lr,
            weight_decay=self.weight_decay,
            schedule=self.schedule,
            patience=self.patience,
            contamination=self.contamination,
        )

    def _typical_loss(self, net: Parts, items: Tensor) -> float | None:
        return mean_loss(net, items[:512], self.losses)
