"""The text of a space, read.

```
space       := item+
item        := SETTING '=' value                    up to the next item outside of brackets
value       := choice                               where it holds '|', or is numbers
             | (TEXT | '{' [NAME ':'] choice '}' | '{' NAME '}')+
choice      := numbers | value ('|' value)+
numbers     := LOW '..' HIGH | LOW '..' HIGH '*' FACTOR | LOW '..' HIGH '+' STEP
             | 'log(' LOW ',' HIGH ')'
```

`{NAME}` repeats what the hole of that name was filled with, `{same}` the last one before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from hubel.models.notation.errors import did_you_mean
from hubel.models.notation.tree import Span
from hubel.tuning.space.errors import SpaceError
from hubel.tuning.space.numbers import read_numbers
from hubel.tuning.space.tree import Again, Hole, Template

__all__ = ["read_items"]

_ITEM = re.compile(r"(?:^|(?<=\s))([A-Za-z_][\w-]*)=")
_NAMED = re.compile(r"\s*([A-Za-z_]\w*):")
_REFERENCE = re.compile(r"\s*([A-Za-z_]\w*)\s*")
_NO_NAMES = ("timm", "torchvision")  # they begin the names of networks
_PAIRS = {")": "(", "]": "[", "}": "{"}


def read_items(
    text: str, kinds: dict[str, str], fixed: tuple[str, ...] = ()
) -> list[tuple[str, Template, Span]]:
    """Each setting of a space, its template, and where that stands.

    Args:
        text: of the space.
        kinds: of every setting that may be searched: the name of its type.
        fixed: settings that are the same in every trial.

    Raises:
        SpaceError: the text can't be read; it says where and why.
    """
    if not text.strip():
        raise SpaceError("the space is empty", text, Span(0, 0), "write, say, lr=log(0.01,1)")
    depths = _depths(text)
    starts = [match for match in _ITEM.finditer(text) if depths[match.start(1)] == 0]
    before = text[: starts[0].start(1)] if starts else text
    if before.strip():
        begin = len(before) - len(before.lstrip())
        span = Span(begin, begin + len(before.strip().split()[0]))
        raise SpaceError("expected setting=values", text, span, "as in lr=log(0.01,1)")
    ends = [match.start(1) for match in starts[1:]] + [len(text)]
    found: list[tuple[str, Template, Span]] = []
    for match, end in zip(starts, ends, strict=True):
        name, span = match[1].replace("-", "_"), Span(*match.span(1))
        if name in fixed:
            raise SpaceError(f"{name} is the same in every trial and can't be searched", text, span,
                             f"give --{name} in place of it")  # fmt: skip
        if name not in kinds:
            raise SpaceError(f"no setting {match[1]!r} to search", text, span,
                             did_you_mean(name, list(kinds)))  # fmt: skip
        if name in [known for known, _, _ in found]:
            raise SpaceError(f"{name} is given twice", text, span, "leave one out")
        value = _stripped(text, match.end(), end)
        if value.start == value.end:
            raise SpaceError(f"{name} has no values", text, value, "as in lr=log(0.01,1)")
        found.append((name, _Reader(text, depths, name, kinds[name]).value(value), value))
    return found


@dataclass(slots=True)
class _Reader:
    """Reads the value of one item."""

    text: str
    depths: list[int]
    item: str
    kind: str
    number: int = 0
    names: set[str] = field(default_factory=set[str])

    def value(self, span: Span) -> Template:
        """A whole value: a choice or numbers without braces, or text with holes."""
        if self.cuts(span) or self.numbers(span) is not None:
            return Template((self.choice(self.item, span, span, []),), span)
        return self.template(span, [])

    def cuts(self, span: Span) -> list[int]:
        """Where alternatives end: each bar outside of the brackets in it."""
        depth = self.depths[span.start] if span.start < span.end else 0
        opens = self.text[span.start : span.end][:1] in ("(", "[", "{")
        outside = depth - opens
        return [at for at in range(span.start, span.end)
                if self.text[at] == "|" and self.depths[at] == outside]  # fmt: skip

    def numbers(self, span: Span) -> object:
        """Numbers, where the text is of that form."""
        return read_numbers(self.text, span, self.kind)

    def choice(self, name: str, whole: Span, span: Span, scope: list[Hole]) -> Hole:
        """What stands in braces, or would."""
        shown = self.text[whole.start : whole.end]
        found = read_numbers(self.text, span, self.kind)
        if found is not None:
            return Hole(name, shown, found, whole)
        ends = [*self.cuts(span), span.end]
        begins = [span.start, *(end + 1 for end in ends[:-1])]
        inside: dict[str, Template] = {}
        for begin, end in zip(begins, ends, strict=True):
            part = _stripped(self.text, begin, end)
            text = self.text[part.start : part.end]
            bar = begin if begin < whole.end else begin - 1
            place = part if text else Span(bar, bar + 1)
            if text in inside:
                raise SpaceError(f"{text!r} is given twice", self.text, place, "leave one out")
            inside[text] = replace(self.alternative(part, list(scope)), span=place)
        return Hole(name, shown, inside, whole)

    def alternative(self, span: Span, scope: list[Hole]) -> Template:
        found = read_numbers(self.text, span, self.kind)
        if found is None:
            return self.template(span, scope)
        shown = self.text[span.start : span.end]
        return Template((Hole(self.new_name(None, span), shown, found, span),))

    def template(self, span: Span, scope: list[Hole]) -> Template:
        """Text with holes; `scope` are the holes before it, and learns of its own."""
        parts: list[str | Hole | Again] = []
        at = span.start
        while at < span.end:
            opened = self.text.find("{", at, span.end)
            if opened < 0:
                break
            closed = self.closing(opened)
            parts += [self.text[at:opened], self.hole(Span(opened, closed + 1), scope)]
            at = closed + 1
        parts.append(self.text[at : span.end])
        return Template(tuple(part for part in parts if part), span)

    def hole(self, whole: Span, scope: list[Hole]) -> Hole | Again:
        inner = Span(whole.start + 1, whole.end - 1)
        named = _NAMED.match(self.text, inner.start, inner.end)
        name = None
        if named is not None and named[1] not in _NO_NAMES:
            name, inner = named[1], Span(named.end(), inner.end)
        inner = _stripped(self.text, inner.start, inner.end)
        if name is None and not self.cuts(inner) and self.numbers(inner) is None:
            return self.again(inner, whole, scope)
        if not self.cuts(inner) and self.numbers(inner) is None:
            raise SpaceError("a choice needs two alternatives", self.text, whole, "as in {3|5}")
        found = self.choice(self.new_name(name, whole), whole, inner, scope)
        scope.append(found)
        return found

    def again(self, inner: Span, whole: Span, scope: list[Hole]) -> Again:
        match = _REFERENCE.fullmatch(self.text, inner.start, inner.end)
        known = {hole.name.rpartition(".")[2]: hole.name for hole in scope}
        if match is not None and match[1] == "same" and scope:
            return Again(scope[-1].name)
        if match is not None and match[1] in known:
            return Again(known[match[1]])
        if match is not None and match[1] == "same":
            raise SpaceError("there is no choice before {same}", self.text, whole)
        mend = did_you_mean(match[1], ["same", *known]) if match is not None else ""
        raise SpaceError("neither alternatives, numbers, nor the name of a choice before it",
                         self.text, whole, mend or "as in {3|5}, {1..3}, {same}")  # fmt: skip

    def new_name(self, given: str | None, span: Span) -> str:
        self.number += 1
        name = f"{self.item}.{given or self.number}"
        if name in self.names or given == "same":
            raise SpaceError(f"the name {given!r} is taken", self.text, span, "choose another")
        self.names.add(name)
        return name

    def closing(self, opened: int) -> int:
        """Where the brace ends that opens here."""
        depth = self.depths[opened]
        return next(at for at in range(opened + 1, len(self.text))
                    if self.text[at] == "}" and self.depths[at] == depth)  # fmt: skip


def _depths(text: str) -> list[int]:
    """How many brackets are open around each character; a bracket is inside of itself."""
    open_: list[int] = []
    depths: list[int] = []
    for at, character in enumerate(text):
        if character in "([{":
            open_.append(at)
        depths.append(len(open_))
        if character in _PAIRS:
            if not open_ or text[open_[-1]] != _PAIRS[character]:
                raise SpaceError(f"there is no bracket that {character!r} belongs to", text,
                                 Span(at, at + 1))  # fmt: skip
            open_.pop()
    if open_:
        span = Span(open_[-1], open_[-1] + 1)
        raise SpaceError(f"the {text[open_[-1]]!r} is never closed", text, span)
    return depths


def _stripped(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)
