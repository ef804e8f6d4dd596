"""Save and load fitted detectors: a folder with askew.json and weights.safetensors.

Loading reads numbers and words only; no code comes from the file.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as tensor_bytes
from torch import Tensor, nn

from askew import data as data_types
from askew.data import DataType
from askew.detector import Detector
from askew.errors import InputError, ModelError
from askew.methods import method
from askew.seeding import seeded
from askew.upgrades import SCHEMA, upgraded

MANIFEST = "askew.json"
WEIGHTS = "weights.safetensors"
BROKEN = (KeyError, TypeError, ValueError, RuntimeError, AttributeError)
"""What a manifest that is not as it should be leads to."""

ARRAY, STRINGS, NUMBER, MAPPING = "$array", "$strings", "$number", "$mapping"
DATA = "$data"
"""Keys of objects that stand for what JSON has no word for."""


def save(detector: Detector, folder: Path) -> None:
    """Write a fitted detector to a folder, whole or not at all.

    Everything is written to a new folder beside it first, which then takes its place: where
    anything fails, the disk is full say, the previous model stays as it was.

    Raises
    ------
    InputError: the place is taken by something that is not a model, or cannot be written; or the
        detector could not be loaded again.
    """
    check_place(folder)
    manifest, tensors = describe(detector)
    weights = tensor_bytes(tensors)
    said = _sha256_of(manifest)
    manifest["sha256"] = {WEIGHTS: hashlib.sha256(weights).hexdigest(), MANIFEST: said}
    text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
    _check_readable(text, tensors)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}.") from error
    try:
        (fresh / WEIGHTS).write_bytes(weights)
        (fresh / MANIFEST).write_text(text, encoding="utf-8")
        fresh.chmod(0o755)
        _swap(fresh, folder)
    except OSError as error:
        raise InputError(
            f"{folder} was not written: {error.strerror}; what was there before is unchanged."
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def load(folder: str | Path) -> Detector:
    """Return the detector saved in a folder.

    While another thread fits, loading and saving wait for it: see `askew.seeding`.

    Raises
    ------
    ModelError: the folder is no model, is damaged, or was written by a newer askew.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    tensors = _tensors(folder, manifest)
    try:
        return _rebuild(*upgraded(manifest, tensors))
    except BROKEN as error:
        first = str(error).partition("\n")[0]  # torch goes on with a line for each tensor
        raise ModelError(
            f"{folder} does not hold what its {MANIFEST} promises ({first}): save the model again."
        ) from error


def describe(detector: Detector) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what `save` writes: the manifest without its hash, and the tensors by name."""
    tensors = {f"net.{name}": t.contiguous() for name, t in detector.net_.state_dict().items()}
    manifest = {
        "schema": SCHEMA,
        "class": type(detector).__name__,
        "parameters": _parameters(detector),
        "data": _fitted_data(detector.data_, "data", tensors),
        "fitted": _plain(_fitted(detector), "fitted", tensors),
        "versions": {**_versions(), "python": platform.python_version()},
    }
    return manifest, {name: tensor.cpu().clone() for name, tensor in tensors.items()}


def _sha256_of(manifest: Mapping[str, Any]) -> str:
    """Return the hash of what a manifest says, however it is laid out, without its own hashes."""
    said = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _fitted_data(data: DataType, name: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    """Return a fitted data type as JSON."""
    return {
        "class": type(data).__name__,
        "parameters": _parameters(data),
        "fitted": _plain(_fitted(data), name, tensors),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in ("askew", "torch", "numpy", "scikit-learn"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def _parameters(owner: Detector | DataType) -> dict[str, Any]:
    """Return constructor parameters; a data type among them is kept as class and parameters."""
    found: dict[str, Any] = {}
    for name, value in owner.get_params(deep=False).items():
        if isinstance(value, DataType):
            value = {"class": type(value).__name__, "parameters": _parameters(value)}
        value = str(value) if isinstance(value, torch.device) else value
        found[name] = _number(value)
    return found


def _number(value: Any) -> Any:
    """Return numpy's numbers, alone or in a list, as Python's."""
    if isinstance(value, list | tuple):
        return [_number(inner) for inner in value]
    return value.item() if isinstance(value, np.generic) else value


def _fitted(owner: Detector | DataType) -> dict[str, Any]:
    """Return fitted state: what ends in one underscore, other than what is kept on its own."""
    return {
        name: value
        for name, value in vars(owner).items()
        if name.endswith("_") and name not in ("net_", "data_")
    }


def _plain(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Return a value as JSON; what JSON has no word for becomes an object with one ``$`` key.

    Arrays of numbers move to the tensors and leave their name.
    """
    if isinstance(value, DataType):
        return {DATA: _fitted_data(value, name, tensors)}
    if isinstance(value, Mapping):
        plain = {key: _plain(inner, f"{name}.{key}", tensors) for key, inner in value.items()}
        return {MAPPING: list(plain.items())} if any(k.startswith("$") for k in plain) else plain
    if isinstance(value, list | tuple):
        return [_plain(inner, f"{name}.{i}", tensors) for i, inner in enumerate(value)]
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        tensors[name] = torch.as_tensor(np.ascontiguousarray(value))
        return {ARRAY: name}
    if isinstance(value, np.ndarray):
        return {STRINGS: [str(item) for item in value]}
    value = value.item() if isinstance(value, np.generic) else value
    return {NUMBER: str(value)} if isinstance(value, float) and not isfinite(value) else value


