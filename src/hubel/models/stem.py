"""What is adapted in a network's first layers: other channel counts, and small pictures.

Networks made for 224 pixels throw away three quarters of the positions twice before their first
block. On pictures of 32 pixels that leaves one position at the end, so networks for CIFAR begin
without (He et al. 2015, arXiv 1512.03385, section 4.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["SMALL_SIDE", "Stem", "adapt_kernel", "find_stem", "replace_channels", "shrink_stem"]

SMALL_SIDE = 48
"""Pictures whose shorter side has no more pixels are small."""

_Strided = nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d


@dataclass(frozen=True, slots=True)
class Stem:
    """Where a network first throws positions away.

    Attributes:
        convolution: path of the first convolution, whose stride is above 1 and whose windows
            overlap.
        pool: path of the pooling that comes before any other stride; None where there is none.
        pads: paths of the borders that are added for that pooling.
    """

    convolution: str
    pool: str | None
    pads: tuple[str, ...] = ()


def find_stem(network: nn.Module, shape: tuple[int, int, int]) -> Stem | None:
    """The stem of a network, by the order in which its layers run.

    Args:
        network: on the meta device.
        shape: channels, height, width of an input that it takes.

    Returns:
        None where the first convolution has no stride, or takes patches that don't overlap.
    """
    layers = _in_order(network, shape)
    first = next(((path, one) for path, one in layers if isinstance(one, nn.Conv2d)), None)
    if first is None or not _subsamples(first[1]) or not _overlaps(first[1]):
        return None
    after = layers[layers.index(first) + 1 :]
    pads: list[str] = []
    for path, layer in after:
        if isinstance(layer, nn.ConstantPad2d):
            pads.append(path)
        elif isinstance(layer, nn.MaxPool2d) and _subsamples(layer):
            return Stem(first[0], path, tuple(pads))
        elif isinstance(layer, nn.Conv2d | nn.AvgPool2d):
            pads.clear()
            if _subsamples(layer):
                break
    return Stem(first[0], None)


def shrink_stem(network: nn.Module, stem: Stem, *, keep_kernel: bool) -> list[str]:
    """Halve the first stride and take out the pooling after it.

    Args:
        network: is changed.
        stem: of it.
        keep_kernel: leave the filters as they are, since they were trained.

    Returns:
        What was changed, a sentence each.
    """
    conv = network.get_submodule(stem.convolution)
    assert isinstance(conv, nn.Conv2d)
    before = f"{_sides(conv.kernel_size)} at stride {conv.stride[0]}"
    stride = tuple(max(1, side // 2) for side in conv.stride)
    large = min(conv.kernel_size) > 3 and max(stride) == 1 and type(conv) is nn.Conv2d
    if large and not keep_kernel:
        conv = _fresh(conv, conv.in_channels, kernel=3)
        network.set_submodule(stem.convolution, conv)
    conv.stride = stride
    now = f"{_sides(conv.kernel_size)} at stride {stride[0]}"
    notes = [f"{stem.convolution}: {now} in place of {before}, for small pictures"]
    for path in (*stem.pads, *([stem.pool] if stem.pool else [])):
        network.set_submodule(path, nn.Identity())
    if stem.pool:
        notes.append(f"{stem.pool}: taken out, for small pictures")
    return notes


def replace_channels(network: nn.Module, path: str, channels: int) -> str:
    """Put a freshly drawn convolution of other input channels in the place of one.

    Returns:
        What was changed.
    """
    conv = network.get_submodule(path)
    assert isinstance(conv, nn.Conv2d)
    network.set_submodule(path, _fresh(conv, channels))
    return f"{path}: takes {channels} channel{'s' * (channels != 1)} instead of {conv.in_channels}"


def adapt_kernel(kernel: Tensor, channels: int) -> tuple[Tensor, str]:
    """Trained filters for another number of input channels.

    For one channel they are summed, so a grey picture gets the answer that it would get as three
    equal channels. For others they are repeated, and scaled by the ratio of the counts, so that
    the size of the answers stays.

    Args:
        kernel: (filters, channels, height, width).
        channels: wanted.

    Returns:
        The filters, and what was done.

    Example:
        >>> adapted, _ = adapt_kernel(torch.ones(1, 3, 1, 1), 4)
        >>> adapted.flatten().tolist()
        [0.75, 0.75, 0.75, 0.75]
    """
    before = kernel.shape[1]
    if channels == 1:
        return kernel.sum(1, keepdim=True), f"trained filters summed over their {before} channels"
    repeated = kernel.repeat(1, -(-channels // before), 1, 1)[:, :channels]
    return (
        repeated * (before / channels),
        f"trained filters repeated for {channels} channels, times {before}/{channels}",
    )


def _in_order(network: nn.Module, shape: tuple[int, int, int]) -> list[tuple[str, nn.Module]]:
    """The layers that the stem is made of, as they run."""
    kinds = (*_Strided.__args__, nn.ConstantPad2d)
    found: list[tuple[str, nn.Module]] = []
    handles = [
        layer.register_forward_pre_hook(_appender(found, path))
        for path, layer in network.named_modules()
        if isinstance(layer, kinds)
    ]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.empty(2, *shape, device="meta"))
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return found


def _appender(found: list[tuple[str, nn.Module]], path: str) -> Callable[..., None]:
    def append(layer: nn.Module, _inputs: Any) -> None:
        found.append((path, layer))

    return append


def _pair(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else value


def _subsamples(layer: nn.Module) -> bool:
    assert isinstance(layer, _Strided)
    return max(_pair(layer.stride)) > 1


def _overlaps(layer: nn.Module) -> bool:
    assert isinstance(layer, nn.Conv2d)
    return all(k > s for k, s in zip(layer.kernel_size, layer.stride, strict=True))


def _fresh(conv: nn.Conv2d, channels: int, kernel: int | None = None) -> nn.Conv2d:
    """A convolution like another, of other input channels or kernel, drawn as ResNet's are."""
    new = nn.Conv2d(
        channels,
        conv.out_channels,
        kernel or conv.kernel_size,  # pyright: ignore[reportArgumentType]
        conv.stride,  # pyright: ignore[reportArgumentType]
        kernel // 2 if kernel else conv.padding,  # pyright: ignore[reportArgumentType]
        bias=conv.bias is not None,
        device=conv.weight.device,
    )
    nn.init.kaiming_normal_(new.weight, mode="fan_out", nonlinearity="relu")
    if new.bias is not None:
        nn.init.zeros_(new.bias)
    return new


def _sides(kernel: tuple[int, ...]) -> str:
    return "x".join(map(str, kernel))
