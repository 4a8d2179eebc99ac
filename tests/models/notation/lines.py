"""Random lines of notation: trees of any words, and networks whose sizes fit."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import isfinite

from hypothesis import strategies as st

from hubel.models.notation import NotationError, check
from hubel.models.notation.options import Definition, Kind, Option
from hubel.models.notation.states import Grid, State, Tokens, Vector
from hubel.models.notation.tree import Argument, Group, Item, Network, Value, Word
from hubel.models.notation.words import WORDS

__all__ = ["networks", "plain_networks", "trees"]

Shape = tuple[int, ...]
Maker = Callable[[st.DrawFn, State], str]
Words = dict[type[State], list[Maker]]

SIDES = {1: (2, 24), 2: (3, 12), 3: (3, 6)}  # small, so that a forward pass takes milliseconds


# Trees of any words, whatever their sizes


@cache
def trees(depth: int = 2) -> st.SearchStrategy[Network]:
    """Trees of the grammar, in the form that the parser gives: arguments in the table's order."""
    return st.lists(_items(depth), min_size=1, max_size=4).map(lambda items: Network(tuple(items)))


@cache
def _items(depth: int) -> st.SearchStrategy[Item]:
    plain = st.sampled_from([d for d in WORDS.values() if not d.bodies[1]]).flatmap(_word)
    if depth == 0:
        return plain
    group = st.builds(Group, trees(depth - 1), st.integers(1, 5))
    containers = [d for d in WORDS.values() if d.bodies[1]]
    return plain | group | st.sampled_from(containers).flatmap(lambda d: _container(d, depth))


def _container(definition: Definition, depth: int) -> st.SearchStrategy[Word]:
    fewest, most = definition.bodies
    bodies = st.lists(trees(depth - 1), min_size=fewest, max_size=min(most, 3)).map(tuple)
    return st.builds(Word, st.just(definition.name), bodies=bodies, times=st.integers(1, 3))


@cache
def _sides(low: int = 1) -> st.SearchStrategy[Shape]:
    return st.lists(st.integers(low, 99), min_size=1, max_size=3).map(tuple)


@st.composite
def _word(draw: st.DrawFn, definition: Definition) -> Word:
    arguments = [
        Argument(option.name, draw(_value(option)))
        for option in definition.options
        if option.required or draw(st.booleans())
    ]
    if {"hidden", "reduction"} <= {argument.name for argument in arguments}:
        arguments = [argument for argument in arguments if argument.name != "hidden"]
    return Word(
        definition.name,
        draw(_sides()) if definition.kernel else (),
        draw(_sides() | st.just(())) if definition.stride else (),
        tuple(arguments),
        (),
        draw(st.integers(1, 5)),
    )


@cache
def _value(option: Option) -> st.SearchStrategy[Value]:
    low = int(option.low) if isfinite(option.low) else -5
    if option.kind is Kind.COUNT:
        return st.integers(low, int(min(option.high, 1_000_000)))
    if option.kind is Kind.SIDES:
        return _sides(low)
    if option.kind is Kind.PAD:
        return _sides(low) | st.sampled_from(option.choices)
    if option.kind is Kind.NUMBER:
        return st.floats(low, min(option.high, 1e30), allow_nan=False).map(lambda x: x + 0.0)
    return st.booleans() if option.kind is Kind.YES else st.sampled_from(option.choices)


# Networks whose sizes fit


def plain_networks(axes: int | None = None) -> st.SearchStrategy[tuple[str, Shape]]:
    """(line, input shape) of convolutions, poolings, residuals and branches, ending in a grid.

    Strides, dilations, paddings, even kernels, groups and unequal sides all occur; the only
    nonlinearities are relu and the largest of a window.

    Args:
        axes: of the input; 1 to 3 where it isn't given.
    """
    return _networks(axes, _PLAIN)


def networks(axes: int | None = None) -> st.SearchStrategy[tuple[str, Shape]]:
    """(line, input shape) of any words, ending in whatever state they end in.

    Args:
        axes: of the input; 1 to 3 where it isn't given.
    """
    return _networks(axes, _ANY)


@st.composite
def _networks(draw: st.DrawFn, axes: int | None, words: Words) -> tuple[str, Shape]:
    axes = axes or draw(st.integers(1, 3))
    low, high = SIDES[axes]
    shape = (draw(st.integers(1, 4)), *(draw(st.integers(low, high)) for _ in range(axes)))
    state: State = Grid(shape[0], shape[1:])
    line: list[str] = []
    for _ in range(draw(st.integers(2, 6))):
        word = draw(st.sampled_from(words[type(state)]))(draw, state)
        after = _after([*line, word], shape)
        if after is not None:  # a word that doesn't fit here is left out
            line, state = [*line, word], after
    return " ".join(line or ["identity"]), shape


def _after(line: list[str], shape: Shape) -> State | None:
    try:
        state = check(" ".join(line), shape, 5).output
    except NotationError:
        return None
    return state if max(state.shape) <= 4096 else None


def _kernel(draw: st.DrawFn, state: State, most: int = 5) -> str:
    sides = state.sides if isinstance(state, Grid) else (1,)
    if draw(st.integers(0, 3)):
        return str(draw(st.integers(1, most)))
    return "x".join(str(draw(st.integers(1, most))) for _ in sides)


