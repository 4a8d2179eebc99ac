"""From the name of a zoo's network to a module that fits the data."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hubel.errors import RecipeError
from hubel.models.blank import blank, is_blank
from hubel.models.stem import Stem, find_stem, shrink_stem
from hubel.models.zoo import timm, torchvision

if TYPE_CHECKING:
    from hubel.models.architecture import Architecture

__all__ = ["ZOOS", "build", "default_input", "small_stem", "statistics"]

_QUICK = 0.1  # momentum of running statistics; PyTorch's default
_BATCH_NORM = nn.modules.batchnorm._BatchNorm  # pyright: ignore[reportPrivateUsage]
_OPTIONS = ("pretrained", "several_sizes", "small_stem")
ZOOS: dict[str, Any] = {"timm": timm, "torchvision": torchvision}


def build(architecture: Architecture, notes: list[str], *, fetch: bool) -> nn.Module:
    """A network of a zoo.

    Args:
        architecture: named `timm:NAME` or `torchvision:NAME`. Its options: `pretrained` (begin
            with the zoo's weights), `small_stem` (take strides out of the stem) and
            `several_sizes` (a transformer of timm fits its positions to each picture's size). No
            other goes to the zoo's builder, which could be told to load a file.
        notes: takes what was adapted in it.
        fetch: take the trained weights where they are asked for; without it the structure is the
            same, and the weights are fresh.

    Raises:
        RecipeError: the weights can't be had, or there is no such option.
        Exception: what the zoo raises.
    """
    unknown = architecture.options.keys() - set(_OPTIONS)
    if unknown:
        raise RecipeError(
            f"{architecture.name} can't be built: there is no option {min(unknown)!r}; networks of "
            f"a zoo have {', '.join(_OPTIONS)}"
        )
    if fetch and not is_blank() and architecture.options.get("pretrained"):
        module = _fetched(architecture, notes)
    else:
        module = _made(architecture, notes)
    if architecture.options.get("small_stem"):
        stem = _stem(architecture)
        if stem is None:
            raise RecipeError(f"{architecture.name} has no stem whose strides could be taken out")
        kept = bool(architecture.options.get("pretrained"))
        notes += shrink_stem(module, stem, keep_kernel=kept)
    notes += _quicken(module)
    return module


def small_stem(architecture: Architecture) -> bool:
    """Whether the network begins with strides that small pictures could do without."""
    return _stem(architecture) is not None


def statistics(architecture: Architecture) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel that the trained weights expect, on the scale 0 to 1."""
    zoo, _, name = architecture.name.partition(":")
    mean, std = ZOOS[zoo].statistics(name)
    if architecture.in_channels == len(mean):
        return mean, std
    count = architecture.in_channels
    return (sum(mean) / len(mean),) * count, (sum(std) / len(std),) * count


def _quicken(module: nn.Module) -> list[str]:
    """Let running statistics follow within a short training; returns what was changed.

    With a momentum of 0.01, as networks have that were made for hundreds of thousands of steps,
    they would still hold their first values when ours ends, and evaluation would see another one.
    """
    slow = [
        layer
        for layer in module.modules()
        if isinstance(layer, _BATCH_NORM) and layer.momentum is not None and layer.momentum < _QUICK
    ]
    before = sorted({layer.momentum for layer in slow if layer.momentum is not None})
    for layer in slow:
        layer.momentum = _QUICK
    shown = " and ".join(f"{momentum:.2g}" for momentum in before)
    return [f"batch norm: momentum {_QUICK} in place of {shown}"] if slow else []


def default_input(name: str) -> tuple[int, int, int]:
    """Channels, height and width that a zoo's network was published for.

    Args:
        name: with its zoo.

    Example:
        >>> default_input("torchvision:inception_v3")
        (3, 299, 299)
    """
    zoo, _, model = name.partition(":")
    return ZOOS[zoo].default_input(model)


def _made(architecture: Architecture, notes: list[str], *, fetch: bool = False) -> nn.Module:
    zoo, _, name = architecture.name.partition(":")
    return ZOOS[zoo].make(name, architecture, notes, fetch=fetch)


def _fetched(architecture: Architecture, notes: list[str]) -> nn.Module:
    try:
        return _made(architecture, notes, fetch=True)
    except Exception as error:  # the network, the disk, the zoo: anything can come
        blank(lambda: _made(architecture, []))  # what is wrong without weights is said as such
        first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise RecipeError(
            f"the trained weights of {architecture.name} can't be had: {first}; connect to the "
            "internet once, put them into the zoo's cache (HF_HOME for timm, TORCH_HOME for "
            "torchvision), or leave out `pretrained`"
        ) from error


def _stem(architecture: Architecture) -> Stem | None:
    zoo, _, name = architecture.name.partition(":")
    return _stem_of(zoo, name, architecture.image_size)


@functools.cache
def _stem_of(zoo: str, name: str, size: tuple[int, int]) -> Stem | None:
    """Found by a network without weights, at that size or, where that is too small, at 224."""
    from hubel.models.architecture import Architecture

    for side in (size, (224, 224)):
        found = Architecture(name=f"{zoo}:{name}", in_channels=3, num_classes=2, image_size=side)
        try:
            with torch.device("meta"):
                return find_stem(blank(lambda it=found: _made(it, [])), (3, *side))
        except Exception:  # the zoo's own code, at a size that it may not be made for
            continue
    return None
