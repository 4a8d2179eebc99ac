"""What each error says, and that its mend does mend."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hubel.errors import RecipeError
from hubel.models.notation import NotationError, check, parse

Shape = tuple[int, ...]

UNREADABLE = [
    ("", "the line is empty; write words such as: gap fc", ""),
    ("conv3x3(64) relu€", "'€' has no meaning here; words are separated by spaces", "€"),
    ("relu\x00", r"U\+0000 has no meaning here", "\x00"),
    ("konv3x3(64)", "there is no word 'konv'; did you mean conv?", "konv3x3"),
    ("zebra", "there is no word 'zebra'; the words are conv, dwconv, ", "zebra"),
    ("conv(64)", r"conv needs a kernel right after its name; such as conv3x3/2\(64", "conv"),
    ("relu3", "there is no word 'relu3'|relu takes no kernel; write relu", "relu3"),
    ("conv3x(64)", "'3x' is not a number of sides such as 3 or 3x5", "3x"),
    ("conv3x3x3x3(4)", "3x3x3x3 has 4 sides; there are 1 to 3 axes", "3x3x3x3"),
    ("conv0(4)", "0 must be at least 1 on each axis", "0"),
    ("conv3/0(4)", "0 must be at least 1 on each axis", "0"),
    ("conv3/(4)", "'/' needs a stride right after it; such as /2", "/"),
    ("relu/2", "relu takes no stride", "/"),
    ("conv3x3/2/2(8)", "conv has a stride before it: there is one; leave it out; one an", "/2"),
    ("conv3x3/2/(8)", "conv has a stride before it: there is one; leave it out", "/"),
    ("maxpool3/2/2", "maxpool has a stride before it: there is one; leave it out", "/2"),
    ("conv3x3 (64)", r"a space before '\('; leave it out", "("),
    ("conv3x3(64)relu", "a space is missing before 'relu'", "relu"),
    ("conv3x3(64", r"'\(' is not closed; add '\)'", "("),
    ("residual(relu", r"'\(' is not closed; add '\)'", "("),
    ("[relu gap", r"'\[' is not closed; add '\]'", "["),
    ("[relu)", r"'\)' where '\[' should be closed; write '\]'", ")"),
    ("relu]", "there is no bracket that ']' belongs to", "]"),
    ("relu | gap", r"there is no bracket that '\|' belongs to", "|"),
    ("[]", "a word should stand here, not ']'", "]"),
    ("residual(relu | )", r"a word should stand here, not '\)'", ")"),
    ("3 relu", "a word should stand here, not '3'", "3"),
    ("relu*", r"'\*' needs how often; such as \*2", "*"),
    ("relu*0", "'0' can't be how often: a whole number of at least 1", "0"),
    ("relu*2.5", "'2.5' can't be how often", "2.5"),
    ("[relu]*99999999999", "99999999999 is too large; at most 10,000", "99999999999"),
    ("relu*10001", "10001 is too large; at most 10,000", "10001"),
    ("relu*00", "'00' can't be how often: a whole number of at least 1", "00"),
    ("[[relu]*5000]*5000", "the line stands for more than 10,000 words; repeat", "[[relu]*5000]"),
    ("[" * 51 + "relu" + "]" * 51, "more than 50 brackets within each other", "["),
    ("residual", "residual needs a network in brackets; such as residual", "residual"),
    ("branches(relu)", "branches takes 2 to 64 networks, not 1; separate them by '|'", "branches"),
    ("residual(relu | relu | relu)", "residual takes 1 to 2 networks, not 3", "residual"),
    ("conv3x3()", r"conv needs its channels \(filters\); such as conv3x3/2", "conv3x3()"),
    ("conv3x3(64, 4)", "conv takes only channels by position; name it, such as groups=4", "4"),
    ("bn(3)", "bn takes nothing by position; name it, such as eps=3", "3"),
    ("fc(120, 3)", "fc takes only width by position; name it, such as bias=3", "3"),
    ("conv3x3(64, gruops=2)", "conv doesn't take 'gruops'; did you mean groups?", "gruops"),
    ("conv3x3(64, zzz=2)", "conv doesn't take 'zzz'; it takes channels, groups, dilation", "zzz"),
    ("conv3x3(64, vlid)", "conv doesn't take 'vlid'; did you mean valid?", "vlid"),
    ("conv3x3(8, stride=2)", r"stands after a slash: conv3x3/2\(8\)\n", "stride=2"),
    ("conv3/1(8, strides=2x1, valid)", r"slash: conv3/2x1\(8, valid\)\n", "strides=2x1"),
    ("maxpool3(stride=2)", "maxpool doesn't take 'stride'; a .*: maxpool3/2\n", "stride=2"),
    ("conv3(8, stride=two)", "a stride stands after a slash\n", "stride=two"),
    ("relu(3)", "relu takes nothing by position; leave it out", "3"),
    ("relu(a=3)", "relu doesn't take 'a'; it takes nothing", "a"),
    ("conv3x3(64, groups=2, groups=4)", "groups is given twice; keep one", "groups=4"),
    ("conv3x3(64, valid, pad=1)", "pad is given twice; keep one", "pad=1"),
    ("se(4, reduction=2)", "se takes either hidden or reduction; keep one", "reduction=2"),
    ("conv3x3(64 groups=2)", r"',' or '\)' should stand here, not 'groups'", "groups"),
    ("conv3x3(64, =2)", "a value should stand here, not '='", "="),
    ("conv3x3(64, 2=2)", "a name should stand before '='", "2"),
    ("conv3x3(64.5)", "channels is a whole number; '64.5' is not", "64.5"),
    ("conv3x3(0)", "channels is at least 1; 0 is not", "0"),
    ("fc(99999999)", "99999999 is too large; at most 1,000,000", "99999999"),
    ("dropout(1.5)", "p is from 0 to 1; 1.5 is not", "1.5"),
    ("dropout(x)", "dropout doesn't take 'x'; it takes p|did you mean p", "x"),
    ("scale(1e999)", "start is a finite number; 1e999 is not", "1e999"),
    ("dropout(p=no)", "p is a number; 'no' is not", "no"),
    ("conv3(8, bias=maybe)", "bias can't be 'maybe'; it is yes or no", "maybe"),
    ("conv3(8, init=kaimin)", "init can't be 'kaimin'; did you mean kaiming?", "kaimin"),
    ("conv3(8, pad=some)", "pad can't be 'some'; did you mean same?", "some"),
    ("maxpool2(pad=same)", "'same' is not a number of sides", "same"),
]  # fmt: skip


def pointed_at(error: NotationError) -> str:
    return error.line[error.position : error.position + error.length]


@pytest.mark.parametrize(("line", "message", "part"), UNREADABLE)
def test_a_line_that_cannot_be_read_says_why_and_where(line: str, message: str, part: str) -> None:
    with pytest.raises(NotationError, match=message) as caught:
        parse(line)
    assert pointed_at(caught.value) == part


CIFAR = (3, 32, 32)
MISFITS: list[tuple[str, Shape, str, str]] = [
    ("relu conv7x7(8, valid)", (3, 5, 5),
     r"^conv7x7 valid on 5x5: 5 - 7 \+ 1 = -1; pad by 1 or use a kernel of at most 5\n",
     "conv7x7(8, valid)"),
    ("conv7x7/2(8, pad=1)", (3, 4, 9),
     r"conv7x7/2 pad=1 on 4x9: floor\(\(4 \+ 2\*1 - 7\) / 2\) \+ 1 = 0; "
     "pad by 2 or use a kernel of at most 6", "conv7x7/2(8, pad=1)"),
    ("conv3(8, valid, dilation=4)", (3, 8),
     r"conv3 valid on 8: 8 - \(4\*\(3 - 1\) \+ 1\) \+ 1 = 0; pad by 1 or use a kernel of at most 2",
     "conv3(8, valid, dilation=4)"),
    ("[maxpool2]*6", CIFAR,
     r"maxpool2 on 1x1: floor\(\(1 - 2\) / 2\) \+ 1 = 0; pad by 1, leave it out here, or give a la",
     "maxpool2"),
    ("maxpool3(pad=2)", CIFAR,
     "maxpool3 pad=2: a border of 2 is more than half of the kernel's 3; use at most pad=1",
     "maxpool3(pad=2)"),
    ("conv3x5(8)", (3, 8, 8, 8),
     "conv: the kernel 3x5 has 2 sides, but there are 3 axes here; give one number for all",
     "conv3x5(8)"),
    ("conv3(8, dilation=1x2)", (3, 8), "conv: the dilation 1x2 has 2 sides, but there is 1 axis",
     "conv3(8, dilation=1x2)"),
    ("conv3(8, groups=2)", CIFAR,
     "conv takes 3 channels, which groups=2 doesn't divide: 3 / 2 = 1.5; use groups=1",
     "conv3(8, groups=2)"),
    ("conv3(64, groups=5)", (10, 8),
     "conv gives 64 channels, which groups=5 doesn't divide: 64 / 5 = 12.8; use groups=2",
     "conv3(64, groups=5)"),
    ("conv3(64, groups=3)", (64, 8), "use groups=2 or 4", "conv3(64, groups=3)"),
    ("gn(4)", (6, 8), "gn: 6 channels in 4 groups: 6 / 4 = 1.5 is not whole; use 3 or 6 groups",
     "gn(4)"),
    ("patch4(192) attention(5)", CIFAR,
     "attention: 192 channels in 5 heads: 192 / 5 = 38.4 is not whole; use 4 or 6 heads",
     "attention(5)"),
    ("tconv3/2(8, outpad=2)", (3, 8),
     "tconv3/2: outpad=2 is not below its stride or dilation; use at most 1",
     "tconv3/2(8, outpad=2)"),
    ("tconv3(8, pad=3)", (3, 2), r"tconv3 pad=3 on 2: \(2 - 1\)\*1 - 2\*3 \+ 3 = -2; use a pad "
     "of at most 1", "tconv3(8, pad=3)"),
    ("blurpool2", (3, 1), "blurpool2 on 1: its border of 1 mirrors what is inside, which needs "
     "sides of at least 2; leave it out here", "blurpool2"),
    ("blurpool2(5)", (3, 2), "needs sides of at least 3; use taps=3", "blurpool2(5)"),
    ("patch16(8)", (3, 9, 40), r"patch16 on 9x40: floor\(9 / 16\) = 0; use patches of at most 9",
     "patch16(8)"),
    ("residual(conv3x3/2(128))", (64, 16, 16),
     r"residual: the body changes the shape 64x16x16 -> 128x8x8; add a shortcut "
     r"`\| conv1x1/2\(128\)`", "residual(conv3x3/2(128))"),
    ("residual(conv3x3(128))", (64, 16, 16), r"add a shortcut `\| conv1x1\(128\)`",
     "residual(conv3x3(128))"),
    ("residual(conv3/1x2(4))", (4, 8, 8), r"add a shortcut `\| conv1x1/1x2\(4\)`",
     "residual(conv3/1x2(4))"),
    ("residual(tconv2/2(4))", (4, 8), r"add a shortcut `\| tconv2/2\(4\)`",
     "residual(tconv2/2(4))"),
    ("gap residual(fc(5))", (4, 8), r"4 features -> 5 features; add a shortcut `\| fc\(5\)`",
     "residual(fc(5))"),
    ("tokens residual(fc(5))", (4, 8), r"8 tokens of 4 -> 8 tokens of 5; add a shortcut `\| fc\(5",
     "residual(fc(5))"),
    ("residual(conv3/2(8) | conv1(8))", (4, 8),
     "residual: the body gives 8x4, the shortcut 8x8; make them equal: the two are added, or "
     r"replace the shortcut by `\| conv1x1/2\(8\)`",
     "residual(conv3/2(8) | conv1(8))"),
    ("branches(conv1(2) | conv3(2) | maxpool2)", (4, 8),
     "branches: branch 1 gives 2x8, branch 3 gives 4x4; they may differ in their channels alone",
     "branches(conv1(2) | conv3(2) | maxpool2)"),
    ("branches(gap | identity)", (4, 8), "branch 1 gives 4 features, branch 2 gives 4x8",
     "branches(gap | identity)"),
    ("conv3(8) fc", CIFAR, "fc works on a vector or tokens, but here is a grid 8x32x32; write "
     "flatten or gap before it", "fc"),
    ("gap conv3(4)", CIFAR, "conv works on a grid of channels and sides, but here is a vector of 3 "
     "features; put it before flatten or gap", "conv3(4)"),
    ("patch4(8) conv3(4)", CIFAR, "here is 64 tokens of 8; write grid before it", "conv3(4)"),
    ("attention(3)", CIFAR, r"attention works on tokens, but here is a grid 3x32x32; write "
     r"patch16\(384\) or tokens before it", "attention(3)"),
    ("gap first", CIFAR, "first works on tokens, but here is a vector of 3 features; put it before "
     "the tokens become a vector", "first"),
    ("gap positions", CIFAR, "positions works on tokens or a grid, but here is a vector",
     "positions"),
    ("gap gap", CIFAR, "gap works on a grid or tokens, but here is a vector of 3 features", "gap"),
    ("patch4(8) classtoken grid", CIFAR, "grid: 65 tokens of 8 with a class token among them are "
     "not a grid any more; leave classtoken out", "grid"),
    ("patch4(8) classtoken classtoken", CIFAR, "there is a class token already; keep one",
     "classtoken"),
    ("tokens bn", CIFAR, "bn works on a grid or a vector, but here are 1024 tokens of 3; use norm",
     "bn"),
    ("tokens gn(3)", CIFAR, "gn works on a grid or a vector, but here are 1024 tokens of 3; use no",
     "gn(3)"),
    ("avgpool2(pad=1)", (3, 1, 4, 4), "avgpool2 pad=1 on 1x4x4: on three axes the mean needs sides "
     "of at least its kernel 2x2x2; leave it out here, or give a larger input", "avgpool2(pad=1)"),
    ("in", (3, 1, 1), "in works over the positions of a channel, and 3x1x1 has only one; use norm",
     "in"),
    ("[tconv2/1000(1000)]*9", CIFAR, "more values than any machine holds", "tconv2/1000(1000)"),
    ("conv999(999999)", (999_999, 2, 2, 2), "conv would have .* weights: more values than any",
     "conv999(999999)"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "shape", "message", "part"), MISFITS)
def test_a_word_that_does_not_fit_says_why_and_where(
    line: str, shape: Shape, message: str, part: str
) -> None:
    with pytest.raises(NotationError, match=message) as caught:
        check(line, shape)
    assert pointed_at(caught.value) == part


def test_the_error_shows_the_line_and_a_caret_under_the_word() -> None:
    with pytest.raises(NotationError) as caught:
        check("conv3x3(8) relu [conv7x7(8, valid) relu]*2 gap fc", (3, 8, 8))
    assert str(caught.value).splitlines() == [
        "conv7x7 valid on 2x2: 2 - 7 + 1 = -4; pad by 3 or use a kernel of at most 2",
        "  conv3x3(8) relu [conv7x7(8, valid) relu]*2 gap fc",
        "                   ^^^^^^^^^^^^^^^^^",
    ]


@pytest.mark.parametrize("words_before", [0, 10, 30, 60])
def test_a_long_line_is_cut_to_a_window_around_the_caret(words_before: int) -> None:
    line = " ".join(["conv3x3(64)"] * words_before + ["konv"] + ["relu"] * (60 - words_before))
    with pytest.raises(NotationError) as caught:
        parse(line)
    _, shown, carets = str(caught.value).splitlines()
    assert len(shown) <= 104
    assert shown[carets.index("^") :].startswith("konv")
    assert carets.strip() == "^^^^"


def test_a_notation_error_is_a_recipe_error() -> None:
    with pytest.raises(RecipeError, match="there is no word"):
        parse("zebra")


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(["conv", "maxpool", "avgpool"]),
    kernel=st.integers(2, 9),
    side=st.integers(1, 6),
    stride=st.integers(1, 3),
    pad=st.integers(0, 1),
)
def test_the_pad_and_the_kernel_that_an_error_proposes_are_right_and_the_least(
    name: str, kernel: int, side: int, stride: int, pad: int
) -> None:
    def line(kernel: int, pad: int) -> str:
        channels = "4, " if name == "conv" else ""
        return f"{name}{kernel}/{stride}({channels}pad={pad})"

    def fits(kernel: int, pad: int) -> bool:
        try:
            check(line(kernel, pad), (1, side))
        except NotationError:
            return False
        return True

    assume(not fits(kernel, pad))
    with pytest.raises(NotationError) as caught:
        check(line(kernel, pad), (1, side))
    found = re.search(r"pad by (\d+)(?: or use a kernel of at most (\d+))?", caught.value.mend)
    assert found is not None
    enough = int(found[1])
    assert fits(kernel, enough)
    assert not fits(kernel, enough - 1)
    if found[2]:
        assert fits(int(found[2]), pad)
        assert not fits(int(found[2]) + 1, pad)
