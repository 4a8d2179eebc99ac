"""Collapsed stacks agree with the stacks, wherever that is looked at."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from hubel.analysis.collapse import collapse, collapse_stack, find_linear_stacks
from hubel.analysis.flow.stacks import equivalent
from hubel.analysis.flow.stages import linear_stacks
from hubel.analysis.flow.structure import Flow
from hubel.analysis.recording.trace import Traceable, trace
from hubel.errors import DesignError
from tests.analysis.collapse.stacked import settle, stacks


def ran(module: nn.Module, shape: tuple[int, ...]) -> Tensor | None:
    """What a stack gives in float64; None for an input that it does not take."""
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch copies the input for even "same" kernels
        try:
            return module(x)
        except (RuntimeError, AssertionError):
            return None


def counted(module: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiply-adds by PyTorch's own counter."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(1, *shape))
    return counter.get_total_flops() // 2


def three_and_a_mean(padding: Any, mode: str = "zeros") -> nn.Sequential:
    like: dict[str, Any] = {"padding": padding, "padding_mode": mode}
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, **like),
        nn.Conv2d(16, 32, 5, **like | {"stride": 2 if padding != "same" else 1}),
        nn.AvgPool2d(3, 2, padding=0 if padding == "valid" else 1),
        nn.Conv2d(32, 10, 3, **like),
    )


@pytest.mark.parametrize("padding", ["valid", "same", 1, 2])
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_three_convolutions_and_a_mean_are_one_border_included(padding: Any, mode: str) -> None:
    stack = settle(three_and_a_mean(padding, mode))
    one = collapse_stack(stack, (3, 40, 36))
    x = torch.randn(3, 3, 40, 36, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(one(x), stack(x), atol=1e-5, rtol=0)
    assert one.agreement.difference <= 1e-5


@pytest.mark.parametrize("kind", [nn.ReflectionPad1d, nn.ReplicationPad1d, nn.CircularPad1d])
@pytest.mark.parametrize("sides", [(3, 0), (0, 3), (2, 3)])
def test_borders_that_mirror_what_other_borders_reach_agree(
    kind: type[nn.Module], sides: tuple[int, int]
) -> None:
    layers = (nn.Conv1d(1, 1, 5, padding=2), kind(sides), nn.Conv1d(1, 1, 1))
    stack = settle(nn.Sequential(*layers).double())
    one = collapse_stack(stack, (1, 32))
    x = torch.randn(1, 1, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(one(x), stack(x), atol=1e-12, rtol=0)


@settings(max_examples=80, suppress_health_check=[HealthCheck.filter_too_much])
@given(drawn=stacks(), more=st.integers(0, 7))
def test_any_stack_agrees_at_any_size_to_1e_12(
    drawn: tuple[nn.Sequential, tuple[int, ...]], more: int
) -> None:
    stack, shape = drawn
    settle(stack.double())
    expected = ran(stack, shape)
    assume(expected is not None and expected.numel())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = collapse_stack(stack, shape)
        larger = (shape[0], *(side + more for side in shape[1:]))
        expected = ran(stack, larger)
        assume(expected is not None)
        found = ran(one, larger)
    assert expected is not None
    assert found is not None
    largest = max(1.0, expected.abs().max().item())
    torch.testing.assert_close(found, expected, atol=1e-12 * largest, rtol=0)


@given(drawn=stacks())
@settings(max_examples=25, suppress_health_check=[HealthCheck.filter_too_much])
def test_the_predicted_equivalent_is_the_one_that_is_built(
    drawn: tuple[nn.Sequential, tuple[int, ...]],
) -> None:
    stack, shape = drawn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assume(ran(copy.deepcopy(stack).double().eval(), shape) is not None)
        graph, _ = trace(Traceable.of(stack), (1, *shape))
        found = linear_stacks(Flow.of(graph))
        assume(len(found) == 1 and min(found[0][-1].out_sides) > 1)
        pads = {name for name, part in stack.named_children() if "Pad" in type(part).__name__}
        assume({stage.layer for stage in found[0]} | pads == {str(i) for i in range(len(stack))})
        one = equivalent(found[0])
        conv: Any = collapse_stack(stack, shape).conv
    assert conv.kernel_size == one.kernel
    assert (conv.stride, conv.dilation, conv.groups) == (one.stride, one.dilation, one.groups)
    assert sum(parameter.numel() for parameter in conv.parameters()) == one.parameters


@pytest.mark.parametrize("padding", ["valid", 1, 2])
def test_counts_are_those_of_pytorchs_own_counter(padding: Any) -> None:
    stack = settle(three_and_a_mean(padding))
    one = collapse_stack(stack, (3, 40, 40))
    counts = (counted(stack, (3, 40, 40)), counted(one, (3, 40, 40)))
    assert one.agreement.multiply_adds == counts


def test_without_inner_padding_it_is_a_convolution_and_nothing_else() -> None:
    stack = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3))
    one = collapse_stack(settle(stack), (3, 12, 12))
    assert repr(one.conv) == "Conv2d(3, 4, kernel_size=(5, 5), stride=(1, 1), padding=(1, 1))"
    assert one.border is None
    assert one.agreement.interior == 1
    assert all(parameter.requires_grad for parameter in one.parameters())


def test_only_the_border_differs_where_all_padding_is_put_around_the_input() -> None:
    stack = settle(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)))
    one = collapse_stack(stack, (3, 12, 12))
    assert one.agreement.interior == pytest.approx((10 / 12) ** 2)
    assert one.agreement.padded_once > 0.05
    assert one.agreement.interior_difference is not None
    assert one.agreement.interior_difference <= one.agreement.difference <= 1e-5


def test_structure_is_kept_where_it_can_be() -> None:
    depthwise = nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 8, 3, groups=4))
    strided = nn.Sequential(nn.Conv2d(4, 4, 1, stride=2), nn.Conv2d(4, 4, 3))
    first: Any = collapse_stack(settle(depthwise), (4, 12, 12)).conv
    second: Any = collapse_stack(settle(strided), (4, 12, 12)).conv
    assert (first.kernel_size, first.groups) == ((5, 5), 4)
    assert (second.kernel_size, second.dilation, second.stride) == ((3, 3), (2, 2), (2, 2))


@pytest.mark.parametrize(("shape", "norm"), [((12,), True), ((5, 12), False)])
def test_fully_connected_layers_are_one(shape: tuple[int, ...], norm: bool) -> None:
    middle = [nn.BatchNorm1d(3)] if norm else []
    stack = settle(nn.Sequential(nn.Linear(12, 3), nn.Dropout(), *middle, nn.Linear(3, 20)))
    one = collapse_stack(stack, shape)
    assert repr(one.conv) == "Linear(in_features=12, out_features=20, bias=True)"
    assert one.agreement.difference <= 1e-5
    positions = 5 if len(shape) > 1 else 1
    assert one.agreement.multiply_adds == (positions * (12 * 3 + 3 * 20), positions * 12 * 20)


def test_the_agreement_is_told_in_words_and_json() -> None:
    stack = settle(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)))
    agreement = collapse_stack(stack, (3, 12, 12)).agreement
    assert str(agreement).startswith("0 + 1 = Conv2d 5x5, 3→4: parameters 516 → 304")
    assert agreement.to_json()["parameters"] == [516, 304]


def test_training_leaves_the_border_in_evaluation() -> None:
    layers = (nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3, padding=1))
    one = collapse_stack(settle(nn.Sequential(*layers)), (3, 12, 12)).train()
    assert one.training
    assert one.border is not None
    assert not any(part.training for part in one.border.modules())


class Network(nn.Module):
    """Stacks within lists, one that is read twice, one that runs twice, and one with a hook."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)),
                                  nn.Sequential(nn.Conv2d(8, 8, 3), nn.ReLU()))  # fmt: skip
        self.skipped = nn.Conv2d(8, 8, 1)
        self.again = nn.Conv2d(8, 8, 3, padding=1)
        self.hooked = nn.Conv2d(8, 8, 1)
        self.hooked.register_forward_hook(lambda _module, _inputs, output: output.abs())
        self.head = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.skipped(x)
        x = self.again(self.again(x)).relu()
        x = self.skipped_twice(x)
        return self.head(x.mean((2, 3)))

    def skipped_twice(self, x: Tensor) -> Tensor:
        return self.hooked(x)


