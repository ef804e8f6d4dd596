"""Files of texts, with the topics that count."""

from __future__ import annotations

import csv
import json
import lzma
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from askew.datasets.kinds import ClassSplit, Table

_SEVEN = ("acq", "crude", "earn", "interest", "money-fx", "ship", "trade")
_SIX = ("comp", "misc", "pol", "rec", "rel", "sci")
_GROUPS = {
    "alt.atheism": "rel",
    "soc.religion.christian": "rel",
    "talk.religion.misc": "rel",
    "talk.politics.guns": "pol",
    "talk.politics.mideast": "pol",
    "talk.politics.misc": "pol",
}


def _json_lines(file: Path) -> Iterator[dict[str, Any]]:
    with lzma.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def read_reuters(file: Path, _seed: int) -> ClassSplit:
    """Documents with exactly one topic, of the seven largest: title and body together."""
    return _texts((d["split"], set(d["topics"]), _news(d)) for d in _json_lines(file))


def read_reuters_nltk(file: Path, _seed: int) -> ClassSplit:
    """The same, but only topics with documents in both parts count: NLTK's 90 categories."""
    documents = list(_json_lines(file))
    topics: dict[str, set[str]] = {"train": set(), "test": set()}
    for document in documents:
        topics[document["split"]].update(document["topics"])
    both = topics["train"] & topics["test"]
    return _texts((d["split"], both & set(d["topics"]), _news(d)) for d in documents)


def _news(document: dict[str, Any]) -> str:
    return f"{document['title']}\n{document['text']}".strip()


def read_newsgroups(file: Path, _seed: int) -> ClassSplit:
    """Six classes of groups; what is empty once headers, footers and quotes are gone is no text."""
    documents = ((d["split"], d["group"], d["text"]) for d in _json_lines(file))
    return _texts((s, {_GROUPS.get(g, g.split(".")[0])}, t) for s, g, t in documents)


def read_ag_news(file: Path, _seed: int) -> ClassSplit:
    """The published test part, whose every second text trains here: title and first lines."""
    topics = {"1": "world", "2": "sports", "3": "business", "4": "science"}
    with lzma.open(file, "rt", encoding="utf-8", newline="") as lines:
        news = [(topics[number], f"{title}\n{text}") for number, title, text in csv.reader(lines)]
    labels = np.array([topic for topic, _ in news])
    texts = [text for _, text in news]
    return ClassSplit(texts[::2], labels[::2], texts[1::2], labels[1::2])


def _texts(documents: Iterable[tuple[str, set[str], str]]) -> ClassSplit:
    """Keep texts, not empty, of exactly one class, one of `_SEVEN` or `_SIX`, in two parts."""
    parts: dict[str, list[tuple[str, str]]] = {"train": [], "test": []}
    for part, classes, text in documents:
        if len(classes) == 1 and text.strip() and classes <= {*_SEVEN, *_SIX}:
            parts[part].append((text, next(iter(classes))))
    train, test = parts["train"], parts["test"]
    return ClassSplit(
        [text for text, _ in train],
        np.array([cls for _, cls in train]),
        [text for text, _ in test],
        np.array([cls for _, cls in test]),
    )


def read_sms(file: Path, _seed: int) -> Table:
    """Read messages; spam is the anomaly."""
    import pandas as pd

    with lzma.open(file, "rt", encoding="utf-8", newline="\n") as lines:
        pairs = [line.rstrip("\r\n").split("\t", 1) for line in lines]
    labels = np.array([kind == "spam" for kind, _ in pairs]).astype(np.int64)
    return Table(pd.DataFrame({"text": [text for _, text in pairs]}), labels)
