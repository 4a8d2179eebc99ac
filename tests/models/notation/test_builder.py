"""Laws of the builder: plain modules, readable names, meta, nobody else's random numbers."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hubel.models.notation import build, check
from tests.models.notation.test_parser import EXAMPLES

SHAPES = {"LeNet-5": (1, 32, 32), "plain": (3, 32, 32), "residual": (3, 16, 16), "ViT": (3, 32, 32)}


@pytest.mark.parametrize("name", SHAPES)
def test_the_designs_own_lines_give_a_score_for_each_class(name: str) -> None:
    module = build(EXAMPLES[name], SHAPES[name], 7)
    scores = module(torch.randn(2, *SHAPES[name]))
    assert scores.shape == (2, 7)
    assert bool(torch.isfinite(scores).all())


@pytest.mark.parametrize("axes", [1, 3])
@pytest.mark.parametrize("name", SHAPES)
def test_the_designs_own_lines_serve_signals_and_volumes(name: str, axes: int) -> None:
    shape = (SHAPES[name][0], *[32] * axes)
    with torch.device("meta"):
        module = build(EXAMPLES[name], shape, 7)
        assert module(torch.empty(2, *shape)).shape == (2, 7)


def test_modules_are_named_by_word_and_count_in_each_container() -> None:
    line = "[conv3(4) relu]*2 relu6 residual(bn [conv3(4)]*2 | conv1(4)) branches(gap | gmp) fc"
    module = build(line, (4, 8), 3)
    assert [path for path, _ in module.named_modules() if path] == [
        "conv1", "relu1", "conv2", "relu2", "relu6_1",
        "residual1", "residual1.bn1", "residual1.conv1", "residual1.conv2",
        "residual1.shortcut", "residual1.shortcut.conv1",
        "branches1", "branches1.branch1", "branches1.branch1.gap1",
        "branches1.branch2", "branches1.branch2.gmp1", "fc1",
    ]  # fmt: skip


def test_what_torch_has_is_torchs_own() -> None:
    line = "conv3(4) dwconv3 tconv2/2(4) maxpool2 avgpool2 bn in gn(2) lrn relu gelu dropout fc(3)"
    module = build(line.replace("fc", "flatten fc"), (4, 16), 3)
    assert [type(part) for part in module.children()] == [
        nn.Conv1d, nn.Conv1d, nn.ConvTranspose1d, nn.MaxPool1d, nn.AvgPool1d, nn.BatchNorm1d,
        nn.InstanceNorm1d, nn.GroupNorm, nn.LocalResponseNorm, nn.ReLU, nn.GELU, nn.Dropout,
        nn.Flatten, nn.Linear,
    ]  # fmt: skip


def test_options_reach_the_modules() -> None:
    line = (
        "conv3x5/2x1(8, groups=2, dilation=2, pad=1x3, bias=no) "
        "maxpool3/2(dilation=2, pad=1, ceil=yes) avgpool3/1(pad=1, countpad=no) "
        "bn(eps=0.5, affine=no) leakyrelu(0.3) dropout(0.25) tconv3/2(6, outpad=1, groups=2)"
    )
    conv, largest, mean, norm, slope, drop, back = build(line, (4, 32, 32)).children()
    assert isinstance(conv, nn.Conv2d)
    assert (conv.kernel_size, conv.stride, conv.dilation) == ((3, 5), (2, 1), (2, 2))
    assert (conv.padding, conv.groups, conv.bias) == ((1, 3), 2, None)
    assert isinstance(largest, nn.MaxPool2d)
    assert (largest.dilation, largest.padding, largest.ceil_mode) == ((2, 2), (1, 1), True)
    assert isinstance(mean, nn.AvgPool2d)
    assert (mean.stride, mean.count_include_pad) == ((1, 1), False)
    assert isinstance(norm, nn.BatchNorm2d)
    assert (norm.eps, norm.affine) == (0.5, False)
    assert isinstance(slope, nn.LeakyReLU)
    assert slope.negative_slope == 0.3
    assert isinstance(drop, nn.Dropout)
    assert drop.p == 0.25
    assert isinstance(back, nn.ConvTranspose2d)
    assert (back.output_padding, back.groups) == ((1, 1), 2)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("kernel", [(1, 2), (4, 3), (2, 6)])
@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_padding_is_torchs_same_then_every_nth(
    kernel: tuple[int, int], dilation: int, stride: int
) -> None:
    line = f"conv{kernel[0]}x{kernel[1]}/{stride}(4, dilation={dilation})"
    module, x = build(line, (3, 13, 10)), torch.randn(2, 3, 13, 10)
    conv = next(part for part in module.modules() if isinstance(part, nn.Conv2d))
    whole = F.conv2d(x, conv.weight, conv.bias, 1, "same", dilation)
    torch.testing.assert_close(module(x), whole[:, :, ::stride, ::stride])


def test_on_meta_there_are_shapes_and_no_values() -> None:
    line = "conv4/2(8) bn blurpool2 prelu scale(1) se(2) tokens classtoken positions attention(2)"
    with torch.device("meta"):
        module = build(line, (3, 16, 16))
    real = build(line, (3, 16, 16))
    assert {name: value.shape for name, value in module.state_dict().items()} == {
        name: value.shape for name, value in real.state_dict().items()
    }
    assert all(value.is_meta for value in module.state_dict().values())
    module.to_empty(device="cpu").load_state_dict(real.state_dict())
    x = torch.randn(2, 3, 16, 16)
    assert torch.equal(module.eval()(x), real.eval()(x))


def test_building_draws_from_nobody_elses_random_numbers() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    build("conv3(8) bn tokens classtoken positions attention(2) first fc", (3, 16))
    assert torch.equal(torch.rand(4), expected)


def test_every_learned_value_gets_a_gradient() -> None:
    line = (
        "conv3(8) bn relu blurpool2 se(2, activation=silu) "
        "residual(norm conv3(8) scale(0.5) | conv1(8)) patch2(8) positions "
        "residual(norm attention(2)) first prelu fc"
    )
    module = build(line, (3, 16, 16), 3)
    F.cross_entropy(module(torch.randn(4, 3, 16, 16)), torch.tensor([0, 1, 2, 0])).backward()
    silent = [n for n, p in module.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_an_unknown_start_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no initialisation 'he'; there are kaiming, xav"):
        build("gap fc", (3, 8), init="he")


def test_steps_tell_the_word_of_each_module() -> None:
    steps = check("conv3x3( 8 ) residual(relu)", (3, 8, 8)).steps
    assert [(step.path, step.text) for step in steps] == [
        ("conv1", "conv3x3(8)"),
        ("residual1.relu1", "relu"),
        ("residual1", "residual(relu)"),
    ]
