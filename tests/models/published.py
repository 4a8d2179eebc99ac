"""The networks of the catalogue without numbers, and their graphs, each made once."""

from __future__ import annotations

import functools

import torch
from torch import nn

from hubel.analysis.fields import Field, receptive_fields
from hubel.analysis.recording.graph import Graph
from hubel.analysis.recording.trace import Traceable, trace
from hubel.models.catalogue import CATALOGUE
from hubel.models.notation import build

__all__ = ["field", "graph", "network"]


@functools.cache
def network(name: str) -> nn.Module:
    """A named network as it was published, on the meta device."""
    entry = CATALOGUE[name]
    with torch.device("meta"):
        if entry.line is not None:
            return build(entry.line, entry.input, entry.num_classes)
        assert entry.make is not None
        size = entry.input[1:]
        return entry.make(
            in_channels=entry.input[0], num_classes=entry.num_classes, image_size=size
        )


@functools.cache
def graph(name: str) -> Graph:
    """What a named network runs for one sample of its published size."""
    traced, _ = trace(Traceable.of(network(name)), (1, *CATALOGUE[name].input))
    return traced


@functools.cache
def field(name: str) -> Field:
    """The receptive field of a named network's last maps of more than one position.

    Where there are none, that of its class scores.
    """
    traced = graph(name)
    values = (value for op in traced.operators for value in op.outputs)
    grids = [value for value in values if len(value.shape) == 4 and value.shape[-1] > 1]
    return receptive_fields(traced)[(grids or list(traced.outputs))[-1].id]
