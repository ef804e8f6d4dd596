"""Images: arrays, files and folders; their pixels, or what a pretrained network sees in them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from askew.data.backbones import MEMORY, Backbone, backbone
from askew.data.base import DataType, Raw
from askew.data.entries import spread_of
from askew.data.image_changes import shuffled, smooth, spotted
from askew.data.image_features import Directions, Patches, Places, Smoothing
from askew.data.image_regions import bands, edges, enlarged, feature_groups
from askew.data.image_scaling import SCALINGS, VECTOR_SCALINGS, Floats, Moments
from askew.data.pictures import (
    COLORS,
    LAYOUTS,
    SMALLEST,
    Pictures,
    channels_of,
    looks_like_pictures,
    pictures,
)
from askew.data.whitening import Kept, check_whitening, evenly_spaced, measured, whitened
from askew.errors import InputError
from askew.nets.conv import Jitter
from askew.nets.conv2d import ImageDecoder, ImageEncoder, ImageViews
from askew.nets.mlp import MLP
from askew.nets.parts import Decoder
from askew.nets.transform import TableViews
from askew.parameters import check_least, check_numbers, check_word
from askew.seeding import draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from askew.explain import Explanation


MOST_PATCHES = 16  # on a side of local features of pixels
HELD_NUMBERS = 2**24  # numbers encoded at a time when scoring: 64 MB
KEPT_NUMBERS = 2**23  # numbers of the items kept in a model for comparison: 32 MB
WIDTH = 8  # channels of each learned view's network over pixels
VECTOR_WIDTH = 64  # units of networks over a whole image's features


@dataclass(kw_only=True, eq=False, repr=False)
class Images(DataType):
    """Images, each one an item, normal or not.

    A batch is ``(B, C, H, W)``: pixels, scaled by mean and spread of each channel in training.
    With a ``backbone`` it is what a frozen pretrained network sees, computed once when items are
    encoded: features of the whole image ``(B, D)``, divided by their common spread, or, with
    ``places``, of all places in it at two scales ``(B, D, h, w)``, to find out where something is
    wrong. 8 and 16 bit numbers count from 0 to 1, and floats as they are.

    Raw input: arrays ``(n, h, w)``, ``(n, h, w, c)`` or ``(n, c, h, w)``; lists of arrays or of
    paths; a folder, whose image files are read in order of their names, those of folders below
    too, and a few at a time. With ``unreadable="skip"``, files that cannot be read are no items:
    they have no score, and `names` says which have one.

    Parameters
    ----------
    size: pixels on a side, or ``(height, width)``, that images are resized to. None keeps pixels
        as they are, all images alike; a backbone then takes the size it was trained on.
    backbone: None for pixels; "efficientnet-lite0"; or a folder or name of a vision model of
        transformers. A model folder keeps its name and a fingerprint of its weights, not the
        weights: where it is loaded, the same backbone must be there.
    places: with a backbone, keep features of places.
    layout: "channels-last" or "channels-first" where an array's axes leave it open.
    color: "grey" or "rgb" brings all images to it; None takes them as they are, all alike.
    unreadable: "refuse", or "skip" files that are damaged or no images, with a warning.
    scaling: "standard", or "none", which leaves numbers as they are.
    jitter: spread of the noise on training items, in encoded units.
    smooth: pixels on a side, an odd number, over which distances between images of pixels are
        smoothed: what has moved by a pixel is still near. 1 compares pixel by pixel.
    whitening: of a backbone's features for distances between images, from 0, not at all, where
        distances are those of cosines, to 1, fully; see `askew.data.whitening.Whitening`.

    Example
    -------
    >>> data = Images().fit(np.random.default_rng(0).random((20, 28, 28)))
    >>> data.describe()
    '20 images: 28 x 28, grey'
    >>> data.encode(np.zeros((5, 28, 28))).shape
    torch.Size([5, 1, 28, 28])
    """

    size: int | Sequence[int] | None = None
    backbone: str | None = None
    places: bool = False
    layout: str | None = None
    color: str | None = None
    unreadable: str = "refuse"
    scaling: str = "standard"
    jitter: float = 0.1
    smooth: int = 5
    whitening: float = 1.0

    def fit(self, X: Raw) -> Self:
        """Learn size and channels, and mean and spread of each channel, from at least two images.

        Raises ``InputError`` where ``X`` holds fewer, images of unlike sizes or channels, or some
        that cannot be read.
        """
        self._check_parameters()
        images = self._open(X)
        if len(images) < 2:
            raise InputError("Found 1 image; expected at least two to learn what is normal.")
        frozen = None if self.backbone is None else backbone(self.backbone)
        self.fingerprint_ = "" if frozen is None else frozen.fingerprint
        self.size_ = self._wanted(frozen, images)
        self.plain_ = frozen is not None or images.plain()
        self.channels_ = len(images.read(0))
        moments = Moments()
        for block in self._seen(images):
            moments.add(block)
        self.shape_ = list(block.shape[1:])
        self.mean_, self.std_ = moments.mean_and_std()
        scalings = SCALINGS if self._is_map else VECTOR_SCALINGS
        self.center_, self.scale_ = scalings[self.scaling](self.mean_, self.std_)
        self.count_ = len(images)
        self.whitened_ = self._measured(X) if self.backbone and self.whitening else {}
        return self

    def count(self, X: Raw) -> int:
        """Return the number of images; of a folder, of its image files."""
        return len(self._open(X))

    def names(self, X: Raw) -> list[str]:
        """Return the paths of image files, or numbers of images, in the order of the scores."""
        return self._open(X).names()

    def take(self, X: Raw, index: NDArray[np.intp]) -> Raw:
        """Return the images at these positions; of a folder, their paths."""
        if hasattr(X, "ndim") and not isinstance(X, (list, tuple)):
            return X[index]
        items = self._open(X).items
        return [items[i] for i in index]

    def chunks(self, X: Raw, most: int) -> Iterator[Tensor]:
        """Yield all images encoded, so many at a time that their numbers take 64 MB at most."""
        pixels = self.channels_ * math.prod(self.size_)
        fitting = HELD_NUMBERS // max(pixels, math.prod(self.shape_))
        yield from super().chunks(X, max(1, min(most, fitting)))

    def encode(self, X: Raw) -> Tensor:
        """Return images as one batch, ``(n, C, H, W)``, or ``(n, D)``; each depends on itself.

        Raises ``InputError`` where size, channels or the backbone differ from training.
        """
        check_is_fitted(self)
        images = self._open(X)
        center, scale = (self._in_batch(value) for value in (self.center_, self.scale_))
        batch = torch.empty(len(images), *self.shape_, dtype=torch.float32)
        start = 0
        for block in self._seen(images):
            batch[start : start + len(block)] = (block - center) / scale
            start += len(block)
        return batch

    def encoder(self, dim: int, *, bias: bool) -> nn.Module:
        """Return a network ``(B, C, H, W) -> (B, dim)``, or ``(B, D) -> (B, dim)``."""
        if not self._is_map:
            return MLP([self.shape_[0], VECTOR_WIDTH, dim], bias=bias, norm=False)
        return ImageEncoder(self.shape_[0], self._grid, dim, bias=bias)

    def transform(self, views: int, kind: str, *, bias: bool) -> nn.Module:
        """Return views made by convolutions, or of features by small networks, 3 layers each."""
        if not self._is_map:
            width = VECTOR_WIDTH
            return TableViews(self.shape_[0], views, width=width, layers=3, kind=kind, bias=bias)
        return ImageViews(self.shape_[0], self._grid, views, width=WIDTH, kind=kind, bias=bias)

    def decoder(self, dim: int, *, outputs: int = 1, bias: bool) -> nn.Module:
        """Return a network ``(B, dim), (B, ...) -> (B, outputs, C, H, W)``, or ``(..., D)``."""
        if self._is_map:
            return ImageDecoder(self.shape_[0], self._grid, dim, outputs=outputs, bias=bias)
        sizes = [dim, VECTOR_WIDTH, outputs * self.shape_[0]]
        return Decoder(MLP(sizes, bias=bias, norm=False), nn.Unflatten(1, (outputs, -1)))

    def noise(self) -> nn.Module:
        """Return normal noise of spread `jitter`, in training only."""
        return Jitter(self.jitter)

    def scatter(self, x: Tensor) -> Tensor:
        """Return random numbers that are alike at neighbouring pixels, ``(B, C, H, W)``.

        Independent ones would be told from images by their grain alone.
        """
        return spread_of(x) * smooth(x) if self._is_map else super().scatter(x)

    def signs(self, x: Tensor) -> Tensor:
        """Return signs, the same at most neighbouring pixels, ``(B, C, H, W)``."""
        return smooth(x).sign() if self._is_map else super().signs(x)

    def error(self, x: Tensor, restored: Tensor) -> Tensor:
        """Return squared differences, averaged over channels: ``(B, H, W)``; or ``(B, D)``."""
        difference = (x - restored).square()
        return difference.mean(1) if self._is_map else difference

    def features(self) -> nn.Module:
        """Return smoothed pixels, or a backbone's features of length 1, whitened: ``(B, D)``."""
        return whitened(self._compared(), self.whitened_)

    @property
    def distance_power(self) -> float:
        """Return 2 (Euclidean) where features are whitened, 1 where they are not."""
        return 2.0 if self.whitened_ else 1.0

    def features_from(self, items: Tensor) -> nn.Module | None:
        """Return `features`, whitened as these encoded images say; None where they are not."""
        if not self.whitened_:
            return None
        return whitened(self._compared(), measured(self._compared(), items, self.whitening))

    def local_features(self) -> nn.Module:
        """Return features of places, ``(B, ...) -> (B, h * w, D)``.

        A backbone's, or the pixels of overlapping patches.
        """
        if not self._is_map:
            return super().local_features()
        return Patches(self._patch) if self.backbone is None else Places()

    def restore(
        self, scores: NDArray[np.float64], X: Raw, index: NDArray[np.intp] | None = None
    ) -> NDArray[np.float64]:
        """Lay scores of points out as pixels: ``(n, h, w)`` or ``(n, h * w) -> (n, H, W)``.

        Those of places are enlarged and smoothed; scores of items stay as they are.
        """
        if scores.ndim == 1 or not self._is_map:
            return scores
        if scores.ndim == 2:
            scores = scores.reshape(len(scores), *self._patch_grid)
        return enlarged(scores, self.size_)

    def alter(self, x: Tensor, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Return copies that are scaled, shuffled, noise, and for maps negative or with a spot.

        Not flipped ones: much that is photographed looks the same upside down.
        """
        middle = self._in_batch(self.mean_ - self.center_) / self._in_batch(self.scale_)
        spread = self._in_batch(self.std_) / self._in_batch(self.scale_)
        noise = draw(torch.randn, x.shape, x.device, generator)
        found = {
            "scaled": middle + 3 * (x - middle),
            "shuffled": shuffled(x, generator),
            "noise": middle + spread * noise,
        }
        if not self._is_map:
            return found
        blot = spotted(x, generator)
        dark = middle + 3 * spread * torch.sign(middle - x.mean((2, 3), keepdim=True) + 1e-6)
        return {**found, "negative": 2 * middle - x, "spotted": torch.where(blot, dark, x)}

    def groups(self, x: Tensor) -> tuple[list[str], Tensor]:
        """Return patches, like 'rows 0-3, columns 8-11', at most 7 x 7; or blocks of features.

        Shapes
        ------
        ``(B, C, H, W) -> G names, masks (G, C, H, W)``
        """
        if not self._is_map:
            return feature_groups(self.shape_[0], x.device)
        masks = [bands(side) for side in self._grid]
        names = [
            f"rows {a}-{b - 1}, columns {c}-{d - 1}"
            for a, b in self._pixel_bands(0)
            for c, d in self._pixel_bands(1)
        ]
        patches = (masks[0][:, None, :, None] & masks[1][None, :, None, :]).flatten(0, 1)
        return names, patches[:, None].expand(-1, self.shape_[0], -1, -1).to(x.device)

    def point_map(self, contributions: NDArray[np.float64], x: Tensor) -> NDArray[np.float64]:
        """Spread each patch's contribution evenly over its pixels: ``(G,) -> (H, W)``.

        Blocks of features have no place: theirs stay as they are.
        """
        if not self._is_map:
            return contributions
        heights, widths = (
            np.array([end - start for start, end in self._pixel_bands(axis)]) for axis in (0, 1)
        )
        per_pixel = contributions.reshape(len(heights), len(widths)) / np.outer(heights, widths)
        return per_pixel.repeat(heights, axis=0).repeat(widths, axis=1)

    def picture(self, X: Raw, explanation: Explanation) -> tuple[Figure | str, str]:
        """Draw the image, with the patches that made its score in red over it."""
        if not self._is_map:
            return super().picture(X, explanation)
        from askew import plot

        (block,) = self._open(X).blocks(self.size_)
        image = np.moveaxis(block[0].double().numpy(), 0, -1)
        return plot.image(image, explanation.points), "The image; red patches made its score."

    def keep(self, items: Tensor) -> Any:
        """Return encoded items to be saved with a model: fewer, where each is large."""
        return super().keep(items[: max(16, KEPT_NUMBERS // math.prod(self.shape_))])

    def describe(self) -> str:
        """Return a line such as '952 images: 160 x 160, grey'."""
        height, width = self.size_
        seen = "" if self.backbone is None else f", seen by {self.backbone}"
        return (
            f"{self.count_} images: {height} x {width}, {channels_of(self.channels_)}{seen}"
            f"{' at ' + ' x '.join(map(str, self._grid)) + ' places' if self._is_places else ''}"
        )

    def _compared(self) -> nn.Module:
        """Return what distances are measured in, before any whitening."""
        if self.backbone is None:
            return nn.Sequential(Smoothing(self.smooth), nn.Flatten())
        return Directions(self.center_, self.scale_)

    def _measured(self, X: Raw) -> Kept:
        """Measure how the features of training images spread."""
        some = self.encode(self.take(X, evenly_spaced(self.count_)))
        return measured(self._compared(), some, self.whitening)

    @staticmethod
    def looks_like(X: Raw) -> bool:
        """Say whether untyped input must be images: four axes, a folder, files of images."""
        return looks_like_pictures(X)

    @property
    def _is_map(self) -> bool:
        return len(self.shape_) == 3

    @property
    def _is_places(self) -> bool:
        return self._is_map and self.backbone is not None

    @property
    def _grid(self) -> tuple[int, int]:
        """Rows and columns of a batch: pixels, or a backbone's places."""
        return self.shape_[1], self.shape_[2]

    @property
    def _patch(self) -> int:
        """Return the step from one patch of pixels to the next: at most 16 on a side."""
        return math.ceil(max(self._grid) / MOST_PATCHES)

    @property
    def _patch_grid(self) -> tuple[int, int]:
        """Rows and columns of `local_features`."""
        block = 1 if self._is_places else self._patch
        return math.ceil(self._grid[0] / block), math.ceil(self._grid[1] / block)

    def _pixel_bands(self, axis: int) -> list[tuple[int, int]]:
        """Return first and next-after-last pixel of each explained band of rows or columns."""
        limits = edges(self._grid[axis]) * self.size_[axis] // self._grid[axis]
        return [(int(a), int(b)) for a, b in pairwise(limits)]

    def _open(self, X: Raw) -> Pictures:
        color = "rgb" if self.backbone is not None and self.color is None else self.color
        return pictures(X, layout=self.layout, color=color, unreadable=self.unreadable)

    def _wanted(self, frozen: Backbone | None, images: Pictures) -> list[int]:
        """Return the height and width that images are brought to, or have."""
        if self.size is not None:
            return [int(side) for side in np.broadcast_to(self.size, 2)]
        if frozen is not None:
            return [frozen.size] * 2
        return list(images.read(0).shape[1:])

    def _seen(self, images: Pictures) -> Iterator[Tensor]:
        """Yield images a few at a time as pixels, or as the backbone sees them; not scaled."""
        resize = self.size is not None or self.backbone is not None
        for block in images.blocks(self.size_ if resize else None):
            self._check(block)
            if self.backbone is None:
                yield block
            else:
                yield self._through(block)

    def _through(self, block: Tensor) -> Tensor:
        """Return a backbone's features of images, ``(b, D)`` or ``(b, D, h, w)``."""
        frozen = backbone(str(self.backbone))
        if frozen.fingerprint != self.fingerprint_:
            raise InputError(
                f"The backbone {self.backbone!r} is not the one the model was fitted with: its "
                f"weights have the fingerprint {frozen.fingerprint}, expected "
                f"{self.fingerprint_}. Put the same version in place, or fit again."
            )
        how = frozen.places if self.places else frozen.whole
        key = f"{frozen.fingerprint} {self.size_} {self.places}"
        seen = MEMORY.features(block.expand(-1, 3, -1, -1), key, how)
        return torch.from_numpy(np.stack(seen))

    def _check(self, block: Tensor) -> None:
        """Refuse pixels that are not like those of training."""
        found = tuple(block.shape[1:])
        expected = (self.channels_, *self.size_)
        if found[0] != expected[0]:
            raise InputError(
                f"Found images that are {channels_of(found[0])}; expected "
                f"{channels_of(expected[0])}, as in training. Fit with Images(color='grey') or "
                "Images(color='rgb')."
            )
        if found != expected:
            raise InputError(
                f"Found images of {found[1]} x {found[2]} pixels; expected {expected[1]} x "
                f"{expected[2]} as in training. Resize them, or fit with Images(size=...)."
            )
        if self.plain_ and not -0.01 <= float(block.min()) <= float(block.max()) <= 1.01:
            raise InputError(
                f"Found floats from {float(block.min()):.4g} to {float(block.max()):.4g}; expected "
                "0 (black) to 1 (white), or 8 bit whole numbers. Divide by what is white."
            )

    def _in_batch(self, per_channel: Floats) -> Tensor:
        """Return numbers of channels, to be combined with a batch: ``(C, 1, 1)`` or ``(D,)``."""
        shape = (-1, 1, 1) if self._is_map else (-1,)
        return torch.from_numpy(per_channel).float().reshape(shape)

    def _check_size(self) -> None:
        if self.size is None:
            return
        sides = [*self.size] if isinstance(self.size, Sequence) else [self.size] * 2
        fits = [isinstance(side, int | np.integer) and side >= SMALLEST for side in sides]
        if len(fits) != 2 or not all(fits):
            raise InputError(
                f"Images(size={self.size!r}) is impossible: choose pixels on a side, {SMALLEST} or "
                "more, or (height, width)."
            )

    def _check_parameters(self) -> None:
        check_numbers(self)
        self._check_size()
        check_word(self, "layout", [*LAYOUTS, None])
        check_word(self, "color", [*COLORS, None])
        check_word(self, "scaling", SCALINGS)
        check_word(self, "unreadable", ["refuse", "skip"])
        check_least(self, 0, "jitter")
        if not isinstance(self.smooth, int) or self.smooth < 1 or self.smooth % 2 == 0:
            raise InputError(f"Images(smooth={self.smooth!r}): expected an odd number of pixels.")
        if self.places and self.backbone is None:
            raise InputError(
                "Images(places=True) needs a backbone, such as 'efficientnet-lite0': pixels are "
                "places already."
            )
        check_whitening("Images", self.whitening)
