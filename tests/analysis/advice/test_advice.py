"""Advice: each fact on a network that it is true of, and its arithmetic against PyTorch's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from hubel.analysis.advice import Advice, advise
from hubel.analysis.collapse import find_linear_stacks
from hubel.analysis.fields import receptive_fields
from hubel.analysis.recording.trace import Traceable, trace

Shape = tuple[int, ...]
conv = nn.Conv2d
relu = nn.ReLU


def row(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers)


def advice_of(module: nn.Module, shape: Shape) -> tuple[Advice, ...]:
    graph, _ = trace(Traceable.of(module), (1, *shape))
    sizes = {name: parameter.numel() for name, parameter in module.named_parameters()}
    return advise(graph, receptive_fields(graph), sizes)


def of_kind(kind: str, module: nn.Module, shape: Shape) -> list[Advice]:
    return [each for each in advice_of(module, shape) if each.kind == kind]


class Around(nn.Module):
    """A module whose forward is a function of its parts and the input."""

    def __init__(self, forward: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
        self.call = forward

    def forward(self, x: Tensor) -> Any:
        return self.call(self, x)


def wasteful() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        self.lost(x)
        return self.used(x)

    return Around(forward, used=conv(3, 4, 1), lost=conv(3, 4, 1), never=nn.Linear(7, 3))


FACTS: list[tuple[str, nn.Module, Shape, str, str]] = [
    (
        "linear_stack",
        row(conv(3, 8, 3), nn.BatchNorm2d(8), conv(8, 4, 3), relu()),
        (3, 12, 12),
        "0 and 2",
        r"3x3 3→8, 3x3 8→4 with 532 parameters and 40,032 multiply-adds is the one convolution "
        r"5x5 3→4 with 304 and 19,200 \(in evaluation.*; put .*: 20,832 multiply-adds fewer, 228 "
        "parameters fewer; --collapse builds the one$",
    ),
    (
        "linear_stack",
        row(conv(8, 8, 3, groups=8), conv(8, 16, 1), relu()),
        (8, 6, 6),
        "0 and 1",
        "the one does 5.76 times as many multiply-adds: keep the parts where a factored layer",
    ),
    (
        "linear_stack",
        row(conv(3, 4, 3), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16, 5), relu()),
        (3, 6, 6),
        "0 and 3",
        "3x3 3→4, average 2x2/2, 2x2 4→5 with .* is the one convolution 6x6/2 3→5 with 545 and 540",
    ),
    (
        "linear_stack",
        row(nn.Linear(12, 3), nn.Dropout(), nn.Linear(3, 12), relu()),
        (5, 12),
        "0 and 2",
        "3→12 with 87 parameters and 360 multiply-adds is the one fully connected layer 12→12",
    ),
    (
        "linear_network",
        row(conv(3, 4, 3), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16, 5)),
        (3, 6, 6),
        "",
        "its 2 layers with weights are one matrix of 5 x 108",
    ),
    (
        "pool_first",
        row(relu(), conv(8, 4, 1), nn.AvgPool2d(2), relu()),
        (8, 6, 6),
        "1",
        r"\(2\) give the same in either order; it does 1,152 multiply-adds, and 288 after it",
    ),
    (
        "dead_branch",
        wasteful(),
        (3, 6, 6),
        "lost",
        "reaches no output: 16 parameters and 432 multiply-adds for nothing",
    ),
    (
        "unused_parameters",
        wasteful(),
        (3, 6, 6),
        "never",
        "no part in an evaluation pass: 24 parameters, 43% of all",
    ),
    (
        "large_linear",
        row(conv(3, 8, 3), relu(), nn.Flatten(), nn.Linear(8 * 16, 10)),
        (3, 6, 6),
        "3",
        r"holds 1,290 of 1,514 parameters \(85%\), one for each of 8 channels x 4x4 positions x 10 "
        "outputs; global average pooling before it leaves 90; as a 4x4 convolution",
    ),
    (
        "small_field",
        row(conv(3, 4, 3, stride=2), relu(), conv(4, 4, 3), nn.AdaptiveAvgPool2d(1)),
        (3, 31, 31),
        "2",
        "sees 7x7 of the 31x31 input .*; a further 3x3 convolution here adds 2 x 2 = 4: 6 more",
    ),
    (
        "unproductive",
        row(conv(3, 4, 7, padding=3), relu(), conv(4, 4, 3, padding=1), relu()),
        (3, 6, 6),
        "2",
        "from here on 1 convolution read .* already .7x7 of 6x6.: .* 144 of 740 parameters",
    ),
    (
        "dropped",
        row(conv(3, 4, 4, stride=4), relu()),
        (3, 225, 224),
        "0",
        r"last 1 row of its 225x224 input is never read \(<1% of it\): \(225 - 4\) / 4 leaves 1; "
        "a side of 224 or 228 here, or padding of 3 more at the end, loses none",
    ),
    (
        "dropped",
        row(conv(3, 4, 1), relu(), nn.MaxPool2d(2)),
        (3, 7, 9),
        "2",
        "the last 1 row and 1 column of its 7x9 input are never read",
    ),
    (
        "unread",
        row(conv(3, 4, 1, stride=2), relu()),
        (3, 8, 8),
        "0",
        "windows of 1x1 with stride 2x2 read 25% of the positions of its input; the others are",
    ),
    (
        "idle_taps",
        row(conv(3, 4, 3, padding=18, dilation=18), relu()),
        (3, 16, 16),
        "0",
        "8 of the 9 taps of its window only ever meet padding: 96 of its 108 weights get no "
        "gradient; a 1x1 kernel",
    ),
    (
        "even_kernel",
        row(conv(3, 4, 4, padding="same"), relu()),
        (3, 8, 8),
        "0",
        "window has no middle: padding 1 before and 2 after makes 8 positions of 8, each 0.5 off",
    ),
    (
        "shrinking",
        row(conv(3, 4, 5), relu()),
        (3, 8, 8),
        "0",
        "5x5 without padding makes 4x4 of 8x8; a corner is in 1 window, an inner position in 25; "
        "padding of 2 keeps",
    ),
    (
        "bias_before_norm",
        row(conv(3, 4, 1), nn.BatchNorm2d(4), relu(), conv(4, 6, 1), nn.BatchNorm2d(6)),
        (3, 5, 5),
        "0",
        "the biases of 2 layers in training: 10 parameters without effect",
    ),
    (
        "dropout_before_norm",
        row(nn.Linear(4, 4), relu(), nn.Dropout(0.2), nn.Linear(4, 4), nn.BatchNorm1d(4)),
        (4,),
        "2",
        "dropout of 0.2 makes .* 1.25 times as large in training; 4 keeps that one",
    ),
    (
        "idle_activation",
        row(conv(3, 4, 1), relu(), nn.MaxPool2d(2), relu()),
        (3, 6, 6),
        "3",
        "relu changes nothing here: what it reads comes from 1",
    ),
    (
        "softmax_output",
        row(nn.Linear(4, 10), nn.Softmax(1)),
        (4,),
        "1",
        r"the loss of 10 classes can't fall below ln\(1 \+ 9/e\) = 1.461",
    ),
]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(
    ("kind", "module", "shape", "layer", "message"),
    FACTS,
    ids=[f"{fact[0]}-{place}" for place, fact in enumerate(FACTS)],
)
def test_a_fact_is_told_of_its_layer_with_its_arithmetic(
    kind: str, module: nn.Module, shape: Shape, layer: str, message: str
) -> None:
    (found,) = of_kind(kind, module, shape)
    assert found.layer == layer
    assert re.search(message, f"{found.message}; {found.mend}"), str(found)


SILENT: list[tuple[str, nn.Module, Shape]] = [
    ("linear_stack", row(conv(3, 8, 3), relu(), conv(8, 4, 3)), (3, 12, 12)),
    ("linear_stack", row(conv(3, 8, 3), nn.BatchNorm2d(8), relu()), (3, 12, 12)),
    (
        "linear_stack",
        row(relu(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)),
        (3, 5, 5),
    ),
    ("linear_stack", row(conv(3, 4, 1), nn.InstanceNorm2d(4), conv(4, 4, 1)), (3, 5, 5)),
    (
        "linear_stack",
        Around(
            lambda self, x: self.b(self.a(x).transpose(1, 2)), a=nn.Linear(6, 6), b=nn.Linear(6, 4)
        ),
        (6, 6),
    ),
    (
        "linear_stack",
        Around(lambda self, x: (y := self.a(x)) + self.b(y), a=conv(3, 3, 1), b=conv(3, 3, 1)),
        (3, 5, 5),
    ),
    ("linear_network", row(nn.Flatten(), nn.Linear(27, 2)), (3, 3, 3)),
    ("linear_network", row(nn.Linear(4, 4), relu(), nn.Linear(4, 2)), (4,)),
    ("pool_first", row(conv(3, 4, 3), nn.AvgPool2d(2)), (3, 6, 6)),
    ("pool_first", row(conv(3, 4, 1), nn.AvgPool2d(2, padding=1)), (3, 6, 6)),
    ("pool_first", row(conv(3, 4, 1), nn.MaxPool2d(2)), (3, 6, 6)),
    ("large_linear", row(nn.Flatten(), nn.Linear(48, 10)), (3, 4, 4)),
    (
        "large_linear",
        row(conv(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 99)),
        (3, 6, 6),
    ),
    ("small_field", row(conv(3, 4, 3, stride=2), conv(4, 4, 3)), (3, 7, 7)),
    ("dropped", row(conv(3, 4, 4, stride=4)), (3, 224, 224)),
    ("dropped", row(conv(3, 4, 3, stride=2, padding=1)), (3, 224, 224)),
    ("unread", row(conv(3, 4, 3, stride=2)), (3, 8, 8)),
    ("idle_taps", row(conv(3, 4, 3, padding=1)), (3, 2, 2)),
    ("even_kernel", row(conv(3, 4, 4, stride=2, padding=1)), (3, 8, 8)),
    ("shrinking", row(conv(3, 4, 8)), (3, 8, 8)),
    ("bias_before_norm", row(conv(3, 4, 1), nn.GroupNorm(2, 4)), (3, 5, 5)),
    ("bias_before_norm", row(conv(3, 4, 1, bias=False), nn.BatchNorm2d(4)), (3, 5, 5)),
    ("dropout_before_norm", row(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.2)), (4,)),
    ("dropout_before_norm", row(nn.Dropout(0.0), nn.BatchNorm1d(4)), (4,)),
    ("idle_activation", row(conv(3, 4, 1), relu(), conv(4, 4, 1), relu()), (3, 6, 6)),
    ("idle_activation", Around(lambda _self, x: (x.relu() - 1).relu()), (4,)),
    ("idle_activation", Around(lambda _self, x: x.relu().add(x.sigmoid(), alpha=-1).relu()), (4,)),
    ("idle_activation", Around(lambda _self, x: F.pad(x.relu(), (1, 1), value=-1).relu()), (4,)),
    ("softmax_output", row(nn.Linear(4, 10), nn.LogSoftmax(1)), (4,)),
    ("dead_branch", row(nn.Linear(4, 10), relu()), (4,)),
    ("dead_branch", Around(lambda _self, x: (x.sigmoid(), x.relu())[1]), (4,)),
]


@pytest.mark.parametrize(
    ("kind", "module", "shape"), SILENT, ids=[f"{s[0]}-{place}" for place, s in enumerate(SILENT)]
)
def test_nothing_is_told_where_it_is_not_true(kind: str, module: nn.Module, shape: Shape) -> None:
    assert of_kind(kind, module, shape) == []


@pytest.mark.parametrize(
    ("name", "layer", "held", "total"),
    [
        # Parameters in all are those of torchvision's weight metadata, 61,100,840 and 138,357,544;
        # the layers' are Krizhevsky et al. 2012 and Simonyan & Zisserman 2015: 256·6·6 and 512·7·7
        # inputs to 4,096 units.
        ("alexnet", "classifier.1", 256 * 6 * 6 * 4096 + 4096, 61_100_840),
        ("vgg16", "classifier.0", 512 * 7 * 7 * 4096 + 4096, 138_357_544),
    ],
)
def test_the_large_layers_of_the_papers_are_found(
    name: str, layer: str, held: int, total: int
) -> None:
    with torch.device("meta"):
        module = getattr(torchvision.models, name)(weights=None)
    (found,) = of_kind("large_linear", module, (3, 224, 224))
    assert found.layer == layer
    assert f"{held:,} of {total:,} parameters" in found.message


@pytest.mark.parametrize(
    ("name", "size"),
    # Last convolutions of the table of google-research/receptive_field: AlexNet conv5 163,
    # VGG-16 conv5_3 196.
    [("alexnet", 163), ("vgg16", 196)],
)
def test_published_receptive_fields_below_the_input_are_told(name: str, size: int) -> None:
    with torch.device("meta"):
        module = getattr(torchvision.models, name)(weights=None)
    (found,) = of_kind("small_field", module, (3, 224, 224))
    assert f"sees {size}x{size} of the 224x224 input" in found.message


def test_attention_after_the_last_convolution_sees_all() -> None:
    with torch.device("meta"):
        module = torchvision.models.vit_b_32(weights=None)
    assert of_kind("small_field", module, (3, 224, 224)) == []


def test_the_same_fact_about_several_layers_is_told_once() -> None:
    with torch.device("meta"):
        module = torchvision.models.shufflenet_v2_x1_0(weights=None)
    found = of_kind("linear_stack", module, (3, 224, 224))
    alike = next(each for each in found if "stage2.1" in each.layer)
    assert alike.alike == (
        "stage2.2.branch2.3 and stage2.2.branch2.5",
        "stage2.3.branch2.3 and stage2.3.branch2.5",
    )
    assert sum(1 + len(each.alike) for each in found) == 19


def test_collapse_is_promised_only_where_it_finds_the_stack() -> None:
    with torch.device("meta"):
        module = torchvision.models.shufflenet_v2_x1_0(weights=None)
    promised = {
        layers
        for each in of_kind("linear_stack", module, (3, 224, 224))
        for layers in (each.layer, *each.alike)
        if "--collapse" in each.mend
    }
    stacks = find_linear_stacks(module, (3, 224, 224))
    kinds = {name: type(part) for name, part in module.named_modules()}
    found = {
        " and ".join(path for path in stack.paths if kinds[path] is nn.Conv2d) for stack in stacks
    }
    assert promised == found


@pytest.mark.parametrize(
    ("first", "second"),
    [(conv(8, 4, 1), nn.AvgPool2d(2)), (conv(8, 4, 1, bias=False), nn.AvgPool2d(3, 2))],
)
def test_a_pointwise_convolution_and_a_mean_do_commute(first: nn.Module, second: nn.Module) -> None:
    x = torch.randn(2, 8, 9, 9, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(first(second(x)), second(first(x)))


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_two_softmaxes_bound_the_loss_where_it_says(classes: int) -> None:
    (found,) = of_kind("softmax_output", row(nn.Linear(4, classes), nn.Softmax(1)), (4,))
    certain = torch.eye(classes)[:1]
    least = F.cross_entropy(certain, torch.tensor([0])).item()
    assert f"= {least:.3f}" in found.message


def test_a_bias_before_batch_normalisation_gets_no_gradient() -> None:
    torch.manual_seed(0)
    module = row(conv(3, 4, 3).double(), nn.BatchNorm2d(4).double()).train()
    module(torch.randn(4, 3, 8, 8, dtype=torch.float64)).pow(3).sum().backward()
    assert module[0].bias.grad.abs().max() < 1e-9  # type: ignore[union-attr]


def test_advice_is_shown_and_written() -> None:
    one = Advice("a", "dropped", "fact", "mend", ("b", "c"))
    many = Advice("a", "dropped", "fact", "mend", ("b", "c", "d"))
    assert str(one) == "a (and b, c): fact; mend"
    assert str(many) == "a (and 3 more like it): fact; mend"
    assert str(Advice("", "linear_network", "fact", "mend")) == "fact; mend"
    assert one.to_json()["alike"] == ["b", "c"]
