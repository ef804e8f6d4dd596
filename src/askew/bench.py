"""Methods x data sets x seeds to one table, under a protocol that never shows a test label.

A table is a TOML file: constructor arguments, data, protocol, published numbers. Every run of a
method is a job of its own; finished jobs are kept beside the table, in results/NAME.jsonl, under a
name that changes with all settings and the version. So a stopped table goes on where it was. Who
changes the code without the version deletes what should be computed anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from askew import __version__, datasets
from askew.bench_results import LOCATED, Result, markdown, measures, summary
from askew.errors import InputError

if TYPE_CHECKING:
    from askew.detector import Detector

CAPS = ("most_train", "most_test")
"""Most items of a part; a set's own go before the table's."""

KEYS: Mapping[str, frozenset[str]] = {
    "table": frozenset(
        ["title", "protocol", "metric", "seeds", "data", "set", "row", "shuffle", "folds", *CAPS]
    ),
    "set": frozenset(["name", "seeds", "parts", "normal", "published", "data", *CAPS]),
    "row": frozenset(
        [
            "name",
            "method",
            "floor",
            "untrained",
            "parameters",
            "data",
            "seeds",
            "skip",
            "on",
            "located",
        ]
    ),
    "row's on": frozenset(["seeds", "parameters", "data"]),
}
"""What may stand in a table, in its sets and rows, and in what a row says of a set."""

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


@dataclass(frozen=True)
class Table:
    """A benchmark as its TOML file describes it."""

    title: str
    protocol: str
    metric: str
    seeds: int
    sets: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    data: dict[str, Any]
    options: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Table:
        """Read and check a table.

        Raises
        ------
        InputError: there is no such file, or it is no table; the message says what is wrong.
        """
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path} is not TOML: {error}.") from error
        for name in ("title", "protocol", "set", "row"):
            if name not in content:
                raise InputError(f"{path} has no {name!r}: see benchmarks/README.md for the form.")
        for name in ("set", "row"):
            if not all("name" in entry for entry in content[name]):
                raise InputError(f"{path} has a {name} without a name.")
        _one_of("protocol", content["protocol"], _SPLITS)
        _check_keys(path, content)
        known = [*measures(content["protocol"]), *LOCATED]
        _one_of("metric", content.get("metric", "auroc"), known)
        for row in content["row"]:
            if "floor" in row:
                _one_of("floor", row["floor"], FLOORS)
            elif "method" not in row:
                raise InputError(f"{path}: row {row['name']!r} has neither a method nor a floor.")
        return cls(
            title=content["title"],
            protocol=content["protocol"],
            metric=content.get("metric", "auroc"),
            seeds=content.get("seeds", 5),
            sets=content["set"],
            rows=content["row"],
            data=content.get("data", {}),
            options={k: content[k] for k in ("shuffle", *CAPS, "folds") if k in content},
        )

    def jobs(self, seeds: int | None) -> Iterator[Job]:
        """Yield all jobs, one set after the other."""
        for entry in self.sets:
            for row in self.rows:
                if entry["name"] in row.get("skip", []):
                    continue
                for seed in range(self._seeds(row, entry, seeds)):
                    for part in self._parts(entry):
                        yield Job(row["name"], entry["name"], part, seed, self._spec(row, entry))

    def _seeds(self, row: Mapping[str, Any], entry: Mapping[str, Any], most: int | None) -> int:
        """Return the fewest seeds that the table, the set, the row or the caller ask for."""
        if row.get("floor") == "constant":
            return 1
        special = row.get("on", {}).get(entry["name"], {})
        asked: list[int] = [level.get("seeds", self.seeds) for level in (entry, row, special)]
        return min([*asked, self.seeds if most is None else most])

    def _parts(self, entry: Mapping[str, Any]) -> Iterable[int]:
        parts: Iterable[int] = entry.get("parts") or _PARTS[self.protocol](entry)
        return parts

    def _spec(self, row: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
        special = row.get("on", {}).get(entry["name"], {})
        return {
            "protocol": self.protocol,
            "normal": entry.get("normal"),
            **self.options,
            **{name: entry[name] for name in CAPS if name in entry},
            "floor": row.get("floor"),
            "method": row.get("method"),
            **{name: True for name in ("located",) if row.get(name)},
            "parameters": {**row.get("parameters", {}), **special.get("parameters", {})},
            "data": {
                **self.data,
                **entry.get("data", {}),
                **row.get("data", {}),
                **special.get("data", {}),
            },
        }


def run(
    path: Path, *, seeds: int | None = None, out: Path | None = None, workers: int = 2
) -> Result:
    """Run a table's jobs that are not done yet, and return its results; see `summary`.

    Parameters
    ----------
    path: the TOML file.
    seeds: fewer seeds than the table asks for.
    out: where to write the results as JSON, and beside it the table as Markdown.
    workers: processes, each with one thread.
    """
    table = Table.read(path)
    jobs = list(table.jobs(seeds))
    kept = path.parent / "results" / f"{path.stem}.jsonl"
    done = _finished(kept)
    missing = [job for job in jobs if job.key not in done]
    for job, result in _work(missing, workers):
        done[job.key] = result
        _append(kept, job, result)
    found = summary(table, jobs, done, command=f"askew bench {path}")
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, indent=1), encoding="utf-8")
        out.with_suffix(".md").write_text(markdown(found), encoding="utf-8")
    return found


def run_job(job: Job) -> Result:
    """Fit, score and measure; the labels reach the metrics only."""
    train, test, labels = _split(job)
    started = time.perf_counter()
    scores, fit_seconds, maps = _scores(job, train, test)
    seconds = time.perf_counter() - started
    wanted = measures(job.spec["protocol"])
    measured = {name: float(metric(labels, scores)) for name, metric in wanted.items()}
    if maps is not None:
        measured |= _located(job, maps)
    return {**measured, "fit_seconds": fit_seconds, "seconds": seconds, "train": len(train)}


def _split(job: Job) -> datasets.OneClass[Any]:
    protocol = job.spec["protocol"]
    return _CAPS.get(protocol, _capped)(_SPLITS[protocol](job), job)


def _half_split(job: Job) -> datasets.OneClass[Any]:
    table = datasets.load_table(job.set, seed=job.seed)
    shuffle = job.spec.get("shuffle", True)
    return datasets.half_split(table.rows, table.labels, seed=job.seed, shuffle=shuffle)


def _one_vs_rest(job: Job) -> datasets.OneClass[Any]:
    split = datasets.load_classes(job.set)
    return datasets.one_vs_rest(split, split.classes[job.part])


def _n_vs_rest(job: Job) -> datasets.OneClass[Any]:
    split = datasets.load_classes(job.set)
    return datasets.n_vs_rest(split, job.part, job.spec["normal"] or len(split.classes) - 1)


def _one_recording(job: Job) -> datasets.OneClass[Any]:
    found = datasets.load_recordings(job.set)
    return datasets.OneClass(found.train[job.part], found.test[job.part], found.labels[job.part])


def _recordings(entry: Mapping[str, Any]) -> Iterable[int]:
    return datasets.load_recordings(entry["name"]).measurable


def _defects(job: Job) -> datasets.OneClass[Any]:
    images = datasets.load_inspected(job.set, seed=job.seed)
    return datasets.OneClass(images.train, images.test, images.labels)


def _graph_folds(job: Job) -> datasets.OneClass[Any]:
    found = datasets.load_unsplit(job.set)
    folds = job.spec.get("folds", 5)
    cls = np.unique(found.labels)[job.part]
    return datasets.fold_vs_rest(found, cls, fold=job.seed % folds, folds=folds)


def _transductive(job: Job) -> datasets.OneClass[Any]:
    found = datasets.load(job.set, seed=job.seed)
    if not isinstance(found, datasets.Table | datasets.Unsplit):
        raise InputError(f"{job.set} comes in parts: expected a table, graphs, or nodes.")
    items, labels = found
    return datasets.OneClass(items, items, labels)


def _unsplit_classes(entry: Mapping[str, Any]) -> Iterable[int]:
    return range(len(np.unique(datasets.load_unsplit(entry["name"]).labels)))


def _classes(entry: Mapping[str, Any]) -> Iterable[int]:
    return range(len(datasets.load_classes(entry["name"]).classes))


_SPLITS: Mapping[str, Callable[[Job], datasets.OneClass[Any]]] = {
    "half-split": _half_split,
    "one-vs-rest": _one_vs_rest,
    "n-vs-rest": _n_vs_rest,
    "recordings": _one_recording,
    "defects": _defects,
    "graph-folds": _graph_folds,
    "transductive": _transductive,
}
"""Protocol: what trains and tests in a job."""

_PARTS: Mapping[str, Callable[[Mapping[str, Any]], Iterable[int]]] = {
    "half-split": lambda entry: [0],
    "one-vs-rest": _classes,
    "n-vs-rest": _classes,
    "recordings": _recordings,
    "defects": lambda entry: [0],
    "graph-folds": _unsplit_classes,
    "transductive": lambda entry: [0],
}
"""Protocol: the parts of a set, each a job of its own."""


def _check_keys(path: Path, content: Mapping[str, Any]) -> None:
    """Refuse what nobody would read: a misspelt setting must not be passed over in silence."""
    for row in content["row"]:
        wrong = not isinstance(row.get("skip", []), list)
        if wrong or not all(isinstance(entry, dict) for entry in row.get("on", {}).values()):
            raise InputError(f"{path}: row {row['name']!r}: skip is a list, on.SET a table.")
    said = [entry for row in content["row"] for entry in row.get("on", {}).values()]
    levels = {"table": [content], "set": content["set"], "row": content["row"], "row's on": said}
    for level, entries in levels.items():
        for key in (key for entry in entries for key in entry):
            if key not in KEYS[level]:
                raise InputError(
                    f"{path} has {key!r} in a {level}, where it means nothing: expected "
                    f"{', '.join(sorted(KEYS[level]))}."
                )
    sets = {entry["name"] for entry in content["set"]}
    for row in content["row"]:
        if "method" in row and "floor" in row:
            raise InputError(f"{path}: row {row['name']!r} has a method and a floor: expected one.")
        strangers = {*row.get("skip", []), *row.get("on", {})} - sets
        if strangers:
            raise InputError(f"{path}: row {row['name']!r} names {min(strangers)!r}, not a set.")


def _capped(split: datasets.OneClass[Any], job: Job) -> datasets.OneClass[Any]:
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


def _the_same(split: datasets.OneClass[Any], job: Job) -> datasets.OneClass[Any]:
    """Take a random part of what is both learned from and scored."""
    order = np.random.default_rng(job.seed).permutation(len(split.labels))
    some = np.sort(order[: job.spec.get("most_train")])
    if len(some) == len(split.labels):
        return split
    items = datasets.chosen(split.train, some)
    return datasets.OneClass(items, items, split.labels[some])


def _first_steps(split: datasets.OneClass[Any], job: Job) -> datasets.OneClass[Any]:
    """Take the last steps before the test and the first of it: steps belong together."""
    train, test = job.spec.get("most_train"), job.spec.get("most_test")
    kept = split.train[-train:] if train else split.train
    return datasets.OneClass(kept, split.test[:test], split.labels[:test])


_CAPS: Mapping[str, Callable[[datasets.OneClass[Any], Job], datasets.OneClass[Any]]] = {
    "recordings": _first_steps,
    "transductive": _the_same,
}
"""Protocol: how a large set is made smaller; at random where nothing is said."""


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

    found = datasets.load_inspected(job.set, seed=job.seed)
    if found.masks is None:
        return {}
    cap = _CAPS.get(job.spec["protocol"], _capped)
    masks = cap(datasets.OneClass(found.train, found.masks, found.labels), job).test
    return {"pixel_auroc": pixel_auroc(masks, maps), "aupro": aupro(masks, maps)}


def _made(job: Job) -> Any:
    """Return what has defaults that decide the outcome: a detector, or a floor's data type."""
    if job.spec.get("method"):
        return _detector(job)
    return _data_type(job) if job.spec.get("floor") == "distance to the mean" else None


