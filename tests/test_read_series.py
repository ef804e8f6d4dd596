"""Files of series: every format gives back what was written; damage is refused in words."""

import contextlib
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from askew.data.series import Series
from askew.errors import InputError
from askew.files.series import read_series

HEADER = """# A comment, as archives have them
@problemName Toy
@timeStamps false
@missing true
@univariate false
@dimensions 2
@equalLength true
@seriesLength 3
@classLabel true up down
@data
"""
BODY = "1,2,3:4,5,6:up\n-1e3,?,0.5:NaN,8,9:down\n"
EASY = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def write(tmp_path):
    def to_file(text, name="toy.ts"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return to_file


def frames():
    rng = np.random.default_rng(0)
    return {
        name: pd.DataFrame(rng.normal(size=(length, 2)), columns=["heat", "load"])
        for name, length in (("b", 5), ("a", 4), ("c", 6))
    }


def long_table():
    parts = [frame.assign(id=name, time=range(len(frame))) for name, frame in frames().items()]
    return pd.concat(parts, ignore_index=True)


# The .ts format.


def test_ts_gives_series_labels_and_missing_values(write):
    file = read_series(write(HEADER + BODY))
    nan = np.nan
    np.testing.assert_array_equal(file.series[0], [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(file.series[1], [[-1000, nan], [nan, 8], [0.5, 9]])
    assert file.labels == ["up", "down"]
    assert file.ids == ["0", "1"]
    assert file.channels == ["channel 0", "channel 1"]


def test_ts_goes_straight_into_series(write):
    file = read_series(write(HEADER + BODY * 3 + BODY.replace("1,2,3:4,5,6", "9,8,7:6,5,4")))
    data = Series(layout="time-first", length=4)
    with pytest.raises(InputError, match="longest series has 3 steps"):
        data.fit(file.series)


def test_ts_ragged_unlabelled_and_oddly_written(write):
    text = "@UNIVARIATE TRUE\r\n@equalLength false\r\n@seriesLength 9\r\n@classLabel false\r\n"
    file = read_series(
        write("\ufeff" + text + "@DATA\r\n1, 2 ,3\r\n\r\n# pause\r\n% again\r\n4\r\n")
    )
    assert [one.shape for one in file.series] == [(3, 1), (1, 1)]
    assert file.labels is None


def test_ts_of_regression_has_numbers_as_labels(write):
    file = read_series(write("@targetLabel true\n@data\n1,2:0.5\n3,4:0.75\n"))
    assert file.labels == ["0.5", "0.75"]


def test_ts_comments_may_be_latin1(write):
    assert (
        len(
            read_series(
                write("# Universität\n".encode("latin-1") + HEADER.encode() + BODY.encode())
            ).series
        )
        == 2
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no @data line"),
        (HEADER.replace("@data\n", ""), "no @data line"),
        (HEADER, "no series after @data"),
        (HEADER + BODY + "1,2,3:up\n", r"Line 13: found 1 channels; the header says 2"),
        (HEADER + BODY + "1,2,3:4,5:up\n", r"Line 13: found channels of 2, 3 steps; expected 3"),
        (HEADER + BODY + "1,2:4,5:up\n", r"Line 13: found channels of 2 steps; expected 3"),
        (HEADER + BODY + "1,2,3:4,5,6:sideways\n", "Line 13: found 'sideways' .* up, down"),
        (HEADER + BODY + "1,2,3:4,5,6:\n", "Line 13: found ''"),
        (HEADER + BODY + "1,2,3:4,5,6\n", "Line 13: found '4,5,6' where the class label stands"),
        (HEADER + BODY + "1,2,3:4,x,6:up\n", "Line 13: channel 1 .* not a number .*'x'"),
        (HEADER + BODY + "1,2,3:4,,6:up\n", "Line 13: channel 1 .* not a number"),
        (HEADER.replace("timeStamps false", "timeStamps true") + BODY, "Line 3: .* stores a time"),
        (HEADER.replace("timeStamps false", "timeStamps") + BODY, "Line 3: .* true or false"),
        (HEADER.replace("dimensions 2", "dimensions two") + BODY, "Line 6: .* whole number"),
        (HEADER.replace("@missing", "missing") + BODY, "Line 4: .* before @data"),
        ("@data\n1,2\n3,4:5,6\n", "Line 3: found 2 channels; line 2 has 1"),
        (b"\x00\xff\x00\x01" * 50, "no @data line"),
    ],
)
def test_malformed_ts_is_refused_with_its_line(write, text, message):
    with pytest.raises(InputError, match=message) as refused:
        read_series(write(text))
    assert "toy.ts" in str(refused.value)


numbers = st.floats(allow_nan=True, allow_infinity=False)


@st.composite
def ts_files(draw):
    channels = draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    rows = st.lists(numbers, min_size=channels, max_size=channels)
    series = [np.array(draw(st.lists(rows, min_size=n, max_size=n))) for n in lengths]
    labels = [draw(st.sampled_from(["a", "b-1", "3"])) for _ in lengths]
    return series, labels


def cells(channel):
    return ",".join("?" if np.isnan(v) else repr(float(v)) for v in channel)


def written(series, labels):
    head = f"@univariate {'true' if series[0].shape[1] == 1 else 'false'}\n"
    head += (
        f"@dimensions {series[0].shape[1]}\n@equalLength false\n@classLabel true a b-1 3\n@data\n"
    )
    lines = [
        ":".join([*map(cells, one.T), label]) for one, label in zip(series, labels, strict=True)
    ]
    return head + "\n".join(lines) + "\n"


@EASY
@given(ts_files())
def test_ts_round_trip(write, content):
    series, labels = content
    file = read_series(write(written(series, labels)))
    assert file.labels == labels
    for own, one in zip(file.series, series, strict=True):
        np.testing.assert_array_equal(own, one)


def damaged(draw, raw):
    """Cut off, overwritten, or with bytes added."""
    start = draw(st.integers(0, len(raw)))
    stop = draw(st.integers(start, len(raw)))
    return raw[:start] + draw(st.binary(max_size=8)) + draw(st.sampled_from([raw[stop:], b""]))


@EASY
@given(ts_files(), st.data())
def test_damaged_ts_raises_nothing_else(write, content, data):
    path = write(damaged(data.draw, written(*content).encode()))
    try:
        file = read_series(path)
    except InputError:
        return
    assert file.series and all(one.ndim == 2 and one.size for one in file.series)
    assert len({one.shape[1] for one in file.series}) == 1


# Long tables and folders.


@pytest.mark.parametrize(
    "name", ["long.csv", "long.tsv", "long.parquet", "long.feather", "long.jsonl"]
)
def test_long_tables_of_every_kind(tmp_path, name):
    path, table = tmp_path / name, long_table()
    save(table, path)
    file = read_series(path)
    assert file.ids == ["b", "a", "c"]
    assert file.channels == ["heat", "load"]
    assert file.labels is None
    for own, frame in zip(file.series, frames().values(), strict=True):
        np.testing.assert_allclose(own, frame.to_numpy(), rtol=1e-12)


def save(table, path):
    writers = {
        ".csv": lambda: table.to_csv(path, index=False),
        ".tsv": lambda: table.to_csv(path, index=False, sep="\t"),
        ".parquet": lambda: table.to_parquet(path),
        ".feather": lambda: table.to_feather(path),
        ".jsonl": lambda: table.to_json(path, orient="records", lines=True, double_precision=15),
    }
    writers[path.suffix]()


def test_long_table_with_named_columns_and_label(tmp_path):
    table = long_table().rename(columns={"id": "wafer", "time": "when"})
    table["bad"] = (table["wafer"] == "a").map({True: "yes", False: "no"})
    table.to_csv(tmp_path / "long.csv", index=False)
    file = read_series(tmp_path / "long.csv", id="wafer", time="when", label="bad")
    assert file.labels == ["no", "yes", "no"]
    assert file.channels == ["heat", "load"]
    with pytest.raises(InputError, match=r"long\.csv: .*expected id or series or series_id"):
        read_series(tmp_path / "long.csv")
    with pytest.raises(InputError, match="expected 'worse' for the label"):
        read_series(tmp_path / "long.csv", id="wafer", time="when", label="worse")


def test_label_must_be_one_per_series(tmp_path):
    table = long_table().assign(bad=range(15))
    table.to_csv(tmp_path / "long.csv", index=False)
    with pytest.raises(InputError, match="'b' has more than one label"):
        read_series(tmp_path / "long.csv", label="bad")


def test_folder_of_tables(tmp_path):
    for name, frame in frames().items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "notes.txt").write_text("not a series")
    file = read_series(tmp_path)
    assert file.ids == ["a", "b", "c"]
    assert [len(one) for one in file.series] == [4, 5, 6]
    np.testing.assert_allclose(file.series[1], frames()["b"].to_numpy(), rtol=1e-12)


def test_folder_sorts_by_time_and_by_channel(tmp_path):
    for name, frame in frames().items():
        timed = frame.assign(timestamp=range(len(frame)), bad=name == "a")
        shuffled = timed.sample(frac=1, random_state=1)[::-1]
        columns = ["load", "timestamp", "heat", "bad"] if name == "b" else list(timed)
        shuffled[columns].to_csv(tmp_path / f"{name}.csv", index=False)
    file = read_series(tmp_path, label="bad")
    assert file.labels == ["True", "False", "False"]
    np.testing.assert_allclose(file.series[1], frames()["b"].to_numpy(), rtol=1e-12)


def test_folder_refusals_name_the_file(tmp_path):
    with pytest.raises(InputError, match="has no tables"):
        read_series(tmp_path)
    for name, frame in frames().items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    frames()["c"].rename(columns={"heat": "cold"}).to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(InputError, match=re.escape("c.csv has the channels ['cold', 'load']")):
        read_series(tmp_path)
    frames()["c"].assign(heat="hot").to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(InputError, match=r"c\.csv: .*'heat', row 0: found 'hot'"):
        read_series(tmp_path)


@pytest.mark.parametrize("name", ["none.ts", "none.csv", "none.npz"])
def test_missing_files(tmp_path, name):
    with pytest.raises(InputError, match="none"):
        read_series(tmp_path / name)


# NumPy arrays.


def test_arrays_of_three_axes_need_a_layout(tmp_path):
    array = np.random.default_rng(0).normal(size=(3, 5, 2))
    np.save(tmp_path / "x.npy", array)
    np.savez(tmp_path / "x.npz", X=array.swapaxes(1, 2), other=np.zeros(3))
    with pytest.raises(InputError, match=r"x\.npy: .*\(3, 5, 2\).*layout="):
        read_series(tmp_path / "x.npy")
    first = read_series(tmp_path / "x.npy", layout="time-first")
    second = read_series(tmp_path / "x.npz", layout="channels-first")
    for one, own, other in zip(array, first.series, second.series, strict=True):
        np.testing.assert_array_equal(own, one)
        np.testing.assert_array_equal(other, one)
    assert first.ids == ["0", "1", "2"]
    with pytest.raises(InputError, match="layout='rows'"):
        read_series(tmp_path / "x.npy", layout="rows")


@pytest.mark.parametrize("key", ["len", "lengths"])
def test_arrays_of_unequal_length(tmp_path, key):
    steps = np.arange(12.0).reshape(6, 2)
    np.savez(tmp_path / "x.npz", X=steps, y=["a", "b"], **{key: [2, 4]})
    file = read_series(tmp_path / "x.npz")
    assert [one.shape for one in file.series] == [(2, 2), (4, 2)]
    assert file.labels == ["a", "b"]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"A": np.zeros((3, 4)), "B": np.zeros(3)}, r"arrays \['A', 'B'\]; expected one called X"),
        ({"X": np.zeros((6, 2)), "lengths": np.array([2, 3])}, "lengths sum to 5"),
        ({"X": np.zeros((6, 2)), "lengths": np.array([7, -1])}, "positive whole lengths"),
        ({"X": np.zeros((3, 4)), "y": np.zeros(2)}, r"y has the shape \(2,\) for 3 series"),
        ({"X": np.array([["a", "b"]])}, "not a number"),
        ({"X": np.array([{}, {}], dtype=object)}, "cannot be read"),
        ({"X": np.zeros((0, 4))}, "Found no series"),
    ],
)
def test_arrays_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match=message):
        read_series(tmp_path / "x.npz")


@EASY
@given(st.data())
def test_damaged_arrays_raise_nothing_else(tmp_path, data):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, X=np.arange(40.0).reshape(10, 4))
    path.write_bytes(damaged(data.draw, path.read_bytes()))
    with contextlib.suppress(InputError):
        read_series(path, layout="time-first")


def test_ids_of_series_are_words_also_where_their_column_is_guessed(tmp_path):
    path = tmp_path / "long.csv"
    lines = [f"{name},{t},{t / 2}" for name in ("1.1", "1.10", "007") for t in range(4)]
    path.write_text("id,time,heat\n" + "\n".join(lines) + "\n")
    assert read_series(path).ids == ["1.1", "1.10", "007"]


def test_hidden_files_are_no_series(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("heat\n1\n2\n3\n4\n")
    (tmp_path / "._a.csv").write_bytes(b"\x00\x05")
    assert read_series(tmp_path).ids == ["a", "b"]
