"""The losses by name: from scores and targets to one number.

Targets are class indices, int64 (n,), or what each class has a share of, float (n, classes): the
shares of mixup and cutmix add up to 1 in a row, several labels are several ones (binary
cross-entropy alone). A loss of one label becomes one of shares as its mean over the labels, which
is how mixup defines it (Zhang et al. 2018, section 2); cross-entropy is linear in its target
anyway. With class weights, several labels have one loss together, times the mean of their weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hubel.data.imbalance import Imbalance
from hubel.errors import RecipeError
from hubel.training.choices import losses_of_several
from hubel.training.recipe import Recipe

__all__ = [
    "Loss",
    "binary_cross_entropy",
    "class_weights",
    "crammer_singer",
    "expect_several",
    "focal",
    "hinge",
    "log_shares",
    "make_loss",
    "one_vs_rest",
]

_ROUNDING = 1e-4  # by which shares may miss a sum of 1


def focal(s_NK: Tensor, y_N: Tensor, gamma: float) -> Tensor:
    """Cross-entropy times (1 - p)^gamma, (n,); Lin et al. 2017, equation 4.

    Example:
        >>> focal(torch.zeros(1, 2), torch.tensor([0]), 2.0)  # log(2) / 4
        tensor([0.1733])
    """
    log_p_N = functional.log_softmax(s_NK, 1).gather(1, y_N[:, None])[:, 0]
    # 1 - p as expm1, which keeps its digits near p = 1; a root of zero has no slope.
    missed_N = -torch.expm1(log_p_N)
    return -(missed_N.clamp_min(torch.finfo(s_NK.dtype).tiny) ** gamma) * log_p_N


def hinge(s_NK: Tensor, y_N: Tensor, margin: float = 1.0, *, squared: bool = False) -> Tensor:
    """Sum over the wrong classes of max(0, wrong - right + margin), (n,).

    The multiclass SVM loss of the lecture notes of CS231n; Weston and Watkins 1999.

    Example:
        >>> hinge(torch.tensor([[3.2, 5.1, -1.7]]), torch.tensor([0]))
        tensor([2.9000])
    """
    right_N1 = s_NK.gather(1, y_N[:, None])
    return _wrong(_bent(s_NK - right_N1 + margin, squared), y_N).sum(1)


def crammer_singer(
    s_NK: Tensor, y_N: Tensor, margin: float = 1.0, *, squared: bool = False
) -> Tensor:
    """The largest max(0, wrong - right + margin), (n,); Crammer and Singer 2001.

    Example:
        >>> crammer_singer(torch.tensor([[3.2, 5.1, 4.0]]), torch.tensor([0]))
        tensor([2.9000])
    """
    right_N1 = s_NK.gather(1, y_N[:, None])
    return _wrong(_bent(s_NK - right_N1 + margin, squared), y_N).amax(1)


def one_vs_rest(s_NK: Tensor, y_N: Tensor, margin: float = 1.0, *, squared: bool = False) -> Tensor:
    """The sum of a two-class hinge for each class, (n,): max(0, margin - score) of the right one,
    max(0, margin + score) of the others; Rifkin and Klautau 2004.

    Example:
        >>> one_vs_rest(torch.tensor([[0.5, -2.0, 0.1]]), torch.tensor([0]))
        tensor([1.6000])
    """
    right_N = _bent(margin - s_NK.gather(1, y_N[:, None])[:, 0], squared)
    return _wrong(_bent(margin + s_NK, squared), y_N).sum(1) + right_N


def binary_cross_entropy(s_NK: Tensor, y_NK: Tensor) -> Tensor:
    """The sum of a yes or no for each class, (n,); targets from 0 to 1, (n, classes).

    Example:
        >>> binary_cross_entropy(torch.zeros(1, 3), torch.tensor([[1.0, 1.0, 0.0]]))  # 3 log(2)
        tensor([2.0794])
    """
    return functional.binary_cross_entropy_with_logits(s_NK, y_NK, reduction="none").sum(1)


def class_weights(counts: NDArray[np.int64], beta: float | None = None) -> NDArray[np.float64]:
    """What a picture of each class counts for, (classes,); 1 in the mean over the pictures.

    Cui et al. scale theirs to a mean of 1 over the classes; over the pictures, the rate and the
    decay keep their meaning. The ratios are the same.

    Args:
        counts: training pictures of each class, (classes,).
        beta: of the effective number of pictures, (1 - beta^n) / (1 - beta), by which it is
            divided: from 0, where all classes weigh the same, to nearly 1; where it is None, by n
            itself, which is its limit at 1, so that each class counts the same.

    Raises:
        RecipeError: a class has no training picture.

    Example:
        >>> class_weights(np.array([30, 10])).tolist()
        [0.6666666666666666, 2.0]

    Source: Cui et al. 2019, arXiv 1901.05555, equation 4.
    """
    _expect_all_classes(counts, "balance weights")
    effective = counts if beta is None else (1 - beta ** counts.astype(np.float64)) / (1 - beta)
    weights = 1 / effective
    return weights * counts.sum() / (weights * counts).sum()


def log_shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The log of each class's share of the training pictures, (classes,).

    Raises:
        RecipeError: a class has no training picture.

    Example:
        >>> np.exp(log_shares(np.array([30, 10]))).round(2).tolist()
        [0.75, 0.25]
    """
    _expect_all_classes(counts, "balance logit-adjust")
    return np.log(counts / counts.sum())


