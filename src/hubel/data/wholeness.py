"""Pictures that a decoder passes although some of their pixels never came.

Pillow switches libjpeg's warnings off, so that a JPEG whose middle is missing, with its end mark in
place, decodes to grey rows; and it reads a JPEG 2000 whose data were cut off.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from PIL import ImageFile

from hubel.errors import PictureError

__all__ = ["expect_whole", "whole_pictures_only"]

# Of libjpeg's warnings those after which pixels are made up. Others ("extraneous bytes before
# marker", an odd revision number) are of files whose pixels are all there.
_LOST = ("premature end", "bad huffman code", "inconsistent progression", "found marker")
_CODESTREAM, _END = b"\xff\x4f\xff\x51", b"\xff\xd9"
_lock = threading.Lock()
_inside: list[Any] = []


def expect_whole(content: bytes, form: str) -> None:
    """Refuse a picture of which pixels are missing.

    Args:
        content: the bytes of a file that a decoder took.
        form: Pillow's name of the format.

    Raises:
        PictureError: with what is missing.
    """
    if form == "JPEG2000":
        # Within the data no byte above 8F follows FF, so that this is the end mark alone.
        if _END not in content[max(0, content.find(_CODESTREAM)) :]:
            raise PictureError("broken or truncated", "the JPEG 2000 codestream has no end")
    elif form in ("JPEG", "MPO"):
        lost = _lost(content)
        if lost is not None:
            raise PictureError("broken or truncated", f"libjpeg: {lost}")


def _lost(content: bytes) -> str | None:
    """What libjpeg says of pixels that it had to make up; a decode at an eighth of the size."""
    import simplejpeg

    try:
        simplejpeg.decode_jpeg(content, colorspace="GRAY", min_factor=8)
    except ValueError as error:
        text = str(error)
        return text if any(word in text.lower() for word in _LOST) else None
    return None


@contextmanager
def whole_pictures_only() -> Generator[None]:
    """Pillow's `LOAD_TRUNCATED_IMAGES` is off inside, whatever the rest of the program set."""
    with _lock:
        if not _inside:
            _inside.append(ImageFile.LOAD_TRUNCATED_IMAGES)
        _inside.append(None)
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        yield
    finally:
        with _lock:
            _inside.pop()
            if len(_inside) == 1:
                ImageFile.LOAD_TRUNCATED_IMAGES = _inside.pop()
