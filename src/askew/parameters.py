"""Parameters as they were declared."""

from __future__ import annotations

import numpy as np

from askew.errors import InputError


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
    kind, _, rest = declared.partition(" ")
    kinds = {"int": (int, np.integer), "float": (int, float, np.integer, np.floating)}
    if kind not in kinds or (value is None and "None" in rest):
        return
    if not isinstance(value, kinds[kind]) or isinstance(value, bool):
        number = "a whole number" if kind == "int" else "a number"
        raise InputError(f"{name}={value!r}: expected {number}.")
