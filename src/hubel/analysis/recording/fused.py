"""Calls that a device runs as one kernel, recorded as one operator whatever the device."""

from __future__ import annotations

from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from hubel.analysis.recording.recurrent import RECURRENT, is_padded, recurrent

__all__ = ["FusedCalls"]


class FusedCalls(TorchFunctionMode):
    """Attention and recurrent layers as one operator where a fused kernel exists, on any device.

    Without it the meta device shows the unfused operators and their score matrices, a CPU with
    gradients shows one operator, and a GPU another; a recurrent layer is unrolled step by step.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is F.scaled_dot_product_attention:
            func = _attention
        elif func is F.multi_head_attention_forward:
            func = _multi_head_attention
        elif func in RECURRENT and is_padded(args):
            return recurrent(RECURRENT[func], *args)
        return func(*args, **(kwargs or {}))


def _attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None,
    dropout_p: float = 0.0, is_causal: bool = False, **rest: Any,
) -> Tensor:  # fmt: skip
    sizes = [(x.dim(), x.shape[:2], x.shape[-1]) for x in (query, key, value)]
    is_fused = sizes[0] == sizes[1] == sizes[2] and query.dim() == 4
    if dropout_p or rest.get("enable_gqa") or not is_fused:
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, **rest
        )
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        attn_mask = torch.zeros_like(attn_mask, dtype=query.dtype)
    if attn_mask is not None and attn_mask.requires_grad and torch.is_grad_enabled():
        return _learned(query, key, value, attn_mask, is_causal, rest.get("scale"))
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, 0.0, is_causal, attn_mask=attn_mask, scale=rest.get("scale")
    )[0]


def _learned(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor, is_causal: bool, scale: float | None
) -> Tensor:  # fmt: skip
    """With a bias that is learned, which the other kernel has no gradient for."""
    bias = bias.expand(*query.shape[:3], key.shape[2])
    return torch.ops.aten._scaled_dot_product_efficient_attention(
        query, key, value, bias, True, 0.0, is_causal, scale=scale
    )[0]


def _never(*_tensors: Any) -> bool:
    return False


# A mode is off while it answers, so what the function calls within would not come here: a copy of
# the function that finds our attention under the name. PyTorch's own stays as it is.
_multi_head_attention = FunctionType(
    F.multi_head_attention_forward.__code__,
    {
        **vars(F),
        "has_torch_function": _never,
        "scaled_dot_product_attention": _attention,
    },
    argdefs=F.multi_head_attention_forward.__defaults__,
)
