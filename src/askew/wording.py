"""Numbers in sentences."""

from __future__ import annotations


def count_of(number: int, thing: str) -> str:
    """Return '1 step' or '3,000 steps'.

    Example
    -------
    >>> count_of(1, "alert"), count_of(2000, "alert")
    ('1 alert', '2,000 alerts')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
