"""What the label columns of a table say: by stated rules, and never silently."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from hubel.data.label_columns import label_texts, time_of
from hubel.data.sources import open_source
from hubel.data.tables import Reading, entries_of
from hubel.errors import DataError


def read(columns: dict[str, list[Any]], **wish: Any) -> tuple[list[Any], list[str]]:
    columns = {"file": [f"{n}.png" for n in range(len(next(iter(columns.values()))))]} | columns
    entries, notes = entries_of(columns, Path("t.csv"), Reading(**wish))
    return [e.label if e.labels is None else e.labels for e in entries], notes


def test_lists_are_several_labels_and_an_empty_one_is_none_of_them() -> None:
    labels, notes = read({"labels": [["cat", "big", "cat"], [], None, [3]]})
    assert labels == [("cat", "big"), (), None, ("3",)]
    assert notes == ["the column 'labels' holds lists: each picture may have several labels"]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_lists_come_from_json_and_parquet(tmp_path: Path, suffix: str) -> None:
    rows = [{"file": "1.png", "labels": ["cat", "big"]}, {"file": "2.png", "labels": []}]
    path = tmp_path / f"t{suffix}"
    if suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        parquet.write_table(pa.Table.from_pylist(rows), path)
    assert [e.labels for e in open_source(path).list().entries] == [("cat", "big"), ()]


@pytest.mark.parametrize("sign", ["|", ";"])
@pytest.mark.parametrize("column", ["label", "labels", "tags"])
def test_bars_and_semicolons_stand_between_labels(sign: str, column: str) -> None:
    labels, notes = read({column: [f"cat{sign} big", "cat", ""]})
    assert labels == [("cat", "big"), ("cat",), None]
    assert f"split at {sign!r}: 'cat{sign} big' is several labels" in notes[0]


@pytest.mark.parametrize(
    ("column", "cells", "labels"),
    [
        ("labels", ["a,b", "b", "a,c"], [("a", "b"), ("b",), ("a", "c")]),
        ("tags", ["haze primary", "clear primary"], [("haze", "primary"), ("clear", "primary")]),
        ("labels", ["a, b", "b, c"], [("a", "b"), ("b", "c")]),
        ("label", ["a,b", "b"], ["a,b", "b"]),
        ("label", ["big cat", "cat"], ["big cat", "cat"]),
        ("labels", ["golden retriever", "tabby cat"], ["golden retriever", "tabby cat"]),
        ("labels", ["Paris, France", "Rome, Italy"], ["Paris, France", "Rome, Italy"]),
        ("labels", ["a|b", "c;d"], ["a|b", "c;d"]),
    ],
)
def test_commas_and_blanks_only_where_parts_stand_in_several_cells(
    column: str, cells: list[str], labels: list[Any]
) -> None:
    found, notes = read({column: cells})
    assert found == labels
    assert bool(notes) == (column != "label")  # said, whichever way it was read


def test_the_user_names_the_delimiter_or_that_there_is_none() -> None:
    cells = ["a/b", "c|d"]
    assert read({"label": cells}, delimiter="/")[0] == [("a", "b"), ("c|d",)]
    assert read({"label": cells}, delimiter="none") == (cells, [])
    assert read({"label": ["a b", "c"]}, delimiter="space")[0] == [("a", "b"), ("c",)]


def test_the_delimiter_may_stand_in_the_name_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file,label\n1.png,a/b\n")
    (entry,) = open_source(f"{tmp_path}/t.csv?delimiter=/").list().entries
    assert entry.labels == ("a", "b")


@pytest.mark.parametrize(
    ("columns", "wish", "message"),
    [
        ({"label": ["a", "b"]}, {"delimiter": "|"}, "holds the delimiter '|', so it would have no"),
        ({"label": [["a"]]}, {"delimiter": "|"}, "holds lists; a delimiter has no effect"),
        ({"label": [["a"], "b"]}, {}, "row 2: the column 'label' holds lists; got 'b'"),
        ({"label": ["a"]}, {"label": "kind"}, "no column 'kind'; the columns are file, label"),
        ({"kind": ["a"]}, {}, "two or more columns of zeros and ones; the columns are file, kind"),
        ({"cat": [1], "dog": [2]}, {}, "expected a column 'label'"),
        ({"cat": [1]}, {}, "expected a column 'label'"),
    ],
)
def test_what_has_no_meaning_is_refused(
    columns: dict[str, list[Any]], wish: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message.replace("|", r"\|")):
        read(columns, **wish)


@pytest.mark.parametrize("one", [1, "1", "1.0", True, 1.0])
@pytest.mark.parametrize("nought", [0, "0", "0.0", False])
def test_columns_of_zeros_and_ones_are_classes(one: Any, nought: Any) -> None:
    labels, notes = read({"cat": [one, nought], "dog": [nought, one], "age": ["7", "x"]})
    assert labels == ["cat", "dog"]
    assert notes == [
        "2 columns of zeros and ones are the classes, and each picture has one: cat, dog",
        "columns that are not read: age",
    ]


def test_rows_with_another_number_of_ones_have_several_labels() -> None:
    labels, notes = read({"cat": [1, 0, 1], "dog": [1, 0, 0], "split": ["train", "test", "val"]})
    assert labels == [("cat", "dog"), (), ("cat",)]
    assert "each picture may have several: cat, dog" in notes[0]


def test_a_label_column_is_named_where_several_might_be_meant(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file,label,breed\n1.png,dog,pug\n")
    (entry,) = open_source(f"{tmp_path}/t.csv?label=breed").list().entries
    assert entry.label == "pug"


def test_a_class_map_beside_a_table_names_its_classes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file,labels\n1.png,0|1\n2.png,1\n")
    (tmp_path / "classes.csv").write_text("id,name\n0,cat\n1,dog\n")
    listing = open_source(tmp_path / "t.csv").list()
    assert [entry.labels for entry in listing.entries] == [("cat", "dog"), ("dog",)]
    assert any("classes.csv" in note for note in listing.notes)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1970-01-02", 86_400.0), ("1970-01-01T01:00:00", 3_600.0), ("1970-01-01T00:00:00Z", 0.0),
        ("1970-01-01T02:00:00+02:00", 0.0), ("17.5", 17.5), (3, 3.0), ("", None), (None, None),
        (date(1970, 1, 2), 86_400.0), (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), 60.0),
    ],
)  # fmt: skip
def test_time_is_a_number_or_an_iso_date(value: Any, seconds: float | None) -> None:
    assert time_of(value) == seconds


def test_times_order_the_rows_or_it_is_said_why_not() -> None:
    columns: dict[str, list[Any]] = {"file": ["1", "2"], "label": ["a", "b"]}
    dates = columns | {"date": ["2026-01-01", "2025-01-01"]}
    entries, notes = entries_of(dates, Path("t"), Reading())
    assert (entries[0].time or 0) - (entries[1].time or 0) == 365 * 86_400
    assert notes == []
    dates["date"] = ["2026-01-01", "03/04/25"]
    entries, notes = entries_of(dates, Path("t"), Reading())
    assert [entry.time for entry in entries] == [None, None]
    assert "'date' is not read as time: row 2 has '03/04/25', expected a number or" in notes[0]


@given(
    rows=st.lists(
        st.lists(st.sampled_from(["cat", "dog", "big", "new york"]), min_size=1, unique=True),
        min_size=2,
    ),
    sign=st.sampled_from("|;"),
)
def test_what_is_joined_is_split_again(rows: list[list[str]], sign: str) -> None:
    cells = [sign.join(row) for row in rows]
    labels, _ = label_texts(cells, "labels", None if any(sign in c for c in cells) else "none", "t")
    expected = [tuple(row) for row in rows]
    assert labels == (expected if any(sign in cell for cell in cells) else cells)
