"""Tables that name pictures and their labels: CSV, TSV, JSON lines, Parquet."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubel.data.classmap import ClassMap
from hubel.data.folders import Entry, split_of
from hubel.data.label_columns import Label, label_texts, named, one_hot, text_of, times_of
from hubel.errors import DataError

__all__ = [
    "LABEL_COLUMNS",
    "TABLE_SUFFIXES",
    "Reading",
    "entries_of",
    "names_labels",
    "read_columns",
    "read_table",
]

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
_SYNONYMS = {
    "file": ("file_name", "file", "filename", "path", "filepath", "image", "image_path"),
    "label": ("label", "class", "target", "category", "labels", "tags"),
    "split": ("split", "set", "subset"),
    "group": ("group", "patient", "subject"),
    "time": ("time", "timestamp", "datetime", "date"),
}
LABEL_COLUMNS = _SYNONYMS["label"]
Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the user wants a table read: None leaves it to the rules.

    `delimiter` stands between labels, `label` names their column, `names` what ids are called.
    """

    delimiter: str | None = None
    label: str | None = None
    names: ClassMap | None = None


def read_table(path: Path) -> list[Entry]:
    """Read the rows of a table, by the rules.

    Args:
        path: a `.csv`, `.tsv`, `.jsonl` or `.parquet` file with the columns `file_name` and
            `label`, and `split`, `group` and `time` where they are known (common synonyms are
            taken), or with a column of zeros and ones a class.

    Raises:
        DataError: the table can't be read, a column is missing, or a split has another name.
    """
    return entries_of(read_columns(path), path, Reading())[0]


def read_columns(path: Path) -> dict[str, list[Any]]:
    """The columns of a table by name.

    Raises:
        DataError: it can't be read.
    """
    try:
        if path.suffix.lower() == ".parquet":
            from hubel.data.manifest import read_parquet

            return read_parquet(path).to_pydict()
        with open(path, encoding="utf-8-sig", newline="") as stream:
            if path.suffix.lower() == ".jsonl":
                lines = ((number, line) for number, line in enumerate(stream, 1) if line.strip())
                return _columns([_object(line, number) for number, line in lines])
            delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
            return _columns(list(csv.DictReader(stream, delimiter=delimiter)))
    except DataError:
        raise
    except Exception as error:  # foreign bytes
        raise DataError(
            f"{path} can't be read as a table: {type(error).__name__}: {error}"
        ) from error


def _columns(rows: list[dict[Any, Any]]) -> dict[str, list[Any]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in names}


def _object(line: str, number: int) -> dict[Any, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error
    if not isinstance(row, dict):
        raise ValueError(f"line {number}: expected an object, got {line.strip()[:40]}")
    return row


def entries_of(
    columns: Columns, path: Path, reading: Reading, files: Sequence[str] | None = None
) -> tuple[list[Entry], list[str]]:
    """What the rows of a table say, and notes for the user.

    Args:
        columns: as `read_columns` gives them.
        path: of the table, for messages.
        reading: what the user wants.
        files: the path of each row's sample, where no column names it.

    Raises:
        DataError: a column is missing, or a row says what can't be.
    """
    if not any(len(column) for column in columns.values()):
        raise DataError(f"{path} has no rows")
    roles = _roles(columns, path, reading)
    if files is None:
        files = _files(columns, roles, path)
    labels, notes = _labels(columns, roles, path, reading)
    given = enumerate(columns.get(roles.get("split", ""), ()), 1)
    splits = [_split(value, f"{path}, row {number}") for number, value in given]
    groups = [text_of(value) for value in columns.get(roles.get("group", ""), ())]
    times, told = times_of(columns.get(roles.get("time", ""), ()), roles.get("time", ""))
    nothing = [None] * len(files)
    rows = zip(files, labels, splits or nothing, groups or nothing, times or nothing, strict=True)
    return [_entry(*row) for row in rows], [*notes, *told]


def _roles(columns: Columns, path: Path, reading: Reading) -> dict[str, str]:
    lowered = {str(name).strip().lower(): name for name in columns}
    found = {
        role: lowered[name]
        for role, synonyms in _SYNONYMS.items()
        for name in reversed(synonyms)
        if name in lowered
    }
    if reading.label is not None:
        if reading.label not in columns:
            names = ", ".join(map(str, columns))
            raise DataError(
                f"{path}: there is no column {reading.label!r}; the columns are {names}"
            )
        found["label"] = reading.label
    return found


def names_labels(columns: Columns) -> bool:
    """Whether a table names pictures, and says what stands in them."""
    roles = _roles(columns, Path(), Reading())
    said = "label" in roles or one_hot(columns, set(roles.values())) is not None
    return said and "file" in roles


def _files(columns: Columns, roles: dict[str, str], path: Path) -> list[str]:
    if "file" not in roles:
        raise _missing("file", "file_name", columns, path)
    files: list[str] = []
    for number, value in enumerate(columns[roles["file"]], 1):
        file = None if value is None else str(value).strip()
        if not file:
            raise DataError(f"{path}, row {number}: no file name")
        if not _can_be_a_name(file):
            raise DataError(f"{path}, row {number}: {file!r} can't be the name of a file")
        files.append(file)
    return files


def _labels(
    columns: Columns, roles: dict[str, str], path: Path, reading: Reading
) -> tuple[list[Label], list[str]]:
    if "label" in roles:
        name = roles["label"]
        labels, notes = label_texts(columns[name], name, reading.delimiter, str(path))
    else:
        found = one_hot(columns, set(roles.values()))
        if found is None:
            raise _missing("label", "label", columns, path)
        labels, notes = found
    if reading.names is not None:
        notes = [*notes, f"names of the classes from {reading.names.origin}"]
    return named(labels, reading.names), notes


def _missing(role: str, wanted: str, columns: Columns, path: Path) -> DataError:
    more = ", or two or more columns of zeros and ones" if role == "label" else ""
    return DataError(
        f"{path}: expected a column {wanted!r} (or one of {', '.join(_SYNONYMS[role])}){more}; "
        f"the columns are {', '.join(map(str, columns))}"
    )


def _split(value: Any, where: str) -> str | None:
    given = text_of(value)
    split = None if given is None else split_of(given)
    if given is not None and split is None:
        raise DataError(f"{where}: split {given!r} is none of train, val, test")
    return split


def _entry(
    file: str, label: Label, split: str | None, group: str | None, moment: float | None
) -> Entry:
    one = label if isinstance(label, str) else None
    several = label if isinstance(label, tuple) else None
    problem = "no label" if label is None else None
    return Entry(file, one, split, group, problem=problem, labels=several, time=moment)


def _can_be_a_name(file: str) -> bool:
    try:
        return b"\0" not in os.fsencode(file)
    except UnicodeEncodeError:
        return False
