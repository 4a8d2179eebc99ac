"""A design adds up, and says the same whichever way it is asked."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
import torch
from torch import nn

import hubel
from hubel.analysis.compare import side_by_side
from hubel.analysis.conventions import CONVENTIONS
from hubel.analysis.design import Design
from hubel.analysis.layers import rows_of
from hubel.analysis.recording.trace import Traceable, trace
from hubel.analysis.tables import VIEWS, condensed, markdown, text
from hubel.errors import DesignError, RecipeError
from hubel.models.notation import NotationError, build
from tests.analysis.networks import PROBES, Probe, SelfAttention, same, traces

LENET = "conv5x5(6, valid) tanh avgpool2 conv5x5(16, valid) tanh avgpool2 flatten fc(120) tanh fc(84) tanh fc"  # noqa: E501
RESIDUAL = "conv3x3(8) bn relu [residual(conv3x3(8) bn relu conv3x3(8) bn) relu]*3 gap fc(5)"
VIT = "patch4(24) classtoken positions [residual(norm attention(3)) residual(norm fc(48) gelu fc(24))]*2 norm first fc"  # noqa: E501
LINES = {"lenet": (LENET, (1, 32, 32)), "residual": (RESIDUAL, (3, 16, 16)),
         "vit": (VIT, (3, 16, 16)), "signal": ("conv5(8) relu maxpool2 gap fc", (2, 40)),
         "volume": ("conv3(4) relu maxpool2 flatten fc", (1, 8, 9, 10))}  # fmt: skip
KEYS = {"name", "op", "output", "output_formula", "parameters", "multiply_adds", "receptive_field"}


@cache
def found(name: str) -> Design:
    line, shape = LINES[name]
    return hubel.design(line, shape, num_classes=7)


every_line = pytest.mark.parametrize("name", LINES)


@every_line
def test_layers_add_up_to_the_total(name: str) -> None:
    design = found(name)
    for what in ("parameters", "multiply_adds", "flops", "bytes_moved", "backward_multiply_adds"):
        whole = getattr(design.total, what)
        assert sum(getattr(layer, what) for layer in design.layers) == whole, what


@every_line
def test_shapes_are_those_of_the_module_that_the_line_builds(name: str) -> None:
    line, shape = LINES[name]
    module = build(line, shape, 7).eval()
    real: dict[str, tuple[int, ...]] = {}
    for path, part in module.named_modules():
        part.register_forward_hook(
            lambda _m, _i, out, path=path: real.update({path: out.shape[1:]})
        )
    module(torch.zeros(1, *shape))
    modules = [layer for layer in found(name).layers if layer.name in real]
    assert len(modules) > 4
    assert {layer.name: layer.output for layer in modules} == {
        layer.name: tuple(real[layer.name]) for layer in modules
    }


@every_line
def test_a_line_its_module_and_a_batch_say_the_same(name: str) -> None:
    line, shape = LINES[name]
    asked = hubel.design(build(line, shape, 7), shape, sizes=False)
    once = found(name)
    assert asked.total == once.total
    assert [layer.to_json() for layer in asked.layers] == [x.to_json() for x in once.layers]
    five = hubel.design(line, shape, num_classes=7, batch=5, formulas=False, sizes=False).total
    assert five.multiply_adds == 5 * once.total.multiply_adds
    assert five.backward_multiply_adds == 5 * once.total.backward_multiply_adds
    assert five.parameters == once.total.parameters
    assert five.saved_bytes > 4 * once.total.saved_bytes


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES.keys())
def test_every_operator_is_in_one_row_and_every_parameter_in_one(probe: Probe) -> None:
    graph, _ = trace(Traceable.of(probe.module()), probe.shape)
    rows = rows_of(graph)
    assert sorted(op.index for row in rows for op in row.operators) == list(
        range(len(graph.operators))
    )
    held = [path for row in rows for path in row.parameters.values()]
    assert sorted(held) == sorted(graph.parameters.values())
    assert len({row.name for row in rows}) == len(rows)


def test_a_module_that_runs_twice_has_two_rows_and_one_set_of_parameters() -> None:
    design = hubel.design(PROBES["the same conv three times"].module(), (3, 16, 16), sizes=False)
    assert [(layer.name, layer.parameters) for layer in design.layers] == [
        ("conv", 81),
        ("conv#2", 0),
        ("conv#3", 0),
    ]


@every_line
def test_the_document_is_json_with_the_promised_keys(name: str) -> None:
    document = json.loads(json.dumps(found(name).to_json(), allow_nan=False))
    assert all(layer.keys() >= KEYS for layer in document["layers"])
    assert document["total"].keys() >= {"parameters", "multiply_adds", "saved_bytes"}
    spatial = [layer["receptive_field"] for layer in document["layers"]]
    assert all(field.keys() >= {"size", "stride", "start", "kind"} for field in spatial)


@every_line
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("show", [text, markdown])
def test_every_view_names_every_layer(name: str, view: str, show: object) -> None:
    shown = show(found(name), view, 0)  # type: ignore[operator]
    assert all(layer.name[-27:] in shown for layer in found(name).layers)
    if show is text and view == "cost":
        assert max(map(len, shown.splitlines()[2:])) <= 80


@pytest.mark.parametrize("depth", [0, 1, 2, None])
def test_condensed_rows_lose_nothing(depth: int | None) -> None:
    layers = found("residual").layers
    rows = condensed(layers, depth)
    for what in ("parameters", "multiply_adds", "flops", "bytes_moved", "saved_bytes"):
        assert sum(getattr(x, what) for x in rows) == sum(getattr(x, what) for x in layers)
    assert rows[-1].output == layers[-1].output


def test_a_design_shows_itself() -> None:
    design = found("lenet")
    assert "61,496" not in str(design)
    assert "multiply-adds  416,268" in str(design)  # 7 classes: 3 x 84 fewer than with 10
    assert "| conv1 | 6x28x28 | 156 |" in design._repr_markdown_()


def test_side_by_side_has_a_column_each() -> None:
    shown = side_by_side([found("lenet"), found("vit")])
    assert "1x32x32" in shown
    assert "3x16x16" in shown
    rows = side_by_side([found("lenet"), found("vit")], as_markdown=True).splitlines()[:15]
    assert {row.count("|") for row in rows} == {4}


@pytest.mark.parametrize("name", CONVENTIONS)
def test_the_convention_is_part_of_the_answer(name: str) -> None:
    line, shape = LINES["residual"]
    design = hubel.design(line, shape, convention=name, formulas=False, sizes=False)
    assert design.convention == CONVENTIONS[name]
    assert sum(layer.multiply_adds for layer in design.layers) == design.total.multiply_adds
    assert design.total.flops == found("residual").total.flops
    assert CONVENTIONS[name].meaning in " ".join(str(design).split())


def test_a_network_that_can_not_train_on_one_sample_says_so() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 8), nn.BatchNorm2d(4), nn.Flatten())
    design = hubel.design(module, (3, 8, 8), formulas=False, sizes=False)
    assert design.notes == ("a batch of 1 can't be trained (batch normalisation of one value)",)
    assert design.total.training_peak_bytes is None
    two = hubel.design(module, (3, 8, 8), batch=2, formulas=False, sizes=False)
    three = hubel.design(module, (3, 8, 8), batch=3, formulas=False, sizes=False)
    per_sample = three.total.saved_bytes - two.total.saved_bytes
    assert design.total.saved_bytes == two.total.saved_bytes - per_sample


@pytest.mark.parametrize("wrong", [False, True], ids=["success", "failure"])
def test_asking_leaves_the_module_as_it_was(wrong: bool) -> None:
    module = nn.Sequential(nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64), nn.Flatten(), nn.Linear(9, 2))
    attention = SelfAttention()
    before = traces(module.train())
    if wrong:
        with pytest.raises(DesignError, match="3"):
            hubel.design(module, (3, 16, 16))
    else:
        hubel.design(module[:2], (3, 16, 16))
        hubel.design(attention, (10, 64), sizes=False)
    assert same(before, traces(module))


@pytest.mark.parametrize(
    ("network", "shape", "error", "match"),
    [
        ("conv3x3(8) relu gap fc", (0, 8, 8), DesignError, "whole numbers of at least 1, as"),
        ("conv3x3(8) relu gap fc", "3x8x8", DesignError, "got '3x8x8'"),
        ("conv3x3(8) relu gap fc", (3, 8.0, 8), DesignError, "whole numbers of at least 1, as"),
        ("flatten fc", (), DesignError, r"got \(\)"),
        (None, (3, 8, 8), DesignError, "expected a module, a line of notation or a name, got None"),
        (nn.Flatten, (3, 8, 8), DesignError, r"got Flatten; make one: Flatten\(\.\.\.\)"),
        ("resnet81", None, RecipeError, "Did you mean 'resnet18'"),
        ("conv3x3(8) fc", (3, 8, 8), NotationError, "write flatten or gap"),
        ("convnet", (3, 8, 8, 8), DesignError, "expected channels, height and width"),
    ],
)
def test_what_is_wrong_is_said(
    network: Any, shape: Any, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        hubel.design(network, shape)


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"batchs": 2}, "design takes no 'batchs'; did you mean batch?"),
        ({"batch": 1.5}, "whole number of at least 1, got 1.5"),
        ({"num_classes": 0}, "num_classes: expected at least 1, got 0"),
    ],
)
def test_questions_that_make_no_sense_are_refused(asked: dict[str, Any], match: str) -> None:
    with pytest.raises(DesignError, match=re.escape(match)):
        hubel.design("flatten fc", (3, 8, 8), **asked)


@pytest.mark.parametrize("asked", [{"num_classes": 7}, {"init": "zeros"}])
def test_what_a_made_module_can_not_follow_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(DesignError, match="has no effect on a module, which is made already"):
        hubel.design(nn.Flatten(), (3, 8, 8), **asked)


def test_filters_that_start_equal_are_told_of_a_module_and_of_a_line() -> None:
    line = "conv3x3(4) relu conv3x3(4) relu gap fc"
    module = build(line, (3, 8, 8), 10)
    assert not equal_filters(hubel.design(module, (3, 8, 8)))
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    assert equal_filters(hubel.design(module, (3, 8, 8)))
    assert equal_filters(hubel.design(line, (3, 8, 8), init="zeros"))


def equal_filters(design: Design) -> list[str]:
    told = map(str, design.advice)
    return [text for text in told if "start equal" in text or "identical" in text]


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(DesignError, match="batch: expected a whole number of at least 1, got 0"):
        hubel.design("flatten fc", (3, 8, 8), batch=0)
