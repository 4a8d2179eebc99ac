"""Random linear stacks, with every way to slide, pad and normalise."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import nn

CONVOLUTIONS: list[Any] = [nn.Conv1d, nn.Conv2d, nn.Conv3d]
POOLS: list[Any] = [nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d]
NORMS: list[Any] = [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d]
PADDINGS: list[tuple[Any, ...]] = [
    (nn.ZeroPad1d, nn.ReflectionPad1d, nn.ReplicationPad1d, nn.CircularPad1d),
    (nn.ZeroPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d, nn.CircularPad2d),
    (nn.ZeroPad3d, nn.ReflectionPad3d, nn.ReplicationPad3d, nn.CircularPad3d),
]


@st.composite
def convolutions(draw: st.DrawFn, axes: int, channels: int) -> nn.Module:
    padding: Any = draw(st.sampled_from([0, 1, 2, "valid", "same"]))
    stride = 1 if padding == "same" else tuple(draw(st.integers(1, 3)) for _ in range(axes))
    return CONVOLUTIONS[axes - 1](
        channels,
        draw(st.sampled_from([4, 8])),
        tuple(draw(st.integers(1, 4)) for _ in range(axes)),
        stride=stride,
        dilation=draw(st.integers(1, 2)),
        padding=padding,
        groups=draw(st.sampled_from([1, 2, 4])),
        bias=draw(st.booleans()),
        padding_mode=draw(st.sampled_from(["zeros", "zeros", "reflect", "replicate", "circular"])),
    )


@st.composite
def poolings(draw: st.DrawFn, axes: int) -> nn.Module:
    kernel = draw(st.integers(1, 3))
    return POOLS[axes - 1](
        kernel,
        draw(st.integers(1, 2)),
        draw(st.integers(0, kernel // 2)),
        ceil_mode=draw(st.booleans()),
        count_include_pad=draw(st.booleans()),
    )


@st.composite
def paddings(draw: st.DrawFn, axes: int) -> nn.Module:
    kind = draw(st.sampled_from(PADDINGS[axes - 1]))
    return kind(tuple(draw(st.integers(0, 2)) for _ in range(2 * axes)))


@st.composite
def stacks(draw: st.DrawFn) -> tuple[nn.Sequential, tuple[int, ...]]:
    """A stack with weights, and the shape of an input that may be too small for it."""
    axes, channels = draw(st.integers(1, 3)), 4
    layers: list[Any] = [draw(convolutions(axes, channels))]
    for kind in draw(
        st.lists(st.sampled_from(["conv", "conv", "pool", "norm", "pad"]), max_size=4)
    ):
        channels = next(
            layer.out_channels for layer in reversed(layers) if hasattr(layer, "out_channels")
        )
        if kind == "conv":
            layers.append(draw(convolutions(axes, channels)))
        elif kind == "pool":
            layers.append(draw(poolings(axes)))
        elif kind == "pad":
            layers.append(draw(paddings(axes)))
        else:
            layers.append(NORMS[axes - 1](channels))
    most = 24 if axes < 3 else 10
    return nn.Sequential(*layers), (4, *(draw(st.integers(5, most)) for _ in range(axes)))


def settle(module: nn.Module, seed: int = 0) -> nn.Module:
    """Weights and statistics that differ everywhere, in evaluation."""
    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2, generator=draws)
            elif tensor.is_floating_point():
                fan = max(tensor[0].numel() if tensor.dim() > 1 else 1, 1)
                tensor.normal_(0, fan**-0.5, generator=draws)
    return module.eval()
