"""Linear classifiers at the minimum: scikit-learn's solvers for the objectives that we descend.

The objective is `mean loss + weight_decay / 2 * |W|^2 + l1 * |W|_1`; the bias is free. Scikit-learn
minimises `C * sum of losses + |w|^2 / 2`, which is the same for `C = 1 / (n * weight_decay)`.
Its softmax of two classes has one vector where we have two, with w = w1 - w0 and w1 = -w0 at the
minimum: |w|^2 is then twice |W|^2, so that C doubles; |w|_1 is |W|_1. A margin m is a unit of the
scores: the weights are m times those of margin 1 at m times the decay (of a squared hinge: at the
same decay).

Unequal classes are treated as in a network's training. Balanced batches descend the weighted
objective, so that `sampler` is `weights` here. With logits adjusted by the log of the classes'
shares, the shift is taken up by the free bias: the minimum is the plain one, with the log of the
shares taken from its bias.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.errors import DivergedError, RecipeError
from hubel.training.losses import class_weights, log_shares
from hubel.training.recipe import Recipe

__all__ = [
    "EXACT",
    "UNTREATED",
    "Balance",
    "Effort",
    "LinearObjective",
    "LinearSolution",
    "solve",
    "solve_each",
]

Array = NDArray[np.float64]

# LIBLINEAR's bias is the weight of one more feature of this size, so that it is penalised as its
# square over the square of this. The dual solvers' steps get smaller with it; the primal's do not.
_DUAL_BIAS, _PRIMAL_BIAS = 10.0, 100.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How near to the minimum to go.

    Attributes:
        tolerance: of the gradient of the softmax.
        svm_tolerance: of the hinges.
        iterations: after which to stop.
        must_converge: stopping before that is an error, not an answer.
    """

    tolerance: float = 1e-8
    svm_tolerance: float = 1e-5
    iterations: int = 200_000
    must_converge: bool = True


EXACT = Effort()


@dataclass(frozen=True, slots=True)
class Balance:
    """What a recipe makes of unequal classes.

    Attributes:
        how: `none`, `weights`, `sampler` or `logit-adjust`.
        beta: of the effective number of pictures, with `weights`.
    """

    how: str = "none"
    beta: float | None = None

    @classmethod
    def of(cls, recipe: Recipe) -> Balance:
        """That of a recipe."""
        return cls(recipe.balance, recipe.effective_beta)

    @property
    def weighs(self) -> bool:
        """Whether pictures weigh differently at the minimum."""
        return self.how in ("weights", "sampler")

    def of_each(self, y_N: NDArray[np.int64]) -> Array | None:
        """The weight of each picture, (n,); None where all weigh the same."""
        return class_weights(np.bincount(y_N), self.beta)[y_N] if self.weighs else None


UNTREATED = Balance()


@dataclass(frozen=True, kw_only=True, slots=True)
class LinearObjective:
    """What a linear classifier minimises; the names are the recipe's.

    Attributes:
        loss: `cross_entropy`, `crammer_singer` or `one_vs_rest`.
        weight_decay: factor of half the sum of squared weights.
        l1: factor of the sum of sizes of weights.
        margin: of the hinges.
        squared: the hinges are.
        balance: what is made of unequal classes.
    """

    loss: str = "cross_entropy"
    weight_decay: float = 0.0
    l1: float = 0.0
    margin: float = 1.0
    squared: bool = False
    balance: Balance = UNTREATED


@dataclass(frozen=True, slots=True)
class LinearSolution:
    """The weights (classes, features) and bias (classes,) at the minimum."""

    weights: Array
    bias: Array

    def scores(self, x_ND: Array) -> Array:
        """Of each class, (n, classes)."""
        return x_ND @ self.weights.T + self.bias


def solve(
    x_ND: Array, y_N: NDArray[np.int64], objective: LinearObjective, effort: Effort = EXACT
) -> LinearSolution:
    """The minimum of an objective over given features.

    Args:
        x_ND: features, (n, features), of about the same size each: standardised ones converge.
        y_N: class indices from 0, (n,), of which each occurs.
        objective: what to minimise.
        effort: how near to the minimum to go.

    Raises:
        RecipeError: scikit-learn has no solver for the objective.
        DivergedError: the solver did not converge.

    Example:
        >>> x, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
        >>> found = solve(x, y, LinearObjective(weight_decay=0.1))
        >>> found.scores(x).argmax(1).tolist()
        [0, 0, 1, 1]
    """
    _expect_solvable(objective)
    model, unit = _model(objective, len(y_N), int(y_N.max()) + 1, effort)
    _fit(model, x_ND, y_N, objective.balance.of_each(y_N), effort)
    weights, bias = unit * model.coef_, unit * model.intercept_
    if len(weights) == 1:
        # Two hinges are each as large as the one; of a difference of scores, each has a half.
        share = 1.0 if objective.loss == "one_vs_rest" else 0.5
        weights, bias = (share * np.concatenate([-part, part]) for part in (weights, bias))
    if objective.balance.how == "logit-adjust":
        bias = bias - log_shares(np.bincount(y_N))
    return LinearSolution(weights, bias)


