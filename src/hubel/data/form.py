"""What a decoded sample is: its kind, the depth of its values, its channels, and its axes."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["FULL_SCALE", "Decoded", "Depth", "Form", "Kind", "Limits", "Seen"]

Kind = Literal["picture", "signal", "volume"]
Depth = Literal["uint8", "uint16", "float32"]

FULL_SCALE: dict[Depth, float] = {"uint8": 255.0, "uint16": 65_535.0, "float32": 1.0}
"""The value that counts as 1: white of whole numbers; floats are in units of their own."""

# Pillow's modes, and the 16-bit colour that Pillow has no mode for: depth, channels, alpha.
_MODES: dict[str, tuple[Depth, int, bool]] = {
    **dict.fromkeys(("1", "L"), ("uint8", 1, False)),
    **dict.fromkeys(("LA", "La"), ("uint8", 2, True)),
    **dict.fromkeys(("RGBA", "RGBa", "PA"), ("uint8", 4, True)),
    **dict.fromkeys(("I;16", "I;16B", "I;16L", "I;16N", "I"), ("uint16", 1, False)),
    "F": ("float32", 1, False),
    "RGB;16": ("uint16", 3, False),
    "RGBA;16": ("uint16", 4, True),
}
_COUNTED = re.compile(r"(picture|signal|volume) (uint8|uint16|float32) x([0-9]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a file may cost; checked against its header before any pixel is decoded.

    `seconds` bounds files that may be slow by their header; all others take a few at most.
    """

    pixels: int = 150_000_000
    bytes: int = 1 << 30
    frames: int = 10_000
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Form:
    """Kind, depth and channels of a sample.

    Attributes:
        kind: "picture", "signal" or "volume".
        depth: of its values.
        channels: how many, an alpha counted.
        alpha: whether the last of them says how opaque the others are.

    Example:
        >>> Form.of_mode("I;16").depth, Form.of_mode("RGBA").channels
        ('uint16', 4)
        >>> Form.of_mode(Form("signal", "float32", 2).mode)
        Form(kind='signal', depth='float32', channels=2, alpha=False)
    """

    kind: Kind
    depth: Depth
    channels: int
    alpha: bool = False

    @property
    def mode(self) -> str:
        """The name of the form of an array, which Pillow has none for."""
        return f"{self.kind} {self.depth} x{self.channels}"

    @classmethod
    @functools.cache  # asked several times for every sample
    def of_mode(cls, mode: str) -> Form:
        """The form that a mode means: one of Pillow's, or one that `mode` gave."""
        counted = _COUNTED.fullmatch(mode)
        if counted is not None:
            kind, depth, channels = counted.groups()
            return cls(kind, depth, int(channels))  # pyright: ignore[reportArgumentType]
        return cls("picture", *_MODES.get(mode, ("uint8", 3, False)))


class Seen(NamedTuple):
    """What a header says of a sample: the length of a signal is its width, planes are frames."""

    width: int
    height: int
    mode: str
    frames: int = 1
    format: str = ""

    @property
    def form(self) -> Form:
        """Kind, depth and channels."""
        return Form.of_mode(self.mode)


@dataclass(frozen=True, slots=True)
class Decoded:
    """The values of a sample, upright, and what the file said of itself.

    Attributes:
        values: uint8, uint16 or float32; a signal is (t, c), a picture (h, w) or (h, w, c), a
            volume (d, h, w, c).
        mode: Pillow's name, or that of a `Form`.
        format: of the file.
        frames: of an animation; of a volume, its planes.
        whole: width and height of a picture of which fewer pixels were decoded.
    """

    values: NDArray[Any]
    mode: str
    format: str
    frames: int
    whole: tuple[int, int] | None = None

    @property
    def form(self) -> Form:
        """Kind, depth and channels."""
        form = Form.of_mode(self.mode)
        # The transparent entries of a palette are not in its mode.
        clear = self.mode == "P" and self.values.shape[2:] == (4,)
        return Form("picture", "uint8", 4, True) if clear else form

    @property
    def kind(self) -> Kind:
        """What it is."""
        return self.form.kind

    @property
    def width(self) -> int:
        """Of the whole sample; of a signal its length."""
        if self.whole is not None:
            return self.whole[0]
        return self.values.shape[{"signal": 0, "picture": 1, "volume": 2}[self.kind]]

    @property
    def height(self) -> int:
        """Of the whole sample; of a signal 1."""
        if self.whole is not None:
            return self.whole[1]
        kind = self.kind
        return 1 if kind == "signal" else self.values.shape[kind == "volume"]

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """As an 8-bit picture: uint8, (h, w) or (h, w, 3); of a volume the middle plane."""
        from hubel.data.eight_bit import eight_bit

        return eight_bit(self)
