"""What protocol gives 71.0: PLAD's published F1 on Arrhythmia under five readings of "F1".

The published figure is nine points above every other method of its table. Here the same scores are
measured in the usual way (threshold at the true share of anomalies), with the threshold that is
best on the test labels, with as many normal test rows as anomalies, and with all rows as the test,
those trained on included. kNN stands beside it: what lifts both is the protocol's doing.

Run: python benchmarks/plad_protocols.py [--out FILE.json]
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import precision_recall_curve

from askew import KNN, PLAD, Tabular, __version__, datasets
from askew.metrics import oracle_f1

SEEDS = 5
METHODS = {
    "PLAD, default": lambda seed: PLAD(seed=seed),
    "PLAD, standardised columns, two layers": lambda seed: PLAD(
        data=Tabular(scaling="standard", layers=2), seed=seed
    ),
    "kNN": lambda seed: KNN(data=Tabular(scaling="standard"), seed=seed),
}


def best_f1(labels, scores):
    """Return F1 at the threshold that the test labels would choose."""
    precision, recall, _ = precision_recall_curve(labels, scores)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)))


def measured(make, seed):
    """Fit on half of the normal rows; return F1 by protocol."""
    table = datasets.load_table("arrhythmia", seed=seed)
    train, test, labels = datasets.half_split(table.rows, table.labels, seed=seed)
    detector = make(seed).fit(train)
    scores, everything = detector.decision_function(test), detector.decision_function(table.rows)
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(labels == 0))
    even = np.concatenate([normal[: labels.sum()], np.flatnonzero(labels)])
    return {
        "at the true share": oracle_f1(labels, scores),
        "best threshold": best_f1(labels, scores),
        "as many normal rows as anomalies": oracle_f1(labels[even], scores[even]),
        "the same, best threshold": best_f1(labels[even], scores[even]),
        "all rows judged": oracle_f1(np.asarray(table.labels), everything),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/plad_protocols.json"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found = {}
    for name, make in METHODS.items():
        runs = [measured(make, seed) for seed in range(SEEDS)]
        found[name] = {
            protocol: [float(np.mean(values)), float(np.std(values, ddof=1))]
            for protocol in runs[0]
            for values in [[run[protocol] for run in runs]]
        }
        print(name, {k: f"{100 * m:.1f} ± {100 * s:.1f}" for k, (m, s) in found[name].items()})
    command = "python benchmarks/plad_protocols.py"
    found["about"] = {"command": command, "version": __version__, "seeds": SEEDS}
    options.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
