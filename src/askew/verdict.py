"""What a detector says of many items: a few numbers each, and how well labels agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from askew.detector import Detector, Scores
from askew.events import APART, Moments, number_events, peaks
from askew.metrics import Interval, auroc_interval, average_precision, oracle_f1
from askew.metrics_series import Affiliation, Events, affiliation, events


@dataclass(frozen=True)
class Verdict:
    """Scores of many items and what follows from them, ``(n,)`` each.

    Attributes
    ----------
    scores: higher is stranger.
    p_values: how often a normal item scores this high; NaN where the model holds no items out.
    alerts: whether a score is above the threshold.
    moments: when each score happened, see `askew.events`; None where each is of something else.
    labels: the truth, where that was given.
    """

    scores: Scores
    p_values: Scores
    alerts: NDArray[np.bool_]
    moments: Moments | None
    labels: NDArray[np.int64] | None

    @classmethod
    def of(
        cls,
        detector: Detector,
        scores: Scores,
        moments: Moments | None,
        labels: NDArray[np.int64] | None,
    ) -> Verdict:
        """Return what follows from scores that a detector gave."""
        calibrated = len(detector.calibration_) > 0
        return cls(
            scores=scores,
            p_values=detector.p_values_of(scores) if calibrated else np.full(len(scores), np.nan),
            alerts=detector.alerts_of(scores),
            moments=moments,
            labels=labels,
        )

    def strangest(self, most: int) -> NDArray[np.intp]:
        """Return the positions of the highest scores, highest first, one an event."""
        return peaks(self.scores, self.alerts, self.moments, most)

    def events(self) -> NDArray[np.int64]:
        """Return the event of each alert, counted from 1, and 0 for the rest, ``(n,)``."""
        return number_events(self.alerts, self.moments)

    def agreement(self) -> Agreement | None:
        """Return how well scores and alerts agree with the labels; None with too few of a class."""
        labels = self.labels
        if labels is None or not 1 < labels.sum() < len(labels) - 1:
            return None
        return Agreement(
            auroc=auroc_interval(labels, self.scores),
            average_precision=average_precision(labels, self.scores),
            oracle_f1=oracle_f1(labels, self.scores),
            share=float(labels.mean()),
            anomalies=int(labels.sum()),
            alerts=int(self.alerts.sum()),
            hits=int((self.alerts & (labels == 1)).sum()),
            of_events=self._events_found(labels),
        )

    def _events_found(self, labels: NDArray[np.int64]) -> tuple[Events, Affiliation] | None:
        """Return how anomalous stretches and runs of alerts agree; recordings do not touch."""
        if self.moments is None or not self.alerts.any():
            return None
        # A normal step stands between recordings.
        ends = np.flatnonzero(np.diff(self.moments) >= APART) + 1
        truth, alerts = (np.insert(of.astype(np.int64), ends, 0) for of in (labels, self.alerts))
        return events(truth, alerts), affiliation(truth, alerts)


class Agreement(NamedTuple):
    """Scores and alerts against labels: metrics, the anomalies' share of all items, and counts.

    of_events: how stretches of anomalies and of alerts agree, where items are steps in time.
    """

    auroc: Interval
    average_precision: float
    oracle_f1: float
    share: float
    anomalies: int
    alerts: int
    hits: int
    of_events: tuple[Events, Affiliation] | None

    def told(self) -> list[tuple[str, str, str]]:
        """Return each metric's name, value and meaning in words."""
        value, low, high = self.auroc
        precision = f"{self.hits / self.alerts:.3f}" if self.alerts else "none"
        return [
            ("AUROC", f"{value:.3f}", f"95 % range {low:.3f} to {high:.3f}; chance: 0.5"),
            ("average precision", f"{self.average_precision:.3f}", f"chance: {self.share:.3f}"),
            ("oracle F1", f"{self.oracle_f1:.3f}", "at the true share, known only here"),
            ("alerts' precision", precision, f"{self.hits:,} of {self.alerts:,} are anomalies"),
            (
                "alerts' recall",
                f"{self.hits / self.anomalies:.3f}",
                f"{self.hits:,} of {self.anomalies:,} are found",
            ),
            *self._told_of_events(),
        ]

    def _told_of_events(self) -> list[tuple[str, str, str]]:
        if self.of_events is None:
            return []
        by_event, near = self.of_events
        found = {
            "events' precision": (by_event.precision, "runs of alerts that touch an anomaly"),
            "events' recall": (by_event.recall, "stretches of anomalies with an alert"),
            "affiliation, precision": (near.precision, "how near alerts are; chance: 0.5"),
            "affiliation, recall": (near.recall, "how near anomalies have one; chance: 0.5"),
        }
        return [(name, f"{value:.3f}", meaning) for name, (value, meaning) in found.items()]
