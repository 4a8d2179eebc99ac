"""Layers whose order makes one of them idle, or harmful."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from hubel.analysis.advice.fact import Advice, Facts, counted
from hubel.analysis.costs import is_free
from hubel.analysis.recording.graph import Call, Operator, Value

__all__ = ["bias_before_norm", "dropout_before_norm", "idle_activation", "softmax_output"]

_BATCH_NORMS = {"native_batch_norm", "_native_batch_norm_legit_no_training"}
_WEIGHTED = {"convolution", "addmm", "mm"}


def bias_before_norm(facts: Facts) -> Iterator[Advice]:
    """Batch normalisation takes the mean away, and the bias with it."""
    found = [op for op in facts.live if _has_bias(facts, op) and _is_normalised(facts, op)]
    if not found:
        return
    count = sum(op.outputs[0].shape[1] for op in found)
    each = "its bias" if len(found) == 1 else f"the biases of {len(found)} layers"
    yield Advice(
        facts.name(found[0]),
        "bias_before_norm",
        f"batch normalisation takes away {each} in training: {counted(count, 'parameter')} "
        "without effect, for the shift of the normalisation does the same",
        "bias=False",
        tuple(facts.name(op) for op in found[1:]),
    )


def _has_bias(facts: Facts, op: Operator) -> bool:
    if op.name == "addmm":
        return facts.flow.parameter(op.inputs[0]) is not None
    bias = op.inputs[2:] if op.name == "convolution" else ()
    return any(facts.flow.parameter(value) is not None for value in bias)


def _is_normalised(facts: Facts, op: Operator) -> bool:
    reader = facts.flow.only_reader(op.outputs[0])
    return reader is not None and reader.name in _BATCH_NORMS


def dropout_before_norm(facts: Facts) -> Iterator[Advice]:
    """Dropout changes the variance in training only; the normalisation remembers that one."""
    for call in facts.graph.calls:
        rate = _dropout_rate(call)
        if rate is None or not call.outputs or not 0 < rate < 1:
            continue
        norm = _norm_after(facts, call.outputs[0])
        if norm is not None:
            yield Advice(
                call.path,
                "dropout_before_norm",
                f"dropout of {rate:g} makes the variance of zero-mean values {1 / (1 - rate):.3g} "
                f"times as large in training; {norm} keeps that one and divides by it in "
                "evaluation too (Li et al. 2019)",
                "put dropout after the last batch normalisation",
            )


def _dropout_rate(call: Call) -> float | None:
    match = re.search(r"^Dropout\dd?\(p=([0-9.]+)|^Dropout\(p=([0-9.]+)", call.description)
    return float(match.group(1) or match.group(2)) if match else None


def _norm_after(facts: Facts, value: Value) -> str | None:
    """The batch normalisation that reads a value, straight or through one layer of weights."""
    through_weights = False
    reader = facts.flow.only_reader(value)
    while reader is not None:
        if reader.name in _BATCH_NORMS:
            return facts.name(reader)
        if not is_free(reader) and (through_weights or reader.name not in _WEIGHTED):
            return None
        through_weights |= reader.name in _WEIGHTED
        reader = facts.flow.only_reader(reader.outputs[0])
    return None


def softmax_output(facts: Facts) -> Iterator[Advice]:
    """A cross-entropy loss takes the softmax itself; twice bounds the loss from below."""
    for value in facts.graph.outputs:
        op = facts.flow.producer(value)
        while op is not None and is_free(op) and op.inputs:
            op = facts.flow.producer(op.inputs[0])
        if op is None or op.name not in {"_softmax", "_safe_softmax"}:
            continue
        classes = op.inputs[0].shape[op.arguments[1]]
        if len(op.inputs[0].shape) != 2 or classes < 2:
            continue
        least = math.log1p((classes - 1) / math.e)
        yield Advice(
            facts.name(op),
            "softmax_output",
            "the network ends in a softmax, and a cross-entropy loss takes one itself: with both "
            f"the loss of {classes:,} classes can't fall below ln(1 + {classes - 1:,}/e) = "
            f"{least:.3f}",
            "leave the softmax out while training, and take it afterwards",
        )


def idle_activation(facts: Facts) -> Iterator[Advice]:
    """A relu of what is nowhere negative changes nothing."""
    positive: dict[int, str] = {}
    for op in facts.live:
        name = op.name.removesuffix("_")
        sources = [positive.get(value.id) for value in facts.flow.moving(op)]
        reason = sources[0] if sources and all(sources) else None
        if name == "relu" and reason is not None:
            yield Advice(
                facts.name(op),
                "idle_activation",
                f"relu changes nothing here: what it reads comes from {reason} and is nowhere "
                "negative",
                "leave it out",
            )
        if name in _POSITIVE or _is_clipped(op):
            positive[op.outputs[0].id] = facts.name(op)
        elif reason is not None and _keeps_sign(facts, op):
            positive |= {value.id: reason for value in op.outputs}


def _is_clipped(op: Operator) -> bool:
    """Whether a hardtanh, which is what relu6 runs as, cuts at 0 or above."""
    return op.name.startswith("hardtanh") and len(op.arguments) > 1 and op.arguments[1] >= 0


def _keeps_sign(facts: Facts, op: Operator) -> bool:
    """Whether what is made of values that are nowhere negative is nowhere negative either."""
    adds_constants = len(facts.flow.moving(op)) < len(op.inputs)
    subtracts = op.keywords.get("alpha", 1) < 0
    pads = op.name == "constant_pad_nd" and len(op.arguments) > 2 and op.arguments[2] < 0
    keeps = op.name.removesuffix("_") in _KEEPING or is_free(op)
    return keeps and not (adds_constants or subtracts or pads)


_POSITIVE = {"relu", "sigmoid", "hardsigmoid", "_softmax", "_safe_softmax", "exp", "square"}
_KEEPING = {"max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool2d", "avg_pool3d",
            "mean", "_adaptive_avg_pool2d", "add", "mul"}  # fmt: skip
