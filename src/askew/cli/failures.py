"""How commands fail: one sentence and an exit code, never a trace that nobody asked for."""

from __future__ import annotations

import errno
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import typer

from askew.errors import AskewError, InputError, ModelError

WRONG_INPUT = 2
"""Exit code where the input or the options are wrong, or the user stopped the work."""

FAILED = 1
"""Exit code of anything else."""

IN_PYTHON = re.compile(
    r"\b(?:Graphs|Images|Nodes|Series|Tabular|Text|Windows)\((\w+)=(\([^()]*\)|[^(),]*)\)"
)
"""A parameter of a data type, as messages meant for Python name it."""

OF_FIT = "--set is an option of askew fit: fit a model that suits, or give what suits this one"
"""What commands that take a fitted model add where an error advises to set something."""

OF_MODELS = ("score", "explain", "report", "health")
"""Commands that take a fitted model."""

QUOTES = "'\""


@contextmanager
def told(context: Any) -> Iterator[None]:
    """Turn what goes wrong in a command into one line on stderr and an exit code.

    Options that an error advises are those of ``askew fit``, which other commands say.

    With ``ASKEW_DEBUG=1`` in the environment errors pass with their trace.
    """
    try:
        with _plain_warnings():
            yield
    except KeyboardInterrupt:
        _stop("Interrupted: nothing was written; run the command again to start over.", WRONG_INPUT)
    except Exception as error:
        if _is_of_typer(error) or _is_closed_pipe(error) or os.environ.get("ASKEW_DEBUG"):
            raise
        said = sentence(error)
        if "--set " in said and context.invoked_subcommand in OF_MODELS:
            said = f"{said} ({OF_FIT})"
        _stop(said, exit_code(error))


def exit_code(error: Exception) -> int:
    """Return 2 where the user can mend it (input, options, a full disk), else 1.

    Example
    -------
    >>> exit_code(InputError("no rows")), exit_code(ZeroDivisionError())
    (2, 1)
    """
    usual = _is_full_disk(error) or isinstance(error, InputError | ModelError)
    return WRONG_INPUT if usual else FAILED


def sentence(error: Exception) -> str:
    """Return what to tell the user, in one line.

    Example
    -------
    >>> sentence(InputError("The file is empty: give\\n  another."))
    'The file is empty: give another.'
    >>> sentence(InputError("Say which: Series(layout='time-first'), or Series(length=...)."))
    'Say which: --set data__layout=time-first, or --set data__length=....'
    """
    if isinstance(error, AskewError):
        return IN_PYTHON.sub(_as_option, " ".join(str(error).split()))
    if isinstance(error, MemoryError):
        return "Out of memory: give fewer items at a time, or use a larger machine."
    if _is_full_disk(error):
        return "The disk is full: free some space, or write to another place."
    found = " ".join(str(error).split())[:300]
    return (
        f"{type(error).__name__}: {found} (unexpected: run again with ASKEW_DEBUG=1 for the trace, "
        "and report it)."
    )


def _as_option(found: re.Match[str]) -> str:
    name, value = found.groups()
    return f"--set data__{name}={value.strip(QUOTES)}"


def say(message: str) -> None:
    """Tell the user something beside the results: one line on stderr."""
    typer.echo(message, err=True)


def _stop(message: str, code: int) -> None:
    say(f"Error: {message}" if not message.startswith("Interrupted") else message)
    raise typer.Exit(code)


def _is_of_typer(error: Exception) -> bool:
    """Usage errors and early exits carry their own code, and typer shows them itself."""
    return isinstance(error, typer.Abort) or hasattr(error, "exit_code")


def _is_full_disk(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _is_closed_pipe(error: Exception) -> bool:
    """``askew methods | head -1``: typer ends quietly."""
    return isinstance(error, OSError) and error.errno == errno.EPIPE


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show each warning meant for users once, as a line; those for developers not at all."""
    shown: set[str] = set()  # Python's own memory of this is lost whenever filters change

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = " ".join(str(message).split())
        if text not in shown:
            shown.add(text)
            say(f"Warning: {text}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = show
        yield
