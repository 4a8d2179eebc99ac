"""Building networks whose weights take no memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

__all__ = ["blank", "is_blank"]


class _WeightsOnMeta(TorchFunctionMode):
    """Sends the memory that modules ask for to the meta device, and leaves arithmetic real.

    A few networks compute their widths with small tensors and read them, which the meta device
    can't do (RegNet of torchvision). Modules ask for their weights by `torch.empty`.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.empty:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def is_blank() -> bool:
    """Whether what is built now gets no memory: inside `with torch.device("meta")`.

    Example:
        >>> with torch.device("meta"):
        ...     is_blank()
        True
    """
    return torch.get_default_device().type == "meta"


def blank(make: Callable[[], nn.Module]) -> nn.Module:
    """A network on the meta device.

    Args:
        make: builds it; called again where it looks at numbers, which meta tensors don't have.

    Returns:
        The network; every parameter and buffer is on the meta device.

    Raises:
        Exception: what `make` raises, of a network that can't be.

    Example:
        >>> blank(lambda: nn.Linear(1_000_000, 1_000_000)).weight.device
        device(type='meta')
    """
    try:
        with torch.device("meta"):
            return make()
    except Exception as error:
        if not _lacks_numbers(error):
            raise
    try:
        with torch.device("cpu"), _WeightsOnMeta():
            return make().to("meta")
    except Exception as error:
        if not _lacks_numbers(error):
            raise
    with torch.device("cpu"):  # with its memory, for a moment
        return make().to("meta")


def _lacks_numbers(error: BaseException | None) -> bool:
    """Whether an error, or one that it was raised from, is about a tensor without numbers."""
    while error is not None:
        text = str(error)
        if isinstance(error, NotImplementedError | RuntimeError) and "meta" in text:
            return True
        error = error.__cause__
    return False
