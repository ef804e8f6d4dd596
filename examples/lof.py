"""The local outlier factor in the open: strange is what lies thinner than its neighbours do.

Run: python examples/lof.py
"""

import numpy as np

from askew import LOF, Tabular, datasets
from askew.metrics import auroc, oracle_f1

NEIGHBORS = 20


def nearest(a, b, *, itself: bool):
    """The k nearest rows of b for each row of a, ascending: distances and positions, (n, k)."""
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    distance = np.sqrt(squared.clip(min=0))
    if itself:  # a row is not its own neighbour
        np.fill_diagonal(distance, np.inf)
    index = np.argsort(distance, axis=1)[:, :NEIGHBORS]
    return np.take_along_axis(distance, index, axis=1), index


def density(distance, index, reach):
    """One over the mean reachability distance: (n, k), (n, k), (m,) -> (n,).

    No neighbour counts as nearer than it is to its own k-th neighbour: that steadies the density
    inside a cluster.
    """
    return 1 / (np.maximum(distance, reach[index]).mean(axis=1) + 1e-10)


def scores(train, rows):
    """Density around a row's neighbours over the density around itself, about 1 if normal: (n,)."""
    distance, index = nearest(train, train, itself=True)
    reach = distance[:, -1]  # of each training row: how far its k-th neighbour is
    around_train = density(distance, index, reach)
    distance, index = nearest(rows, train, itself=False)
    return around_train[index].mean(axis=1) / density(distance, index, reach)


def main() -> None:
    table = datasets.load_table("thyroid")
    train, test, labels = datasets.half_split(table.rows, table.labels, seed=0)
    mean, scale = train.mean(), train.std()
    rows, new = (((part - mean) / scale).to_numpy() for part in (train, test))
    rows, new = (part.astype(np.float32).astype(float) for part in (rows, new))
    in_the_open = scores(rows, new)

    # The library's own. Nothing is scaled again, and nothing is held out for p-values, so that
    # both remember the same rows.
    detector = LOF(neighbors=NEIGHBORS, data=Tabular(scaling="none"), held_out=0.0).fit(rows)
    by_askew = detector.decision_function(new)

    for name, found in {"in the open": in_the_open, "askew.LOF": by_askew}.items():
        print(f"{name:12s} AUROC {auroc(labels, found):.3f}   F1 {oracle_f1(labels, found):.3f}")
    # Measurements are rounded, so neighbours tie, and the two may take different ones of them.
    apart = np.abs(in_the_open - by_askew)
    print(f"{(apart < 1e-6).mean():.1%} of the scores agree; largest difference {apart.max():.1e}")


if __name__ == "__main__":
    main()
