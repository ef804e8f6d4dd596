"""Methods x data sets x seeds to one table, under a protocol that never shows a test label.

A table is a TOML file: constructor arguments, data, protocol, published numbers. Every run of a
method is a job of its own; finished jobs are kept beside the table, in results/NAME.jsonl, under a
name that changes with all settings and the version. So a stopped table goes on where it was. Who
changes the code without the version deletes what should be computed anew.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from askew.bench_jobs import FLOORS, Job, one_of, run_job
from askew.bench_protocols import PROTOCOLS
from askew.bench_results import LOCATED, Result, markdown, measures, summary
from askew.errors import InputError

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
            "unranked",
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
        one_of("protocol", content["protocol"], PROTOCOLS)
        _check_keys(path, content)
        known = [*measures(content["protocol"]), *LOCATED]
        one_of("metric", content.get("metric", "auroc"), known)
        for row in content["row"]:
            if "floor" in row:
                one_of("floor", row["floor"], FLOORS)
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
        parts: Iterable[int] = entry.get("parts") or PROTOCOLS[self.protocol].parts(entry)
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
