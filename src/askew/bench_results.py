"""What was measured, as means and spreads and as a table to read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from askew import __version__, metrics, metrics_series

if TYPE_CHECKING:
    from askew.bench_jobs import Job
    from askew.bench_table import Table

Result = dict[str, Any]


def _of_alerts(labels: Any, scores: Any, *, judge: Callable[..., Any], side: str) -> float:
    alerts = metrics_series.at_true_share(labels, scores)
    return float(getattr(judge(labels, alerts), side))


METRICS = {
    "auroc": metrics.auroc,
    "ap": metrics.average_precision,
    "f1": metrics.oracle_f1,
}
_OF_STEPS: Mapping[str, Callable[..., float]] = {
    "vus_pr": metrics_series.vus_pr,
    "vus_roc": metrics_series.vus_roc,
    **{
        f"{name}_{side}": partial(_of_alerts, judge=judge, side=side)
        for name, judge in (("event", metrics_series.events), ("aff", metrics_series.affiliation))
        for side in ("precision", "recall")
    },
}
"""Metrics for items that are steps of a recording, beside the others: how well scores rank them;
how events and their surroundings (affiliation) agree with alerts at the true share."""
LOCATED = ("pixel_auroc", "aupro")
"""Metrics of sets with marked places, for methods that have scores of points."""

_MEASURES: Mapping[str, Mapping[str, Callable[..., float]]] = {"recordings": _OF_STEPS}
"""Protocol: what is measured beside `METRICS`."""


def measures(protocol: str) -> Mapping[str, Callable[..., float]]:
    """Return what is measured under a protocol, by name."""
    return {**METRICS, **_MEASURES.get(protocol, {})}


def summary(table: Table, jobs: list[Job], done: Mapping[str, Result], *, command: str) -> Result:
    """Return means and spreads, by row and set, with what is needed to get them again.

    A set's value for one seed is the mean over its classes, once all of them are done; mean and
    sample standard deviation are over seeds. ``least`` is the lowest class (mean over seeds),
    ``below`` counts runs with an AUROC below 0.5.
    """
    cells: dict[str, dict[str, Any]] = {}
    for row in table.rows:
        for entry in table.sets:
            asked = [job for job in jobs if (job.row, job.set) == (row["name"], entry["name"])]
            missing = {job.seed for job in asked if job.key not in done}
            results = [(job, done[job.key]) for job in asked if job.seed not in missing]
            if results:
                cells.setdefault(row["name"], {})[entry["name"]] = _cell(
                    results, measures(table.protocol)
                )
    return {
        "title": table.title,
        "command": command,
        "version": __version__,
        "protocol": table.protocol,
        "metric": table.metric,
        "sets": [entry["name"] for entry in table.sets],
        "published": {e["name"]: e["published"] for e in table.sets if "published" in e},
        "rows": cells,
        "overall": _overall(table, cells),
    }


def _cell(results: list[tuple[Job, Result]], names: Iterable[str]) -> Result:
    seeds = sorted({job.seed for job, _ in results})
    parts = sorted({job.part for job, _ in results})
    cell: Result = {"seeds": len(seeds), "parts": len(parts)}
    for name in [name for name in [*names, *LOCATED] if name in results[0][1]]:
        values = np.array(
            [np.mean([r[name] for job, r in results if job.seed == seed]) for seed in seeds]
        )
        cell[name] = [float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None]
    by_part = [np.mean([r["auroc"] for job, r in results if job.part == part]) for part in parts]
    cell["least"] = float(min(by_part))
    cell["below"] = int(sum(r["auroc"] < 0.5 for _, r in results))
    cell["runs"] = len(results)
    cell["seconds"] = float(sum(r["seconds"] for _, r in results))
    return cell


def _overall(table: Table, cells: Mapping[str, Mapping[str, Result]]) -> Result:
    """Return each row's means over sets, and its mean rank by AUROC among methods (not floors)."""
    floors = {row["name"] for row in table.rows if "floor" in row or row.get("unranked")}
    ranked = [name for name in cells if name not in floors]
    ranks: dict[str, list[float]] = {name: [] for name in ranked}
    for entry in table.sets:
        have = [name for name in ranked if entry["name"] in cells[name]]
        values = np.array([-cells[name][entry["name"]]["auroc"][0] for name in have])
        for name, value in zip(have, values, strict=True):
            ranks[name].append(float(np.sum(values < value) + (np.sum(values == value) + 1) / 2))
    overall: Result = {}
    for name, row in cells.items():
        wanted = [*measures(table.protocol), *LOCATED]
        have = [m for m in wanted if all(m in c for c in row.values())]
        overall[name] = {m: float(np.mean([c[m][0] for c in row.values()])) for m in have}
        overall[name]["below"] = sum(c["below"] for c in row.values())
        overall[name]["runs"] = sum(c["runs"] for c in row.values())
        overall[name]["sets"] = len(row)
        overall[name]["rank"] = float(np.mean(ranks[name])) if name in ranks else None
        overall[name]["seconds"] = sum(c["seconds"] for c in row.values())
    return overall


