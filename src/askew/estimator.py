"""What scikit-learn expects of an estimator, whose parameters stay those it was fitted with."""

from __future__ import annotations

from abc import ABC
from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.utils import Tags

from askew.data import DataType
from askew.errors import InputError, NotFittedError

HARMLESS = ("data", "device", "seed", "verbose")
"""Parameters that change nothing after `fit`; ``data`` has parameters of its own."""


class Estimator(BaseEstimator, ABC):  # type: ignore[misc]
    """Parameters that can be set, cloned and compared with those of the last fit."""

    data: DataType | None

    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of the data type as ``data__NAME``, where there is one.

        Raises
        ------
        InputError: a parameter of the data type was named while that is still guessed.
        """
        nested = [name for name in params if name.startswith("data__")]
        if nested and params.get("data", self.data) is None:
            raise InputError(
                f"{nested[0]} cannot be set while data is None and its type is guessed when "
                "fitting: set data=Tabular(), say, first."
            )
        super().set_params(**params)
        return self

    def _decisive(self) -> dict[str, Any]:
        """Return the parameters that scores and alerts of the fitted detector depend on.

        Those of the data type, as ``data__NAME``, are among them: `fit` keeps a copy, ``data_``,
        that a later change would not reach; of the type itself, its name is.
        """
        named = self.get_params(deep=True)
        kind = {"data": None if self.data is None else type(self.data).__name__}
        return kind | {name: value for name, value in named.items() if name not in HARMLESS}

    def _check_fitted(self) -> None:
        if not hasattr(self, "net_"):
            raise NotFittedError(
                f"this {type(self).__name__} is not fitted yet: call fit with normal items first."
            )
        now = self._decisive()
        for name, value in self._learned_with.items():
            if now.get(name) != value:
                instead = " and compare p_values with the new one" * (name == "alert_rate")
                raise InputError(
                    f"{name} was changed after fit, from {value!r} to {now.get(name)!r}: fit "
                    f"again, or set it back{instead}."
                )

    def _copy_names(self, data: DataType) -> None:
        """Take over what scikit-learn expects a fitted estimator to know of its columns."""
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(data, name):
                setattr(self, name, getattr(data, name))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inputs = tags.input_tags
        inputs.allow_nan = inputs.string = inputs.categorical = inputs.sparse = True
        return tags
