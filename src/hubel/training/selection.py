"""Which epoch is shipped: the metric by which validation looks at each, and the choice at the end.

The last epoch ships, unless the best one before it is ahead by more than two standard errors of
their difference, on the same validation pictures. The best of many epochs is ahead of the last by
chance alone, and at the end of this schedule the rate is zero and the weights are averaged:
`benchmarks/balance.py` measures that taking the best by however little loses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hubel.evaluation import metrics

__all__ = ["MONITORS", "Answers", "Choice", "Kept", "choose_epoch", "lead"]

MONITORS = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "last")

_ERRORS = 2.0  # standard errors by which an earlier epoch has to be ahead

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a network says of the validation pictures.

    Attributes:
        truth: class indices, (n,).
        predicted: the class with the highest score of each, (n,).
        losses: minus the log of the probability of the true class, (n,), in nats.
        num_classes: how many there are.
    """

    truth: Indices
    predicted: Indices
    losses: Floats
    num_classes: int

    @classmethod
    def of(cls, scores: Tensor, truth: Indices) -> Answers:
        """From scores, (n, classes)."""
        found = torch.softmax(scores.double(), 1).numpy()
        predicted = scores.argmax(1).numpy().astype(np.int64)
        return cls(truth, predicted, metrics.log_losses(truth, found), scores.shape[1])

    @property
    def counts(self) -> Indices:
        """The confusion matrix, (classes, classes): rows the true class."""
        return metrics.confusion_counts(self.truth, self.predicted, self.num_classes)

    def value(self, monitor: str) -> float:
        """One of `MONITORS` but "last"."""
        if monitor == "log_loss":
            return float(np.sort(self.losses).mean())
        found = {"accuracy": metrics.accuracy, "balanced_accuracy": metrics.balanced_accuracy,
                 "macro_f1": metrics.macro_f1}  # fmt: skip
        return found[monitor](self.counts)

    def better(self, other: Answers, monitor: str) -> bool:
        """Whether these are at least as good as others."""
        mine, theirs = self.value(monitor), other.value(monitor)
        return mine <= theirs if monitor == "log_loss" else mine >= theirs

    def influence(self, monitor: str) -> Floats:
        """By how much each picture moves the metric from its mean, (n,); they add up to 0.

        The root of the sum of their squares is the metric's standard error, and that of their
        differences the standard error of a paired difference (the infinitesimal jackknife; Efron
        1981, Biometrika 68(3)).
        """
        if monitor == "log_loss":
            return (self.losses - self.losses.mean()) / len(self.truth)
        right = (self.predicted == self.truth).astype(np.float64)
        if monitor == "accuracy":
            return (right - right.mean()) / len(right)
        counts = self.counts
        if monitor == "balanced_accuracy":
            sizes, found = counts.sum(1), metrics.recalls(counts)
            return (right - found[self.truth]) / sizes[self.truth] / np.count_nonzero(sizes)
        both = counts.sum(0) + counts.sum(1)
        shares = np.divide(1.0, both, out=np.zeros(len(both)), where=both > 0)
        f1 = np.nan_to_num(metrics.f1s(counts)) * shares
        hits = 2 * right * shares[self.truth]
        return (hits - f1[self.truth] - f1[self.predicted]) / np.count_nonzero(both)


def lead(monitor: str, first: Answers, second: Answers) -> tuple[float, float]:
    """By how much the first are better than the second, and the standard error of that.

    Example:
        >>> truth = np.array([0, 0, 1, 1])
        >>> good, bad = (Answers(truth, np.array(p), np.zeros(4), 2) for p in
        ...              ([0, 0, 1, 1], [0, 1, 1, 1]))
        >>> lead("accuracy", good, bad)
        (0.25, 0.21650635094610965)
    """
    sign = -1.0 if monitor == "log_loss" else 1.0
    apart = sign * (first.value(monitor) - second.value(monitor))
    moved = first.influence(monitor) - second.influence(monitor)
    return apart, float(np.sqrt((moved**2).sum()))


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """The best epoch so far.

    Attributes:
        epoch: counted from 1.
        step: steps made by then.
        weights: that would have been shipped then, on the CPU.
        answers: to the validation pictures.
    """

    epoch: int
    step: int
    weights: dict[str, Tensor]
    answers: Answers

    def tensors(self) -> dict[str, Tensor]:
        """All but the counts, by names that begin with `kept/`."""
        own = {
            "kept/predicted": torch.from_numpy(self.answers.predicted),
            "kept/losses": torch.from_numpy(self.answers.losses),
        }
        return own | {f"kept/weights/{name}": value for name, value in self.weights.items()}

    def to_json(self) -> dict[str, Any]:
        """The counts, as JSON types."""
        return {"epoch": self.epoch, "step": self.step}

    @classmethod
    def restore(
        cls, facts: dict[str, Any] | None, tensors: dict[str, Tensor], like: Answers
    ) -> Kept | None:
        """The inverse of `tensors` and `to_json`; `like` has the truth."""
        if facts is None:
            return None
        start = "kept/weights/"
        weights = {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
        predicted, losses = (tensors[f"kept/{name}"].numpy() for name in ("predicted", "losses"))
        answers = Answers(like.truth, predicted, losses, like.num_classes)
        return cls(facts["epoch"], facts["step"], weights, answers)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which epoch is shipped, and why.

    Attributes:
        monitor: the metric.
        ships: "best" or "last".
        epoch: of the best.
        best, last: the metric of each, on validation.
        error: standard error of their difference.
    """

    monitor: str
    ships: str
    epoch: int
    best: float
    last: float
    error: float

    @property
    def text(self) -> str:
        """The choice in a sentence."""
        name = self.monitor.replace("_", " ")
        if self.ships == "last" and self.best == self.last:
            return f"the last epoch ships: no epoch before it has a better validation {name}"
        ahead = (
            f"epoch {self.epoch} has the best validation {name}, {_shown(self.monitor, self.best)} "
            f"against {_shown(self.monitor, self.last)} at the end"
        )
        if self.ships == "best":
            return f"epoch {self.epoch} ships: {ahead}, by more than two standard errors"
        return f"the last epoch ships: {ahead}, within two standard errors"

    def to_json(self) -> dict[str, Any]:
        """The choice as JSON types."""
        return {
            "monitor": self.monitor,
            "ships": self.ships,
            "best": {"epoch": self.epoch, "value": self.best},
            "last": self.last,
            "standard_error": self.error,
            "text": self.text,
        }


def choose_epoch(monitor: str, kept: Kept, last: Answers) -> Choice:
    """Best or last, by two standard errors of their difference."""
    ahead, error = lead(monitor, kept.answers, last)
    ships = "best" if ahead > _ERRORS * error else "last"
    found = (kept.answers.value(monitor), last.value(monitor))
    return Choice(monitor, ships, kept.epoch, *found, error)


def _shown(monitor: str, value: float) -> str:
    return f"{value:.3f}" if monitor == "log_loss" else f"{value:.1%}"
