"""askew: find what does not belong, in any kind of data, by learning what normal looks like.

Example
-------
>>> import askew, numpy as np
>>> rows = np.random.default_rng(0).normal(size=(200, 3))
>>> detector = askew.NeuTraLAD(steps=20).fit(rows)
>>> detector.decision_function(rows).shape
(200,)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from askew.adapter import OutlierEstimator
    from askew.data import Graphs, Images, Nodes, Series, Tabular, Text, Windows
    from askew.detector import Detector
    from askew.errors import AskewError, InputError, ModelError, NotFittedError
    from askew.methods.autoencoder import AutoEncoder
    from askew.methods.deep_svdd import DeepSVDD
    from askew.methods.forest import IsolationForest
    from askew.methods.memory_bank import MemoryBank
    from askew.methods.neighbors import KNN, LOF
    from askew.methods.neutral import NeuTraLAD
    from askew.methods.plad import PLAD
    from askew.methods.support import OneClassSVM
    from askew.store import load

__version__ = "0.1.0"

_HOMES = {
    "AskewError": "errors",
    "AutoEncoder": "methods.autoencoder",
    "DeepSVDD": "methods.deep_svdd",
    "Detector": "detector",
    "Graphs": "data",
    "Images": "data",
    "InputError": "errors",
    "IsolationForest": "methods.forest",
    "KNN": "methods.neighbors",
    "LOF": "methods.neighbors",
    "MemoryBank": "methods.memory_bank",
    "ModelError": "errors",
    "NeuTraLAD": "methods.neutral",
    "Nodes": "data",
    "NotFittedError": "errors",
    "OutlierEstimator": "adapter",
    "OneClassSVM": "methods.support",
    "PLAD": "methods.plad",
    "Series": "data",
    "Tabular": "data",
    "Text": "data",
    "Windows": "data",
    "load": "store",
}

__all__ = [
    "KNN",
    "LOF",
    "PLAD",
    "AskewError",
    "AutoEncoder",
    "DeepSVDD",
    "Detector",
    "Graphs",
    "Images",
    "InputError",
    "IsolationForest",
    "MemoryBank",
    "ModelError",
    "NeuTraLAD",
    "Nodes",
    "NotFittedError",
    "OneClassSVM",
    "OutlierEstimator",
    "Series",
    "Tabular",
    "Text",
    "Windows",
    "load",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that `import askew` is quick."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'askew' has no attribute {name!r}")
    return getattr(import_module(f"askew.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
