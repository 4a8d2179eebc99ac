"""The predictions of a classifier on a split, one row a sample, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.errors import DataError
from hubel.evaluation import estimates, metrics, predictions
from hubel.evaluation.checks import check_classes, check_rows, check_text
from hubel.evaluation.ece_interval import estimate_ece
from hubel.evaluation.estimates import ClassEstimates
from hubel.evaluation.intervals import CONFIDENCE, Estimate, wilson
from hubel.evaluation.metrics import Counts, Floats, Reliability

__all__ = ["SCHEMA_VERSION", "Evaluation"]

SCHEMA_VERSION = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """The predictions of a classifier on a split, one row a sample, and every metric of them.

    A row with an error has no prediction. It counts in `n` and in `num_errors`, and in no metric:
    those are over the other rows, and undefined (None, null) if there is none.
    The predicted class is the most probable one; of equals, the first in the order of `classes`.

    Attributes:
        files: (n,) name of each sample.
        labels: (n,) true classes as places in `classes`.
        classes: (k,) class names, each once.
        probabilities: (n, k) rows that sum to 1; all NaN where the row has an error.
        errors: (n,) what went wrong with each sample, or None.
        split: "train", "val" or "test".
        temperature: what the logits were divided by, or None without calibration.

    Raises:
        DataError: no rows, lengths that differ, labels out of range, class names twice, text that
            is not valid Unicode, or rows that are not probabilities.

    Example:
        >>> evaluation = Evaluation(
        ...     files=("a.png", "b.png", "c.png"), labels=np.array([0, 1, 1]),
        ...     classes=("cat", "dog"), split="test", errors=(None, None, "broken"),
        ...     probabilities=np.array([[0.9, 0.1], [0.2, 0.8], [np.nan, np.nan]]))
        >>> evaluation.accuracy.value, evaluation.num_errors, evaluation.correct.tolist()
        (1.0, 1, [True, True])
    """

    files: tuple[str, ...]
    labels: Counts
    classes: tuple[str, ...]
    probabilities: Floats
    errors: tuple[str | None, ...]
    split: str
    temperature: float | None = None

    def __post_init__(self) -> None:
        check_classes(self.classes)
        labels = metrics.check_labels(self.labels, len(self.classes))
        probabilities = np.array(self.probabilities, dtype=np.float64)
        self._check_lengths(probabilities)
        for text in (*self.files, *self.classes, *self.errors):
            check_text(text)
        check_rows(probabilities, ~self.scored)
        labels.setflags(write=False)
        probabilities.setflags(write=False)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "probabilities", probabilities)

    def _check_lengths(self, probabilities: Floats) -> None:
        n = len(self.labels)
        if not len(self.files) == len(self.errors) == n:
            raise DataError(
                f"expected one file, label and error a row; "
                f"got {len(self.files)}, {n} and {len(self.errors)}"
            )
        if probabilities.shape != (n, len(self.classes)):
            raise DataError(
                f"expected probabilities of shape {(n, len(self.classes))}, rows by classes; "
                f"got {probabilities.shape}"
            )

    def __len__(self) -> int:
        return len(self.files)

    @cached_property
    def scored(self) -> NDArray[np.bool_]:
        """(n,) whether the row has a prediction."""
        return np.array([error is None for error in self.errors])

    @property
    def num_errors(self) -> int:
        """Rows without a prediction."""
        return len(self) - int(self.scored.sum())

    @cached_property
    def predicted(self) -> Counts:
        """(scored,) predicted class of each row that has one, in the order of the rows."""
        return self.probabilities[self.scored].argmax(axis=1)

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """(scored,) whether each prediction is right, as `comparison.compare` takes it."""
        return self.predicted == self.labels[self.scored]

    @cached_property
    def confusion(self) -> Counts:
        """(k, k) counts: rows the true class, columns the predicted one."""
        if not self.scored.any():
            return np.zeros((len(self.classes),) * 2, dtype=np.int64)
        true = self.labels[self.scored]
        return metrics.confusion_counts(true, self.predicted, len(self.classes))

    @cached_property
    def bins(self) -> Reliability:
        """Confidence against correctness in 15 equal bins."""
        return metrics.reliability(self.probabilities[self.scored].max(axis=1), self.correct)

    @property
    def headline(self) -> Estimate:
        """What classifiers are compared by."""
        return self.accuracy

    @cached_property
    def accuracy(self) -> Estimate:
        """Share of right predictions."""
        return estimates.estimate_accuracy(self.confusion)

    @cached_property
    def balanced_accuracy(self) -> Estimate:
        """Mean recall of the classes that have samples."""
        return estimates.estimate_balanced_accuracy(self.confusion)

    @cached_property
    def macro_f1(self) -> Estimate:
        """Mean F1 of the classes that are true or predicted anywhere."""
        return estimates.estimate_macro_f1(self.confusion)

    @cached_property
    def log_loss(self) -> Estimate:
        """Mean negative log-likelihood, in nats."""
        return estimates.estimate_log_loss(
            self.labels[self.scored], self.probabilities[self.scored]
        )

    @cached_property
    def ece(self) -> Estimate:
        """Expected calibration error: the value as measured, the interval of what is behind it."""
        return estimate_ece(self.bins)

    @cached_property
    def by_class(self) -> dict[str, ClassEstimates]:
        """Precision, recall and F1 of each class, by name."""
        return dict(zip(self.classes, estimates.estimate_classes(self.confusion), strict=True))

    def columns(self) -> dict[str, list[Any]]:
        """The rows by column, as predictions.parquet and predictions.csv hold them."""
        ok = self.scored.tolist()
        guesses = iter(self.predicted.tolist())
        columns: dict[str, list[Any]] = {
            "file": list(self.files),
            "label": [self.classes[label] for label in self.labels.tolist()],
            "predicted": [self.classes[next(guesses)] if good else None for good in ok],
        }
        for name, column in zip(self.classes, self.probabilities.T.tolist(), strict=True):
            values = [p if good else None for p, good in zip(column, ok, strict=True)]
            columns[predictions.PROBABILITY + name] = values
        return columns | {"error": list(self.errors)}

    def csv_text(self) -> str:
        """predictions.csv; write it with `newline=""`, as names may hold line ends."""
        return predictions.to_csv(self.columns())

    def table(self) -> Any:
        """predictions.parquet as a `pyarrow.Table`, with split and temperature in its schema."""
        return predictions.to_table(self.columns(), self.split, self.temperature)

    @classmethod
    def from_table(cls, table: Any) -> Evaluation:
        """The evaluation that made a table, for example read back from predictions.parquet.

        Raises:
            DataError: not such a table, or one that was changed.
        """
        return cls(**predictions.from_table(table))

    def to_json(self) -> dict[str, Any]:
        """Everything computed, as evaluation.json holds it; undefined numbers are None."""
        return {
            "schema_version": SCHEMA_VERSION,
            "split": self.split,
            "n": len(self),
            "errors": self.num_errors,
            "confidence": CONFIDENCE,
            "accuracy": self.accuracy.to_json(),
            "balanced_accuracy": self.balanced_accuracy.to_json(),
            "log_loss": self.log_loss.to_json(),
            "ece": self.ece.to_json(),
            "macro_f1": self.macro_f1.to_json(),
            "classes": {name: entry.to_json() for name, entry in self.by_class.items()},
            "confusion": {"labels": list(self.classes), "counts": self.confusion.tolist()},
            "calibration": {"temperature": self.temperature, "bins": _bins_json(self.bins)},
        }


def _bins_json(bins: Reliability) -> list[dict[str, Any]]:
    return [
        {
            "low": float(bins.edges[i]),
            "high": float(bins.edges[i + 1]),
            "n": int(n),
            "confidence": float(bins.confidence[i] / n) if n else None,
            "accuracy": wilson(int(bins.correct[i]), int(n)).to_json(),
        }
        for i, n in enumerate(bins.counts)
    ]
