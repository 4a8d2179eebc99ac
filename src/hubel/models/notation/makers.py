"""The module of each word: plain `torch.nn` wherever it has the layer."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from hubel.models.notation import layers, token_layers
from hubel.models.notation.checker import Step
from hubel.models.notation.states import Grid, State, Tokens
from hubel.models.notation.window_makers import WINDOW_MAKERS, axes_of
from hubel.models.notation.words import settings_of

__all__ = ["MAKERS"]

_BATCH_NORM = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_INSTANCE_NORM = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)


def _dims(state: State) -> range:
    return range(2, 2 + len(state.sides)) if isinstance(state, Grid) else range(1, 2)


def _batch_norm(step: Step) -> nn.Module:
    axes = axes_of(step.input) if isinstance(step.input, Grid) else 1
    settings = settings_of(step.word)
    return _BATCH_NORM[axes - 1](
        step.input.channels, eps=settings.number("eps"), affine=settings.yes("affine")
    )


def _instance_norm(step: Step) -> nn.Module:
    settings = settings_of(step.word)
    return _INSTANCE_NORM[axes_of(step.input) - 1](
        step.input.channels, eps=settings.number("eps"), affine=settings.yes("affine")
    )


def _group_norm(step: Step) -> nn.Module:
    settings = settings_of(step.word)
    return nn.GroupNorm(
        settings.count("groups"),
        step.input.channels,
        eps=settings.number("eps"),
        affine=settings.yes("affine"),
    )


def _norm(step: Step) -> nn.Module:
    settings = settings_of(step.word)
    kind = layers.ChannelNorm if isinstance(step.input, Grid) else nn.LayerNorm
    return kind(
        step.input.channels,
        eps=settings.number("eps"),
        elementwise_affine=settings.yes("affine"),
    )


def _lrn(step: Step) -> nn.Module:
    given = settings_of(step.word)
    return nn.LocalResponseNorm(
        given.count("size"), given.number("alpha"), given.number("beta"), given.number("k")
    )


def _softmax(step: Step) -> nn.Module:
    return nn.Softmax(dim=2 if isinstance(step.input, Tokens) else 1)


def _scale(step: Step) -> nn.Module:
    axes = len(step.input.sides) if isinstance(step.input, Grid) else 0
    return layers.LayerScale(step.input.channels, settings_of(step.word).number("start"), axes)


def _fc(step: Step) -> nn.Module:
    bias = settings_of(step.word).yes("bias")
    return nn.Linear(step.input.channels, step.output.channels, bias=bias)


def _squeeze_excite(step: Step) -> nn.Module:
    settings, channels = settings_of(step.word), step.input.channels
    hidden = max(1, channels // settings.count("reduction"))
    if settings.given("hidden"):
        hidden = settings.count("hidden")
    activation, gate = (_activation(settings.name(what)) for what in ("activation", "gate"))
    return layers.SqueezeExcite(channels, hidden, activation, gate)


def _to_grid(step: Step) -> nn.Module:
    assert isinstance(step.output, Grid)
    return token_layers.ToGrid(step.output.sides)


def _attention(step: Step) -> nn.Module:
    settings = settings_of(step.word)
    heads, bias = settings.count("heads"), settings.yes("bias")
    qkv_bias = settings.yes("qkvbias") if settings.given("qkvbias") else bias
    return token_layers.Attention(step.input.channels, heads, bias=bias, qkv_bias=qkv_bias)


_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "leakyrelu": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "softplus": nn.Softplus,
    "mish": nn.Mish,
    "hardswish": nn.Hardswish,
    "hardsigmoid": nn.Hardsigmoid,
}


def _activation(name: str | None) -> nn.Module:
    assert name is not None
    return _ACTIVATIONS[name]()


def _plain(step: Step) -> nn.Module:
    return _activation(step.word.name)


MAKERS: dict[str, Callable[[Step], nn.Module]] = {
    **WINDOW_MAKERS,
    "gap": lambda step: layers.GlobalAverage(_dims(step.input)),
    "gmp": lambda step: layers.GlobalMax(_dims(step.input)),
    "bn": _batch_norm,
    "in": _instance_norm,
    "gn": _group_norm,
    "norm": _norm,
    "lrn": _lrn,
    **dict.fromkeys(_ACTIVATIONS, _plain),
    "leakyrelu": lambda step: nn.LeakyReLU(settings_of(step.word).number("slope")),
    "softmax": _softmax,
    "identity": lambda step: nn.Identity(),
    "dropout": lambda step: nn.Dropout(settings_of(step.word).number("p")),
    "droppath": lambda step: layers.DropPath(settings_of(step.word).number("p")),
    "scale": _scale,
    "flatten": lambda step: nn.Flatten(),
    "fc": _fc,
    "se": _squeeze_excite,
    "tokens": lambda step: token_layers.ToTokens(),
    "grid": _to_grid,
    "classtoken": lambda step: token_layers.ClassToken(step.input.channels),
    "positions": lambda step: token_layers.Positions(step.input.shape),
    "first": lambda step: token_layers.FirstToken(),
    "seqpool": lambda step: token_layers.SequencePool(step.input.channels),
    "attention": _attention,
}
