"""The networks that can be named, and what is known of each at the input it was made for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from hubel.caches import code_state, remembered
from hubel.errors import HubelError, RecipeError
from hubel.models.catalogue import CATALOGUE
from hubel.models.registered import NETWORKS

if TYPE_CHECKING:
    pass

__all__ = ["Listed", "find_networks", "measured"]

_OWN = {
    "convnet": "Hubel's default, trained from scratch",
    "linear": "one template of pixels a class",
}
_OWN_INPUT, _OWN_CLASSES, _ZOO_CLASSES = (3, 32, 32), 10, 1000
_ZOOS = ("timm", "torchvision")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A network that can be named.

    Attributes:
        name: as it is typed.
        title: as people write it; empty for those of a zoo.
        year: of its paper, where we have one.
        source: the paper.
        input: channels, height and width that it is measured at; None: the zoo knows.
        num_classes: that it is measured with.
    """

    name: str
    title: str = ""
    year: int | None = None
    source: str = ""
    input: tuple[int, int, int] | None = None
    num_classes: int = _ZOO_CLASSES

    def to_json(self) -> dict[str, Any]:
        """What is known without measuring, as JSON types."""
        return {
            "name": self.name,
            "title": self.title or None,
            "year": self.year,
            "source": self.source or None,
        }


def find_networks(pattern: str | None = None) -> list[Listed]:
    """The networks whose names match.

    Args:
        pattern: a glob (`timm:*vit*`), or a part of a name; None: our own, without the zoos.

    Raises:
        RecipeError: nothing matches; with the nearest names.

    Example:
        >>> [network.name for network in find_networks("lenet5*")]
        ['lenet5', 'lenet5-1998']
    """
    own = list(_own())
    if pattern is None:
        return own
    every = own + [Listed(name=f"{zoo}:{name}") for zoo in _ZOOS for name in _zoo_names()[zoo]]
    found = [network for network in every if _matches(network, pattern)]
    if not found:
        near = get_close_matches(pattern, [network.name for network in every], n=3)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise RecipeError(f"no network's name matches {pattern!r}.{hint}")
    return found


def measured(network: Listed) -> dict[str, Any]:
    """Parameters, multiply-adds and receptive field, from the cache where they were found before.

    Returns:
        JSON types: `input`, `num_classes`, `parameters`, `multiply_adds`, `receptive_field` of the
        last layer that has more than one position (`size`, and its `kind`: exact, an upper bound,
        or whole, where every position sees all), and `error`: why there are none, or None.
    """
    key = {"name": network.name, "input": network.input, "num_classes": network.num_classes}
    state = code_state("torch", "timm", "torchvision", folders=("models", "analysis"))
    return remembered("networks", key | {"state": state}, lambda: _measure(network))


def _own() -> Iterator[Listed]:
    for name in NETWORKS:
        title = _OWN.get(name, name)
        yield Listed(name=name, title=title, input=_OWN_INPUT, num_classes=_OWN_CLASSES)
    for entry in CATALOGUE.values():
        yield Listed(
            name=entry.name,
            title=entry.title,
            year=entry.year,
            source=entry.source,
            input=entry.input,
            num_classes=entry.num_classes,
        )


def _matches(network: Listed, pattern: str) -> bool:
    """Globs are for the whole name, with its zoo or without; other patterns for a part of it."""
    if not re.search(r"[*?\[]", pattern):
        return pattern.lower() in network.name.lower()
    return any(
        fnmatchcase(name, pattern) for name in (network.name, network.name.partition(":")[2])
    )


def _zoo_names() -> dict[str, list[str]]:
    """Of each zoo; from the cache, because to ask the zoos loads all of them, and torch."""

    def ask() -> dict[str, list[str]]:
        from hubel.models.zoo.building import ZOOS

        return {zoo: list(module.names()) for zoo, module in ZOOS.items()}

    return remembered("zoo-names", code_state("timm", "torchvision"), ask)


def _measure(network: Listed) -> dict[str, Any]:
    from hubel.analysis.assemble import Question, design
    from hubel.models.architecture import Architecture

    sample = network.input or _zoo_input(network.name)
    document: dict[str, Any] = {"input": list(sample), "num_classes": network.num_classes}
    blank = {"parameters": None, "multiply_adds": None, "receptive_field": None}
    architecture = Architecture(
        name=network.name,
        in_channels=sample[0],
        num_classes=network.num_classes,
        image_size=sample[1:],
    )
    try:
        found = design(architecture, question=Question(formulas=False, sizes=False))
    except HubelError as error:
        return document | blank | {"error": str(error).splitlines()[0]}
    field = found.map_field
    return document | {
        "parameters": found.total.parameters,
        "multiply_adds": found.total.multiply_adds,
        "receptive_field": field and {"size": list(field.size), "kind": field.kind},
        "error": None,
    }


def _zoo_input(name: str) -> tuple[int, int, int]:
    from hubel.models.zoo.building import default_input

    return default_input(name)
