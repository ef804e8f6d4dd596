"""What the default is made of: candidates judged without labels, by anomalies planted in normals.

A fifth of the normals of each problem is kept away from the fit; then altered copies of it are
scored (scaled, shuffled, pushed, noise; for series also reversed; for graphs scaled, shuffled,
rewired, cut, grown). The mean AUROC of these copies against the originals needs no label, and
decides; the AUROC and AP on the test part stand beside it to show what the choice was worth.

What texts are measured in is another matter: altered tokens are no texts. There the AUROC on two
sets that no table of results shows, AG News and SMS, decides: the nearest neighbour's ("texts"),
and for the kind of view NeuTraL AD's ("text-views").

"plad" asks how deep PLAD's classifier should be, on the tables.

"mixed" asks what helps where training holds anomalies: altered copies of rows, alone or in groups
of ten that are nearly alike, are put among the normal rows of the tables, learned from and scored.
Here too only what was planted decides.

Run: python benchmarks/choose.py [tables] [series] [graphs] [texts] [text-views] [plad] [mixed]
[--out FILE.json]; finished candidates are kept.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from askew import KNN, PLAD, Graphs, NeuTraLAD, Series, Tabular, Text, __version__, datasets
from askew.metrics import auroc, average_precision

TABLES = (
    "4_breastw",
    "6_cardio",
    "7_Cardiotocography",
    "18_Ionosphere",
    "29_Pima",
    "40_vowels",
    "43_WDBC",
    "44_Wilt",
)
SERIES = ("racketsports", "natops", "epilepsy")
GRAPHS = ("PROTEINS", "NCI1", "AIDS", "IMDB-BINARY")
KEPT_AWAY = 0.2
MOST_TRAIN = 2000
MOST_MIXED = 1500
PLANTED = 0.05
GROUPS = (1, 10)
MOST_GRAPHS = 200
MOST_TEXTS = 400
MOST_TEST_TEXTS = 1500

METHODS = {
    "tables": NeuTraLAD,
    "series": NeuTraLAD,
    "graphs": NeuTraLAD,
    "texts": KNN,
    "text-views": NeuTraLAD,
    "plad": PLAD,
    "mixed": NeuTraLAD,
}
PLANTED_IN = ("tables", "series", "graphs", "plad")
"""Kinds of problems in which planted anomalies decide."""

COMMON = {
    "default": ({}, {}),
    "one net": ({"nets": 1}, {}),
    "no distance": ({"neighbors": 0}, {}),
    "distance to the nearest": ({"neighbors": 1}, {}),
    "distance to the fifth": ({"neighbors": 5}, {}),
    "no biases": ({"bias": False}, {}),
    "residual views": ({"kind": "residual"}, {}),
    "multiplicative views": ({"kind": "multiplicative"}, {}),
    "Euclidean similarity": ({"similarity": "euclidean", "temperature": 1.0}, {}),
}
CANDIDATES = {
    "tables": {
        **COMMON,
        "no middle": ({"middle": False}, {}),
        "standardised columns": ({}, {"scaling": "standard"}),
        "clipped columns": ({}, {"scaling": "clipped"}),
        "ranked columns": ({}, {"scaling": "quantile"}),
    },
    "series": {
        **COMMON,
        "a middle": ({"middle": True}, {}),
        "no jitter": ({}, {"jitter": 0.0}),
        "residual encoder": ({}, {"encoder_kind": "residual", "widest": 256}),
    },
    "graphs": {
        "default": ({}, {}),
        "views of a summary": ({}, {"networks": "summary", "width": 64}),
        "five views, one net": ({"views": 5, "nets": 1}, {}),
        "no distance": ({"neighbors": 0}, {}),
        "a summary, no distance": ({"neighbors": 0}, {"networks": "summary", "width": 64}),
    },
    "texts": {
        "default": ({}, {}),
        "not whitened": ({}, {"whitening": 0.0}),
        "half whitened": ({}, {"whitening": 0.5}),
        "last layer": ({}, {"layers": 1}),
        "last layer, not whitened": ({}, {"layers": 1, "whitening": 0.0}),
        "last two layers": ({}, {"layer_step": 1}),
        "last two layers, not whitened": ({}, {"layer_step": 1, "whitening": 0.0}),
    },
    "text-views": {
        "default": ({}, {}),
        "bounded views": ({"kind": "bounded"}, {}),
    },
    "plad": {
        "default": ({}, {}),
        "three layers": ({}, {"layers": 3}),
        "two layers": ({}, {"layers": 2}),
    },
    "mixed": {
        "default": ({}, {}),
        "no middle": ({"middle": False}, {}),
        "no distance": ({"neighbors": 0}, {}),
        "distance to the tenth, no middle": ({"neighbors": 10, "middle": False}, {}),
        "contamination 0.05": ({"contamination": 0.05}, {}),
        "contamination 0.1": ({"contamination": 0.1}, {}),
        "contamination 0.2": ({"contamination": 0.2}, {}),
    },
}


def problems(kind):
    """Yield the data type, training items, test items and labels of each problem."""
    if kind in ("tables", "plad"):
        for name in TABLES:
            table = datasets.load_table(f"adbench/{name}")
            train, test, labels = datasets.half_split(table.rows, table.labels, seed=0)
            some = np.random.default_rng(0).permutation(len(train))[:MOST_TRAIN]
            yield Tabular, train.iloc[some], test, labels
        return
    if kind == "mixed":
        yield from mixed_problems()
        return
    if kind == "graphs":
        for name in GRAPHS:
            found = datasets.load_unsplit(f"tu/{name}")
            first = np.unique(found.labels)[0]
            train, test, labels = datasets.fold_vs_rest(found, first, fold=0, folds=5)
            some = np.random.default_rng(0).permutation(len(train))[:MOST_GRAPHS]
            yield Graphs, train[some], test, labels
        return
    if kind in ("texts", "text-views"):
        yield from text_problems()
        return
    for name in SERIES:
        split = datasets.load_classes(name)
        for cls in split.classes:
            yield Series, *datasets.one_vs_rest(split, cls)


def mixed_problems():
    """Yield the normal rows of each table with each kind of altered copies among them."""
    for name in TABLES:
        table = datasets.load_table(f"adbench/{name}")
        rows, _, _ = datasets.half_split(table.rows, table.labels, seed=0)
        random = np.random.default_rng(0)
        rows = rows.to_numpy(dtype=float)[random.permutation(len(rows))[:MOST_MIXED]]
        for group in GROUPS:
            for copies in altered(rows, group, random).values():
                both = np.concatenate([rows, copies])
                yield Tabular, both, both, np.repeat([0, 1], [len(rows), len(copies)])


def altered(rows, group, random):
    """Return altered copies of rows, by kind, each of them ``group`` times and nearly alike."""
    count, columns = max(2, int(PLANTED * len(rows) / group)), rows.shape[1]
    middle, spread = np.median(rows, axis=0), rows.std(axis=0) + 1e-12
    some = rows[random.integers(0, len(rows), count)]
    shuffled = rows[random.integers(0, len(rows), (count, columns)), np.arange(columns)]
    chosen = random.random(some.shape) < 0.3
    chosen[np.arange(count), random.integers(0, columns, count)] = True  # at least one of a row
    pushed = np.sign(random.normal(size=some.shape)) * chosen
    kinds = {
        "scaled": middle + 3 * (some - middle),
        "shuffled": shuffled,
        "noise": some + spread * random.normal(size=some.shape),
        "pushed": some + 2 * spread * pushed,
    }
    near = 0.05 * spread * random.normal(size=(count * group, columns))
    return {kind: np.repeat(copies, group, axis=0) + near for kind, copies in kinds.items()}


def text_problems():
    """Yield each topic of AG News against the others, then spam among messages."""
    random = np.random.default_rng(0)
    split = datasets.load_classes("ag_news")
    for topic in split.classes:
        train, test, labels = datasets.one_vs_rest(split, topic)
        learned = random.permutation(len(train))[:MOST_TEXTS]
        judged = random.permutation(len(test))[:MOST_TEST_TEXTS]
        yield Text, [train[i] for i in learned], [test[i] for i in judged], labels[judged]
    messages = datasets.load_table("sms")
    train, test, labels = datasets.half_split(messages.rows, messages.labels, seed=0)
    learned = random.permutation(len(train))[:MOST_TEXTS]
    judged = random.permutation(len(test))[:MOST_TEST_TEXTS]
    yield Text, train.iloc[learned], test.iloc[judged], labels[judged]


def judge(kind, parameters, options):
    """Fit one candidate on all problems; return means of what was measured."""
    found = []
    for data, train, test, labels in problems(kind):
        layout = {"layout": "time-first"} if data is Series else {}
        detector = METHODS[kind](data=data(**layout, **options), **parameters)
        measured = {}
        if kind in PLANTED_IN:
            learned, away = kept_away(detector.data, train)
            measured["planted"] = planted(timed(detector, learned, measured), away)
        else:
            timed(detector, train, measured)
        scores = detector.decision_function(test)
        measured |= {"auroc": auroc(labels, scores), "ap": average_precision(labels, scores)}
        found.append(measured)
    means = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
    return {**means, "problems": len(found)}


def timed(detector, train, measured):
    """Fit a detector, and note how long it took."""
    started = time.perf_counter()
    detector.fit(train)
    measured["fit_seconds"] = time.perf_counter() - started
    return detector


def kept_away(data, train):
    """Return what is learned from, and what is not."""
    order = np.random.default_rng(0).permutation(data.count(train))
    away = int(KEPT_AWAY * len(order))
    return data.take(train, np.sort(order[away:])), data.take(train, np.sort(order[:away]))


def planted(detector, away):
    """Return the mean AUROC of altered copies of items that nothing was learned from."""
    items = detector.data_.encode(away)
    altered = detector.data_.alter(items, torch.Generator().manual_seed(0))
    usual = detector.score_items(items)
    reached = []
    for copies in altered.values():
        both = np.concatenate([usual, detector.score_items(copies)])
        reached.append(auroc(np.repeat([0, 1], [len(usual), len(both) - len(usual)]), both))
    return float(np.mean(reached))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(CANDIDATES))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/choose.json"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found = json.loads(options.out.read_text()) if options.out.exists() else {}
    found["about"] = {"command": "python benchmarks/choose.py", "version": __version__, "seed": 0}
    for kind in options.kinds:
        for name, candidate in CANDIDATES[kind].items():
            done = found.setdefault(kind, {})
            if name not in done:
                done[name] = judge(kind, *candidate)
                options.out.parent.mkdir(parents=True, exist_ok=True)
                options.out.write_text(json.dumps(found, indent=1))
            print(
                f"{kind:11s}{name:34s}", {k: round(v, 4) for k, v in done[name].items()}, flush=True
            )


if __name__ == "__main__":
    main()
