"""Samples of several labels: which task it is, and what their targets are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hubel.data.dataset import Wish, open_dataset, survey
from hubel.data.manifest import SCHEMA, Manifest
from hubel.data.sources import open_source
from hubel.errors import DataError
from tests.conftest import fill


def manifest(rows: list[dict]) -> Manifest:
    blank = dict.fromkeys(SCHEMA.names)
    return Manifest(pa.Table.from_pylist([blank | row for row in rows], schema=SCHEMA))


def test_classes_are_those_of_all_labels_and_targets_have_a_column_each() -> None:
    found = manifest([{"labels": ["b", "a10"]}, {"labels": []}, {"labels": ["a2"]}])
    assert found.task == "multi-label"
    assert found.classes == ("a2", "a10", "b")
    assert found.targets.tolist() == [[0, 1, 1], [0, 0, 0], [1, 0, 0]]
    assert found.targets.dtype == np.uint8


def test_the_column_decides_and_not_its_values() -> None:
    assert manifest([{"labels": ["a"]}, {"labels": ["b"]}]).task == "multi-label"
    assert manifest([{"label": "a"}, {"label": "b"}]).task == "single-label"


def test_rows_that_were_left_out_have_no_targets_and_keep_their_truth() -> None:
    found = manifest(
        [{"labels": ["a"]}, {"labels": ["b"]}, {"labels": ["a"], "problem": "broken"},
         {"labels": ["c"], "problem": "broken"}, {"problem": "no label"}]
    )  # fmt: skip
    assert found.targets[2:].tolist() == [[0, 0]] * 3
    rows = np.arange(5)
    assert found.encode(rows)[2].tolist() == [1, 0]
    assert found.has_truth(rows).tolist() == [True, True, True, False, False]


def opened(folder: Path, rows: list[dict]) -> Manifest:
    fill(folder, len(rows))
    files = sorted(path.name for path in folder.glob("*.png"))
    table = folder / "labels.jsonl"
    lines = [json.dumps({"file_name": f} | row) for f, row in zip(files, rows, strict=True)]
    table.write_text("\n".join(lines))
    source = open_source(table)
    found = survey(source, Wish(), 1, lambda _: None)
    return open_dataset(source, found, 0).manifest


def test_lists_of_a_table_become_labels_also_where_they_are_empty(tmp_path: Path) -> None:
    rows = [{"labels": ["x", "y"]}, {"labels": []}, {"labels": ["y"]}, {"labels": ["x"]}] * 10
    found = opened(tmp_path, rows)
    assert found.task == "multi-label"
    assert found.table["labels"].to_pylist() == [row["labels"] for row in rows]
    assert found.accepted.all()


def test_a_column_of_lists_and_names_is_an_error(tmp_path: Path) -> None:
    rows = [{"labels": ["x", "y"]}] * 10 + [{"labels": "x"}] * 10
    with pytest.raises(DataError, match="the column 'labels' holds lists; got 'x'"):
        opened(tmp_path, rows)


def test_some_with_a_label_and_some_with_a_list_are_an_error(tmp_path: Path) -> None:
    rows = [{"labels": ["x", "y"]}, {"labels": ["y"]}] * 10
    opened(tmp_path, rows)
    source = open_source(tmp_path / "labels.jsonl")
    listing, records = survey(source, Wish(), 1, lambda _: None)
    first = listing.entries[0]._replace(label="x", labels=None)
    mixed = replace(listing, entries=(first, *listing.entries[1:]))
    with pytest.raises(DataError, match=r"has one label, 'x', and .* a list of them, \['y'\]"):
        open_dataset(source, (mixed, records), 0)
