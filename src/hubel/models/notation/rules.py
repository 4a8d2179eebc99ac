"""What each word makes of what it is given: the state after it, or why it doesn't fit."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd, prod

from hubel.models.notation.mends import choice_mend, collapsed, preceding_mend, window_mend
from hubel.models.notation.printer import sides_text
from hubel.models.notation.states import Grid, Mend, Misfit, State, Tokens, Vector
from hubel.models.notation.tree import Argument, Word
from hubel.models.notation.windows import Window, per_axis, title, window_of
from hubel.models.notation.words import ACTIVATIONS, settings_of

__all__ = ["RULES", "Rule", "weights_of"]

Rule = Callable[[Word, State, int], State]

_GRID = "a grid of channels and sides"
_PATCH = Word("patch", (16,), (), (Argument("channels", 384),))
_BETWEEN: dict[tuple[type[State], type[State]], tuple[Word, ...]] = {
    (Grid, Tokens): (_PATCH, Word("tokens")),
    (Grid, Vector): (Word("flatten"), Word("gap")),
    (Tokens, Grid): (Word("grid"),),
}
_ELSEWHERE: dict[tuple[type[State], type[State]], str] = {
    (Tokens, Grid): "put it before the tokens",
    (Vector, Grid): "put it before flatten or gap",
    (Vector, Tokens): "put it before the tokens become a vector",
}


def _is_a(state: State) -> str:
    if isinstance(state, Vector):
        return f"a vector of {state}"
    return f"a grid {state}" if isinstance(state, Grid) else str(state)


def _wrong(word: Word, wants: str, state: State, target: type[State]) -> Misfit:
    message = f"{word.name} works on {wants}, but here is {_is_a(state)}"
    way = type(state), target
    between, elsewhere = _BETWEEN.get(way, ()), _ELSEWHERE.get(way, "")
    return Misfit(message, preceding_mend(word, state, between, elsewhere))


def _grid(word: Word, state: State) -> Grid:
    if not isinstance(state, Grid):
        raise _wrong(word, _GRID, state, Grid)
    return state


def _tokens(word: Word, state: State) -> Tokens:
    if not isinstance(state, Tokens):
        raise _wrong(word, "tokens", state, Tokens)
    return state


def _divides(word: Word, state: State, what: str) -> None:
    parts, channels = settings_of(word).count(what), state.channels
    if channels % parts:
        below = max(d for d in range(1, parts) if channels % d == 0)
        above = next((d for d in range(parts, channels + 1) if channels % d == 0), below)
        message = (
            f"{word.name}: {channels} channels in {parts} {what}: "
            f"{channels} / {parts} = {channels / parts:.4g} is not whole"
        )
        raise Misfit(message, choice_mend(f"use {{}} {what}", word, state, what, (below, above)))


def _groups(word: Word, state: State, given: int) -> None:
    groups, taken = settings_of(word).count("groups"), state.channels
    common = gcd(taken, given)
    if common % groups == 0:
        return
    side, channels = ("takes", taken) if taken % groups else ("gives", given)
    divisors = [d for d in range(1, common + 1) if common % d == 0]
    below = max((d for d in divisors if d < groups), default=1)
    above = min((d for d in divisors if d > groups), default=below)
    message = (
        f"{word.name} {side} {channels} channels, which groups={groups} doesn't divide: "
        f"{channels} / {groups} = {channels / groups:.4g}"
    )
    raise Misfit(message, choice_mend("use groups={}", word, state, "groups", (below, above)))


def _conv(word: Word, state: State, num_classes: int) -> State:
    grid, settings = _grid(word, state), settings_of(word)
    if word.name == "dwconv":
        channels = grid.channels * settings.count("multiplier")
    else:
        channels = settings.count("channels")
        _groups(word, grid, channels)
    window = window_of(word, len(grid.sides))
    return Grid(channels, window.output(word, grid.sides, window_mend(word, grid)))


def _tconv(word: Word, state: State, num_classes: int) -> State:
    grid, settings = _grid(word, state), settings_of(word)
    channels, axes = settings.count("channels"), len(grid.sides)
    _groups(word, grid, channels)
    window = window_of(word, axes)
    extra = per_axis(word, "outpad", settings.sides("outpad"), axes)
    largest = tuple(max(both) - 1 for both in zip(window.stride, window.dilation, strict=True))
    for outpad, most in zip(extra, largest, strict=True):
        if outpad > most:
            message = f"{title(word)}: outpad={outpad} is not below its stride or dilation"
            raise Misfit(message, _at_most("use at most {}", word, grid, "outpad", extra, largest))
    return Grid(channels, _tconv_sides(word, grid, window, extra))


def _tconv_sides(word: Word, grid: Grid, window: Window, extra: tuple[int, ...]) -> tuple[int, ...]:
    """(side - 1) * stride - 2 * pad + reach + outpad on each axis."""
    numbers = list(zip(grid.sides, window.stride, window.reach, extra, strict=True))
    uncut = tuple((n - 1) * step + taps + more for n, step, taps, more in numbers)
    most = tuple((rows - 1) // 2 for rows in uncut)
    counts = tuple(rows - 2 * pad for rows, pad in zip(uncut, window.before, strict=True))
    for (side, stride, taps, more), pad, count in zip(numbers, window.before, counts, strict=True):
        if count < 1:
            sum_ = f"({side} - 1)*{stride} - 2*{pad} + {taps}{f' + {more}' if more else ''}"
            message = f"{title(word)} on {sides_text(grid.sides)}: {sum_} = {count}"
            said = "use a pad of at most {}"
            raise Misfit(message, _at_most(said, word, grid, "pad", window.before, most))
    return counts


def _at_most(
    said: str, word: Word, grid: Grid, name: str, own: tuple[int, ...], most: tuple[int, ...]
) -> Mend:
    """The mend by numbers that are cut to their limits on each axis, if that fits."""
    cut = tuple(min(pair) for pair in zip(own, most, strict=True))
    value = (min(cut),) if len(set(own)) == 1 else collapsed(cut)
    return choice_mend(said, word, grid, name, (value,))


def _pool(word: Word, state: State, num_classes: int) -> State:
    grid = _grid(word, state)
    window = window_of(word, len(grid.sides))
    if word.name == "maxblurpool":
        window = Window(
            kernel=window.kernel, stride=(1,) * len(grid.sides), dilation=window.dilation,
            before=window.before, after=window.after,
        )  # fmt: skip
    half = tuple(kernel // 2 for kernel in window.kernel)
    for pad, kernel in zip(window.before, window.kernel, strict=True):
        if pad > kernel // 2:
            message = f"{title(word)}: a border of {pad} is more than half of the kernel's {kernel}"
            said = "use at most pad={}"
            raise Misfit(message, _at_most(said, word, grid, "pad", window.before, half))
    if word.name == "avgpool":
        _mean_on_three_axes(word, grid, window)
    sides = window.output(word, grid.sides, window_mend(word, grid))
    if word.name == "maxblurpool":
        stride = per_axis(word, "stride", word.stride or word.kernel, len(sides))
        sides = _blurred(word, grid, sides, stride)
    return Grid(grid.channels, sides)


def _mean_on_three_axes(word: Word, grid: Grid, window: Window) -> None:
    """PyTorch compares the kernel with the sides alone there, whatever the border."""
    small = any(side < kernel for side, kernel in zip(grid.sides, window.kernel, strict=True))
    if len(grid.sides) == 3 and small:
        message = (
            f"{title(word)} on {sides_text(grid.sides)}: on three axes the mean needs sides of at "
            f"least its kernel {sides_text(window.kernel)}"
        )
        raise Misfit(message, "leave it out here, or give a larger input")


def _blurpool(word: Word, state: State, num_classes: int) -> State:
    grid = _grid(word, state)
    stride = per_axis(word, "stride", word.kernel, len(grid.sides))
    return Grid(grid.channels, _blurred(word, grid, grid.sides, stride))


def _blurred(
    word: Word, grid: Grid, sides: tuple[int, ...], stride: tuple[int, ...]
) -> tuple[int, ...]:
    """The sides after the filter; what it is given may be less than the grid."""
    border = settings_of(word).count("taps") // 2
    if min(sides) <= border:
        left = f", {sides_text(sides)}" if sides != grid.sides else ""
        message = (
            f"{title(word)} on {sides_text(grid.sides)}: its border of {border} mirrors what is "
            f"inside{left}, which needs sides of at least {border + 1}"
        )
        if min(sides) > 1:
            fewer = (2 * min(sides) - 1,)
            raise Misfit(message, choice_mend("use taps={}", word, grid, "taps", fewer))
        smaller = window_mend(word, grid) if word.name == "maxblurpool" else "leave it out here"
        raise Misfit(message, smaller)
    return tuple((side - 1) // step + 1 for side, step in zip(sides, stride, strict=True))


def _adaptive(word: Word, state: State, num_classes: int) -> State:
    grid = _grid(word, state)
    return Grid(grid.channels, per_axis(word, "size", word.kernel, len(grid.sides)))


def _pooled_whole(word: Word, state: State, num_classes: int) -> State:
    if isinstance(state, Vector):
        raise _wrong(word, "a grid or tokens", state, Grid)
    return Vector(state.channels)


def _same(word: Word, state: State, num_classes: int) -> State:
    return state


def _batch_norm(word: Word, state: State, num_classes: int) -> State:
    if isinstance(state, Tokens):
        raise Misfit(f"bn works on a grid or a vector, but here are {state}", "use norm")
    return state


def _instance_norm(word: Word, state: State, num_classes: int) -> State:
    grid = _grid(word, state)
    if prod(grid.sides) == 1:
        message = f"in works over the positions of a channel, and {grid} has only one"
        raise Misfit(message, "use norm or bn, or leave it out here")
    return grid


def _group_norm(word: Word, state: State, num_classes: int) -> State:
    if isinstance(state, Tokens):
        raise Misfit(f"gn works on a grid or a vector, but here are {state}", "use norm")
    _divides(word, state, "groups")
    return state


def _only_grid(word: Word, state: State, num_classes: int) -> State:
    return _grid(word, state)


def _flatten(word: Word, state: State, num_classes: int) -> State:
    return Vector(prod(state.shape))


def _fc(word: Word, state: State, num_classes: int) -> State:
    settings = settings_of(word)
    width = settings.count("width") if settings.given("width") else num_classes
    if isinstance(state, Grid):
        raise _wrong(word, "a vector or tokens", state, Vector)
    if isinstance(state, Tokens):
        return Tokens(state.length, width, state.sides)
    return Vector(width)


def _patch(word: Word, state: State, num_classes: int) -> State:
    grid = _grid(word, state)
    kernel = per_axis(word, "kernel", word.kernel, len(grid.sides))
    zero = (0,) * len(kernel)
    window = Window(
        kernel=kernel, stride=kernel, dilation=(1,) * len(kernel), before=zero, after=zero
    )
    for side, size in zip(grid.sides, kernel, strict=True):
        if side < size:
            message = f"{title(word)} on {sides_text(grid.sides)}: floor({side} / {size}) = 0"
            said = "use patches of at most {}"
            raise Misfit(message, _at_most(said, word, grid, "kernel", kernel, grid.sides))
    sides = window.output(word, grid.sides)
    return Tokens(prod(sides), settings_of(word).count("channels"), sides)


def _to_tokens(word: Word, state: State, num_classes: int) -> State:
    grid = _grid(word, state)
    return Tokens(prod(grid.sides), grid.channels, grid.sides)


def _to_grid(word: Word, state: State, num_classes: int) -> State:
    tokens = _tokens(word, state)
    if tokens.sides is None:
        message = f"grid: {tokens} with a class token among them are not a grid any more"
        raise Misfit(message, "leave classtoken out")
    return Grid(tokens.channels, tokens.sides)


def _class_token(word: Word, state: State, num_classes: int) -> State:
    tokens = _tokens(word, state)
    if tokens.sides is None:
        raise Misfit("there is a class token already", "keep one")
    return Tokens(tokens.length + 1, tokens.channels, None)


def _positions(word: Word, state: State, num_classes: int) -> State:
    if isinstance(state, Vector):
        raise _wrong(word, "tokens or a grid", state, Tokens)
    return state


def _first(word: Word, state: State, num_classes: int) -> State:
    return Vector(_tokens(word, state).channels)


def _attention(word: Word, state: State, num_classes: int) -> State:
    tokens = _tokens(word, state)
    _divides(word, tokens, "heads")
    return tokens


RULES: dict[str, Rule] = {
    "conv": _conv,
    "dwconv": _conv,
    "tconv": _tconv,
    "maxpool": _pool,
    "avgpool": _pool,
    "maxblurpool": _pool,
    "blurpool": _blurpool,
    "adaptiveavgpool": _adaptive,
    "adaptivemaxpool": _adaptive,
    "gap": _pooled_whole,
    "gmp": _pooled_whole,
    "bn": _batch_norm,
    "in": _instance_norm,
    "gn": _group_norm,
    "norm": _same,
    "lrn": _only_grid,
    **dict.fromkeys((*ACTIVATIONS, "softmax", "identity"), _same),
    "dropout": _same,
    "droppath": _same,
    "scale": _same,
    "flatten": _flatten,
    "fc": _fc,
    "se": _only_grid,
    "patch": _patch,
    "tokens": _to_tokens,
    "grid": _to_grid,
    "classtoken": _class_token,
    "positions": _positions,
    "first": _first,
    "seqpool": _first,
    "attention": _attention,
}


def weights_of(word: Word, before: State, after: State) -> int:
    """Weights of a convolution or product, without biases; 0 for words that have neither."""
    if word.name in ("fc", "attention"):
        return before.channels * after.channels * (4 if word.name == "attention" else 1)
    if word.name not in ("conv", "dwconv", "tconv", "patch"):
        return 0
    assert isinstance(before, Grid)
    taps = prod(per_axis(word, "kernel", word.kernel, len(before.sides)))
    if word.name == "dwconv":
        return after.channels * taps
    groups = settings_of(word).count("groups") if word.name != "patch" else 1
    return before.channels // groups * after.channels * taps
