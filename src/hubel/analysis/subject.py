"""What is measured: a module or the name of a network, made into a module without numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

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
    """

    name: str
    network: Traceable
    input: tuple[int, ...]
    real: Callable[[], nn.Module]
    notes: tuple[str, ...] = ()
    advice: tuple[Advice, ...] = ()


def subject_of(
    network: nn.Module | str | Architecture,
    input: Sequence[int] | None,
    num_classes: int | None,
    init: str,
) -> Subject:
    """Make what is asked about ready; a module is copied without its numbers and left as it is."""
    if isinstance(network, nn.Module):
        sample = _checked(input or _DEFAULT_INPUT)
        return Subject(type(network).__name__, Traceable.of(network), sample, lambda: network)
    if isinstance(network, Architecture):
        sample = _checked(input or (network.in_channels, *network.image_size))
        return _built(network, sample)
    expect_network(network)
    entry = named(network)
    sample = _checked(input or (entry.input if entry else _usual_input(network)))
    default = entry.num_classes if entry else _DEFAULT_CLASSES
    classes = default if num_classes is None else num_classes
    if kind_of(network) is Kind.LINE:
        return _line(network, sample, classes, init)
    architecture = Architecture(
        name=network,
        in_channels=sample[0],
        num_classes=classes,
        image_size=_two_sides(sample),
        options={} if init == _DEFAULT_INIT else {"init": init},
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


def _line(line: str, sample: tuple[int, ...], num_classes: int, init: str) -> Subject:
    from hubel.models.notation import build, check

    checked = check(line, sample, num_classes, init)
    with torch.device("meta"):
        module = build(line, sample, num_classes, init=init)
    advice = tuple(_advice(warning, line) for warning in checked.warnings)

    def real() -> nn.Module:
        return build(line, sample, num_classes, init=init)

    return Subject(line, Traceable.of(module), sample, real, advice=advice)


def _two_sides(sample: tuple[int, ...]) -> tuple[int, int]:
    if len(sample) != 3:
        raise DesignError(
            f"input: this network takes pictures: expected channels, height and width, as "
            f"3x224x224; got {'x'.join(map(str, sample))}; a line of notation takes 1 to 3 axes"
        )
    return sample[1], sample[2]


def _checked(sample: Sequence[int]) -> tuple[int, ...]:
    if not sample or min(sample) < 1:
        raise DesignError(
            f"input: expected channels and sides of at least 1, as 3x224x224; got {tuple(sample)}"
        )
    return tuple(sample)


def _advice(warning: Warned, line: str) -> Advice:
    message, _, mend = warning.message.rpartition("; ")
    word = line[warning.span.start : warning.span.end]
    return Advice(word, "notation", message or mend, mend if message else "see the notation")
