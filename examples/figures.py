"""Draw the figures of the NeuTraL AD paper that belong to tables and series.

Run: python examples/figures.py [name ...] [--out docs/figures]

Budgets are small, so that all of it takes about half an hour on one core; every title says how
small. What the two sweeps measured is kept in runs/figures.json, so a second run only draws.
"""

import argparse
import io
import json
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image
from sklearn.decomposition import PCA

from askew import KNN, LOF, NeuTraLAD, Series, Tabular, datasets
from askew.errors import InputError
from askew.metrics import auroc, oracle_f1
from askew.plot import BLUE, GREEN, GREY, INK, ORANGE
from askew.seeding import seeded

RESULTS = Path("runs/figures.json")
PURPLE = "#CC79A7"
PLAIN = {"bias": False, "nets": 1, "neighbors": 0, "held_out": 0.0, "lr": 1e-3}  # the paper's form
KINDS = {"forward": ("s", BLUE), "residual": ("o", ORANGE), "multiplicative": ("^", GREEN)}
VIEW_COUNTS = [2, 3, 4, 6, 8, 11, 15]
SEEDS = [0, 1, 2]


# --- what is drawn


def first_of(*names: str) -> tuple[str, datasets.ClassSplit]:
    """Load the first of these sets that is at hand; the last one ships with askew."""
    for name in names:
        try:
            return name, datasets.load_classes(name)
        except InputError as reason:
            print(f"without {name}: {reason}")
    raise SystemExit("none of the data sets is at hand")


def as_they_are(name: str) -> Series:
    """Series and encoder as in the paper: no scaling, no noise; SAD is padded with zeros to 50."""
    return Series(
        layout="time-first",
        length=50 if name == "sad" else None,
        scaling="none",
        presence=False,
        jitter=0.0,
        encoder_kind="residual",
        widest=1024,
    )


@cache
def trained(kind: str, views: int, steps: int, batch: int, *names: str):
    """Train on the first class of a set of series; return its name, the detector and its test."""
    name, split = first_of(*names)
    train, test, labels = datasets.one_vs_rest(split, split.classes[0])
    detector = NeuTraLAD(
        data=as_they_are(name), kind=kind, views=views, steps=steps, batch_size=batch, **PLAIN
    )
    return name, detector.fit(train), test, split.test_labels, labels


@cache
def thyroid():
    """Train four multiplicative views on Thyroid; return the detector, its test and l_k."""
    table = datasets.load_table("thyroid")
    train, test, labels = datasets.half_split(table.rows, table.labels, seed=0)
    data = Tabular(scaling="none", width=24, view_width=24)
    detector = NeuTraLAD(
        data=data, kind="multiplicative", views=4, dim=24, steps=2000, **PLAIN
    ).fit(train)
    return detector, test, labels, detector.view_scores(test)


