"""Residual networks: for photographs, and for small pictures."""

from __future__ import annotations

from hubel.models.catalogue.entry import Named

__all__ = ["RESNETS"]

_SOURCE = "He, Zhang, Ren, Sun: Deep residual learning for image recognition"
_URL = "https://arxiv.org/abs/1512.03385"
_STEM = "conv7x7/2(64, bias=no) bn relu maxpool3x3/2(pad=1)"
_SMALL_STEM = "conv3x3({}, bias=no) bn relu"


def _conv(kernel: str, width: int) -> str:
    return f"conv{kernel}({width}, bias=no) bn"


def _residual(body: str, shortcut: str) -> str:
    return f"residual({body}{f' | {shortcut}' if shortcut else ''}) relu"


def _basic(width: int, stride: str = "") -> str:
    """Two 3x3 convolutions beside an identity, or beside a projection where the shape changes."""
    body = f"{_conv(f'3x3{stride}', width)} relu {_conv('3x3', width)}"
    return _residual(body, _conv(f"1x1{stride}", width) if stride else "")


def _bottleneck(width: int, strides: tuple[str, str], shortcut: str = "") -> str:
    """1x1 to `width`, 3x3, 1x1 to four times it; the first two with a stride each."""
    body = (
        f"{_conv(f'1x1{strides[0]}', width)} relu {_conv(f'3x3{strides[1]}', width)} relu "
        f"{_conv('1x1', 4 * width)}"
    )
    return _residual(body, shortcut)


def _repeated(block: str, times: int) -> str:
    return f"[{block}]*{times}" if times > 1 else block


def _basic_stages(widths: tuple[int, ...], depth: int) -> str:
    first, *others = widths
    stages = [_repeated(_basic(first), depth)]
    stages += [f"{_basic(w, '/2')} {_repeated(_basic(w), depth - 1)}" for w in others]
    return " ".join(stages)


def _bottleneck_stages(*, stride_on_3x3: bool) -> str:
    stages: list[str] = []
    for width, depth, stride in ((64, 3, ""), (128, 4, "/2"), (256, 6, "/2"), (512, 3, "/2")):
        strides = ("", stride) if stride_on_3x3 else (stride, "")
        stages.append(_bottleneck(width, strides, _conv(f"1x1{stride}", 4 * width)))
        stages.append(_repeated(_bottleneck(width, ("", "")), depth - 1))
    return " ".join(stages)


RESNETS = (
    Named(
        name="resnet18",
        title="ResNet-18",
        source=_SOURCE,
        year=2015,
        url=_URL,
        line=f"{_STEM} {_basic_stages((64, 128, 256, 512), 2)} gap fc",
    ),
    Named(
        name="resnet50",
        title="ResNet-50",
        source=_SOURCE,
        year=2015,
        url=_URL,
        line=f"{_STEM} {_bottleneck_stages(stride_on_3x3=True)} gap fc",
        notes="As torchvision's: the stride is on the 3x3. The paper has it on the first 1x1, "
        "which costs less: resnet50-2015.",
    ),
    Named(
        name="resnet50-2015",
        title="ResNet-50 (2015)",
        source=_SOURCE,
        year=2015,
        url=_URL,
        line=f"{_STEM} {_bottleneck_stages(stride_on_3x3=False)} gap fc",
    ),
    Named(
        name="resnet20-cifar",
        title="ResNet-20 for CIFAR",
        source=_SOURCE + ", section 4.2",
        year=2015,
        url=_URL,
        line=f"{_SMALL_STEM.format(16)} {_basic_stages((16, 32, 64), 3)} gap fc",
        input=(3, 32, 32),
        num_classes=10,
        aliases=("resnet20",),
        notes="Where the shape changes the shortcut is a 1x1 convolution (option B), 2,752 "
        "parameters more than the paper's zeros in new channels (option A).",
    ),
    Named(
        name="resnet18-small",
        title="ResNet-18 for small pictures",
        source=_SOURCE,
        year=2015,
        url=_URL,
        line=f"{_SMALL_STEM.format(64)} {_basic_stages((64, 128, 256, 512), 2)} gap fc",
        input=(3, 32, 32),
        num_classes=10,
        notes="The stem of section 4.2 (3x3, no stride, no pooling) before the stages of "
        "ResNet-18, as is usual for CIFAR; the paper doesn't have this one.",
    ),
)
