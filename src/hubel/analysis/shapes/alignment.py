"""Which value of one pass is which of another, where sizes decided what ran."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from hubel.analysis.recording.graph import Call, Graph, Operator, Value

__all__ = ["aligned_shapes"]

Key = tuple[str, int]


def aligned_shapes(base: Graph, other: Graph) -> dict[int, tuple[int, ...]]:
    """Shapes in the other pass, by the id of the value in the base.

    Calls of modules are matched by path and count, the operators within a call by their order,
    with those left over that ran in one pass only (padding that a size made needless).

    Args:
        base: one pass of a network.
        other: another pass of the same, at other sizes.
    """
    shapes: dict[int, tuple[int, ...]] = {}
    for mine, theirs in _matched(base, other):
        for a, b in _pairs(mine, theirs):
            shapes.setdefault(a.id, b.shape)
    ends: dict[int, tuple[int, ...]] = {}
    for a, b in _ends(base, other):
        # One value that two calls gave back may be two elsewhere: then it has no one shape.
        ends[a.id] = b.shape if ends.get(a.id, b.shape) == b.shape else ()
    return shapes | ends


def _pairs(mine: Operator, theirs: Operator) -> Iterator[tuple[Value, Value]]:
    for ours, others in ((mine.outputs, theirs.outputs), (mine.inputs, theirs.inputs)):
        if len(ours) == len(others):
            yield from zip(ours, others, strict=True)


def _ends(base: Graph, other: Graph) -> Iterator[tuple[Value, Value]]:
    yield from zip(base.inputs, other.inputs, strict=False)
    calls = _calls(other)
    for key, call in _calls(base).items():
        if key in calls:
            yield from zip(call.outputs, calls[key].outputs, strict=False)


def _calls(graph: Graph) -> dict[Key, Call]:
    counts: dict[str, int] = defaultdict(int)
    found: dict[Key, Call] = {}
    for call in graph.calls:
        found[call.path, counts[call.path]] = call
        counts[call.path] += 1
    return found


def _matched(base: Graph, other: Graph) -> Iterator[tuple[Operator, Operator]]:
    if _is_same(base, other):
        yield from zip(base.operators, other.operators, strict=True)
        return
    mine, theirs = _own(base), _own(other)
    for key, operators in mine.items():
        others = theirs.get(key, [])
        names = [[_name(op) for op in group] for group in (operators, others)]
        matcher = SequenceMatcher(None, *names, autojunk=False)
        for a, b, length in matcher.get_matching_blocks():
            yield from zip(operators[a : a + length], others[b : b + length], strict=True)


def _name(op: Operator) -> tuple[Any, int]:
    return op.target, len(op.outputs[0].shape) if op.outputs else 0


def _is_same(base: Graph, other: Graph) -> bool:
    if len(base.operators) != len(other.operators) or len(base.calls) != len(other.calls):
        return False
    pairs = zip(base.operators, other.operators, strict=True)
    return all(a.target is b.target and a.call == b.call for a, b in pairs)


def _own(graph: Graph) -> dict[Key, list[Operator]]:
    """The operators of each call that ran in no call within it."""
    keys = {call.index: key for key, call in _calls(graph).items()}
    own: dict[Key, list[Operator]] = defaultdict(list)
    for op in graph.operators:
        own[keys.get(op.call, ("", -1))].append(op)
    return own
