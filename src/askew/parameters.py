"""Parameters as they were declared."""

from __future__ import annotations

import math
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
        check_number(parameter.name, getattr(owner, parameter.name), str(parameter.type))


def check_number(name: str, value: object, declared: str) -> None:
    """Refuse what is not the kind of number that a parameter is declared as.

    Raises
    ------
    InputError: the value is of another type.

    Example
    -------
    >>> check_number("views", "many", "int")
    Traceback (most recent call last):
    ...
    askew.errors.InputError: views='many': expected a whole number.
    """
    kind, *others = declared.split(" | ")
    kinds = {"int": (int, np.integer), "float": (int, float, np.integer, np.floating)}
    if kind not in kinds or others not in ([], ["None"]) or (value is None and others):
        return
    fits = isinstance(value, kinds[kind]) and not isinstance(value, bool)
    if not fits or (kind == "float" and not math.isfinite(value)):  # type: ignore[arg-type]
        number = "a whole number" if kind == "int" else "a number"
        raise InputError(f"{name}={value!r}: expected {number}.")
