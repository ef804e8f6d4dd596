"""Files of tables, as rows and labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from askew.datasets.kinds import SHIPPED, Table

_KDDREV_ATTACKS = 24_319


def read_shipped_table(file: Path, _seed: int) -> Table:
    """Read a table of the package, whose column ``label`` is the truth."""
    import pandas as pd

    table = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    return Table(table.drop(columns="label"), table["label"].to_numpy(np.int64))


def read_adbench(file: Path, _seed: int) -> Table:
    """Read a set of ADBench: numbers without names."""
    import pandas as pd

    with np.load(file, allow_pickle=False) as arrays:
        rows, labels = arrays["X"], arrays["y"]
    columns = [f"x{i + 1}" for i in range(rows.shape[1])]
    return Table(pd.DataFrame(rows, columns=columns), labels.ravel().astype(np.int64))


def read_kdd(file: Path, _seed: int) -> Table:
    """Read the tenth of KDD Cup 99; the minority, normal traffic, is the anomaly."""
    import pandas as pd

    kinds = {"symbolic": "category", "continuous": "float64", "class": "str"}
    lines = (SHIPPED / "kdd_columns.txt").read_text(encoding="utf-8").splitlines()
    columns = {name: kinds[kind] for name, kind in (line.split(": ") for line in lines)}
    table = pd.read_csv(file, names=[*columns], dtype=columns, compression="gzip")
    labels = (table.pop("label") == "normal.").to_numpy().astype(np.int64)
    return Table(table, labels)


def read_kddrev(file: Path, seed: int) -> Table:
    """Normal traffic is normal again; attacks are thinned to one in five of the rows, in order."""
    rows, is_normal = read_kdd(file, seed)
    attacks = np.flatnonzero(is_normal == 0)
    drawn = np.random.default_rng(seed).choice(attacks, _KDDREV_ATTACKS, replace=False)
    kept = np.sort(np.concatenate([np.flatnonzero(is_normal), drawn]))
    return Table(rows.iloc[kept].reset_index(drop=True), 1 - is_normal[kept])


def read_features(file: Path, category: str) -> Table:
    """Read one category of MVTec AD, as ResNet-18 sees it."""
    import pandas as pd

    with np.load(file, allow_pickle=False) as arrays:
        rows, labels = arrays[f"{category}_X"], arrays[f"{category}_y"]
    columns = [f"x{i + 1}" for i in range(rows.shape[1])]
    return Table(pd.DataFrame(rows, columns=columns), labels.astype(np.int64))
