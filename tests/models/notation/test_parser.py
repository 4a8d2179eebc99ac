"""Laws of reading and printing: parse, print, parse is the identity; one spelling a meaning."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
from hypothesis import given, settings

from hubel.models.notation import parse, print_line
from hubel.models.notation.tree import Argument, Group, Network, Span, Word
from tests.models.notation.lines import networks, trees

EXAMPLES = {
    "LeNet-5": "conv5x5(6) tanh avgpool2 conv5x5(16) tanh avgpool2 "
    "flatten fc(120) tanh fc(84) tanh fc",
    "plain": "[conv3x3(64) bn relu]*2 maxpool2 [conv3x3(128) bn relu]*2 maxpool2 gap fc",
    "residual": "conv3x3(64) bn relu [residual(conv3x3(64) bn relu conv3x3(64) bn) relu]*3 gap fc",
    "ViT": "patch4(192) positions [residual(norm attention(3)) "
    "residual(norm fc(768) gelu fc(192))]*9 norm gap fc",
}


@settings(max_examples=200, deadline=None)
@given(tree=trees())
def test_parse_of_print_is_the_identity_on_random_trees(tree: Network) -> None:
    line = print_line(tree)
    assert parse(line) == tree
    assert print_line(parse(line)) == line


@settings(max_examples=50, deadline=None)
@given(network=networks())
def test_a_line_means_the_same_after_printing(network: tuple[str, tuple[int, ...]]) -> None:
    tree = parse(network[0])
    assert parse(str(tree)) == tree


@pytest.mark.parametrize("line", EXAMPLES.values(), ids=EXAMPLES)
def test_the_designs_own_lines_print_back_to_themselves(line: str) -> None:
    assert str(parse(line)) == line


@pytest.mark.parametrize(
    ("written", "spelling"),
    [
        ("conv3x3( 64 ,bias=no,  groups=2 )", "conv3x3(64, groups=2, bias=no)"),
        ("conv3(channels=64, pad=valid)", "conv3(64, valid)"),
        ("conv3(64, same)", "conv3(64, same)"),
        ("conv3x3(64, pad=1x0)", "conv3x3(64, pad=1x0)"),
        ("[ relu ] *3\tgap\n fc ", "[relu]*3 gap fc"),
        ("relu*1 [gelu]*1", "relu [gelu]"),
        ("scale(0.000001) dropout(.50)", "scale(1e-6) dropout(0.5)"),
        ("residual(conv3(8)|identity)", "residual(conv3(8) | identity)"),
        ("fc() bn()", "fc bn"),
        ("se(reduction=8) se(4, gate=hardsigmoid)", "se(reduction=8) se(4, gate=hardsigmoid)"),
        ("relu6 relu6*2", "relu6 relu6*2"),
        ("conv007(08)", "conv7(8)"),
    ],
)
def test_there_is_one_spelling(written: str, spelling: str) -> None:
    assert str(parse(written)) == spelling
    assert parse(spelling) == parse(written)


def test_a_tree_holds_types_and_places() -> None:
    line = "relu [conv3x5/2(64, groups=4)]*2"
    assert parse(line) == Network(
        (
            Word("relu"),
            Group(
                Network(
                    (Word("conv", (3, 5), (2,), (Argument("channels", 64), Argument("groups", 4))),)
                ),
                times=2,
            ),
        )
    )
    group = parse(line).items[1]
    assert isinstance(group, Group)
    word = group.body.items[0]
    assert isinstance(word, Word)
    assert (group.span, word.span) == (Span(5, 30), Span(6, 29))
    assert word.arguments[1].span == Span(20, 28)


def test_trees_are_frozen_and_equal_by_meaning_alone() -> None:
    tree = parse("relu   gap")
    assert tree == parse("relu gap")
    assert hash(tree) == hash(parse("relu gap"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        tree.line = ""  # type: ignore[misc]


def test_reading_and_checking_need_no_torch() -> None:
    code = (
        "import sys; from hubel.models.notation import parse, check, smallest_side, fixed_size;"
        "check('conv3x3(8) gap fc', (3, 8, 8)); print({'torch', 'numpy'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
