"""Examples are short enough to read at once, and run."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))
QUICK = ["isolation_forest.py", "knn.py", "lof.py", "one_class_svm.py"]
DEEP = ["autoencoder.py", "deep_svdd.py", "memory_bank.py", "plad.py"]

# One process for all, because importing torch takes longer than what these do.
SHORTENED = """
import importlib, sys, torch
torch.set_num_threads(1)
folder, *names = sys.argv[1:]
sys.path.insert(0, folder)
for name in names:
    example = importlib.import_module(name.removesuffix(".py"))
    for constant, value in {"STEPS": 5, "SEEDS": 1, "TREES": 5, "CORE": 50}.items():
        if hasattr(example, constant):
            setattr(example, constant, value)
    print("==", name)
    example.main()
"""


def run(names, folder):
    (folder / "docs" / "figures").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-c", SHORTENED, str(EXAMPLES), *names],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return dict(part.split("\n", 1) for part in done.stdout.split("== ")[1:])


@pytest.mark.parametrize("name", SCRIPTS)
def test_compiles_and_fits_on_a_page_or_two(name):
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    compile(text, name, "exec")
    assert name == "figures.py" or len(text.splitlines()) <= 110


def test_shortened_examples_run_to_the_end(tmp_path):
    trained = ["neutral.py", "neutral_series.py", "propositions.py"]
    printed = run([*QUICK, *DEEP, *trained], tmp_path)
    assert all("AUROC" in text for text in printed.values())
    assert len(printed) == 11
    assert (tmp_path / "docs" / "figures" / "propositions.png").stat().st_size > 5_000


def test_every_figure_is_in_the_docs():
    page = (EXAMPLES.parent / "docs" / "figures.md").read_text(encoding="utf-8")
    drawn = sorted((EXAMPLES.parent / "docs" / "figures").glob("*.png"))
    assert drawn
    for picture in drawn:
        assert f"figures/{picture.name}" in page
        assert picture.stat().st_size < 150_000
