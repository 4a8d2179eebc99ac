"""A line cut into names, numbers and marks, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hubel.models.notation.errors import NotationError
from hubel.models.notation.tree import Span

__all__ = ["END", "MARK", "NAME", "NUMBER", "Token", "tokenize"]

NAME, NUMBER, MARK, END = "name", "number", "mark", "end"

# A number takes all that sticks to it, so that `3x` or `1.2.3` is one bad number, not two tokens.
_PATTERN = re.compile(
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<number>[+-]?(?:\d|\.\d)(?:(?<=[eE])[+-]|[\w.])*)"
    r"|(?P<mark>[\[\]()|,=*/])"
    r"|(?P<space>\s+)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the line.

    Attributes:
        kind: `NAME`, `NUMBER`, `MARK` or `END`.
        text: as written.
        span: where it stands.
        apart: whether space stands before it.
    """

    kind: str
    text: str
    span: Span
    apart: bool


def tokenize(line: str) -> list[Token]:
    """Cut a line into tokens; the last is `END`.

    Raises:
        NotationError: a character that has no meaning here.

    Example:
        >>> [token.text for token in tokenize("conv3x3/2(64) *2")]
        ['conv3x3', '/', '2', '(', '64', ')', '*', '2', '']
    """
    tokens: list[Token] = []
    position, apart = 0, False
    while position < len(line):
        found = _PATTERN.match(line, position)
        if found is None:
            raise _stray(line, position)
        position, kind = found.end(), found.lastgroup or ""
        if kind != "space":
            tokens.append(Token(kind, found.group(), Span(*found.span()), apart))
        apart = kind == "space"
    return [*tokens, Token(END, "", Span(len(line), len(line)), apart)]


def _stray(line: str, position: int) -> NotationError:
    character = line[position]
    shown = f"'{character}'" if character.isprintable() else f"U+{ord(character):04X}"
    return NotationError(
        f"{shown} has no meaning here",
        line,
        Span(position, position + 1),
        "words are separated by spaces, their arguments by commas",
    )
