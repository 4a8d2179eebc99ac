"""Boxes, outlines and lines as SVG: one style for light and dark, no scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from hubel.analysis.drawing.blocks import Block, Unit
from hubel.analysis.drawing.folds import Box, Scene
from hubel.analysis.drawing.layout import (
    MIDDLE,
    ROOMY,
    SMALL,
    Line,
    Placed,
    beside_join,
    join_width,
)
from hubel.analysis.drawing.words import abridged, printable, shape_words, shortened, text_width
from hubel.analysis.units import amount

__all__ = ["STYLE", "Painter", "element", "text"]

STYLE = """
.network { --paper: #fdfdfc; --wash: #f3f4f3; --hair: #d8dadb; --edge: #8b9097; --soft: #5c6168;
  --ink: #1b1d20; --accent: #0072b2; --parameters: #0072b2; --products: #d98500;
  font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  font-variant-numeric: tabular-nums; max-width: 100%; height: auto; }
@media (prefers-color-scheme: dark) { .network { --paper: #141618; --wash: #1d2023;
  --hair: #363a3f; --edge: #767c83; --soft: #a2a8af; --ink: #e8e9ea; --accent: #5cb8ec;
  --parameters: #56b4e9; --products: #e69f00; } }
.network .net-paper { fill: var(--paper); }
.network text { fill: var(--ink); }
.network .net-soft { fill: var(--soft); }
.network .net-name { font-size: 16px; font-weight: 650; }
.network .net-title { font-size: 13px; font-weight: 600; }
.network .net-middle { font-size: 11.5px; }
.network .net-end { text-anchor: end; }
.network .net-centre { text-anchor: middle; }
.network .net-block { fill: var(--wash); stroke: var(--hair); }
.network .net-box { fill: var(--paper); stroke: var(--edge); }
.network .net-plain { stroke: var(--hair); }
.network .net-join { fill: var(--paper); stroke: var(--ink); stroke-width: 1.2; }
.network .net-end-of-line { fill: var(--ink); }
.network .net-end-of-line + text { fill: var(--paper); }
.network .net-line { fill: none; stroke: var(--edge); stroke-width: 1.4; }
.network .net-skip { stroke: var(--accent); }
.network .net-head { fill: var(--edge); }
.network .net-skip-head { fill: var(--accent); }
.network .net-parameters { fill: var(--parameters); }
.network .net-products { fill: var(--products); }
.network .net-times { fill: var(--accent); }
.network .net-times + text { fill: var(--paper); font-weight: 650; text-anchor: middle; }
"""


def element(name: str, *children: str, **attributes: str | float) -> str:
    """An element; underscores are written as dashes.

    `look` becomes classes whose names begin with `net-`, apart from those of the page around.

    Example:
        >>> element("rect", x=1.25, look="box plain")
        '<rect x="1.2" class="net-box net-plain"/>'
    """
    look = str(attributes.pop("look", ""))
    if look:
        attributes["class"] = " ".join(f"net-{word}" for word in look.split())
    written = "".join(
        f" {key.replace('_', '-')}={quoteattr(_number(value))}" for key, value in attributes.items()
    )
    inside = "".join(children)
    return f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>"


def _number(value: str | float) -> str:
    return value if isinstance(value, str) else f"{round(value, 1):g}"


def text(words: str, x: float, y: float, look: str) -> str:
    """A line of text; what can't be printed is shown as an escape."""
    return element("text", escape(printable(words)), x=x, y=y, look=look)


class Painter:
    """Draws boxes and blocks.

    Attributes:
        boxes: by number.
        most: the largest parameters and multiply-adds of a box, which bars are set against.
    """

    def __init__(self, scene: Scene) -> None:
        self.boxes = scene.boxes
        every = scene.boxes.values()
        self.most = (
            max((box.parameters for box in every), default=0),
            max((box.multiply_adds for box in every), default=0),
        )
        self._within = dict(_blocks_around(scene.units, ""))

    def line(self, line: Line) -> str:
        """An edge."""
        skip = "skip" if line.is_skip else ""
        head = {"marker_end": f"url(#net-{'skip-' if skip else ''}head)"} if line.has_head else {}
        return element("path", d=line.path, look=f"line {skip}", **head)

    def placed(self, placed: Placed) -> str:
        """A box or the outline of a block."""
        if isinstance(placed.what, Block):
            return "".join(self._block(placed.what, placed))
        box, around = self.boxes[placed.what], self._within[placed.what]
        parts = self._join(box, placed) if box.first.is_join else self._box(box, placed, around)
        return element("g", element("title", escape(printable(told(box)))), *parts)

    def _block(self, block: Block, at: Placed) -> Iterator[str]:
        yield element("rect", x=at.x, y=at.y, width=at.width, height=at.height, rx=9, look="block")
        labels, room = _labels(block), at.width / 2 - 18
        fitting = (label for label in labels if text_width(label, SMALL) <= room)
        short = next(fitting, shortened(labels[-1], room, SMALL))
        full = element("title", escape(printable(labels[0])))
        yield element("g", full, text(short, at.x + 11, at.y + 18, "soft"))
        if block.times > 1:
            yield self._times(block.times, at.x + at.width - 10, at.y + 14)

    def _times(self, times: int, right: float, middle: float) -> str:
        words = f"×{times}"
        width = text_width(words, SMALL, bold=True) + 13
        pill = element(
            "rect", x=right - width, y=middle - 8, width=width, height=16, rx=8, look="times"
        )
        return element("g", pill, text(words, right - width / 2, middle + 4, ""))

    def _join(self, box: Box, at: Placed) -> Iterator[str]:
        node = box.first
        middle, axis = at.y + at.height / 2, at.x + at.width / 2
        if len(node.title) == 1:
            yield element("circle", cx=axis, cy=middle, r=at.height / 2, look="join")
            half = at.height / 2
        else:
            half = join_width(node.title) / 2
            yield element(
                "rect", x=axis - half, y=at.y, width=2 * half, height=at.height, rx=11,
                look="join",
            )  # fmt: skip
        size = 15 if len(node.title) == 1 else SMALL
        yield element(
            "text", escape(node.title), x=axis, y=middle + size * 0.35, look="centre",
            font_size=size,
        )  # fmt: skip
        if at.width > 2 * half + 1:
            tags, shape = beside_join(box)
            yield text(tags, axis - half - 7, middle + 4, "soft end")
            yield text(shape, axis + half + 7, middle + 4, "soft")

    def _box(self, box: Box, at: Placed, around: str) -> Iterator[str]:
        look = "box" if box.parameters or box.multiply_adds else "box plain"
        yield element("rect", x=at.x, y=at.y, width=at.width, height=at.height, rx=6, look=look)
        says = self._full(box, at, around) if at.width >= ROOMY else self._narrow(box, at)
        yield from says
        yield from self._bars(box, at)
        if box.times > 1:
            yield self._times(box.times, at.x + at.width + 6, at.y)

    def _full(self, box: Box, at: Placed, around: str) -> Iterator[str]:
        node, left, right = box.first, at.x + 11, at.x + at.width - 11
        shape, cost = shape_words([each.output for each in box.nodes]), _cost(box)
        beside = right - left - text_width(shape, MIDDLE) - 8
        below = right - left - text_width(cost, SMALL) - 8
        name = node.names[0].removeprefix(f"{around}.")
        tags = " · ".join([name, *node.tags])
        yield text(shortened(node.title, beside, 13, bold=True), left, at.y + 19, "title")
        yield text(shape, right, at.y + 19, "middle end")
        yield text(shortened(tags, below, SMALL), left, at.y + 35, "soft")
        yield text(cost, right, at.y + 35, "soft end")

    def _narrow(self, box: Box, at: Placed) -> Iterator[str]:
        middle, room = at.x + at.width / 2, at.width - 8
        shape = shape_words([each.output for each in box.nodes])
        title = shortened(abridged(box.first.title), room, MIDDLE, bold=True)
        yield text(title, middle, at.y + 16, "title middle centre")
        yield text(shortened(shape, room, SMALL), middle, at.y + 31, "soft centre")

    def _bars(self, box: Box, at: Placed) -> Iterator[str]:
        room = at.width - 12
        values = (box.parameters, box.multiply_adds)
        for i, (value, most) in enumerate(zip(values, self.most, strict=True)):
            if value:
                yield element(
                    "rect", x=at.x + 6, y=at.y + at.height - 8 + 3 * i,
                    width=max(room * value / most, 1.0), height=2.4, rx=1.2,
                    look=("parameters", "products")[i],
                )  # fmt: skip


def _cost(box: Box) -> str:
    if not box.parameters and not box.multiply_adds:
        return ""
    return f"{amount(box.parameters)} · {amount(box.multiply_adds)}"


def _labels(block: Block) -> list[str]:
    """What an outline may say, the most first."""
    name = _first_and_last(block.names)
    last, kind = name.rpartition(".")[2], block.kind.lstrip("_")
    return [f"{name} {kind}".strip(), f"{last} {kind}".strip(), kind]


def _blocks_around(units: Sequence[Unit], around: str) -> Iterator[tuple[int, str]]:
    """The path of the block that each box stands in."""
    for unit in units:
        if isinstance(unit, Block):
            yield from _blocks_around(unit.units, unit.names[0] if unit.names else around)
        else:
            yield unit, around


def _first_and_last(names: tuple[str, ...]) -> str:
    """Names of which one part counts, shortened: `layer1.1–3`."""
    if len(set(names)) < 2:
        return names[0] if names else ""
    first, last = names[0].split("."), names[-1].split(".")
    apart = [i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b]
    if len(first) != len(last) or len(apart) != 1:
        return f"{names[0]} … {names[-1]}"
    stem = re.match(r"(.*?)\d*$", first[apart[0]])
    end = last[apart[0]].removeprefix(stem.group(1) if stem else "")
    first[apart[0]] = f"{first[apart[0]]}–{end}"
    return ".".join(first)


def told(box: Box) -> str:
    """All that is known of a box, for who points at it or can't see it."""
    node = box.first
    layers = ", ".join(name for each in box.nodes for name in each.names)
    title = " · ".join([node.title, *node.tags])
    shape = shape_words([each.output for each in box.nodes])
    return (
        f"{title}\n{layers}\ngives {shape}\n{box.parameters:,} parameters, "
        f"{box.multiply_adds:,} multiply-adds"
    )
