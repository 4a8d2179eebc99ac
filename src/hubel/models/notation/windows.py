"""The arithmetic of sliding windows: kernel, stride, dilation and border on each axis."""

from __future__ import annotations

from dataclasses import dataclass

from hubel.models.notation.printer import sides_text
from hubel.models.notation.states import Mend, Misfit
from hubel.models.notation.tree import Word
from hubel.models.notation.words import WORDS, settings_of

__all__ = ["Window", "per_axis", "title", "window_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A window that slides; each tuple has one entry an axis.

    Attributes:
        kernel: taps.
        stride: step between outputs.
        dilation: step between taps.
        before: border before the first row.
        after: border after the last row.
        ceil: whether a last window that is not whole is kept (`ceil_mode` in PyTorch).
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    ceil: bool = False

    @property
    def reach(self) -> tuple[int, ...]:
        """Rows from the first tap to the last: dilation * (kernel - 1) + 1."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def even_border(self) -> bool:
        """Whether the border is the same on both sides."""
        return self.before == self.after

    def output(self, word: Word, sides: tuple[int, ...], mend: str | Mend = "") -> tuple[int, ...]:
        """How many windows fit on each axis: floor((side + border - reach) / stride) + 1.

        Args:
            word: for the error.
            sides: of the grid.
            mend: for the error.

        Raises:
            Misfit: none fits.
        """
        counts = tuple(self._count(sides, axis) for axis in range(len(sides)))
        failing = [axis for axis, count in enumerate(counts) if count is None]
        if failing:  # the arithmetic of the axis that needs the most, as the mend does
            most = min(failing, key=lambda axis: self._room(sides, axis))
            raise Misfit(self._too_large(word, sides, most), mend)
        return tuple(count for count in counts if count is not None)

    def _room(self, sides: tuple[int, ...], axis: int) -> int:
        return sides[axis] + self.before[axis] + self.after[axis] - self.reach[axis]

    def _count(self, sides: tuple[int, ...], axis: int) -> int | None:
        stride, before = self.stride[axis], self.before[axis]
        room = self._room(sides, axis)
        count = (room + (stride - 1 if self.ceil else 0)) // stride + 1
        # As PyTorch: a window that would start in the border after the end is not kept.
        if self.ceil and (count - 1) * stride >= sides[axis] + before:
            count -= 1
        return None if count < 1 or (room < 0 and not self.ceil) else count

    def _too_large(self, word: Word, sides: tuple[int, ...], axis: int) -> str:
        """The arithmetic of one axis."""
        side, pad = sides[axis], self.before[axis]
        kernel, dilation, stride = self.kernel[axis], self.dilation[axis], self.stride[axis]
        taps = f"{kernel}" if dilation == 1 else f"({dilation}*({kernel} - 1) + 1)"
        room = f"{side}{f' + 2*{pad}' if pad else ''} - {taps}"
        up = stride - 1 if self.ceil else 0
        count = (side + 2 * pad - self.reach[axis] + up) // stride + 1
        rounded = "ceil" if self.ceil else "floor"
        windows = f"{room} + 1" if stride == 1 else f"{rounded}(({room}) / {stride}) + 1"
        return f"{title(word)} on {sides_text(sides)}: {windows} = {count}"


def window_of(word: Word, axes: int) -> Window:
    """The window of a convolution or pooling on so many axes.

    Raises:
        Misfit: the word gives another number of sides.
    """
    names = {option.name for option in WORDS[word.name].options}
    settings = settings_of(word)
    kernel = per_axis(word, "kernel", word.kernel, axes)
    one = (1,) * axes
    unstrided = one if "channels" in names or "multiplier" in names else kernel
    stride = per_axis(word, "stride", word.stride, axes) if word.stride else unstrided
    dilation = one
    if "dilation" in names:
        dilation = per_axis(word, "dilation", settings.sides("dilation"), axes)
    pad = settings.sides("pad") if "pad" in names else "valid"
    total = tuple(d * (k - 1) for k, d in zip(kernel, dilation, strict=True))
    if pad == "same":
        before, after = tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
    else:
        before = after = per_axis(word, "pad", (0,) if pad == "valid" else pad, axes)
    ceil = "ceil" in names and settings.yes("ceil")
    return Window(
        kernel=kernel, stride=stride, dilation=dilation, before=before, after=after, ceil=ceil
    )


def per_axis(word: Word, what: str, sides: tuple[int, ...] | str, axes: int) -> tuple[int, ...]:
    """One number an axis: a single number and equal sides are taken on any number of axes.

    Raises:
        Misfit: unequal sides, and not one for each axis.
    """
    assert not isinstance(sides, str)
    if len(set(sides)) == 1:
        return sides[:1] * axes
    if len(sides) != axes:
        raise Misfit(
            f"{word.name}: the {what} {sides_text(sides)} has {len(sides)} sides, "
            f"but there {'is 1 axis' if axes == 1 else f'are {axes} axes'} here",
            "give one number for all, or one an axis",
        )
    return sides


def title(word: Word) -> str:
    """The word as an error names it: kernel, stride and border, without its channels.

    Example:
        >>> from hubel.models.notation import parse
        >>> title(parse("conv7x7/2(64, valid, bias=no)").items[0])
        'conv7x7/2 valid'
    """
    text = word.name + sides_text(word.kernel)
    text += f"/{sides_text(word.stride)}" if word.stride else ""
    for argument in word.arguments:
        if argument.name == "pad":
            value = argument.value
            text += f" pad={sides_text(value)}" if isinstance(value, tuple) else f" {value}"
    return text
