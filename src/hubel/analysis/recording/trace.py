"""Run a network once without numbers, and keep the graph of what ran."""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from hubel.analysis.faults.failures import explain
from hubel.analysis.recording.fused import FusedCalls
from hubel.analysis.recording.graph import Graph, Operator
from hubel.analysis.recording.recorder import Recorder, watch_modules
from hubel.analysis.recording.twin import meta_twin
from hubel.errors import DesignError

# What autograd knows of a running backward pass has no public name.
autograd: Any = torch._C  # pyright: ignore[reportPrivateUsage]

__all__ = ["Step", "Traceable", "trace", "trace_step"]


@dataclass(frozen=True, slots=True)
class Traceable:
    """A module without numbers, ready to be run at any size.

    Attributes:
        module: on the meta device; nobody else's.
        notes: what the reader should know about the copy.
        dtype: of the inputs.
    """

    module: nn.Module
    notes: tuple[str, ...] = ()
    dtype: torch.dtype = torch.float32

    @classmethod
    def of(cls, module: nn.Module, dtype: torch.dtype | None = None) -> Traceable:
        """A copy of a module without its numbers; the module is left as it was.

        Args:
            module: to copy.
            dtype: of the inputs; None: that of the first parameter of floating-point numbers.

        Example:
            >>> Traceable.of(nn.Linear(3, 2).half()).notes
            ('the input is float16, as the parameters are',)
        """
        twin, notes = meta_twin(module)
        floating = (x.dtype for x in twin.parameters() if x.is_floating_point())
        taken = dtype or next(floating, torch.float32)
        if taken != torch.float32:
            reason = "as was asked" if dtype else "as the parameters are"
            notes.append(f"the input is {str(taken).removeprefix('torch.')}, {reason}")
        return cls(twin, tuple(notes), taken)

    def inputs(self, shapes: Sequence[Sequence[int]]) -> list[Tensor]:
        """Inputs without numbers."""
        return [torch.empty(tuple(shape), dtype=self.dtype, device="meta") for shape in shapes]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of training: forward with gradients, and backward.

    Attributes:
        graph: of the forward pass, in training mode.
        backward: the operators of the backward pass.
        owners: index of the forward operator that each backward operator belongs to; -1: none.
        saved: bytes kept for backward by storage, without parameters and buffers.
        peak: most bytes alive at once, with parameters, buffers and gradients.
        activation_peak: the same without parameters and buffers; gradients are in it.
    """

    graph: Graph
    backward: tuple[Operator, ...]
    owners: tuple[int, ...]
    saved: dict[int, int]
    peak: int
    activation_peak: int

    @property
    def saved_bytes(self) -> int:
        """Bytes kept for backward, each storage once."""
        return sum(self.saved.values())


def trace(network: Traceable, *shapes: Sequence[int], most: int | None = None) -> tuple[Graph, int]:
    """The graph of one pass in evaluation mode without gradients.

    Args:
        network: to run.
        shapes: of each input, the batch first.
        most: operators; `Stopped` is raised where there are more.

    Returns:
        The graph, and the most bytes of activations that were alive at once (the input among
        them; parameters and buffers not).

    Raises:
        DesignError: names the layer that failed, with the arithmetic and what would mend it.

    Example:
        >>> graph, peak = trace(Traceable.of(nn.Conv2d(3, 8, 3)), (1, 3, 32, 32))
        >>> [op.name for op in graph.operators], graph.outputs[0].shape
        (['convolution'], (1, 8, 30, 30))
    """
    network.module.eval()
    recorder = Recorder(most)
    with _undisturbed(), torch.no_grad(), watch_modules(network.module, recorder):
        inputs = network.inputs(shapes)
        constants = _known(network.module, recorder)
        before = recorder.ledger.live
        given = tuple(recorder.value(x) for x in inputs)
        outputs = _run(network.module, recorder, inputs)
        graph = _graph(network, recorder, (given, recorder.values(outputs)), constants)
    return graph, recorder.ledger.peak - before


def trace_step(network: Traceable, *shapes: Sequence[int], backward: bool = True) -> Step:
    """The graph of one training step, with what it keeps.

    Args:
        network: to run, in training mode.
        shapes: of each input, the batch first; at least 2 in a batch for batch normalisation.
        backward: whether to run the backward pass; without it there are no operators of it, and
            the peak is that of the forward pass.

    Raises:
        DesignError: names the layer that failed.
    """
    module = network.module.train()
    recorder = Recorder()
    with _undisturbed(), torch.enable_grad(), watch_modules(module, recorder):
        inputs = network.inputs(shapes)
        constants = _known(module, recorder)
        before = recorder.ledger.live
        given = tuple(recorder.value(x) for x in inputs)
        saved: dict[int, int] = {}
        fixed = {recorder.ledger.number(x) for x in pytree.tree_leaves(_state(module))}
        with _saving(recorder, saved, fixed):
            outputs = _run(module, recorder, inputs)
        graph = _graph(network, recorder, (given, recorder.values(outputs)), constants)
        count = len(recorder.operators)
        owners = _backward(recorder, outputs, graph) if backward else ()
    peak = recorder.ledger.peak
    for parameter in module.parameters():
        parameter.grad = None
    return Step(
        graph, tuple(recorder.operators[count:]), owners, saved, peak, peak - before
    )  # fmt: skip


def _state(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]


def _known(module: nn.Module, recorder: Recorder) -> tuple[dict[int, str], dict[int, str]]:
    parameters = {recorder.value(x).id: name for name, x in module.named_parameters()}
    buffers = {recorder.value(x).id: name for name, x in module.named_buffers()}
    return parameters, buffers


def _run(module: nn.Module, recorder: Recorder, inputs: list[Tensor]) -> Any:
    try:
        with FusedCalls(), recorder:
            outputs = module(*inputs)
    except Exception as error:
        raise explain(error, module, recorder) from error
    if not any(isinstance(x, Tensor) for x in pytree.tree_leaves(outputs)):
        raise DesignError(
            f"{type(module).__name__}: its forward gives no tensor ({type(outputs).__name__}): "
            "expected a tensor, or a tuple, list or dict of them; return what it computes"
        )
    return outputs


def _graph(network: Traceable, recorder: Recorder, ends: Any, constants: tuple[Any, Any]) -> Graph:
    for call in recorder.calls:
        part = network.module.get_submodule(call.path)
        call.description = f"{call.kind}({part.extra_repr()})" if call.path else call.kind
    return Graph(
        inputs=ends[0],
        outputs=ends[1],
        operators=tuple(recorder.operators),
        calls=tuple(recorder.calls),
        parameters=constants[0],
        buffers=constants[1],
        notes=network.notes,
    )


@contextmanager
def _saving(recorder: Recorder, saved: dict[int, int], fixed: set[int]) -> Generator[None]:
    def pack(tensor: Tensor) -> Tensor:
        number = recorder.ledger.number(tensor)
        if number not in fixed and number not in saved:
            saved[number] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield


def _backward(recorder: Recorder, outputs: Any, graph: Graph) -> tuple[int, ...]:
    """Run backward from every output that has a gradient; say which operator each belongs to."""
    roots = [x for x in pytree.tree_leaves(outputs) if isinstance(x, Tensor) and x.requires_grad]
    start = len(recorder.operators)
    # What has no node of its own, as a counter of batches, has the number of the one before it.
    made_by = reversed(graph.operators)
    by_sequence = {op.sequence: op.index for op in made_by if op.sequence >= 0}
    nodes: list[int] = []
    with recorder, _Sequences(nodes):
        gradients = [torch.empty(x.shape, dtype=x.dtype, device="meta") for x in roots]
        torch.autograd.backward(roots, gradients)
    made = len(recorder.operators) - start
    assert len(nodes) == made, "each backward operator has one owner"
    return tuple(by_sequence.get(number, -1) for number in nodes)


class _Sequences(TorchDispatchMode):
    """Notes the sequence number of the autograd node that each operator runs for."""

    def __init__(self, nodes: list[int]) -> None:
        super().__init__()
        self.nodes = nodes

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        node: Any = autograd._current_autograd_node()
        self.nodes.append(-1 if node is None else node._sequence_nr())
        return func(*args, **(kwargs or {}))


@contextmanager
def _undisturbed() -> Generator[None]:
    """Random states stay what they were; inference mode, which hides operators, is off."""
    import numpy as np

    python, array = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]), torch.inference_mode(False):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(array)