@dataclass(frozen=True, slots=True)
class Loss:
    """A recipe's loss: called with scores (n, classes) and targets, it gives the mean over n.

    A weighted mean is divided by n, not by the sum of the weights: the mean over all batches is
    then the loss of the training set, whatever falls into a batch.

    Attributes:
        recipe: names it and its settings.
        weights: of the classes, float32, (classes,); None where all weigh the same.
        shift: added to the scores, (classes,); None for nothing.
    """

    recipe: Recipe
    weights: Tensor | None = None
    shift: Tensor | None = None

    def __call__(self, s_NK: Tensor, targets: Tensor) -> Tensor:
        """The mean loss, a scalar.

        Args:
            s_NK: scores, float32, (n, classes).
            targets: class indices, int64 (n,), or shares, float (n, classes).
        """
        if self.shift is not None:
            s_NK = s_NK + self.shift
        if self.recipe.loss == "cross_entropy":
            return self._cross_entropy(s_NK, targets)
        if self.recipe.loss == "binary_cross_entropy":
            return self._binary(s_NK, targets)
        if targets.ndim == 1:
            return self._weighed(self._of_labels(s_NK, targets), targets).mean()
        rows, labels = targets.nonzero(as_tuple=True)
        parts = self._weighed(self._of_labels(s_NK[rows], labels), labels)
        return (parts * targets[rows, labels]).sum() / len(targets)

    def to(self, device: torch.device | None) -> Loss:
        """The same on a device; None is the CPU."""
        moved = [None if x is None else x.to(device or "cpu") for x in (self.weights, self.shift)]
        return Loss(self.recipe, *moved)

    def _cross_entropy(self, s_NK: Tensor, targets: Tensor) -> Tensor:
        smoothing = self.recipe.label_smoothing
        if self.weights is None:
            return functional.cross_entropy(s_NK, targets, label_smoothing=smoothing)
        total = functional.cross_entropy(
            s_NK, targets, self.weights, reduction="sum", label_smoothing=smoothing
        )
        return total / len(targets)

    def _binary(self, s_NK: Tensor, targets: Tensor) -> Tensor:
        y_NK = targets
        if targets.ndim == 1:
            y_NK = functional.one_hot(targets, s_NK.shape[1])
        y_NK = y_NK.to(s_NK.dtype)
        if self.weights is None:
            return binary_cross_entropy(s_NK, y_NK).mean()
        weighed_NK = y_NK * self.weights
        labels_N, total_N = y_NK.sum(1), weighed_NK.sum(1)
        # Linear in its target: shares of losses are the loss of the shares times their weights.
        shares_N1 = (labels_N - 1).abs()[:, None] < _ROUNDING
        y_NK = torch.where(shares_N1, weighed_NK / total_N.clamp_min(1e-12)[:, None], y_NK)
        # The mean weight of a picture's labels; 1 where it has none.
        mean_N = torch.where(labels_N > 0, total_N / labels_N.clamp_min(1e-12), 1.0)
        return (binary_cross_entropy(s_NK, y_NK) * mean_N).mean()

    def _weighed(self, found_N: Tensor, y_N: Tensor) -> Tensor:
        return found_N if self.weights is None else found_N * self.weights[y_N]

    def _of_labels(self, s_NK: Tensor, y_N: Tensor) -> Tensor:
        if self.recipe.loss == "focal":
            return focal(s_NK, y_N, self.recipe.focal_gamma)
        found = _HINGES[self.recipe.loss]
        return found(s_NK, y_N, self.recipe.margin, squared=self.recipe.squared)


def make_loss(recipe: Recipe, targets: NDArray[Any], num_classes: int) -> Loss:
    """The loss of a recipe, with what it takes from the training targets.

    Args:
        recipe: names it and its settings.
        targets: of the training set: class indices, (n,), or ones and zeros, (n, classes).
        num_classes: how many scores there are.

    Raises:
        RecipeError: a class that has to be weighed has no training picture, or pictures have
            several labels and the loss is for one.
    """
    if targets.ndim == 2:
        expect_several(recipe.loss)
        if recipe.balance == "sampler":
            raise RecipeError(
                "balance sampler is for one label a picture, and these pictures have several; "
                "give --balance weights"
            )
    counts = np.array(Imbalance.of(targets, num_classes).counts, np.int64)
    weights = shift = None
    if recipe.balance == "weights":
        found = class_weights(counts, recipe.effective_beta)
        weights = torch.from_numpy(found.astype(np.float32))
    if recipe.balance == "logit-adjust":
        shift = torch.from_numpy(log_shares(counts).astype(np.float32))
    if recipe.balance == "sampler":
        _expect_all_classes(counts, "balance sampler")
    return Loss(recipe, weights, shift)


def expect_several(loss: str) -> None:
    """Refuse a loss of one label where samples may have several.

    Raises:
        RecipeError: with the losses that can.
    """
    if loss not in losses_of_several():
        raise RecipeError(
            f"loss: {loss} is for one label a picture, and these pictures have several; give "
            f"--loss {' or '.join(losses_of_several())}"
        )


_HINGES = {"hinge": hinge, "crammer_singer": crammer_singer, "one_vs_rest": one_vs_rest}


def _expect_all_classes(counts: NDArray[np.int64], what: str) -> None:
    if not counts.all():
        empty = ", ".join(map(str, np.flatnonzero(counts == 0)))
        raise RecipeError(
            f"{what}: class number {empty} has no training picture, so that nothing can be "
            "made of it; add pictures or take the class out"
        )


def _bent(gap: Tensor, squared: bool) -> Tensor:
    return gap.relu().square() if squared else gap.relu()


def _wrong(found_NK: Tensor, y_N: Tensor) -> Tensor:
    """With nothing in the column of the right class."""
    return found_NK.scatter(1, y_N[:, None], 0.0)
