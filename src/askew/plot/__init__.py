"""Pictures of what a detector found, learned and pays attention to.

Each function returns a matplotlib figure and touches nothing global, so it is safe in a server or
a notebook.
"""

from askew.plot.canvas import BLUE, GREEN, GREY, INK, ORANGE, SIGNED
from askew.plot.detectors import contributions, loss, p_values, scores, view_terms, views
from askew.plot.items import graph, image, recording, series

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "SIGNED",
    "contributions",
    "graph",
    "image",
    "loss",
    "p_values",
    "recording",
    "scores",
    "series",
    "view_terms",
    "views",
]
