"""The methods: one line and one sentence each; a name is imported when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from askew.detector import Detector

METHODS = {
    "NeuTraLAD": ("neutral", "Learned views of an item should stay close to it yet differ."),
    "PLAD": ("plad", "Normal items, slightly perturbed, are what anomalies look like."),
    "AutoEncoder": (
        "autoencoder",
        "A normal item can be restored from a short description; a strange one cannot.",
    ),
    "DeepSVDD": ("deep_svdd", "Embeddings of normal items should lie close to one point."),
    "MemoryBank": (
        "memory_bank",
        "As strange as its strangest place: the least like any place of normal items.",
    ),
    "KNN": ("neighbors", "Far from the nearest training items is strange."),
    "LOF": ("neighbors", "Lying in a thinner region than one's neighbours is strange."),
    "IsolationForest": ("forest", "What a few random cuts can separate is strange."),
    "OneClassSVM": ("support", "Outside a smooth boundary around most training items is strange."),
}
"""Public name: the module of this folder that holds it, and its idea in a sentence."""


def method(name: str) -> type[Detector]:
    """Return the class of a method by its public name.

    Raises
    ------
    InputError: no method has this name; the message lists those that exist.

    Example
    -------
    >>> method("KNN").__name__
    'KNN'
    """
    from askew.errors import InputError

    if name not in METHODS:
        raise InputError(f"{name!r} is not a method: choose one of {', '.join(METHODS)}.")
    found: type[Detector] = getattr(import_module(f"{__name__}.{METHODS[name][0]}"), name)
    return found
