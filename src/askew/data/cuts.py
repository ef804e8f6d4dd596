"""Where windows of recordings are, which steps they cover, and which are held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from askew.data.packed import Ints, Packed
from askew.errors import InputError


@dataclass(frozen=True)
class Cut:
    """Some windows of recordings, chosen by their position: what `Windows.take` returns.

    Shapes
    ------
    ``starts (n,)``: rows of ``packed`` at which they begin
    """

    packed: Packed
    starts: Ints
    length: int
    stride: int

    def __len__(self) -> int:
        return len(self.starts)

    def within(self, window: int) -> tuple[int, int]:
        """Return the recording of a window, and the step of it at which the window begins."""
        start = self.starts[window]
        owner = int(np.searchsorted(self.packed.starts, start, side="right")) - 1
        return owner, int(start - self.packed.starts[owner]) + self.packed.first


def starts_of(lengths: Ints, length: int, stride: int) -> Ints:
    """Return the rows at which the windows of recordings begin, all recordings end to end.

    Raises ``InputError`` where a recording is shorter than a window.

    Example
    -------
    >>> starts_of(np.array([10, 5]), 4, 3)
    array([ 0,  3,  6, 10, 11])
    """
    shortest = int(lengths.argmin())
    if lengths[shortest] < length:
        raise InputError(
            f"Windows are {length} time steps long, but recording {shortest} has only "
            f"{lengths[shortest]}: give longer recordings, or fit with Windows(length=...)."
        )
    counts = -(-(lengths - length) // stride) + 1  # a last one at the end, rounded up
    offsets = np.cumsum(lengths) - lengths
    owner = np.repeat(np.arange(len(lengths)), counts)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    inside = np.minimum(number * stride, lengths[owner] - length)
    return np.asarray(offsets[owner] + inside, dtype=np.intp)


def covering(starts: Ints, length: int, steps: int) -> Ints:
    """Return how many of these windows cover each step, ``(steps,)``.

    Example
    -------
    >>> covering(np.array([0, 2]), 3, 6)
    array([1, 1, 2, 1, 1, 0])
    """
    edges = np.bincount(starts, minlength=steps + 1)[: steps + 1]
    edges = edges - np.bincount(starts + length, minlength=steps + 1)[: steps + 1]
    return np.cumsum(edges)[:steps]


def mean_by_step(
    points: NDArray[np.float64], starts: Ints, length: int, steps: int
) -> NDArray[np.float64]:
    """Average what windows say of a step, leaving out steps that none covers.

    Sums go over places in a window, all windows at once: adding up in order of the steps instead
    would let a huge score leave rounding errors in all that follow.

    Shapes
    ------
    ``points (n, length, ...) -> (covered steps, ...)``

    Example
    -------
    >>> mean_by_step(np.array([[1.0, 1.0], [3.0, 3.0]]), np.array([0, 1]), 2, 4)
    array([1., 2., 3.])
    """
    count = covering(starts, length, steps)
    total = np.zeros((steps, *points.shape[2:]))
    for place in range(length):
        total[starts + place] += points[:, place]
    covered = count > 0
    number = count[covered].reshape(-1, *[1] * (total.ndim - 1))
    return np.asarray(total[covered] / number, dtype=np.float64)


def unshared(starts: Ints, held: Ints, length: int) -> Ints:
    """Return the positions of the windows that share no step with the held-out ones.

    Example
    -------
    >>> unshared(np.arange(0, 60, 5), np.array([4, 5]), 10)
    array([ 0,  1,  2,  7,  8,  9, 10, 11])
    """
    if not len(held):
        return np.arange(len(starts))
    place = np.searchsorted(starts[held], starts)
    after = starts[held[np.minimum(place, len(held) - 1)]]
    before = starts[held[np.maximum(place - 1, 0)]]
    far = (np.abs(after - starts) >= length) & (np.abs(before - starts) >= length)
    return np.flatnonzero(far)


def block_places(
    items: int, parts: int, size: int, blocks: int, generator: torch.Generator
) -> list[Ints]:
    """Place blocks of neighbours at random, the same number for each part in each stretch of time.

    The items are cut into ``blocks`` stretches; each holds one block of every part.

    Shapes
    ------
    ``parts`` arrays of about ``size`` positions, ascending; no two have one in common
    """
    edges = np.arange(blocks + 1) * items // blocks
    long = size // blocks
    free = (np.diff(edges) - parts * long).clip(min=0)  # (blocks,)
    drawn = torch.rand(blocks, parts, generator=generator).numpy()
    order = torch.rand(blocks, parts, generator=generator).numpy().argsort(axis=1)
    shifts = np.sort(np.floor(drawn * (free[:, None] + 1)), axis=1).astype(np.intp)
    firsts = edges[:-1, None] + shifts + np.arange(parts) * long
    mine = np.take_along_axis(firsts, order, axis=1)  # (blocks, parts)
    inside = mine.T[:, :, None] + np.arange(long)  # (parts, blocks, long)
    return [part.ravel().astype(np.intp) for part in inside]