def measured(key: str, measure: Callable[..., float], *arguments) -> float:
    """Measure, or look up what an earlier run measured."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if key not in known:
        known[key] = measure(*arguments)
        print(f"{key}: {known[key]:.3f}", flush=True)
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(known, indent=1))
    return known[key]


def legend(figure: Figure, names, colors, markers, ncols: int) -> None:
    """One legend under all panels."""
    dots = [
        Line2D([], [], color=color, marker=marker, lw=0, label=name)
        for name, color, marker in zip(names, colors, markers, strict=True)
    ]
    figure.legend(handles=dots, loc="outside lower center", ncols=ncols, frameon=False)


def curve(axes, x, values, **look) -> None:
    """Means and standard deviations over the last axis of values (x, repeats)."""
    axes.errorbar(x, np.mean(values, 1), np.std(values, 1), capsize=2, **look)


# --- the figures


def histograms() -> Figure:
    """Scores of test series before and after training."""
    name, detector, test, _, labels = trained("residual", 11, 150, 32, "sad", "epilepsy")
    with seeded(detector.seed):
        untrained = detector.build(detector.data_).eval()  # the weights that training began with
    with torch.no_grad():
        slices = detector.data_.encode(test).split(256)
        before = [detector.scores(untrained, x) for x in slices]
    both = {
        "before training": torch.cat(before).numpy(),
        "after 150 steps of 32 series": detector.decision_function(test),
    }
    figure = Figure(figsize=(8.6, 3.2), layout="constrained")
    for axes, (title, scores) in zip(figure.subplots(1, 2), both.items(), strict=True):
        bins = np.linspace(scores.min(), np.percentile(scores, 99.5), 41)
        for truth, color, label in [(0, BLUE, "normal"), (1, ORANGE, "anomalous")]:
            part = scores[labels == truth].clip(max=bins[-1])
            share = np.full(len(part), 100 / len(part))
            axes.hist(part, bins, weights=share, color=color, alpha=0.6, label=label)
        axes.set_title(f"{title}: AUROC {auroc(labels, scores):.3f}", fontsize=10)
        axes.set(xlabel="score (1: all views alike)", ylabel="% of the group")
    axes.legend(frameon=False)
    figure.suptitle(f"Scores of unseen {name.upper()} series, first class normal; 11 views, seed 0")
    return figure


def view_space() -> Figure:
    """Series and their four views, as they are and as they are embedded."""
    name, detector, test, _, labels = trained("multiplicative", 4, 800, 32, "sad", "epilepsy")
    member, spaces = detector.net_.members[0], {"data": [], "embedding": []}
    for truth in (0, 1):
        chosen = np.random.default_rng(0).choice(np.flatnonzero(labels == truth), 40, replace=False)
        x = detector.data_.encode(test)[chosen]
        with torch.no_grad():
            views = member.transform(x).unflatten(0, (-1, len(x))).transpose(0, 1)
            z = member(x)
        spaces["data"].append(torch.cat([x[:, None], views], 1).flatten(2))  # (40, 1 + K, C * L)
        spaces["embedding"].append(torch.nn.functional.normalize(z, dim=-1))
    figure = Figure(figsize=(8.4, 7.6))
    figure.subplots_adjust(0.02, 0.1, 0.94, 0.9, wspace=0.1, hspace=0.12)
    colors, markers = [INK, BLUE, ORANGE, GREEN, PURPLE], "osD^v"
    for row, (space, parts) in enumerate(spaces.items()):
        pca = PCA(3).fit(parts[0].flatten(0, 1).numpy())  # of the normal ones, for both columns
        for column, (title, part) in enumerate(zip(["normal", "anomalous"], parts, strict=True)):
            axes = figure.add_subplot(2, 2, 1 + 2 * row + column, projection="3d")
            for k in range(5):
                points = pca.transform(part[:, k].numpy())
                axes.scatter(
                    *points.T, c=colors[k], marker=markers[k], s=18, lw=0, depthshade=False
                )
            axes.set_title(f"{title} series, {space} space", fontsize=10)
            axes.set(xlabel="PC 1", ylabel="PC 2", zlabel="PC 3")
            axes.set(xticklabels=[], yticklabels=[], zticklabels=[])
            for side in (axes.xaxis, axes.yaxis, axes.zaxis):
                side.labelpad = -10
    names = ["series itself", *(f"view {k}" for k in range(1, 5))]
    legend(figure, names, colors, markers, ncols=5)
    score = auroc(labels, detector.decision_function(test))
    figure.suptitle(
        f"{name.upper()}: 40 unseen series and their multiplicative views\n"
        f"(first class normal, 800 steps of 32, seed 0, AUROC {score:.3f})"
    )
    return figure


def masks() -> Figure:
    """What four multiplicative views let through of one series of each of four classes."""
    name, detector, test, classes, _ = trained("multiplicative", 4, 800, 32, "sad", "epilepsy")
    return heat_maps(
        detector,
        test,
        classes,
        f"{name.upper()}: four multiplicative masks (first class normal, 800 steps of 32, seed 0)",
        lambda transform, x: transform.masks(x),
        {"cmap": "cividis", "vmin": 0, "vmax": 1},
        "mask: 0 stops, 1 lets through",
    )


def forward_views() -> Figure:
    """The views themselves, where a view is a network's output."""
    name, detector, test, classes, _ = trained("forward", 4, 200, 7, "natops", "racketsports")
    return heat_maps(
        detector,
        test,
        classes,
        f"{name.upper()}: four feed-forward views (first class normal, 200 steps of 7, seed 0)",
        lambda transform, x: transform(x)[None],
        {"cmap": "RdBu_r", "vmin": -3, "vmax": 3},
        "value of a view",
    )


def heat_maps(detector, test, classes, title: str, of, colors, label: str) -> Figure:
    """One row a series: the series, then what `of` says of each of its views."""
    shown = list(np.unique(classes))[:4]
    figure = Figure(figsize=(9.4, 6.6), layout="constrained")
    grid = figure.subplots(4, 5, sharex=True, sharey=True)
    for axes, cls in zip(grid, shown, strict=True):
        i = int(np.flatnonzero(classes == cls)[0])
        x = detector.data_.encode(test[i : i + 1])
        with torch.no_grad():
            views = of(detector.net_.members[0].transform, x)[0].numpy()
        wide = float(x.abs().max())
        axes[0].imshow(x[0].numpy(), aspect="auto", cmap="RdBu_r", vmin=-wide, vmax=wide)
        for k in range(4):
            image = axes[k + 1].imshow(views[k], aspect="auto", interpolation="nearest", **colors)
        kind = "normal" if cls == shown[0] else "anomalous"
        axes[0].set_ylabel(f"class {str(cls).removesuffix('.0')}\n({kind})\nchannel", fontsize=9)
    for axes, head in zip(grid[0], ["series", *(f"view {k}" for k in range(1, 5))], strict=True):
        axes.set_title(head, fontsize=10)
    for axes in grid[-1]:
        axes.set_xlabel("step")
    figure.colorbar(image, ax=grid, shrink=0.5, pad=0.01, label=label)
    figure.suptitle(title)
    return figure


