"""What is known of a network's input sizes, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hubel.analysis.shapes.dropping import Drop
from hubel.analysis.shapes.sizes import Larger, Sizes
from hubel.analysis.units import shape_text

__all__ = ["sentences"]

_SHOWN = 3  # layers that are named


def sentences(sizes: Sizes) -> Iterator[str]:
    """One fact a sentence."""
    if not sizes.sides:
        return
    taken = _taken(sizes)
    if sizes.fixed:
        names = " and ".join(f"{name} is fixed at {size}" for name, size in sizes.fixed.items())
        taken = f"{names}; otherwise i{taken[1:]}"
    yield taken
    if sizes.drops:
        yield f"At {shape_text(sizes.sides)}, {_dropping(sizes.drops)}."
    yield from _multiples(sizes.lossless or 0, sizes.even or 0)
    if sizes.larger:
        yield _next(sizes.larger, sizes.step or 1)


def _multiples(lossless: int, even: int) -> Iterator[str]:
    if lossless == even > 1:
        yield f"Sides that are multiples of {even} are divided evenly; others may lose rows."
        return
    if even > 1:
        yield f"Sides that are multiples of {even} are divided evenly by every stride."
    if lossless > 1:
        yield f"Sides that are multiples of {lossless} lose no rows to a stride."
    if lossless == 1:
        yield "No size loses rows to a stride."


def _taken(sizes: Sizes) -> str:
    if sizes.step is None:
        return f"It takes {shape_text(sizes.sides)} and no other size."
    squares = "squares" if sizes.is_square else "sizes"
    if sizes.largest:
        return (
            f"It takes {squares} from {shape_text(sizes.smallest)} to {shape_text(sizes.largest)}."
        )
    if sizes.step == 1:
        return f"It takes all {squares} from {shape_text(sizes.smallest)} on."
    offsets = sorted({side % sizes.step for side in sizes.sides})
    grid = f"sides that are multiples of {sizes.step}"
    if offsets != [0]:
        grid = f"sides {sizes.step} apart"
    return f"It takes {squares} with {grid}, from {shape_text(sizes.smallest)} on."


def _dropping(found: Sequence[Drop]) -> str:
    layers = list(dict.fromkeys(drop.layer for drop in found))
    parts = [_layer([drop for drop in found if drop.layer == name]) for name in layers[:_SHOWN]]
    more = len(layers) - _SHOWN
    return "; ".join(parts) + (f"; and so do {more} more layers" if more > 0 else "")


def _layer(found: Sequence[Drop]) -> str:
    lost = " and ".join(_count(drop) for drop in found)
    ways = " and ".join(dict.fromkeys(drop.arithmetic for drop in found))
    return f"{found[0].layer} leaves {lost} unread ({ways})"


def _count(drop: Drop) -> str:
    name = drop.axis if drop.dropped > 1 else drop.axis.removesuffix("s")
    return f"{drop.dropped} {name}"


def _next(larger: Larger, step: int) -> str:
    more = "One more pixel a side" if step == 1 else f"{step} more pixels a side"
    change = round(100 * (larger.cost - 1), 1)
    if change < 0.05:
        thrown = ": the pixel is thrown away" if larger.drops and step == 1 else ""
        where = f" at {larger.drops[0].layer} ({larger.drops[0].arithmetic})" if thrown else ""
        return f"{more} ({shape_text(larger.sides)}) costs nothing{thrown}{where}."
    return f"{more} ({shape_text(larger.sides)}) costs {change:.{0 if change >= 1 else 1}f}% more."
