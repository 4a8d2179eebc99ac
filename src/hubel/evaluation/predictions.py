"""Predictions as columns: predictions.parquet, predictions.csv, and the way back.

Columns: `file`, `label`, `predicted`, one `probability:<class>` for each class, `error`. A row with
an error has no prediction and no probabilities. The table's schema also carries the split and the
temperature, so that a table alone gives back the evaluation; a file of text can't.
"""

from __future__ import annotations

import csv
import io
import json
from importlib import import_module
from typing import Any

import numpy as np

from hubel.errors import DataError

__all__ = ["METADATA", "PROBABILITY", "from_table", "to_csv", "to_table"]

PROBABILITY = "probability:"
_PLAIN = ("file", "label", "predicted", "error")
METADATA = b"hubel.evaluation"

Columns = dict[str, list[Any]]


def to_csv(columns: Columns) -> str:
    """The columns as text after RFC 4180: lines end in CR LF, nothing is an empty cell.

    Write it with `newline=""`, as a name may hold any character, line ends included.

    Example:
        >>> to_csv({"file": ['a "b",c.png'], "error": [None]})
        'file,error\\r\\n"a ""b"",c.png",\\r\\n'
    """
    text = io.StringIO(newline="")
    # The writer quotes a lone CR or LF only where the line end holds both.
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def to_table(columns: Columns, split: str, temperature: float | None) -> Any:
    """The columns as a `pyarrow.Table`: text, and float64 for probabilities."""
    pa: Any = import_module("pyarrow")
    fields = [
        pa.field(name, pa.float64() if name.startswith(PROBABILITY) else pa.string())
        for name in columns
    ]
    metadata = {METADATA: json.dumps({"split": split, "temperature": temperature})}
    return pa.table(list(columns.values()), schema=pa.schema(fields, metadata=metadata))


def from_table(table: Any) -> dict[str, Any]:
    """The arguments of the `Evaluation` whose table this is.

    Raises:
        DataError: not such a table: a column or the split is missing, a label is no class, or a
            prediction is not the most probable class.
    """
    about = _about(table)
    classes = tuple(n.removeprefix(PROBABILITY) for n in _names(table) if n.startswith(PROBABILITY))
    probabilities = [_floats(table.column(PROBABILITY + name)) for name in classes]
    columns: Columns = {name: table.column(name).to_pylist() for name in _PLAIN}
    fields: dict[str, Any] = {
        "files": tuple(str(name) for name in columns["file"]),
        "labels": np.array(_places(columns["label"], classes), dtype=np.int64),
        "classes": classes,
        "probabilities": np.stack(probabilities, axis=1) if classes else np.empty((0, 0)),
        "errors": tuple(columns["error"]),
    }
    _check_predicted(columns["predicted"], fields)
    return fields | about


def _about(table: Any) -> dict[str, Any]:
    """Split and temperature, after a look at whether this is such a table at all."""
    missing = [
        name for name in ("file", "label", "predicted", "error") if name not in _names(table)
    ]
    if missing:
        raise DataError(f"expected a table that an Evaluation made; it lacks the columns {missing}")
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    try:
        about = json.loads(metadata[METADATA])
        return {"split": about["split"], "temperature": about["temperature"]}
    except (KeyError, TypeError, ValueError):
        raise DataError(
            "expected a table that an Evaluation made; it lacks the split in its schema"
        ) from None


def _names(table: Any) -> list[str]:
    return list(table.column_names)


def _floats(column: Any) -> Any:
    return np.array([np.nan if p is None else p for p in column.to_pylist()], dtype=np.float64)


def _places(labels: list[str], classes: tuple[str, ...]) -> list[int]:
    place = {name: i for i, name in enumerate(classes)}
    for row, label in enumerate(labels):
        if label not in place:
            raise DataError(f"label {label!r} in row {row} is none of the classes {list(classes)}")
    return [place[label] for label in labels]


def _check_predicted(predicted: list[str | None], fields: dict[str, Any]) -> None:
    rows = zip(predicted, fields["probabilities"], fields["errors"], strict=True)
    for row, (given, probabilities, error) in enumerate(rows):
        expected = None if error is not None else fields["classes"][probabilities.argmax()]
        if given != expected:
            raise DataError(f"row {row} predicts {given!r}, but its probabilities {expected!r}")