def _conv(draw: st.DrawFn, state: State) -> str:
    channels = state.channels
    groups = draw(st.sampled_from([d for d in range(1, channels + 1) if channels % d == 0]))
    width = groups * draw(st.integers(1, 3))
    pad = draw(st.sampled_from(["", ", valid", ", pad=1", ", pad=2"]))
    dilation = draw(st.sampled_from(["", "", ", dilation=2", ", dilation=3"]))
    stride = draw(st.sampled_from(["", "", "/2", "/3"]))
    return f"conv{_kernel(draw, state)}{stride}({width}, groups={groups}{dilation}{pad})"


def _dwconv(draw: st.DrawFn, state: State) -> str:
    stride = draw(st.sampled_from(["", "/2"]))
    return f"dwconv{_kernel(draw, state)}{stride}({draw(st.integers(1, 2))})"


def _tconv(draw: st.DrawFn, state: State) -> str:
    options = draw(st.sampled_from(["", ", pad=1", ", outpad=1", ", pad=1, outpad=1, dilation=2"]))
    stride = draw(st.sampled_from(["", "/2"]))
    return f"tconv{_kernel(draw, state, 4)}{stride}({draw(st.integers(1, 3))}{options})"


def _pool(draw: st.DrawFn, state: State) -> str:
    name = draw(st.sampled_from(["maxpool", "avgpool"]))
    stride = draw(st.sampled_from(["", "", "/1", "/2", "/3"]))
    options = draw(st.sampled_from(["", "", "(pad=1)", "(ceil=yes)", "(pad=1, ceil=yes)"]))
    return f"{name}{_kernel(draw, state, 4)}{stride}{options}"


def _blur(draw: st.DrawFn, state: State) -> str:
    name = draw(
        st.sampled_from(["blurpool2", "blurpool3", "maxblurpool2", "maxblurpool3/2(pad=1)"])
    )
    taps = draw(st.sampled_from(["", "2", "4", "5"]))
    return name if name.endswith(")") or not taps else f"{name}({taps})"


def _residual(draw: st.DrawFn, state: State) -> str:
    channels = state.channels
    if draw(st.booleans()):
        return f"residual(conv3(4) relu conv3({channels}, dilation=2))"
    stride = draw(st.integers(1, 3))
    return f"residual(conv3/{stride}(4) relu conv3(4) | conv1/{stride}(4))"


def _branches(draw: st.DrawFn, state: State) -> str:
    stride = draw(st.integers(1, 2))
    third = draw(st.sampled_from([f"maxpool3/{stride}(pad=1)", f"conv2/{stride}(1) relu"]))
    return f"branches(conv1/{stride}(2) | conv3/{stride}(2, dilation=2) relu | {third})"


def _any_of(*words: str) -> Maker:
    return lambda draw, state: draw(st.sampled_from(words))


def _repeated(draw: st.DrawFn, state: State) -> str:
    return f"[conv3({state.channels}) relu]*{draw(st.integers(2, 3))}"


def _heads(draw: st.DrawFn, state: State) -> str:
    heads = [d for d in range(1, state.channels + 1) if state.channels % d == 0]
    return f"residual(norm attention({draw(st.sampled_from(heads))}))"


_ACTIVATION = _any_of(
    "relu", "gelu", "silu", "tanh", "elu", "relu6", "leakyrelu(0.2)", "prelu", "softmax", "mish",
    "hardswish", "dropout", "droppath(0.2)", "scale(0.5)", "norm", "norm(affine=no)", "identity",
)  # fmt: skip
_NORM = _any_of("bn", "bn(affine=no)", "in", "in(affine=yes)", "gn(1)", "gn(2)", "lrn(3)", "norm")
_EXCITE = _any_of("se(2)", "se(reduction=2, gate=hardsigmoid)", "positions")
_POOLED = _any_of("gap", "gmp", "flatten", "adaptiveavgpool2", "adaptivemaxpool3", "blurpool2")
_TO_TOKENS = _any_of("patch2(6)", "patch3(4)", "tokens")
_TOKENS = _any_of(
    "classtoken", "classtoken positions", "positions", "fc(4)", "fc", "residual(fc(8) gelu fc(6))",
    "branches(fc(2) | identity)",
)  # fmt: skip
_LEAVE = _any_of("grid", "first", "seqpool", "gap", "gmp", "flatten")
_VECTOR = _any_of("fc(3)", "fc", "bn", "residual(fc(3) | fc(3))", "branches(fc(2) | relu)")

_PLAIN: Words = {
    Grid: [_any_of("relu"), _conv, _conv, _dwconv, _pool, _pool, _blur, _residual, _branches]
}
_ANY: Words = {
    Grid: [
        _ACTIVATION, _conv, _dwconv, _tconv, _pool, _blur, _residual, _branches, _repeated, _NORM,
        _EXCITE, _TO_TOKENS, _TO_TOKENS, _POOLED,
    ],
    Tokens: [_ACTIVATION, _heads, _TOKENS, _TOKENS, _LEAVE],
    Vector: [_ACTIVATION, _VECTOR],
}  # fmt: skip
