"""Where paths meet: the state after a residual's sum, and after branches are concatenated."""

from __future__ import annotations

from hubel.models.notation.shortcuts import residual_mend
from hubel.models.notation.states import Grid, Misfit, State, Tokens, Vector
from hubel.models.notation.tree import Word

__all__ = ["concatenated", "summed"]


def summed(word: Word, body: State, shortcut: State, before: State) -> State:
    """The state after a residual.

    Args:
        word: the residual.
        body: what its body gives.
        shortcut: what is added to it.
        before: what both are given; the shortcut where none is written.

    Raises:
        Misfit: the two differ.
    """
    if body == shortcut:
        return body
    if len(word.bodies) == 1:
        message = f"residual: the body changes the shape {before} -> {body}"
    else:
        message = f"residual: the body gives {body}, the shortcut {shortcut}"
    raise Misfit(message, residual_mend(word, before, body))


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
