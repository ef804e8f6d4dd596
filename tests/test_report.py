"""The report: one page that is whole, safe and loads nothing."""

import re
import warnings
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from askew import KNN, NeuTraLAD, Series, report
from askew.errors import InputError, NotFittedError

VOID = {"meta", "img", "br", "link"}


pytestmark = pytest.mark.filterwarnings("ignore:health")  # quick detectors are poor ones


class Page(HTMLParser):
    """Tags that close in order, and everything a browser would fetch."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.fetched = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.fetched += [v for k, v in attrs if k in ("src", "href", "srcset", "data", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(path):
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.fetched)
    assert not re.search(r"https?://|url\(|@import|<script", text)
    return text, page


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(250, 3))
    return pd.DataFrame(values, columns=["size", "<script>alert(1)</script>", "cost in $ or $$"])


@pytest.fixture(scope="module")
def detector(rows):
    with warnings.catch_warnings(action="ignore"):  # 30 steps are for the page, not for health
        return NeuTraLAD(steps=30, nets=1, views=4).fit(rows)


def test_names_from_the_data_are_shown_and_never_run(detector, rows, tmp_path):
    new = pd.concat([rows[:40], rows[:10] + 9], ignore_index=True)
    ids = [f"<script>{i}</script>&" for i in range(50)]
    labels = np.repeat([0, 1], [40, 10])
    report.write(detector, tmp_path / "r.html", new, labels=labels, ids=ids, name="<b>.csv")
    text, page = read(tmp_path / "r.html")
    assert "&lt;script&gt;alert(1)" in text and "&lt;script&gt;49&lt;/script&gt;&amp;" in text
    assert "AUROC" in text and "average precision" in text and "&lt;b&gt;.csv" in text
    assert page.tags.count("img") == 2 * report.PICTURED + 2 + 2 + 1
    assert "<b>.csv" not in text


def test_a_model_alone_has_a_report(detector, tmp_path):
    report.write(detector, tmp_path / "r.html")
    text, _ = read(tmp_path / "r.html")
    assert "What the model learned" in text and "Health" in text and "temperature" in text
    assert "strangest" not in text


def test_items_without_labels_have_no_metrics(rows, tmp_path):
    report.write(KNN().fit(rows), tmp_path / "r.html", rows + 1)
    text, _ = read(tmp_path / "r.html")
    assert "items judged" in text and "AUROC</span>" not in text
    assert "Learned views" not in text  # there are none


def test_one_item_is_enough(detector, rows, tmp_path):
    report.write(detector, tmp_path / "r.html", rows[:1], labels=[1])
    read(tmp_path / "r.html")


def test_a_model_without_held_out_items(rows, tmp_path):
    report.write(KNN(held_out=0.0).fit(rows), tmp_path / "r.html", rows[:9])
    read(tmp_path / "r.html")


def test_failed_checks_are_told_with_their_advice(detector, rows, tmp_path):
    failing = KNN().fit(rows)
    failing.health_ = [
        {
            "name": "loss moved",
            "passed": False,
            "value": 1.0,
            "meaning": "loss",
            "advice": "train on",
        }
    ]
    report.write(failing, tmp_path / "r.html")
    text, _ = read(tmp_path / "r.html")
    assert "FAILED" in text and "1 of 1 checks failed" in text and "train on" in text


def test_series_show_where(tmp_path):
    rng = np.random.default_rng(0)
    train = [rng.normal(size=(n, 2)) for n in rng.integers(12, 20, 60)]
    data = Series(layout="time-first")
    detector = NeuTraLAD(data=data, steps=20, nets=1, views=3, alert_rate=0.1).fit(train)
    report.write(detector, tmp_path / "r.html", [*train[:5], train[0] + 5])
    text, _ = read(tmp_path / "r.html")
    assert "red spans made its score" in text and "channel 0" in text


def test_it_is_written_whole_or_not_at_all(detector, rows, tmp_path):
    place = tmp_path / "r.html"
    place.write_text("before")
    with pytest.raises(InputError):
        report.write(detector, place, rows.drop(columns="size"))
    assert place.read_text() == "before"
    with pytest.raises(InputError, match="create it first"):
        report.write(detector, tmp_path / "no" / "r.html")
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def test_an_unfitted_detector_is_refused(tmp_path):
    with pytest.raises(NotFittedError):
        report.write(KNN(), tmp_path / "r.html")


def test_what_no_report_can_be_made_of_is_refused(detector, rows, tmp_path):
    for given, words in [
        ({"X": rows[:0]}, "no items to report on"),
        ({"X": rows[:5], "labels": [0, 1]}, "5 scores and 2 labels"),
        ({"X": rows[:5], "ids": ["a"]}, "5 scores and 1 ids"),
        ({"X": rows[:2], "labels": [-1, 1]}, "one list of 0 .normal. and 1"),
        ({"X": rows[:2], "labels": [[0], [1]]}, "one list of 0 .normal. and 1"),
    ]:
        with pytest.raises(InputError, match=words):
            report.write(detector, tmp_path / "r.html", **given)
    assert not list(tmp_path.iterdir())
