"""Vision transformers on patches of 16 pixels."""

from __future__ import annotations

from hubel.models.catalogue.entry import Named

__all__ = ["VITS"]

_DOSOVITSKIY = (
    "Dosovitskiy, Beyer, Kolesnikov, Weissenborn, Zhai, Unterthiner, et al.: An image is worth "
    "16x16 words: transformers for image recognition at scale"
)
_TOUVRON = (
    "Touvron, Cord, Douze, Massa, Sablayrolles, Jegou: Training data-efficient image transformers "
    "& distillation through attention"
)


def _line(width: int) -> str:
    """Heads are of 64 channels, the layers between are four times as wide."""
    attention = f"residual(norm attention({width // 64}))"
    perceptron = f"residual(norm fc({4 * width}) gelu fc({width}))"
    return f"patch16({width}) classtoken positions [{attention} {perceptron}]*12 norm first fc"


VITS = (
    Named(
        name="vit-ti",
        title="ViT-Ti/16",
        source=_TOUVRON,
        year=2020,
        url="https://arxiv.org/abs/2012.12877",
        line=_line(192),
        aliases=("vit-tiny", "deit-ti"),
    ),
    Named(
        name="vit-s",
        title="ViT-S/16",
        source=_TOUVRON,
        year=2020,
        url="https://arxiv.org/abs/2012.12877",
        line=_line(384),
        aliases=("vit-small", "deit-s"),
    ),
    Named(
        name="vit-b",
        title="ViT-B/16",
        source=_DOSOVITSKIY,
        year=2020,
        url="https://arxiv.org/abs/2010.11929",
        line=_line(768),
        aliases=("vit-base", "vit-b16"),
        notes="Without the hidden layer that the paper's head has while it is trained on a larger "
        "data set.",
    ),
)
