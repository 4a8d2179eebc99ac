"""Where paths meet: the state after a residual's sum, and after branches are concatenated."""

from __future__ import annotations

from hubel.models.notation.printer import sides_text
from hubel.models.notation.states import Grid, Misfit, State, Tokens, Vector

__all__ = ["concatenated", "summed"]


def summed(body: State, shortcut: State, before: State) -> State:
    """The state after a residual.

    Args:
        body: what the body gives.
        shortcut: what is added to it.
        before: what both are given; the shortcut where none is written.

    Raises:
        Misfit: the two differ.
    """
    if body == shortcut:
        return body
    if shortcut == before:
        message = f"residual: the body changes the shape {before} -> {body}"
        raise Misfit(message, f"add a shortcut {_shortcut(before, body)}")
    message = f"residual: the body gives {body}, the shortcut {shortcut}"
    raise Misfit(message, "make them equal: the two are added")


def _shortcut(before: State, after: State) -> str:
    """What turns one state into the other, where a single word can."""
    if isinstance(before, Grid) and isinstance(after, Grid):
        strides = tuple(
            next((s for s in range(1, old + 1) if (old - 1) // s + 1 == new), 0)
            for old, new in zip(before.sides, after.sides, strict=True)
        )
        if 0 not in strides:
            stride = strides[:1] if len(set(strides)) == 1 else strides
            step = "" if set(strides) == {1} else f"/{sides_text(stride)}"
            return f"`| conv1x1{step}({after.channels})`"
    if isinstance(after, Vector) and isinstance(before, Vector):
        return f"`| fc({after.features})`"
    if isinstance(after, Tokens) and isinstance(before, Tokens) and after.length == before.length:
        return f"`| fc({after.channels})`"
    return f"that gives {after}"


def concatenated(states: list[State]) -> State:
    """The state after branches, joined along the channels.

    Raises:
        Misfit: the branches differ in more than their channels.
    """
    first, channels = states[0], sum(state.channels for state in states)
    for number, state in enumerate(states[1:], start=2):
        if _without_channels(state) != _without_channels(first):
            message = f"branches: branch 1 gives {first}, branch {number} gives {state}"
            raise Misfit(message, "they may differ in their channels alone")
    if isinstance(first, Grid):
        return Grid(channels, first.sides)
    if isinstance(first, Tokens):
        sides = {state.sides for state in states if isinstance(state, Tokens)}
        return Tokens(first.length, channels, first.sides if len(sides) == 1 else None)
    return Vector(channels)


def _without_channels(state: State) -> tuple[object, ...]:
    if isinstance(state, Grid):
        return ("grid", state.sides)
    return ("tokens", state.length) if isinstance(state, Tokens) else ("vector",)
