"""The few errors a user may want to catch; each says what was found, expected, and what to do.

`NotFittedError` is built when it is first asked for: it is also scikit-learn's error of that
name, and importing scikit-learn takes longer than `askew --help` may take in all.
"""

from functools import cache
from typing import TYPE_CHECKING

__all__ = ["AskewError", "InputError", "ModelError", "NotFittedError"]


class AskewError(Exception):
    """Anything askew refuses to do, in one sentence a user can act on.

    Example
    -------
    >>> issubclass(InputError, AskewError) and issubclass(InputError, ValueError)
    True
    """


class InputError(AskewError, ValueError):
    """The data or the options are wrong; the command line exits with 2."""


class ModelError(AskewError, ValueError):
    """A model folder is missing, damaged or from a newer askew; the command line exits with 2."""


if TYPE_CHECKING:
    from sklearn.exceptions import NotFittedError as _SklearnNotFittedError

    class NotFittedError(AskewError, _SklearnNotFittedError):  # type: ignore[misc]
        """A detector was asked for scores before it was fitted."""


@cache
def _not_fitted_error() -> type[AskewError]:
    from sklearn.exceptions import NotFittedError as sklearn_error

    names = {"__module__": __name__, "__doc__": "A detector was asked for scores before `fit`."}
    return type("NotFittedError", (AskewError, sklearn_error), names)


def __getattr__(name: str) -> type[AskewError]:
    if name == "NotFittedError":
        return _not_fitted_error()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
