"""A one-class support vector machine in the open: strange is outside a smooth boundary.

Run: python examples/one_class_svm.py
"""

import numpy as np

from askew import OneClassSVM, Tabular, datasets
from askew.metrics import auroc, oracle_f1

NU = 0.5  # at most this share of the training rows is left outside
TOLERANCE = 1e-3


def kernel(a, b, gamma: float):
    """exp(-gamma ||a - b||^2) between all rows: (n, d), (m, d) -> (n, m)."""
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.exp(-gamma * squared.clip(min=0))


def boundary(similar):
    """Weights of the training rows (n,) and the offset, from their kernel matrix (n, n).

    Minimise w' K w / 2 over 0 <= w <= 1 with sum w = nu n. A step moves weight from the row where
    that helps most to the row where it costs least, until no move helps (sequential minimal
    optimisation).
    """
    rows = len(similar)
    total = NU * rows
    weights = np.zeros(rows)
    weights[: int(total)] = 1.0
    weights[int(total)] = total - int(total)
    slope = similar @ weights
    while True:
        i = np.where(weights < 1, slope, np.inf).argmin()  # can take weight
        j = np.where(weights > 0, slope, -np.inf).argmax()  # can give some
        if slope[j] - slope[i] < TOLERANCE:
            break
        curve = similar[i, i] + similar[j, j] - 2 * similar[i, j]
        moved = min((slope[j] - slope[i]) / max(curve, 1e-12), 1 - weights[i], weights[j])
        weights[i] += moved
        weights[j] -= moved
        slope += moved * (similar[:, i] - similar[:, j])
    on_it = (weights > 1e-8) & (weights < 1 - 1e-8)  # rows on the boundary itself
    return weights, slope[on_it].mean()


def main() -> None:
    table = datasets.load_table("thyroid")
    train, test, labels = datasets.half_split(table.rows, table.labels, seed=0)
    mean, scale = train.mean(), train.std()
    rows, new = (((part - mean) / scale).to_numpy() for part in (train, test))

    gamma = 1 / (rows.shape[1] * rows.var())
    weights, offset = boundary(kernel(rows, rows, gamma))
    in_the_open = offset - kernel(new, rows, gamma) @ weights  # above 0 is outside

    # The library's own. Nothing is scaled again, and nothing is held out for p-values, so that
    # both learn from the same rows.
    detector = OneClassSVM(nu=NU, data=Tabular(scaling="none"), held_out=0.0).fit(rows)
    by_askew = detector.decision_function(new)

    for name, found in {"in the open": in_the_open, "askew.OneClassSVM": by_askew}.items():
        print(f"{name:18s} AUROC {auroc(labels, found):.3f}   F1 {oracle_f1(labels, found):.3f}")
    print(f"scores range over {np.ptp(by_askew):.1f}", end="; ")
    print(f"largest difference of a score {np.abs(in_the_open - by_askew).max():.1e}")


if __name__ == "__main__":
    main()
