"""What a line may say and probably doesn't mean: starts that never learn, windows off centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hubel.models.notation.printer import sides_text
from hubel.models.notation.states import Grid, State, Tokens
from hubel.models.notation.tree import Span, Word
from hubel.models.notation.windows import title, window_of
from hubel.models.notation.words import settings_of

__all__ = ["Advice", "start_advice", "word_advice"]

_DRAWN = ("conv", "dwconv", "tconv", "fc", "patch", "attention")
_FLAT_AT_ZERO = ("relu", "relu6")  # PyTorch's derivative at 0 is 0
_LIFTED = ("sigmoid", "hardsigmoid", "softplus", "softmax")  # not 0 at 0


@dataclass(frozen=True, slots=True)
class Advice:
    """A warning about a part of the line.

    Attributes:
        span: the part.
        message: what is so, and what would change it.
    """

    span: Span
    message: str


def word_advice(word: Word, state: State) -> list[Advice]:
    """What one word's own numbers say."""
    if word.name in ("conv", "dwconv") and isinstance(state, Grid):
        window = window_of(word, len(state.sides))
        if not window.even_border:
            message = (
                f"{title(word)} pads {sides_text(window.before)} before and "
                f"{sides_text(window.after)} after: what it finds moves by half a pixel; "
                "an odd kernel has a centre"
            )
            return [Advice(word.span, message)]
    if word.name == "first" and isinstance(state, Tokens) and state.sides is not None:
        message = "first takes the first patch alone: there is no classtoken before; or use gap"
        return [Advice(word.span, message)]
    return []


def start_advice(words: Sequence[Word], init: str) -> list[Advice]:
    """Layers that start at zero and stay there, among the words of one container.

    A layer of zeros gives zeros. Where a relu follows, its slope there is 0, so that no gradient
    comes back. Where the next layer is zeros too, it sends none back either, or the same to all.
    In both cases the filters stay identical. A single layer of zeros before others (the last of a
    residual's body, or the class scores) does learn.

    Args:
        words: of the container, in order.
        init: how weights are drawn where a word doesn't say.
    """
    advice: list[Advice] = []
    for place, word in enumerate(words):
        if not _starts_at_zero(word, init):
            continue
        because = _held_by(words[place + 1 :], init) or _itself(word)
        if because:
            message = f"{word.name} starts at zero and {because}: its filters stay identical"
            advice.append(Advice(word.span, f"{message}; draw them, such as init=kaiming"))
    return advice


def _starts_at_zero(word: Word, init: str) -> bool:
    return word.name in _DRAWN and (settings_of(word).init or init) == "zeros"


def _held_by(following: Sequence[Word], init: str) -> str:
    """What keeps a layer of zeros from learning, among the words after it; empty for nothing."""
    lifted = False
    for word in following:
        if word.name in _FLAT_AT_ZERO and not lifted:
            return f"{word.name} passes no gradient at 0"
        if word.name in _DRAWN:
            return f"so does the next {word.name}" if _starts_at_zero(word, init) else ""
        if word.bodies or word.name in ("positions", "classtoken"):
            return ""
        lifted = lifted or word.name in _LIFTED
    return ""


def _itself(word: Word) -> str:
    return "its two products hold each other there" if word.name == "attention" else ""
