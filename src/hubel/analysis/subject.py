"""What is measured: a module or the name of a network, made into a module without numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from hubel.analysis.advice import Advice
from hubel.analysis.recording.trace import Traceable
from hubel.errors import DesignError
from hubel.models.architecture import Architecture
from hubel.models.catalogue import named
from hubel.models.naming import Kind, expect_network, kind_of

if TYPE_CHECKING:
    from hubel.models.notation import Advice as Warned

__all__ = ["Subject", "subject_of"]

_DEFAULT_INPUT = (3, 224, 224)
_DEFAULT_CLASSES = 1000
_DEFAULT_INIT = "kaiming"


@dataclass(frozen=True, slots=True)
class Subject:
    """A network that is ready to be measured.

    Attributes:
        name: of the network, or its class.
        network: without numbers.
        input: shape of one sample: channels, then sides.
        real: gives the module with its numbers; the user's own, or one with fresh weights.
        notes: what was decided on the way.
        advice: that the notation's checker gave.
        weighted: the user's own module where it has its numbers; they are only read.
    """

    name: str
    network: Traceable
    input: tuple[int, ...]
    real: Callable[[], nn.Module]
    notes: tuple[str, ...] = ()
    advice: tuple[Advice, ...] = ()
    weighted: nn.Module | None = None


def subject_of(
    network: nn.Module | str | Architecture,
    input: Sequence[int] | None,
    num_classes: int | None,
    init: str | None,
) -> Subject:
    """Make what is asked about ready; a module is copied without its numbers and left as it is.

    Args:
        network: a module, a name, or an architecture.
        input: shape of one sample; None: as published, or 3x224x224.
        num_classes: scores of a network that is named; None: as published, or 1000.
        init: named initialisation of a line of notation; None: the default.

    Raises:
        DesignError: one of them is no such thing, or has no effect on the network.
    """
    given = None if input is None else _checked(input)
    if isinstance(network, str):
        return _called(network, given, _classes(num_classes), init)
    what = "an architecture" if isinstance(network, Architecture) else "a module"
    for name, setting in (("num_classes", num_classes), ("init", init)):
        if setting is not None:
            raise DesignError(
                f"{name} has no effect on {what}, which is made already; leave it out"
            )
    if isinstance(network, Architecture):
        return _built(network, given or (network.in_channels, *network.image_size))
    if not isinstance(network, nn.Module):  # pyright: ignore[reportUnnecessaryIsInstance]
        shown = network.__name__ if isinstance(network, type) else type(network).__name__
        way = f"; make one: {shown}(...)" if isinstance(network, type) else ""
        raise DesignError(
            f"network: expected a module, a line of notation or a name, got {shown}{way}"
        )
    return Subject(
        type(network).__name__,
        Traceable.of(network),
        given or _DEFAULT_INPUT,
        lambda: network,
        weighted=network if _has_numbers(network) else None,
    )


def _has_numbers(module: nn.Module) -> bool:
    values = (*module.parameters(), *module.buffers())
    return not any(value.is_meta or is_lazy(value) for value in values)


def _called(
    network: str, given: tuple[int, ...] | None, num_classes: int | None, init: str | None
) -> Subject:
    expect_network(network)
    entry = named(network)
    sample = given or (entry.input if entry else _usual_input(network))
    classes = num_classes or (entry.num_classes if entry else _DEFAULT_CLASSES)
    if kind_of(network) is Kind.LINE:
        return _line(network, sample, classes, init)
    if init is not None and entry is not None and entry.line is not None:
        return replace(_line(entry.line, sample, classes, init), name=network)
    if init is not None:
        raise DesignError(
            f"init has no effect on {network}, which draws its weights its own way; leave it out"
        )
    architecture = Architecture(
        name=network, in_channels=sample[0], num_classes=classes, image_size=_two_sides(sample)
    )
    return _built(architecture, sample)


def _usual_input(network: str) -> tuple[int, ...]:
    if kind_of(network) is not Kind.ZOO:
        return _DEFAULT_INPUT
    from hubel.models.zoo.building import default_input

    return default_input(network)


def _built(architecture: Architecture, sample: tuple[int, ...]) -> Subject:
    with torch.device("meta"):
        module = architecture.build()
    return Subject(architecture.name, Traceable.of(module), sample, architecture.build)


def _line(line: str, sample: tuple[int, ...], num_classes: int, init: str | None) -> Subject:
    from hubel.models.notation import build, check

    checked = check(line, sample, num_classes, init or _DEFAULT_INIT)

    def real() -> nn.Module:
        return build(line, sample, num_classes, init=init or _DEFAULT_INIT)

    with torch.device("meta"):
        module = real()
    advice = tuple(_advice(warning, line) for warning in checked.warnings)
    return Subject(line, Traceable.of(module), sample, real, advice=advice)


def _two_sides(sample: tuple[int, ...]) -> tuple[int, int]:
    if len(sample) != 3:
        raise DesignError(
            f"input: this network takes pictures: expected channels, height and width, as "
            f"3x224x224; got {'x'.join(map(str, sample))}; a line of notation takes 1 to 3 axes"
        )
    return sample[1], sample[2]


def _checked(sample: Sequence[int]) -> tuple[int, ...]:
    sides: Sequence[object] = sample
    right = not isinstance(sample, str) and all(type(side) is int and side > 0 for side in sides)
    if not right or not sides:
        raise DesignError(
            "input: expected channels and sides, whole numbers of at least 1, as (3, 224, 224); "
            f"got {sample!r}"
        )
    return tuple(sample)


def _classes(num_classes: int | None) -> int | None:
    if num_classes is not None and num_classes < 1:
        raise DesignError(f"num_classes: expected at least 1, got {num_classes}")
    return num_classes


def _advice(warning: Warned, line: str) -> Advice:
    message, _, mend = warning.message.rpartition("; ")
    word = line[warning.span.start : warning.span.end]
    return Advice(word, "notation", message or mend, mend if message else "see the notation")
