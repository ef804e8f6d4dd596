"""Networks: plain layers, and the same layers K times in one call."""
