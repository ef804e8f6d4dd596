"""Reading tables: every format there and back, streamed as well, and every damage in words."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest

from askew.data.tabular import Tabular
from askew.errors import InputError
from askew.files.tables import FORMATS, chunks, codes, count_rows, read_table


def table(rows: int = 250) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": generator.normal(size=rows),
            "holes": np.where(np.arange(rows) % 5 == 0, np.nan, generator.normal(size=rows)),
            "count": generator.integers(0, 9, rows),
            "color, or not": np.array(["red", "blue", "grün\nund so"])[np.arange(rows) % 3],
            "on": np.arange(rows) % 2 == 0,
        }
    )


def lines(frame: pd.DataFrame) -> str:
    return frame.to_json(orient="records", lines=True, double_precision=15)


WRITERS = {
    "t.csv": lambda frame, path: frame.to_csv(path, index=False),
    "t.TSV": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "t.txt": lambda frame, path: frame.to_csv(path, index=False, sep=";"),
    "t.csv.gz": lambda frame, path: frame.to_csv(path, index=False),
    "t.csv.bz2": lambda frame, path: frame.to_csv(path, index=False),
    "t.csv.xz": lambda frame, path: frame.to_csv(path, index=False),
    "t.csv.zip": lambda frame, path: frame.to_csv(path, index=False),
    "t.jsonl": lambda frame, path: path.write_text(lines(frame)),
    "t.ndjson": lambda frame, path: path.write_text(lines(frame)),
    "t.jsonl.gz": lambda frame, path: path.write_bytes(gzip.compress(lines(frame).encode())),
    "t.json": lambda frame, path: frame.to_json(path, orient="records", double_precision=15),
    "lines.json": lambda frame, path: path.write_text(lines(frame)),
    "t.parquet": lambda frame, path: frame.to_parquet(path, row_group_size=70),
    "t.feather": lambda frame, path: frame.to_feather(path, chunksize=70),
}


@pytest.fixture(params=WRITERS)
def written(request, tmp_path):
    path = tmp_path / request.param
    WRITERS[request.param](table(), path)
    return path


def test_there_and_back(written):
    pd.testing.assert_frame_equal(read_table(written), table(), check_dtype=False)


@pytest.mark.parametrize("rows", [1, 64, 250, 10_000])
def test_parts_joined_are_the_table(written, rows):
    parts = list(chunks(written, rows=rows))
    assert all(0 < len(part) <= rows for part in parts)
    joined = pd.concat(parts).astype({"holes": float})  # a part may have nothing but None there
    pd.testing.assert_frame_equal(joined, table(), check_dtype=False)


def test_rows_are_counted(written):
    assert count_rows(written) == 250


def test_parts_encode_like_the_whole(written):
    tabular = Tabular().fit(table())
    whole = tabular.encode(read_table(written))
    parts = [tabular.encode(part) for part in chunks(written, rows=16)]
    assert np.array_equal(np.concatenate([part.numpy() for part in parts]), whole.numpy())


# --- arrays


def test_npy(tmp_path):
    X = np.random.default_rng(0).normal(size=(10, 3))
    np.save(tmp_path / "x.npy", X)
    found = read_table(tmp_path / "x.npy")
    assert list(found.columns) == ["column_0", "column_1", "column_2"]
    assert np.array_equal(found, X)
    assert np.array_equal(pd.concat(chunks(tmp_path / "x.npy", 4)), X)
    assert [part.index[0] for part in chunks(tmp_path / "x.npy", 4)] == [0, 4, 8]
    assert count_rows(tmp_path / "x.npy") == 10


def test_structured_npy_keeps_its_names(tmp_path):
    np.save(tmp_path / "x.npy", np.array([(1, 2.5), (3, 4.5)], dtype=[("a", int), ("b", float)]))
    assert read_table(tmp_path / "x.npy").to_dict("list") == {"a": [1, 3], "b": [2.5, 4.5]}


def test_npz(tmp_path):
    X, y = np.arange(6.0).reshape(3, 2), np.array([0, 1, 0])
    np.savez(tmp_path / "one.npz", anything=X)
    np.savez_compressed(tmp_path / "two.npz", X=X, y=y[:, None])
    assert np.array_equal(read_table(tmp_path / "one.npz"), X)
    assert read_table(tmp_path / "two.npz")["label"].tolist() == [0, 1, 0]
    assert [len(part) for part in chunks(tmp_path / "two.npz", 2)] == [2, 1]
    assert count_rows(tmp_path / "two.npz") == 3


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": np.zeros((2, 2)), "b": np.zeros(2)}, "2 arrays.*a, b.*named X"),
        ({"X": np.zeros((3, 2)), "y": np.zeros(2)}, "3 rows in X but 2 labels"),
        ({"X": np.zeros((3, 2, 4))}, r"shape \(3, 2, 4\).*--type series"),
        ({"X": np.array([[{}, 1]], dtype=object)}, "Object arrays cannot be loaded"),
    ],
)
def test_npz_refuses_in_words(tmp_path, arrays, words):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match=words):
        read_table(tmp_path / "x.npz")


# --- text as people write it


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("tabs.txt", "a\tb\n1\t2\n3\t4\n", {"a": [1, 3], "b": [2, 4]}),
        ("blanks.txt", "a b\n1 2\n3 4\n", {"a": [1, 3], "b": [2, 4]}),
        ("bars.txt", "a|b\n1|x y\n3|z\n", {"a": [1, 3], "b": ["x y", "z"]}),
        ("semicolon.csv", "a;b\n1,5;2\n3;4\n", {"a": [1.5, 3.0], "b": [2, 4]}),
        ("one.csv", "a\n1\n2\n", {"a": [1, 2]}),
        ("words.csv", "note\nall is well\nno it is\n", {"note": ["all is well", "no it is"]}),
        ("spaces.csv", "a, b\n1, 2\n", {"a": [1], "b": [2]}),
        ("quoted.csv", 'a,b\n"x, y",1\n"z ""q""",2\n', {"a": ["x, y", 'z "q"'], "b": [1, 2]}),
        ("bare.csv", "1.5,2\n3,4\n", {"column_0": [1.5, 3.0], "column_1": [2, 4]}),
        ("counted.csv", "0,1\n1.5,2\n", {"0": [1.5], "1": [2]}),
        ("bom.csv", "\ufeffa,b\n1,2\n", {"a": [1], "b": [2]}),
        ("crlf.csv", "a,b\r\n1,2\r\n\r\n3,4", {"a": [1, 3], "b": [2, 4]}),
        ("gaps.csv", "a,b\n1,\nNA,x\n", {"a": [1.0, None], "b": [None, "x"]}),
        ("noend.csv", "a,b\n1,2\n3,4", {"a": [1, 3], "b": [2, 4]}),
    ],
)
def test_text_as_people_write_it(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    expected = pd.DataFrame(expected)
    pd.testing.assert_frame_equal(read_table(tmp_path / name), expected, check_dtype=False)
    assert count_rows(tmp_path / name) == len(expected)


def test_a_first_column_without_a_name_is_labels(tmp_path):
    table(5).to_csv(tmp_path / "t.csv")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), table(5), check_dtype=False)
    assert [list(part.index) for part in chunks(tmp_path / "t.csv", 3)] == [[0, 1, 2], [3, 4]]
    assert count_rows(tmp_path / "t.csv") == 5


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_named_labels_are_a_column(tmp_path, suffix):
    frame = pd.DataFrame({"a": [1.0, 2.0]}, index=pd.Index(["x", "y"], name="id"))
    path = tmp_path / f"t.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else write_feather(frame, path)
    assert read_table(path).to_dict("list") == {"a": [1.0, 2.0], "id": ["x", "y"]}
    assert pd.concat(chunks(path, 1))["id"].tolist() == ["x", "y"]


