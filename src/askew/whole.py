"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from askew.errors import InputError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a new file beside ``path`` to write to, which takes its place when all went well.

    Whatever happens on the way (a full disk, a wrong row, Ctrl-C), what was at ``path`` stays and
    no half-written file is left.

    Raises
    ------
    InputError: the file cannot be written, and why.

    Example
    -------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole(Path(folder) / "note.txt") as fresh:
    ...         _ = fresh.write_text("done")
    ...     (Path(folder) / "note.txt").read_text()
    'done'
    """
    check_place(path)
    with _told(path):
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(descriptor)
    fresh = Path(name)
    try:
        with _told(path):
            yield fresh
            fresh.chmod(0o644)  # a temporary file is its owner's alone
            fresh.replace(path)
    finally:
        with suppress(OSError):
            fresh.unlink()


def check_place(path: Path) -> None:
    """Refuse a place where no file can be written; ask before the work, not after it.

    Raises
    ------
    InputError: its folder does not exist or is closed, or a folder has this name.

    Example
    -------
    >>> check_place(Path("no such folder") / "scores.csv")
    Traceback (most recent call last):
    askew.errors.InputError: no such folder is not a folder: create it first, or write elsewhere.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is not a folder: create it first, or write elsewhere.")
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the name of a file to write.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{path.parent} cannot be written to: choose another folder.")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say in a user's words why a file could not be written."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} was not written: {error.strerror or error}; what was there before is "
            "unchanged. Make room or choose another place."
        ) from error
