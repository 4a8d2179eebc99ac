"""The quick shapes are those of the real operators, strides and dtypes too."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from hubel.analysis.recording.kernels import KERNELS, run

aten = torch.ops.aten
LAYOUTS = ("contiguous", "channels_last", "transposed", "expanded")
UNARY = [op for op in KERNELS if len(op._schema.arguments) == 1 or op in (aten.gelu.default,)]
UNARY += [aten.hardtanh.default, aten.hardtanh_.default, aten.gelu_.default]


def grid(layout: str, shape: tuple[int, ...] = (2, 4, 6, 6)) -> Tensor:
    x = torch.rand(shape)
    if layout == "channels_last":
        return x.to(memory_format=torch.channels_last)
    if layout == "transposed":
        return x.transpose(2, 3)
    return x[:, :, :1, :1].expand(shape) if layout == "expanded" else x


def calls() -> Iterator[Any]:
    for op, layout in product(UNARY, LAYOUTS):
        if not (op._schema.is_mutable and layout == "expanded"):
            yield op, lambda layout=layout: (grid(layout),), layout
    for op, left, right in product(_PAIRS, LAYOUTS, LAYOUTS):
        if not (op._schema.is_mutable and left == "expanded"):
            yield op, lambda left=left, right=right: (grid(left), grid(right)), f"{left}-{right}"
    for layout in LAYOUTS:
        for op in (aten.mul.Scalar, aten.div.Scalar, aten.mul.Tensor, aten.add.Tensor):
            yield op, lambda layout=layout: (grid(layout), 3.0), f"{layout}-number"
        yield from _layouts(layout)
    for shapes in [((2, 4, 6, 6), (4, 1, 1)), ((4, 1, 1), (2, 4, 6, 6)), ((2, 5, 8), (1, 5, 8))]:
        yield aten.mul.Tensor, lambda s=shapes: tuple(map(torch.rand, s)), f"broadcast {shapes}"


_PAIRS = [
    aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.add_.Tensor, aten.mul_.Tensor,
    aten.sigmoid_backward.default, aten.tanh_backward.default, aten.silu_backward.default,
    aten.hardswish_backward.default, aten.hardsigmoid_backward.default, aten.gelu_backward.default,
]  # fmt: skip


def _layouts(layout: str) -> Iterator[Any]:
    def x() -> Tensor:
        return grid(layout)

    yield aten.threshold_backward.default, lambda: (x(), x(), 0), layout
    yield aten.hardtanh_backward.default, lambda: (x(), x(), 0.0, 6.0), layout
    yield aten._softmax.default, lambda: (x(), -1, False), layout
    yield aten._safe_softmax.default, lambda: (x(), -1), layout
    yield aten.roll.default, lambda: (x(), [1, 2], [2, 3]), layout
    yield aten.cat.default, lambda: ([x(), x()], 1), layout
    yield aten.cat.default, lambda: ([torch.rand(2, 3, 4), torch.rand(2, 5, 4)], -2), layout
    for dims, keep in product([[2, 3], [-1], [1]], [False, True]):
        yield aten.mean.dim, lambda d=dims, k=keep: (x(), d, k), f"{layout}-{dims}-{keep}"
    yield aten.native_layer_norm.default, lambda: (x(), [6], None, None, 1e-5), layout
    yield aten.addmm.default, lambda: (torch.rand(5), torch.rand(2, 3), torch.rand(3, 5)), layout
    yield from _convolutions(layout)
    for training in (False, True):
        yield (
            aten.native_batch_norm.default,
            lambda t=training: _batch_norm(layout, t),
            (f"{layout}-{training}"),
        )
    for mask in product([False, True], repeat=3):
        if any(mask):
            yield (
                aten.native_batch_norm_backward.default,
                lambda m=mask: _batch_norm_backward(layout, list(m)),
                f"{layout}-{mask}",
            )
    for kernel, rest in [
        ([2], ()),
        ([3, 3], ([2, 2], [1, 1])),
        ([2, 2], ([], [0, 0], [1, 1], True)),
    ]:
        yield (
            aten.max_pool2d_with_indices.default,
            lambda k=kernel, r=rest: (x(), k, *r),
            (f"{layout}-{kernel}{rest}"),
        )


def _convolutions(layout: str) -> Iterator[Any]:
    for kernel, stride, pad, spread, groups in [(3, 1, 1, 1, 1), (3, 2, 0, 2, 2), (2, 3, 2, 1, 4)]:

        def arguments(
            k: int = kernel, s: int = stride, p: int = pad, d: int = spread, g: int = groups
        ) -> Any:
            weight = torch.rand(8, 4 // g, k, k)
            return grid(layout), weight, torch.rand(8), [s], [p, p], [d], False, [0], g

        yield aten.convolution.default, arguments, f"{layout}-{kernel}-{stride}"
    yield aten.convolution.default, lambda: (
        torch.rand(2, 3, 9), torch.rand(4, 3, 3), None, [2], [1], [1], False, [0], 1
    ), "1-d"  # fmt: skip
    yield aten.convolution_backward.default, lambda: (
        torch.rand(2, 8, 6, 6), grid(layout), torch.rand(8, 4, 3, 3), [8], [1, 1], [1, 1], [1, 1],
        False, [0, 0], 1, [True, True, True],
    ), layout  # fmt: skip


def _batch_norm(layout: str, training: bool) -> Any:
    scale, shift, mean, variance = (torch.rand(4) for _ in range(4))
    return grid(layout), scale, shift, mean, variance, training, 0.1, 1e-5


def _batch_norm_backward(layout: str, mask: list[bool]) -> Any:
    vectors = [torch.rand(4) for _ in range(5)]
    return grid(layout), grid(layout), *vectors, True, 1e-5, mask


def on_meta(nested: Any) -> Any:
    return torch.utils._pytree.tree_map_only(Tensor, lambda x: x.to("meta"), nested)


def layout_of(result: Any) -> Any:
    return torch.utils._pytree.tree_map_only(
        Tensor, lambda x: (tuple(x.shape), x.stride(), x.dtype), result
    )


def taken(op: Any, arguments: Any) -> bool:
    """Whether the kernel takes that layout; what it leaves goes to PyTorch."""
    return KERNELS[op](*on_meta(arguments())) is not None


CALLS = [call for call in calls() if taken(*call[:2])]


@pytest.mark.parametrize(
    ("op", "arguments"),
    [call[:2] for call in CALLS],
    ids=[f"{call[0]}-{call[2]}" for call in CALLS],
)
def test_a_kernel_gives_what_the_real_operator_gives(op: Any, arguments: Any) -> None:
    found = KERNELS[op](*on_meta(arguments()))
    assert layout_of(found) == layout_of(op(*arguments()))


def test_every_kernel_is_held_to_its_operator() -> None:
    assert {call[0] for call in CALLS} >= set(KERNELS) - {
        aten.max_pool2d_with_indices_backward.default  # gives what it is given
    }


def test_what_is_wrong_is_said_in_the_words_of_pytorch() -> None:
    x, weight = torch.empty(1, 3, 8, 8, device="meta"), torch.empty(4, 2, 3, 3, device="meta")
    with pytest.raises(RuntimeError, match="Invalid channel dimensions"):
        run(aten.convolution.default, (x, weight, None, [1], [0], [1], False, [0], 1), {})
    with pytest.raises(RuntimeError, match=r"mat1 and mat2|reduction dim|a and b|size"):
        run(aten.addmm.default, on_meta((torch.rand(5), torch.rand(2, 3), torch.rand(4, 5))), {})
