"""What went wrong in a network, in which layer, and what would mend it."""

from __future__ import annotations

from typing import Any

from torch import nn

from hubel.analysis.recorder import Recorder
from hubel.errors import DesignError

__all__ = ["explain"]


def explain(error: Exception, module: nn.Module, recorder: Recorder) -> DesignError:
    """The error of a forward pass with the layer that it stopped at, and the way out."""
    path = recorder.calls[recorder.stack[-1]].path if recorder.stack else ""
    part: Any = module.get_submodule(path)
    where = f"{path}: " if path else ""
    return DesignError(f"{where}{type(part).__name__} failed ({type(error).__name__}: {error})")
