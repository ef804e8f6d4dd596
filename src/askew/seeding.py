"""Randomness of one's own: torch's global generator is left alone."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

alone = threading.RLock()
"""torch has one generator and one default precision for all threads: they take turns."""


def _unlocked() -> None:
    """A process forked while another thread fits must not wait for that thread, which it lacks."""
    global alone
    alone = threading.RLock()


if hasattr(os, "register_at_fork"):  # where processes can fork
    os.register_at_fork(after_in_child=_unlocked)


@contextmanager
def seeded(seed: int) -> Iterator[torch.Generator]:
    """Draw from a seed of one's own, in single precision, one thread at a time.

    torch's global generator and default precision are put back on leaving.
    """
    with alone, torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        seed, precision = int(seed), torch.get_default_dtype()
        torch.manual_seed(seed)
        torch.set_default_dtype(torch.float32)
        try:
            yield torch.Generator().manual_seed(seed)
        finally:
            torch.set_default_dtype(precision)


def draw(
    of: Callable[..., Tensor],
    shape: Sequence[int],
    device: torch.device,
    generator: torch.Generator,
) -> Tensor:
    """Return random numbers made where the generator is: the same ones on every device.

    Parameters
    ----------
    of: ``torch.rand``, ``torch.randn`` or another that takes a shape.

    Example
    -------
    >>> draw(torch.rand, (2, 3), torch.device("cpu"), torch.Generator()).shape
    torch.Size([2, 3])
    """
    return of(tuple(shape), generator=generator, device=generator.device).to(device)
