"""An exponential average of the weights along the way (Polyak and Juditsky 1992)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["WeightAverage"]


class WeightAverage:
    """Averages parameters and floating buffers; other buffers are taken as they are.

    Args:
        module: whose weights are averaged; its layout of memory is kept.
    """

    def __init__(self, module: nn.Module) -> None:
        self.tensors = {name: value.detach().clone() for name, value in _state(module).items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int, horizon: float) -> None:
        """Move towards the weights of now.

        Args:
            module: the one being trained.
            step: counted from 0; early averages are short.
            horizon: steps after which a past weight counts for a share of 1/e.
        """
        decay = min(1 - 1 / max(horizon, 1.0), (1 + step) / (10 + step))
        current = _state(module)
        floating = [name for name, value in current.items() if value.is_floating_point()]
        for name in floating:
            self.tensors[name].lerp_(current[name], 1 - decay)
        for name in current.keys() - set(floating):
            self.tensors[name].copy_(current[name])

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take over saved averages."""
        for name, value in self.tensors.items():
            value.copy_(tensors[name])


def _state(module: nn.Module) -> dict[str, Tensor]:
    return module.state_dict()
