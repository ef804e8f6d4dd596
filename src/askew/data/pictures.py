"""Raw images: arrays, lists, files and folders, read a few at a time as numbers from 0 to 1."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from askew.data.arrays import as_array
from askew.data.base import Raw
from askew.errors import InputError

Image = NDArray[np.float32]

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm")
"""Files of a folder that are images."""

LAYOUTS = ("channels-last", "channels-first")
COLORS = ("grey", "rgb")
USUAL = (1, 3, 4)
"""Numbers of channels that an axis is recognised by: grey, colour, colour with transparency."""

SMALLEST = 4
"""Pixels on a side that an image has at least."""

TOGETHER = 64
"""Images read at a time."""

FULL: Mapping[str, float] = {"b1": 1.0, "u1": 255.0, "u2": 65535.0}
"""What is white, by kind and size of numbers in memory."""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""How bright red, green and blue look."""

HUGE = 1e12
"""Beyond it, networks would overflow."""

MEASURED = 1000
"""Images whose size is looked at where some differ."""

NAMED = 5
"""File names shown in a message."""


@dataclass(frozen=True)
class Pictures:
    """Images as the user has them, each read when it is its turn.

    Attributes
    ----------
    items: an array with a first axis for images, or a list of arrays and paths.
    layout, color: see `askew.data.images.Images`.
    """

    items: Raw
    layout: str | None
    color: str | None

    def __len__(self) -> int:
        return len(self.items)

    def blocks(self, size: Sequence[int] | None) -> Iterator[Tensor]:
        """Yield images a few at a time, resized where ``size`` is given: ``(b, C, h, w)``.

        Raises ``InputError`` where images that are not resized differ in size, or in channels.
        """
        if isinstance(self.items, np.ndarray):
            yield from self._slices(size)
            return
        known: tuple[int, ...] | None = None
        for start in range(0, len(self), TOGETHER):
            one_by_one = [
                self._sized(i, size) for i in range(start, min(start + TOGETHER, len(self)))
            ]
            for i, image in enumerate(one_by_one, start):
                known = known or image.shape
                if image.shape != known:
                    raise InputError(self._differ(i, known, image.shape))
            yield torch.from_numpy(np.stack(one_by_one))

    def _slices(self, size: Sequence[int] | None) -> Iterator[Tensor]:
        for start in range(0, len(self), TOGETHER):
            some = scaled(self.items[start : start + TOGETHER], f"One of images {start} and on")
            some = in_color(some, self.color, "The array")
            yield torch.from_numpy(some if size is None else resized(some, size))

    def read(self, i: int) -> Image:
        """Return one image as ``(C, h, w)``; 8 and 16 bit from 0 to 1, other numbers as they are.

        Raises ``InputError`` where it cannot be read, or is no image of numbers.
        """
        item = self.items[i]
        named = f"Image {i}"
        if isinstance(item, (str, os.PathLike)):
            raw, named = read_file(Path(item)), f"{Path(item).name}"
        else:
            raw = channels_first(as_array(item), self.layout, named)
        return in_color(scaled(raw, named), self.color, named)

    def plain(self) -> bool:
        """Say whether all numbers are 8 or 16 bit, so that black is 0 and white 1."""
        return all(
            isinstance(item, (str, os.PathLike)) or as_array(item).dtype.kind in "bui"
            for item in ([self.items[:1]] if isinstance(self.items, np.ndarray) else self.items)
        )

    def names(self) -> list[str]:
        """Return the paths of files, and numbers for arrays."""
        return [
            str(item) if isinstance(item, (str, os.PathLike)) else str(i)
            for i, item in enumerate(self.items)
        ]

    def _sized(self, i: int, size: Sequence[int] | None) -> Image:
        image = self.read(i)
        return image if size is None else resized(image, size)

    def _called(self, i: int) -> str:
        item = self.items[i]
        return Path(item).name if isinstance(item, (str, os.PathLike)) else f"image {i}"

    def _differ(self, i: int, known: tuple[int, ...], found: tuple[int, ...]) -> str:
        """Say how an image differs from those before it."""
        if known[0] != found[0]:
            return (
                f"Grey and colour images are mixed: the first has {channels_of(known[0])}, "
                f"{self.names()[i]} {channels_of(found[0])}. Make them alike: "
                'Images(color="grey") or Images(color="rgb").'
            )
        shapes = (self.read(j).shape[1:] for j in range(min(len(self), MEASURED)))
        sizes = [f"{h} x {w}" for h, w in shapes]
        (usual, often), *_ = Counter(sizes).most_common(1)
        odd = {j: size for j, size in enumerate(sizes) if size != usual}
        odd = odd or {i: f"{found[1]} x {found[2]}"}  # behind those looked at
        named = ", ".join(f"{self._called(j)} is {odd[j]}" for j in list(odd)[:NAMED])
        more = f" and {len(odd) - NAMED:,} more differ" if len(odd) > NAMED else ""
        return (
            f"Images differ in size (height x width): {often:,} of the first {len(sizes):,} are "
            f"{usual}; {named}{more}. "
            "Take the odd ones out, or resize all: Images(size=128), or size=(height, width)."
        )


