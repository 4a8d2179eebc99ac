"""Predictions of several labels as columns: predictions.parquet, and the way back.

Columns: `file`, `labels` and `predicted` (lists of names), one `probability:<class>` for each
class, `error`. A row with an error has no answer: null, not an empty list. The table's schema also
carries the task, the split, the temperature and the thresholds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.errors import DataError
from hubel.evaluation.predictions import METADATA, PROBABILITY

__all__ = ["from_table", "probabilities", "to_table", "with_json_lists"]

Columns = dict[str, list[Any]]
_LISTS = ("labels", "predicted")


def probabilities(shares: Iterable[tuple[str, list[float]]], scored: NDArray[np.bool_]) -> Columns:
    """The columns of probabilities, with nothing where a row has no answer."""
    good = scored.tolist()
    return {
        PROBABILITY + name: [p if ok else None for p, ok in zip(column, good, strict=True)]
        for name, column in shares
    }


def with_json_lists(columns: Columns) -> Columns:
    """The same with lists as JSON text, for files of text.

    Example:
        >>> with_json_lists({"file": ["a.png"], "labels": [["cat", "dog"]], "predicted": [None]})
        {'file': ['a.png'], 'labels': ['["cat", "dog"]'], 'predicted': [None]}
    """
    return {
        name: [None if v is None else json.dumps(v, ensure_ascii=False) for v in column]
        if name in _LISTS
        else column
        for name, column in columns.items()
    }


def to_table(columns: Columns, about: dict[str, Any]) -> Any:
    """The columns as a `pyarrow.Table`: text, lists of text, and float64 for probabilities."""
    pa: Any = import_module("pyarrow")

    def kind(name: str) -> Any:
        if name in _LISTS:
            return pa.list_(pa.string())
        return pa.float64() if name.startswith(PROBABILITY) else pa.string()

    fields = [pa.field(name, kind(name)) for name in columns]
    metadata = {METADATA: json.dumps({"task": "multi-label"} | about)}
    return pa.table(list(columns.values()), schema=pa.schema(fields, metadata=metadata))


def from_table(table: Any) -> dict[str, Any]:
    """The arguments of the `MultiLabelEvaluation` whose table this is.

    Raises:
        DataError: not such a table: a column or what its schema carries is missing, a label is no
            class, or a prediction is not what the thresholds say.
    """
    about = _about(table)
    classes = tuple(
        name.removeprefix(PROBABILITY) for name in table.column_names
        if name.startswith(PROBABILITY)
    )  # fmt: skip
    columns = [table.column(PROBABILITY + name).to_pylist() for name in classes]
    shares = np.array([[np.nan if p is None else p for p in column] for column in columns])
    fields: dict[str, Any] = {
        "files": tuple(table.column("file").to_pylist()),
        "labels": _bits(table.column("labels").to_pylist(), classes),
        "classes": classes,
        "probabilities": shares.reshape(len(classes), -1).T,
        "thresholds": np.array(about.pop("thresholds"), np.float64),
        "errors": tuple(table.column("error").to_pylist()),
    }
    _check_predicted(table.column("predicted").to_pylist(), fields)
    return fields | about


def _about(table: Any) -> dict[str, Any]:
    missing = [name for name in ("file", *_LISTS, "error") if name not in table.column_names]
    if missing:
        raise DataError(
            f"expected a table that a MultiLabelEvaluation made; it lacks the columns {missing}"
        )
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    try:
        about = json.loads(metadata[METADATA])
        return {name: about[name] for name in ("split", "temperature", "thresholds")}
    except (KeyError, TypeError, ValueError):
        raise DataError(
            "expected a table that a MultiLabelEvaluation made; it lacks the split and the "
            "thresholds in its schema"
        ) from None


def _bits(rows: list[list[str] | None], classes: tuple[str, ...]) -> NDArray[np.uint8]:
    place = {name: number for number, name in enumerate(classes)}
    found = np.zeros((len(rows), len(classes)), np.uint8)
    for row, names in enumerate(rows):
        for name in names or ():
            if name not in place:
                raise DataError(
                    f"label {name!r} in row {row} is none of the classes {list(classes)}"
                )
            found[row, place[name]] = 1
    return found


def _check_predicted(predicted: list[list[str] | None], fields: dict[str, Any]) -> None:
    with np.errstate(invalid="ignore"):
        given = fields["probabilities"] >= fields["thresholds"]
    for row, (names, error) in enumerate(zip(predicted, fields["errors"], strict=True)):
        expected = [fields["classes"][place] for place in np.flatnonzero(given[row])]
        if names != (None if error is not None else expected):
            raise DataError(
                f"row {row} predicts {names}, but its probabilities and thresholds {expected}"
            )
