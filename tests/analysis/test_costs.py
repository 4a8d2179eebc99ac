"""Every operator has a rule or an error; multiply-adds are what a hand counts, in every mode."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
import torchvision
from torch import Tensor, nn

from hubel.analysis.conventions import CONVENTIONS, convention
from hubel.analysis.costs import Work, bytes_moved, multiply_adds, total_work, work
from hubel.analysis.recording.graph import Operator, Value
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


class Deformable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.offset = nn.Conv2d(3, 18, 3, padding=1)
        self.convolution = torchvision.ops.DeformConv2d(3, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(x, self.offset(x))


def test_deformable_convolution_costs_two_products_backward_and_samples_four_neighbours() -> None:
    step = trace_step(Traceable.of(Deformable()), (1, 3, 32, 32))
    forward = next(op for op in step.graph.operators if op.name.endswith("deform_conv2d"))
    backward = next(op for op in step.backward if op.name.endswith("deform_conv2d_backward"))
    assert work(forward).products == 32 * 32 * 8 * 3 * 9 == 221_184
    assert work(forward).elementwise == 32 * 32 * 3 * 9 * 4
    assert work(backward).products == 2 * 221_184
    # The convolution of the offsets is a first layer: it has the product of its weight alone.
    assert total_work(step.backward).products == 2 * 221_184 + 32 * 32 * 18 * 27


@pytest.mark.parametrize(
    "operator",
    ["_cudnn_attention_backward", "linear_backward", "matmul_backward", "lstm_mps_backward"],
)
def test_a_backward_operator_without_a_rule_is_an_error_too(operator: str) -> None:
    target = getattr(torch.ops.aten, operator).default
    value = Value(0, (2, 3), torch.float32, 0)
    op = Operator(0, target, 0, (value,), {}, (value,))
    with pytest.raises(DesignError, match=rf"{operator}\.default has no rule"):
        work(op)


class Spectrum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.svdvals(x)


def test_a_singular_value_decomposition_is_not_one_operation_an_element() -> None:
    graph, _ = trace(Traceable.of(Spectrum()), (1, 3, 16, 16))
    with pytest.raises(DesignError, match=r"_linalg_svd\.default has no rule"):
        multiply_adds(graph)


class Two(nn.Module):
    """A function of two halves of the channels."""

    def __init__(self, joined: nn.Module) -> None:
        super().__init__()
        self.first, self.joined = nn.Linear(10, 10), joined

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.joined(x[..., :4], x[..., 4:9])


def test_a_bilinear_layer_is_two_contractions_and_each_gradient_as_many() -> None:
    step = trace_step(Traceable.of(Two(nn.Bilinear(4, 5, 6))), (2, 10))
    forward = [op for op in step.graph.operators if op.name == "_trilinear"]
    assert total_work(forward).products == 2 * 6 * (4 * 5 + 5)
    backward = [work(op).products for op in step.backward if op.name == "_trilinear"]
    left, weight, right = 2 * 6 * 20 + 2 * 4 * 5, 2 * 6 * 4 + 2 * 6 * 20, 2 * 6 * 20 + 2 * 6 * 5
    assert sorted(backward) == sorted([left, weight, right])


class Distances(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.empty(7, 10))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cdist(x, self.centres)


def test_distances_of_few_rows_are_three_operations_a_pair_and_coordinate() -> None:
    step = trace_step(Traceable.of(Distances()), (4, 10))
    done, back = total_work(step.graph.operators), total_work(step.backward)
    assert (done.products, done.elementwise) == (0, 3 * 4 * 7 * 10)
    assert back.products == 0
    assert back.elementwise >= 3 * 4 * 7 * 10


def test_distances_of_many_rows_are_a_matrix_product() -> None:
    network = Traceable.of(Distances())
    step, graph = trace_step(network, (40, 10)), trace(network, (40, 10))[0]
    assert multiply_adds(step.graph) == multiply_adds(graph) == 40 * 7 * (10 + 2)
    assert total_work(step.backward).products == 2 * 40 * 7 * 10


@pytest.mark.filterwarnings("ignore:`torch.nn.DataParallel`")
@pytest.mark.parametrize(
    "module",
    [
        nn.DataParallel(nn.Conv2d(3, 4, 3)),
        torch.nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 4, 3)),
    ],
    ids=["parallel", "spectral"],
)
def test_what_wraps_a_convolution_does_not_hide_its_count(module: nn.Module) -> None:
    step = trace_step(Traceable.of(module), (2, 3, 32, 32))
    convolutions = [op for op in step.graph.operators if op.name == "convolution"]
    assert total_work(convolutions).products == 2 * 30 * 30 * 4 * 27
    assert total_work(step.backward).products >= 2 * 30 * 30 * 4 * 27
    graph, _ = trace(Traceable.of(module), (2, 3, 32, 32))
    assert 0 <= multiply_adds(graph) - 2 * 30 * 30 * 4 * 27 <= 4 * 4 * 27
