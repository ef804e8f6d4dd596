"""Known public data sets: where each is, whether it is the right file, and how it is split.

Four small ones ship with the package. The others are looked for in the folder named by the
environment variable `ASKEW_DATA`, then in `../shared/data` beside the project, and where the
original publisher's bytes are the ones expected, downloaded into the user's cache. A file is used
only if its sha256 is the one in its table. Splits never look at anything but labels.
"""

from askew.datasets.catalogue import DATASETS, DataSet
from askew.datasets.kinds import ClassSplit, Inspected, OneClass, Recordings, Table, Unsplit
from askew.datasets.loading import (
    find,
    load,
    load_classes,
    load_inspected,
    load_recordings,
    load_table,
    load_unsplit,
    path,
)
from askew.datasets.splits import (
    chosen,
    contaminated,
    fold_vs_rest,
    half_split,
    n_vs_rest,
    one_vs_rest,
)

__all__ = [
    "DATASETS",
    "DataSet",
    "Inspected",
    "OneClass",
    "ClassSplit",
    "Recordings",
    "Table",
    "Unsplit",
    "chosen",
    "contaminated",
    "find",
    "fold_vs_rest",
    "half_split",
    "load",
    "load_classes",
    "load_inspected",
    "load_recordings",
    "load_table",
    "load_unsplit",
    "n_vs_rest",
    "one_vs_rest",
    "path",
]
