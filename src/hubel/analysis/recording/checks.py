"""Shapes that a real device refuses and the meta device takes."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["check_operator"]

aten = torch.ops.aten


def check_operator(func: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    """Refuse what every real kernel refuses.

    Args:
        func: the overload that is about to run.
        arguments: its positional arguments.
        keywords: its keyword arguments.

    Raises:
        RuntimeError: as a real device would.
    """
    check = _CHECKS.get(func)
    if check is not None:
        check(arguments, keywords)


def _transposed(arguments: Any, _keywords: Any) -> None:
    given, expected = arguments[0].shape[1], arguments[1].shape[0]
    if arguments[6] and given != expected:
        raise RuntimeError(
            f"Given transposed=1, expected input to have {expected} channels, but got {given}"
        )


def _layer_norm(arguments: Any, _keywords: Any) -> None:
    shape, expected = list(arguments[0].shape), list(arguments[1])
    if shape[-len(expected) :] != expected:
        raise RuntimeError(f"Given normalized_shape={expected}, got input of size {shape}")


def _attention(arguments: Any, keywords: Any) -> None:
    query, key = arguments[:2]
    mask = keywords.get("attn_mask")
    scores = (*query.shape[:3], key.shape[2])
    if mask is not None and not _spreads(mask.shape, scores):
        raise RuntimeError(
            f"a mask or bias of {list(mask.shape)} does not fit scores of {list(scores)}"
        )


def _recurrent(arguments: Any, _keywords: Any) -> None:
    given, expected = arguments[0].shape[-1], arguments[1][0].shape[1]
    if given != expected:
        raise RuntimeError(
            f"input.size(-1) must be equal to input_size. Expected {expected}, got {given}"
        )


def _spreads(shape: Any, over: Any) -> bool:
    """Whether one shape broadcasts to the other."""
    pairs = zip(reversed(shape), reversed(over), strict=False)
    return len(shape) <= len(over) and all(size in (1, wanted) for size, wanted in pairs)


_CHECKS: dict[Any, Any] = {
    aten.convolution.default: _transposed,
    aten.native_layer_norm.default: _layer_norm,
    aten._scaled_dot_product_flash_attention_for_cpu.default: _attention,
    aten._cudnn_rnn.default: _recurrent,
}
