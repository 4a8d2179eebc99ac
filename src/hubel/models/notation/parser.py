"""A line read into its tree by recursive descent.

```
network  := item+
item     := (word | '[' network ']') ['*' INT]
word     := NAME [KERNEL] ['/' STRIDE] ['(' inside ')']
inside   := argument (',' argument)*        for plain words
          | network ('|' network)*          for containers
argument := value | NAME '=' value
KERNEL, STRIDE := INT ('x' INT)*
```
"""

from __future__ import annotations

import re

from hubel.models.notation.errors import NotationError, did_you_mean
from hubel.models.notation.options import Definition
from hubel.models.notation.other_names import meant_by
from hubel.models.notation.tokens import END, MARK, NAME, NUMBER, Token, tokenize
from hubel.models.notation.tree import Argument, Group, Item, Network, Span, Word
from hubel.models.notation.values import Given, read_arguments, read_sides, read_whole
from hubel.models.notation.words import WORDS

__all__ = ["DEEPEST", "MOST_WORDS", "parse"]

DEEPEST = 50  # brackets within brackets
MOST_WORDS = 10_000  # with repetitions written out
_KERNEL = re.compile(r"([A-Za-z_]+?)([0-9][0-9x]*)?")


def parse(line: str) -> Network:
    """Read a line of notation.

    Args:
        line: words separated by spaces, such as `[conv3x3(64) bn relu]*2 gap fc`.

    Returns:
        The tree; `str(tree)` is the line in its one spelling, and parses to an equal tree.

    Raises:
        NotationError: the line can't be read; it says where and why.

    Example:
        >>> parse("conv3x3(64) relu*2").items[1]
        Word(name='relu', kernel=(), stride=(), arguments=(), bodies=(), times=2,
             span=Span(start=12, end=16))
    """
    if not line.strip():
        raise NotationError("the line is empty", line, Span(0, 0), "write words such as: gap fc")
    reader = _Reader(line)
    network = reader.network()
    if reader.token.kind != END:
        raise reader.error(f"there is no bracket that '{reader.token.text}' belongs to")
    words = _count(network)
    if words > MOST_WORDS:
        message = f"the line stands for more than {MOST_WORDS:,} words"
        raise NotationError(message, line, _widest(network), "repeat less often")
    return network


