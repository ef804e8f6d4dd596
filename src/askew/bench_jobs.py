"""One fit and one scoring of a benchmark: what is run, and what is measured."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from askew import __version__
from askew.bench_protocols import masks_of, split_of
from askew.bench_results import Result, measures
from askew.errors import InputError
from askew.parameters import check_known

if TYPE_CHECKING:
    from askew.detector import Detector

FLOORS = ("random", "constant", "distance to the mean", "size", "low contrast")


@dataclass(frozen=True)
class Job:
    """One fit and one scoring: a row of the table, on one part of a set, with one seed.

    Attributes
    ----------
    row, set: names as the table has them.
    part: the normal class (or the first of them) by number; 0 for tables.
    seed: of the split and of the detector; for folds, their number.
    spec: everything else that decides the outcome.
    """

    row: str
    set: str
    part: int
    seed: int
    spec: Mapping[str, Any] = field(hash=False)

    @property
    def key(self) -> str:
        """A name that changes with all settings, those left at their defaults included."""
        made = _made(self)
        defaults = repr(made.get_params()) if made else None
        content = [__version__, self.set, self.part, self.seed, self.spec, defaults]
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]


def run_job(job: Job) -> Result:
    """Fit, score and measure; the labels reach the metrics only."""
    train, test, labels = split_of(job)
    started = time.perf_counter()
    scores, fit_seconds, maps = _scores(job, train, test)
    seconds = time.perf_counter() - started
    wanted = measures(job.spec["protocol"])
    measured = {name: float(metric(labels, scores)) for name, metric in wanted.items()}
    if maps is not None:
        measured |= _located(job, maps)
    return {**measured, "fit_seconds": fit_seconds, "seconds": seconds, "train": len(train)}


def _scores(
    job: Job, train: Any, test: Any
) -> tuple[NDArray[np.float64], float, NDArray[np.float64] | None]:
    """Return the scores of the test items, the seconds the fit took, and maps if asked for."""
    if job.spec["floor"] is not None:
        return _floor(job, train, test), 0.0, None
    import torch

    torch.set_num_threads(1)
    detector = _detector(job)
    started = time.perf_counter()
    detector.fit(train)
    fitted = time.perf_counter() - started
    maps = detector.decision_points(test) if job.spec.get("located") else None
    return detector.decision_function(test), fitted, maps


def _located(job: Job, maps: NDArray[np.float64]) -> dict[str, float]:
    """Return how well maps point at the marked places; they reach nothing else."""
    from askew.metrics_images import aupro, pixel_auroc

    masks = masks_of(job)
    if masks is None:
        return {}
    return {"pixel_auroc": pixel_auroc(masks, maps), "aupro": aupro(masks, maps)}


def _made(job: Job) -> Any:
    """Return what has defaults that decide the outcome: a detector, or a floor's data type."""
    if job.spec.get("method"):
        return _detector(job)
    return data_type(job) if job.spec.get("floor") == "distance to the mean" else None


def _detector(job: Job) -> Detector:
    from askew.methods import method

    made = method(job.spec["method"])
    with _named(job):
        return made(data=data_type(job), seed=job.seed, **job.spec["parameters"])


def data_type(job: Job) -> Any:
    """Return the data type that a job asks for."""
    from askew import data

    wanted = dict(job.spec["data"])
    kind = wanted.pop("type", "Tabular")
    made = getattr(data, one_of("data.type", kind, data.TYPES))
    with _named(job):
        return made(**wanted)


@contextmanager
def _named(job: Job) -> Iterator[None]:
    """Say whose parameters are meant where one is misspelt."""
    try:
        yield
    except TypeError as error:
        raise InputError(f"row {job.row!r} on {job.set!r}: {error}.") from error


def _floor(job: Job, train: Any, test: Any) -> NDArray[np.float64]:
    """Return scores that any method has to beat."""
    kind, count = job.spec["floor"], len(test)
    if kind == "random":
        return np.random.default_rng(job.seed).random(count)
    if kind == "constant":
        return np.zeros(count)
    if kind == "size" and not hasattr(test, "sizes"):
        raise InputError(f"floor='size' on {job.set!r}: only graphs have sizes.")
    if kind == "size":
        return np.asarray(test.sizes, dtype=np.float64)
    if kind == "low contrast":
        spread: NDArray[np.float64] = np.asarray(test, dtype=np.float64).reshape(count, -1).std(1)
        return -spread
    data = data_type(job).fit(train)
    features = data.features()
    known, new = (features(data.encode(items)).double().numpy() for items in (train, test))
    distances: NDArray[np.float64] = np.linalg.norm(new - known.mean(0), axis=1)
    laid_out: NDArray[np.float64] = data.restore(distances, test)
    return laid_out


def one_of(name: str, value: str, allowed: Iterable[str]) -> str:
    """Return a value that must be one of several, or say which."""
    check_known(f"{name}={value!r}", value, allowed)
    return value
