"""An isolation forest in the open: strange is what a few random cuts can separate from the rest.

Run: python examples/isolation_forest.py
"""

import numpy as np
from scipy.stats import spearmanr

from askew import IsolationForest, Tabular, datasets
from askew.metrics import auroc, oracle_f1

TREES, SAMPLE = 100, 256
DEEPEST = int(np.ceil(np.log2(SAMPLE)))  # what is still together here is not strange


def expected_cuts(count: int) -> float:
    """How many random cuts isolate one of so many rows, on average."""
    if count <= 2:
        return float(count == 2)
    return 2 * (np.log(count - 1) + np.euler_gamma) - 2 * (count - 1) / count


def cuts(train, rows, random, depth: int = 0):
    """Cut training rows and new rows with the same random cuts; how many a new row took: (n,)."""
    if depth == DEEPEST or len(train) <= 1:
        return np.full(len(rows), depth + expected_cuts(len(train)))
    low, high = train.min(0), train.max(0)
    varying = np.flatnonzero(high > low)
    if len(varying) == 0:  # all alike: no cut can part them
        return np.full(len(rows), depth + expected_cuts(len(train)))
    column = random.choice(varying)
    value = random.uniform(low[column], high[column])
    found = np.empty(len(rows))
    for side in (np.less_equal, np.greater):
        kept, new = side(train[:, column], value), side(rows[:, column], value)
        found[new] = cuts(train[kept], rows[new], random, depth + 1)
    return found


def scores(train, rows):
    """2^(-mean cuts / expected cuts), between 0 and 1; 0.5 is unremarkable: (n,)."""
    random = np.random.default_rng(0)
    total = np.zeros(len(rows))
    for _ in range(TREES):  # each tree sees its own few rows
        some = random.choice(len(train), SAMPLE, replace=False)
        total += cuts(train[some], rows, random)
    return 2 ** (-total / TREES / expected_cuts(SAMPLE))


def main() -> None:
    table = datasets.load_table("thyroid")
    train, test, labels = datasets.half_split(table.rows, table.labels, seed=0)
    rows, new = train.to_numpy(), test.to_numpy()  # cuts do not care about scales
    in_the_open = scores(rows, new)

    # The library's own; nothing is held out for p-values, so that both may draw the same rows.
    detector = IsolationForest(
        trees=TREES, sample=SAMPLE, data=Tabular(scaling="none"), held_out=0.0
    ).fit(rows)
    by_askew = detector.decision_function(new)

    for name, found in {"in the open": in_the_open, "askew.IsolationForest": by_askew}.items():
        print(f"{name:22s} AUROC {auroc(labels, found):.3f}   F1 {oracle_f1(labels, found):.3f}")
    agreement = spearmanr(in_the_open, by_askew).statistic
    print(f"both are random, and order the rows much alike: rank correlation {agreement:.3f}")


if __name__ == "__main__":
    main()
