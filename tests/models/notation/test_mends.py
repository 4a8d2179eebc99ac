"""A mend that an error proposes, applied to that token, makes that word pass at that input."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hubel.models.notation import NotationError, check, parse
from hubel.models.notation.mends import changed
from hubel.models.notation.tree import Network, Value, Word

Shape = tuple[int, ...]

NUMBERS = {
    r"pad by ([\dx]+)": "pad",
    r"use at most pad=([\dx]+)": "pad",
    r"use a pad of at most ([\dx]+)": "pad",
    r"kernel of at most ([\dx]+)": "kernel",
    r"use patches of at most ([\dx]+)": "kernel",
    r"use taps=(\d+)": "taps",
    r"use at most ([\dx]+)$": "outpad",
    r"use groups=(\d+)": "groups",
    r"use groups=\d+ or (\d+)": "groups",
    r"use (\d+)(?: or \d+)? groups": "groups",
    r"use \d+ or (\d+) groups": "groups",
    r"use (\d+)(?: or \d+)? heads": "heads",
    r"use \d+ or (\d+) heads": "heads",
}


def refused(line: str, shape: Shape) -> NotationError | None:
    try:
        check(line, shape, 10)
    except NotationError as error:
        return error
    return None


def value(name: str, text: str) -> Value:
    sides = tuple(int(side) for side in text.split("x"))
    return sides if name in ("pad", "kernel", "outpad") else sides[0]


def mended(word: Word, mend: str) -> Iterator[str]:
    """The word by each of the mends that an error proposes."""
    for pattern, name in NUMBERS.items():
        for found in re.finditer(pattern, mend):
            yield str(changed(word, name, value(name, found[1])))
    for inside in re.findall(r"write (.*?) before it", mend):
        yield from (f"{before} {word}" for before in inside.split(" or "))
    for shortcut in re.findall(r"`\| ([^`]*)`", mend):
        body = word.bodies[0]
        if re.search(rf"drop `valid` and add a shortcut `\| {re.escape(shortcut)}`", mend):
            body = same(body)
        yield str(replace(word, bodies=(body, parse(shortcut))))
    if re.search(r"drop `valid`(?! and)", mend):
        yield str(replace(word, bodies=(same(word.bodies[0]), *word.bodies[1:])))
    if "leave it out here" in mend:
        yield "identity"


def same(body: Network) -> Network:
    return parse(re.sub(r", valid|valid, |\(valid\)", "", str(body)))


def assert_mends(word: str, shape: Shape, before: str = "") -> None:
    error = refused(f"{before}{word}", shape)
    if error is None:
        return
    (item,) = parse(word).items
    assert isinstance(item, Word)
    lines = list(mended(item, error.mend))
    assert lines or not error.mend or error.mend.startswith("put it before"), error.mend
    for line in lines:
        again = refused(f"{before}{line}", shape)
        assert again is None, f"{error}\n{line}: {again}"


AXES = st.shared(st.integers(1, 3), key="axes")


def an_axis(low: int, high: int) -> st.SearchStrategy[str]:
    one = st.integers(low, high)
    each = AXES.flatmap(lambda axes: st.lists(one, min_size=axes, max_size=axes))
    return st.just(one).flatmap(lambda one: one.map(str)) | each.map(
        lambda sides: "x".join(map(str, sides))
    )


def options(*strategies: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Arguments in brackets, each of them now and then."""
    some = st.tuples(*(st.just("") | one for one in strategies))
    return some.map(lambda found: ", ".join(filter(None, found)))


DILATION = an_axis(1, 4).map("dilation={}".format)
PAD = an_axis(0, 5).map("pad={}".format)
STRIDE = st.just("") | an_axis(1, 4).map("/{}".format)
CEIL = st.just("ceil=yes")
TAPS = st.integers(2, 9).map("taps={}".format)
WINDOWS = {
    "conv": options(DILATION, PAD | st.just("valid")).map("8, {}".format),
    "dwconv": options(DILATION, PAD | st.just("valid")),
    "maxpool": options(DILATION, PAD, CEIL),
    "avgpool": options(PAD, CEIL),
    "maxblurpool": options(TAPS, PAD),
    "tconv": options(DILATION, PAD, an_axis(0, 4).map("outpad={}".format)).map("8, {}".format),
}
SHAPES = AXES.flatmap(lambda axes: st.tuples(st.just(3), *[st.integers(1, 9)] * axes))


@st.composite
def windows(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from(list(WINDOWS)))
    arguments = draw(WINDOWS[name]).rstrip(", ")
    brackets = f"({arguments})" if arguments else ""
    return f"{name}{draw(an_axis(1, 12))}{draw(STRIDE)}{brackets}"


