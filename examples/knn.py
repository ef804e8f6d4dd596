"""k nearest neighbours in the open: a row far from the k-th nearest training row is strange.

Run: python examples/knn.py
"""

import numpy as np

from askew import KNN, Tabular, datasets
from askew.metrics import auroc, oracle_f1

NEIGHBORS = 5


def distances(a, b):
    """Distances between all rows of a (n, d) and b (m, d): (n, m)."""
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.sqrt(squared.clip(min=0))  # rounding can leave a tiny negative number


def scores(train, rows):
    """Distance of each row to its k-th nearest training row: (n,)."""
    nearest = np.partition(distances(rows, train), NEIGHBORS - 1, axis=1)
    return nearest[:, NEIGHBORS - 1]


def main() -> None:
    table = datasets.load_table("thyroid")
    train, test, labels = datasets.half_split(table.rows, table.labels, seed=0)
    mean, scale = train.mean(), train.std()
    rows, new = (((part - mean) / scale).to_numpy() for part in (train, test))

    # Every column counts the same only because all were brought to the same spread.
    in_the_open = scores(rows, new)

    # The library's own. Nothing is scaled again, and nothing is held out for p-values, so that
    # both remember the same rows.
    detector = KNN(neighbors=NEIGHBORS, data=Tabular(scaling="none"), held_out=0.0).fit(rows)
    by_askew = detector.decision_function(new)

    for name, found in {"in the open": in_the_open, "askew.KNN": by_askew}.items():
        print(f"{name:12s} AUROC {auroc(labels, found):.3f}   F1 {oracle_f1(labels, found):.3f}")
    print(f"largest difference of a score {np.abs(in_the_open - by_askew).max():.1e}")


if __name__ == "__main__":
    main()
