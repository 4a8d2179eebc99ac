"""Drawings: valid, deterministic, complete, within their frame, and foldable only where alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from xml.etree import ElementTree

import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from hubel.analysis.assemble import design
from hubel.analysis.design import Design
from hubel.analysis.drawing import draw
from hubel.analysis.drawing.blocks import Block, blocks_of, closed, leaves
from hubel.analysis.drawing.flow import Column, Fork, Part, Tangle, arranged
from hubel.analysis.drawing.folds import Scene, exactly, folded, loosely
from hubel.analysis.drawing.layout import Layout, laid_out
from hubel.analysis.drawing.nodes import INPUT, nodes_of
from hubel.analysis.drawing.words import shape_words, shortened, text_width

SVG = "{http://www.w3.org/2000/svg}"
RESIDUAL = "conv3x3(8) bn relu [residual(conv3x3(8) bn relu conv3x3(8) bn) relu]*3 gap fc"
LINES = [
    RESIDUAL,
    "conv5x5(6) tanh avgpool2 conv5x5(16) tanh avgpool2 flatten fc(120) tanh fc(84) tanh fc",
    "branches(conv1x1(4) | conv1x1(4) relu conv3x3(8) | maxpool3/1(pad=1) conv1x1(4)) relu gap fc",
    "patch4(32) positions [residual(norm attention(2)) residual(norm fc(64) gelu fc(32))]*4 gap fc",
]
ZOO = ["inception_v3", "densenet121", "googlenet", "mobilenet_v3_small", "swin_t", "vit_b_32"]


class Tangled(nn.Module):
    """Four layers of which each reads all before it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(3, 3, k, padding=k // 2) for k in (1, 3, 5, 7))

    def forward(self, x: Tensor) -> Tensor:
        found = [x]
        for layer in self.layers:
            found.append(layer(torch.stack(found).sum(0)))
        return found[-1]


class Named(nn.Module):
    """A module whose name would be markup."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module('<b>&"\x07', nn.Conv2d(3, 3, 1))

    def forward(self, x: Tensor) -> Tensor:
        return next(iter(self.children()))(x)


@cache
def designed(network: str) -> Design:
    if " " in network:
        return design(network, (3, 32, 32), num_classes=10, formulas=False, sizes=False)
    options = {"init_weights": False} if network in {"googlenet", "inception_v3"} else {}
    with torch.device("meta"):
        module = getattr(torchvision.models, network)(weights=None, **options)
    return design(module, (3, 224, 224), formulas=False, sizes=False)


def of_module(module: nn.Module, side: int = 8) -> Design:
    return design(module, (3, side, side), formulas=False, sizes=False)


def drawn(found: Design) -> ElementTree.Element:
    return ElementTree.fromstring(draw(found.graph, found.layers))


def scene_of(found: Design, alike: Callable[..., object] = exactly) -> Scene:
    nodes, edges = nodes_of(found.graph, found.layers)
    return folded(blocks_of(found.graph, nodes, edges), nodes, edges, alike)


def layout_of(scene: Scene) -> Layout:
    return laid_out(arranged(scene.units, scene.edges), scene.boxes, 340, 0)


every_network = pytest.mark.parametrize("network", [*LINES, *ZOO])


@every_network
def test_a_drawing_is_one_element_without_scripts_or_links(network: str) -> None:
    root = drawn(designed(network))
    assert root.tag == f"{SVG}svg"
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {
        "svg",
        "title",
        "style",
        "defs",
        "marker",
        "rect",
        "circle",
        "path",
        "g",
        "text",
    }
    values = [value for element in root.iter() for value in element.attrib.values()]
    assert not [value for value in values if "://" in value and "w3.org" not in value]


@every_network
def test_names_of_styles_are_its_own(network: str) -> None:
    root = drawn(designed(network))
    names = {name for element in root.iter() for name in element.get("class", "").split()}
    ids = {element.get("id") for element in root.iter()} - {None}
    assert [name for name in names | ids if name and not name.startswith("net")] == []
    style = root.findtext(f"{SVG}style") or ""
    used = set(re.findall(r"\.(net-[a-z-]+)", style))
    assert names - {"network"} == used & names


@every_network
def test_the_same_network_is_drawn_the_same(network: str) -> None:
    found = designed(network)
    assert draw(found.graph, found.layers) == draw(found.graph, found.layers)


@every_network
def test_every_layer_that_computes_is_named_in_a_box(network: str) -> None:
    found = designed(network)
    nodes, _ = nodes_of(found.graph, found.layers)
    titles = " ".join(title.text or "" for title in drawn(found).iter(f"{SVG}title"))
    assert [name for node in nodes for name in node.names if name not in titles] == []


@every_network
def test_boxes_hold_all_parameters_and_multiply_adds(network: str) -> None:
    found = designed(network)
    boxes = scene_of(found, loosely).boxes.values()
    assert sum(box.parameters for box in boxes) == sum(x.parameters for x in found.layers)
    assert sum(box.multiply_adds for box in boxes) == sum(x.multiply_adds for x in found.layers)


@every_network
@pytest.mark.parametrize("alike", [exactly, loosely])
def test_boxes_do_not_overlap_and_blocks_hold_theirs(
    network: str, alike: Callable[..., object]
) -> None:
    layout = layout_of(scene_of(designed(network), alike))
    boxes = [placed for placed in layout.placed if isinstance(placed.what, int)]
    blocks = [placed for placed in layout.placed if isinstance(placed.what, Block)]
    for i, one in enumerate(boxes):
        for other in boxes[:i]:
            apart = (
                one.x >= other.x + other.width - 1e-6
                or other.x >= one.x + one.width - 1e-6
                or one.y >= other.y + other.height - 1e-6
                or other.y >= one.y + one.height - 1e-6
            )
            assert apart, (one, other)
    for block in blocks:
        assert isinstance(block.what, Block)
        inside = set(leaves(block.what.units))
        for box in boxes:
            is_within = (
                block.x <= box.x
                and box.x + box.width <= block.x + block.width + 1e-6
                and block.y <= box.y
                and box.y + box.height <= block.y + block.height + 1e-6
            )
            assert is_within == (box.what in inside)


def numbers(root: ElementTree.Element) -> Iterator[tuple[float, float]]:
    """Points of all paths, and corners of all rectangles."""
    for path in root.iter(f"{SVG}path"):
        if path.get("class", "").startswith("net-line"):
            x = 0.0
            for letter, rest in re.findall(r"([MVHCQ])([^MVHCQ]*)", path.get("d", "")):
                values = [float(value) for value in rest.split()]
                if letter == "V":
                    yield x, values[0]
                elif letter == "H":
                    yield values[0], 0.0
                else:
                    x = values[-2]
                    yield from zip(values[::2], values[1::2], strict=True)
    for box in root.iter(f"{SVG}rect"):
        x, y, width, height = (float(box.get(key, 0)) for key in ("x", "y", "width", "height"))
        yield from ((x, y), (x + width, y + height))


@every_network
def test_everything_lies_within_the_frame(network: str) -> None:
    root = drawn(designed(network))
    left, top, width, height = map(float, root.get("viewBox", "").split())
    for x, y in numbers(root):
        assert left - 1e-6 <= x <= left + width + 1e-6
        assert top - 1e-6 <= y <= top + height + 1e-6


@pytest.mark.parametrize("network", ["inception_v3", "densenet121", "vit_b_32", RESIDUAL])
def test_drawings_fit_a_phone_after_little_shrinking(network: str) -> None:
    root = drawn(designed(network))
    assert float(root.get("width", "inf")) <= 390 / 0.65
    assert len([box for box in root.iter(f"{SVG}g") if box.find(f"{SVG}title") is not None]) <= 75


def test_blocks_that_repeat_are_drawn_once_with_how_often() -> None:
    with torch.device("meta"):
        module = torchvision.models.resnet50(weights=None)
    texts = [text.text for text in drawn(of_module(module, 64)).iter(f"{SVG}text")]
    # He et al. 2015, table 1: 3, 4, 6 and 3 blocks, of which the first of a stage differs.
    assert [text for text in texts if text and text.startswith("×") and len(text) > 1] == [
        "×2", "×3", "×5", "×2",
    ]  # fmt: skip
    assert "layer3.1–5 Bottleneck" in texts


def test_a_residual_is_a_skip_into_a_sum() -> None:
    lines = [path.get("class") for path in drawn(designed(RESIDUAL)).iter(f"{SVG}path")]
    assert lines.count("net-line net-skip") == 1
    scene = scene_of(designed(RESIDUAL))
    (fork,) = parts(arranged(scene.units, scene.edges), Fork)
    assert isinstance(fork, Fork)
    assert fork.has_skip
    (block,) = [unit for unit in scene.units if isinstance(unit, Block)]
    assert block.times == 3
    assert [scene.boxes[leaf].first.title for leaf in leaves([block])] == [
        "conv 3×3", "conv 3×3", "+",
    ]  # fmt: skip


def test_branches_stand_side_by_side() -> None:
    scene = scene_of(designed(LINES[2]))
    column = arranged(scene.units, scene.edges)
    forks = list(parts(column, Fork))
    assert [len(fork.branches) for fork in forks] == [3]


def test_what_falls_apart_nowhere_is_a_tangle_with_all_its_edges() -> None:
    scene = scene_of(of_module(Tangled()))
    layout = layout_of(scene)
    edges = {(source, reader) for reader, sources in scene.edges.items() for source in sources}
    assert sum(source == INPUT for source, _ in edges) == 4
    assert sum(line.is_skip for line in layout.lines) >= 3


def test_normalisations_and_activations_are_drawn_into_the_layer_before() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
    nodes, edges = nodes_of((found := of_module(module)).graph, found.layers)
    assert [(node.title, node.tags) for node in nodes] == [
        ("conv 3×3", ("batch norm", "relu")),
        ("max pool 2×2/2", ()),
    ]
    assert edges == {0: (INPUT,), 1: (0,)}
    assert nodes[0].parameters == 3 * 4 * 9 + 4 + 8


def test_different_widths_fold_only_loosely() -> None:
    blocks = (f"residual(conv3x3({n}) relu conv3x3({n}) | conv1x1({n}))" for n in (8, 16, 32))
    found = designed(f"{' '.join(blocks)} gap fc")
    exact, loose = (len(scene_of(found, alike).boxes) for alike in (exactly, loosely))
    assert loose < exact


def test_parallel_branches_that_are_alike_do_not_fold() -> None:
    scene = scene_of(designed("branches(conv3x3(4) | conv3x3(4)) gap fc"))
    assert [box.times for box in scene.boxes.values()] == [1] * len(scene.boxes)
    assert sum(box.first.title == "conv 3×3" for box in scene.boxes.values()) == 2


def test_parallel_blocks_that_are_alike_do_not_fold() -> None:
    line = "branches(residual(conv3x3(3) relu) | residual(conv3x3(3) relu)) gap fc"
    scene = scene_of(designed(line), loosely)
    assert sum(box.first.is_join for box in scene.boxes.values()) == 3


def test_closed_blocks_are_one_box_that_keeps_the_sums() -> None:
    found = designed(RESIDUAL)
    nodes, edges = nodes_of(found.graph, found.layers)
    units, kept, read = closed(blocks_of(found.graph, nodes, edges), nodes, edges)
    assert not [unit for unit in units if isinstance(unit, Block)]
    assert sum(node.parameters for node in kept) == sum(node.parameters for node in nodes)
    assert all(max(sources) < reader for reader, sources in read.items())


def test_names_that_would_be_markup_are_text() -> None:
    text = draw((found := of_module(Named())).graph, found.layers, title='<i>"&\x00')
    root = ElementTree.fromstring(text)
    shown = [element.text for element in root.iter(f"{SVG}text")]
    assert '<i>"&\\x00' in shown
    assert any(words and '<b>&"\\x07' in words for words in shown)


def parts(column: Column, kind: type[Part]) -> Iterator[Part]:
    for part in column.parts:
        if isinstance(part, kind):
            yield part
        if isinstance(part, Fork):
            for branch in part.branches:
                yield from parts(branch, kind)
        elif isinstance(part, Tangle):
            for unit in part.units:
                yield from parts(unit, kind)
        elif part.inside is not None:
            yield from parts(part.inside, kind)


def boxes_in(column: Column) -> Iterator[int]:
    for part in column.parts:
        if isinstance(part, Fork):
            for branch in part.branches:
                yield from boxes_in(branch)
        elif isinstance(part, Tangle):
            for unit in part.units:
                yield from boxes_in(unit)
        elif part.inside is None:
            yield part.leaf


@given(
    sources=st.lists(st.sets(st.integers(0, 9), max_size=3), min_size=1, max_size=10),
)
def test_any_graph_is_arranged_with_each_box_once(sources: list[set[int]]) -> None:
    edges = {
        i: tuple(sorted({source % i for source in found} if i else set())) or (INPUT,)
        for i, found in enumerate(sources)
    }
    column = arranged(range(len(edges)), edges)
    assert sorted(boxes_in(column)) == list(range(len(edges)))


@given(text=st.text(st.characters(codec="latin-1"), max_size=30), room=st.floats(0, 200))
def test_a_shortened_text_fits(text: str, room: float) -> None:
    short = shortened(text, room, 11)
    assert text_width(short, 11) <= room or short == ""
    assert short in {text, ""} or short.endswith("…")


def test_shapes_that_differ_are_told_as_a_span() -> None:
    assert shape_words([(64, 8, 8), (32, 8, 8)]) == "32…64×8×8"
    assert shape_words([()]) == "scalar"
