"""DenseNet: each layer sees what all layers before it gave."""

from __future__ import annotations

from hubel.models.catalogue.entry import Named

__all__ = ["DENSENETS"]

_GROWTH = 32
_DEPTHS = (6, 12, 24, 16)


def _block(depth: int) -> str:
    layer = f"bn relu conv1x1({4 * _GROWTH}, bias=no) bn relu conv3x3({_GROWTH}, bias=no)"
    return f"branches(identity | {layer})*{depth}"


def _stages() -> str:
    words: list[str] = []
    channels = 2 * _GROWTH
    for depth in _DEPTHS[:-1]:
        channels = (channels + depth * _GROWTH) // 2
        words += [_block(depth), f"bn relu conv1x1({channels}, bias=no) avgpool2"]
    return " ".join([*words, _block(_DEPTHS[-1])])


DENSENETS = (
    Named(
        name="densenet121",
        title="DenseNet-121",
        source="Huang, Liu, van der Maaten, Weinberger: Densely connected convolutional networks",
        year=2016,
        url="https://arxiv.org/abs/1608.06993",
        line="conv7x7/2(64, bias=no) bn relu maxpool3x3/2(pad=1) " + _stages() + " bn relu gap fc",
        aliases=("densenet",),
    ),
)