def solve_each(
    x_ND: Array, y_NK: NDArray[np.uint8], objective: LinearObjective, effort: Effort = EXACT
) -> LinearSolution:
    """The minimum of an objective for each of several labels by itself: yes or no.

    A label that all samples have, or none, has no minimum: its score is the log odds of its share,
    with one sample added on either side.

    Args:
        x_ND: features, (n, features).
        y_NK: 1 where a sample has a label, (n, labels).
        objective: what to minimise; with `cross_entropy` the scores are log odds.
        effort: how near to the minimum to go.

    Raises:
        RecipeError, DivergedError: as in `solve`.

    Example:
        >>> x = np.array([[-2.0], [-1.0], [1.0], [2.0]])
        >>> y = np.array([[0, 1], [0, 1], [1, 1], [1, 1]])
        >>> found = solve_each(x, y, LinearObjective(weight_decay=0.1))
        >>> (found.scores(x) > 0).astype(int).tolist() == y.tolist()
        True
    """
    weights, bias = np.zeros((y_NK.shape[1], x_ND.shape[1])), np.zeros(y_NK.shape[1])
    for label, column in enumerate(y_NK.T.astype(np.int64)):
        count = int(column.sum())
        if 0 < count < len(column):
            found = solve(x_ND, column, objective, effort)
            # Two classes have two scores: the log odds are their difference, a hinge has it twice.
            half = 0.5 if objective.loss == "one_vs_rest" else 1.0
            weights[label] = half * (found.weights[1] - found.weights[0])
            bias[label] = half * (found.bias[1] - found.bias[0])
        else:
            bias[label] = np.log((count + 1) / (len(column) - count + 1))
    return LinearSolution(weights, bias)


def _expect_solvable(objective: LinearObjective) -> None:
    loss, penalties = objective.loss, (objective.weight_decay > 0, objective.l1 > 0)
    problem = None
    if loss not in ("cross_entropy", "crammer_singer", "one_vs_rest"):
        problem = f"loss {loss}; take cross_entropy, crammer_singer or one_vs_rest"
    elif loss != "cross_entropy" and objective.balance.how == "logit-adjust":
        problem = f"{loss} with adjusted logits, which it has none of; take balance weights"
    elif loss == "crammer_singer" and objective.squared:
        problem = "a squared crammer_singer; take one_vs_rest, or leave the square out"
    elif not any(penalties):
        problem = "no penalty at all; give weight_decay or l1"
    elif loss != "cross_entropy" and all(penalties):
        problem = "a hinge with both penalties; take one, or cross_entropy"
    elif loss != "cross_entropy" and penalties[1] and not objective.squared:
        problem = "a plain hinge with l1; take squared, or weight_decay"
    if problem is not None:
        raise RecipeError(f"scikit-learn has no exact solver for {problem}")


def _model(
    objective: LinearObjective, n: int, num_classes: int, effort: Effort
) -> tuple[Any, float]:
    """The estimator, and what its weights have to be multiplied by."""
    if objective.loss == "cross_entropy":
        return _logistic(objective, n, 2 if num_classes == 2 else 1, effort), 1.0
    margin = objective.margin
    if objective.l1:
        c = margin / (n * objective.l1)
    else:
        c = 1 / (n * objective.weight_decay * (1.0 if objective.squared else margin))
    return _linear_svc(objective, c, effort), margin


def _logistic(objective: LinearObjective, n: int, vectors: int, effort: Effort) -> Any:
    from sklearn.linear_model import LogisticRegression

    # Of two vectors w / 2 and -w / 2, the sizes add up to |w|, and half the squares to |w|^2 / 4.
    ridge, lasso = objective.weight_decay / vectors, objective.l1
    return LogisticRegression(
        C=1 / (n * (ridge + lasso)),
        l1_ratio=lasso / (ridge + lasso),
        solver="saga" if lasso else "lbfgs",
        tol=effort.tolerance,
        max_iter=effort.iterations,
        random_state=0,
    )


def _linear_svc(objective: LinearObjective, c: float, effort: Effort) -> Any:
    from sklearn.svm import LinearSVC

    crammer = objective.loss == "crammer_singer"
    kind: Any = LinearSVC
    return kind(
        C=c,
        penalty="l1" if objective.l1 else "l2",
        loss="squared_hinge" if objective.squared else "hinge",
        dual=not objective.squared,
        multi_class="crammer_singer" if crammer else "ovr",
        intercept_scaling=_PRIMAL_BIAS if objective.squared else _DUAL_BIAS,
        tol=effort.svm_tolerance,
        max_iter=effort.iterations,
        random_state=0,
    )


def _fit(
    model: Any, x_ND: Array, y_N: NDArray[np.int64], weights_N: Array | None, effort: Effort
) -> None:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        kind = "error" if effort.must_converge else "ignore"
        warnings.simplefilter(kind, ConvergenceWarning)
        try:
            model.fit(x_ND, y_N, weights_N)
        except ConvergenceWarning as error:
            raise DivergedError(
                f"{type(model).__name__} did not converge in {model.max_iter:,} iterations; "
                "standardise the features, or raise the penalty",
                model.max_iter,
            ) from error
