"""Whole series as a file holds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SeriesFile:
    """Whole series as a file holds them; `Series` reads ``series`` with ``layout="time-first"``.

    Shapes
    ------
    ``series``: n arrays ``(steps, C)``; ``ids`` and, where known, ``labels``: n; ``channels``: C
    """

    series: list[NDArray[np.float64]]
    ids: list[str]
    labels: list[str] | None
    channels: list[str]
