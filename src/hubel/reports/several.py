"""The predictions of a run whose pictures have several labels at once, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hubel.reports.facts import Table

__all__ = ["Several", "joined"]


def joined(names: Sequence[str]) -> str:
    """Labels of a picture in a line.

    Example:
        >>> joined(["ring", "cross"]), joined([])
        ('ring + cross', 'none')
    """
    return " + ".join(names) or "none"


@dataclass(frozen=True)
class Several:
    """One row a labelled picture that got an answer, in the order of `Answers`.

    Args:
        classes: (k,) names.
        truth: (n, k) whether a picture has a label.
        given: (n, k) whether it was given it.
        probabilities: (n, k) what was said.
    """

    classes: list[str]
    truth: NDArray[np.bool_]
    given: NDArray[np.bool_]
    probabilities: NDArray[np.float64]

    @classmethod
    def read(cls, table: Table) -> Several | None:
        """From predictions.parquet; None where pictures have one label."""
        names = table.column_names
        if "labels" not in names:
            return None
        start = "probability:"
        classes = [name.removeprefix(start) for name in names if name.startswith(start)]
        labels, predicted = (
            cast(list[Any], table.column(name).to_pylist()) for name in ("labels", "predicted")
        )
        rows = [row for row, found in enumerate(predicted) if found is not None]
        columns = [
            np.asarray(table.column(start + name).to_numpy(), np.float64) for name in classes
        ]
        return cls(
            classes=classes,
            truth=_bits(labels, rows, classes),
            given=_bits(predicted, rows, classes),
            probabilities=np.stack(columns, axis=1)[rows],
        )

    def missed(self, label: int) -> list[int]:
        """Pictures that have a label and were not given it, the surest mistake first."""
        return self._sorted(self.truth[:, label] & ~self.given[:, label], label, -1)

    def invented(self, label: int) -> list[int]:
        """Pictures that were given a label that they lack, the surest mistake first."""
        return self._sorted(~self.truth[:, label] & self.given[:, label], label, 1)

    def instead(self, label: int) -> tuple[str, int] | None:
        """What pictures that were denied a label were most often given wrongly, and how often."""
        denied = self.truth[:, label] & ~self.given[:, label]
        counts = (denied[:, None] & self.given & ~self.truth).sum(axis=0)
        best = int(counts.argmax())
        return (self.classes[best], int(counts[best])) if counts[best] else None

    def together(self) -> NDArray[np.int64]:
        """(k, k), how many pictures have both of two labels."""
        truth = self.truth.astype(np.int64)
        return truth.T @ truth

    def mistakes(self) -> list[tuple[int, int]]:
        """Row and label of every wrong yes or no, the surest first."""
        rows, labels = np.nonzero(self.truth != self.given)
        said = self.probabilities[rows, labels]
        sure = np.where(self.given[rows, labels], said, 1 - said)
        return [(int(rows[k]), int(labels[k])) for k in np.argsort(-sure, kind="stable")]

    def sure(self, row: int, label: int) -> float:
        """How probable it held what it answered."""
        said = float(self.probabilities[row, label])
        return said if self.given[row, label] else 1 - said

    def _sorted(self, flags: NDArray[np.bool_], label: int, sign: int) -> list[int]:
        rows = np.flatnonzero(flags)
        order = np.argsort(-sign * self.probabilities[rows, label], kind="stable")
        return [int(row) for row in rows[order]]


def _bits(found: list[Any], rows: list[int], classes: list[str]) -> NDArray[np.bool_]:
    place = {name: number for number, name in enumerate(classes)}
    bits = np.zeros((len(rows), len(classes)), np.bool_)
    for row, source in enumerate(rows):
        bits[row, [place[name] for name in found[source] or ()]] = True
    return bits