def write_feather(frame: pd.DataFrame, path: object) -> None:
    """pandas itself refuses labels in Feather; Arrow writes them."""
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.feather").write_feather(pyarrow.Table.from_pandas(frame), path)


def test_json_lines_may_leave_values_out(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1, "b": "x"}\n\n{"b": "y"}\n{"a": 3, "c": true}\n')
    assert read_table(path).columns.tolist() == ["a", "b", "c"]
    parts = list(chunks(path, 1))
    assert parts[1].isna().to_dict("list") == {"a": [True], "b": [False]}
    assert [part.index[0] for part in parts] == [0, 1, 2]


# --- bad files


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def bad_files() -> dict[str, tuple[bytes, str]]:
    text = table(2000).drop(columns="color, or not").to_csv(index=False).encode()
    return {
        "empty.csv": (b"", "is empty"),
        "blank.csv": (b"\n\n \n", "has no rows"),
        "header.csv": (b"a,b\n", "has no rows"),
        "empty.jsonl": (b"\n", "has no rows"),
        "empty.json": (b"[]", "has no rows"),
        "wide.csv": (b"a,b\n1,2\n1,2,3\n", "it has 2 values, a line below 3 \\(1, 2, 3\\)"),
        "later.csv": (
            b"a,b\n" + 30 * b"1,2\n" + b"1,2,3\n",
            "do not fit its header.*Expected 2 fields in line 32, saw 3",
        ),
        "title.csv": (b"Report of May\na;b;c\n1;2;3\n", "it has 1 value, a line below 3"),
        "more.csv": (b"a,b\n1,2,3\n4,5,6\n", "it has 2 values, a line below 3"),
        "ends.csv": (b"a,b\n" + 30 * b"1,2,\n" + b"4,5,6\n", "row 30: '6.*' stands after the last"),
        "cut.csv": (b"a,b,c\n1,2,3\n4,5", "cut off: its last line has 2 values"),
        "latin.csv": ("a,b\nä,1\n".encode("latin-1"), "not UTF-8"),
        "cut.csv.gz": (cut(gzip.compress(text)), "cut off, damaged.*end-of-stream"),
        "cut.csv.bz2": (cut(bz2.compress(text)), "cut off, damaged"),
        "cut.csv.xz": (cut(lzma.compress(text)), "cut off, damaged"),
        "cut.csv.zip": (b"PK\x03\x04 and no more", "cut off, damaged.*not a zip"),
        "not.csv.gz": (b"a,b\n1,2\n", "Not a gzipped file"),
        "not.parquet": (b"a,b\n1,2\n", "not the .parquet file"),
        "not.feather": (b"a,b\n1,2\n", "not the .feather file"),
        "not.npy": (b"a,b\n1,2\n", "not the .npy file"),
        "not.npz": (b"a,b\n1,2\n", "not the .npz file"),
        "cut.jsonl": (b'{"a": 1}\n{"a": ', "line 2 is cut off or not JSON"),
        "cut.json": (b'[{"a": 1}, {"a"', "cut off or not JSON"),
        "list.jsonl": (b'{"a": 1}\n[1, 2]\n', "line 2 is a list, but an object"),
        "items.json": (b"[1, 2]", "item 0 is a int, but an object"),
        "table.xlsx": (b"x", "ends in '.xlsx'.*one of .csv, .tsv"),
        "table": (b"x", "ends in 'nothing'"),
        "t.parquet.gz": (b"x", "packed.*unpack it first"),
    }


