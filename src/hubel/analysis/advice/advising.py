"""All rules, in the order in which people read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from hubel.analysis.advice import linearity, maps, order, parameters, reach
from hubel.analysis.advice.fact import Advice, Facts, merged
from hubel.analysis.fields import Field
from hubel.analysis.flow.structure import Flow
from hubel.analysis.recording.graph import Graph

__all__ = ["advise"]

RULES: tuple[Callable[[Facts], Iterator[Advice]], ...] = (
    linearity.linear_network,
    linearity.linear_stack,
    linearity.pool_first,
    parameters.dead_branch,
    parameters.unused_parameters,
    parameters.large_linear,
    reach.small_field,
    reach.unproductive,
    maps.dropped,
    maps.unread,
    maps.idle_taps,
    maps.even_kernel,
    maps.shrinking,
    order.bias_before_norm,
    order.dropout_before_norm,
    order.idle_activation,
    order.softmax_output,
)


def advise(
    graph: Graph,
    fields: Mapping[int, Field] | None = None,
    parameters: Mapping[str, int] | None = None,
) -> tuple[Advice, ...]:
    """What the arithmetic of a network says that its designer may not have meant.

    Args:
        graph: of an evaluation pass.
        fields: receptive field by value id, from `receptive_fields`; without them nothing is said
            about what the layers see.
        parameters: how many numbers each parameter has, by path; without them, those that no
            operator reads are named and not counted.

    Returns:
        Facts with their arithmetic, each with what would mend it; the same fact about several
        layers is one.

    Example:
        >>> from torch import nn
        >>> from hubel.analysis.recording.trace import Traceable, trace
        >>> network = nn.Sequential(nn.Conv2d(3, 8, 2, stride=2), nn.ReLU())
        >>> print(*advise(trace(Traceable.of(network), (1, 3, 7, 8))[0]))
        0: the last 1 row of its 7x8 input is never read (14% of it): (7 - 2) / 2 leaves 1; a side
        of 6 or 8 here, or padding of 1 more at the end, loses none
    """
    flow = Flow.of(graph)
    facts = Facts(flow, fields or {}, _sizes(flow, parameters))
    return merged(found for rule in RULES for found in rule(facts))


def _sizes(flow: Flow, parameters: Mapping[str, int] | None) -> Mapping[str, int]:
    if parameters is not None:
        return parameters
    known = flow.graph.parameters
    values = {value for op in flow.graph.operators for value in op.inputs if value.id in known}
    return {known[value.id]: value.numel for value in values}
