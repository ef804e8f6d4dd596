"""What trains and what is judged in a job, by the name of the protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from askew import datasets
from askew.errors import InputError

if TYPE_CHECKING:
    from askew.bench_jobs import Job

Split = datasets.OneClass[Any]


def half_split(job: Job) -> Split:
    """Half of the normal rows train; the rest, and all anomalies, are judged."""
    table = datasets.load_table(job.set, seed=job.seed)
    shuffle = job.spec.get("shuffle", True)
    return datasets.half_split(table.rows, table.labels, seed=job.seed, shuffle=shuffle)


def one_vs_rest(job: Job) -> Split:
    """One class trains; it is normal, all others are anomalous."""
    split = datasets.load_classes(job.set)
    return datasets.one_vs_rest(split, split.classes[job.part])


def contaminated(job: Job) -> Split:
    """One class trains with items of others among it; the others are anomalous."""
    split = datasets.load_classes(job.set)
    share = job.spec.get("contamination", 0.1)
    return datasets.contaminated(split, split.classes[job.part], share=share, seed=job.seed)


def n_vs_rest(job: Job) -> Split:
    """Several classes train, from the job's part on; the others are anomalous."""
    split = datasets.load_classes(job.set)
    return datasets.n_vs_rest(split, job.part, job.spec["normal"] or len(split.classes) - 1)


def one_recording(job: Job) -> Split:
    """A recording comes in a part to learn from and one to judge."""
    found = datasets.load_recordings(job.set)
    return datasets.OneClass(found.train[job.part], found.test[job.part], found.labels[job.part])


def recordings(entry: Mapping[str, Any]) -> Iterable[int]:
    """Those recordings that hold normal steps and anomalous ones."""
    return datasets.load_recordings(entry["name"]).measurable


def defects(job: Job) -> Split:
    """Good images train; good and bad ones are judged."""
    images = datasets.load_inspected(job.set, seed=job.seed)
    return datasets.OneClass(images.train, images.test, images.labels)


def graph_folds(job: Job) -> Split:
    """All folds but one of a class train."""
    found = datasets.load_unsplit(job.set)
    folds = job.spec.get("folds", 5)
    cls = np.unique(found.labels)[job.part]
    return datasets.fold_vs_rest(found, cls, fold=job.seed % folds, folds=folds)


def transductive(job: Job) -> Split:
    """All items, anomalies too, are learned from and judged."""
    found = datasets.load(job.set, seed=job.seed)
    if not isinstance(found, datasets.Table | datasets.Unsplit):
        raise InputError(f"{job.set} comes in parts: expected a table, graphs, or nodes.")
    items, labels = found
    return datasets.OneClass(items, items, labels)


def unsplit_classes(entry: Mapping[str, Any]) -> Iterable[int]:
    """Each class of a set that comes without a test part is normal in turn."""
    return range(len(np.unique(datasets.load_unsplit(entry["name"]).labels)))


def undivided(entry: Mapping[str, Any]) -> Iterable[int]:
    """The whole set is the only part."""
    return [0]


def classes(entry: Mapping[str, Any]) -> Iterable[int]:
    """Each class is in turn the normal one, or the first of them."""
    return range(len(datasets.load_classes(entry["name"]).classes))


def at_random(split: Split, job: Job) -> Split:
    """Take a random part of a large set; which rows, is decided by the seed."""
    generator = np.random.default_rng(job.seed)
    train = generator.permutation(len(split.train))[: job.spec.get("most_train")]
    test = generator.permutation(len(split.test))[: job.spec.get("most_test")]
    if len(train) == len(split.train) and len(test) == len(split.test):
        return split
    return datasets.OneClass(
        datasets.chosen(split.train, np.sort(train)),
        datasets.chosen(split.test, np.sort(test)),
        split.labels[np.sort(test)],
    )


def the_same(split: Split, job: Job) -> Split:
    """Take a random part of what is both learned from and scored."""
    order = np.random.default_rng(job.seed).permutation(len(split.labels))
    some = np.sort(order[: job.spec.get("most_train")])
    if len(some) == len(split.labels):
        return split
    items = datasets.chosen(split.train, some)
    return datasets.OneClass(items, items, split.labels[some])


def first_steps(split: Split, job: Job) -> Split:
    """Take the last steps before the test and the first of it: steps belong together."""
    train, test = job.spec.get("most_train"), job.spec.get("most_test")
    kept = split.train[-train:] if train else split.train
    return datasets.OneClass(kept, split.test[:test], split.labels[:test])


@dataclass(frozen=True)
class Protocol:
    """How a set becomes jobs.

    Attributes
    ----------
    split: what trains and what is judged in a job.
    parts: the numbers of a set's parts, each a job of its own.
    capped: how a large split is made smaller.
    """

    split: Callable[[Job], Split]
    parts: Callable[[Mapping[str, Any]], Iterable[int]] = undivided
    capped: Callable[[Split, Job], Split] = at_random


PROTOCOLS: Mapping[str, Protocol] = {
    "half-split": Protocol(half_split),
    "one-vs-rest": Protocol(one_vs_rest, classes),
    "contaminated": Protocol(contaminated, classes),
    "n-vs-rest": Protocol(n_vs_rest, classes),
    "recordings": Protocol(one_recording, recordings, first_steps),
    "defects": Protocol(defects),
    "graph-folds": Protocol(graph_folds, unsplit_classes),
    "transductive": Protocol(transductive, capped=the_same),
}


def split_of(job: Job) -> Split:
    """Return what trains and what is judged in a job, no more of it than the job allows."""
    protocol = PROTOCOLS[job.spec["protocol"]]
    try:
        split = protocol.split(job)
    except IndexError as error:
        raise InputError(f"set {job.set!r} has no part {job.part}: they count from 0.") from error
    return protocol.capped(split, job)


def masks_of(job: Job) -> NDArray[np.bool_] | None:
    """Return the marked places of the items that are judged; None where nobody marked any."""
    found = datasets.load_inspected(job.set, seed=job.seed)
    if found.masks is None:
        return None
    protocol = PROTOCOLS[job.spec["protocol"]]
    masks: NDArray[np.bool_] = protocol.capped(
        datasets.OneClass(found.train, found.masks, found.labels), job
    ).test
    return masks
