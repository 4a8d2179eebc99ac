"""Every operator's rule against differentiating: the windows are where the gradient is not zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.analysis.fields.supports import field_of, hulls, read_hulls, supports_by_gradient

GENERATOR = torch.Generator().manual_seed(1)


@pytest.fixture(autouse=True)
def doubles() -> Iterator[None]:
    """Numbers so fine that none vanishes but those that are no gradient at all."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


class Call(nn.Module):
    """A function as a module, after a convolution whose windows overlap and are padded."""

    def __init__(self, function: Callable[[Tensor], Tensor], axes: int = 2) -> None:
        super().__init__()
        conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
        self.conv = conv(4, 4, 2, padding=1, groups=2, stride=(2, *(1,) * (axes - 1)))
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.conv(x))


def random(*shape: int) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=GENERATOR) + 0.5


def written_through_a_view(x: Tensor) -> Tensor:
    out = torch.zeros_like(x)
    out[:, :1, 1:] = x[:, :1, :-1]
    out[:, 1:].copy_(x[:, 1:].flip(3))
    return out


def added_to_a_view(x: Tensor) -> Tensor:
    out = x.clone()
    out.flatten(2)[:, :, :3].add_(x.mean((2, 3)).unsqueeze(2))
    return out


def seen_by_an_older_view(x: Tensor) -> Tensor:
    out = x.clone()
    view = out[:, :2].transpose(2, 3)
    out.mul_(x.sum(2, keepdim=True))
    return view


def erased_through_a_view(x: Tensor) -> Tensor:
    out = x + 1
    out[:, :2, :, 1:].zero_()
    return out


class Tokens(nn.Module):
    """A layer of tokens on a map's positions, or on several copies of them."""

    def __init__(self, layer: nn.Module, copies: int = 1) -> None:
        super().__init__()
        self.layer = layer
        self.copies = copies

    def forward(self, x: Tensor) -> Tensor:
        outputs = self.layer(*[tokens(x)] * self.copies)
        return outputs[0] if isinstance(outputs, tuple) else outputs


def windows(x: Tensor) -> Tensor:
    """Attention within windows of 2 x 2, shifted, as in Swin, on a 4 x 6 map."""
    x = torch.roll(x.permute(0, 2, 3, 1), (-1, -1), (1, 2))
    parts = x.view(1, 2, 2, 3, 2, 4).permute(0, 1, 3, 2, 4, 5).reshape(6, 4, 4)
    mixed = (parts @ parts.transpose(1, 2)).softmax(-1) @ parts
    whole = mixed.view(1, 2, 3, 2, 2, 4).permute(0, 1, 3, 2, 4, 5).reshape(1, 4, 6, 4)
    return torch.roll(whole, (1, 1), (1, 2)).permute(0, 3, 1, 2)


def tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


class States(Tokens):
    """One that begins at what the first half of the tokens says."""

    def forward(self, x: Tensor) -> Tensor:
        first, second = tokens(x).chunk(2, 1)
        return self.layer(second, first.mean(1)[None, :, :3].contiguous())[0]


class LastState(Tokens):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(tokens(x))[1]


