"""Where a forward pass stopped: the layer, what it was given, and from whom."""

from __future__ import annotations

import linecache
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import nn

import hubel
from hubel.analysis.recording.graph import Operator, Value
from hubel.analysis.recording.recorder import Recorder
from hubel.analysis.units import shape_text

__all__ = ["Scene"]

_NOT_THE_USERS = tuple(
    str(Path(package.__file__ or "").parent) + os.sep for package in (torch, hubel)
)


@dataclass(frozen=True)
class Scene:
    """All that is known when a pass stopped.

    Attributes:
        error: that stopped it.
        module: the network, on the meta device.
        recorder: what ran before.
    """

    error: Exception
    module: nn.Module
    recorder: Recorder

    @property
    def path(self) -> str:
        """Of the innermost module that had begun; empty for the network itself."""
        stack = self.recorder.stack
        return self.recorder.calls[stack[-1]].path if stack else ""

    @property
    def part(self) -> Any:
        """The innermost module that had begun."""
        return self.module.get_submodule(self.path)

    @property
    def is_within(self) -> bool:
        """Whether the network itself had begun to call its modules."""
        return len(self.recorder.stack) > 1

    @property
    def received(self) -> tuple[Value, ...]:
        """What that module was given."""
        return self.recorder.received[-1] if self.recorder.received else ()

    @property
    def operator(self) -> tuple[str, tuple[Any, ...]]:
        """Name and arguments of the operator that stopped; an empty name where it was none."""
        if self.recorder.running is None:
            return "", ()
        func, arguments = self.recorder.running
        return str(func).rpartition(".")[0].removeprefix("aten."), arguments

    @property
    def is_elementwise(self) -> bool:
        """Whether the operator that stopped works on elements that stand at the same place."""
        running = self.recorder.running
        return running is not None and torch.Tag.pointwise in running[0].tags

    @property
    def description(self) -> str:
        """The module that stopped, as it describes itself; a module that holds others by name."""
        kind, part = type(self.part).__name__, self.part
        shown = "" if any(True for _ in part.children()) else part.extra_repr()
        shown = shown.partition(", eps=")[0]  # the same in nearly every network
        return f"{kind}({shown})" if shown else kind

    @property
    def name(self) -> str:
        """Path and description of the module that stopped."""
        return f"{self.path}: {self.description}" if self.path else self.description

    @cached_property
    def makers(self) -> dict[int, Operator]:
        """By value, the operator that made it."""
        return {value.id: op for op in self.recorder.operators for value in op.outputs}

    @cached_property
    def _held(self) -> dict[int, str]:
        named = (*self.module.named_parameters(), *self.module.named_buffers())
        return {self.recorder.value(tensor).id: name for name, tensor in named}

    def origin(self, value: Value) -> str:
        """Who gave a value: a module, an operator of a module, a parameter, or the input."""
        if value.id in self._held:
            return self._held[value.id]
        maker = self.makers.get(value.id)
        if maker is None:
            given = self.recorder.received[:1]
            return "the input" if given and value in given[0] else "a constant"
        path = self.recorder.calls[maker.call].path if maker.call >= 0 else ""
        calls = [c for c in self.recorder.calls if c.last and value in c.outputs]
        if calls:
            return calls[0].path or "the network"
        kind = maker.name.removeprefix("_").removesuffix("_")
        if maker.target.is_view and maker.inputs:
            return f"{kind} of {self.origin(maker.inputs[0])}"
        return f"{kind} in {path}" if path else kind

    def shown(self, value: Value) -> str:
        """A value by its shape and where it comes from: `1 x 32 x 26 x 26 from body.1`."""
        return f"{shape_text(value.shape)} from {self.origin(value)}"

    @property
    def place(self) -> str:
        """Line of the user's own code that was running, with its text; empty where there is none.

        It is the last that is neither PyTorch's nor ours.
        """
        found = ""
        step: TracebackType | None = self.error.__traceback__
        while step is not None:
            name = step.tb_frame.f_code.co_filename
            text = linecache.getline(name, step.tb_lineno).strip()
            if text and not name.startswith(_NOT_THE_USERS):
                found = f"{name}:{step.tb_lineno}: {text}"
            step = step.tb_next
        return found
