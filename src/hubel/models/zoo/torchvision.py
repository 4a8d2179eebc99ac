"""Classification networks of torchvision."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hubel.errors import RecipeError
from hubel.models.stem import adapt_kernel, replace_channels

if TYPE_CHECKING:
    from hubel.models.architecture import Architecture

__all__ = ["default_input", "make", "names", "statistics"]

_CHANNELS = 3
_TWO_HEADS = ("googlenet", "inception_v3")


@functools.cache
def names() -> tuple[str, ...]:
    """All classification networks, sorted.

    Example:
        >>> "resnet18" in names()
        True
    """
    from torchvision import models

    return tuple(models.list_models(module=models))


def make(name: str, architecture: Architecture, notes: list[str], *, fetch: bool) -> nn.Module:
    """A network of torchvision, adapted to the channels.

    Args:
        name: of the network.
        architecture: what it shall take and give.
        notes: takes what was adapted.
        fetch: take the trained weights.

    Raises:
        RecipeError: it can't take pictures of that size.
        Exception: what torchvision raises.
    """
    from torchvision import models

    own = _own_arguments(name, architecture)
    arguments = {"weights": None, "num_classes": architecture.num_classes} | own
    module = models.get_model_builder(name)(**arguments)
    if name in _TWO_HEADS:
        notes.append("one head: the auxiliary ones are left out")
    if architecture.in_channels != _CHANNELS:
        notes.append(replace_channels(module, _first(module), architecture.in_channels))
    if fetch:
        notes += _fetch_weights(name, module, architecture)
    return module


@torch.no_grad()
def _fetch_weights(name: str, module: nn.Module, architecture: Architecture) -> list[str]:
    """Put torchvision's default weights in, adapted where the network differs."""
    weights = _weights(name)
    state: dict[str, Tensor] = weights.get_state_dict(
        progress=False, check_hash=True, weights_only=True
    )
    notes = [f"weights: torchvision's {weights}"]
    if name.startswith("vit_") and architecture.image_size[0] != weights.meta["min_size"][0]:
        state = dict(_interpolated(module, architecture, state))
        notes.append(f"positions: interpolated to {architecture.image_size[0]} px")
    head, first = _last(module) + ".", _first(module) + ".weight"
    if architecture.in_channels != _CHANNELS:
        state[first], said = adapt_kernel(state[first], architecture.in_channels)
        notes.append(f"{_first(module)}: {said}")
    own = module.state_dict()
    same = {key: state[key] for key in own if key in state and state[key].shape == own[key].shape}
    fresh = own.keys() - same.keys()
    assert all(key.startswith(head) for key in fresh), (name, sorted(fresh))
    module.load_state_dict(own | same)
    notes.append(f"{head[:-1]}: {'drawn anew' if fresh else 'kept'}")
    return notes


def default_input(name: str) -> tuple[int, int, int]:
    """Channels, height and width that a network was published for."""
    side = _weights(name).transforms().crop_size[0]
    return _CHANNELS, side, side


def statistics(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel that the trained weights expect, on the scale 0 to 1."""
    transform = _weights(name).transforms()
    return tuple(transform.mean), tuple(transform.std)


def _weights(name: str) -> Any:
    from torchvision import models

    return models.get_model_weights(name).DEFAULT  # pyright: ignore[reportAttributeAccessIssue]


def _own_arguments(name: str, architecture: Architecture) -> dict[str, Any]:
    """What a family is told beyond the number of classes."""
    if name in _TWO_HEADS:
        trained = architecture.options.get("pretrained", False)
        colours = trained and architecture.in_channels == _CHANNELS
        return {"aux_logits": False, "init_weights": False, "transform_input": colours}
    if name.startswith("vit_"):
        height, width = architecture.image_size
        if height != width:
            raise RecipeError(
                f"torchvision:{name} takes square pictures; got {height} x {width} px, which "
                "timm's vit would take"
            )
        return {"image_size": height}
    if name.startswith("maxvit"):
        return {"input_size": architecture.image_size}
    return {}


def _interpolated(
    module: nn.Module, architecture: Architecture, state: dict[str, Tensor]
) -> dict[str, Tensor]:
    from torchvision.models.vision_transformer import interpolate_embeddings

    patch = module.patch_size
    assert isinstance(patch, int)
    side = architecture.image_size[0]
    return interpolate_embeddings(side, patch, state)  # pyright: ignore[reportArgumentType]


def _first(module: nn.Module) -> str:
    """Path of the convolution that sees the picture: in every one of these the first defined."""
    return next(path for path, layer in module.named_modules() if isinstance(layer, nn.Conv2d))


def _last(module: nn.Module) -> str:
    """Path of the layer that gives the class scores: the last defined that has weights."""
    kinds = (nn.Linear, nn.Conv2d)
    return [path for path, layer in module.named_modules() if isinstance(layer, kinds)][-1]
