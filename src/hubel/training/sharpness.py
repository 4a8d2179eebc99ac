"""Sharpness-aware minimisation: the gradient is taken where the loss nearby is highest.

Foret et al. 2021, arXiv 2010.01412. Two passes a step, so about twice the time. It is written here
and not taken from a library: PyTorch, torchvision and timm have none, and those that do wrap
`torch.optim` classes, which the trainer avoids; the step is one equation.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["climb"]


@contextmanager
def climb(module: nn.Module, radius: float) -> Generator[None]:
    """Inside, the parameters stand `radius` up the gradient that they hold (equation 2).

    Afterwards they are what they were, bit for bit, and so are the buffers: statistics of batch
    normalisation are of the weights that stay. Gradients made inside are kept.

    Args:
        module: with gradients.
        radius: length of the climb over all parameters together.
    """
    parameters = [p for p in module.parameters() if p.grad is not None]
    gradients = [p.grad for p in parameters if p.grad is not None]
    kept = [value.detach().clone() for value in _values(module)]
    with torch.no_grad():
        norms = [gradient.norm().float() for gradient in gradients]
        scale = radius / (torch.stack(norms).norm() + 1e-12)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.add_(gradient * scale.to(gradient.dtype))
    try:
        yield
    finally:
        with torch.no_grad():
            for value, before in zip(_values(module), kept, strict=True):
                value.copy_(before)


def _values(module: nn.Module) -> list[Tensor]:
    return [*(p for p in module.parameters() if p.requires_grad), *module.buffers()]
