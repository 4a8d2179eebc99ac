"""Tables that name pictures and their labels: CSV, TSV, JSON lines, Parquet."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

from hubel.data.folders import Entry, split_of
from hubel.errors import DataError

__all__ = ["TABLE_SUFFIXES", "read_table"]

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
_SYNONYMS = {
    "file": ("file_name", "file", "filename", "path", "filepath", "image", "image_path"),
    "label": ("label", "class", "target", "category", "labels"),
    "split": ("split", "set", "subset"),
    "group": ("group", "patient", "subject"),
}


def read_table(path: Path) -> list[Entry]:
    """Read the rows of a table.

    Args:
        path: a `.csv`, `.tsv`, `.jsonl` or `.parquet` file with the columns `file_name` and
            `label`, and `split` and `group` where they are known (common synonyms are taken).

    Raises:
        DataError: the table can't be read, a column is missing, or a split has another name.
    """
    try:
        rows = _rows(path)
    except DataError:
        raise
    except Exception as error:  # foreign bytes
        raise DataError(
            f"{path} can't be read as a table: {type(error).__name__}: {error}"
        ) from error
    if not rows:
        raise DataError(f"{path} has no rows")
    columns = _columns(list(dict.fromkeys(name for row in rows for name in row)), path)
    return [_entry(row, columns, f"{path}, row {number}") for number, row in enumerate(rows, 1)]


def _rows(path: Path) -> list[dict[str, Any]]:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        from hubel.data.manifest import read_parquet

        return read_parquet(path).to_pylist()
    with open(path, encoding="utf-8-sig", newline="") as stream:
        if suffix == ".jsonl":
            return [_object(line, number) for number, line in enumerate(stream, 1) if line.strip()]
        return list(csv.DictReader(stream, delimiter="\t" if suffix == ".tsv" else ","))


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error
    if not isinstance(row, dict):
        raise ValueError(f"line {number}: expected an object, got {line.strip()[:40]}")
    return row


def _columns(names: list[str], path: Path) -> dict[str, str]:
    lowered = {str(name).strip().lower(): name for name in names}
    found = {
        role: lowered[name]
        for role, synonyms in _SYNONYMS.items()
        for name in reversed(synonyms)
        if name in lowered
    }
    for role, wanted in (("file", "file_name"), ("label", "label")):
        if role not in found:
            raise DataError(
                f"{path}: expected a column {wanted!r} (or one of {', '.join(_SYNONYMS[role])}); "
                f"the columns are {', '.join(map(str, names))}"
            )
    return found


def _entry(row: dict[str, Any], columns: dict[str, str], where: str) -> Entry:
    def value(role: str) -> str | None:
        found = row.get(columns[role]) if role in columns else None
        return None if found is None or str(found).strip() == "" else str(found).strip()

    file, given = value("file"), value("split")
    several = _several(row.get(columns["label"]))
    label = None if several is not None else value("label")
    if file is None:
        raise DataError(f"{where}: no file name")
    if not _can_be_a_name(file):
        raise DataError(f"{where}: {file!r} can't be the name of a file")
    split = split_of(given) if given is not None else None
    if given is not None and split is None:
        raise DataError(f"{where}: split {given!r} is none of train, val, test")
    problem = "no label" if label is None and several is None else None
    group = value("group")
    return Entry(
        file, label and _text(label), split, group and _text(group), problem=problem, labels=several
    )


def _several(value: Any) -> tuple[str, ...] | None:
    """The labels of a list, of which there may be none."""
    if not isinstance(value, list | tuple):
        return None
    names = (str(name).strip() for name in value if name is not None)
    return tuple(dict.fromkeys(_text(name) for name in names if name))


def _can_be_a_name(file: str) -> bool:
    try:
        return b"\0" not in os.fsencode(file)
    except UnicodeEncodeError:
        return False


def _text(value: str) -> str:
    """JSON can hold half a surrogate pair, which no other format takes: written as `\\uNNNN`."""
    return value.encode("utf-8", "backslashreplace").decode()