def pictures(X: Raw, *, layout: str | None, color: str | None, unreadable: str) -> Pictures:
    """Return raw input as images, without reading any.

    Raises
    ------
    InputError: it holds no images, or an array's axes can be understood in two ways.

    Example
    -------
    >>> opened = pictures(np.zeros((5, 8, 8)), layout=None, color=None, unreadable="refuse")
    >>> len(opened), opened.read(0).shape
    (5, (1, 8, 8))
    """
    if isinstance(X, (str, os.PathLike)):
        X = folder(Path(X))
    if not isinstance(X, (list, tuple)):
        X, layout = whole_array(X, layout), "channels-first"
    elif unreadable == "skip":
        X = readable(X)
    if not len(X):
        raise InputError("There is no image: expected at least one.")
    return Pictures(X, layout, color)


def looks_like_pictures(X: Raw) -> bool:
    """Say whether untyped input must be images: four axes, a folder, files or opened images.

    Example
    -------
    >>> looks_like_pictures(["a.png", "b.jpg"]), looks_like_pictures(["one text", "another"])
    (True, False)
    """
    if isinstance(X, (str, os.PathLike)):
        return Path(X).is_dir()
    if getattr(X, "ndim", None) == 4:
        return True
    some = list(X[:20]) if isinstance(X, (list, tuple)) else []
    return bool(some) and all(_is_picture(item) for item in some)


def _is_picture(item: Any) -> bool:
    if isinstance(item, (str, os.PathLike)):
        return Path(item).suffix.lower() in ENDINGS
    return hasattr(item, "getbands")  # of pillow


def folder(path: Path) -> list[Path]:
    """Return the image files in a folder and in those below it, in order.

    Folders called ``ground_truth`` hold masks and are left out.

    Raises
    ------
    InputError: there is no such folder, or no image in it.
    """
    if not path.is_dir():
        raise InputError(f"{path} is not a folder: give a folder of images, or a list of files.")
    found = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in ENDINGS
        and file.is_file()
        and "ground_truth" not in file.relative_to(path).parts
        and not file.name.startswith(".")
    )
    if not found:
        raise InputError(
            f"{path} holds no image: expected files ending in {', '.join(ENDINGS)}, there or in "
            "folders below."
        )
    return found


def readable(items: Sequence[Any]) -> list[Any]:
    """Leave files out that cannot be read, with a warning that names them.

    Example
    -------
    >>> with warnings.catch_warnings(action="ignore"):
    ...     len(readable([np.zeros((4, 4)), "nowhere.png"]))
    1
    """
    bad = [item for item in items if isinstance(item, (str, os.PathLike)) and _fault(Path(item))]
    if bad:
        shown = ", ".join(Path(item).name for item in bad[:NAMED])
        more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        warnings.warn(
            f"{len(bad)} of {len(items)} images cannot be read and are left out: {shown}{more}.",
            UserWarning,
            stacklevel=2,
        )
    left_out = {id(item) for item in bad}
    return [item for item in items if id(item) not in left_out]


def _fault(path: Path) -> str | None:
    """Return what is wrong with a file; its state decides whether it is read once more."""
    try:
        state = path.stat()
    except OSError as error:
        return str(error)
    return _fault_at(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2**16)
def _fault_at(path: Path, _changed: int, _bytes: int) -> str | None:
    try:
        read_file(path)
    except InputError as error:
        return str(error)
    return None


def read_file(path: Path) -> NDArray[Any]:
    """Return the numbers of an image file, ``(C, h, w)`` with C 1 or 3; transparency is dropped.

    Raises
    ------
    InputError: it is missing, damaged, cut off or no image, or pillow is not installed.
    """
    try:
        from PIL import Image as Opened
        from PIL import ImageOps
    except ImportError as error:
        raise InputError("Image files need pillow: pip install 'askew[images]'.") from error
    faults = (OSError, ValueError, SyntaxError, EOFError, Opened.DecompressionBombError)
    try:
        with Opened.open(path) as opened:
            file = ImageOps.exif_transpose(opened)
            if file.mode in ("I;16", "I;16L", "I;16B", "I;16N", "F"):
                values = np.array(file)
            elif file.mode == "I":  # 32 bit in memory, 16 in the files that are read so
                values = np.array(file).clip(0, 65535).astype(np.uint16)
            else:
                grey = file.mode in ("1", "L", "LA", "La")
                values = np.array(file.convert("L" if grey else "RGB"))
    except faults as error:
        raise InputError(
            f"{path.name} cannot be read as an image ({_told(error)}): replace or remove it, or "
            'leave such files out with Images(unreadable="skip"), or --skip-unreadable.'
        ) from error
    return values[None] if values.ndim == 2 else np.moveaxis(values, -1, 0)


