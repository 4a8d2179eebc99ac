"""The predictions of a classifier of several labels on a split, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.errors import DataError
from hubel.evaluation.checks import check_classes, check_text
from hubel.evaluation.intervals import CONFIDENCE, Estimate, wilson_of_average
from hubel.evaluation.metrics import NUM_BINS, Floats, bin_of
from hubel.evaluation.multilabel import estimates, predictions
from hubel.evaluation.multilabel.estimates import LabelEstimates
from hubel.evaluation.multilabel.ranking import Bits
from hubel.evaluation.predictions import to_csv

__all__ = ["MultiLabelEvaluation"]

_SCHEMA_VERSION = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class MultiLabelEvaluation:
    """The answers to the samples of a split, of which each may have several labels, or none.

    A row with an error has no answer. It counts in `n` and in `num_errors`, and in no metric.
    A label is given where its probability is its threshold or more.

    Attributes:
        files: (n,) name of each sample.
        labels: (n, k) 1 where a sample has a label.
        classes: (k,) class names, each once.
        probabilities: (n, k) from 0 to 1, each by itself; all NaN where the row has an error.
        thresholds: (k,) from which on a label is given, chosen on other samples.
        errors: (n,) what went wrong with each sample, or None.
        split: "train", "val" or "test".
        temperature: what the logits were divided by, or None without calibration.

    Raises:
        DataError: no rows, lengths that differ, class names twice, text that is not valid Unicode,
            labels other than 0 and 1, or rows that are not probabilities.

    Example:
        >>> evaluation = MultiLabelEvaluation(
        ...     files=("a.png", "b.png"), labels=np.array([[1, 1], [0, 1]]),
        ...     classes=("cat", "dog"), split="test", errors=(None, None),
        ...     probabilities=np.array([[0.9, 0.3], [0.2, 0.8]]), thresholds=np.array([0.5, 0.5]))
        >>> evaluation.mean_average_precision.value, evaluation.exact_match.value
        (1.0, 0.5)
    """

    files: tuple[str, ...]
    labels: Bits
    classes: tuple[str, ...]
    probabilities: Floats
    thresholds: Floats
    errors: tuple[str | None, ...]
    split: str
    temperature: float | None = None

    def __post_init__(self) -> None:
        check_classes(self.classes)
        labels, probabilities = np.array(self.labels), np.array(self.probabilities, np.float64)
        shape = (len(self.files), len(self.classes))
        if not labels.shape == probabilities.shape == shape or 0 in shape:
            raise DataError(
                f"expected labels and probabilities of shape {shape}, rows by classes; got "
                f"{labels.shape} and {probabilities.shape}"
            )
        if not np.isin(labels, (0, 1)).all():
            raise DataError("labels of several at once are 0 and 1, one column a class")
        if len(self.errors) != shape[0] or np.shape(self.thresholds) != shape[1:]:
            raise DataError(
                f"expected one error a row and one threshold a class; got {len(self.errors)} for "
                f"{shape[0]} and {np.shape(self.thresholds)} for {shape[1]}"
            )
        for text in (*self.files, *self.classes, *self.errors):
            check_text(text)
        _check_probabilities(probabilities, ~self.scored)
        for name, array in (("labels", labels.astype(np.uint8)), ("probabilities", probabilities)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.files)

    @cached_property
    def scored(self) -> NDArray[np.bool_]:
        """(n,) whether the row has an answer."""
        return np.array([error is None for error in self.errors])

    @property
    def num_errors(self) -> int:
        """Rows without an answer."""
        return len(self) - int(self.scored.sum())

    @cached_property
    def truth(self) -> Bits:
        """(scored, k) labels of the rows that have an answer."""
        return self.labels[self.scored]

    @cached_property
    def answers(self) -> Floats:
        """(scored, k) their probabilities."""
        return self.probabilities[self.scored]

    @cached_property
    def given(self) -> Bits:
        """(scored, k) 1 where a label is given."""
        return (self.answers >= self.thresholds).astype(np.uint8)

    @property
    def headline(self) -> Estimate:
        """What classifiers are compared by."""
        return self.mean_average_precision

    @cached_property
    def mean_average_precision(self) -> Estimate:
        """How well each label's samples stand first, the mean over the labels."""
        return estimates.estimate_average_precision(self.truth, self.answers)

    @cached_property
    def micro_f1(self) -> Estimate:
        """F1 over all answers of all labels together."""
        return estimates.estimate_micro_f1(self.truth, self.given)

    @cached_property
    def macro_f1(self) -> Estimate:
        """Mean F1 of the labels that any sample has or was given."""
        return estimates.estimate_macro_f1(self.truth, self.given)

    @property
    def accuracy(self) -> Estimate:
        """The exact match, as scikit-learn's `accuracy_score` has it for several labels."""
        return self.exact_match

    @cached_property
    def exact_match(self) -> Estimate:
        """Share of samples with all labels right and none beside them: subset accuracy."""
        return estimates.estimate_exact_match(self.truth, self.given)

    @cached_property
    def hamming_loss(self) -> Estimate:
        """Share of yes-or-no answers that are wrong."""
        return estimates.estimate_hamming_loss(self.truth, self.given)

    @cached_property
    def log_loss(self) -> Estimate:
        """Mean negative log-likelihood of a yes-or-no answer, in nats."""
        return estimates.estimate_log_loss(self.truth, self.answers)

    @cached_property
    def by_class(self) -> dict[str, LabelEstimates]:
        """What is known of each label, by name."""
        columns = zip(self.truth.T, self.answers.T, self.given.T, strict=True)
        return {
            name: estimates.estimate_label(*column)
            for name, column in zip(self.classes, columns, strict=True)
        }

    def columns(self) -> dict[str, list[Any]]:
        """The rows by column, as predictions.parquet holds them."""
        given = np.zeros(self.labels.shape, np.uint8)
        given[self.scored] = self.given
        rows = zip(given, self.scored.tolist(), strict=True)
        columns: dict[str, list[Any]] = {
            "file": list(self.files),
            "labels": [self._names(row) for row in self.labels],
            "predicted": [self._names(row) if good else None for row, good in rows],
        }
        shares = zip(self.classes, self.probabilities.T.tolist(), strict=True)
        return columns | predictions.probabilities(shares, self.scored) | {
            "error": list(self.errors)
        }  # fmt: skip

    def _names(self, row: Bits) -> list[str]:
        return [self.classes[place] for place in np.flatnonzero(row)]

    def csv_text(self) -> str:
        """predictions.csv; the cells of labels hold JSON lists, as a name may hold any mark."""
        return to_csv(predictions.with_json_lists(self.columns()))

    def table(self) -> Any:
        """predictions.parquet as a `pyarrow.Table`, with what else there is in its schema."""
        thresholds = [float(value) for value in self.thresholds]
        about = {"split": self.split, "temperature": self.temperature, "thresholds": thresholds}
        return predictions.to_table(self.columns(), about)

    @classmethod
    def from_table(cls, table: Any) -> MultiLabelEvaluation:
        """The evaluation that made a table, for example read back from predictions.parquet.

        Raises:
            DataError: not such a table, or one that was changed.
        """
        return cls(**predictions.from_table(table))

    def to_json(self) -> dict[str, Any]:
        """Everything computed, as evaluation.json holds it; undefined numbers are None."""
        return {
            "schema_version": _SCHEMA_VERSION,
            "task": "multi-label",
            "headline": "mean_average_precision",
            "split": self.split,
            "n": len(self),
            "errors": self.num_errors,
            "confidence": CONFIDENCE,
            "mean_average_precision": self.mean_average_precision.to_json(),
            "micro_f1": self.micro_f1.to_json(),
            "macro_f1": self.macro_f1.to_json(),
            "accuracy": self.exact_match.to_json(),
            "hamming_loss": self.hamming_loss.to_json(),
            "log_loss": self.log_loss.to_json(),
            "classes": {name: entry.to_json() for name, entry in self.by_class.items()},
            "thresholds": dict(zip(self.classes, map(float, self.thresholds), strict=True)),
            "calibration": {
                "temperature": self.temperature,
                "overall": self._bin(np.ones(self.answers.shape, np.bool_))["accuracy"],
                "bins": self._bins(),
            },
        }

    def _bins(self) -> list[dict[str, Any]]:
        """Probability against truth, all labels together, in 15 equal bins."""
        place = bin_of(self.answers.ravel()).reshape(self.answers.shape)
        edges = np.arange(NUM_BINS + 1) / NUM_BINS
        return [
            {"low": float(edges[i]), "high": float(edges[i + 1])} | self._bin(place == i)
            for i in range(NUM_BINS)
        ]

    def _bin(self, inside_NK: NDArray[np.bool_]) -> dict[str, Any]:
        n = int(inside_NK.sum())
        if not n:
            return {"n": 0, "confidence": None, "accuracy": Estimate(None, None, None).to_json()}
        true = (inside_NK & (self.truth > 0)).sum(axis=1)
        share = float(true.sum() / n)
        smoothed = (float(true.sum()) + 0.25) / (n + 0.5)
        # Answers to one sample go together: the variance is one over samples, and no smaller than
        # that of answers that don't.
        apart = float(((true - share * inside_NK.sum(axis=1)) ** 2).sum()) / n**2
        variance = max(apart, smoothed * (1 - smoothed) / n)
        said = float(self.answers[inside_NK].sum() / n)
        accuracy = wilson_of_average(share, smoothed, variance).to_json()
        return {"n": n, "confidence": said, "accuracy": accuracy}


def _check_probabilities(probabilities_NK: Floats, has_error: NDArray[np.bool_]) -> None:
    """Raises `DataError` unless rows lie in [0, 1], or are all NaN where there was an error."""
    empty = np.isnan(probabilities_NK).all(axis=1)
    with np.errstate(invalid="ignore"):
        inside = ((probabilities_NK >= 0) & (probabilities_NK <= 1)).all(axis=1)
    good = np.where(has_error, empty, inside)
    if not good.all():
        row = int((~good).argmax())
        expected = "only NaN, as it has an error" if has_error[row] else "probabilities, 0 to 1"
        raise DataError(f"expected {expected} in row {row}; got {probabilities_NK[row].tolist()}")
