"""How many frames a file has, from its headers, without decoding one."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from itertools import islice

__all__ = ["count_frames"]


def count_frames(content: bytes, limit: int) -> int:
    """The frames of a GIF, PNG, TIFF or WebP; 1 of any other file.

    Args:
        content: the bytes of the file.
        limit: counting stops beyond it.

    Returns:
        The number, or `limit` + 1 for more.

    Example:
        >>> count_frames(b"GIF89a" + bytes(7) + (b"," + bytes(11)) * 3 + b";", 10)
        3
    """
    for magic, frames in _FRAMES.items():
        if content.startswith(magic):
            return max(1, sum(1 for _ in islice(frames(content), limit + 1)))
    return 1


def _gif(content: bytes) -> Iterator[None]:
    at = 13 + _table(content[10] if len(content) > 10 else 0)
    while at < len(content):
        block = content[at]
        if block == 0x2C and at + 9 < len(content):  # a picture: its frame, colours, code size
            yield
            at = _after_chunks(content, at + 11 + _table(content[at + 9]))
        elif block == 0x21:  # an extension
            at = _after_chunks(content, at + 2)
        else:
            return


def _table(flags: int) -> int:
    """Bytes of a table of colours."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_chunks(content: bytes, at: int) -> int:
    while at < len(content) and content[at]:
        at += content[at] + 1
    return at + 1


def _png(content: bytes) -> Iterator[None]:
    """As the animation's own header says, where there are as many headers of frames."""
    at = content.find(b"acTL", 8, 4096)
    said = int.from_bytes(content[at + 4 : at + 8]) if at > 0 else 1
    count = min(said, content.count(b"fcTL")) if at > 0 else 1
    yield from (None for _ in range(count))


def _webp(content: bytes) -> Iterator[None]:
    at = 12
    while at + 8 <= len(content):
        if content[at : at + 4] in (b"ANMF", b"VP8 ", b"VP8L"):
            yield
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + size + size % 2


def _tiff(content: bytes) -> Iterator[None]:
    order = "<" if content[:2] == b"II" else ">"
    big = 43 in content[2:4]
    count, entry, where = ("Q", 20, "Q") if big else ("H", 12, "I")
    head, seen = (8 if big else 4), set[int]()
    try:
        (at,) = struct.unpack_from(order + where, content, head)
        while at and at not in seen:
            seen.add(at)
            yield
            (entries,) = struct.unpack_from(order + count, content, at)
            after = at + struct.calcsize("=" + count) + entry * entries
            (at,) = struct.unpack_from(order + where, content, after)
    except (struct.error, OverflowError):  # cut off, or beyond the end: the decoder says so
        return


_FRAMES: dict[bytes, Callable[[bytes], Iterator[None]]] = {
    b"GIF8": _gif,
    b"\x89PNG": _png,
    b"RIFF": _webp,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
    b"II+\0": _tiff,
    b"MM\0+": _tiff,
}
