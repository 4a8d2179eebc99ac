"""SqueezeNet: few channels in, then 1x1 and 3x3 side by side."""

from __future__ import annotations

from hubel.models.catalogue.entry import Named

__all__ = ["SQUEEZENETS"]


def _fire(squeeze: int, expand: int) -> str:
    return f"conv1x1({squeeze}) relu branches(conv1x1({expand}) relu | conv3x3({expand}) relu)"


_POOL = "maxpool3x3/2(ceil=yes)"

SQUEEZENETS = (
    Named(
        name="squeezenet1_1",
        title="SqueezeNet 1.1",
        source="Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer: SqueezeNet: AlexNet-level "
        "accuracy with 50x fewer parameters and <0.5MB model size",
        year=2016,
        url="https://arxiv.org/abs/1602.07360",
        line=" ".join(
            [
                "conv3x3/2(64, valid) relu",
                *(_POOL, f"[{_fire(16, 64)}]*2"),
                *(_POOL, f"[{_fire(32, 128)}]*2"),
                *(_POOL, f"[{_fire(48, 192)}]*2 [{_fire(64, 256)}]*2"),
                "dropout tokens fc relu gap",
            ]
        ),
        aliases=("squeezenet",),
        notes="Version 1.1 of the authors' code, which the paper doesn't have. The last "
        "convolution, 1x1, is written as fc at each position.",
    ),
)
