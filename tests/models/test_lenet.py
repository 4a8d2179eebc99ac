"""LeNet-5 of 1998, against the sentences of its paper."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from hubel.errors import RecipeError
from hubel.models.lenet import (
    CONNECTIONS,
    CodeDistance,
    LeNet5,
    MapConvolution,
    ScaledTanh,
    Subsampling,
)

# LeCun et al. 1998, table I: an X where a map of S2 (row) is seen by a map of C3 (column).
TABLE_I = """
X   XXX  XXXX XX
XX   XXX  XXXX X
XXX   XXX  X XXX
 XXX  XXXX  X XX
  XXX  XXXX XX X
   XXX  XXXX XXX
"""


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def lenet(num_classes: int = 10, in_channels: int = 1, side: int = 32) -> LeNet5:
    torch.manual_seed(0)
    return LeNet5(in_channels=in_channels, num_classes=num_classes, image_size=(side, side))


def test_the_maps_are_connected_as_in_the_papers_table() -> None:
    rows = TABLE_I.strip("\n").splitlines()
    seen = tuple(
        tuple(row for row in range(6) if rows[row].ljust(16)[column] == "X") for column in range(16)
    )
    assert seen == CONNECTIONS


@pytest.mark.parametrize("column", range(16))
def test_a_map_of_c3_depends_on_its_own_maps_alone(column: int) -> None:
    x = pictures(1, 6, 14, 14).requires_grad_()
    MapConvolution()(x)[0, column].sum().backward()
    assert x.grad is not None
    reached = x.grad.abs().amax(dim=(0, 2, 3)).nonzero().flatten()
    assert tuple(reached.tolist()) == CONNECTIONS[column]


def test_c3_is_the_dense_convolution_with_zeros_where_the_table_has_none() -> None:
    layer, x = MapConvolution(), pictures(2, 6, 9, 8)
    dense = torch.zeros(16, 6, 5, 5)
    filters = [row for conv in layer.convs for row in conv.weight]
    for column, (seen, weights) in enumerate(zip(CONNECTIONS, filters, strict=True)):
        dense[column, list(seen)] = weights.detach()
    bias = torch.cat([conv.bias for conv in layer.convs])
    torch.testing.assert_close(layer(x), torch.nn.functional.conv2d(x, dense, bias))


def test_subsampling_adds_four_and_scales_and_shifts() -> None:
    layer, x = Subsampling(3), pictures(2, 3, 6, 7)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, 2.0, 3.0])[:, None, None])
        layer.bias.copy_(torch.tensor([0.5, 0.0, -1.0])[:, None, None])
    fours = sum(x[:, :, row:6:2, column:6:2] for row in (0, 1) for column in (0, 1))
    torch.testing.assert_close(layer(x), fours * layer.weight + layer.bias)


def test_the_tanh_is_scaled_so_that_one_gives_one() -> None:
    # Appendix A: f(1) = 1, f(-1) = -1, and 1.7159 is the amplitude.
    ends = ScaledTanh()(torch.tensor([-1.0, 0.0, 1.0, 50.0]))
    torch.testing.assert_close(ends, torch.tensor([-1, 0, 1, 1.7159]), atol=2e-5, rtol=0)


def test_the_class_whose_code_is_nearest_wins() -> None:
    layer = CodeDistance(84, 10)
    scores = layer(layer.codes)
    assert set(layer.codes.unique().tolist()) == {-1.0, 1.0}
    torch.testing.assert_close(scores.diagonal(), torch.zeros(10))
    assert scores.argmax(dim=1).tolist() == list(range(10))
    differing = (layer.codes[:, None] != layer.codes).sum(dim=2)
    torch.testing.assert_close(scores, -4.0 * differing)  # (1 - -1)^2 for each that differs


def test_the_codes_are_the_same_at_each_start_and_are_not_learned() -> None:
    torch.manual_seed(1)
    first, second = CodeDistance(84, 10), CodeDistance(84, 10)
    assert torch.equal(first.codes, second.codes)
    assert list(first.parameters()) == []


def test_units_that_see_many_start_with_small_weights() -> None:
    network = lenet()
    fan_in = {"c1": 25, "c3.convs.0": 75, "c3.convs.2": 150, "c5": 400, "f6": 120}  # section II.B
    for name, inputs in fan_in.items():
        largest = network.get_submodule(name).weight.detach().abs().max()
        assert 0.9 * 2.4 / inputs < float(largest) <= 2.4 / inputs, name
    assert float(network.s2.weight.detach().abs().max()) <= 2.4 / 4


def test_what_comes_out_are_scores_and_they_can_be_learned() -> None:
    network, x = lenet(in_channels=3, num_classes=4, side=28), pictures(8, 3, 28, 28)
    labels = torch.arange(8) % 4
    weights = list(network.parameters())
    losses: list[float] = []
    for _ in range(40):
        loss = torch.nn.functional.cross_entropy(network(x), labels)
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.sub_(2e-3 * gradient.sign())
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("side", [16, 17, 28, 33, 50])
def test_c5_covers_what_is_left_of_any_size(side: int) -> None:
    assert lenet(side=side)(pictures(1, 1, side, side)).shape == (1, 10)


def test_a_picture_too_small_is_refused_with_the_arithmetic() -> None:
    arithmetic = r"a side of 15 pixels: floor\(\(floor\(\(15 - 4\) / 2\) - 4\) / 2\) leaves nothing"
    with pytest.raises(RecipeError, match=arithmetic + "; use pictures of at least 16 pixels"):
        LeNet5(in_channels=1, num_classes=10, image_size=(32, 15))
