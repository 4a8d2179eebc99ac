"""How a network of each kind of name is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hubel.errors import ArtifactError, HubelError, RecipeError
from hubel.models.catalogue import named
from hubel.models.limits import expect_classes
from hubel.models.naming import Kind, expect_network, kind_of, short_name
from hubel.models.program import Program
from hubel.models.registered import NETWORKS

if TYPE_CHECKING:
    from torch import nn

    from hubel.models.architecture import Architecture

__all__ = ["Order", "make"]


@dataclass(frozen=True, slots=True)
class Order:
    """A network to be made.

    Attributes:
        architecture: of it.
        seed: of its weights.
        fetch: take trained weights where the architecture asks for them; without it the structure
            is the same, and the weights are fresh.
        notes: takes what was adapted.
    """

    architecture: Architecture
    seed: int = 0
    fetch: bool = False
    notes: list[str] = field(default_factory=list[str])


def make(order: Order) -> nn.Module:
    """A module on PyTorch's default device.

    Raises:
        RecipeError: the name is unknown, or the network can't be what is asked for.
        ArtifactError: its code is not given, or has changed.
    """
    import torch

    from hubel.models.blank import blank, is_blank

    name = order.architecture.name
    kind = kind_of(name)
    expect_classes(order.architecture.num_classes)
    _expect_start(kind, order.architecture)
    if kind is not Kind.PROGRAM:  # its file may lie elsewhere now
        expect_network(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(order.seed)
        try:
            return blank(lambda: _fresh(kind, order)) if is_blank() else _fresh(kind, order)
        except HubelError:
            raise
        except Exception as error:  # a zoo's own code, or an option that a network doesn't have
            said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
            raise RecipeError(f"{short_name(name)} can't be built: {said}") from error


def _expect_start(kind: Kind, architecture: Architecture) -> None:
    """Make sure that `init`, where it is given, reaches the network."""
    entry = named(architecture.name)
    takes = kind in (Kind.LINE, Kind.PROGRAM) or (entry is not None and entry.line is not None)
    if takes or "init" not in architecture.options:
        return
    whose = "the zoo's own rule" if kind is Kind.ZOO else "a rule of its own"
    raise RecipeError(
        f"init={architecture.options['init']!r} has no effect on {short_name(architecture.name)}, "
        f"whose weights are drawn by {whose}; leave it out, or give a network that is a line of "
        "notation"
    )


def _fresh(kind: Kind, order: Order) -> nn.Module:
    order.notes.clear()
    return _MAKERS[kind](order)


def _registered(order: Order) -> nn.Module:
    return NETWORKS[order.architecture.name](order.architecture)


def _named(order: Order) -> nn.Module:
    entry = named(order.architecture.name)
    assert entry is not None
    if entry.line is not None:
        return _built(entry.line, order)
    assert entry.make is not None
    return entry.make(**_facts(order), **order.architecture.options)


def _zoo(order: Order) -> nn.Module:
    from hubel.models.zoo.building import build

    return build(order.architecture, order.notes, fetch=order.fetch)


def _program(order: Order) -> nn.Module:
    architecture = order.architecture
    name = architecture.name
    if architecture.sha256 is not None:
        if architecture.code is None:
            raise ArtifactError(
                f"the network is made by {name}: code that the classifier doesn't hold and that "
                f"never runs by itself; give it with code='path/to/{name}' (hubel.load), or with "
                f"--code path/to/{name} (hubel predict)"
            )
        name = architecture.code
    return Program.parse(name).make(architecture.sha256, _facts(order), architecture.options)


def _line(order: Order) -> nn.Module:
    return _built(order.architecture.name, order)


def _built(line: str, order: Order) -> nn.Module:
    from hubel.models.notation import build

    it = order.architecture
    shape = (it.in_channels, *it.image_size)
    return build(line, shape, it.num_classes, seed=order.seed, **it.options)


def _facts(order: Order) -> dict[str, Any]:
    it = order.architecture
    return {
        "in_channels": it.in_channels,
        "num_classes": it.num_classes,
        "image_size": it.image_size,
    }


_MAKERS: dict[Kind, Callable[[Order], nn.Module]] = {
    Kind.REGISTERED: _registered,
    Kind.NAMED: _named,
    Kind.ZOO: _zoo,
    Kind.PROGRAM: _program,
    Kind.LINE: _line,
}
