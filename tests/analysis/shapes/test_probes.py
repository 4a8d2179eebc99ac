"""Probes differ where formulas have to be told apart."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from hubel.analysis.recording.trace import Traceable, trace
from hubel.analysis.shapes.probes import Probes


class Windows(nn.Module):
    """Takes sides that are multiples of a window, and cuts the map into those."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        n, c, height, width = x.shape
        torch._check(height % self.side == 0 and width % self.side == 0)
        shape = (n, c, height // self.side, self.side, width // self.side, self.side)
        return x.view(shape).transpose(3, 4).flatten(2, 3)


@pytest.mark.parametrize("side", [1, 7, 32, 64, 141, 384])
def test_however_wide_a_step_is_some_sides_are_unequal(side: int) -> None:
    """Else H and W could not be told apart."""
    network = Traceable.of(Windows(side))
    probes = Probes(network, trace(network, (1, 1, side, side))[0])
    assert probes.granularity.step == side
    assert not probes.granularity.is_square
    shapes = [(probe.sizes["H"], probe.sizes["W"]) for probe in probes.some()]
    assert sum(height != width for height, width in shapes) >= 4
