"""The linear rungs: one mechanism for pixels, hand-designed features and frozen networks.

Descriptions are standardised, and the scaling is folded into the weights afterwards, so that what
is shipped takes descriptions as they are. The penalty is chosen on the validation split, from
strong to weak, and so is the temperature. Where classes are balanced, each counts the same in the
choice of the penalty; the temperature is for the pictures as they come, as a network's is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hubel.errors import RecipeError
from hubel.evaluation.learning_curve import nested_subsets
from hubel.job.prepare import Material
from hubel.job.rungs.described import Described
from hubel.job.rungs.rung import Rung
from hubel.job.structure import structure_of
from hubel.training.exact import Effort, LinearObjective, solve, solve_each

__all__ = ["LinearFit", "Solved", "fit_rung", "load_solvers"]

_PENALTIES = (10.0, 1.0, 0.1, 0.01, 0.001)
_EFFORT = Effort(tolerance=1e-4, svm_tolerance=1e-3, iterations=300, must_converge=False)
_PILOT, _WARM = 256, 16
_TRIED = 3  # penalties that time is kept for, before more pictures are taken
_GRACE = 1.0  # seconds that they may take longer
_PILOT_SHARE = 0.2  # of a rung's time, for finding out how long those take
_GROWTH = 1.5  # of the time a picture, from the pilot to all that are taken
_BYTES = 1 << 30
_ABSENT = 10.0  # by which a class without training pictures is behind all others

Rows = NDArray[np.int64]


def load_solvers() -> None:
    """Import scikit-learn, which takes a second or two, before the time of any rung is counted."""
    for name in ("sklearn.linear_model", "sklearn.svm", "threadpoolctl"):
        import_module(name)


@dataclass(frozen=True, slots=True)
class Solved:
    """Weights (k, d) and bias (k,) for plain descriptions, and how they were chosen.

    Attributes:
        weights, bias: of the classes.
        temperature: that calibrates them on the validation split.
        penalty: that was the best there.
        loss: log loss there.
        tried: penalties that were, from the strongest on.
    """

    weights: Tensor
    bias: Tensor
    temperature: float
    penalty: float
    loss: float
    tried: int = 1

    @property
    def choice(self) -> str:
        """The penalty, and among how many it was chosen."""
        start = f"penalty {self.penalty:g}, the"
        if self.tried == 1:
            return f"{start} only one tried"
        place = _PENALTIES.index(self.penalty) + 1
        ends = {1: "strongest", self.tried: "weakest"}
        text = f"{start} {ends.get(place, 'best')} of {self.tried} tried on validation"
        cut = place == self.tried < len(_PENALTIES)
        return f"{text} before its time was up" if cut else text


class LinearFit:
    """Descriptions of all splits, and the classifiers fitted to them.

    Args:
        material: the data.
        described: the network whose head is fitted.
        objective: what to minimise; its weight decay is chosen.
        seed: draws the training pictures, where there is no time or memory for all.
    """

    def __init__(
        self, material: Material, described: Described, objective: LinearObjective, seed: int
    ) -> None:
        self.material, self.described = material, described
        self.objective, self.seed = objective, seed
        self.rows: Rows = np.arange(0, dtype=np.int64)
        self.train = self.val = self.test = torch.empty(0)

    def describe(self, seconds: float) -> None:
        """Describe the training pictures that the seconds allow, and all of the other splits."""
        pixels, strata = self.material.pixels, self.material.strata("train")
        count = self._affordable(seconds)
        self.rows = nested_subsets(strata, [count], self.seed)[0]
        self.train = self.described.vectors(pixels["train"].select(self.rows))
        self.val, self.test = (self.described.vectors(pixels[name]) for name in ("val", "test"))

    def best(self, taken: Rows, seconds: float) -> Solved:
        """The best of the penalties on the validation split, strongest first, until it gets worse.

        Args:
            taken: places in `rows` of the training pictures.
            seconds: after which no further penalty is tried.

        Raises:
            RecipeError: the pictures taken are all of one class.
        """
        start = last = time.monotonic()
        problem = _Problem.of(self.train[taken], self._targets[taken], self.num_classes)
        found: Solved | None = None
        tried = 0
        for tried, penalty in enumerate(_PENALTIES, 1):
            candidate = self._candidate(problem, penalty)
            if found is not None and candidate.loss >= found.loss:
                break
            found = candidate
            now = time.monotonic()
            # Time was kept for the first; a grace is left where even the pilot takes too much.
            ahead = 2 * (now - last) if tried >= _TRIED else -_GRACE
            if now - start + ahead > max(seconds, 0.0):
                break
            last = now
        assert found is not None
        return replace(found, tried=tried)

    def scores(self, solved: Solved, split: str) -> NDArray[np.float32]:
        """Of the pictures of "val" or "test", (n, k)."""
        described = self.val if split == "val" else self.test
        return (described @ solved.weights.T + solved.bias).numpy()

    @property
    def num_classes(self) -> int:
        """Of the data."""
        return len(self.material.dataset.manifest.classes)

    @property
    def _targets(self) -> NDArray[Any]:
        return self.material.targets("train")[self.rows]

    def _candidate(self, problem: _Problem, penalty: float) -> Solved:
        objective = replace(self.objective, weight_decay=penalty)
        weights, bias = problem.solve(objective)
        solved = Solved(weights, bias, 1.0, penalty, 0.0)
        truth, scores = self.material.targets("val"), self.scores(solved, "val")
        labelling = self.material.labelling
        temperature = labelling.fit_temperature(scores, truth)
        losses = labelling.log_losses(truth, labelling.probabilities(scores, temperature))
        weights = None
        if self.objective.balance.how != "none" and truth.ndim == 1:
            weights = 1 / np.bincount(truth, minlength=self.num_classes)[truth]
        loss = float(np.average(losses, weights=weights))
        return replace(solved, temperature=temperature, loss=loss)

    def _affordable(self, seconds: float) -> int:
        """How many training pictures the seconds and the memory are enough for, as measured."""
        pixels, targets = self.material.pixels, self.material.targets("train")
        if len(targets) <= _PILOT:
            return len(targets)
        began = time.monotonic()
        rows = nested_subsets(self.material.strata("train"), [_PILOT], self.seed)[0]
        self.described.vectors(pixels["train"].select(rows[:_WARM]))
        start = time.monotonic()
        x = self.described.vectors(pixels["train"].select(rows))
        describing = (time.monotonic() - start) / len(rows)
        problem = _Problem.of(x, targets[rows], self.num_classes)
        solving = _GROWTH * self._path(problem, _PILOT_SHARE * seconds) / len(rows)
        left = seconds - (time.monotonic() - began)
        left -= describing * (len(pixels["val"]) + len(pixels["test"]))
        fitting = int(max(left, 0.0) / (describing + solving))
        most = _BYTES // (8 * x.shape[1])
        return min(len(targets), max(len(rows), min(fitting, most)))

    def _path(self, problem: _Problem, seconds: float) -> float:
        """How long the penalties take that time is kept for; past the seconds, as the last one."""
        times: list[float] = []
        for penalty in _PENALTIES[:_TRIED]:
            times.append(problem.seconds(replace(self.objective, weight_decay=penalty)))
            if sum(times) > seconds:
                break
        return sum(times) + (_TRIED - len(times)) * times[-1]


@dataclass(frozen=True, slots=True)
class _Problem:
    """Standardised descriptions, and what folds the scaling into the weights."""

    x: Tensor
    y: NDArray[Any]
    present: Rows
    mean: Tensor
    scale: Tensor
    num_classes: int

    @classmethod
    def of(cls, x: Tensor, targets: NDArray[Any], num_classes: int) -> _Problem:
        if targets.ndim == 2:
            present, y = np.arange(num_classes), targets
        else:
            present, y = np.unique(targets, return_inverse=True)
            y = y.astype(np.int64)
        if len(present) < 2:
            raise RecipeError(f"the {len(x):,} training pictures taken are all of one class")
        mean, deviation = x.mean(0), x.std(0, correction=0)
        changes = deviation > 1e-6
        scale = torch.where(changes, 1 / deviation.clamp_min(1e-6), 0.0)
        return cls((x - mean) * scale, y, present, mean, scale, num_classes)

    def seconds(self, objective: LinearObjective) -> float:
        """How long solving takes."""
        start = time.monotonic()
        self.solve(objective)
        return time.monotonic() - start

    def solve(self, objective: LinearObjective) -> tuple[Tensor, Tensor]:
        """Weights and bias of all classes, for descriptions that are not standardised."""
        from threadpoolctl import threadpool_limits

        x: Any = self.x.numpy()  # float32: half the memory, and the minimum to the same digits
        with threadpool_limits(1):  # waiting threads spin: five times slower where cores are shared
            found = (solve if self.y.ndim == 1 else solve_each)(x, self.y, objective, _EFFORT)
        part = torch.from_numpy(found.weights).double() * self.scale
        offset = torch.from_numpy(found.bias).double() - part @ self.mean.double()
        weights = torch.zeros((self.num_classes, x.shape[1]), dtype=torch.float64)
        bias = torch.full((self.num_classes,), float(offset.min()) - _ABSENT, dtype=torch.float64)
        weights[self.present], bias[self.present] = part, offset
        return weights.float(), bias.float()


def fit_rung(name: str, fit: LinearFit, seconds: float) -> Rung:
    """Describe, solve, calibrate: a rung that can be shipped.

    Args:
        name: of the rung.
        fit: not described yet.
        seconds: for all of it.

    Raises:
        RecipeError: the training pictures are all of one class.
    """
    start = time.monotonic()
    fit.describe(seconds)
    taken = np.arange(len(fit.rows), dtype=np.int64)
    solved = fit.best(taken, seconds - (time.monotonic() - start))
    labelling = fit.material.labelling
    answers = {
        split: labelling.probabilities(fit.scores(solved, split), solved.temperature)
        for split in ("val", "test")
    }
    total = len(fit.material.rows["train"])
    note = f"{fit.train.shape[1]:,} numbers a picture, {solved.choice}"
    if fit.objective.balance.how != "none":
        how = "classes weigh the same" if fit.objective.balance.weighs else "logits adjusted"
        note += f", {how}"
    if len(fit.rows) < total:
        note += f", fitted on {len(fit.rows):,} of {total:,} pictures drawn"
    head = (solved.weights, solved.bias)
    classifier = fit.described.classifier(head, solved.temperature, fit.material, answers["val"])
    seconds = time.monotonic() - start
    cost = structure_of(fit.described.architecture)
    return Rung(
        name, answers, cost.parameters, cost.multiply_adds or solved.weights.numel(),
        seconds, note, classifier,
    )  # fmt: skip
