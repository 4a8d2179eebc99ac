"""Modules with a sliding window: convolutions and poolings on one to three axes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from torch import nn

from hubel.models.notation.checker import Step
from hubel.models.notation.layers import BlurPool
from hubel.models.notation.states import Grid, State
from hubel.models.notation.token_layers import PatchEmbed
from hubel.models.notation.windows import per_axis, window_of
from hubel.models.notation.words import settings_of

__all__ = ["WINDOW_MAKERS", "axes_of"]

Kinds = tuple[Callable[..., nn.Module], ...]  # for one, two and three axes

_CONV: Kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TCONV: Kinds = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_PAD: Kinds = (nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d)
_MAXPOOL: Kinds = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
_AVGPOOL: Kinds = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
_ADAPTIVE_AVG: Kinds = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
_ADAPTIVE_MAX: Kinds = (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)


def axes_of(state: State) -> int:
    """How many sides a grid has."""
    assert isinstance(state, Grid)
    return len(state.sides)


def _conv(step: Step) -> nn.Module:
    axes, settings = axes_of(step.input), settings_of(step.word)
    window = window_of(step.word, axes)
    depthwise = step.word.name == "dwconv"
    conv = _CONV[axes - 1](
        step.input.channels,
        step.output.channels,
        window.kernel,
        stride=window.stride,
        padding=window.before if window.even_border else 0,
        dilation=window.dilation,
        groups=step.input.channels if depthwise else settings.count("groups"),
        bias=settings.yes("bias"),
    )
    if window.even_border:
        return conv
    border = [
        rows for axis in reversed(range(axes)) for rows in (window.before[axis], window.after[axis])
    ]
    return nn.Sequential(OrderedDict(pad=_PAD[axes - 1](tuple(border)), conv=conv))


def _tconv(step: Step) -> nn.Module:
    axes, settings = axes_of(step.input), settings_of(step.word)
    window = window_of(step.word, axes)
    return _TCONV[axes - 1](
        step.input.channels,
        step.output.channels,
        window.kernel,
        stride=window.stride,
        padding=window.before,
        output_padding=per_axis(step.word, "outpad", settings.sides("outpad"), axes),
        dilation=window.dilation,
        groups=settings.count("groups"),
        bias=settings.yes("bias"),
    )


def _maxpool(step: Step) -> nn.Module:
    window = window_of(step.word, axes := axes_of(step.input))
    return _MAXPOOL[axes - 1](
        window.kernel,
        stride=window.stride,
        padding=window.before,
        dilation=window.dilation,
        ceil_mode=window.ceil,
    )


def _avgpool(step: Step) -> nn.Module:
    window = window_of(step.word, axes := axes_of(step.input))
    return _AVGPOOL[axes - 1](
        window.kernel,
        stride=window.stride,
        padding=window.before,
        ceil_mode=window.ceil,
        count_include_pad=settings_of(step.word).yes("countpad"),
    )


def _blurpool(step: Step) -> nn.Module:
    stride = per_axis(step.word, "stride", step.word.kernel, axes_of(step.input))
    return BlurPool(step.input.channels, stride, settings_of(step.word).count("taps"))


def _maxblurpool(step: Step) -> nn.Module:
    window = window_of(step.word, axes := axes_of(step.input))
    largest = _MAXPOOL[axes - 1](window.kernel, stride=1, padding=window.before)
    blur = BlurPool(step.input.channels, window.stride, settings_of(step.word).count("taps"))
    return nn.Sequential(OrderedDict(max=largest, blur=blur))


def _adaptive(kinds: Kinds) -> Callable[[Step], nn.Module]:
    def make(step: Step) -> nn.Module:
        axes = axes_of(step.input)
        return kinds[axes - 1](per_axis(step.word, "size", step.word.kernel, axes))

    return make


def _patch(step: Step) -> nn.Module:
    axes = axes_of(step.input)
    kernel = per_axis(step.word, "kernel", step.word.kernel, axes)
    conv = _CONV[axes - 1](
        step.input.channels,
        step.output.channels,
        kernel,
        stride=kernel,
        bias=settings_of(step.word).yes("bias"),
    )
    return PatchEmbed(conv)


WINDOW_MAKERS: dict[str, Callable[[Step], nn.Module]] = {
    "conv": _conv,
    "dwconv": _conv,
    "tconv": _tconv,
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    "blurpool": _blurpool,
    "maxblurpool": _maxblurpool,
    "adaptiveavgpool": _adaptive(_ADAPTIVE_AVG),
    "adaptivemaxpool": _adaptive(_ADAPTIVE_MAX),
    "patch": _patch,
}
