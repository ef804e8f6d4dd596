"""What older saved models leave unsaid, a schema at a time: what each new one changed, and why.

Each step takes a manifest, changed in place, and the tensors, and returns the tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

Tensors = dict[str, Tensor]


def upgraded(manifest: dict[str, Any], tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
    """Say of an older model what went without saying, or otherwise, when it was written."""
    for schema, upgrade in UPGRADES.items():
        if manifest["schema"] < schema:
            tensors = upgrade(manifest, tensors)
    return manifest, tensors


def _types_in(manifest: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield class, parameters and fitted state of each data type that a manifest speaks of."""
    for data in filter(None, (manifest["data"], manifest["parameters"].get("data"))):
        yield data["class"], data["parameters"], data.get("fitted", {})


def _distances_step_by_step(manifest: dict[str, Any], tensors: Tensors) -> Tensors:
    for kind, said, _ in _types_in(manifest):
        if kind == "Series":
            said.setdefault("values", False)
    return tensors


def _whitening_by_degree(manifest: dict[str, Any], tensors: Tensors) -> Tensors:
    for kind, said, learned in _types_in(manifest):
        if kind == "Images":
            said.setdefault("whitening", 0.0)
            learned.setdefault("whitened_", {})
        if kind == "Text":
            said["whitening"] = 1.0 if said.pop("scaling", "whitened") == "whitened" else 0.0
            if learned:
                old = {"mean": learned.pop("center_"), "matrix": learned.pop("whitening_")}
                learned["whitened_"] = old
    return tensors


def _last_layers_of_texts(manifest: dict[str, Any], tensors: Tensors) -> Tensors:
    for kind, said, _ in _types_in(manifest):
        if kind == "Text":
            said.setdefault("layer_step", 1)
    return tensors


def _neighbours_of_themselves(manifest: dict[str, Any], tensors: Tensors) -> Tensors:
    for kind, _, learned in _types_in(manifest):
        if kind == "Nodes" and learned:
            learned.setdefault("weights_", [1.0])
    if "net.bank.items" not in tensors:
        return tensors
    power = 1.0 if "net.distance.knots" in tensors else 2.0
    return tensors | {
        "net.bank.itself": torch.tensor(True),
        "net.bank.power": torch.tensor(power, dtype=torch.float32),
    }


def _surprise_by_another_name(manifest: dict[str, Any], tensors: Tensors) -> Tensors:
    for former in ("net.contrast.", "net.logit."):
        tensors = {name.replace(former, "net.own."): t for name, t in tensors.items()}
    return tensors


def _no_middle(manifest: dict[str, Any], tensors: Tensors) -> Tensors:
    if "net.distance.knots" not in tensors:
        return tensors
    manifest["parameters"]["middle"] = False
    none = torch.zeros(1, dtype=torch.float64)
    unknown = {f"net.from_middle.{name}": none for name in ("knots", "values", "scale")}
    power = torch.tensor(1.0, dtype=torch.float32)
    return tensors | unknown | {"net.middle.center": torch.empty(0), "net.middle.power": power}


def _attributes_without_names(manifest: dict[str, Any], tensors: Tensors) -> Tensors:
    for kind, _, learned in _types_in(manifest):
        if kind in ("Graphs", "Nodes") and learned:
            learned.setdefault("keys_", [])
    return tensors


def _all_channels_of_texts(manifest: dict[str, Any], tensors: Tensors) -> Tensors:
    """Encoders that stood alone saw all channels, whatever ``looked_at`` said."""
    first = [t for name, t in tensors.items() if name.endswith("encoder.attention.inner.weight")]
    for kind, said, _ in _types_in(manifest):
        if kind == "Text" and first:
            said["looked_at"] = first[0].shape[1]
    return tensors


UPGRADES: Mapping[int, Callable[[dict[str, Any], Tensors], Tensors]] = {
    2: _distances_step_by_step,
    3: _whitening_by_degree,
    4: _last_layers_of_texts,
    5: _neighbours_of_themselves,
    6: _surprise_by_another_name,
    7: _no_middle,
    8: _attributes_without_names,
    9: _all_channels_of_texts,
}
"""What changed with each schema, and what to say of models from before."""

SCHEMA = max(UPGRADES)
"""The schema that is written."""
