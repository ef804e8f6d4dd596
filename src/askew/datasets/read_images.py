"""Files of images, decoded, in their parts."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from askew.datasets.kinds import ClassSplit, Inspected, Reader
from askew.datasets.splits import half_split
from askew.errors import InputError

_PAIRS_TRAIN = 10_000


def read_fashion_mnist(file: Path, _seed: int) -> ClassSplit:
    """Read the published train and test parts."""
    with np.load(file, allow_pickle=False) as a:
        return ClassSplit(a["x_train"], a["y_train"], a["x_test"], a["y_test"])


@lru_cache(maxsize=1)
def read_cifar10(file: Path, _seed: int) -> ClassSplit:
    """All images, decoded once: it takes some ten seconds."""
    return _cifar10(file, 5000, 1000)


def read_cifar10_subset(file: Path, _seed: int) -> ClassSplit:
    """The first 300 training and 150 test images of each class: what a slow network can see."""
    return _cifar10(file, 300, 150)


def _cifar10(file: Path, most_train: int, most_test: int) -> ClassSplit:
    with np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    parts: list[NDArray[Any]] = []
    for part, most in (("train", most_train), ("test", most_test)):
        labels = arrays[f"y_{part}"]
        places = np.sort(np.concatenate([np.flatnonzero(labels == c)[:most] for c in range(10)]))
        images = _decoded(arrays[f"jpeg_{part}"], arrays[f"offsets_{part}"], places)
        parts += [images, arrays["classes"][labels[places]]]
    return ClassSplit(*parts)


def _decoded(
    blob: NDArray[np.uint8], offsets: NDArray[np.int64], places: NDArray[np.intp], mode: str = "RGB"
) -> NDArray[np.uint8]:
    """Return some of the encoded images in a blob, ``(n, h, w)`` or ``(n, h, w, 3)``."""
    try:
        from PIL import Image
    except ImportError as error:
        raise InputError("These images need pillow: pip install 'askew[images]'.") from error
    files = (BytesIO(blob[offsets[i] : offsets[i + 1]].tobytes()) for i in places)
    return np.stack([np.asarray(Image.open(file).convert(mode)) for file in files])


def read_pairs(read: Callable[[Path, int], ClassSplit]) -> Reader:
    """All classes are normal; the anomalies are means of two test images each, drawn at random.

    PLAD's protocol: 10,000 training images, the whole test part, and as many means as it has. An
    image may be in several pairs, both of a pair may be of one class, and about one pair in
    as many as there are images is an image with itself.
    """

    def pairs(file: Path, seed: int) -> Inspected:
        split, generator = read(file, 0), np.random.default_rng(seed)
        images = np.asarray(split.test)
        trains = generator.permutation(len(split.train))[:_PAIRS_TRAIN]
        first, second = generator.integers(len(images), size=(2, len(images)))
        means = ((images[first].astype(np.uint16) + images[second]) // 2).astype(np.uint8)
        labels = np.repeat([0, 1], len(images))
        train = np.asarray(split.train)[np.sort(trains)]
        return Inspected(train, np.concatenate([images, means]), labels, None)

    return pairs


def read_magnetic_tile(file: Path, seed: int) -> Inspected:
    """Half of the tiles without a defect train; a tile's pictures are all on one side."""
    with np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    good = arrays["y"] == 0
    tiles = np.array([name.rpartition("_")[2] for name in arrays["names"]])
    spotless = np.setdiff1d(tiles[good], tiles[~good])
    drawn = np.random.default_rng(seed).permutation(spotless)[: len(spotless) // 2]
    return _inspected(arrays, "jpeg", np.isin(tiles, drawn))


def read_kolektorsdd(file: Path, _seed: int) -> Inspected:
    """The repository's training part without its defects trains; all defects are judged."""
    with np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    return _inspected(arrays, "webp", (arrays["repo_split"] == 0) & (arrays["y"] == 0))


def _inspected(arrays: dict[str, NDArray[Any]], blob: str, trains: NDArray[np.bool_]) -> Inspected:
    images = _decoded(arrays[blob], arrays["offsets"], np.arange(len(trains)), "L")
    masks = np.unpackbits(arrays["masks_packed"], axis=1).reshape(-1, *arrays["mask_shape"])
    truth = (arrays["y"] > 0).astype(np.int64)
    return Inspected(images[trains], images[~trains], truth[~trains], masks[~trains])


def read_brain_mri(file: Path, seed: int) -> Inspected:
    """Without the 25 exact repeats; half of the images without a tumour train."""
    with np.load(file, allow_pickle=False) as stored:
        images, truth = stored["x"], stored["y"].astype(np.int64)
    kept = np.sort(np.unique(images.reshape(len(images), -1), axis=0, return_index=True)[1])
    train, test, labels = half_split(images[kept], truth[kept], seed=seed)
    return Inspected(train, test, labels, None)
