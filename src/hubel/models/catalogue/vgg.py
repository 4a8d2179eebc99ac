"""VGG: stacks of 3x3 convolutions between poolings, and three large fully connected layers."""

from __future__ import annotations

from hubel.models.catalogue.entry import Named

__all__ = ["VGGS"]

_WIDTHS = (64, 128, 256, 512, 512)


def _line(depths: tuple[int, ...]) -> str:
    stages = (
        f"[conv3x3({width}) relu]*{depth} maxpool2"
        if depth > 1
        else f"conv3x3({width}) relu maxpool2"
        for width, depth in zip(_WIDTHS, depths, strict=True)
    )
    return " ".join([*stages, "adaptiveavgpool7x7 flatten [fc(4096) relu dropout]*2 fc"])


def _vgg(layers: int, column: str, depths: tuple[int, ...]) -> Named:
    return Named(
        name=f"vgg{layers}",
        title=f"VGG-{layers}",
        source="Simonyan, Zisserman: Very deep convolutional networks for large-scale image "
        "recognition",
        year=2014,
        url="https://arxiv.org/abs/1409.1556",
        line=_line(depths),
        notes=f"Column {column} of the paper's table 1. The adaptive pooling, as in torchvision, "
        "does nothing at 224 pixels and takes other sizes.",
    )


VGGS = (_vgg(11, "A", (1, 1, 2, 2, 2)), _vgg(16, "D", (2, 2, 3, 3, 3)))
