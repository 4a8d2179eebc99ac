"""ConvNeXt: a ResNet with the habits of a vision transformer."""

from __future__ import annotations

from hubel.models.catalogue.entry import Named

__all__ = ["CONVNEXTS"]

_WIDTHS, _DEPTHS = (96, 192, 384, 768), (3, 3, 9, 3)


def _stage(width: int, depth: int) -> str:
    body = f"dwconv7x7 norm conv1x1({4 * width}) gelu conv1x1({width}) scale(1e-6)"
    return f"residual({body})*{depth}"


def _line() -> str:
    first, *others = (_stage(w, d) for w, d in zip(_WIDTHS, _DEPTHS, strict=True))
    words = [f"conv4x4/4({_WIDTHS[0]}, valid) norm", first]
    for width, stage in zip(_WIDTHS[1:], others, strict=True):
        words += [f"norm conv2x2/2({width}, valid)", stage]
    return " ".join([*words, "gap norm fc"])


CONVNEXTS = (
    Named(
        name="convnext-t",
        title="ConvNeXt-T",
        source="Liu, Mao, Wu, Feichtenhofer, Darrell, Xie: A ConvNet for the 2020s",
        year=2022,
        url="https://arxiv.org/abs/2201.03545",
        line=_line(),
        aliases=("convnext-tiny",),
        notes="Without the stochastic depth that the paper trains with: droppath(0.1) at the end "
        "of a residual's body.",
    ),
)
