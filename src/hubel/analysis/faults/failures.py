"""What went wrong in a network, in which layer, and what would mend it."""

from __future__ import annotations

import inspect

from torch import nn

from hubel.analysis.faults.layer_faults import layer_fault
from hubel.analysis.faults.operator_faults import operator_fault, values_fault
from hubel.analysis.faults.scene import Scene
from hubel.analysis.recording.recorder import Recorder
from hubel.errors import DesignError

__all__ = ["explain"]


def explain(error: Exception, module: nn.Module, recorder: Recorder) -> DesignError:
    """The error of a forward pass as one that says where, what was expected, and the way out.

    Args:
        error: that the pass raised.
        module: the network, on the meta device.
        recorder: that watched it.

    Example:
        >>> from hubel.analysis.recording.trace import Traceable, trace
        >>> body = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(33, 64, 3))
        >>> network = Traceable.of(nn.ModuleDict({"body": body})["body"])
        >>> trace(network, (1, 3, 9, 9))
        Traceback (most recent call last):
        hubel.errors.DesignError: 2: Conv2d(33, 64, kernel_size=(3, 3), stride=(1, 1)): expected 33
        channels, got 32 (its input is 1x32x7x7 from 1); use Conv2d(32, 64, ...) here, or have 1
        give 33
    """
    scene = Scene(error, module, recorder)
    said = (
        values_fault(scene)
        or _inputs_fault(scene)
        or layer_fault(scene)
        or operator_fault(scene)
        or _in_its_own_words(scene)
    )
    place = f"\n  at {scene.place}" if scene.place else ""
    return DesignError(f"{scene.name}: {said}{place}")


def _inputs_fault(scene: Scene) -> str | None:
    """A network that takes another number of inputs than it was given."""
    is_call = isinstance(scene.error, TypeError) and "forward()" in str(scene.error)
    if not is_call or scene.is_within:
        return None
    parameters = inspect.signature(scene.part.forward).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind < p.VAR_POSITIONAL]
    count = len(scene.received)
    return (
        f"the network takes {len(needed)} input{'s' * (len(needed) != 1)} ({', '.join(needed)}), "
        f"and got {count}; give the shape of each"
    )


def _in_its_own_words(scene: Scene) -> str:
    """PyTorch's or the network's own message, with the shapes that it is about."""
    name, arguments = scene.operator
    values = [x for x in arguments if hasattr(x, "shape")] or list(scene.received)
    shapes = "; ".join(scene.shown(value) for value in values)
    where = f"{name} failed" if name else "it failed"
    given = f" (given {shapes})" if shapes else ""
    return f"{where} with {type(scene.error).__name__}: {scene.error}{given}"
