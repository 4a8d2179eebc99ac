"""Every operator has a rule or an error; multiply-adds are what a hand counts, in every mode."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from hubel.analysis.conventions import CONVENTIONS, convention
from hubel.analysis.costs import Work, bytes_moved, multiply_adds, total_work
from hubel.analysis.recording.trace import Traceable, trace, trace_step
from hubel.errors import DesignError
from tests.analysis.networks import PROBES, Probe

every_probe = pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES.keys())


@every_probe
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("context", [nullcontext, torch.no_grad, torch.inference_mode])
def test_the_count_is_the_same_in_every_mode(probe: Probe, training: bool, context: type) -> None:
    module = probe.module().train(training)
    with context():
        graph, _ = trace(Traceable.of(module), probe.shape)
    assert multiply_adds(graph) == probe.multiply_adds


@every_probe
def test_a_training_step_counts_the_same_forward(probe: Probe) -> None:
    step = trace_step(Traceable.of(probe.module()), probe.shape)
    assert multiply_adds(step.graph) == probe.multiply_adds


@pytest.mark.parametrize(
    ("module", "shape", "backward"),
    [  # the input asks for no gradient, so a first layer has the weight's product alone
        (nn.Conv2d(3, 8, 3), (2, 3, 16, 16), 1),
        (nn.Linear(10, 4), (2, 10), 1),
        (nn.Sequential(nn.Linear(10, 10), nn.Linear(10, 10)), (2, 10), 1.5),
        (nn.Sequential(nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)), (2, 8, 4, 4), 1.5),
        (nn.Sequential(nn.ConvTranspose2d(8, 8, 2, 2), nn.ReLU()), (2, 8, 4, 4), 1),
    ],
)
def test_backward_costs_a_product_for_each_gradient(
    module: nn.Module, shape: tuple[int, ...], backward: float
) -> None:
    step = trace_step(Traceable.of(module), shape)
    assert total_work(step.backward).products == backward * multiply_adds(step.graph)


def test_fused_attention_backward_computes_the_scores_again() -> None:
    probe = PROBES["multi-head attention"]
    step = trace_step(Traceable.of(probe.module()), probe.shape)
    linear, attention = 4 * 64 * 64 * 10, 12_800
    # The input asks for no gradient: the projection in (3/4 of linear) has its weight's alone.
    assert total_work(step.backward).products == linear * 1.25 + attention * 2.5


@torch.library.custom_op("hubel_test::mystery", mutates_args=())
def mystery(x: Tensor) -> Tensor:
    return x.clone()


@mystery.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


class Mystery(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.ops.hubel_test.mystery(x)


def test_an_operator_without_a_rule_is_named_and_never_zero() -> None:
    graph, _ = trace(Traceable.of(Mystery()), (1, 3))
    with pytest.raises(DesignError, match=r"hubel_test\.mystery\.default has no rule .* not count"):
        multiply_adds(graph)


def test_work_adds_up_and_each_convention_weighs_it() -> None:
    one = Work(
        products=100, bias=2, norm=3, activation=5, pooling=7, max_pooling=11, elementwise=13
    )
    assert (one + one).count(convention("all")) == 2 * one.count(convention("all"))
    counted = {name: one.count(convention(name)) for name in CONVENTIONS}
    assert counted == {"products": 100, "bias": 102, "fvcore": 113, "thop": 119, "all": 144}
    assert one.flops == 2 * 103 + 2 + 5 + 7 + 11 + 13


def test_a_misspelled_convention_is_told_the_nearest() -> None:
    with pytest.raises(DesignError, match=r"no convention 'thopp'\. Did you mean 'thop'\?"):
        convention("thopp")


def test_bytes_moved_are_those_of_every_tensor_once_and_views_move_none() -> None:
    graph, _ = trace(Traceable.of(nn.Sequential(nn.Conv2d(3, 8, 1), nn.Flatten())), (1, 3, 4, 4))
    moved = {op.name: bytes_moved(op) for op in graph.operators}
    assert moved == {"convolution": 4 * (3 * 16 + 3 * 8 + 8 + 8 * 16), "view": 0}
