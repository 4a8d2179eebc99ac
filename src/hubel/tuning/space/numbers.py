"""Numbers in a space: `1..3`, `16..64*2`, `16..64+16`, `log(0.01,1)`."""

from __future__ import annotations

import re

from hubel.models.notation.tree import Span
from hubel.tuning.space.errors import SpaceError
from hubel.tuning.space.tree import Range, Values

__all__ = ["read_numbers"]

_NUMBER = r"[-+]?(?:[0-9]+\.(?!\.)[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?"
_RANGE = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})(?:\s*([*+])\s*({_NUMBER}))?")
_LOG = re.compile(rf"log\(\s*({_NUMBER})\s*,\s*({_NUMBER})\s*\)")
_WHOLE = re.compile(r"[-+]?[0-9]+(?:[eE]\+?[0-9]+)?")
_MOST = 1_000


def read_numbers(text: str, span: Span, kind: str) -> Range | Values | None:
    """The numbers that a stretch of text stands for; None where it is of another form.

    Args:
        text: of the space.
        span: the stretch.
        kind: of the setting: a `float` has numbers between whole ends, others have not.

    Raises:
        SpaceError: the ends, the step or the factor are not possible.
    """
    log = _LOG.fullmatch(text, span.start, span.end)
    match = log or _RANGE.fullmatch(text, span.start, span.end)
    if match is None:
        return None
    low, high = float(match[1]), float(match[2])
    if low >= high:
        raise SpaceError(f"expected a low end below the high one, got {match[1]} and {match[2]}",
                         text, span)  # fmt: skip
    whole = not kind.startswith("float") and all(_WHOLE.fullmatch(match[n]) for n in (1, 2))
    if log is not None and low <= 0:
        raise SpaceError(f"a logarithmic scale begins above 0, got {match[1]}", text, span)
    if log is not None or match[3] is None:
        return Range(
            low, high, whole, log is not None, (Span(*match.span(1)), Span(*match.span(2)))
        )
    step = float(match[4])
    if (step <= 1 or low <= 0) if match[3] == "*" else step <= 0:
        wanted = "a factor above 1 from above 0" if match[3] == "*" else "a step above 0"
        raise SpaceError(f"expected {wanted}, got {match[4]}", text, span)
    values = _stepped(low, high, match[3] == "*", step)
    if len(values) > _MOST:
        way = f"write {match[1]}..{match[2]} or log(...), or take larger steps"
        raise SpaceError(f"that is more than {_MOST:,} values", text, span, way)
    return Values(values)


def _stepped(low: float, high: float, multiply: bool, step: float) -> tuple[int | float, ...]:
    found: list[int | float] = []
    while len(found) <= _MOST:
        number = len(found)
        value = low * step**number if multiply else low + number * step
        if value > high * (1 + 1e-9) + 1e-12:
            break
        rounded = float(f"{value:.12g}")
        found.append(int(rounded) if rounded.is_integer() else rounded)
    return tuple(found)
