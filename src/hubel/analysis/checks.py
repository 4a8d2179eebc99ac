"""Shapes that a real device refuses and the meta device takes."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["check_operator"]


def check_operator(func: Any, arguments: tuple[Any, ...]) -> None:
    """Refuse what every real kernel refuses.

    Args:
        func: the overload that is about to run.
        arguments: its positional arguments.

    Raises:
        RuntimeError: as a real device would.
    """
    if func is torch.ops.aten.convolution.default and arguments[6]:
        given, expected = arguments[0].shape[1], arguments[1].shape[0]
        if given != expected:
            raise RuntimeError(
                f"Given transposed=1, expected input to have {expected} channels, but got {given}"
            )
    if func is torch.ops.aten.native_layer_norm.default:
        shape, expected = list(arguments[0].shape), list(arguments[1])
        if shape[-len(expected) :] != expected:
            raise RuntimeError(f"Given normalized_shape={expected}, got input of size {shape}")