def _told(error: Exception) -> str:
    """Return the first line of an error, without the path that is told anyway."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return str(error).partition("\n")[0].partition("'/")[0].strip() or type(error).__name__


def whole_array(X: Raw, layout: str | None) -> NDArray[Any]:
    """Return an array of images as ``(n, C, h, w)``, a view of the user's."""
    array = as_array(X)
    if array.dtype.kind not in "biuf" or array.ndim not in (3, 4):
        raise InputError(
            f"Found {type(X).__name__} of {array.dtype} with shape {array.shape}; expected images: "
            "an array of numbers (n, height, width) or with channels, a list of arrays or paths, "
            "or a folder. Put a single image into a list."
        )
    if array.ndim == 3 and layout is None and array.shape[-1] in USUAL:
        raise InputError(
            f"An array {array.shape} may be one colour image or {len(array)} grey ones: put a "
            "single image into a list, [image]."
        )
    if array.ndim == 3:
        return array[:, None]
    first = is_first(array.shape[1:], layout, "The array's images")
    return array if first else np.moveaxis(array, -1, 1)


def channels_first(array: NDArray[Any], layout: str | None, named: str) -> NDArray[Any]:
    """Return one image as ``(C, h, w)``.

    Raises ``InputError`` where it is none, or where its axes can be understood in two ways.
    """
    if array.dtype.kind not in "biuf" or array.ndim not in (2, 3):
        raise InputError(
            f"{named} is {array.dtype} of shape {array.shape}; expected numbers (height, width) "
            "or with an axis of channels."
        )
    if array.ndim == 2:
        return array[None]
    return array if is_first(array.shape, layout, named) else np.moveaxis(array, -1, 0)


def is_first(shape: Sequence[int], layout: str | None, named: str) -> bool:
    """Say whether channels come first in an image of three axes.

    Example
    -------
    >>> is_first((3, 32, 32), None, "it"), is_first((32, 32, 1), None, "it")
    (True, False)
    """
    if layout is not None:
        return layout == "channels-first"
    first, last = shape[0] in USUAL, shape[-1] in USUAL
    if first == last:
        raise InputError(
            f"{named} of shape {tuple(shape)} can be understood in two ways: say "
            'Images(layout="channels-last") or Images(layout="channels-first").'
        )
    return first


def scaled(raw: NDArray[Any], named: str) -> Image:
    """Return 8 and 16 bit numbers from 0 to 1, other ones as they are: ``(..., C, h, w)``.

    Raises ``InputError`` on numbers that are not finite, on whole numbers of which it is not clear
    what is white, and on images of hardly any pixels.
    """
    if min(raw.shape[-2:]) < SMALLEST:
        raise InputError(
            f"{named} has {raw.shape[-2]} x {raw.shape[-1]} pixels; expected at least {SMALLEST} "
            "on a side. So few are better read as the columns of a table: data=Tabular()."
        )
    whole, full = raw.dtype.kind in "iu", FULL.get(f"{raw.dtype.kind}{raw.dtype.itemsize}", 1.0)
    if whole and full == 1.0:
        full = FULL["u1"]
        if raw.size and (raw.min() < 0 or raw.max() > full):
            raise InputError(
                f"{named} holds whole numbers from {raw.min()} to {raw.max()} as {raw.dtype}: it "
                "is not clear what is white. Convert it to uint8, uint16, or float."
            )
    values = raw.astype(np.float32)
    if raw.dtype.kind == "f" and not (np.abs(values) < HUGE).all():
        raise InputError(
            f"{named} holds values that are not finite, or huge: expected numbers below {HUGE:g}."
        )
    return values / np.float32(full) if full != 1.0 else values


def in_color(image: Image, color: str | None, named: str) -> Image:
    """Return images without transparency, made grey or coloured where asked: ``(..., C, h, w)``."""
    found = image.shape[-3]
    if found == 4:
        image, found = image[..., :3, :, :], 3
    wanted = {None: found, "grey": 1, "rgb": 3}[color]
    if found == wanted:
        return image
    if found not in (1, 3):
        raise InputError(
            f"{named} has {found} channels; only 1 and 3 can be turned into {color!r}: leave "
            "Images(color=...) out."
        )
    if wanted == 3:
        return np.repeat(image, 3, axis=-3)
    return np.tensordot(LUMA, np.moveaxis(image, -3, 0), 1)[..., None, :, :]


def resized(image: Image, size: Sequence[int]) -> Image:
    """Return images of another size, smoothed where they shrink: ``(..., h, w)`` to ``size``."""
    if image.shape[-2:] == tuple(size):
        return image
    flat = torch.from_numpy(np.ascontiguousarray(image)).reshape(-1, 1, *image.shape[-2:])
    height, width = (int(side) for side in size)
    made = F.interpolate(flat, (height, width), mode="bilinear", antialias=True)
    return made.numpy().reshape(*image.shape[:-2], height, width)


def channels_of(count: int) -> str:
    """Name a number of channels.

    Example
    -------
    >>> channels_of(1), channels_of(3), channels_of(7)
    ('grey', 'colour', '7 channels')
    """
    return {1: "grey", 3: "colour"}.get(count, f"{count} channels")
