"""How fast askew is, as ratios within one run: views, steps, epochs, scoring, streaming, start.

Run: python benchmarks/speed.py [--threads 1] [--only NAME ...] [--out FILE.json]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import nn
from torch.utils.data import DataLoader

from askew import KNN, Graphs, Images, NeuTraLAD, Series, Tabular, Text, Windows, __version__
from askew.losses import contrast
from askew.nets.transform import KINDS, Embedding

SETTINGS = {
    # name: batch, shape of an item, kind of view, embedding, what the data type is given
    "thyroid": (128, (6,), "residual", 24, {"width": 24, "view_width": 24}),
    "kdd": (1000, (120,), "multiplicative", 32, {"width": 64, "view_width": 100}),
    "natops": (7, (24, 51), "multiplicative", 64, {}),
    "racketsports": (9, (6, 30), "forward", 64, {}),
    "sad": (145, (13, 50), "residual", 32, {}),
}
VIEWS = 11


def best(*functions, repeats=9, seconds=2):
    """Return the shortest time of each function in milliseconds, after one call to warm up.

    They take turns, so that what else the machine is doing meets all of them, until all have been
    called so often, and brief ones for so long in all.
    """
    shortest = [float("inf")] * len(functions)
    for function in functions:
        function()
    began, turns = time.perf_counter(), 0
    while turns < repeats or time.perf_counter() - began < seconds:
        turns += 1
        for i, function in enumerate(functions):
            started = time.perf_counter()
            function()
            shortest[i] = min(shortest[i], 1000 * (time.perf_counter() - started))
    return shortest if len(functions) > 1 else shortest[0]


class Loop(nn.Module):
    """The usual way: K networks in a list, called one after the other."""

    def __init__(self, networks, kind):
        super().__init__()
        self.networks, self.combine = nn.ModuleList(networks), KINDS[kind]

    def forward(self, x):
        return [self.combine(x, network(x)) for network in self.networks]


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(*conv(channels), nn.ReLU(), *conv(channels))

    def forward(self, x):
        return torch.relu(x + self.body(x))


def conv(channels, norm=True):
    layer = nn.Conv1d(channels, channels, 3, padding=1, padding_mode="reflect", bias=False)
    return [layer, nn.InstanceNorm1d(channels)] if norm else [layer]


def one_network(shape, options):
    if len(shape) == 1:
        width = options["view_width"]
        return nn.Sequential(
            nn.Linear(shape[0], width, bias=False),
            nn.ReLU(),
            nn.Linear(width, shape[0], bias=False),
        )
    channels = shape[0]
    blocks = [Residual(channels) for _ in range(3)]
    return nn.Sequential(*conv(channels), nn.ReLU(), *blocks, *conv(channels, norm=False))


def parts_of(name):
    """Return a batch, our views and encoder in one, and the same networks as a loop."""
    batch, shape, kind, dim, options = SETTINGS[name]
    items = np.random.default_rng(0).normal(size=(max(batch, 40), *shape))
    if len(shape) == 1:
        data = Tabular(scaling="none", **options).fit(items)
    else:
        data = Series(layout="channels-first", scaling="none").fit(items)
    x = data.encode(items)[:batch]
    transform = data.transform(VIEWS, kind, bias=False)
    loop = Loop([one_network(shape, options) for _ in range(VIEWS)], kind)
    return x, Embedding(transform=transform, encoder=data.encoder(dim, bias=False)), loop


def loop_losses(loop, encoder, x):
    z = [encoder(view) for view in [x, *loop(x)]]
    return contrast(torch.stack(z, dim=1), 0.1).mean(-1)


def our_losses(embedding, x):
    return contrast(embedding(x), 0.1).mean(-1)


def views():
    """Forward and backward of the K views alone, and a whole step: ours against the loop."""
    found = {}
    for name in SETTINGS:
        x, embedding, loop = parts_of(name)
        ours, loops = best(
            lambda t=embedding.transform, x=x: t(x).sum().backward(),
            lambda m=loop, x=x: torch.stack(m(x), 1).sum().backward(),
        )
        step, usual = best(
            lambda e=embedding, x=x: our_losses(e, x).mean().backward(),
            lambda m=loop, e=embedding.encoder, x=x: loop_losses(m, e, x).mean().backward(),
        )
        found[name] = {
            "views_ms": ours,
            "views_loop_ms": loops,
            "views_ratio": loops / ours,
            "step_ms": step,
            "step_loop_ms": usual,
            "step_ratio": usual / step,
        }
    return found


def types():
    """The K views of other types in one call against K calls of one, forward and backward.

    Windows have the views of series, nodes those of tables. Of graphs, whose views are networks
    over the whole graph, the embedding of them all; of texts, the views that see few channels.
    """
    found = {}
    for name, (data, raw) in examples().items():
        batch = data.fit(raw).encode(raw)
        ours, alone, batch = views_of(data, batch)
        mine, loop = best(
            lambda m=ours, x=batch: m(x).sum().backward(),
            lambda ms=alone, x=batch: torch.cat([m(x) for m in ms]).sum().backward(),
            repeats=5,
        )
        found[name] = {"views_ms": mine, "views_loop_ms": loop, "views_ratio": loop / mine}
    return found


def views_of(data, batch):
    """Return K views in one, K views of one each, and what they look at."""
    if isinstance(data, Graphs):
        ours = data.embedding(VIEWS, "bounded", 32, bias=True).gin
        return ours, [data.encoder(32, bias=True) for _ in range(VIEWS + 1)], batch
    if isinstance(data, Text):
        ours, *alone = (
            data.embedding(count, "multiplicative", 32, bias=True).transform
            for count in (VIEWS, *[1] * VIEWS)
        )
        return ours, alone, batch[..., [*range(ours.inputs), -1]]
    alone = [data.transform(1, "bounded", bias=True) for _ in range(VIEWS)]
    return data.transform(VIEWS, "bounded", bias=True), alone, batch


def examples():
    """A batch of each kind, as large as a step of training takes."""
    generator = np.random.default_rng(0)
    return {
        "images, 100 of 28 x 28": (Images(), generator.random((100, 28, 28))),
        "graphs, 100 of 20 nodes": (Graphs(), random_graphs(100, 20)),
        "graphs, 15 of 400 nodes": (Graphs(), random_graphs(15, 400)),
        "texts, 100 of 40 words": (Text(), random_texts(100, 40)),
    }


def random_graphs(count, nodes):
    """Graphs of so many nodes with three attributes and two edges a node."""
    generator = np.random.default_rng(0)
    return [
        SimpleNamespace(
            x=generator.normal(size=(nodes, 3)),
            edge_index=generator.integers(0, nodes, size=(2, 2 * nodes)),
        )
        for _ in range(count)
    ]


def random_texts(count, words):
    """Texts of so many words."""
    known = ["pump", "valve", "runs", "hot", "stops", "after", "every", "shift", "again"]
    drawn = np.random.default_rng(0).choice(known, size=(count, words))
    return [" ".join(text) for text in drawn]


GROWTH = {
    "recording of {} steps": ("Windows()", "normal(size=({}, 6))", (20_000, 40_000, 80_000)),
    "400 images of {0} x {0}": ("Images()", "random((400, {0}, {0}))", (28, 56, 112)),
    "{} images of 28 x 28": ("Images()", "random(({}, 28, 28))", (1000, 2000, 4000)),
    "200 graphs of {} nodes": ("Graphs()", "random_graphs(200, {})", (50, 100, 200)),
    "{} graphs of 50 nodes": ("Graphs()", "random_graphs({}, 50)", (200, 400, 800)),
    "one graph of {} nodes": ("Nodes()", "random_graphs(1, {})[0]", (1000, 2000, 4000)),
    "200 texts of {} words": ("Text()", "random_texts(200, {})", (20, 40, 80)),
    "{} texts of 40 words": ("Text()", "random_texts({}, 40)", (100, 200, 400)),
}
"""Type, items and sizes of what is fitted and scored to see how time and memory grow."""

MEASURED = """
import sys, time, warnings
import numpy as np, torch
sys.path.insert(0, {folder!r})
from speed import random_graphs, random_texts
from askew import Graphs, Images, NeuTraLAD, Nodes, Text, Windows
torch.set_num_threads(1)
warnings.simplefilter("ignore")
normal, random = np.random.default_rng(0).normal, np.random.default_rng(0).random
items = {items}
started = time.perf_counter()
detector = NeuTraLAD(data={data}, steps=30).fit(items)
fitted = time.perf_counter()
detector.decision_function(items)
status = open("/proc/self/status").read()
peak = status.split("VmHWM:")[1].split()[0]
print(fitted - started, time.perf_counter() - fitted, peak)
"""
"""One fit of 30 steps and one scoring in a process of its own: seconds of both, peak memory."""


def growth():
    """Seconds of a short fit and of scoring, and peak memory, as sizes double."""
    found = {}
    for name, (data, items, sizes) in GROWTH.items():
        for size in sizes:
            folder = str(Path(__file__).parent)
            code = MEASURED.format(folder=folder, data=data, items=items.format(size))
            out = subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True
            )
            fit, score, peak = map(float, out.stdout.split()[-3:])
            found[name.format(size)] = {"fit_s": fit, "score_s": score, "peak_gb": peak / 1e6}
    return found


def epoch():
    """A whole epoch of Thyroid training: ours against item-wise collation and a loop over K."""
    from askew.progress import Progress
    from askew.train import Budget, train

    batch, shape, *_ = SETTINGS["thyroid"]
    _, member, loop = parts_of("thyroid")
    items = torch.randn(1840, *shape)
    loader = DataLoader([item for item in items], batch_size=batch, shuffle=True, drop_last=True)
    optimizer = torch.optim.Adam([*loop.parameters(), *member.encoder.parameters()], lr=1e-3)

    def usual():
        for x in loader:
            optimizer.zero_grad()
            loop_losses(loop, member.encoder, x).mean().backward()
            optimizer.step()

    budget = Budget(
        epochs=1,
        steps=None,
        batch_size=batch,
        lr=1e-3,
        weight_decay=0.0,
        schedule="constant",
        patience=None,
    )

    def ours():
        train(
            member,
            items,
            our_losses,
            budget,
            generator=torch.Generator(),
            progress=Progress(),
        )

    mine, theirs = best(ours, usual)
    return {"epoch_ms": mine, "epoch_usual_ms": theirs, "ratio": theirs / mine}


def scoring():
    """Rows a second of the default, its share of bare matrix products, growth with n, K and d."""
    found = {}
    generator = np.random.default_rng(0)
    for rows, columns, count in [
        (20_000, 30, 11),
        (40_000, 30, 11),
        (20_000, 60, 11),
        (20_000, 30, 22),
    ]:
        table = generator.normal(size=(rows, columns))
        detector = NeuTraLAD(views=count, steps=20).fit(table[:6000])
        items = detector.data_.encode(table)
        products = best(lambda d=detector, i=items: matrix_products(d, i), repeats=3)
        took = best(lambda d=detector, i=items: d.score_items(i), repeats=3)
        found[f"n={rows} d={columns} K={count}"] = {
            "rows_a_second": 1000 * rows / took,
            "products_share": products / took,
        }
    return found


@torch.no_grad()
def matrix_products(detector, items):
    """Multiply what scoring multiplies, and nothing else."""
    for x in items.split(4096):
        for member in detector.net_.members:
            for layer in member.transform.stack:
                if hasattr(layer, "weight"):
                    stack, inputs, _ = layer.weight.shape
                    torch.bmm(torch.empty(stack, len(x), inputs), layer.weight)
            rows = torch.empty(len(x) * (detector.views + 1), x.shape[1])
            for layer in member.encoder:
                if hasattr(layer, "weight"):
                    rows = rows @ layer.weight.T
        if detector.neighbors:
            features = detector.net_.features(x)
            torch.mm(features, detector.net_.bank.items.T)


def fitting():
    """Seconds of the default fit of 100,000 and 1,000,000 rows of 30 columns, and AUROC reached."""
    found = {}
    for rows in (100_000, 1_000_000):
        train, test, labels = planted(rows)
        started = time.perf_counter()
        detector = NeuTraLAD().fit(train)
        seconds = time.perf_counter() - started
        found[f"{rows}"] = {"seconds": seconds, "auroc": auroc_of(detector, test, labels)}
    train, test, labels = planted(100_000)
    steps = NeuTraLAD().steps
    detector = NeuTraLAD(steps=10 * steps).fit(train)
    found["100000, ten times the budget"] = {"auroc": auroc_of(detector, test, labels)}
    return found


def auroc_of(detector, test, labels):
    from askew.metrics import auroc

    return auroc(labels, detector.decision_function(test))


def planted(rows, columns=30):
    """Rows on a curved surface, and test rows of which a tenth have shuffled columns."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(6, columns))

    def draw(count):
        return np.tanh(generator.normal(size=(count, 6)) @ mixing) + 0.1 * generator.normal(
            size=(count, columns)
        )

    test, labels = draw(10_000), np.repeat([0, 1], [9000, 1000])
    test[9000:, :8] = generator.permuted(test[9000:, :8], axis=0)
    return draw(rows), test, labels


