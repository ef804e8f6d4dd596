"""Methods x data sets x seeds to one table, under a protocol that never shows a test label.

A table is a TOML file: constructor arguments, data, protocol, published numbers. Every run of a
method is a job of its own; finished jobs are kept beside the table, in results/NAME.jsonl, under a
name that changes with all settings and the version. So a stopped table goes on where it was. Who
changes the code without the version deletes what should be computed anew.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context, parent_process
from pathlib import Path

from askew.bench_jobs import Job, run_job
from askew.bench_results import Result, markdown, summary
from askew.bench_table import Table


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
    fewer = "" if seeds is None else f" --seeds {seeds}"
    found = summary(table, jobs, done, command=f"askew bench {path}{fewer}")
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, indent=1), encoding="utf-8")
        out.with_suffix(".md").write_text(markdown(found), encoding="utf-8")
    return found


def _work(jobs: list[Job], workers: int) -> Iterator[tuple[Job, Result]]:
    """Yield each job with its result as it is finished."""
    if workers == 1:
        yield from ((job, run_job(job)) for job in jobs)
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # inherited by the workers
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent) as pool:
        waiting = {pool.submit(run_job, job): job for job in jobs}
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _end_with_parent() -> None:
    """End this worker when the process that waits for it is killed."""

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _finished(kept: Path) -> dict[str, Result]:
    """Read the results of finished jobs; a line cut off by a stop is done again."""
    found = {}
    for line in kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []:
        try:
            record = json.loads(line)
            found[record["key"]] = record["result"]
        except (json.JSONDecodeError, KeyError, TypeError):
            continue
    return found


def _append(kept: Path, job: Job, result: Result) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    record = {"key": job.key, "row": job.row, "set": job.set, "part": job.part, "seed": job.seed}
    cut_off = kept.exists() and kept.read_bytes()[-1:] not in (b"", b"\n")
    with kept.open("a", encoding="utf-8") as file:
        file.write("\n" * cut_off + json.dumps({**record, "result": result}) + "\n")
