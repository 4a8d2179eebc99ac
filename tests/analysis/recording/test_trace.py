"""One pass without numbers: the shapes are real ones, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hubel.analysis.recording.trace import Traceable, trace, trace_step
from hubel.errors import DesignError
from tests.analysis.networks import PROBES, Probe, SelfAttention, same, traces

every_probe = pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES.keys())
each_way = pytest.mark.parametrize("way", [trace, trace_step], ids=["inference", "training"])


class Noisy(nn.Module):
    """Normalises, drops, draws from every generator, and has buffers."""

    def __init__(self, wrong: bool = False) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 32, 3), nn.BatchNorm2d(32), nn.Dropout(0.5))
        self.last = nn.Conv2d(33 if wrong else 32, 4, 3)
        self.register_buffer("scale", torch.ones(32, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.body(x) * self.scale + torch.randn(1, device=x.device))


@each_way
@pytest.mark.parametrize("wrong", [False, True], ids=["success", "failure"])
@pytest.mark.parametrize("training", [False, True])
def test_measuring_leaves_everything_as_it_was(
    way: Callable[..., Any], wrong: bool, training: bool
) -> None:
    module = Noisy(wrong).train(training)
    module.body[1].eval()
    module.register_forward_hook(lambda *_: pytest.fail("a hook of the user's was run"))
    before = traces(module)
    if wrong:
        with pytest.raises(DesignError, match="last"):
            way(Traceable.of(module), (2, 3, 16, 16))
    else:
        way(Traceable.of(module), (2, 3, 16, 16))
    assert same(before, traces(module))


def test_hooks_of_the_user_are_not_run_and_the_graph_says_so() -> None:
    module = nn.Linear(3, 2)
    module.register_forward_hook(lambda *_: pytest.fail("run"))
    graph, _ = trace(Traceable.of(module), (1, 3))
    assert graph.notes == ("1 hooks of the user's were not run while measuring",)


def test_hooks_of_pytorch_are_part_of_the_network() -> None:
    module = torch.nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    graph, _ = trace(Traceable.of(module), (1, 3))
    assert {"_weight_norm_interface", "addmm"} <= {op.name for op in graph.operators}
    assert set(graph.parameters.values()) == {name for name, _ in module.named_parameters()}


@every_probe
def test_shapes_are_those_of_a_real_pass(probe: Probe) -> None:
    module = probe.module().eval()
    with torch.no_grad():
        real = module(torch.zeros(probe.shape))
    graph, _ = trace(Traceable.of(module), probe.shape)
    assert [value.shape for value in graph.outputs] == [tuple(real.shape)]
    assert graph.calls[0].outputs == graph.outputs


def test_tied_weights_stay_tied_and_count_once() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    module[1].weight = module[0].weight
    graph, _ = trace(Traceable.of(module), (1, 4))
    assert sorted(graph.parameters.values()) == ["0.bias", "0.weight", "1.bias"]


def test_an_operator_in_place_gives_a_new_value_in_the_same_storage() -> None:
    graph, _ = trace(Traceable.of(nn.ReLU(inplace=True)), (1, 4))
    relu = graph.operators[0]
    assert relu.outputs[0].id != relu.inputs[0].id
    assert relu.outputs[0].storage == relu.inputs[0].storage


def test_attention_is_one_operator_and_the_function_stays_pytorchs() -> None:
    forward = nn.functional.multi_head_attention_forward
    graph, _ = trace(Traceable.of(SelfAttention()), (1, 10, 64))
    names = [op.name for op in graph.operators]
    assert names.count("_scaled_dot_product_flash_attention_for_cpu") == 1
    assert "bmm" not in names
    assert nn.functional.multi_head_attention_forward is forward


def test_the_peak_of_a_chain_is_its_two_largest_neighbours() -> None:
    chain = nn.Sequential(nn.Linear(10, 100), nn.Linear(100, 1000), nn.Linear(1000, 10))
    _, peak = trace(Traceable.of(chain), (1, 10))
    # The caller holds the input; a layer's own input is alive until its output is made.
    assert peak == 4 * (10 + 100 + 1000)


def test_lazy_modules_are_asked_to_be_run_first() -> None:
    with pytest.raises(DesignError, match="weight has no shape yet: the module is lazy; run it"):
        Traceable.of(nn.LazyLinear(3))


class Locked(nn.Module):
    def __deepcopy__(self, _memo: Any) -> Any:
        raise TypeError("not me")


def test_a_module_that_cannot_be_copied_says_why() -> None:
    with pytest.raises(DesignError, match=r"Locked can't be copied \(TypeError: not me\)"):
        Traceable.of(Locked())


def test_no_memory_is_taken_for_weights() -> None:
    twin = Traceable.of(nn.Linear(3, 2)).module
    assert {x.device.type for x in (*twin.parameters(), *twin.buffers())} == {"meta"}


def test_constants_made_on_the_cpu_follow_the_rest() -> None:
    class Adds(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + torch.ones(4)

    graph, _ = trace(Traceable.of(Adds()), (2, 4))
    assert graph.outputs[0].shape == (2, 4)


class Second(nn.Module):
    """Tries one layer, and takes another where that fails."""

    def __init__(self, tried: nn.Module) -> None:
        super().__init__()
        self.tried, self.instead, self.last = tried, nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        try:
            y = self.tried(x)
        except RuntimeError:
            y = self.instead(x)
        return self.last(y)


@each_way
@pytest.mark.parametrize(
    "tried",
    [nn.Linear(5, 5), nn.Sequential(nn.Conv2d(3, 7, 3), nn.Sequential(nn.Linear(5, 5)))],
    ids=["layer", "layers"],
)
def test_a_failure_that_is_caught_leaves_what_follows_where_it_ran(
    way: Callable[..., Any], tried: nn.Module
) -> None:
    found = way(Traceable.of(Second(tried)), (1, 3, 32, 32))
    graph = found[0] if isinstance(found, tuple) else found.graph
    ran = [(graph.calls[op.call].path, op.name) for op in graph.operators]
    assert ran == [("instead", "convolution"), ("last", "convolution")]
    assert [call.path for call in graph.calls] == ["", "instead", "last"]
    assert [op.index for op in graph.operators] == [0, 1]


class Altered(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x.add_(1)
        raise RuntimeError("after all")


def test_what_a_failed_layer_computed_and_others_read_is_an_error() -> None:
    with pytest.raises(DesignError, match="it reads what a module computed before it failed"):
        trace(Traceable.of(Second(Altered())), (1, 3, 32, 32))


@pytest.mark.parametrize("nested", [False, True])
def test_a_compiled_module_is_that_which_was_compiled(nested: bool) -> None:
    inner: Any = torch.compile(nn.Sequential(nn.Conv2d(3, 4, 3)))
    network = Traceable.of(nn.Sequential(inner) if nested else inner)
    assert {type(part).__name__ for part in network.module.modules()} == {"Sequential", "Conv2d"}
    graph, _ = trace(network, (1, 3, 8, 8))
    assert set(graph.parameters.values()) == (
        {"0.0.weight", "0.0.bias"} if nested else {"0.weight", "0.bias"}
    )
    assert type(inner).__name__ == "OptimizedModule"


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_a_scripted_module_is_refused_with_the_way_out() -> None:
    module = torch.jit.script(nn.Conv2d(3, 4, 3))
    with pytest.raises(DesignError, match=r"scripted or traced .* give the module that was"):
        Traceable.of(module)
    with pytest.raises(DesignError, match=r"^0 is scripted"):
        Traceable.of(nn.Sequential(torch.jit.trace(nn.ReLU(), torch.zeros(1))))


class Silent(nn.Module):
    def forward(self, _x: Tensor) -> None: ...


@each_way
def test_a_forward_that_gives_no_tensor_is_an_error(way: Callable[..., Any]) -> None:
    with pytest.raises(DesignError, match=r"Silent: its forward gives no tensor \(NoneType\)"):
        way(Traceable.of(Silent()), (1, 3))