def streaming(columns=10):
    """Peak memory and seconds of scoring a large Parquet file by `askew score`.

    Ten million rows by KNN; one million by the default, which takes longer for each; and a
    recording of two million steps.
    """
    of_steps = KNN(data=Windows(), most=200)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name, detector, rows in [
            ("KNN", KNN(most=1000), 10_000_000),
            ("NeuTraLAD", NeuTraLAD(), 1_000_000),
            ("KNN, a recording", of_steps, 2_000_000),
        ]:
            write_parquet(place / "rows.parquet", rows, columns)
            head = pq.ParquetFile(place / "rows.parquet").read_row_group(0).to_pandas()
            detector.fit(head.iloc[:20_000]).save(place / "model")
            started = time.perf_counter()
            out = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    SCORED,
                    *map(str, (place / "model", place / "rows.parquet")),
                ],
                check=True,
                capture_output=True,
                text=True,
            )
            seconds = time.perf_counter() - started
            peak = int(out.stdout.split()[-1]) / 1e6
            found[name] = {"rows": rows, "seconds": seconds, "peak_gb": peak}
    return found


SCORED = """
import sys
from askew.cli import main
try:
    main(["score", *sys.argv[1:], "--out", sys.argv[2] + ".scores.parquet"])
except SystemExit as stop:
    assert not stop.code, stop.code
status = open("/proc/self/status").read()
print(status.split("VmHWM:")[1].split()[0])
"""
"""`askew score` in a process of its own, which says at the end how much memory it took."""


def write_parquet(path, rows, columns):
    generator, block = np.random.default_rng(0), 500_000
    names = [f"c{i}" for i in range(columns)]
    schema = pa.schema([(name, pa.float32()) for name in names])
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(0, rows, block):
            values = generator.normal(size=(block, columns)).astype(np.float32)
            writer.write_table(pa.table(dict(zip(names, values.T, strict=True)), schema=schema))


def start():
    """Seconds until `askew --help` is done, the best of seven."""
    command = [sys.executable, "-m", "askew", "--help"]
    return {"help_ms": best(lambda: subprocess.run(command, check=True, capture_output=True))}


PARTS = {
    part.__name__: part
    for part in (start, views, types, epoch, scoring, fitting, growth, streaming)
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/speed.json"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore")
    found = json.loads(options.out.read_text()) if options.out.exists() else {}
    found["about"] = {"command": "python benchmarks/speed.py", "version": __version__, "seed": 0}
    for name in options.only:
        found[f"{name}, {options.threads} thread(s)"] = PARTS[name]()
        print(name, json.dumps(found[f"{name}, {options.threads} thread(s)"], indent=1), flush=True)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
