"""Images: a folder of image files, or arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from askew.cli.kinds.base import Kind, Part, as_truth, column
from askew.data import Images
from askew.data.base import DataType
from askew.data.pictures import ENDINGS, folder, readable
from askew.errors import InputError
from askew.files.arrays import load_arrays, main_array
from askew.files.tables import read_table

if TYPE_CHECKING:
    from askew.cli.source import Source

AT_A_TIME = 1024
"""Files of one part of a folder."""

FOLDER = "folder"
"""What to give as --label where the names of folders are the truth."""

GOOD = ("good", "normal", "ok", "0")
"""Folders of normal images, in small letters; images in others are anomalous."""

LISTED = "labels.csv"
"""A table in the folder, with a column ``file`` of paths in it, and others with labels."""

FILE = "file"


class ImageFiles(Kind):
    """Folders of image files, and arrays."""

    def why(self, path: Path, id: str | None, time: str | None) -> str | None:
        """Claim folders with an image in them, and arrays with four axes."""
        if path.is_dir():
            known = (file for file in path.rglob("*") if file.suffix.lower() in ENDINGS)
            return "a folder of images" if next(known, None) else None
        if path.suffix.lower() not in (".npy", ".npz"):
            return None
        axes = images_of(load_arrays(path)).ndim
        return f"an array with {axes} axes" if axes == 4 else None

    def data_type(self) -> DataType:
        """Return the data type."""
        return Images()

    def parts(self, source: Source, path: Path, *, labels: bool) -> Iterator[Part]:
        """Yield a bounded number of files at a time; none is read yet."""
        if not path.is_dir():
            yield self.whole(source, path, labels=labels)
            return
        files = self._files(source, path)
        for start in range(0, len(files), AT_A_TIME):
            yield part_of(source, path, files[start : start + AT_A_TIME], labels)

    def whole(self, source: Source, path: Path, *, labels: bool) -> Part:
        """Return all images; those of a folder as paths."""
        if path.is_dir():
            return part_of(source, path, self._files(source, path), labels)
        arrays = load_arrays(path)
        images = images_of(arrays)
        truth = as_truth(labels_of(arrays, path), "y") if labels else None
        return Part(images, np.arange(len(images)), truth)

    def heads(self, source: Source, path: Path) -> list[pd.DataFrame]:
        """Return an empty table with the names that --label may take."""
        if path.is_dir():
            listed = path / LISTED
            names = list(read_table(listed).columns) if listed.exists() else []
            return [pd.DataFrame(columns=[*names, FOLDER])]
        return [pd.DataFrame(columns=[name for name in load_arrays(path) if name == "y"])]

    def describes(self, data: DataType) -> dict[str, Any] | None:
        """Take over how a data type made in Python reads axes and damaged files."""
        if not isinstance(data, Images):
            return None
        return {"layout": data.layout, "unreadable": data.unreadable}

    def _files(self, source: Source, path: Path) -> list[Path]:
        files = folder(path)
        return readable(files) if source.unreadable == "skip" else files


def part_of(source: Source, root: Path, files: list[Path], labels: bool) -> Part:
    """Return files of a folder, named by their paths in it, with labels where asked for."""
    ids = np.array([file.relative_to(root).as_posix() for file in files], dtype=object)
    return Part(files, ids, truth_of(source, root, files, ids) if labels else None)


def truth_of(source: Source, root: Path, files: list[Path], ids: NDArray[Any]) -> NDArray[np.int64]:
    """Return labels from the names of folders, or from the table of labels beside the images."""
    if source.label == FOLDER:
        return np.array([file.parent.name.lower() not in GOOD for file in files], dtype=np.int64)
    listed = root / LISTED
    if not listed.exists():
        raise InputError(
            f"There are no labels {source.label!r} in {root}: expected {LISTED} with the columns "
            f"{FILE!r} and {source.label!r}, or --label {FOLDER} where images lie in folders such "
            f"as {' or '.join(GOOD[:2])} and others."
        )
    table = read_table(listed)
    names = column(table, FILE, "id").astype(str).to_numpy()
    said = dict(zip(names, column(table, source.label, "label"), strict=True))
    missing = [name for name in ids if name not in said]
    if missing:
        raise InputError(f"{LISTED} has no label of {missing[0]}: add a row for every image.")
    return as_truth([said[name] for name in ids], source.label)


def images_of(arrays: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the array that holds the images: ``X``, ``x``, or the only one beside labels."""
    others = {name: array for name, array in arrays.items() if name != "y"}
    return others["x"] if "x" in others and "X" not in others else main_array(others)


def labels_of(arrays: dict[str, NDArray[Any]], path: Path) -> NDArray[Any]:
    """Return the labels beside the images of an array file."""
    if "y" not in arrays:
        raise InputError(f"{path.name} has no array y with labels: leave --label out.")
    return arrays["y"]