@pytest.fixture
def network() -> nn.Module:
    return settle(Network()).train()


def test_stacks_are_found_through_lists_and_not_where_others_read(network: nn.Module) -> None:
    found = find_linear_stacks(network, (3, 12, 12))
    assert [stack.paths for stack in found] == [
        ("stem.0.0", "stem.0.1", "stem.1.0"),
        ("head.0", "head.1"),
    ]
    assert [stack.input for stack in found] == [(3, 12, 12), (8,)]


def test_collapsing_leaves_the_module_as_it_was(network: nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    shown = repr(network)
    collapse(network, (3, 12, 12))
    assert repr(network) == shown
    assert all(part.training for part in network.modules())
    after = network.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_a_collapsed_network_agrees_and_its_stacks_are_named(network: nn.Module) -> None:
    done = collapse(network, (3, 12, 12))
    x = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        torch.testing.assert_close(done.module(x), network.eval()(x), atol=1e-5, rtol=0)
    assert done.difference <= 1e-5
    assert done.stacks[0].layers == ("stem.0.0", "stem.0.1", "stem.1.0")
    assert done.to_json()["stacks"][1]["one"] == "Linear 8→2"


def test_only_the_chosen_stacks_are_collapsed(network: nn.Module) -> None:
    found = find_linear_stacks(network, (3, 12, 12))
    done = collapse(network, (3, 12, 12), found[1:])
    assert [stack.layers for stack in done.stacks] == [("head.0", "head.1")]
    assert isinstance(done.module.get_submodule("stem.0.0"), nn.Conv2d)


def test_a_network_without_stacks_is_a_copy_of_itself() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
    done = collapse(module, (3, 9, 9))
    assert (done.stacks, done.difference) == ((), 0.0)


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        ([nn.Conv2d(3, 4, 3), nn.ReLU()], (3, 8, 8), r"layer 1, ReLU\(\), is not linear"),
        ([nn.AdaptiveAvgPool2d(3)], (3, 8, 8), "only convolutions, average poolings whose windows"),
        ([nn.BatchNorm2d(3, track_running_stats=False)], (3, 8, 8), "with running statistics"),
        ([nn.Conv2d(3, 4, 3)], (5, 8, 8), "does not take 5x8x8 .*; give the shape of the stack's"),
        ([nn.Linear(8, 8), nn.AvgPool1d(2)], (3, 8), "works on maps, and another on vectors"),
        ([nn.Dropout()], (3, 8), "no layer that computes; expected at least one"),
        ([nn.Conv2d(3, 4, 3, device="meta")], (3, 8, 8), "no weights .*: load them first"),
        (
            [nn.Conv1d(4096, 1, 1), nn.Conv1d(1, 4096, 99)],
            (4096, 100),
            r"would hold 1,660,944,384 weights \(4096 x 4096 x 99\), more than 500,000,000",
        ),
    ],
)
def test_what_does_not_collapse_is_named_with_the_way_out(
    layers: list[nn.Module], shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(DesignError, match=message):
        collapse_stack(nn.Sequential(*layers), shape)


def test_a_network_without_weights_is_refused() -> None:
    with pytest.raises(DesignError, match=r"no weights .* build it with weights, or load them"):
        collapse(nn.Linear(2, 2, device="meta"), (2,))