@pytest.mark.parametrize("name", bad_files())
@pytest.mark.parametrize("read", [read_table, lambda path: list(chunks(path, 100))])
def test_bad_files_are_refused_in_words(tmp_path, name, read):
    content, words = bad_files()[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"(?s){name}.*{words}"):
        read(tmp_path / name)


@pytest.mark.parametrize("suffix", ["parquet", "feather", "npy"])
def test_files_cut_in_the_middle_are_refused(tmp_path, suffix):
    whole, path = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
    if suffix == "npy":
        np.save(whole, table()[["size", "holes"]])
    else:
        getattr(table(), f"to_{suffix}")(whole)
    path.write_bytes(cut(whole.read_bytes()))
    for read in (read_table, lambda path: list(chunks(path)), count_rows):
        with pytest.raises(InputError, match="cut off, damaged"):
            read(path)


def test_no_file_a_folder_and_a_zip_of_two(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a folder"):
        read_table(tmp_path)
    with zipfile.ZipFile(tmp_path / "two.csv.zip", "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
        archive.writestr("b.csv", "a\n1\n")
    with pytest.raises(InputError, match="holds 2 files"):
        read_table(tmp_path / "two.csv.zip")
    with pytest.raises(InputError, match="rows=0"):
        next(chunks(tmp_path / "two.csv.zip", rows=0))


def test_damage_further_down_is_met_when_reading_gets_there(tmp_path):
    records = [json.dumps({"a": i}) for i in range(10)] + ["{"]
    (tmp_path / "t.jsonl").write_text("\n".join(records))
    parts = chunks(tmp_path / "t.jsonl", 5)
    assert [len(next(parts)), len(next(parts))] == [5, 5]
    with pytest.raises(InputError, match="line 11"):
        next(parts)


def test_every_format_is_tried_here():
    tried = {".npy", ".npz"} | {f".{name.lower().split('.')[1]}" for name in WRITERS}
    assert tried == set(FORMATS)


def test_reading_does_not_start_torch():
    import subprocess
    import sys

    code = "import sys, askew.files.tables; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_streaming_takes_bounded_memory(tmp_path):
    import tracemalloc

    path = tmp_path / "big.csv"
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(400_000, 10)))
    frame.to_csv(path, index=False)
    tracemalloc.start()
    assert sum(len(part) for part in chunks(path, 10_000)) == 400_000
    assert tracemalloc.get_traced_memory()[1] < 2**24  # the table itself takes 2 ** 25
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_ids_stay_as_they_are_written_in_every_part(name, tmp_path):
    ids = [f"{i:04d}" for i in range(50)] + ["X", "1e5", "NA", "None", "=7", ""]
    path = tmp_path / name
    text = "id,size\n" + "".join(f"{one},{i}\n" for i, one in enumerate(ids))
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    expected = [one or np.nan for one in ids]
    assert read_table(path, ["id", "not there"])["id"].tolist()[:-1] == expected[:-1]
    parts = pd.concat(chunks(path, 10, ["id"]))
    assert parts["id"].fillna("").tolist() == ids
    assert parts["size"].tolist() == list(range(len(ids)))
    assert read_table(path)["id"].tolist() != ids  # left to itself


