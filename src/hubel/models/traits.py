"""What training and prediction must know of a network, found once a process."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hubel.models.blank import blank
from hubel.models.catalogue import named
from hubel.models.making import Order, make
from hubel.models.naming import Kind, kind_of
from hubel.models.program import Program

if TYPE_CHECKING:
    from hubel.models.architecture import Architecture
    from hubel.models.trial import Trial

__all__ = ["Traits", "any_size", "smallest_side", "takes", "traits_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """What a network is made of.

    Attributes:
        batch_norm: whether any layer is a batch normalisation.
        attention: whether any layer is an attention, or a layer normalisation.
        normalised: whether any layer normalises, with a bias that learns.
        notes: what was adapted in it.
    """

    batch_norm: bool
    attention: bool
    normalised: bool
    notes: tuple[str, ...]


def traits_of(architecture: Architecture) -> Traits:
    """What a network is made of.

    Raises:
        RecipeError: it can't be built, or gives no class scores.
    """
    if architecture.options.get("features"):  # these may have to learn before they can be run
        blank(lambda: make(Order(architecture)))
        return Traits(batch_norm=False, attention=False, normalised=False, notes=())
    return _traits(_key(architecture))


def any_size(architecture: Architecture) -> bool:
    """Whether the same weights take pictures of other sizes.

    Raises:
        RecipeError: the network can't be built at its own size.
    """
    kind = kind_of(architecture.name)
    if kind is Kind.REGISTERED:
        return architecture.name != "linear"
    line = _line(architecture)
    if line is None:
        return _any_size(_key(architecture))
    from hubel.models.notation import fixed_size

    return not fixed_size(line)


def smallest_side(architecture: Architecture) -> int:
    """Fewest pixels on a side that the network takes.

    Raises:
        RecipeError: the network can't be built at its own size.
    """
    if architecture.name == "convnet":
        return _convnet_side(architecture)
    if kind_of(architecture.name) is Kind.REGISTERED or not any_size(architecture):
        return min(architecture.image_size)
    line = _line(architecture)
    if line is None:
        return _smallest_side(_key(architecture))
    from hubel.models.notation import smallest_side as smallest

    return smallest(line, architecture.in_channels, len(architecture.image_size))


def takes(architecture: Architecture, size: tuple[int, ...]) -> bool:
    """Whether the same weights take samples of that size.

    Raises:
        RecipeError: the network can't be built at its own size.
    """
    return size == tuple(architecture.image_size) or _trial(_key(architecture)).takes(size)


def _convnet_side(architecture: Architecture) -> int:
    from hubel.models.convnet import DEFAULT_WIDTHS, convnet_shape

    return convnet_shape(
        in_channels=architecture.in_channels,
        image_size=architecture.image_size,
        widths=architecture.options.get("widths", DEFAULT_WIDTHS),
    ).smallest_side


def _line(architecture: Architecture) -> str | None:
    entry = named(architecture.name)
    if entry is not None:
        return entry.line
    return architecture.name if kind_of(architecture.name) is Kind.LINE else None


def _key(architecture: Architecture) -> str:
    """All that decides what is found."""
    it = architecture
    code, sha256 = it.code, it.sha256
    if kind_of(it.name) is Kind.PROGRAM and sha256 is None:  # the file may change
        code, sha256 = it.name, Program.parse(it.name).sha256
    described: dict[str, Any] = {
        "name": it.name,
        "in_channels": it.in_channels,
        "num_classes": it.num_classes,
        "image_size": it.image_size,
        "options": it.options,
        "sha256": sha256,
        "code": code,
    }
    return json.dumps(described, sort_keys=True)


@functools.lru_cache(maxsize=4)
def _trial(key: str) -> Trial:
    from hubel.models.architecture import Architecture
    from hubel.models.trial import Trial

    described = json.loads(key)
    return Trial.of(Architecture(**described | {"image_size": tuple(described["image_size"])}))


@functools.cache
def _traits(key: str) -> Traits:
    trial = _trial(key)
    return Traits(
        batch_norm=trial.has_batch_norm(),
        attention=trial.has_attention(),
        normalised=trial.has_norm_bias(),
        notes=trial.notes,
    )


@functools.cache
def _any_size(key: str) -> bool:
    return _trial(key).any_size()


@functools.cache
def _smallest_side(key: str) -> int:
    return _trial(key).smallest_side()
