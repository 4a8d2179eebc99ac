"""Run a network and time each of its layers."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from hubel.analysis.budget.timing import Clock, Spread, synchronize, timed
from hubel.analysis.layers import rows_of
from hubel.analysis.recording.graph import Graph
from hubel.analysis.recording.recorder import Recorder, watch_modules
from hubel.analysis.recording.twin import meta_twin, tensors_of
from hubel.errors import DesignError

__all__ = ["Measurement", "measure_layers"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """What a network took when it ran.

    Attributes:
        batch: samples at once.
        device: that it ran on.
        layers: seconds within the operators of each layer, by its name, in the order of running.
        whole: seconds of whole passes, as a user has them.
    """

    batch: int
    device: str
    layers: Mapping[str, Spread]
    whole: Spread

    @property
    def operators(self) -> float:
        """Seconds within operators: the sum of the layers' medians."""
        return sum(one.median for one in self.layers.values())

    def to_json(self) -> dict[str, Any]:
        """The measurement as JSON types."""
        return {
            "batch": self.batch,
            "device": self.device,
            "whole": self.whole.to_json(),
            "layers": {name: one.to_json() for name, one in self.layers.items()},
        }


def measure_layers(
    module: nn.Module,
    input: Sequence[int],
    batch: int = 1,
    repeats: int = 10,
    device: str = "cpu",
    clock: Clock = time.perf_counter,
) -> Measurement:
    """Run a copy of a network in evaluation mode and time every operator.

    Args:
        module: left as it is; where it has no numbers, its copy gets random ones.
        input: shape of one sample: channels, then sides.
        batch: samples at once.
        repeats: passes that are timed, after two that are not.
        device: to run on.
        clock: gives seconds.

    Raises:
        DesignError: it fails at that input.

    Example:
        >>> found = measure_layers(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (3, 8, 8))
        >>> list(found.layers), found.whole.count
        (['0', '1'], 10)
    """
    place = torch.device(device)
    running = _ready(module, place)
    x = torch.randn(batch, *input, generator=torch.Generator().manual_seed(0)).to(place)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        graph = _recorded(running, x)
        running(x)
        whole, passes = [], []
        for _ in range(repeats):
            whole.append(timed(lambda: running(x), place, clock))
            stopwatch = _Stopwatch(place, clock)
            with stopwatch:
                running(x)
            passes.append(stopwatch.seconds)
        waste = _waste(place, clock)
    layers = _by_layer(graph, passes, waste)
    return Measurement(batch=batch, device=device, layers=layers, whole=Spread.of(whole))


class _Stopwatch(TorchDispatchMode):
    """Times every operator that runs while it is entered."""

    def __init__(self, device: torch.device, clock: Clock) -> None:
        super().__init__()
        self.device = device
        self.clock = clock
        self.seconds: list[float] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        synchronize(self.device)
        start = self.clock()
        result = func(*args, **kwargs)
        synchronize(self.device)
        self.seconds.append(self.clock() - start)
        return result


def _waste(device: torch.device, clock: Clock) -> float:
    """Seconds that the stopwatch adds to each operator."""
    x = torch.zeros(1, device=device)
    view = torch.ops.aten.view.default
    stopwatch = _Stopwatch(device, clock)
    with stopwatch:
        for _ in range(100):
            view(x, [1])
    plain = [timed(lambda: view(x, [1]), device, clock) for _ in range(100)]
    return max(0.0, statistics.median(stopwatch.seconds) - statistics.median(plain))


def _by_layer(graph: Graph, passes: list[list[float]], waste: float) -> dict[str, Spread]:
    layers: dict[str, Spread] = {}
    for row in rows_of(graph):
        indices = [op.index for op in row.operators]
        if not indices:
            continue
        sums = [sum(max(0.0, one[i] - waste) for i in indices) for one in passes]
        layers[row.name] = Spread.of(sums)
    return layers


def _recorded(module: nn.Module, x: Tensor) -> Graph:
    """The graph of what really runs on this device, kernels chosen by PyTorch."""
    recorder = Recorder()
    parameters = {recorder.value(p).id: name for name, p in module.named_parameters()}
    buffers = {recorder.value(b).id: name for name, b in module.named_buffers()}
    given = recorder.value(x)
    try:
        with watch_modules(module, recorder), recorder:
            out = module(x)
    except Exception as error:
        raise DesignError(
            f"{type(module).__name__} fails at {tuple(x.shape)} on {x.device} "
            f"({type(error).__name__}: {error}); without measuring it may still be analysed"
        ) from error
    outputs = recorder.values(out)
    return Graph(
        (given,), outputs, tuple(recorder.operators), tuple(recorder.calls), parameters, buffers
    )


def _ready(module: nn.Module, device: torch.device) -> nn.Module:
    """A copy on the device, in evaluation mode, without the user's hooks."""
    twin, _ = meta_twin(module)
    pairs = zip(tensors_of(twin), tensors_of(module), strict=True)
    memo: dict[int, Any] = {id(hollow): _real(name, x, device) for (_, hollow), (name, x) in pairs}
    return copy.deepcopy(twin, memo).eval()


def _real(name: str, tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor's own numbers, or where it has none such that keep activations at their size."""
    if tensor.device.type != "meta":
        real = tensor.detach().to(device, copy=True)
    else:
        real = _drawn(name, torch.zeros_like(tensor, device=device, requires_grad=False))
    is_parameter = isinstance(tensor, nn.Parameter)
    return nn.Parameter(real, requires_grad=tensor.requires_grad) if is_parameter else real


def _drawn(name: str, zeros: Tensor) -> Tensor:
    """Numbers that are neither so small nor so large that a processor is slower at them."""
    if not zeros.is_floating_point():
        return zeros
    if zeros.ndim < 2:
        return zeros if name.endswith(("bias", "mean")) else zeros + 1
    fan_in = max(1, zeros.numel() // max(1, zeros.shape[0]))
    generator = torch.Generator(zeros.device).manual_seed(0)
    return zeros.normal_(0, fan_in**-0.5, generator=generator)
