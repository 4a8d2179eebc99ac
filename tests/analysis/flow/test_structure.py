"""How values flow: what is live, what is fixed, who reads what."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from hubel.analysis.flow.structure import Flow
from hubel.analysis.recording.trace import Traceable, trace


class Forked(nn.Module):
    """Two branches of which one is thrown away."""

    def __init__(self) -> None:
        super().__init__()
        self.used = nn.Conv2d(3, 4, 1)
        self.lost = nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        self.lost(x).relu_()
        return self.used(x)


class Written(nn.Module):
    """A result that reaches the output only by being written into zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        whole = x.new_zeros(x.shape[0], 8, *x.shape[2:])
        whole[:, :4] = self.conv(x)
        return whole.relu()


def flow(module: nn.Module, *shape: int) -> Flow:
    return Flow.of(trace(Traceable.of(module), shape)[0])


def live_layers(found: Flow) -> set[str]:
    return {found.names[index] for index in found.live}


def test_a_branch_that_is_thrown_away_is_not_live() -> None:
    assert live_layers(flow(Forked(), 1, 3, 5, 5)) == {"used"}


def test_what_is_written_into_the_output_is_live_and_depends_on_the_input() -> None:
    found = flow(Written(), 1, 3, 5, 5)
    assert "conv" in live_layers(found)
    assert not {value.id for value in found.graph.outputs} & found.fixed


def test_in_place_operators_are_read_in_a_chain() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 1))
    found = flow(module, 1, 3, 5, 5)
    first, relu, second = found.graph.operators
    assert found.only_reader(first.outputs[0]) is relu
    assert found.only_reader(relu.outputs[0]) is second


def test_an_output_has_no_only_reader() -> None:
    class Both(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            y = x.relu()
            return y, y.sigmoid()

    found = flow(Both(), 1, 4)
    assert found.only_reader(found.graph.operators[0].outputs[0]) is None


def test_a_weight_is_found_behind_its_views() -> None:
    found = flow(nn.Sequential(nn.Linear(4, 2)), 1, 4)
    product = next(op for op in found.graph.operators if op.name == "addmm")
    assert found.parameter(product.inputs[-1]) == "0.weight"
    assert [value.shape for value in found.moving(product)] == [(1, 4)]


def test_padding_before_a_convolution_counts_as_its_own() -> None:
    class Padded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(F.pad(x, (1, 2, 1, 2)))

    found = flow(Padded(), 1, 3, 9, 9)
    slid = found.window(found.graph.operators[-1])
    assert slid is not None
    assert (slid.sides, slid.axes[0].before, slid.axes[0].after) == ((9, 9), 1, 2)