def markdown(found: Result) -> str:
    """Return results as a Markdown document with one table, numbers in percent."""
    wide = len(found["sets"]) <= 8
    lines = [f"# {found['title']}", "", f"`{found['command']}`, askew {found['version']}.", ""]
    lines += [*(_wide(found) if wide else _long(found)), ""]
    lines += [*_others(found), ""] if wide else []
    lines += [
        f"{found['metric'].upper()} in percent, {found['protocol']}; mean ± standard deviation "
        "over seeds, number of seeds in brackets. *below*: runs with an AUROC below 0.5.",
        "",
    ]
    return "\n".join(lines)


def _wide(found: Result) -> list[str]:
    """One column a set."""
    sets, metric = found["sets"], found["metric"]
    head = ["", *sets, "mean", "mean rank", "below", "minutes"]
    rows = []
    for name, cells in found["rows"].items():
        overall = found["overall"][name]
        whole = overall["sets"] == len(sets)
        rows.append(
            [
                name,
                *(_number(cells.get(s), metric) for s in sets),
                f"{100 * overall[metric]:.1f}" if whole and metric in overall else "",
                "" if overall["rank"] is None or not whole else f"{overall['rank']:.1f}",
                f"{overall['below']} of {overall['runs']}",
                f"{overall['seconds'] / 60:.1f}",
            ]
        )
    for name in dict.fromkeys(n for by_set in found["published"].values() for n in by_set):
        values = [found["published"].get(s, {}).get(name) for s in sets]
        numbers = [n for n in map(as_published, values) if n is not None]
        mean = np.mean(numbers) if len(numbers) == len(sets) else math.nan
        shown = ["" if v is None else str(v) for v in values]
        rows.append(
            [f"*published:* {name}", *shown, "" if math.isnan(mean) else f"{mean:.1f}", "", "", ""]
        )
    return _lines(head, rows)


def _others(found: Result) -> list[str]:
    """All metrics but the first, as means over the sets that have them, in brackets how many; and
    the lowest AUROC of any part: a class, a recording, or a whole table."""
    wanted = [m for m in (*measures(found["protocol"]), *LOCATED) if m != found["metric"]]
    rows = []
    for name, cells in found["rows"].items():
        known = [[c[m][0] for c in cells.values() if m in c] for m in wanted]
        rows.append([name, *(_mean_of(values) for values in known)])
    there = [i for i in range(len(wanted)) if any(row[1 + i] for row in rows)]
    head = ["mean over sets", *(wanted[i].replace("_", " ") for i in there), "lowest part"]
    least = [min(cell["least"] for cell in cells.values()) for cells in found["rows"].values()]
    return _lines(
        head,
        [
            [row[0], *(row[1 + i] for i in there), f"{100 * lowest:.1f}"]
            for row, lowest in zip(rows, least, strict=True)
        ],
    )


def _mean_of(values: list[float]) -> str:
    return f"{100 * np.mean(values):.1f} ({len(values)})" if values else ""


def as_published(value: object) -> float | None:
    """Return the mean of a published number; None where it is none.

    Example
    -------
    >>> as_published("76.8±1.9"), as_published(38.9), as_published("n/a")
    (76.8, 38.9, None)
    """
    try:
        return float(str(value).split("±")[0])
    except ValueError:
        return None


def _long(found: Result) -> list[str]:
    """One line a set, with the overall figures first."""
    names, measured = list(found["rows"]), measures(found["protocol"])
    overall = [
        [
            name,
            *(f"{100 * found['overall'][name][m]:.1f}" for m in measured),
            ""
            if found["overall"][name]["rank"] is None
            else f"{found['overall'][name]['rank']:.2f}",
            f"{found['overall'][name]['below']} of {found['overall'][name]['runs']}",
            f"{found['overall'][name]['seconds'] / 60:.1f}",
        ]
        for name in names
    ]
    head = ["", *(m.upper() for m in measured), "mean rank", "below", "minutes"]
    each = [
        [s, *(_number(found["rows"][name].get(s), found["metric"]) for name in names)]
        for s in found["sets"]
    ]
    return [*_lines(head, overall), "", *_lines(["", *names], each)]


def _number(cell: Result | None, metric: str) -> str:
    if cell is None or metric not in cell:
        return ""
    mean, spread = cell[metric]
    return (
        f"{100 * mean:.1f}"
        + ("" if spread is None else f" ± {100 * spread:.1f}")
        + f" ({cell['seeds']})"
    )


def _lines(head: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---"] * len(head)
    return ["| " + " | ".join(cells) + " |" for cells in [head, rule, *rows]]
