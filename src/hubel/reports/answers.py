"""The predictions of a run, as arrays that the sections pick pictures from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hubel.reports.facts import Table
from hubel.reports.several import joined


@dataclass(frozen=True)
class Answers:
    """One entry a labelled picture that got an answer, in the table's order.

    Args:
        files: as the manifest names them.
        labels: true class.
        predicted: the class with the highest probability.
        confidence: float64 (n,), probability of `predicted`, nan where it was not kept.
        label_probability: float64 (n,), probability of the true class, nan likewise.
        unread: file and error of the pictures that got none.
    """

    files: list[str]
    labels: list[str]
    predicted: list[str]
    confidence: NDArray[np.float64]
    label_probability: NDArray[np.float64]
    unread: list[tuple[str, str]]

    @classmethod
    def read(cls, table: Table) -> Answers:
        """From predictions.parquet; several labels of a picture are one line, without a share."""
        truth = "labels" if "labels" in table.column_names else "label"
        files, labels, predicted, errors = (
            cast(list[Any], table.column(name).to_pylist())
            for name in ("file", truth, "predicted", "error")
        )
        if truth == "labels":
            labels, predicted = _lines(labels), _lines(predicted)
        answered = [
            row
            for row, name in enumerate(predicted)
            if name is not None and labels[row] is not None
        ]
        columns = {
            name.removeprefix("probability:"): np.asarray(
                table.column(name).to_numpy(), dtype=np.float64
            )
            for name in table.column_names
            if name.startswith("probability:") and truth == "label"
        }
        return cls(
            files=[files[row] for row in answered],
            labels=[labels[row] for row in answered],
            predicted=[predicted[row] for row in answered],
            confidence=_probabilities(columns, predicted, answered),
            label_probability=_probabilities(columns, labels, answered),
            unread=[
                (files[row], str(error)) for row, error in enumerate(errors) if error is not None
            ],
        )

    @property
    def right(self) -> NDArray[np.bool_]:
        """Where the answer is the label, (n,)."""
        pairs = zip(self.labels, self.predicted, strict=True)
        return np.fromiter((label == name for label, name in pairs), bool, len(self.files))

    def mistakes(self) -> list[int]:
        """Positions of the wrong answers, the most confident first."""
        return self._surest_first(np.flatnonzero(~self.right))

    def cell(self, label: str, predicted: str) -> list[int]:
        """Positions of one cell of the matrix: surest mistakes, or least sure right answers."""
        return self._cells.get((label, predicted), [])

    @cached_property
    def _cells(self) -> dict[tuple[str, str], list[int]]:
        cells: dict[tuple[str, str], list[int]] = {}
        for row in self._surest_first(np.arange(len(self.files))):
            cells.setdefault((self.labels[row], self.predicted[row]), []).append(row)
        for (label, predicted), rows in cells.items():
            if label == predicted:
                rows.reverse()
        return cells

    def _surest_first(self, rows: NDArray[np.intp]) -> list[int]:
        order = np.argsort(-np.nan_to_num(self.confidence[rows]), kind="stable")
        return [int(row) for row in rows[order]]


def _lines(rows: list[Any]) -> list[Any]:
    return [None if names is None else joined(names) for names in rows]


def _probabilities(
    columns: dict[str, NDArray[np.float64]], names: list[Any], rows: list[int]
) -> NDArray[np.float64]:
    return np.array(
        [columns[names[row]][row] if names[row] in columns else np.nan for row in rows], np.float64
    )


def drawn(files: Sequence[str], most: int) -> list[int]:
    """The first positions in the order of the names' hashes: the same pictures at every build."""
    order = sorted(range(len(files)), key=lambda row: _hash(files[row]))
    return order[:most]


def _hash(file: str) -> bytes:
    return hashlib.blake2b(file.encode("utf-8", "backslashreplace"), digest_size=8).digest()
