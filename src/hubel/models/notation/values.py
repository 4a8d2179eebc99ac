"""Arguments of a word, read by its options: kinds, limits, names, and what is wrong with them."""

from __future__ import annotations

import re

from hubel.models.notation.errors import NotationError, did_you_mean
from hubel.models.notation.options import Definition, Kind, Option
from hubel.models.notation.printer import number_text
from hubel.models.notation.tokens import NAME, Token
from hubel.models.notation.tree import Argument, Span, Value

__all__ = ["MOST", "Given", "read_arguments", "read_sides", "read_whole"]

MOST = 1_000_000  # no size of a network is beyond it
_SIDES = re.compile(r"[0-9]+(?:x[0-9]+)*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class Given:
    """One argument as it stands in the line: `groups=4`, `64` or `valid`.

    Args:
        key: the token before the equals sign, or None.
        value: the token of the value.
    """

    def __init__(self, key: Token | None, value: Token) -> None:
        self.key = key
        self.value = value

    @property
    def span(self) -> Span:
        """From the key, where there is one, to the value's end."""
        return Span((self.key or self.value).span.start, self.value.span.end)


def read_arguments(
    definition: Definition, given: list[Given], line: str, span: Span
) -> tuple[Argument, ...]:
    """The word's arguments by the table, in its order.

    Args:
        definition: of the word.
        given: as they stand in the line.
        line: for errors.
        span: of the word, where something is missing.

    Raises:
        NotationError: a name, a value or a number of arguments that the word doesn't take.
    """
    found: dict[str, Argument] = {}
    places = iter(definition.positional)
    for one in given:
        if _is_stride(definition, one):
            raise _stride_by_name(definition, one, given, line, span)
        option = _option(definition, one, line)
        if option is None and (option := next(places, None)) is None:
            raise _too_many(definition, one, line)
        if option.name in found:
            raise NotationError(f"{option.name} is given twice", line, one.span, "keep one")
        found[option.name] = Argument(option.name, _value(option, one.value, line), one.span)
    _check_complete(definition, found, line, span)
    return tuple(found[option.name] for option in definition.options if option.name in found)


def read_sides(text: str, line: str, span: Span, low: float = 1) -> tuple[int, ...]:
    """`3` as (3,), `3x5` as (3, 5).

    Raises:
        NotationError: the text is no such number, or one of them is too small or too large.
    """
    if not _SIDES.fullmatch(text):
        raise NotationError(f"'{text}' is not a number of sides such as 3 or 3x5", line, span)
    sides = tuple(read_whole(part, line, span) for part in text.split("x"))
    if len(sides) > 3:
        raise NotationError(f"{text} has {len(sides)} sides", line, span, "there are 1 to 3 axes")
    if min(sides) < low:
        raise NotationError(f"{text} must be at least {low:g} on each axis", line, span)
    return sides


def read_whole(text: str, line: str, span: Span, most: int = MOST) -> int:
    """A number of digits.

    Raises:
        NotationError: it is larger than `most`.
    """
    digits = text.lstrip("0") or "0"
    if len(digits) > len(str(most)) or int(digits) > most:
        raise NotationError(f"{text[:20]} is too large", line, span, f"at most {most:,}")
    return int(digits)


def _option(definition: Definition, given: Given, line: str) -> Option | None:
    """The option that the argument names, by key or by a flag; None where it stands by place."""
    options = {option.name: option for option in definition.options}
    if given.key is not None:
        if given.key.text not in options:
            raise _unknown(definition, given.key, line)
        return options[given.key.text]
    if given.value.kind != NAME:
        return None
    for option in options.values():
        if option.kind is Kind.PAD and given.value.text in option.choices:
            return option
    raise _unknown(definition, given.value, line)


def _is_stride(definition: Definition, given: Given) -> bool:
    return definition.stride and given.key is not None and given.key.text in ("stride", "strides")


def _stride_by_name(
    definition: Definition, one: Given, given: list[Given], line: str, span: Span
) -> NotationError:
    """A stride among the arguments: the same word with it in its place."""
    mend = "a stride stands after a slash"
    if _SIDES.fullmatch(one.value.text):
        head = line[span.start : span.end].partition("(")[0].partition("/")[0].rstrip()
        rest = ", ".join(line[o.span.start : o.span.end] for o in given if o is not one)
        mend += f": {head}/{one.value.text}{f'({rest})' if rest else ''}"
    assert one.key is not None
    message = f"{definition.name} doesn't take '{one.key.text}'"
    return NotationError(message, line, one.span, mend)


def _unknown(definition: Definition, token: Token, line: str) -> NotationError:
    known = [o.name for o in definition.options]
    flags = [c for o in definition.options if o.kind is Kind.PAD for c in o.choices]
    takes = f"it takes {', '.join([*known, *flags])}" if known else "it takes nothing"
    near = did_you_mean(token.text, [*known, *flags])
    return NotationError(
        f"{definition.name} doesn't take '{token.text}'", line, token.span, near or takes
    )


def _too_many(definition: Definition, given: Given, line: str) -> NotationError:
    places = [option.name for option in definition.positional]
    takes = f"only {', '.join(places)} by position" if places else "nothing by position"
    named = next((o for o in definition.options if not o.positional), None)
    mend = f"name it, such as {named.name}={given.value.text}" if named else "leave it out"
    return NotationError(f"{definition.name} takes {takes}", line, given.span, mend)


def _check_complete(
    definition: Definition, found: dict[str, Argument], line: str, span: Span
) -> None:
    for option in definition.options:
        if option.required and option.name not in found:
            message = f"{definition.name} needs its {option.name} ({option.doc})"
            raise NotationError(message, line, span, f"such as {definition.example}")
    if {"hidden", "reduction"} <= found.keys():
        message = f"{definition.name} takes either hidden or reduction"
        raise NotationError(message, line, found["reduction"].span, "keep one")


def _value(option: Option, token: Token, line: str) -> Value:
    text, span = token.text, token.span
    if option.kind is Kind.CHOICE or (option.kind is Kind.PAD and token.kind == NAME):
        return _choice(option, text, line, span)
    if option.kind is Kind.YES:
        return _choice(option, text, line, span, ("yes", "no")) == "yes"
    if option.kind in (Kind.SIDES, Kind.PAD):
        return read_sides(text, line, span, low=option.low)
    pattern = _NUMBER if option.kind is Kind.NUMBER else re.compile("[0-9]+")
    if not pattern.fullmatch(text):
        message = f"{option.name} is {option.kind.value}; '{text}' is not"
        raise NotationError(message, line, span)
    value = float(text) if option.kind is Kind.NUMBER else read_whole(text, line, span)
    if not option.low <= value <= option.high or abs(value) == float("inf"):
        raise NotationError(f"{option.name} is {_limits(option)}; {text} is not", line, span)
    return value


def _limits(option: Option) -> str:
    low, high = number_text(option.low), number_text(option.high)
    if option.high == float("inf"):
        return f"at least {option.low:g}" if option.low > float("-inf") else "a finite number"
    return f"from {low} to {high}"


def _choice(
    option: Option, text: str, line: str, span: Span, names: tuple[str, ...] | None = None
) -> str:
    choices = names or option.choices
    if text in choices:
        return text
    known = f"it is {' or '.join(choices)}" if len(choices) < 4 else f"it is {', '.join(choices)}"
    raise NotationError(
        f"{option.name} can't be '{text}'", line, span, did_you_mean(text, list(choices)) or known
    )
