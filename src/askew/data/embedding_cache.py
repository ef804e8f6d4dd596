"""Embeddings of texts kept on disk, so that a benchmark embeds each text once."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

VARIABLE = "ASKEW_CACHE"
"""The environment variable that names the folder of the cache; without it nothing is kept."""

PATIENCE = 120.0
"""Seconds to wait for another process that is writing."""


@dataclass(frozen=True)
class EmbeddingCache:
    """Embeddings by setting and text, in half precision.

    A text's key is a hash, so the texts themselves are not kept. What `put` returns is what `get`
    will say later, rounding included: results do not depend on what was known already.

    Parameters
    ----------
    folder: made where it is not there.

    Example
    -------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = EmbeddingCache(Path(folder))
    ...     _ = cache.put("model 128", ["a"], [np.ones((3, 2), dtype=np.float32)])
    ...     len(cache.get("model 128", ["b", "a"], 2)[1])
    3
    """

    folder: Path

    @classmethod
    def of_environment(cls) -> Self | None:
        """Return the cache that `VARIABLE` names, if it does."""
        folder = os.environ.get(VARIABLE)
        return cls(Path(folder)) if folder else None

    def get(
        self, setting: str, texts: Sequence[str], width: int
    ) -> list[NDArray[np.float32] | None]:
        """Return the embeddings ``(tokens, width)`` of texts, None for those not known."""
        with self._open() as base:
            found = [
                base.execute("SELECT value FROM embeddings WHERE key = ?", (key,)).fetchone()
                for key in keys(setting, texts)
            ]
        return [None if row is None else unpacked(row[0], width) for row in found]

    def put(
        self, setting: str, texts: Sequence[str], embeddings: Sequence[NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        """Keep embeddings, and return them as `get` will."""
        packed = [embedding.astype(np.float16).tobytes() for embedding in embeddings]
        with self._open() as base:
            rows = zip(keys(setting, texts), packed, strict=True)
            base.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?)", rows)
        widths = [embedding.shape[1] for embedding in embeddings]
        return [unpacked(value, width) for value, width in zip(packed, widths, strict=True)]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "embeddings.sqlite"
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as base, base:
            base.execute("CREATE TABLE IF NOT EXISTS embeddings (key BLOB PRIMARY KEY, value BLOB)")
            yield base


def keys(setting: str, texts: Sequence[str]) -> list[bytes]:
    """Return a hash for each text under a setting."""
    return [
        hashlib.sha256(f"{setting}\0{text}".encode("utf-8", "replace")).digest() for text in texts
    ]


def unpacked(value: bytes, width: int) -> NDArray[np.float32]:
    """Return stored bytes as embeddings ``(tokens, width)``."""
    return np.frombuffer(value, dtype=np.float16).astype(np.float32).reshape(-1, width)
