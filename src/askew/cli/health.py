"""``askew health``: whether a model learned anything and can be trusted."""

from __future__ import annotations

from pathlib import Path

from askew.cli import show
from askew.health import told
from askew.store import load


def run(model: Path) -> None:
    """Print the checks made when the model was fitted."""
    checks = load(model).health_
    show.table(
        f"Health of {model}",
        ["check", "passed", ">value", "meaning"],
        (
            (check["name"], "yes" if check["passed"] else "NO", check["value"], told(check))
            for check in checks
        ),
    )
    failed = sum(not check["passed"] for check in checks)
    show.line(
        f"{failed} of {len(checks)} checks failed: read what to do beside each."
        if failed
        else f"All {len(checks)} checks passed."
    )
