"""Shapes from formulas are those of real passes, at five sizes that no formula was made from."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from hubel.analysis.recording.graph import Graph, Value
from hubel.analysis.recording.trace import Traceable, trace
from hubel.analysis.shapes.formulas import Formulas, shape_formulas
from hubel.analysis.shapes.probes import Granularity, Probes
from tests.truth.test_zoo import built, of_timm, of_torchvision, sample_of

SIZES = 5
ATTEMPTS = 60

# What is unknown, and why; every other axis of every module's output has a formula.
UNKNOWN = {
    "timm:efficientvit_m": "a map no larger than the window of its attention is not cut in "
    "windows, so that at other sizes other operators run",
    "timm:vgg": "below 224 a pooling that is not there from 224 on widens the last map",
}

QUICK = [
    "torchvision:alexnet", "torchvision:resnet18", "torchvision:mobilenet_v2",
    "torchvision:googlenet", "torchvision:vit_b_32", "timm:tf_efficientnet_lite0",
    "timm:test_vit", "timm:poolformer_s12", "timm:edgenext_xx_small", "timm:halonet26t",
]  # fmt: skip
MORE = ["timm:efficientvit_m0", "timm:mobilevit_xxs", "timm:pvt_v2_b0", "timm:ghostnet_100"]

Key = tuple[str, int, int]


def real_shapes(module: nn.Module, shape: tuple[int, ...]) -> dict[Key, tuple[int, ...]]:
    """Shape of every output of every call of a module, by its path and count, told by hooks."""
    found: dict[Key, tuple[int, ...]] = {}
    counts: Counter[str] = Counter()

    def hook(path: str) -> object:
        def note(_module: nn.Module, _inputs: object, outputs: object) -> None:
            tensors = [x for x in pytree.tree_leaves(outputs) if isinstance(x, Tensor)]
            for place, tensor in enumerate(tensors):
                found[path, counts[path], place] = tuple(tensor.shape)
            counts[path] += 1

        return note

    handles = [part.register_forward_hook(hook(path)) for path, part in module.named_modules()]
    try:
        with torch.no_grad():
            module(torch.empty(shape, device="meta"))
    finally:
        for handle in handles:
            handle.remove()
    return found


def outputs_of(graph: Graph) -> Iterator[tuple[Key, Value]]:
    counts: Counter[str] = Counter()
    for call in graph.calls:
        for place, value in enumerate(call.outputs):
            yield (call.path, counts[call.path], place), value
        counts[call.path] += 1


def candidates(
    known: Granularity, sample: tuple[int, ...], draw: random.Random
) -> Iterator[tuple[int, int, int]]:
    """Batches and sides that the network should take, smaller and larger ones."""
    step = known.step or 0
    for _ in range(ATTEMPTS):
        down, up = known.reach or (2 * min(sample[1:]) // (3 * step) if step else 0, 260)
        most = max(1, min(up, 260 // step)) if step else 0
        moves = [draw.randint(-down, most) * step for _ in sample[1:]]
        if known.is_square:
            moves = moves[:1] * 2
        yield draw.randint(1, 9), sample[1] + moves[0], sample[2] + moves[1]


def new_sizes(
    module: nn.Module, probes: Probes, formulas: Formulas, sample: tuple[int, ...]
) -> Iterator[tuple[tuple[int, int, int], dict[Key, tuple[int, ...]]]]:
    made_from = {tuple(sizes.values()) for sizes in formulas.probes}
    draw = random.Random(0)
    found = 0
    for sizes in candidates(probes.granularity, sample, draw):
        if sizes in made_from:
            continue
        made_from.add(sizes)
        try:
            shapes = real_shapes(module, (sizes[0], sample[0], *sizes[1:]))
        except (RuntimeError, AssertionError, ValueError):
            continue  # a size that the network refuses
        yield sizes, shapes
        found += 1
        if found == SIZES:
            return


def check(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the zoos' own
        sample = sample_of(name)
        module = built(name, sample)
        network = Traceable.of(module)
        graph, _ = trace(network, (1, *sample))
        probes = Probes(network, graph)
        formulas = shape_formulas(network, graph, probes)
        checked = list(new_sizes(module, probes, formulas, sample))
    assert len(checked) == SIZES
    for (batch, height, width), shapes in checked:
        for key, value in outputs_of(graph):
            told = formulas.evaluate(value, N=batch, H=height, W=width)
            real = shapes.get(key)
            if any(name.startswith(known) for known in UNKNOWN):
                told = tuple(a if b is None else b for a, b in zip(real or (), told, strict=False))
            assert real is None or told == real, (key, formulas.text(value))


@pytest.mark.parametrize("name", QUICK)
def test_formulas_give_the_shapes_of_real_passes(name: str) -> None:
    check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", of_torchvision())
def test_formulas_give_the_shapes_of_all_of_torchvision(name: str) -> None:
    check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*of_timm(), *MORE])
def test_formulas_give_the_shapes_of_two_hundred_of_timm(name: str) -> None:
    check(name)
