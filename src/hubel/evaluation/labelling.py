"""How many labels a sample has, and all that follows from it once there are scores.

One noun in place of questions everywhere: how scores become probabilities, how those are
calibrated and turned into an answer, by what classifiers are compared, what an epoch is watched by.
The manifest says which of the two it is, by the name of its task; a classifier remembers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hubel.errors import ArtifactError
from hubel.evaluation import calibration, metrics
from hubel.evaluation.comparison import Comparison, compare_all
from hubel.evaluation.evaluation import Evaluation
from hubel.evaluation.metrics import Floats
from hubel.evaluation.multilabel import calibration as several
from hubel.evaluation.multilabel import ranking
from hubel.evaluation.multilabel.comparison import compare_rankings
from hubel.evaluation.multilabel.estimates import estimate_macro_f1
from hubel.evaluation.multilabel.estimates import log_losses as mean_log_losses
from hubel.evaluation.multilabel.evaluation import MultiLabelEvaluation

__all__ = [
    "MULTI_LABEL",
    "SINGLE_LABEL",
    "Answered",
    "Judgement",
    "Labelling",
    "labelling_of",
    "read_judgement",
]

Targets = NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Answered:
    """Samples of a split with their truth and what a classifier said of them.

    Attributes:
        files: (n,) names.
        targets: as the manifest has them.
        classes: (k,) names.
        probabilities: (n, k); NaN where there is an error.
        errors: (n,) what went wrong with each, or None.
        split: "train", "val" or "test".
        temperature: what the scores were divided by; None without calibration.
        thresholds: (k,), where the task has such.
    """

    files: tuple[str, ...]
    targets: Targets
    classes: tuple[str, ...]
    probabilities: Floats
    errors: tuple[str | None, ...]
    split: str
    temperature: float | None = None
    thresholds: Floats | None = None


Judgement = Evaluation | MultiLabelEvaluation
"""An evaluation of either kind."""


class Labelling(Protocol):
    """What a task makes of scores.

    Attributes:
        task: its name in the manifest and in the artifact.
        metric: by which classifiers are compared, as `evaluation.json` calls it.
        metrics: of an entry of the ladder, the one of comparison first.
    """

    task: str
    metric: str
    metrics: tuple[str, ...]

    def probabilities(self, logits: Any, temperature: float = 1.0) -> Floats:
        """Calibrated, (n, k)."""
        ...

    def fit_temperature(self, logits: Any, targets: Targets) -> float:
        """What calibrates held-out scores, (n, k)."""
        ...

    def fit_thresholds(self, targets: Targets, probabilities: Floats) -> Floats | None:
        """From where on each label is given, (k,); None where the highest one is the answer."""
        ...

    def log_losses(self, targets: Targets, probabilities: Floats) -> Floats:
        """Of each sample, (n,), in nats."""
        ...

    def merits(self, targets: Targets, probabilities: Floats) -> Floats:
        """What each sample says of the metric, (n,): their mean is the metric."""
        ...

    def judge(self, found: Answered) -> Judgement:
        """The evaluation of answers."""
        ...

    def compare(
        self, targets: Targets, probabilities: Mapping[str, Floats]
    ) -> tuple[Comparison, ...]:
        """Each with each, by the metric, corrected together."""
        ...

    def watch(self, targets: Targets, logits: Any) -> dict[str, float]:
        """What an epoch is worth on validation, by column of `results.csv`."""
        ...


class _SingleLabel:
    task, metric = "single-label", "accuracy"
    metrics: tuple[str, ...] = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "ece")

    def probabilities(self, logits: Any, temperature: float = 1.0) -> Floats:
        return calibration.softmax(logits, temperature)

    def fit_temperature(self, logits: Any, targets: Targets) -> float:
        return calibration.fit_temperature(logits, targets)

    def fit_thresholds(self, targets: Targets, probabilities: Floats) -> None:
        del targets, probabilities

    def log_losses(self, targets: Targets, probabilities: Floats) -> Floats:
        return metrics.log_losses(targets, probabilities)

    def merits(self, targets: Targets, probabilities: Floats) -> Floats:
        return (probabilities.argmax(1) == targets).astype(np.float64)

    def judge(self, found: Answered) -> Evaluation:
        return Evaluation(
            files=found.files,
            labels=found.targets,
            classes=found.classes,
            probabilities=found.probabilities,
            errors=found.errors,
            split=found.split,
            temperature=found.temperature,
        )

    def compare(
        self, targets: Targets, probabilities: Mapping[str, Floats]
    ) -> tuple[Comparison, ...]:
        right = {name: found.argmax(1) == targets for name, found in probabilities.items()}
        return compare_all(right)

    def watch(self, targets: Targets, logits: Any) -> dict[str, float]:
        right = np.asarray(logits).argmax(1) == targets
        return {"val_accuracy": float(right.astype(np.float64).mean())}


class _MultiLabel:
    task, metric = "multi-label", "mean_average_precision"
    metrics: tuple[str, ...] = (
        *("mean_average_precision", "micro_f1", "macro_f1", "accuracy", "hamming_loss"),
        "log_loss",
    )

    def probabilities(self, logits: Any, temperature: float = 1.0) -> Floats:
        return several.sigmoid(logits, temperature)

    def fit_temperature(self, logits: Any, targets: Targets) -> float:
        return several.fit_temperature(logits, targets)

    def fit_thresholds(self, targets: Targets, probabilities: Floats) -> Floats:
        return several.fit_thresholds(targets, probabilities)

    def log_losses(self, targets: Targets, probabilities: Floats) -> Floats:
        return mean_log_losses(targets, probabilities)

    def merits(self, targets: Targets, probabilities: Floats) -> Floats:
        return ranking.pseudo_values(targets, probabilities)

    def judge(self, found: Answered) -> MultiLabelEvaluation:
        thresholds = found.thresholds
        if thresholds is None:
            thresholds = np.full(len(found.classes), several.NEUTRAL)
        return MultiLabelEvaluation(
            files=found.files,
            labels=found.targets,
            classes=found.classes,
            probabilities=found.probabilities,
            thresholds=thresholds,
            errors=found.errors,
            split=found.split,
            temperature=found.temperature,
        )

    def compare(
        self, targets: Targets, probabilities: Mapping[str, Floats]
    ) -> tuple[Comparison, ...]:
        return compare_rankings(targets, probabilities)

    def watch(self, targets: Targets, logits: Any) -> dict[str, float]:
        scores = np.asarray(logits)
        given = (scores > 0).astype(np.uint8)
        return {
            "val_accuracy": float((given == targets).all(axis=1).mean()),
            "val_mean_average_precision": ranking.mean_average_precision(targets, scores),
            "val_macro_f1": estimate_macro_f1(targets, given).value or 0.0,
        }


SINGLE_LABEL: Labelling = _SingleLabel()
MULTI_LABEL: Labelling = _MultiLabel()


def labelling_of(task: str) -> Labelling:
    """The labelling of a task's name.

    Raises:
        ArtifactError: there is no such task.

    Example:
        >>> labelling_of("multi-label").metric
        'mean_average_precision'
    """
    known = {one.task: one for one in (SINGLE_LABEL, MULTI_LABEL)}
    if task not in known:
        raise ArtifactError(f"there is no task {task!r}; there are {', '.join(known)}")
    return known[task]


def read_judgement(table: Any) -> Judgement:
    """The evaluation that made a table of predictions, of whichever task.

    Raises:
        DataError: not such a table, or one that was changed.
    """
    kind = MultiLabelEvaluation if "labels" in table.column_names else Evaluation
    return kind.from_table(table)