def _revive(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Undo `_plain`."""
    if isinstance(value, list):
        return [_revive(inner, tensors) for inner in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {ARRAY}:
        return tensors[value[ARRAY]].numpy()
    if set(value) == {STRINGS}:
        return np.array(value[STRINGS], dtype=object)
    if set(value) == {NUMBER}:
        return float(value[NUMBER])
    if set(value) == {DATA}:
        return _revived_data(value[DATA], tensors)
    if set(value) == {MAPPING}:
        value = dict(value[MAPPING])
    return {key: _revive(inner, tensors) for key, inner in value.items()}


def _rebuild(manifest: dict[str, Any], tensors: dict[str, Tensor]) -> Detector:
    detector = method(manifest["class"])(**_arguments(manifest["parameters"]))
    detector.data_ = _revived_data(manifest["data"], tensors)
    for name, value in _revive(manifest["fitted"], tensors).items():
        setattr(detector, name, value)
    with seeded(0):  # the weights drawn here are replaced at once
        detector.net_ = detector.build(detector.data_)
    weights = {n.removeprefix("net."): t for n, t in tensors.items() if n.startswith("net.")}
    _fill(detector.net_, weights)
    detector.net_.eval()
    detector._learned_with = detector._decisive()
    return detector


def _arguments(parameters: dict[str, Any]) -> dict[str, Any]:
    nested = {name: _data(value) for name, value in parameters.items() if isinstance(value, dict)}
    return {**parameters, **nested}


def _data(saved: Mapping[str, Any]) -> DataType:
    """Construct a data type from its saved class and parameters."""
    if saved["class"] not in data_types.TYPES:
        raise ModelError(f"{saved['class']!r} is not a data type of this version of askew.")
    made: DataType = getattr(data_types, saved["class"])(**saved["parameters"])
    return made


def _revived_data(saved: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> DataType:
    """Undo `_fitted_data`."""
    made = _data(saved)
    for name, value in _revive(saved["fitted"], tensors).items():
        setattr(made, name, value)
    return made


def _fill(net: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put saved tensors in place; buffers take the saved shape, because data decided it."""
    for name, buffer in net.named_buffers():
        if name in weights and buffer.shape != weights[name].shape:
            parent, _, leaf = name.rpartition(".")
            setattr(net.get_submodule(parent), leaf, torch.empty_like(weights[name]))
    net.load_state_dict(dict(weights), assign=True)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelError(
            f"{folder} is not a model: it has no {MANIFEST}; expected a folder written by "
            "askew fit or save."
        ) from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ModelError(
            f"{folder / MANIFEST} is damaged ({error}): save the model again."
        ) from error
    schema = manifest.get("schema") if isinstance(manifest, dict) else None
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise ModelError(f"{folder / MANIFEST} is not of askew: it names no schema.")
    if schema > SCHEMA:
        raise ModelError(
            f"{folder} has schema {schema}, this askew reads up to {SCHEMA}: install a newer askew."
        )
    return manifest


def _tensors(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Tensor]:
    try:
        content = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise ModelError(
            f"{folder / WEIGHTS} is missing or unreadable: save the model again."
        ) from error
    _check_hashes(folder, manifest, content)
    try:
        tensors: dict[str, Tensor] = read_tensors(content)
    except SafetensorError as error:
        raise ModelError(
            f"{folder / WEIGHTS} is damaged ({error}): save the model again."
        ) from error
    return tensors


def _check_hashes(folder: Path, manifest: Mapping[str, Any], weights: bytes) -> None:
    """Refuse files that are not as they were saved; before schema 6 only weights had a hash."""
    found = {WEIGHTS: hashlib.sha256(weights).hexdigest()}
    if manifest["schema"] >= 6:
        found[MANIFEST] = _sha256_of(manifest)
    promised = manifest.get("sha256")
    for name, is_now in found.items():
        if not isinstance(promised, dict) or promised.get(name) != is_now:
            raise ModelError(
                f"{folder / name} is not what was saved (its sha256 differs): it is damaged or "
                "was changed; save the model again."
            )


def _check_readable(text: str, tensors: Mapping[str, Tensor]) -> None:
    """Make sure that what is about to be written can be loaded again."""
    try:
        _rebuild(json.loads(text), dict(tensors))
    except BROKEN as error:
        raise InputError(
            f"this detector could not be loaded again ({error}): were parameters changed after "
            "fit? Fit once more; a method or data type of your own has to stand in askew.methods "
            "or askew.data, see docs/design.md."
        ) from error


def check_place(folder: Path) -> None:
    """Refuse a place for a model; ask before training, not after it.

    Raises
    ------
    InputError: something that is no model is there, or nothing can be written there.
    """
    if folder.is_file() or (
        folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).exists()
    ):
        raise InputError(
            f"{folder} exists and is not a model: choose another place, so that nothing is lost."
        )
    nearest = next(above for above in folder.absolute().parents if above.exists())
    try:
        Path(tempfile.mkdtemp(prefix=".askew-", dir=nearest)).rmdir()
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}.") from error


def _swap(fresh: Path, folder: Path) -> None:
    """Let the fresh folder take the place of the old one, which comes back where that fails."""
    if not folder.exists():
        fresh.rename(folder)
        return
    old = fresh.with_name(fresh.name + "-old")
    folder.rename(old)
    try:
        fresh.rename(folder)
    except BaseException:  # Ctrl-C too
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
