"""The pictures of a page: each embedded once, small, and never more than the page can bear."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from PIL import Image

LONGEST_SIDE = 96
MOST_BYTES = 4096
_KINDS = {"JPEG": "image/jpeg", "PNG": "image/png"}

Thumbnail = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Picture:
    """A place on the page where a picture, or a word on why there is none, is shown.

    Args:
        file: as the manifest names it.
        symbol: id of the embedded picture; None where there is none.
        pixels: width and height of the embedded picture.
        pixelated: the original is so small that its pixels should stay visible.
        absence: why there is no picture.
    """

    file: str
    symbol: str | None = None
    pixels: tuple[int, int] = (1, 1)
    pixelated: bool = False
    absence: Literal["", "picture not found", "left out: page is full"] = ""

    @property
    def width(self) -> float:
        """Share of the box's side, in (0, 1]."""
        return self.pixels[0] / max(self.pixels)

    @property
    def height(self) -> float:
        """Likewise."""
        return self.pixels[1] / max(self.pixels)


@dataclass(frozen=True)
class Symbol:
    """An embedded picture: its id, size in pixels and data URI."""

    id: str
    width: int
    height: int
    uri: str


class Album:
    """Hands out pictures, and remembers what has to be embedded.

    Args:
        thumbnail: bytes of a JPEG or PNG by file name, or None when the picture is gone.
        sizes: width and height in pixels of the originals, by file name.
        most: distinct pictures that a page may hold.
        weight: bytes that they may take together, before base64 adds a third.
    """

    def __init__(
        self,
        thumbnail: Thumbnail,
        sizes: Mapping[str, tuple[int, int]],
        *,
        most: int = 900,
        weight: int = 3_200_000,
    ) -> None:
        self._thumbnail = thumbnail
        self._sizes = sizes
        self._most = most
        self._room = weight
        self._pictures: dict[str, Picture] = {}
        self._symbols: dict[bytes, Symbol] = {}

    @property
    def symbols(self) -> list[Symbol]:
        """What the page has to embed, in the order of its first use."""
        return list(self._symbols.values())

    def picture(self, file: str) -> Picture:
        """The picture of a file; asked for again, it is not embedded again."""
        if file not in self._pictures:
            self._pictures[file] = self._admit(file)
        return self._pictures[file]

    def _admit(self, file: str) -> Picture:
        if len(self._symbols) >= self._most or self._room <= 0:
            return Picture(file, absence="left out: page is full")
        content = self._thumbnail(file)
        symbol = None if content is None else self._embed(content)
        if symbol is None:
            return Picture(file, absence="picture not found")
        original = max(self._sizes.get(file, (LONGEST_SIDE + 1, 0)))
        return Picture(
            file=file,
            symbol=symbol.id,
            pixels=(symbol.width, symbol.height),
            pixelated=0 < original <= LONGEST_SIDE,
        )

    def _embed(self, content: bytes) -> Symbol | None:
        key = hashlib.sha256(content).digest()
        if key not in self._symbols:
            small = _small(content)
            if small is None:
                return None
            kind, size, content = small
            self._room -= len(content)
            self._symbols[key] = Symbol(
                id=f"p{len(self._symbols)}",
                width=size[0],
                height=size[1],
                uri=f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}",
            )
        return self._symbols[key]


def _small(content: bytes) -> tuple[str, tuple[int, int], bytes] | None:
    """Media type, size and bytes; None for what Pillow can't read, which is shown as absent."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            fits = max(image.size) <= LONGEST_SIDE and len(content) <= MOST_BYTES
            if fits and image.format in _KINDS:
                return _KINDS[image.format], image.size, content
            return _encoded(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _encoded(image: Image.Image) -> tuple[str, tuple[int, int], bytes]:
    flat = image.convert("RGBA")
    flat.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    opaque = Image.new("RGBA", flat.size, "white")
    opaque.alpha_composite(flat)
    encoded = b""
    for quality in (76, 60, 40):
        buffer = io.BytesIO()
        opaque.convert("RGB").save(buffer, "JPEG", quality=quality, optimize=True)
        encoded = buffer.getvalue()
        if len(encoded) <= MOST_BYTES:
            break
    return "image/jpeg", flat.size, encoded
