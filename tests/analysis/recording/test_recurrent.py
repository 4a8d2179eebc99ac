"""A recurrent layer is one operator, and counts what its unrolled steps count."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hubel.analysis.costs import total_work
from hubel.analysis.recording import trace as tracing
from hubel.analysis.recording.trace import Traceable, trace, trace_step

STEPS, BATCH, WIDTH, SIZE = 7, 2, 6, 5
LAYERS: dict[str, tuple[type[nn.RNNBase], dict[str, Any]]] = {
    "lstm": (nn.LSTM, {}),
    "two layers, both ways": (nn.LSTM, {"num_layers": 2, "bidirectional": True}),
    "projected": (nn.LSTM, {"proj_size": 3, "num_layers": 2}),
    "batch first": (nn.GRU, {"batch_first": True}),
    "no bias": (nn.GRU, {"bias": False, "bidirectional": True}),
    "plain": (nn.RNN, {"num_layers": 3}),
    "rectified": (nn.RNN, {"nonlinearity": "relu"}),
}
every_layer = pytest.mark.parametrize(("kind", "options"), LAYERS.values(), ids=LAYERS.keys())


class Sequences(nn.Module):
    """A recurrent layer after a linear one, so that its input asks for a gradient."""

    def __init__(self, kind: type[nn.RNNBase], options: dict[str, Any], *, first: bool) -> None:
        super().__init__()
        self.first = nn.Linear(WIDTH, WIDTH) if first else nn.Identity()
        self.layer = kind(WIDTH, SIZE, **options)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.first(x))[0]


def shape(options: dict[str, Any]) -> tuple[int, int, int]:
    return (BATCH, STEPS, WIDTH) if options.get("batch_first") else (STEPS, BATCH, WIDTH)


@pytest.mark.parametrize("first", [True, False], ids=["inner", "first"])
@every_layer
def test_products_are_those_of_all_steps_unrolled(
    kind: type[nn.RNNBase], options: dict[str, Any], first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Traceable.of(Sequences(kind, options, first=first))
    fused = trace_step(network, shape(options))
    monkeypatch.setattr(tracing, "FusedCalls", nullcontext)
    unrolled = trace_step(network, shape(options))
    assert sum(op.name == "_cudnn_rnn" for op in fused.graph.operators) == 1
    assert len(unrolled.graph.operators) > STEPS
    for one, other in ((fused.graph.operators, unrolled.graph.operators),
                       (fused.backward, unrolled.backward)):  # fmt: skip
        assert total_work(one).products == total_work(other).products


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@every_layer
def test_outputs_have_the_shapes_of_a_real_pass(
    kind: type[nn.RNNBase], options: dict[str, Any]
) -> None:
    layer = kind(WIDTH, SIZE, **options)
    graph, _ = trace(Traceable.of(layer), shape(options))
    output, states = layer(torch.zeros(shape(options)))
    real = [output, *(states if isinstance(states, tuple) else (states,))]
    assert [value.shape for value in graph.outputs] == [tuple(x.shape) for x in real]


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_products_are_steps_x_gates_x_hidden_x_both_inputs(
    kind: type[nn.RNNBase], gates: int
) -> None:
    layer = kind(96, 16, 2, bidirectional=True, batch_first=True)
    graph, _ = trace(Traceable.of(layer), (1, 32, 96))
    first, second = (96 + 16), (2 * 16 + 16)
    assert total_work(graph.operators).products == 32 * 2 * gates * 16 * (first + second)
