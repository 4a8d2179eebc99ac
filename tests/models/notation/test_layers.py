"""Hubel's few layers against the same arithmetic from elsewhere."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import SqueezeExcitation, StochasticDepth

from hubel.models.notation import build


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("bias", ["yes", "no"])
def test_attention_is_torchs_multi_head_attention(heads: int, bias: str) -> None:
    ours = build(f"tokens attention({heads}, bias={bias}, init=torch)", (8, 11))[1]
    theirs = nn.MultiheadAttention(8, heads, bias=bias == "yes", batch_first=True)
    names = {
        "in_proj_weight": "qkv.weight", "in_proj_bias": "qkv.bias",
        "out_proj.weight": "proj.weight", "out_proj.bias": "proj.bias",
    }  # fmt: skip
    theirs.load_state_dict({name: ours.state_dict()[names[name]] for name in theirs.state_dict()})
    x = drawn(2, 11, 8)
    torch.testing.assert_close(ours(x), theirs(x, x, x, need_weights=False)[0])


def test_squeeze_excite_is_torchvisions() -> None:
    ours = build("se(reduction=4)", (16, 5, 6))[0]
    theirs = SqueezeExcitation(16, 4)
    state = ours.state_dict()
    theirs.load_state_dict(
        {
            name: state[name].reshape(value.shape)
            for name, value in theirs.state_dict().items()
            if name in state
        }
    )
    x = drawn(2, 16, 5, 6)
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_norm_on_a_grid_is_layer_norm_at_each_position(axes: int) -> None:
    shape = (6, *[4] * axes)
    module, x = build("norm", shape), drawn(2, *shape)
    expected = F.layer_norm(x.flatten(2).transpose(1, 2), (6,), eps=1e-6).transpose(1, 2)
    torch.testing.assert_close(module(x).flatten(2), expected)


@pytest.mark.parametrize("taps", [2, 3, 4, 5])
@pytest.mark.parametrize("stride", [(2, 2), (1, 3)])
def test_blurpool_is_the_binomial_filter_on_a_mirrored_border(
    taps: int, stride: tuple[int, int]
) -> None:
    # Rows of Pascal's triangle, as in Zhang 2019, section 3.2.
    row = {2: [1, 1], 3: [1, 2, 1], 4: [1, 3, 3, 1], 5: [1, 4, 6, 4, 1]}[taps]
    kernel = torch.outer(torch.tensor(row), torch.tensor(row)).float()
    kernel = (kernel / kernel.sum()).expand(3, 1, taps, taps)
    x = drawn(2, 3, 9, 8)
    before, after = (taps - 1) // 2, taps // 2
    padded = F.pad(x, (before, after, before, after), mode="reflect")
    expected = F.conv2d(padded, kernel, stride=stride, groups=3)
    line = f"blurpool{stride[0]}x{stride[1]}({taps})"
    torch.testing.assert_close(build(line, (3, 9, 8))(x), expected)


def test_blurpool_keeps_a_constant_and_learns_nothing() -> None:
    module = build("blurpool2", (3, 8, 8))
    torch.testing.assert_close(module(torch.ones(1, 3, 8, 8)), torch.ones(1, 3, 4, 4))
    assert list(module.parameters()) == []


def test_maxblurpool_is_the_largest_at_stride_one_then_blurpool() -> None:
    x = drawn(2, 3, 9, 8)
    expected = build("maxpool2/1 blurpool2", (3, 9, 8))(x)
    assert torch.equal(build("maxblurpool2", (3, 9, 8))(x), expected)


def test_droppath_drops_whole_samples_and_keeps_the_mean() -> None:
    module = build("droppath(0.3)", (2, 4, 4))
    x = torch.ones(4000, 2, 4, 4)
    torch.manual_seed(0)
    y = module.train()(x)
    per_sample = y.flatten(1)
    assert bool((per_sample == per_sample[:, :1]).all())
    torch.testing.assert_close(per_sample.unique(), torch.tensor([0, 1 / 0.7]))
    torch.manual_seed(0)
    theirs = StochasticDepth(0.3, "row").train()(x)
    assert abs(float(y.mean() - theirs.mean())) < 0.05
    assert torch.equal(module.eval()(x), x)


@pytest.mark.parametrize(("p", "kept"), [(0, 1.0), (1, 0.0)])
def test_droppath_at_its_ends(p: int, kept: float) -> None:
    y = build(f"droppath({p})", (2, 4)).train()(torch.ones(3, 2, 4))
    assert torch.equal(y, torch.full((3, 2, 4), kept))


def test_residual_adds_its_input_or_its_shortcut() -> None:
    x = drawn(2, 4, 6)
    assert torch.equal(build("residual(relu)", (4, 6))(x), x + x.relu())
    y = build("residual(relu | tanh sigmoid)", (4, 6))(x)
    assert torch.equal(y, x.relu() + x.tanh().sigmoid())


@pytest.mark.parametrize(("before", "dim"), [("", 1), ("tokens ", 2), ("flatten ", 1)])
def test_branches_stand_one_after_the_other_along_the_channels(before: str, dim: int) -> None:
    x = drawn(2, 4, 6)
    whole = build(f"{before}branches(relu | tanh | identity)", (4, 6))(x)
    given = build(f"{before}identity", (4, 6))(x)
    assert torch.equal(whole, torch.cat([given.relu(), given.tanh(), given], dim))


def test_tokens_are_row_by_row_and_come_back_as_the_grid() -> None:
    x = torch.arange(2 * 3 * 4.0).reshape(1, 2, 3, 4)
    tokens = build("tokens", (2, 3, 4))(x)
    assert tokens[0, :, 0].tolist() == list(range(12))
    assert torch.equal(build("tokens grid", (2, 3, 4))(x), x)


def test_patch_is_one_product_a_patch() -> None:
    module, x = build("patch4x2(5)", (3, 8, 6)), drawn(2, 3, 8, 6)
    conv = module[0].conv
    second = x[:, :, 0:4, 2:4].flatten(1) @ conv.weight.flatten(1).T + conv.bias
    torch.testing.assert_close(module(x)[:, 1], second)


def test_classtoken_stands_first_and_positions_are_added() -> None:
    module, x = build("tokens classtoken positions", (3, 5)), drawn(2, 3, 5)
    state = module.state_dict()
    expected = torch.cat([state["classtoken1.token"].expand(2, 1, 3), x.transpose(1, 2)], dim=1)
    assert torch.equal(module(x), expected + state["positions1.values"])
    first = build("tokens classtoken positions first", (3, 5))
    assert torch.equal(first(x), module(x)[:, 0])


@pytest.mark.parametrize(("line", "shape"), [("gap", (3, 4, 5)), ("tokens gap", (3, 20))])
def test_gap_and_gmp_are_over_all_positions(line: str, shape: tuple[int, ...]) -> None:
    x = drawn(2, *shape)
    torch.testing.assert_close(build(line, shape)(x), x.flatten(2).mean(2))
    largest = build(line.replace("gap", "gmp"), shape)(x)
    torch.testing.assert_close(largest, x.flatten(2).amax(2))


@pytest.mark.parametrize("before", ["", "tokens ", "flatten "])
def test_scale_and_softmax_work_along_the_channels(before: str) -> None:
    x = drawn(2, 3, 4)
    given = build(f"{before}identity", (3, 4))(x)
    torch.testing.assert_close(build(f"{before}scale(0.5)", (3, 4))(x), given * 0.5)
    channels = 2 if before == "tokens " else 1
    torch.testing.assert_close(
        build(f"{before}softmax", (3, 4))(x).sum(channels), torch.ones_like(given.sum(channels))
    )
