"""A whole recurrent layer as one operator: the one that cuDNN has for it, on any device.

Unrolled it would be some ten operators a time step, and as many more backward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["RECURRENT", "RECURRENT_KERNELS", "is_padded", "recurrent"]

aten = torch.ops.aten
_LSTM = 2

RECURRENT: dict[Any, int] = {
    torch.rnn_relu: 0,
    torch.rnn_tanh: 1,
    torch.lstm: _LSTM,
    torch.gru: 3,
}
"""The mode of the operator by the function that a recurrent layer calls."""


def is_padded(args: Sequence[Any]) -> bool:
    """Whether the sequences are as long as each other, not packed."""
    return len(args) == 9 and isinstance(args[3], bool)


def recurrent(mode: int, x: Tensor, states: Any, weights: list[Tensor], *rest: Any) -> Any:
    """Run one operator in the place of all steps.

    Args:
        mode: of the operator.
        x: (steps, batch, numbers), or the batch first.
        states: at first: hidden, or hidden and cell.
        weights: of each layer and direction: of the input, of the hidden state, their biases if
            there are any, and of the projection if there is one.
        *rest: what else the function takes: has_biases, num_layers, dropout, train, bidirectional,
            batch_first.

    Returns:
        What the function gives: output, and the last states.
    """
    has_bias, layers, dropout, training, bidirectional, batch_first = rest
    hidden, cell = states if mode == _LSTM else (states, None)
    group = len(weights) // (layers * (2 if bidirectional else 1))
    has_projection = group == (5 if has_bias else 3)
    size = weights[-1].shape[1] if has_projection else weights[1].shape[1]
    output, *last = aten._cudnn_rnn(
        x, weights, group, None, hidden, cell, mode, size, hidden.shape[2] if has_projection else 0,
        layers, batch_first, dropout, training, bidirectional, (), None,
    )  # fmt: skip
    return (output, *last[: 2 if mode == _LSTM else 1])


def _forward(x: Tensor, weights: Sequence[Tensor], *rest: Any) -> tuple[Tensor, ...]:
    """Shapes of what it gives; in training also of what it keeps for the backward pass.

    cuDNN doesn't say what that is. Here it is what the gradients need: the gates, the cell's state
    (of a GRU the hidden part of its new gate), what each layer but the last gives, and its dropout.
    """
    hidden, cell, _, size, projected, layers, _, dropout, training, bidirectional = rest[2:12]
    directions = 2 if bidirectional else 1
    width = directions * (projected or size)
    gates = weights[0].shape[0] // size
    own = layers * directions * (gates + (gates > 1)) * size
    between = (layers - 1) * width * (2 if dropout else 1)
    kept = x.shape[0] * x.shape[1] * (own + between) if training else 0
    state = x.new_empty(0) if cell is None else torch.empty_like(cell)
    return (
        x.new_empty(*x.shape[:2], width), torch.empty_like(hidden), state, x.new_empty(kept),
        x.new_empty(0),
    )  # fmt: skip


def _backward(x: Tensor, weights: Sequence[Tensor], *rest: Any) -> tuple[Any, ...]:
    hidden, cell, mask = rest[2], rest[3], rest[-1]
    return (
        torch.empty_like(x) if mask[0] else None,
        torch.empty_like(hidden) if mask[1] else None,
        torch.empty_like(cell) if mask[2] and cell is not None else None,
        [torch.empty_like(weight) for weight in weights] if mask[3] else [],
    )


RECURRENT_KERNELS = {
    aten._cudnn_rnn.default: _forward,
    aten._cudnn_rnn_backward.default: _backward,
}
