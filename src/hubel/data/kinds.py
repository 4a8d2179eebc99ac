"""Which one kind of sample a data set has, and what its depth, channels and size are by rule.

A data set has one kind, that of most of its samples; what is of another is named and left out.
So are samples whose count of channels is not that of the others, where it can't become theirs:
grey, colour, and both with an alpha become each other; other counts don't.

The depth of the values is kept where every sample has more than 8 bits: uint16 where all are,
float32 otherwise. Pictures of mixed depth have 8 bits. Signals and volumes of mixed depth are
float32, each in its own units.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from hubel.data.form import Depth, Form, Kind, Seen
from hubel.data.preprocess import Channels, Preprocess, Shape
from hubel.errors import RecipeError

if TYPE_CHECKING:
    from hubel.data.scan import Record, Records

__all__ = ["are_stacks", "as_stack", "common", "fitting_way", "seen_in", "settle_kind"]

_LONGEST_SIGNAL = 16_384
_LONGEST_VOLUME = 64
_STACKABLE = ("1", "L", "I;16", "I;16B", "I;16L", "I;16N", "I", "F")


def seen_in(record: Record) -> Seen:
    """What a scan found, as a header says it."""
    assert record.width is not None
    assert record.height is not None
    assert record.mode is not None
    return Seen(record.width, record.height, record.mode, record.frames or 1, record.format or "")


def are_stacks(seen: list[Seen]) -> bool:
    """Whether all samples are TIFFs of several grey pages, which are then planes of volumes."""
    return bool(seen) and all(
        one.format == "TIFF" and one.frames > 1 and one.mode in _STACKABLE for one in seen
    )


def as_stack(one: Seen) -> Seen:
    """A TIFF of several pages as the volume that it is."""
    return one._replace(mode=Form("volume", one.form.depth, 1).mode)


def common(seen: list[Seen], reading: Kind | None) -> list[Seen]:
    """Those samples that are of the kind, and of the channels, that the data set has."""
    if not seen:
        return []
    wanted = _wanted(Counter(one.mode for one in seen), reading)
    return [one for one in seen if _family(one.form) == wanted]


def settle_kind(records: Records, reading: Kind | None) -> tuple[list[str | None], list[str]]:
    """The problem of each record, with those of another kind than the data set's named.

    Args:
        records: of a scan.
        reading: the kind that the user says; the most frequent one where it is None.

    Returns:
        A problem or None for each record, and sentences that the user should read.
    """
    problems: list[str | None] = records.column("problem").to_pylist()
    modes: list[str | None] = records.column("mode").to_pylist()
    counts = Counter(
        mode for mode, problem in zip(modes, problems, strict=True) if mode and problem is None
    )
    if not counts:
        return problems, []
    forms = {mode: Form.of_mode(mode) for mode in counts}
    wanted = _wanted(counts, reading)
    odd = {mode: _why(form, wanted) for mode, form in forms.items() if _family(form) != wanted}
    if odd:
        problems = [
            odd.get(mode or "") if problem is None else problem
            for mode, problem in zip(modes, problems, strict=True)
        ]
    kept = {form for mode, form in forms.items() if mode not in odd}
    arrays = any(_is_array(mode) for mode in counts if mode not in odd)
    return problems, _notes(kept, wanted[0], arrays)


def fitting_way(
    seen: list[Seen],
    sides: tuple[int, int],
    size: tuple[int, ...] | None,
    channels: str | None,
    shape: Shape,
) -> Preprocess:
    """The way to network input for samples of one kind.

    Args:
        seen: of them.
        sides: height and width for pictures, by their rule.
        size: that the user wants.
        channels: that the user wants: "rgb", "grey", "rgba".
        shape: policy.

    Raises:
        RecipeError: the user's wish does not fit the kind.
    """
    forms = [one.form for one in seen]
    kind, depth = forms[0].kind, _depth(forms)
    chosen = _channels(forms, channels)
    if kind == "picture":
        height, width = _two(size) if size is not None else sides
        return Preprocess(height=height, width=width, channels=chosen, shape=shape, depth=depth)
    axes = _axes(seen, kind, size)
    described: dict[str, Any] = {"kind": kind, "depth": depth, "channels": chosen}
    if kind == "signal":
        return Preprocess(height=1, width=axes[0], shape=shape, **described)
    return Preprocess(height=axes[1], width=axes[2], planes=axes[0], shape=shape, **described)


def _family(form: Form) -> tuple[Kind, int]:
    """What samples of one data set have in common; plain channels of pictures are one family."""
    plain = form.kind == "picture" and (form.alpha or form.channels in (1, 3))
    return form.kind, 0 if plain else form.channels


def _wanted(modes: Counter[str], reading: Kind | None) -> tuple[Kind, int]:
    counts: Counter[tuple[Kind, int]] = Counter()
    for mode, count in modes.items():
        form = Form.of_mode(mode)
        if reading in (None, form.kind):
            counts[_family(form)] += count
    if not counts:
        assert reading is not None
        return reading, 0
    kinds: Counter[Kind] = Counter()
    for (kind, _), count in counts.items():
        kinds[kind] += count
    order = ("picture", "signal", "volume")
    most = max(kinds, key=lambda name: (kinds[name], -order.index(name)))
    return max((one for one in counts if one[0] == most), key=lambda one: (counts[one], -one[1]))


def _why(form: Form, wanted: tuple[Kind, int]) -> str:
    kind, channels = wanted
    if form.kind != kind:
        return f"a {form.kind}, in a data set of {kind}s"
    expected = f"{channels}" if channels else "grey or colour"
    return f"{form.channels} channels, in a data set of {expected}"


def _is_array(mode: str) -> bool:
    """Whether a mode is that of an array, or of another file that Pillow has no mode for."""
    return Form.of_mode(mode).mode == mode


def _notes(kept: set[Form], kind: Kind, arrays: bool) -> list[str]:
    notes: list[str] = []
    depth = _depth(list(kept)) if kept else "uint8"
    if kind != "picture":
        other = ", by format and number of axes; --kind says otherwise" if arrays else ""
        notes.append(f"the samples are {kind}s{other}")
    if kind == "picture" and len({form.depth for form in kept}) > 1 and depth == "uint8":
        notes.append("pictures of 8 bits and of more are together: all are brought to 8 bits")
    elif depth != "uint8":
        notes.append(f"the values are kept as {depth}")
    return notes


def _depth(forms: list[Form]) -> Depth:
    depths = {form.depth for form in forms}
    if len(depths) == 1:
        return forms[0].depth
    return "uint8" if "uint8" in depths and forms[0].kind == "picture" else "float32"


def _channels(forms: list[Form], wish: str | None) -> Channels:
    kind, count = _family(forms[0])
    if kind == "picture" and count == 0:
        grey = all(form.channels <= 2 for form in forms)
        found: Any = wish or ("grey" if grey else "rgb")
        if found not in ("rgb", "grey", "rgba"):
            raise RecipeError(f"channels: pictures have rgb, grey or rgba; got {found!r}")
        return found
    count = forms[0].channels
    if wish not in (None, str(count)):
        raise RecipeError(
            f"channels {wish!r} has no effect on {kind}s of {count} channels; leave it out"
        )
    return count


def _two(size: tuple[int, ...]) -> tuple[int, int]:
    if len(size) != 2:
        raise RecipeError(
            f"size: pictures have a height and a width, as 96x128; got {_shown(size)}"
        )
    return size[0], size[1]


def _axes(seen: list[Seen], kind: Kind, size: tuple[int, ...] | None) -> tuple[int, ...]:
    """Length of signals; planes, height and width of volumes."""
    if size is not None:
        return _wished(size, kind)
    if kind == "signal":
        return (min(_LONGEST_SIGNAL, int(np.median([one.width for one in seen]))),)
    sides = [(one.frames, one.height, one.width) for one in seen]
    middle = [float(np.median(axis)) for axis in zip(*sides, strict=True)]
    scale = min(1.0, _LONGEST_VOLUME / max(middle))
    return tuple(max(1, round(side * scale)) for side in middle)


def _wished(size: tuple[int, ...], kind: Kind) -> tuple[int, ...]:
    count = 1 if kind == "signal" else 3
    if len(size) == count:
        return size
    if len(set(size)) == 1:  # one number was given
        return size[:1] * count
    expected = "a length, as 4000" if count == 1 else "planes, height and width, as 32x64x64"
    raise RecipeError(f"size: {kind}s have {expected}; got {_shown(size)}")


def _shown(size: tuple[int, ...]) -> str:
    return "x".join(map(str, size))