class _Reader:
    """The tokens of one line, and where the reading stands."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.tokens = tokenize(line)
        self.place = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def next(self) -> Token:
        token = self.token
        self.place = min(self.place + 1, len(self.tokens) - 1)
        return token

    def at(self, *marks: str) -> bool:
        return self.token.kind == MARK and self.token.text in marks

    def follows(self, mark: str) -> bool:
        """Whether this mark stands right here, with no space before it."""
        if self.at(mark) and self.token.apart and mark != "*":
            raise self.error(f"a space before '{mark}'", mend="leave it out")
        return self.at(mark)

    def error(self, message: str, span: Span | None = None, mend: str = "") -> NotationError:
        return NotationError(message, self.line, span or self.token.span, mend)

    def network(self) -> Network:
        items = [self.item()]
        while self.token.kind != END and not self.at("]", ")", "|"):
            if not self.token.apart:
                raise self.error(f"a space is missing before '{self.token.text}'")
            items.append(self.item())
        return Network(tuple(items), self.line)

    def item(self) -> Item:
        atom = self.group() if self.at("[") else self.word()
        if not self.follows("*"):
            return atom
        star = self.next()
        times = self.times(star)
        if isinstance(atom, Group):
            return Group(atom.body, times, atom.span)
        return Word(
            atom.name, atom.kernel, atom.stride, atom.arguments, atom.bodies, times, atom.span
        )

    def times(self, star: Token) -> int:
        if self.token.kind != NUMBER:
            span = Span(star.span.start, max(star.span.end, self.token.span.end))
            raise self.error("'*' needs how often", span, "such as *2")
        token = self.next()
        if not re.fullmatch("[0-9]*[1-9][0-9]*", token.text):
            message = f"'{token.text}' can't be how often: a whole number of at least 1"
            raise self.error(message, token.span)
        return read_whole(token.text, self.line, token.span, MOST_WORDS)

    def group(self) -> Group:
        opened = self.next()
        (body,) = self.inside(opened, "]", single=True)
        return Group(body, 1, Span(opened.span.start, self.tokens[self.place - 1].span.end))

    def inside(self, opened: Token, closing: str, *, single: bool) -> tuple[Network, ...]:
        """Networks up to the bracket that closes, separated by `|` unless there is a single one."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"more than {DEEPEST} brackets within each other", opened.span)
        bodies: list[Network] = []
        while True:
            if self.token.kind == END:
                raise self.error(f"'{opened.text}' is not closed", opened.span, f"add '{closing}'")
            bodies.append(self.network())
            if single or not self.at("|"):
                break
            self.next()
        if self.token.kind == END:
            raise self.error(f"'{opened.text}' is not closed", opened.span, f"add '{closing}'")
        if not self.at(closing):
            message = f"'{self.token.text}' where '{opened.text}' should be closed"
            raise self.error(message, mend=f"write '{closing}'")
        self.next()
        self.depth -= 1
        return tuple(bodies)

    def word(self) -> Word:
        token = self.next()
        if token.kind != NAME:
            found = f"'{token.text}'" if token.text else "the end of the line"
            raise self.error(f"a word should stand here, not {found}", token.span)
        definition, kernel = self.named(token)
        stride = self.stride(definition) if self.follows("/") else ()
        arguments: tuple[Argument, ...] = ()
        bodies: tuple[Network, ...] = ()
        if definition.bodies[1]:
            bodies = self.bodies(definition, token)
        else:
            given = self.arguments() if self.follows("(") else []
            span = Span(token.span.start, self.tokens[self.place - 1].span.end)
            arguments = read_arguments(definition, given, self.line, span)
        span = Span(token.span.start, self.tokens[self.place - 1].span.end)
        return Word(definition.name, kernel, stride, arguments, bodies, 1, span)

    def named(self, token: Token) -> tuple[Definition, tuple[int, ...]]:
        """The word's definition and kernel; `relu6` is a name, `conv3x3` a name and a kernel."""
        found = _KERNEL.fullmatch(token.text)
        name, sides = (found[1], found[2]) if found else (token.text, None)
        if token.text in WORDS:
            name, sides = token.text, None
        if name not in WORDS:
            raise self.unknown(token, name)
        definition = WORDS[name]
        if definition.kernel and sides is None:
            raise self.error(
                f"{name} needs a kernel right after its name",
                token.span,
                f"such as {definition.example}",
            )
        if sides is not None and not definition.kernel:
            raise self.error(f"{name} takes no kernel", token.span, f"write {definition.example}")
        if sides is None:
            return definition, ()
        where = Span(token.span.start + len(name), token.span.end)
        return definition, read_sides(sides, self.line, where)

    def unknown(self, token: Token, name: str) -> NotationError:
        meant = meant_by(token.text)
        near = did_you_mean(token.text, list(WORDS)) or did_you_mean(name, list(WORDS))
        mend = f"did you mean {meant}?" if meant else near or f"the words are {', '.join(WORDS)}"
        return self.error(f"there is no word '{name}'", token.span, mend)

    def stride(self, definition: Definition) -> tuple[int, ...]:
        slash = self.next()
        if not definition.stride:
            raise self.error(f"{definition.name} takes no stride", slash.span)
        if self.token.kind != NUMBER or self.token.apart:
            raise self.error("'/' needs a stride right after it", slash.span, "such as /2")
        token = self.next()
        if self.at("/"):
            raise self.second_stride(definition)
        return read_sides(token.text, self.line, token.span)

    def second_stride(self, definition: Definition) -> NotationError:
        slash = self.next()
        is_number = self.token.kind == NUMBER and not self.token.apart
        end = self.token.span.end if is_number else slash.span.end
        span = Span(slash.span.start, end)
        message = f"{definition.name} has a stride before it: there is one"
        return self.error(message, span, "leave it out; one an axis is written as /2x1")

    def bodies(self, definition: Definition, token: Token) -> tuple[Network, ...]:
        if not self.follows("("):
            message = f"{definition.name} needs a network in brackets"
            raise self.error(message, token.span, f"such as {definition.example}")
        bodies = self.inside(self.next(), ")", single=False)
        fewest, most = definition.bodies
        if not fewest <= len(bodies) <= most:
            message = f"{definition.name} takes {fewest} to {most} networks, not {len(bodies)}"
            raise self.error(message, token.span, "separate them by '|'")
        return bodies

    def arguments(self) -> list[Given]:
        opened = self.next()
        given: list[Given] = []
        while not self.at(")"):
            if given:
                self.comma(opened)
            given.append(self.argument(opened))
        self.next()
        return given

    def comma(self, opened: Token) -> None:
        if self.token.kind == END:
            raise self.error(f"'{opened.text}' is not closed", opened.span, "add ')'")
        if not self.at(","):
            message = f"',' or ')' should stand here, not '{self.token.text}'"
            raise self.error(message)
        self.next()

    def argument(self, opened: Token) -> Given:
        token = self.value(opened)
        if not self.at("="):
            return Given(None, token)
        if token.kind != NAME:
            raise self.error("a name should stand before '='", token.span)
        self.next()
        return Given(token, self.value(opened))

    def value(self, opened: Token) -> Token:
        if self.token.kind == END:
            raise self.error(f"'{opened.text}' is not closed", opened.span, "add ')'")
        if self.token.kind not in (NAME, NUMBER):
            raise self.error(f"a value should stand here, not '{self.token.text}'")
        return self.next()


def _count(network: Network) -> int:
    return sum(item.times * _count_once(item) for item in network.items)


def _count_once(item: Item) -> int:
    if isinstance(item, Group):
        return _count(item.body)
    return 1 + sum(_count(body) for body in item.bodies)


def _widest(network: Network) -> Span:
    return max(network.items, key=lambda item: item.times * _count_once(item)).span