@settings(max_examples=300, deadline=None)
@given(word=windows(), shape=SHAPES)
def test_every_mend_of_a_window_works(word: str, shape: Shape) -> None:
    assume(refused(word, shape))
    assert_mends(word, shape)


def test_the_arithmetic_is_that_of_the_axis_that_needs_most() -> None:
    error = refused("conv11x11(8, valid)", (3, 9, 5))
    assert error is not None
    assert error.message == "conv11x11 valid on 9x5: 5 - 11 + 1 = -5"


SUM = re.compile(r"(?P<sum>(?:floor|ceil)?[\d(][^:;]*?) = (?P<count>-?\d+)(?:;|\n)")


@settings(max_examples=100, deadline=None)
@given(word=windows(), shape=SHAPES)
def test_the_arithmetic_of_a_window_is_that_of_an_axis_that_fails(word: str, shape: Shape) -> None:
    error = refused(word, shape)
    found = SUM.search(f"{error}")
    assume(error is not None and found is not None)
    assert found is not None
    text = re.sub(r"(floor|ceil)\((.*) / (\d+)\)", r"\1(\2, \3)", found["sum"])
    rules = {"floor": lambda a, b: a // b, "ceil": lambda a, b: -(-a // b)}
    assert eval(text, rules) == int(found["count"]) < 1


@settings(max_examples=150, deadline=None)
@given(kernel=an_axis(1, 12), shape=SHAPES, taps=st.integers(2, 9))
@pytest.mark.parametrize("word", ["patch{kernel}(8)", "blurpool{kernel}({taps})"])
def test_every_mend_of_patches_and_filters_works(
    word: str, kernel: str, shape: Shape, taps: int
) -> None:
    assert_mends(word.format(kernel=kernel, taps=taps), shape)


@settings(max_examples=150, deadline=None)
@given(channels=st.integers(1, 40), parts=st.integers(1, 45), given_=st.integers(1, 40))
@pytest.mark.parametrize(
    ("before", "word"),
    [
        ("conv1({channels}) ", "conv3({given_}, groups={parts})"),
        ("conv1({channels}) ", "conv5({given_}, groups={parts}, valid)"),
        ("conv1({channels}) ", "tconv3({given_}, groups={parts}, pad=3)"),
        ("conv1({channels}) ", "gn({parts})"),
        ("conv1({channels}) tokens ", "attention({parts})"),
    ],
)
def test_every_mend_of_groups_and_heads_works(
    before: str, word: str, channels: int, parts: int, given_: int
) -> None:
    numbers = {"channels": channels, "parts": parts, "given_": given_}
    assert_mends(word.format(**numbers), (3, 4), before.format(**numbers))


@pytest.mark.parametrize("shape", [(3, 9), (4, 32, 32), (5, 9, 40)])
@pytest.mark.parametrize(
    ("before", "word"),
    [
        ("", "attention(3)"),
        ("", "attention(5)"),
        ("", "grid"),
        ("", "classtoken"),
        ("", "seqpool"),
        ("", "fc(5)"),
        ("tokens ", "conv3(4)"),
        ("tokens classtoken ", "conv3(4)"),
    ],
)
def test_every_word_that_is_proposed_before_another_works(
    before: str, word: str, shape: Shape
) -> None:
    assert_mends(word, shape, before)


MENDS: list[tuple[str, Shape, str]] = [
    ("conv7x7(8, valid)", (3, 5, 5), "pad by 1 or use a kernel of at most 5"),
    ("conv11x11(8, valid)", (3, 9, 5), "pad by 3 or use a kernel of at most 5"),
    ("conv3x11(8, valid)", (3, 9, 5), "pad by 3 or use a kernel of at most 3x5"),
    ("maxpool12/1(dilation=3)", (3, 9, 9), "use a kernel of at most 3"),
    ("maxpool3x11/1", (3, 9, 7), "pad by 0x2 or use a kernel of at most 3x7"),
    ("maxblurpool10x3/3", (3, 2, 8), "pad by 5x0 or use a kernel of at most 1x3"),
    ("maxblurpool10/2", (3, 5, 5), "pad by 3 or use a kernel of at most 4"),
    ("maxblurpool5/2", (3, 5, 5), "pad by 1 or use a kernel of at most 4"),
    ("maxpool3x9(pad=4x5)", (3, 9, 9), "use at most pad=1x4"),
    ("maxpool5x9(pad=4)", (3, 9, 9), "use at most pad=2"),
    ("maxpool4(pad=3, dilation=5)", (3, 3, 3), ""),
    ("patch16x4(8)", (3, 9, 9), "use patches of at most 9x4"),
    ("patch16(8)", (3, 9, 5), "use patches of at most 5"),
    ("attention(3)", (3, 9, 40), "write tokens before it"),
    ("conv3(8, groups=2)", (3, 9), "use groups=1"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "shape", "mend"), MENDS)
def test_a_mend_holds_on_every_axis(word: str, shape: Shape, mend: str) -> None:
    error = refused(word, shape)
    assert error is not None
    assert error.mend == mend


BODIES = st.sampled_from([
    "conv3x3(8, valid)", "conv3x3(3, valid)", "conv5x5(8, bias=no, valid)", "conv5x5/2(8)",
    "conv3x3/3(8)", "maxpool2", "maxpool3/1", "conv3x3/2(8, valid)", "blurpool2", "relu",
    "avgpool3/2(pad=1)", "conv1x1(7)", "adaptiveavgpool4", "conv4x4(3, valid)", "tconv2x2/2(8)",
    "tconv3x3/2(4)", "[conv3x3(3, valid) relu]*2", "residual(conv3(3) | conv1x1(3)) maxpool2",
    "branches(conv3x3(2, valid) | conv3(5, valid))", "conv3x3/2x1(8)",
])  # fmt: skip
SHORTCUTS = st.sampled_from(["", "", "", " | conv1x1(8)", " | conv1x1/2(8)", " | identity"])


@settings(max_examples=150, deadline=None)
@given(
    body=st.lists(BODIES, min_size=1, max_size=3).map(" ".join),
    shortcut=SHORTCUTS,
    sides=st.tuples(st.integers(8, 33), st.integers(8, 33)),
)
def test_every_mend_of_a_residual_works(body: str, shortcut: str, sides: Shape) -> None:
    error = refused(f"residual({body}{shortcut})", (3, *sides))
    assume(error is not None and error.position == 0)
    assert_mends(f"residual({body}{shortcut})", (3, *sides))


ENDS = [" gap", " gap fc(5)", " tokens", " tokens fc(5)", " flatten fc(6)"]


@pytest.mark.parametrize("end", ENDS)
def test_a_residual_out_of_the_grid_has_a_mend_that_works_or_says_what_is_given(end: str) -> None:
    error = refused(f"residual(conv3(8){end})", (3, 8, 9))
    assert error is not None
    if error.mend.startswith("add a shortcut that gives"):
        return
    assert_mends(f"residual(conv3(8){end})", (3, 8, 9))


RESIDUALS: list[tuple[str, Shape, str]] = [
    ("conv3x3(8, valid)", (3, 32, 32), "add a shortcut `| conv3x3(8, valid)`, or drop `valid` and "
     "add a shortcut `| conv1x1(8)`"),
    ("conv3x3(3, valid)", (3, 32, 32), "add a shortcut `| conv3x3(3, valid)`, or drop `valid`"),
    ("maxpool2", (3, 33, 33), "add a shortcut `| avgpool2`"),
    ("conv3(8) maxpool2", (3, 33, 35), "add a shortcut `| avgpool2 conv1x1(8)`"),
    ("conv3(8) maxpool2", (3, 32, 32), "add a shortcut `| conv1x1/2(8)`"),
    ("tconv3x3/2(8)", (3, 8, 8), "add a shortcut `| adaptiveavgpool17 conv1x1(8)`"),
    ("conv3(8) gap", (3, 8, 8), "add a shortcut `| gap fc(8)`"),
    ("patch4(8)", (3, 8, 8), "add a shortcut that gives 4 tokens of 8"),
    ("conv3/2(8) | conv1x1(8)", (3, 8, 8), "make them equal: the two are added, or replace the "
     "shortcut by `| conv1x1/2(8)`"),
]  # fmt: skip


@pytest.mark.parametrize(("inside", "shape", "mend"), RESIDUALS)
def test_a_residual_is_told_what_would_make_its_sides_equal(
    inside: str, shape: Shape, mend: str
) -> None:
    error = refused(f"residual({inside})", shape)
    assert error is not None
    assert error.mend == mend


def test_residuals_within_each_other_are_told_their_mend_once() -> None:
    """A trial asks for no mends of its own: depth would multiply them."""
    line = "residual(" * 40 + "conv3x3(8, valid)" + ")" * 40
    error = refused(line, (3, 99, 99))
    assert error is not None
    assert error.mend.startswith("add a shortcut `| conv3x3(8, valid)`")
