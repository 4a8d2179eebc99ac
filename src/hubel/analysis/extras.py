"""What is told beyond the design itself where it is asked for: times, memory, collapsed stacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hubel.analysis.budget.capacity import (
    largest_training_batch,
    least_training_batch,
    memory_bytes,
    step_memory,
)
from hubel.analysis.budget.comparison import Comparison, compare
from hubel.analysis.budget.loads import loads_of
from hubel.analysis.budget.machine import Machine
from hubel.analysis.budget.measure import measure_layers
from hubel.analysis.budget.roofline import Roofline, roofline
from hubel.analysis.budget.this_machine import find_machine
from hubel.analysis.design import Design
from hubel.analysis.request import Request
from hubel.analysis.subject import Subject
from hubel.analysis.units import amount, bytes_text
from hubel.errors import DesignError

__all__ = ["Extra", "extras"]

_OPTIMIZER = "adamw"
_ALONE = "tensors alone: the context and an allocator's rounding come on top"
_MOST = 12  # layers of a roofline that people are shown


@dataclass(frozen=True, slots=True)
class Extra:
    """One answer.

    Attributes:
        name: its key in the JSON document.
        lines: for people.
        document: JSON types.
        row: heading and figure, where several networks are set side by side.
        footnote: what is to be known of that figure.
    """

    name: str
    lines: tuple[str, ...]
    document: Any
    row: tuple[str, str] = ("", "")
    footnote: str = ""


def extras(request: Request, subject: Subject, design: Design) -> Iterator[Extra]:
    """The answers to what a request asks beyond the design.

    Raises:
        DesignError: the machine, the memory or the optimizer is unknown.
    """
    if request.machine or request.measure:
        machine = find_machine(request.machine or "this")
        placed = roofline(loads_of(design.graph), machine, batch=request.batch)
        yield _times(placed)
        if request.measure:
            yield _measured(request, subject, placed)
    if request.fits:
        yield _fitting(request, subject)
    if request.collapse:
        yield _collapsed(subject)


def _times(placed: Roofline) -> Extra:
    machine = placed.machine
    shares = ", ".join(f"{name} {share:.0%}" for name, share in placed.shares.items())
    lines = [
        f"on {machine.name}, {placed.precision}: {_milliseconds(placed.seconds)} for a pass of "
        f"{placed.batch}, held up by {shares}",
        f"{_peak(machine, placed)}; source: {machine.source}",
        "",
        f"{'layer':30}  {'predicted':>10}  {'MAC/byte':>9}  bound",
    ]
    slowest = sorted(placed.layers, key=lambda layer: -layer.seconds)[:_MOST]
    lines += [
        f"{layer.name[-30:]:30}  {_milliseconds(layer.seconds):>10}  {layer.intensity:9.1f}  "
        f"{layer.bound}"
        for layer in slowest
    ]
    if len(slowest) < len(placed.layers):
        lines.append(f"(the slowest {len(slowest)} of {len(placed.layers)}; --json has all)")
    return Extra(
        "roofline",
        tuple(lines),
        placed.to_json(),
        row=(f"on {machine.name}", _milliseconds(placed.seconds)),
        footnote=f"{machine.name}, {placed.precision}: {lines[1]}",
    )


def _peak(machine: Machine, placed: Roofline) -> str:
    peak = amount(round(machine.peak(placed.precision)))
    return (
        f"peak {peak} multiply-adds/s, {amount(round(machine.bandwidth))}B/s: from "
        f"{placed.ridge:.0f} multiply-adds a byte on, arithmetic is the limit"
    )


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"


def _measured(request: Request, subject: Subject, placed: Roofline) -> Extra:
    if placed.machine.source[:8] != "measured":
        raise DesignError(
            f"--measure runs the network here, and --machine {request.machine} is elsewhere; "
            "leave --machine out, or say --machine this"
        )
    measured = measure_layers(subject.real(), subject.input, batch=request.batch)
    found = compare(placed, measured)
    return Extra("measurement", tuple(_comparison(found)), found.to_json())


def _comparison(found: Comparison) -> Iterator[str]:
    whole = found.measured
    yield (
        f"measured {_milliseconds(whole.median)} ({_milliseconds(whole.low)} to "
        f"{_milliseconds(whole.high)}, the middle half of {whole.count}); predicted "
        f"{found.ratio:.2f} times that"
    )
    yield (
        f"the middle layer's prediction is off by a factor of {found.median_factor:.2f}; a "
        f"layer's own measurements vary by {found.spread:.0%}"
    )
    yield ""
    yield f"{'layer':30}  {'predicted':>10}  {'measured':>10}  ratio"
    slowest = sorted(found.layers, key=lambda layer: -layer.measured.median)[:_MOST]
    for layer in slowest:
        yield (
            f"{layer.name[-30:]:30}  {_milliseconds(layer.predicted):>10}  "
            f"{_milliseconds(layer.measured.median):>10}  {layer.ratio:5.2f}"
        )


def _fitting(request: Request, subject: Subject) -> Extra:
    assert request.fits is not None
    memory = memory_bytes(request.fits)
    optimizer = request.optimizer or _OPTIMIZER
    batch = largest_training_batch(subject.network, subject.input, memory, optimizer)
    smallest = batch or least_training_batch(subject.network, subject.input)
    found = step_memory(subject.network, subject.input, smallest, optimizer)
    parts = (
        f"{bytes_text(found.weights)} of weights, {bytes_text(found.gradients)} of gradients, "
        f"{bytes_text(found.optimizer_state)} of {optimizer}'s state, "
        f"{bytes_text(found.activations)} kept for backward"
    )
    start = (
        f"the largest batch that trains in {request.fits} is {batch:,}: {bytes_text(found.peak)} "
        f"at the peak ({parts})"
        if batch
        else f"no batch trains in {request.fits}: a batch of {smallest} takes "
        f"{bytes_text(found.peak)} at the peak ({parts})"
    )
    return Extra(
        "fits",
        (start, _ALONE),
        {"memory": memory, "batch": batch} | found.to_json(),
        row=(f"trains in {request.fits}", f"batch of {batch:,}" if batch else "no batch"),
        footnote=f"the largest batch that trains in {request.fits} with {optimizer}: {_ALONE}",
    )


def _collapsed(subject: Subject) -> Extra:
    from hubel.analysis.collapse import collapse

    found = collapse(subject.real(), subject.input)
    if not found.stacks:
        line = "no linear operators follow each other without a nonlinearity: nothing collapses"
        return Extra("collapse", (line,), found.to_json())
    lines = [str(stack) for stack in found.stacks]
    lines.append(
        f"the network's outputs differ by at most {found.difference:.1e} on outputs up to "
        f"{found.largest:.3g}"
    )
    return Extra("collapse", tuple(lines), found.to_json())
