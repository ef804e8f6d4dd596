"""``python -m askew.cli``: the same as ``askew``."""

from askew.cli import main

main()
