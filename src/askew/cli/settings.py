"""``--set NAME=VALUE``: any parameter of a method or its data type, from the command line."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from askew.detector import Detector
from askew.errors import InputError

RESERVED = ("data", "verbose")
"""Parameters that the command sets itself."""


def apply(detector: Detector, settings: Sequence[str]) -> None:
    """Set parameters of a detector and, as ``data__NAME``, of its data type.

    Raises
    ------
    InputError: not of the form NAME=VALUE, an unknown name, or a value of another type.

    Example
    -------
    >>> from askew import KNN, Tabular
    >>> detector = KNN(data=Tabular())
    >>> apply(detector, ["neighbors=9", "data__scaling=quantile"])
    >>> detector.neighbors, detector.data.scaling
    (9, 'quantile')
    """
    known = [name for name in detector.get_params(deep=True) if name not in RESERVED]
    names = [setting.partition("=")[0] for setting in settings]
    for setting in settings:
        name, equals, text = setting.partition("=")
        if names.count(name) > 1:
            raise InputError(f"--set {name} is given more than once: leave all but one out.")
        if not equals:
            raise InputError(f"--set {setting}: expected NAME=VALUE, such as --set views=7.")
        if name not in known:
            raise InputError(f"--set {name}: no such parameter{_near(name, known)}")
        value = parse(text)
        check_kind(detector, name, value)
        detector.set_params(**{name: value})


def parse(text: str) -> Any:
    """Read a value as TOML, or JSON (for ``null``), or else as a plain word.

    Example
    -------
    >>> [parse(text) for text in ("7", "0.5", "true", "null", "quantile", "[1, 2]")]
    [7, 0.5, True, None, 'quantile', [1, 2]]
    """
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def check_kind(detector: Detector, name: str, value: Any) -> None:
    """Refuse a word where a number is expected, and the like.

    Raises
    ------
    InputError: what was found, and the kinds expected.
    """
    owner: Any = detector
    *path, leaf = name.split("__")
    for step in path:
        owner = getattr(owner, step)
    kinds = _kinds(get_type_hints(type(owner)).get(leaf, Any))
    fits = type(value) in kinds or (float in kinds and type(value) is int)
    if kinds and not fits:
        expected = " or ".join("null" if kind is NoneType else kind.__name__ for kind in kinds)
        raise InputError(f"--set {name}={value}: expected {expected}.")


def _kinds(hint: Any) -> tuple[type, ...]:
    """Return the plain types that a hint allows; none where it is not that simple."""
    allowed = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    plain = all(kind in (bool, int, float, str, NoneType) for kind in allowed)
    return tuple(allowed) if plain else ()


def _near(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f", did you mean {near[0]}?" if near else "."
    return f"{hint} Known are {', '.join(sorted(known))}."
