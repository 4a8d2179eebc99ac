"""Tables of four kinds say the same; what they can't say is refused with the row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from hubel.data.folders import Entry
from hubel.data.tables import TABLE_SUFFIXES, read_table
from hubel.errors import DataError
from tests.places import under_permissions

Rows = list[dict[str, Any]]


def delimited(rows: Rows, path: Path) -> None:
    stream = io.StringIO(newline="")
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(stream, names, delimiter="\t" if path.suffix == ".tsv" else ",")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(stream.getvalue().encode())


def lines(rows: Rows, path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def arrow(rows: Rows, path: Path) -> None:
    parquet.write_table(pa.Table.from_pylist(rows), path)


WRITERS: dict[str, Callable[[Rows, Path], None]] = {
    ".csv": delimited,
    ".tsv": delimited,
    ".jsonl": lines,
    ".parquet": arrow,
}
every_kind = pytest.mark.parametrize("suffix", WRITERS)


def read(folder: Path, suffix: str, rows: Rows) -> list[Entry]:
    path = folder / f"table{suffix}"
    WRITERS[suffix](rows, path)
    return read_table(path)


def test_every_kind_has_a_writer_here() -> None:
    assert set(WRITERS) == set(TABLE_SUFFIXES)


@every_kind
def test_every_kind_of_table_says_the_same(tmp_path: Path, suffix: str) -> None:
    rows = [
        {"file_name": "a b/1.png", "label": "cat, big", "split": "Train", "group": "p1"},
        {"file_name": 'é"\t.png', "label": "7", "split": "VALID", "group": ""},
    ]
    assert read(tmp_path, suffix, rows) == [
        Entry("a b/1.png", "cat, big", "train", "p1"),
        Entry('é"\t.png', "7", "val", None),
    ]


@every_kind
@pytest.mark.parametrize(
    ("file", "label", "split", "group"),
    [
        ("path", "class", "set", "patient"),
        ("Image", "TARGET", "Subset", "Subject"),
        (" filename ", "category", "split", "group"),
        ("image_path", "labels", "split", "group"),
    ],
)
def test_columns_have_synonyms_in_any_case(
    tmp_path: Path, suffix: str, file: str, label: str, split: str, group: str
) -> None:
    rows = [{file: "1.png", label: "cat", split: "testing", group: "p"}]
    assert read(tmp_path, suffix, rows) == [Entry("1.png", "cat", "test", "p")]


def test_of_two_synonyms_the_documented_name_wins(tmp_path: Path) -> None:
    rows = [{"path": "no", "file_name": "yes", "class": "no", "label": "yes"}]
    assert read(tmp_path, ".csv", rows) == [Entry("yes", "yes")]


@every_kind
def test_numbers_are_names_of_classes(tmp_path: Path, suffix: str) -> None:
    found = read(tmp_path, suffix, [{"file": "1.png", "label": 3}, {"file": "2.png", "label": 0}])
    assert [entry.label for entry in found] == ["3", "0"]


@every_kind
def test_a_row_without_a_label_has_that_problem(tmp_path: Path, suffix: str) -> None:
    rows = [{"file": "1.png", "label": "  "}, {"file": "2.png", "label": None}]
    rows.append({"file": "3.png", "label": "cat"})
    assert [(e.label, e.problem) for e in read(tmp_path, suffix, rows)] == [
        (None, "no label"),
        (None, "no label"),
        ("cat", None),
    ]


@every_kind
def test_a_row_may_stand_twice(tmp_path: Path, suffix: str) -> None:
    row = {"file": "1.png", "label": "cat"}
    assert read(tmp_path, suffix, [row, row]) == [Entry("1.png", "cat")] * 2


@every_kind
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"label": "cat", "size": 3}, r"expected a column 'file_name' .*; the columns are label"),
        ({"file": "1.png", "kind": "cat"}, r"expected a column 'label' .*; the columns are file, kind"),  # noqa: E501
        ({"file": "", "label": "cat"}, r"row 1: no file name"),
        ({"file": "1.png", "label": "cat", "split": "fold3"}, "row 1: split 'fold3' is none of train"),  # noqa: E501
    ],
    ids=["no file column", "no label column", "no file", "odd split"],
)  # fmt: skip
def test_what_a_table_lacks_is_said(
    tmp_path: Path, suffix: str, row: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, suffix, [row])


@every_kind
def test_a_missing_file_is_named(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(DataError, match=r"gone.* can't be read as a table.*No such file"):
        read_table(tmp_path / f"gone{suffix}")


@every_kind
def test_a_table_that_may_not_be_read_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    WRITERS[suffix]([{"file": "1.png", "label": "cat"}], path)
    path.chmod(0)
    with under_permissions(), pytest.raises(DataError, match=r"can't be read.*Permission denied"):
        read_table(path)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_table_without_rows_is_refused(tmp_path: Path, suffix: str, content: str) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_text(content)
    with pytest.raises(DataError, match="has no rows"):
        read_table(path)


def test_a_parquet_table_without_rows_is_refused(tmp_path: Path) -> None:
    arrow_table = pa.table({"file": pa.array([], pa.string())})
    parquet.write_table(arrow_table, tmp_path / "t.parquet")
    with pytest.raises(DataError, match="has no rows"):
        read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"file": "2.png", ', "line 2: Expecting"),
        ("[1, 2]", r"line 2: expected an object, got \[1, 2\]"),
        ('"cat"', 'line 2: expected an object, got "cat"'),
        ("null", "line 2: expected an object, got null"),
        ("7", "line 2: expected an object, got 7"),
        ('{"file": "a\\u0000b", "label": "cat"}', r"row 2: 'a\\x00b' can't be the name of a file"),
        ('{"file": "\\ud800.png", "label": "x"}', "row 2: .* can't be the name of a file"),
        ("[" * 100_000, "can't be read as a table: RecursionError"),
    ],
    ids=["cut", "list", "string", "null", "number", "null byte", "surrogate", "deep"],
)
@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_json_lines_that_are_no_rows_are_refused(
    tmp_path: Path, line: str, message: str, first: bool
) -> None:
    good = '{"file": "1.png", "label": "cat"}'
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join([line, good] if first else [good, line]))
    place = message.replace("line 2", "line 1").replace("row 2", "row 1") if first else message
    with pytest.raises(DataError, match=place):
        read_table(path)


def test_blank_json_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('\n{"file": "1.png", "label": "cat"}\n\n')
    assert read_table(path) == [Entry("1.png", "cat")]


def test_a_column_that_only_later_rows_have_counts(tmp_path: Path) -> None:
    rows = [{"file": "1.png", "label": "a"}, {"file": "2.png", "label": "a", "split": "test"}]
    assert [entry.split for entry in read(tmp_path, ".jsonl", rows)] == [None, "test"]


def test_half_a_surrogate_in_a_label_is_written_out(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"file": "1.png", "label": "\\ud800", "group": "\\udc00"}')
    (entry,) = read_table(path)
    assert (entry.label, entry.group) == (r"\ud800", r"\udc00")


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("\ufefffile_name,label\n1.png,cat\n".encode())
    assert read_table(tmp_path / "t.csv") == [Entry("1.png", "cat")]


@every_kind
@given(noise=st.binary(max_size=200))
def test_any_bytes_are_rows_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, noise: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"noise{suffix}"
    path.write_bytes(b"file,label\n" * (suffix == ".csv") + noise)
    try:
        found = read_table(path)
    except DataError:
        return
    assert all(entry.path for entry in found)