OPERATORS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu6 and in place": lambda x: F.hardtanh(x, -99, 99).mul_(2).add_(1),
    "permute": lambda x: x.permute(3, 0, 2, 1),
    "flatten and back": lambda x: tokens(x).transpose(1, 2).reshape(x.shape),
    "space to depth": lambda x: F.conv2d(F.pixel_unshuffle(x, 2), random(3, 16, 1, 1)),
    "depth to space": lambda x: F.pixel_shuffle(x, 2),
    "channel shuffle": lambda x: F.channel_shuffle(torch.cat([x, x.mean(3, True) + x], 1), 2),
    "slices": lambda x: torch.cat([x[:, :, ::2], x[:, :, 1::2]], 1)[..., 1:-1],
    "crop by padding": lambda x: F.pad(x, (-1, 2, -1, 0)),
    "mirrored": lambda x: F.pad(x, (2, 1, 1, 2), mode="reflect"),
    "replicated": lambda x: F.pad(x, (2, 1, 1, 2), mode="replicate"),
    "wrapped": lambda x: F.pad(x, (2, 1, 1, 2), mode="circular"),
    "roll": lambda x: torch.roll(x, (1, -2), (2, 3)),
    "roll of all": lambda x: torch.roll(x, 3),
    "flip": lambda x: x.flip(2, 3),
    "select and stack": lambda x: torch.stack([x[:, :, 0], x[:, :, -1]], 1),
    "unbind": lambda x: x.unbind(3)[1],
    "split": lambda x: torch.cat(x.split([1, 3], 1)[::-1], 1),
    "chunks": lambda x: x.chunk(2, 2)[1] + 1,
    "repeat": lambda x: x.repeat(1, 1, 2, 1),
    "interleaved": lambda x: x.repeat_interleave(2, 3),
    "expand": lambda x: x.mean(2, keepdim=True).expand(-1, -1, 3, -1) + 1,
    "unfold": lambda x: x.unfold(2, 2, 1),
    "patches": lambda x: F.unfold(x, (2, 3), 1, 1, 2),
    "patches and back": lambda x: F.fold(F.unfold(x, 3, 1, 1, 2), x.shape[2:], 3, 1, 1, 2),
    "a row's mean": lambda x: x.mean(3),
    "all": lambda x: x.sum(),
    "deviation": lambda x: torch.var_mean(x, (1, 2))[0],
    "norm": lambda x: F.normalize(x, dim=2),
    "softmax": lambda x: x.softmax(3),
    "running sum": lambda x: x.cumsum(2),
    "products": lambda x: x.transpose(2, 3) @ x,
    "linear on channels last": lambda x: F.linear(x.permute(0, 2, 3, 1), random(3, 4), random(3)),
    "linear over tokens": lambda x: F.linear(x.flatten(2), random(3, x.shape[2] * x.shape[3])),
    "einsum": lambda x: torch.einsum("bchw,bdhw->bcd", x, x + 1),
    "matrix times vector": lambda x: x[0, 0] @ random(x.shape[3]),
    "added product": lambda x: torch.baddbmm(x[0], x[0], random(4, x.shape[3], x.shape[3])),
    "layer norm": lambda x: F.layer_norm(x, x.shape[3:]),
    "channel norm": lambda x: F.layer_norm(x.movedim(1, -1), (4,)).movedim(-1, 1),
    "group norm": lambda x: F.group_norm(x, 2, random(4), random(4)),
    "instance norm": lambda x: F.instance_norm(x, weight=random(4)),
    "batch norm": lambda x: F.batch_norm(x, random(4), random(4), random(4), random(4)),
    "response norm": lambda x: F.local_response_norm(x * 9, 3),
    "gated": lambda x: F.glu(x, 1),
    "squeeze-excite": lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(),
    "rows and columns": lambda x: x * x.mean(2, keepdim=True) * x.mean(3, keepdim=True),
    "attention": lambda x: F.scaled_dot_product_attention(*[tokens(x)[None]] * 3),
    "causal attention": lambda x: F.scaled_dot_product_attention(
        *[tokens(x)[None]] * 3, is_causal=True
    ),
    "masked attention": lambda x: F.scaled_dot_product_attention(
        *[tokens(x)[None]] * 3, attn_mask=random(1, 1, x.shape[2] * x.shape[3], 1)
    ),
    "attention of columns": lambda x: F.scaled_dot_product_attention(
        *[x.permute(0, 3, 2, 1)] * 3
    ),
    "class token": lambda x: torch.cat([random(1, 1, 4), tokens(x)], 1),
    "shifted windows": windows,
    "computed filters": lambda x: F.conv2d(x, x.mean((0, 2, 3)).reshape(4, 1, 1, 1), groups=4),
    "written through a view": written_through_a_view,
    "added to a view": added_to_a_view,
    "erased through a view": erased_through_a_view,
    "seen by an older view": seen_by_an_older_view,
    "transform": lambda x: torch.view_as_real(torch.fft.rfft(x, dim=3)).sum(-1),
    "adaptive mean": lambda x: F.adaptive_avg_pool2d(x, (3, 4)),
    "adaptive to one": lambda x: F.adaptive_avg_pool2d(x, (1, 4)),
    "power pooling": lambda x: F.lp_pool2d(x.abs() + 1, 2, 2),
    **{
        f"upsampled {mode} by {by}{' corners' if corners else ''}": lambda x, m=mode, b=by, c=(
            corners
        ): F.interpolate(x, scale_factor=b, mode=m, align_corners=c)
        for mode in ("nearest", "nearest-exact", "bilinear", "bicubic")
        for by in (2, 1.5, 0.5)
        for corners in ((None,) if "nearest" in mode else (False, True))
    },
    "downsampled against aliasing": lambda x: F.interpolate(
        x, (2, 3), mode="bilinear", antialias=True
    ),
    "upsampled, then convolved": lambda x: F.conv2d(
        F.interpolate(x, scale_factor=2), random(2, 4, 3, 3), padding=1
    ),
}  # fmt: skip

