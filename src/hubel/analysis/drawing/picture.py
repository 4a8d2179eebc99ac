"""The whole drawing: what is drawn once, where it stands, and what it says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from hubel.analysis.drawing.blocks import blocks_of, closed
from hubel.analysis.drawing.flow import arranged
from hubel.analysis.drawing.folds import Scene, exactly, folded, loosely
from hubel.analysis.drawing.layout import FULL, Layout, laid_out
from hubel.analysis.drawing.nodes import Drawn, nodes_of
from hubel.analysis.drawing.svg import STYLE, Painter, element, text
from hubel.analysis.drawing.words import cross, printable, text_width
from hubel.analysis.recording.graph import Graph
from hubel.analysis.units import amount

__all__ = ["draw"]

_MOST_BOXES = 60  # beyond it, blocks of different widths are drawn once too, then closed
_MARGIN, _HEADER, _PILL = 16.0, 92.0, 24.0


def draw(graph: Graph, layers: Sequence[Drawn], title: str = "") -> str:
    """The network as a picture in SVG, from the top down.

    A box is a layer with the normalisations and activations after it; two bars show its share of
    the parameters and of the multiply-adds. Blocks that repeat are drawn once, with how often.
    Large networks are drawn with fewer details.

    Args:
        graph: of an evaluation pass.
        layers: its layers with their numbers, in the order of `rows_of`.
        title: of the picture; by default the class of the network.

    Returns:
        A document that is also an element of a page; the same for the same network.

    Example:
        >>> from hubel.analysis.assemble import design
        >>> found = design("conv3x3(8) relu gap fc", (3, 32, 32), num_classes=10)
        >>> draw(found.graph, found.layers)[:4]
        '<svg'
    """
    scene = _scene(graph, layers)
    layout = laid_out(
        arranged(scene.units, scene.edges), scene.boxes, FULL + 64, _HEADER + _PILL + 15
    )
    name = title or graph.calls[0].kind
    totals = (
        f"{amount(sum(layer.parameters for layer in layers))} parameters and "
        f"{amount(sum(layer.multiply_adds for layer in layers))} multiply-adds in its layers"
    )
    widest = max(layout.width, FULL + 40, text_width(name, 16, bold=True))
    half = math.ceil(widest / 2 + _MARGIN)
    height = math.ceil(layout.height + _HEADER + 2 * (_PILL + 15) + _MARGIN)
    painter = Painter(scene)
    return element(
        "svg",
        element("title", escape(printable(f"{name}: {totals}"))),
        element("style", STYLE),
        _markers(),
        element("rect", x=-half, y=0, width=2 * half, height=height, look="paper"),
        *_header(name, totals, painter.most, -half + _MARGIN),
        *map(painter.placed, [p for p in layout.placed if not isinstance(p.what, int)]),
        *map(painter.line, layout.lines),
        *_ends(graph, layout),
        *map(painter.placed, [p for p in layout.placed if isinstance(p.what, int)]),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"{-half:g} 0 {2 * half:g} {height:g}",
        width=2 * half,
        height=height,
        **{"class": "network"},
        role="img",
    )


def _scene(graph: Graph, layers: Sequence[Drawn]) -> Scene:
    """The most detailed scene that is still read at a glance."""
    nodes, edges = nodes_of(graph, layers)
    units = blocks_of(graph, nodes, edges)
    while True:
        for alike in (exactly, loosely):
            scene = folded(units, nodes, edges, alike)
            if len(scene.boxes) <= _MOST_BOXES:
                return scene
        if all(isinstance(unit, int) for unit in units):
            return scene
        units, nodes, edges = closed(units, nodes, edges)


def _markers() -> str:
    heads = (
        element(
            "marker",
            element("path", d="M0 0L7 3.5L0 7z", look=f"{kind}head"),
            id=f"net-{kind}head", viewBox="0 0 7 7", refX=6.4, refY=3.5, markerWidth=7,
            markerHeight=7, orient="auto", markerUnits="userSpaceOnUse",
        )
        for kind in ("", "skip-")
    )  # fmt: skip
    return element("defs", *heads)


def _header(name: str, totals: str, most: tuple[int, int], x: float) -> Iterator[str]:
    yield text(name, x, 30, "name")
    yield text(totals, x, 48, "soft middle")
    words = (f"parameters, at most {amount(most[0])} a box",
             f"multiply-adds, at most {amount(most[1])}")  # fmt: skip
    for i, (kind, said) in enumerate(zip(("parameters", "products"), words, strict=True)):
        yield element("rect", x=x, y=60 + 15 * i, width=18, height=3, rx=1.5, look=kind)
        yield text(said, x + 25, 65 + 15 * i, "soft")


def _ends(graph: Graph, layout: Layout) -> Iterator[str]:
    """What goes in and what comes out."""
    top, bottom = _HEADER + _PILL, _HEADER + _PILL + 15 + layout.height
    yield from _pill(f"input {cross(graph.inputs[0].shape[1:])}", _HEADER)
    yield element("path", d=f"M0 {top:g}V{top + 15:g}", look="line")
    shapes = [cross(value.shape[1:]) for value in graph.outputs]
    more = f" and {len(shapes) - 2} more" if len(shapes) > 2 else ""
    yield element("path", d=f"M0 {bottom:g}V{bottom + 15:g}", look="line")
    yield from _pill(f"output {', '.join(shapes[:2])}{more}", bottom + 15)


def _pill(words: str, y: float) -> Iterator[str]:
    width = text_width(words, 11.5) + 26
    yield element(
        "g",
        element("rect", x=-width / 2, y=y, width=width, height=_PILL, rx=12, look="end-of-line"),
        text(words, 0, y + 16, "middle centre"),
    )
