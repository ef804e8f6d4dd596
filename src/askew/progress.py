"""How far a long job is: a bar on a terminal, plain lines in a log, or nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger("askew")

Advance = Callable[[int, float], None]
"""Called with the number of steps done and the latest loss."""


class Progress:
    """Say nothing; the library's default."""

    @contextmanager
    def over(self, total: int) -> Iterator[Advance]:
        """Follow a job of ``total`` steps; yields the function to call as they are done."""
        yield lambda done, loss: None


class Shown(Progress):
    """A bar with the time left on a terminal; elsewhere ten log lines."""

    @contextmanager
    def over(self, total: int) -> Iterator[Advance]:
        """Follow a job of ``total`` steps; yields the function to call as they are done."""
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        console = Console(stderr=True)
        if not console.is_terminal:
            yield _ten_lines(total)
            return
        columns = (TextColumn("training"), BarColumn(), TextColumn("loss {task.fields[loss]:.4f}"))
        with Bar(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
            task = bar.add_task("training", total=total, loss=float("nan"))
            yield lambda done, loss: bar.update(task, completed=done, loss=loss)


def _ten_lines(total: int) -> Advance:
    said = 0

    def advance(done: int, loss: float) -> None:
        nonlocal said
        tenth = 10 * done // total
        if tenth > said:
            said = tenth
            logger.info("training: step %d of %d, loss %.4f", done, total, loss)

    return advance
