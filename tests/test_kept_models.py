"""Models of each schema since 2, kept for good: later versions load them and say the same.

Written by `python tests/test_kept_models.py`, once for each SCHEMA, into a folder of its own.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import askew
from askew import (
    PLAD,
    AutoEncoder,
    DeepSVDD,
    Images,
    MemoryBank,
    NeuTraLAD,
    Nodes,
    Tabular,
    Windows,
    load,
)
from askew.store import MANIFEST, SCHEMA

pytestmark = pytest.mark.filterwarnings("ignore:health")  # tiny detectors are poor ones

MODELS = Path(__file__).parent / "models"
SCHEMAS = range(2, SCHEMA + 1)
KINDS = ["recording", "images", "nodes", "table"]
KEPT = [(kind, n) for n in SCHEMAS for kind in (KINDS if n < 8 else [*KINDS, "bank"])]


def inputs(kind):
    """What the kept models learned from, and what they are asked about."""
    generator = np.random.default_rng(0)
    if kind == "recording":
        clock = np.arange(160)[:, None] / 4 + np.array([0.0, 1.5])
        steps = (np.sin(clock) + 0.1 * generator.normal(size=clock.shape)).round(3)
        return steps, np.concatenate([steps[:40], steps[:20] + 2])
    if kind in ("images", "bank"):
        images = (generator.random((60, 8, 8)) * 255).astype(np.uint8)
        return images, np.concatenate([images[:4], 255 - images[:2] // 4])
    if kind == "table":
        rows = generator.normal(size=(60, 3)).round(3)
        return rows, np.concatenate([rows[:5], rows[:3] + 6])
    pairs = generator.integers(0, 30, size=(2, 70))
    graph = {"x": generator.normal(size=(30, 3)).round(3), "edge_index": pairs}
    return graph, graph


def as_plain(items):
    """Items as JSON: numpy does not promise to draw the same ones for good."""
    if isinstance(items, dict):
        return {name: as_plain(values) for name, values in items.items()}
    return {"dtype": str(items.dtype), "values": items.tolist()}


def as_given(plain):
    if "values" in plain:
        return np.array(plain["values"], dtype=plain["dtype"])
    return {name: as_given(values) for name, values in plain.items()}


def detectors():
    small = {"nets": 1, "steps": 30, "alert_rate": 0.1}
    return {
        "recording": PLAD(data=Windows(length=16), latent=2, bank=20, **small),
        "images": AutoEncoder(data=Images(), dim=4, **small),
        "nodes": DeepSVDD(data=Nodes(hops=1), dim=4, **small),
        "table": NeuTraLAD(data=Tabular(), views=3, dim=4, bank=20, contamination=0.1, **small),
        "bank": MemoryBank(data=Images(), alert_rate=0.1),
    }


def read(*parts):
    return json.loads(MODELS.joinpath(*parts).read_text(encoding="utf-8"))


@pytest.mark.parametrize(("kind", "schema"), KEPT)
def test_kept_models_say_what_they_said(kind, schema):
    detector = load(MODELS / f"v{schema}" / kind)
    said = read(f"v{schema}", "expected.json")[kind]
    items, close = as_given(said["items"]), {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(detector.decision_function(items), said["scores"], **close)
    np.testing.assert_allclose(detector.p_values(items), said["p_values"], **close)
    assert detector.predict(items).tolist() == said["alerts"]
    assert np.std(said["scores"]) > 1e-3  # or nothing would be compared


@pytest.mark.parametrize(("kind", "schema"), KEPT)
def test_kept_models_are_of_their_schema_and_small(kind, schema):
    assert read(f"v{schema}", kind, MANIFEST)["schema"] == schema
    folder = MODELS / f"v{schema}" / kind
    assert sum(path.stat().st_size for path in folder.iterdir()) < 250_000


def write():
    """Write the kept models and what they say; never over those that are there."""
    folder = MODELS / f"v{SCHEMA}"
    folder.mkdir()
    found = {"version": askew.__version__}
    for kind, detector in detectors().items():
        train, items = inputs(kind)
        detector.fit(train).save(folder / kind)
        found[kind] = {
            "items": as_plain(items),
            "scores": detector.decision_function(items).tolist(),
            "p_values": detector.p_values(items).tolist(),
            "alerts": detector.predict(items).tolist(),
        }
    (folder / "expected.json").write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    torch.set_num_threads(1)
    write()
