"""Texts as they are given: lists, arrays, columns of tables; is there a word in each?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from askew.data.base import Raw
from askew.errors import InputError


def as_texts(X: Raw, name: str | None = None) -> list[str]:
    """Return texts as a list; of a table, its column of that name, "text", or its only one.

    Raises
    ------
    InputError: what was given is no list, array or column of strings.

    Example
    -------
    >>> as_texts(np.array(["one", "two"]))
    ['one', 'two']
    """
    if isinstance(X, (str, bytes, Mapping)) or not hasattr(X, "__len__"):
        raise InputError(f"a {type(X).__name__} was given: expected a list or column of texts.")
    if hasattr(X, "columns"):
        X = X[text_column(list(X.columns), name)]
    axes = getattr(X, "shape", (len(X),))
    if len(axes) != 1:
        raise InputError(
            f"an input of shape {tuple(axes)} was given: expected texts; name one column of it."
        )
    texts = X.to_pylist() if hasattr(X, "to_pylist") else list(X)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"text {i} is {text!r}, not a text: leave it out, or write it.")
    return [text.encode("utf-8", "replace").decode() for text in texts]


def text_column(columns: list[Any], name: str | None) -> Any:
    """Return the column of a table that holds texts.

    Raises
    ------
    InputError: it is not there, or cannot be told.
    """
    wanted = name or ("text" if "text" in columns else None)
    if wanted is None and len(columns) == 1:
        return columns[0]
    if wanted not in columns:
        known = ", ".join(map(str, columns[:20]))
        raise InputError(f"which column holds the texts? Name one with Text(column=...): {known}.")
    return wanted


def check_words(lengths: NDArray[np.intp], places: Sequence[int] | NDArray[np.intp]) -> None:
    """Refuse texts in which there is nothing to judge.

    Raises
    ------
    InputError: a text has no token.
    """
    empty = np.flatnonzero(np.asarray(lengths) == 0)
    if len(empty):
        raise InputError(
            f"text {places[empty[0]]} (counted from 0) is empty or has no words in it: leave such "
            "texts out; what is missing is no text to judge."
        )
