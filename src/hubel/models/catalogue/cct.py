"""Compact convolutional transformers: tokens from a convolution, for small pictures."""

from __future__ import annotations

from hubel.models.catalogue.entry import Named

__all__ = ["CCTS"]

_NORM = "norm(eps=1e-5)"
_LAYER = f"residual({_NORM} attention(4, qkvbias=no)) {_NORM} residual(fc(512) gelu fc(256))"

CCTS = (
    Named(
        name="cct-7-3x1",
        title="CCT-7/3x1",
        source="Hassani, Walton, Shah, Abuduweili, Li, Shi: Escaping the big data paradigm with "
        "compact transformers",
        year=2021,
        url="https://arxiv.org/abs/2104.05704",
        line=f"conv3x3(256, bias=no) relu maxpool3x3/2(pad=1) tokens positions [{_LAYER}]*7 "
        f"{_NORM} seqpool fc",
        input=(3, 32, 32),
        num_classes=10,
        aliases=("cct",),
        notes="As the authors' code, whose second layer norm stands on the main path. Without "
        "dropout in attention (0.1) and stochastic depth (up to 0.1).",
    ),
)