def test_wide_tables_are_read(tmp_path):
    rows = np.random.default_rng(0).normal(size=(5, 12_000))
    pd.DataFrame(rows).to_csv(tmp_path / "wide.csv", index=False)  # lines of more than 131,072
    np.testing.assert_allclose(read_table(tmp_path / "wide.csv"), rows)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("size;speed\n23,6;1\n-0,5;2\n", [23.6, -0.5]),
        ("size;speed\n23.6;1\n-0.5;2\n", [23.6, -0.5]),
        ("size\tspeed\n2,5\t1\n3\t2\n", [2.5, 3.0]),
        ('size,speed\n"2,5",1\n3,2\n', ["2,5", "3"]),
        ("size;version\n2,5;1.2\n3;1.10\n", [2.5, 3.0]),
        ("size;speed\n2,5;1\n3.5;2\n", ["2,5", "3.5"]),
        ("sales;rate\n1.002;0,5\n999;0,7\n", [1.002, 999]),  # with a warning
        ("note;v\n1,5;0.125\nx;0.250\n", ["1,5", "x"]),
        ("a;b\n9,6e-07;1\n1,5e-3;2\n", [9.6e-7, 1.5e-3]),
        ("share;rate\n0.500;0,5\n1.002;0,7\n", [0.5, 1.002]),
        ("size;speed\n" + "3;1\n" * 30 + "2,5;1\n", [3.0] * 30 + [2.5]),
        ("1,5;2,5\n3,25;4,5\n", [1.5, 3.25]),
        ("1,5 2,5\n3,25 4,5\n", [1.5, 3.25]),
        ("x y,1 2\nz w,3 4\n", ["z w"]),
    ],
)
def test_a_decimal_comma_is_seen_where_nothing_speaks_against_it(text, size, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with warnings.catch_warnings(action="ignore"):
        assert read_table(path).iloc[:, 0].tolist() == size
        parts = pd.concat(chunks(path, 1))
    if not any(isinstance(value, str) for value in size):  # what is text beside others may be none
        assert parts.iloc[:, 0].tolist() == size


def test_codes_are_words_and_a_spare_separator_is_no_column(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("zip,size,rate\n01067,1,0.5\n10115,2,00.5\n")
    assert codes(path) == ["zip"]
    assert read_table(path, words=["zip"])["zip"].tolist() == ["01067", "10115"]
    assert [part["zip"].tolist() for part in chunks(path, 1, words=["zip", "none"])] == [
        ["01067"], ["10115"],
    ]  # fmt: skip
    path.write_text("a,b\n1,x \n2,y\n")
    assert read_table(path)["b"].tolist() == ["x", "y"]
    for text in ("a,b\n1,2,\n3,4,\n", "a,b,\n1,2,\n3,4,\n"):
        path.write_text(text)
        assert read_table(path).to_dict("list") == {"a": [1, 3], "b": [2, 4]}
        assert count_rows(path) == 2
    path.write_text("1,2,\n3,4,\n")
    assert read_table(path).to_dict("list") == {"column_0": [1, 3], "column_1": [2, 4]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022,2023,2024\n1,2,3\n4,5,6\n", {"2022": [1, 4], "2023": [2, 5], "2024": [3, 6]}),
        ("1,2,3\n5,6,8\n", {"1": [5], "2": [6], "3": [8]}),
        ("1,2\n5,6\n", {"column_0": [1, 5], "column_1": [2, 6]}),
        ("0,1\n5,6\n", {"0": [5], "1": [6]}),
        ("sep=;\na;b\n1,5;2\n", {"a": [1.5], "b": [2]}),
        ("SEP=|\n\na|b\n1|x\n", {"a": [1], "b": ["x"]}),
        ("sep=\t\na\tb\n1\t2\n", {"a": [1], "b": [2]}),
        ("sep=;;\na;b\n1;2\n", {"a": [1], "b": [2]}),
        ("v, w, c\n0.1, 0.2, \"red, dark\"\n0.3, 0.4, \"b\"\n",
         {"v": [0.1, 0.3], "w": [0.2, 0.4], "c": ["red, dark", "b"]}),
        (" a  b c\n 1 2   3\n4 5 6 \n", {"a": [1, 4], "b": [2, 5], "c": [3, 6]}),
        ("a ,b\n1,2\n", {"a": [1], "b": [2]}),
        ("Price, net;kind\n117,64;x\n12,5;y\n", {"Price, net": [117.64, 12.5], "kind": ["x", "y"]}),
        ("id,tags\n1,a;b\n2,c;d\n", {"id": [1, 2], "tags": ["a;b", "c;d"]}),
    ],
)  # fmt: skip
def test_first_lines_are_read_as_they_are_meant(text, expected, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert read_table(path).to_dict("list") == expected


def test_a_quoted_separator_in_the_header_is_no_missing_end(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('"a, EUR",b\n' + "1234567,1234567\n" * 6000 + "1,2")
    assert read_table(path).shape == (6001, 2)


def test_streams_are_refused_in_words():
    with pytest.raises(InputError, match="is a stream"):
        read_table("/dev/null")


def test_missing_cells_between_blanks_stay_where_they_are(tmp_path):
    rows = pd.DataFrame({"a": [1.0, np.nan, 4.0], "b": [2.0, 3.0, np.nan], "c": [3, 5, 6]})
    rows.to_csv(tmp_path / "t.txt", sep=" ", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.txt"), rows)


def test_what_may_be_thousands_is_told(tmp_path):
    (tmp_path / "t.csv").write_text("sales;rate\n1.002;0,5\n999;0,7\n")
    with pytest.warns(UserWarning, match="'sales': '1.002' is read as a fraction"):
        read_table(tmp_path / "t.csv")


def test_a_line_that_says_the_separator_is_no_row(tmp_path):
    (tmp_path / "t.csv").write_text("sep=;\n")
    with pytest.raises(InputError, match="has no rows"):
        read_table(tmp_path / "t.csv")


def test_codes_with_blanks_are_codes(tmp_path):
    (tmp_path / "t.csv").write_text("zip ,v\n007 ,1\n012 ,2\n")
    assert codes(tmp_path / "t.csv") == ["zip"]
    assert read_table(tmp_path / "t.csv", words=["zip"])["zip"].tolist() == ["007", "012"]


@pytest.mark.parametrize("text", ["a b\n1 2\n3 4", "a  b\n1  2\n3 4", "a,b\n1,2\n3,4"])
def test_a_last_line_without_an_end_is_read(text, tmp_path):
    (tmp_path / "t.txt").write_text(text)
    assert read_table(tmp_path / "t.txt").to_dict("list") == {"a": [1, 3], "b": [2, 4]}
    assert count_rows(tmp_path / "t.txt") == 2


def test_codes_in_columns_that_pandas_names_are_words(tmp_path):
    (tmp_path / "t.csv").write_text("a,a\n1,007\n3,008\n")
    assert codes(tmp_path / "t.csv") == ["a.1"]
    assert read_table(tmp_path / "t.csv", words=["a.1"])["a.1"].tolist() == ["007", "008"]
    (tmp_path / "t.csv").write_text("a,b,\n1,2\n3,4\n")
    assert read_table(tmp_path / "t.csv").to_dict("list") == {"a": [1, 3], "b": [2, 4]}
