"""What a training step holds in memory, and the largest batch that fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hubel.analysis.budget.optimizer_state import optimizer_state
from hubel.analysis.recording.trace import Traceable, trace_step
from hubel.errors import DesignError

__all__ = [
    "StepMemory",
    "largest_batch",
    "largest_training_batch",
    "least_training_batch",
    "memory_bytes",
    "step_memory",
]

_UNITS = {
    prefix + ending: base**power
    for power, prefix in enumerate(("", "k", "m", "g", "t"))
    for ending, base in (("b", 1000), ("ib", 1024))
    if prefix or ending == "b"
}
_LARGEST = 1 << 24  # samples: beyond it the batch is no longer what limits


@dataclass(frozen=True, kw_only=True, slots=True)
class StepMemory:
    """Bytes that one training step holds, as tensors; each storage counts once.

    What a process needs besides is not in it: CUDA's own context (some hundred megabytes), the
    scratch space of kernels, and what an allocator rounds up and can't reuse.

    Attributes:
        weights: parameters and buffers.
        gradients: of the parameters that learn.
        optimizer_state: what the optimizer remembers from step to step.
        activations: kept for the backward pass.
        peak: most bytes alive at once, from the forward pass to the end of the update.
    """

    weights: int
    gradients: int
    optimizer_state: int
    activations: int
    peak: int

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return asdict(self)


def step_memory(
    network: Traceable, input: Sequence[int], batch: int, optimizer: str = "adamw"
) -> StepMemory:
    """What one training step of a batch holds.

    The update of PyTorch's default (`foreach`) implementation makes intermediates of the size of
    the parameters at a time when the activations are gone; it decides the peak of small batches.

    Args:
        network: without numbers.
        input: shape of one sample: channels, then sides.
        batch: samples at once.
        optimizer: a name of `OPTIMIZERS`.

    Raises:
        DesignError: the network can't be trained at that batch, or there is no such optimizer.

    Example:
        >>> from torch import nn
        >>> network = Traceable.of(nn.Linear(1000, 1000, bias=False))
        >>> found = step_memory(network, (1000,), batch=2, optimizer="adam")
        >>> found.weights, found.gradients, found.optimizer_state, found.activations
        (4000000, 4000000, 8000000, 8000)
    """
    parameters = [x for x in network.module.parameters() if x.requires_grad]
    state = optimizer_state(optimizer, parameters)
    step = trace_step(network, (batch, *input))
    weights, gradients = _weights(network), sum(x.nbytes for x in parameters)
    update = weights + 2 * gradients + state
    return StepMemory(
        weights=weights,
        gradients=gradients,
        optimizer_state=state,
        activations=step.saved_bytes,
        peak=max(step.peak + state, update),
    )


def _weights(network: Traceable) -> int:
    """Parameters and buffers."""
    return sum(x.nbytes for x in (*network.module.parameters(), *network.module.buffers()))


def largest_training_batch(
    network: Traceable, input: Sequence[int], memory: int, optimizer: str = "adamw"
) -> int:
    """The largest batch whose training step fits in so many bytes.

    Args:
        network: without numbers.
        input: shape of one sample: channels, then sides.
        memory: bytes that there are for tensors.
        optimizer: a name of `OPTIMIZERS`.

    Returns:
        0 where not even the smallest batch that can be trained fits.

    Raises:
        DesignError: the network can't be trained, or there is no such optimizer.

    Example:
        >>> from torch import nn
        >>> network = Traceable.of(nn.Linear(1000, 1000, bias=False))
        >>> largest_training_batch(network, (1000,), memory_bytes("64MB"))
        4000
    """

    def peak(batch: int) -> int:
        return step_memory(network, input, batch, optimizer).peak

    return largest_batch(memory, peak, least=least_training_batch(network, input))


def least_training_batch(network: Traceable, input: Sequence[int]) -> int:
    """The smallest batch that can be trained: 2 where one value can't be normalised, else 1.

    Raises:
        DesignError: the network can't be trained.
    """
    try:
        trace_step(network, (1, *input))
    except DesignError:  # batch normalisation of one value
        trace_step(network, (2, *input))
        return 2
    return 1


def largest_batch(memory: int, step_bytes: Callable[[int], int], least: int = 1) -> int:
    """The largest batch that fits, found from a few batches and verified at its neighbour.

    Bytes are a straight line in the batch, or the highest of several lines where different
    moments of the step are the fullest; so a line through two batches leads there in a few steps.

    Args:
        memory: bytes that there are.
        step_bytes: bytes that a batch takes; must grow with the batch.
        least: the smallest batch there is.

    Returns:
        0 where not even the smallest fits.

    Raises:
        DesignError: a batch of millions fits, so memory does not limit it.

    Example:
        >>> largest_batch(16_000, lambda batch: 1_000 + 150 * batch)
        100
    """
    known: dict[int, int] = {}

    def fits(batch: int) -> bool:
        if batch not in known:
            known[batch] = step_bytes(batch)
        return known[batch] <= memory

    if not fits(least):
        return 0
    below, above = least, least + 1
    while fits(above):
        below, above = above, _expected(known, memory, above)
        if below >= _LARGEST:
            raise DesignError(
                f"a batch of {below:,} takes {known[below]:,} of {memory:,} bytes; "
                "memory does not limit it"
            )
    while above - below > 1:
        middle = min(max(_between(known, memory, below, above), below + 1), above - 1)
        below, above = (middle, above) if fits(middle) else (below, middle)
    return below


def _expected(known: dict[int, int], memory: int, last: int) -> int:
    """Where the line through the last two batches meets the limit, and one beyond."""
    before = max(batch for batch in known if batch < last)
    slope = (known[last] - known[before]) / (last - before)
    if slope <= 0:
        return 2 * last
    return max(last + 1, min(last + int((memory - known[last]) / slope) + 1, 64 * last))


def _between(known: dict[int, int], memory: int, below: int, above: int) -> int:
    """Where the line from a batch that fits to one that doesn't meets the limit."""
    slope = (known[above] - known[below]) / (above - below)
    return below + int((memory - known[below]) / slope)


def memory_bytes(text: str) -> int:
    """Bytes of a size as people write it: powers of 1000 for GB, of 1024 for GiB.

    Raises:
        DesignError: it is no size.

    Example:
        >>> memory_bytes("16GB"), memory_bytes("1.5 GiB")
        (16000000000, 1610612736)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*", text)
    unit = found[2].lower() if found else ""
    if not found or unit not in _UNITS or float(found[1]) == 0:
        raise DesignError(f"memory: expected a size such as 16GB or 24 GiB, got {text!r}")
    return int(float(found[1]) * _UNITS[unit])
