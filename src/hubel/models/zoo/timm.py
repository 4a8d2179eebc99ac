"""Networks of timm."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from torch import nn

from hubel.models.blank import blank

if TYPE_CHECKING:
    from hubel.models.architecture import Architecture

_DYNAMIC = "dynamic_img_size"

__all__ = ["default_input", "make", "names", "statistics", "takes_size"]


@functools.cache
def names() -> tuple[str, ...]:
    """All networks, sorted, without the tags of their weights.

    Example:
        >>> "convnext_tiny" in names()
        True
    """
    from timm import list_models

    return tuple(list_models())


def make(name: str, architecture: Architecture, notes: list[str], *, fetch: bool) -> nn.Module:
    """A network of timm, which adapts its first layer, positions and head itself.

    Args:
        name: of the network; a tag of its weights may follow a dot.
        architecture: what it shall take and give.
        notes: takes what was adapted.
        fetch: take the trained weights.

    Raises:
        Exception: what timm raises.
    """
    from timm import create_model

    channels = architecture.in_channels
    sized: dict[str, Any] = {"img_size": architecture.image_size} if takes_size(name) else {}
    if sized and architecture.options.get("several_sizes") and _takes(name, _DYNAMIC):
        sized[_DYNAMIC] = True
        notes.append("positions: interpolated to the size of each batch")
    module = create_model(
        name,
        pretrained=fetch,
        num_classes=architecture.num_classes,
        in_chans=channels,
        **sized,
    )
    if fetch:
        notes.append(f"weights: timm's {_config(name).tag or 'own'}; the head is drawn anew")
        if channels != 3:
            how = "summed over" if channels == 1 else "repeated and scaled from"
            notes.append(f"first layer: trained filters {how} their 3 channels")
    return module


def takes_size(name: str) -> bool:
    """Whether a network is built for one size of pictures, which it must be told."""
    return _takes(name, "img_size")


@functools.cache
def _takes(name: str, setting: str) -> bool:
    from timm import create_model

    size = tuple(_config(name).input_size[1:])
    given: dict[str, Any] = {setting: True if setting == _DYNAMIC else size}
    try:
        blank(lambda: create_model(name, **given))
    except TypeError as error:
        if setting not in str(error):
            raise
        return False
    return True


def default_input(name: str) -> tuple[int, int, int]:
    """Channels, height and width that a network was published for."""
    channels, height, width = _config(name).input_size
    return channels, height, width


def statistics(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel that the trained weights expect, on the scale 0 to 1."""
    found = _config(name)
    return tuple(found.mean), tuple(found.std)


def _config(name: str) -> Any:
    from timm import get_pretrained_cfg

    return get_pretrained_cfg(name)