def _detector(job: Job) -> Detector:
    from askew.methods import method

    made = method(job.spec["method"])
    with _named(job):
        return made(data=_data_type(job), seed=job.seed, **job.spec["parameters"])


def _data_type(job: Job) -> Any:
    from askew import data

    wanted = dict(job.spec["data"])
    kind = wanted.pop("type", "Tabular")
    made = getattr(data, _one_of("data.type", kind, data.TYPES))
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
    if kind == "size":
        return np.asarray(test.sizes, dtype=np.float64)
    if kind == "low contrast":
        spread: NDArray[np.float64] = np.asarray(test, dtype=np.float64).reshape(count, -1).std(1)
        return -spread
    data = _data_type(job).fit(train)
    features = data.features()
    known, new = (features(data.encode(items)).double().numpy() for items in (train, test))
    distances: NDArray[np.float64] = np.linalg.norm(new - known.mean(0), axis=1)
    laid_out: NDArray[np.float64] = data.restore(distances, test)
    return laid_out


def _work(jobs: list[Job], workers: int) -> Iterator[tuple[Job, Result]]:
    """Yield each job with its result as it is finished."""
    if workers == 1:
        yield from ((job, run_job(job)) for job in jobs)
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # inherited by the workers
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(run_job, job): job for job in jobs}
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _finished(kept: Path) -> dict[str, Result]:
    """Read the results of finished jobs; a line cut off by a stop is done again."""
    found = {}
    for line in kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[record["key"]] = record["result"]
    return found


def _append(kept: Path, job: Job, result: Result) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    record = {"key": job.key, "row": job.row, "set": job.set, "part": job.part, "seed": job.seed}
    cut_off = kept.exists() and kept.read_bytes()[-1:] not in (b"", b"\n")
    with kept.open("a", encoding="utf-8") as file:
        file.write("\n" * cut_off + json.dumps({**record, "result": result}) + "\n")


def _one_of(name: str, value: str, allowed: Iterable[str]) -> str:
    if value not in allowed:
        raise InputError(f"{name}={value!r} is not known: choose one of {', '.join(allowed)}.")
    return value