def normal_classes() -> Figure:
    """AUROC as more classes are normal: NATOPS from every class on, SAD from every second one."""
    sets = {  # form, steps, batch; which starts and counts
        "natops": ({"kind": "multiplicative", "dim": 64, "steps": 120, "batch_size": 7}, 1),
        "sad": ({"kind": "residual", "dim": 32, "steps": 150, "batch_size": 32}, 2),
    }
    figure = Figure(figsize=(9.6, 3.8), layout="constrained")
    for axes, (wanted, (form, every)) in zip(figure.subplots(1, 2), sets.items(), strict=True):
        name, split = first_of(wanted, "racketsports" if wanted == "natops" else "epilepsy")
        starts = range(0, len(split.classes), every)
        counts = np.arange(1, len(split.classes), every)
        for place, (method, (marker, color)) in enumerate(NORMAL_CLASSES.items()):
            values = [
                [
                    measured(
                        f"{name} {method} n={n} from class {i}",
                        on_n,
                        split,
                        name,
                        method,
                        form,
                        n,
                        i,
                    )
                    for i in starts
                ]
                for n in counts.tolist()
            ]
            x = counts + 0.08 * every * (place - 1)
            curve(axes, x, values, marker=marker, color=color, label=method)
        axes.axhline(0.5, color=INK, lw=0.8, ls=":")
        axes.set(xlabel="n: classes that are normal", ylabel="AUROC", xticks=counts)
        axes.set_title(
            f"{name.upper()}, n classes in a row normal: mean and std over {len(starts)} starts\n"
            f"(NeuTraL AD: 11 {form['kind']} views, {form['steps']} steps of {form['batch_size']})",
            fontsize=9,
        )
    axes.legend(frameon=False, loc="lower left")
    return figure


NORMAL_CLASSES = {"NeuTraL AD": ("o", BLUE), "kNN": ("^", ORANGE), "LOF": ("s", GREY)}


def on_n(split, name: str, method: str, form: dict, n: int, first: int) -> float:
    """Return a method's AUROC with n classes normal, from this one on."""
    train, test, labels = datasets.n_vs_rest(split, first, n)
    data = as_they_are(name)
    made = {"kNN": KNN(data=data), "LOF": LOF(data=data)}.get(method)
    detector = made or NeuTraLAD(data=data, **form, **PLAIN)
    detector.set_params(seed=first, held_out=0.0).fit(train)
    return auroc(labels, detector.decision_function(test))


def number_of_views() -> Figure:
    """How the number and the kind of views matter."""
    name, split = first_of("natops", "racketsports")
    table = datasets.load_table("arrhythmia")

    def on_rows(kind: str, views: int, seed: int) -> float:
        train, test, labels = datasets.half_split(table.rows, table.labels, seed=seed)
        data = Tabular(scaling="none", view_width=200, batch_norm=True)
        detector = NeuTraLAD(data=data, kind=kind, views=views, seed=seed, **PLAIN)
        detector.set_params(steps=100, batch_size=48)
        return oracle_f1(labels, detector.fit(train).decision_function(test))

    def on_series(kind: str, views: int, seed: int) -> float:
        train, test, labels = datasets.one_vs_rest(split, split.classes[seed])
        detector = NeuTraLAD(data=as_they_are(name), kind=kind, views=views, seed=seed, **PLAIN)
        detector.set_params(dim=64, steps=80, batch_size=7).fit(train)
        return auroc(labels, detector.decision_function(test))

    panels = {
        "arrhythmia": (on_rows, "F1 at the true ratio", "100 steps of 48 rows, 3 splits"),
        name: (on_series, "AUROC", "80 steps of 7 series, first 3 classes"),
    }
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    grid = figure.subplots(1, 2)
    for axes, (data, (run, metric, budget)) in zip(grid, panels.items(), strict=True):
        for place, (kind, (marker, color)) in enumerate(KINDS.items()):
            values = [
                [measured(f"{data} {kind} K={k} seed={i}", run, kind, k, i) for i in SEEDS]
                for k in VIEW_COUNTS
            ]
            x = np.array(VIEW_COUNTS) + 0.12 * (place - 1)
            curve(axes, x, values, marker=marker, color=color, label=kind)
        title = data.upper() if data == "natops" else data.capitalize()
        axes.set(xlabel="K: number of views", ylabel=metric, xticks=VIEW_COUNTS)
        axes.set_title(f"{title} ({budget})", fontsize=10)
    axes.legend(frameon=False, title="kind of view", loc="lower right")
    figure.suptitle("Number and kind of views: mean and std over 3 seeds")
    return figure