MODULES: dict[str, nn.Module] = {
    **{
        f"transposed {kernel}/{stride} pad {padding} outpad {outpad} dilation {dilation}": (
            nn.ConvTranspose2d(
                4, 4, kernel, stride, output_padding=outpad, dilation=dilation, padding=padding,
                groups=2,
            )
        )
        for kernel, stride, padding, outpad, dilation in (
            (2, 2, 0, 0, 1), (4, 2, 1, 0, 1), (3, 2, 1, 1, 1), (3, 1, 1, 0, 2), (1, 3, 0, 1, 1),
            ((2, 3), (3, 1), 1, (1, 0), 1),
        )
    },
    "twice transposed": nn.Sequential(
        nn.ConvTranspose2d(4, 2, 3, 2, padding=1), nn.ConvTranspose2d(2, 2, 2, 3)
    ),
    "multi-head attention": Tokens(nn.MultiheadAttention(4, 2, batch_first=True), 3),
    "transformer": Tokens(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)),
    "recurrent": Tokens(nn.LSTM(4, 3, batch_first=True)),
    "recurrent both ways": Tokens(nn.GRU(4, 3, 2, batch_first=True, bidirectional=True)),
    "recurrent from a state": States(nn.RNN(4, 3, batch_first=True)),
    "last state": LastState(nn.GRU(4, 3, batch_first=True)),
    "three axes": nn.Sequential(nn.Conv3d(4, 2, 2, dilation=2, padding=1), nn.AvgPool3d(2, 1)),
    "one axis": nn.Sequential(nn.Conv1d(4, 2, 3, stride=2, padding=2), nn.AvgPool1d(2)),
}  # fmt: skip


def check(module: nn.Module, shape: tuple[int, ...]) -> None:
    """Windows equal supports at a generic point."""
    module = module.double().eval()
    for parameter in module.parameters():
        parameter.data = random(*parameter.shape) - 1
    x = random(1, *shape)
    field = field_of(module, shape)
    assert field.note == ""
    truth = supports_by_gradient(module, x, range(module(x).numel()))
    truth = truth.reshape(*field.shape, *shape[1:])
    for axis, expected in zip(read_hulls(field), hulls(truth, len(shape) - 1), strict=True):
        np.testing.assert_array_equal(axis, expected)


@pytest.mark.parametrize("name", OPERATORS)
def test_a_rule_gives_the_support(name: str) -> None:
    check(Call(OPERATORS[name]), (4, 6, 5))


@pytest.mark.parametrize("name", MODULES)
def test_a_layer_gives_the_support(name: str) -> None:
    axes = {"three axes": 3, "one axis": 1}.get(name, 2)
    check(MODULES[name], (4, 5, 4, 6)[: axes + 1])


PICKED: dict[str, Callable[[Tensor], Tensor]] = {
    "indexed": lambda x: x[:, :, torch.tensor([2, 0])],
    "two indices": lambda x: x[:, torch.tensor([[0], [1]]), torch.tensor([2, 0])],
    "gathered": lambda x: x.gather(3, torch.zeros(1, 4, 2, 3, dtype=torch.long)),
    "index selected": lambda x: x.index_select(2, torch.tensor([1])),
    "largest two": lambda x: x.topk(2, 3)[0],
    "sorted": lambda x: x.sort(2)[0],
    "largest": lambda x: x.max(2)[0] + x.amax(2),
    "scattered": lambda x: x.scatter(
        3, torch.zeros(1, 4, 2, 3, dtype=torch.long), x[:, :, :2, :3] + 1
    ),
    "sampled": lambda x: F.grid_sample(x, x[:, :2].movedim(1, -1), align_corners=False),
}


@pytest.mark.parametrize("name", PICKED)
def test_what_data_decide_lies_within_the_windows(name: str) -> None:
    module, x = Call(PICKED[name]), random(1, 4, 6, 5)
    field = field_of(module, (4, 6, 5))
    truth = supports_by_gradient(module, x, range(module(x).numel()))
    inside = hulls(truth.reshape(*field.shape, 6, 5), 2)
    for axis, expected in zip(read_hulls(field), inside, strict=True):
        assert (axis[0] <= expected[0]).all()
        assert (axis[1] >= expected[1]).all()


@pytest.mark.parametrize("name", sorted({"indexed", "gathered", "scattered", "sampled"}))
def test_a_bound_says_why(name: str) -> None:
    field = field_of(Call(PICKED[name]), (4, 6, 5))
    assert "depends on data" in field.note
    assert field.kind != "exact"


@torch.library.custom_op("hubel_tests::mystery", mutates_args=())
def mystery(x: Tensor) -> Tensor:
    return x.clone()


@mystery.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


def test_an_operator_without_a_rule_is_named_and_bounded() -> None:
    field = field_of(Call(lambda x: mystery(x[:, :, 1:3])), (4, 6, 5))
    assert field.note == "no rule for hubel_tests.mystery.default"
    assert field.kind == "bound"
    assert field.size == (4, 5)
    assert field.to_json()["note"] == field.note
