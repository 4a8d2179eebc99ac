"""Finding the rule of an operator."""

from __future__ import annotations

import torch

from hubel.analysis.fields.joins import collapsed
from hubel.analysis.fields.reach import Reach
from hubel.analysis.fields.rules.mixing import MIXING
from hubel.analysis.fields.rules.picking import PICKING
from hubel.analysis.fields.rules.rule import Reaches, Rule, join
from hubel.analysis.fields.rules.views import VIEWS
from hubel.analysis.fields.rules.windows import WINDOWS
from hubel.analysis.recording.graph import Operator, Value

__all__ = ["results", "rule_of"]

_RULES: dict[str, Rule] = {**VIEWS, **WINDOWS, **MIXING, **PICKING}

# Elementwise operators that PyTorch has not tagged as such.
_ELEMENTWISE = {
    "_prelu_kernel", "_to_copy", "alias", "detach", "dropout", "hardswish",
    "lift_fresh", "mish", "nan_to_num", "native_dropout", "prelu", "rrelu_with_noise", "tril",
    "triu",
}  # fmt: skip

_ANEW = {"bernoulli", "exponential", "fill", "normal", "random", "uniform", "zero"}


def rule_of(op: Operator) -> Rule | None:
    """The rule of an operator, in place or not; none if nobody knows what it does."""
    name = op.name if op.name.endswith("__") else op.name.removesuffix("_")
    if name in _RULES:
        return _RULES[name]
    if name in _ELEMENTWISE or torch.Tag.pointwise in op.target.tags:
        return _elementwise
    if name in ("as_strided", "resize") and op.inputs[0].shape == op.outputs[0].shape:
        return _elementwise
    return None


def _elementwise(op: Operator, reaches: Reaches) -> Reach:
    return join(op, [reaches[x.id] for x in op.inputs if x.id in reaches])


def results(op: Operator, reaches: Reaches) -> list[Reach | None]:
    """What the outputs of an operator see, one an output; none where it is nothing.

    An operator without a rule may see all that its inputs see, and the reach says so.
    """
    known = [reaches[x.id] for x in op.inputs if x.id in reaches]
    if not known or _makes_anew(op):
        return [None] * len(op.outputs)
    rule = rule_of(op)
    if rule is None:
        note = f"no rule for {op.target}"
        return [collapsed(known, output.shape, note) for output in op.outputs]
    result = rule(op, reaches)
    if isinstance(result, list):
        return result
    return [result, *(_like(result, output) for output in op.outputs[1:])]


def _like(reach: Reach, value: Value) -> Reach:
    """What a further output sees: the same, where it has the same shape."""
    return reach if reach.shape == value.shape else collapsed([reach], value.shape)


def _makes_anew(op: Operator) -> bool:
    """Whether what it gives does not depend on the numbers that it takes."""
    name = op.name.removesuffix("_")
    return name in _ANEW or name.startswith("new_") or name.endswith("_like")
