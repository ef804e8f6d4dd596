"""The table of known data sets: where each is, how its file is known and read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from askew.datasets.kinds import SHIPPED, Reader
from askew.datasets.read_graphs import read_network, read_tu
from askew.datasets.read_images import (
    read_brain_mri,
    read_cifar10,
    read_cifar10_subset,
    read_fashion_mnist,
    read_kolektorsdd,
    read_magnetic_tile,
    read_pairs,
)
from askew.datasets.read_series import (
    NAB_TRAIN,
    SKAB_TRAIN,
    read_cut,
    read_parts,
    read_sad,
    read_series,
)
from askew.datasets.read_tables import (
    read_adbench,
    read_features,
    read_kdd,
    read_kddrev,
    read_shipped_table,
)
from askew.datasets.read_texts import (
    read_ag_news,
    read_newsgroups,
    read_reuters,
    read_reuters_nltk,
    read_sms,
)


@dataclass(frozen=True)
class DataSet:
    """One public data set: where it comes from and how its file is known and read."""

    name: str
    kind: str
    file: str
    sha256: str
    licence: str
    source: str
    about: str
    read: Reader
    shipped: bool = False
    url: str = ""  # of the same bytes at the original publisher; empty where there is none


_ADBENCH = "https://github.com/Minqi824/ADBench"
_MVTEC = """
bottle cable capsule carpet grid hazelnut leather metal_nut pill screw tile toothbrush transistor
wood zipper
"""
"""Categories of MVTec AD."""
_READERS: dict[str, Reader] = {
    "table": read_shipped_table,
    "kdd": read_kdd,
    "kddrev": read_kddrev,
    "series": read_series,
    "sad": read_sad,
    "tu": read_tu,
    "network": read_network,
    "parts": read_parts,
    "skab": read_cut("X", lambda stored, name, steps: SKAB_TRAIN),
    "nab": read_cut("value", lambda stored, name, steps: int(NAB_TRAIN * steps)),
    "ucr": read_cut("value", lambda stored, name, steps: int(stored[f"{name}/train_end"])),
    "fashion_mnist": read_fashion_mnist,
    "cifar10": read_cifar10,
    "cifar10_subset": read_cifar10_subset,
    "fashion_mnist_pairs": read_pairs(read_fashion_mnist),
    "cifar10_pairs": read_pairs(read_cifar10),
    "magnetic_tile": read_magnetic_tile,
    "kolektorsdd": read_kolektorsdd,
    "brain_mri": read_brain_mri,
    "reuters": read_reuters,
    "reuters-nltk": read_reuters_nltk,
    "newsgroups": read_newsgroups,
    "ag_news": read_ag_news,
    "sms": read_sms,
}


def _entry(name: str, fields: dict[str, Any]) -> DataSet:
    return DataSet(name=name, read=_READERS[fields.pop("layout")], **fields)


def _adbench(line: str) -> DataSet:
    stem, rows, columns, anomalies, sha256 = line.split()
    return DataSet(
        name=f"adbench/{stem}",
        kind="tabular",
        file=f"tabular/adbench_classical/{stem}.npz",
        sha256=sha256,
        licence="each set keeps the licence of its origin",
        source=_ADBENCH,
        about=f"{rows} x {columns}, {anomalies} anomalies",
        read=read_adbench,
        url=f"{_ADBENCH}/raw/main/adbench/datasets/Classical/{stem}.npz",
    )


def _mvtec(category: str) -> DataSet:
    return DataSet(
        name=f"mvtec_features/{category}",
        kind="tabular",
        file="images/mvtec_resnet18_features.npz",
        sha256="35202de17c574bbcb6137bf03fa2f7879ad05c6319dbf7e949fcb56a91fa9434",
        licence="images CC BY-NC-SA 4.0, features of ADBench BSD 2-Clause",
        source="https://github.com/Minqi824/ADBench",
        about="512 features of ResNet-18, image by image; no images",
        read=lambda file, _seed: read_features(file, category),
    )


def _catalogue() -> dict[str, DataSet]:
    """The two small tables beside the shipped files, and the short name papers use for one."""
    entries = tomllib.loads((SHIPPED / "catalogue.toml").read_text(encoding="utf-8"))
    lines = (SHIPPED / "adbench.txt").read_text(encoding="utf-8").splitlines()
    listed = [*map(_adbench, lines), *map(_mvtec, _MVTEC.split())]
    every = [*(_entry(*item) for item in entries.items()), *listed]
    known = {data.name: data for data in every}
    return known | {"ct": known["charactertrajectories"]}


DATASETS: dict[str, DataSet] = _catalogue()
