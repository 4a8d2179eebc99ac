"""What is really alive while real tensors are computed with, counted on its own."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode


class Live(TorchDispatchMode):
    """Bytes of the storages that operators took or gave and that have not been freed."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0
        self.peak = 0
        self.storages: set[int] = set()

    def see(self, nested: Any) -> None:
        for tensor in pytree.tree_leaves(nested):
            if isinstance(tensor, Tensor) and tensor.untyped_storage()._cdata not in self.storages:
                storage = tensor.untyped_storage()
                self.storages.add(storage._cdata)
                self.bytes += storage.nbytes()
                self.peak = max(self.peak, self.bytes)
                weakref.finalize(storage, self.gone, storage._cdata, storage.nbytes())

    def gone(self, address: int, nbytes: int) -> None:
        self.storages.discard(address)
        self.bytes -= nbytes

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        self.see((args, kwargs))
        result = func(*args, **(kwargs or {}))
        self.see(result)
        return result


def step(module: nn.Module, x: Tensor) -> None:
    """Forward and backward, as training does."""
    output = module(x)
    torch.autograd.backward([output], [torch.ones_like(output)])


def training_peak(module: nn.Module, x: Tensor) -> int:
    """Most bytes alive in a real training step, with parameters, buffers and gradients."""
    live = Live()
    live.see((*module.parameters(), *module.buffers(), x))
    with live:
        step(module.train(), x)
    return live.peak


def inference_peak(module: nn.Module, x: Tensor) -> int:
    """Most bytes alive in a real pass without gradients."""
    live = Live()
    live.see((*module.parameters(), *module.buffers(), x))
    with torch.no_grad(), live:
        module.eval()(x)
    return live.peak