def thyroid_terms() -> Figure:
    """Four masks over six columns, and which views find which row strange."""
    detector, test, labels, terms = thyroid()
    total = terms.sum(1)
    score = auroc(labels, total)
    anomalies = np.flatnonzero(labels == 1)[np.argsort(total[labels == 1])]
    normals = np.flatnonzero(labels == 0)[np.argsort(total[labels == 0])]
    shown = {"normal row\n(median score)": normals[len(normals) // 2]}
    for quarter in (1, 2, 3):
        row = anomalies[len(anomalies) * quarter // 4]
        shown[f"anomaly\n({25 * quarter} % of them score lower)"] = row
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    grid = figure.subplots(2, 4, sharey="row")
    for column, (title, i) in enumerate(shown.items()):
        x = detector.data_.encode(test.iloc[i : i + 1])
        with torch.no_grad():
            mask = detector.net_.members[0].transform.masks(x)[0].numpy()
        upper, lower = grid[:, column]
        image = upper.imshow(mask, cmap="cividis", vmin=0, vmax=1, aspect="auto")
        upper.set_title(title, fontsize=9)
        upper.set_xticks(range(6), list(test.columns), rotation=45, ha="right", fontsize=7)
        upper.set_yticks(range(4), range(1, 5))
        lower.bar(range(1, 5), terms[i], color=BLUE if column == 0 else ORANGE)
        lower.set(xlabel="view k", xticks=range(1, 5))
    grid[0, 0].set_ylabel("view k")
    grid[1, 0].set_ylabel("term l_k")
    figure.colorbar(image, ax=grid[0], label="mask", pad=0.01)
    figure.suptitle(
        f"Thyroid: masks, and which views are surprised (2000 steps, seed 0; AUROC {score:.3f})"
    )
    return figure


def simplex() -> Figure:
    """Which of three views find rows strange, in a triangle; then how strange."""
    _, _, labels, terms = thyroid()
    chosen = terms[:, [0, 2, 3]]
    size = chosen.sum(1)
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.75**0.5]])
    places = chosen / size[:, None] @ corners
    strength = (size / np.percentile(size[labels == 1], 75)).clip(0.02, 1)
    figure = Figure(figsize=(9, 4.4), layout="constrained")
    panels = {"share of each term": 0.5, "the same, opaque where the sum is large": strength}
    for axes, (title, alpha) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        axes.plot(*corners[[0, 1, 2, 0]].T, color=GREY, lw=1)
        for truth, color in enumerate((BLUE, ORANGE)):
            part = labels == truth
            opacity = alpha[part] if isinstance(alpha, np.ndarray) else alpha
            axes.scatter(
                *places[part].T, s=14, color=color, alpha=opacity, lw=0, marker="o^"[truth]
            )
        for corner, view, side in zip(corners, (1, 3, 4), (-0.05, -0.05, 0.03), strict=True):
            axes.annotate(f"only l_{view}", corner + np.array([0, side]), ha="center", va="center")
        axes.set_title(title, fontsize=10)
        axes.set(xlim=(-0.12, 1.12), ylim=(-0.1, 0.95), aspect="equal")
        axes.axis("off")
    legend(figure, ["normal", "anomalous"], [BLUE, ORANGE], "o^", ncols=2)
    figure.suptitle(
        "Thyroid: the terms l_1, l_3, l_4 of unseen rows over their sum (2000 steps, seed 0)"
    )
    return figure


FIGURES = {
    draw.__name__: draw
    for draw in (
        histograms,
        view_space,
        masks,
        forward_views,
        normal_classes,
        number_of_views,
        thyroid_terms,
        simplex,
    )
}


def save(figure: Figure, file: Path) -> None:
    """Write a small PNG: 256 colours are enough here."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110)
    Image.open(drawn).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(
        file, optimize=True
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("names", nargs="*", help=f"which of {', '.join(FIGURES)}; all if left out")
    options.add_argument("--out", type=Path, default=Path("docs/figures"))
    chosen = options.parse_args()
    warnings.filterwarnings("ignore", message="health")  # a sweep tries what is known to be poor
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name in chosen.names or FIGURES:
        save(FIGURES[name](), chosen.out / f"{name}.png")
        print(f"{chosen.out / name}.png", flush=True)


if __name__ == "__main__":
    main()
