"""MobileNetV2: narrow between the blocks, wide and depthwise within."""

from __future__ import annotations

from hubel.models.catalogue.entry import Named

__all__ = ["MOBILENETS"]

# Expansion, channels, blocks, stride of the first: the paper's table 2.
_STAGES = (
    (1, 16, 1, ""),
    (6, 24, 2, "/2"),
    (6, 32, 3, "/2"),
    (6, 64, 4, "/2"),
    (6, 96, 3, ""),
    (6, 160, 3, "/2"),
    (6, 320, 1, ""),
)


def _block(before: int, after: int, expansion: int, stride: str) -> str:
    widen = f"conv1x1({expansion * before}, bias=no) bn relu6 " if expansion > 1 else ""
    return f"{widen}dwconv3x3{stride}(bias=no) bn relu6 conv1x1({after}, bias=no) bn"


def _stages() -> str:
    words: list[str] = []
    before = 32
    for expansion, channels, blocks, stride in _STAGES:
        words.append(_block(before, channels, expansion, stride))
        if blocks > 1:
            more = f"residual({_block(channels, channels, expansion, '')})"
            words.append(f"{more}*{blocks - 1}" if blocks > 2 else more)
        before = channels
    return " ".join(words)


MOBILENETS = (
    Named(
        name="mobilenetv2",
        title="MobileNetV2",
        source="Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2: inverted residuals and linear "
        "bottlenecks",
        year=2018,
        url="https://arxiv.org/abs/1801.04381",
        line=f"conv3x3/2(32, bias=no) bn relu6 {_stages()} "
        "conv1x1(1280, bias=no) bn relu6 gap dropout(0.2) fc",
        notes="The dropout is torchvision's. The paper's 3.4 M parameters leave out those of "
        "batch norm.",
    ),
)
