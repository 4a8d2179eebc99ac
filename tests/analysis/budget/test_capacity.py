"""What fits: the largest batch is the largest, and its memory is that of a real step."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st
from timm.optim import Lion
from torch import nn
from torchvision import models

from hubel.analysis.budget.capacity import (
    largest_batch,
    largest_training_batch,
    memory_bytes,
    step_memory,
)
from hubel.analysis.budget.optimizer_state import OPTIMIZERS, optimizer_state
from hubel.analysis.recording.trace import Traceable, trace
from hubel.errors import DesignError
from tests.analysis.budget.liveness import Live, inference_peak, training_peak

NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "plain": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Dropout(0.1), nn.Flatten(), nn.Linear(392, 10),
        ),
        16,
    ),
    "resnet18": (models.resnet18, 32),
    "convnext_tiny": (models.convnext_tiny, 32),
    "vit_tiny": (lambda: timm.create_model("vit_tiny_patch16_224"), 224),
}  # fmt: skip
every_network = pytest.mark.parametrize("name", NETWORKS)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def network(name: str) -> tuple[nn.Module, tuple[int, int, int]]:
    build, side = NETWORKS[name]
    return build(), (3, side, side)


@every_network
def test_the_peak_of_training_is_that_of_a_real_step(name: str) -> None:
    module, sample = network(name)
    found = step_memory(Traceable.of(module), sample, 3, "sgd")
    update = found.weights + 2 * found.gradients
    real = training_peak(module, torch.randn(3, *sample))
    assert found.peak == max(real, update)


@every_network
def test_the_peak_of_inference_is_that_of_a_real_pass(name: str) -> None:
    module, sample = network(name)
    _, activations = trace(Traceable.of(module), (3, *sample))
    fixed = sum(x.nbytes for x in (*module.parameters(), *module.buffers()))
    assert fixed + activations == inference_peak(module, torch.randn(3, *sample))


def test_the_parts_are_those_of_a_real_step() -> None:
    module, sample = network("plain")
    module[0].weight.requires_grad_(False)
    found = step_memory(Traceable.of(module), sample, 2, "adamw")
    module(torch.randn(2, *sample)).sum().backward()
    tensors = [*module.parameters(), *module.buffers()]
    gradients = [x.grad for x in module.parameters() if x.grad is not None]
    assert found.weights == sum(x.nbytes for x in tensors)
    assert found.gradients == sum(x.nbytes for x in gradients)
    assert found.optimizer_state == 2 * found.gradients
    assert found.peak > found.activations + found.weights + found.optimizer_state


def test_the_update_decides_where_activations_are_small() -> None:
    """`foreach` makes roots of all mean squares at once, when the gradients are all there."""
    module = nn.Linear(400, 300)
    optimizer = torch.optim.AdamW(module.parameters(), foreach=True)
    module(torch.randn(1, 400)).sum().backward()
    optimizer.step()
    live = Live()
    live.see([[p, p.grad, optimizer.state[p]["exp_avg"], optimizer.state[p]["exp_avg_sq"]]
              for p in module.parameters()])  # fmt: skip
    with live:
        optimizer.step()
    found = step_memory(Traceable.of(module), (400,), 1, "adamw")
    assert found.peak == pytest.approx(live.peak, abs=100)  # and counters of steps


@pytest.mark.parametrize("name", ["plain", "resnet18"])
def test_the_largest_batch_fits_and_one_more_does_not(name: str) -> None:
    module, sample = network(name)
    traceable = Traceable.of(module)
    memory = step_memory(traceable, sample, 11).peak + 1000
    batch = largest_training_batch(traceable, sample, memory)
    assert step_memory(traceable, sample, batch).peak <= memory
    assert step_memory(traceable, sample, batch + 1).peak > memory


def test_the_optimizer_takes_room_of_the_batch() -> None:
    traceable = Traceable.of(nn.Linear(1000, 1000))
    sizes = [
        largest_training_batch(traceable, (1000,), memory_bytes("40MB"), name)
        for name in ("sgd", "momentum", "adamw", "amsgrad")
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 4


def test_batch_normalisation_of_one_value_starts_at_two_samples() -> None:
    module = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8))
    traceable = Traceable.of(module)
    memory = step_memory(traceable, (8,), 5).peak
    assert largest_training_batch(traceable, (8,), memory) == 5
    assert largest_training_batch(traceable, (8,), 100) == 0


def test_a_network_that_can_not_be_trained_is_an_error() -> None:
    with pytest.raises(DesignError, match="expected 8 features, got 9"):
        largest_training_batch(Traceable.of(nn.Linear(8, 8)), (9,), 10**9)


lines = st.lists(st.tuples(st.integers(0, 10**12), st.integers(1, 10**9)), min_size=1, max_size=4)


@given(lines, st.integers(0, 10**13), st.integers(1, 3))
def test_the_largest_batch_is_the_largest(
    parts: list[tuple[int, int]], memory: int, least: int
) -> None:
    """Whatever the moments of a step that may be the fullest."""
    asked: list[int] = []

    def taken(batch: int) -> int:
        asked.append(batch)
        return max(start + slope * batch for start, slope in parts)

    largest = min((memory - start) // slope for start, slope in parts)
    if largest >= 1 << 23:
        return
    assert largest_batch(memory, taken, least) == (largest if largest >= least else 0)
    assert len(asked) == len(set(asked))


@given(st.integers(0, 10**10), st.integers(10**4, 10**9), st.integers(1, 10**11))
def test_a_straight_line_takes_few_traces(start: int, slope: int, room: int) -> None:
    asked: list[int] = []

    def taken(batch: int) -> int:
        asked.append(batch)
        return start + slope * batch

    assert largest_batch(start + room, taken) == room // slope
    assert len(asked) <= 8


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60), st.integers(0, 10**7))
def test_the_largest_batch_is_the_largest_of_any_growing_memory(
    steps: list[int], memory: int
) -> None:
    def taken(batch: int) -> int:
        return sum(steps[:batch]) + 10**8 * max(0, batch - len(steps))

    fitting = [batch for batch in range(1, len(steps) + 1) if taken(batch) <= memory]
    assert largest_batch(memory, taken) == (max(fitting) if fitting else 0)


def test_memory_that_limits_nothing_is_an_error() -> None:
    with pytest.raises(DesignError, match="memory does not limit it"):
        largest_batch(10**12, lambda batch: 5)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("16GB", 16 * 10**9), ("16 GiB", 16 * 2**30), ("80 gb", 80 * 10**9), ("1.5TB", 15 * 10**11),
        ("512MiB", 512 * 2**20), ("640kB", 640_000), ("1KiB", 1024), ("2TiB", 2**41), ("7 b", 7),
    ],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(text: str, count: int) -> None:
    assert memory_bytes(text) == count


@pytest.mark.parametrize("text", ["", "16", "GB", "16G", "-1GB", "0GB", "1e3GB", "16 XB", "1,5GB"])
def test_what_is_no_size_is_an_error(text: str) -> None:
    with pytest.raises(DesignError, match="memory: expected a size such as 16GB or 24 GiB, got"):
        memory_bytes(text)


TORCH: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": lambda p: torch.optim.SGD(p, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, momentum=0.9, nesterov=True),
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "amsgrad": lambda p: torch.optim.Adam(p, amsgrad=True),
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adamax": torch.optim.Adamax,
    "adafactor": torch.optim.Adafactor,
}


@pytest.mark.parametrize("name", TORCH)
def test_an_optimizer_keeps_what_pytorch_keeps(name: str) -> None:
    parameters = [nn.Parameter(torch.randn(shape)) for shape in ((7, 5, 3, 3), (7,), (4, 6))]
    optimizer = TORCH[name](parameters)
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    kept = [x for state in optimizer.state.values() for x in state.values()]
    tensors = [x for x in kept if isinstance(x, torch.Tensor) and x.ndim > 0]
    assert optimizer_state(name, parameters) == sum(x.nbytes for x in tensors)


def test_muon_keeps_what_pytorch_keeps_of_matrices() -> None:
    matrix = nn.Parameter(torch.randn(6, 4))
    optimizer = torch.optim.Muon([matrix])
    matrix.grad = torch.randn_like(matrix)
    optimizer.step()
    kept = [x for x in optimizer.state[matrix].values() if isinstance(x, torch.Tensor)]
    assert optimizer_state("muon", [matrix]) == sum(x.nbytes for x in kept)
    assert optimizer_state("muon", [nn.Parameter(torch.zeros(10))]) == 2 * 40


def test_lion_keeps_what_timm_keeps() -> None:
    parameter = nn.Parameter(torch.randn(6, 4))
    optimizer = Lion([parameter])
    parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    kept = [x for x in optimizer.state[parameter].values() if isinstance(x, torch.Tensor)]
    assert optimizer_state("lion", [parameter]) == sum(x.nbytes for x in kept)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_has_a_source(name: str) -> None:
    assert OPTIMIZERS[name].source


def test_state_is_in_the_precision_of_the_parameters() -> None:
    half, full = (torch.zeros(10, dtype=dtype) for dtype in (torch.bfloat16, torch.float32))
    assert 2 * optimizer_state("adam", [half]) == optimizer_state("adam", [full]) == 80


def test_an_unknown_optimizer_is_an_error_with_a_near_name() -> None:
    with pytest.raises(DesignError, match=r"state of 'adafacto'; did you mean adafactor"):
        optimizer_state("adafacto", [])
