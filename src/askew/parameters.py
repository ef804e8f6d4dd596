"""Parameters as they were declared."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import numpy as np

from askew.errors import InputError


def check_numbers(owner: Any) -> None:
    """Refuse parameters of a detector or data type that are not numbers where those are declared.

    Raises
    ------
    InputError: what was found, and what was expected.
    """
    for parameter in fields(owner):
        name = parameter.name
        check_number(called(owner, name), getattr(owner, name), str(parameter.type))


def check_number(said: str, value: object, declared: str) -> None:
    """Refuse a value, said so, that is not the kind of number that it is declared as.

    Raises
    ------
    InputError: the value is of another type.

    Example
    -------
    >>> check_number("views='many'", "many", "int")
    Traceback (most recent call last):
    ...
    askew.errors.InputError: views='many': expected a whole number.
    """
    kind, *others = declared.split(" | ")
    kinds: dict[str, tuple[type, ...]] = {
        "bool": (bool, np.bool_),
        "int": (int, np.integer),
        "float": (int, float, np.integer, np.floating),
    }
    if kind not in kinds or others not in ([], ["None"]) or (value is None and others):
        return
    fits = isinstance(value, kinds[kind]) and (kind == "bool" or not isinstance(value, bool))
    if not fits or (kind == "float" and not math.isfinite(value)):  # type: ignore[arg-type]
        wanted = {"bool": "True or False", "int": "a whole number", "float": "a number"}[kind]
        raise InputError(f"{said}: expected {wanted}.")


def check_word(owner: Any, name: str, words: Iterable[object]) -> None:
    """Refuse a parameter of a detector or data type whose value is not on the list.

    Raises
    ------
    InputError: what was found, and the list.
    """
    check_known(called(owner, name), getattr(owner, name), words)


def check_known(said: str, value: object, words: Iterable[object]) -> None:
    """Refuse a value, said so, that is not on the list.

    Raises
    ------
    InputError: what was said, and the list.
    """
    known = list(words)
    if value not in known:
        listed = ", ".join(map(repr, known))
        raise InputError(f"{said} is not known: choose one of {listed}.")


def check_least(owner: Any, least: float, *names: str) -> None:
    """Refuse parameters of a detector or data type that are below the least; None is not.

    Raises
    ------
    InputError: what was found, and the least.
    """
    for name in names:
        value = getattr(owner, name)
        if value is not None and not (
            isinstance(value, int | float | np.number) and value >= least
        ):
            raise InputError(f"{called(owner, name)} is too small: expected at least {least}.")


def check_above(owner: Any, limit: float, *names: str) -> None:
    """Refuse parameters of a detector that are not above a limit.

    Raises
    ------
    InputError: what was found, and the limit.
    """
    for name in names:
        if not getattr(owner, name) > limit:
            raise InputError(f"{called(owner, name)} is too small: expected more than {limit}.")


def called(owner: Any, name: str) -> str:
    """Return a parameter and its value as a user wrote them; of a data type, with its name."""
    said = f"{name}={getattr(owner, name)!r}"
    return f"{type(owner).__name__}({said})" if hasattr(owner, "encode") else said
