"""GoogLeNet: convolutions of several sizes side by side."""

from __future__ import annotations

from dataclasses import dataclass

from hubel.models.catalogue.entry import Named

__all__ = ["GOOGLENETS"]

# For each module the filters of 1x1; reducing and 3x3; reducing and 5x5; after the pooling.
_STAGES = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)


@dataclass(frozen=True, slots=True)
class _Form:
    """What the paper's form and torchvision's differ in.

    Attributes:
        batch_norm: after each convolution, which then has no bias.
        largest: kernel of the third branch.
        norm: around the second stage of the stem.
        last_pool: before the last two modules.
        dropout: share.
    """

    batch_norm: bool
    largest: str
    norm: str
    last_pool: str
    dropout: float

    def conv(self, kernel: str, width: int) -> str:
        if self.batch_norm:
            return f"conv{kernel}({width}, bias=no) bn(eps=0.001) relu"
        return f"conv{kernel}({width}) relu"

    def module(self, widths: tuple[int, ...]) -> str:
        single, reduce_3, wide_3, reduce_5, wide_5, pooled = widths
        branches = (
            self.conv("1x1", single),
            f"{self.conv('1x1', reduce_3)} {self.conv('3x3', wide_3)}",
            f"{self.conv('1x1', reduce_5)} {self.conv(self.largest, wide_5)}",
            f"maxpool3x3/1(pad=1) {self.conv('1x1', pooled)}",
        )
        return f"branches({' | '.join(branches)})"

    def line(self) -> str:
        pool = "maxpool3x3/2(ceil=yes)"
        stem = [self.conv("7x7/2", 64), pool, self.norm, self.conv("1x1", 64)]
        stem += [self.conv("3x3", 192), self.norm, pool]
        third, fourth, fifth = (
            " ".join(self.module(widths) for widths in stage) for stage in _STAGES
        )
        words = [
            *stem,
            third,
            pool,
            fourth,
            self.last_pool,
            fifth,
            f"gap dropout({self.dropout}) fc",
        ]
        return " ".join(word for word in words if word)


_PAPER = _Form(False, "5x5", "lrn(5)", "maxpool3x3/2(ceil=yes)", 0.4)
_TORCHVISION = _Form(True, "3x3", "", "maxpool2(ceil=yes)", 0.2)
_SOURCE = "Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, et al.: Going deeper with convolutions"
_URL = "https://arxiv.org/abs/1409.4842"

GOOGLENETS = (
    Named(
        name="googlenet",
        title="GoogLeNet",
        source=_SOURCE,
        year=2014,
        url=_URL,
        line=_TORCHVISION.line(),
        notes="As torchvision's: batch norm, 3x3 in the place of 5x5, dropout 0.2. Without the "
        "two auxiliary heads. The paper's own is googlenet-2014.",
    ),
    Named(
        name="googlenet-2014",
        title="GoogLeNet (2014)",
        source=_SOURCE,
        year=2014,
        url=_URL,
        line=_PAPER.line(),
        notes="Without the two auxiliary heads, which only training uses. The numbers of the "
        "local response norm are not in the paper.",
    ),
)
