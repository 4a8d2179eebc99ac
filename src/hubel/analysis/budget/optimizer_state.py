"""What optimizers remember from step to step, in bytes, from the shapes of the parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from torch import Tensor

from hubel.errors import DesignError

__all__ = ["OPTIMIZERS", "OptimizerState", "optimizer_state"]


@dataclass(frozen=True, slots=True)
class OptimizerState:
    """What an optimizer keeps of each parameter.

    Attributes:
        tensors: that it keeps, in words; counters of steps are left out (4 bytes a parameter).
        numbers: that it keeps of a parameter, from its shape.
        source: where that stands.
    """

    tensors: str
    numbers: Callable[[tuple[int, ...]], int]
    source: str


def _times(count: int) -> Callable[[tuple[int, ...]], int]:
    return lambda shape: count * math.prod(shape)


def _factored(shape: tuple[int, ...]) -> int:
    """Sums over rows and over columns where there are two axes; else the whole."""
    if len(shape) < 2:
        return math.prod(shape)
    *outer, rows, columns = shape
    return math.prod(outer) * (rows + columns)


_TORCH = "torch.optim.{}, its `state`"

OPTIMIZERS: dict[str, OptimizerState] = {
    "sgd": OptimizerState("none", _times(0), _TORCH.format("SGD")),
    "momentum": OptimizerState("momentum", _times(1), _TORCH.format("SGD(momentum=0.9)")),
    "nesterov": OptimizerState(
        "momentum", _times(1), _TORCH.format("SGD(momentum=0.9, nesterov=True)")
    ),
    "rmsprop": OptimizerState("mean square", _times(1), _TORCH.format("RMSprop")),
    "adagrad": OptimizerState("sum of squares", _times(1), _TORCH.format("Adagrad")),
    "adadelta": OptimizerState(
        "mean square, mean square of updates", _times(2), _TORCH.format("Adadelta")
    ),
    "adam": OptimizerState("mean, mean square", _times(2), _TORCH.format("Adam")),
    "adamw": OptimizerState("mean, mean square", _times(2), _TORCH.format("AdamW")),
    "amsgrad": OptimizerState(
        "mean, mean square, its maximum", _times(3), _TORCH.format("Adam(amsgrad=True)")
    ),
    "nadam": OptimizerState("mean, mean square", _times(2), _TORCH.format("NAdam")),
    "radam": OptimizerState("mean, mean square", _times(2), _TORCH.format("RAdam")),
    "adamax": OptimizerState("mean, largest", _times(2), _TORCH.format("Adamax")),
    "adafactor": OptimizerState(
        "mean square of rows and of columns; all of a vector",
        _factored,
        "Shazeer and Stern 2018, arXiv 1804.04235, section 3; " + _TORCH.format("Adafactor"),
    ),
    "lion": OptimizerState("momentum", _times(1), "Chen et al. 2023, arXiv 2302.06675, program 1"),
    "muon": OptimizerState(
        "momentum; for parameters that are no matrices, those of AdamW",
        lambda shape: (1 if len(shape) > 1 else 2) * math.prod(shape),
        "Jordan et al. 2024, kellerjordan.github.io/posts/muon; " + _TORCH.format("Muon"),
    ),
}


def optimizer_state(name: str, parameters: Iterable[Tensor]) -> int:
    """Bytes that an optimizer keeps of parameters, in their own precision.

    Args:
        name: of `OPTIMIZERS`.
        parameters: that learn.

    Raises:
        DesignError: there is no such optimizer; the nearest is suggested.

    Example:
        >>> import torch
        >>> optimizer_state("adafactor", [torch.empty(100, 50), torch.empty(100)])
        1000
    """
    if name not in OPTIMIZERS:
        near = get_close_matches(name, OPTIMIZERS, n=2)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise DesignError(
            f"optimizer: nothing is known of the state of {name!r}; {hint}there are "
            f"{', '.join(OPTIMIZERS)}"
        )
    numbers = OPTIMIZERS[name].numbers
    return sum(numbers(tuple(x.shape)) * x.element_size() for x in parameters)
