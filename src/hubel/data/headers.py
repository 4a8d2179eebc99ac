"""What the header of a file says of its sample, before any value is decoded."""

from __future__ import annotations

import io

from PIL import Image

from hubel.data import arrays, deep
from hubel.data.decode import FORMATS, decode, read_header
from hubel.data.form import Kind, Seen
from hubel.data.others import is_other

__all__ = ["header_of"]


def header_of(content: bytes, kind: Kind | None = None) -> Seen:
    """Size, mode, frames and format of a sample.

    Args:
        content: the bytes of its file.
        kind: as for `decode`.

    Raises:
        PictureError: no header can be read.

    Example:
        >>> stream = io.BytesIO()
        >>> Image.new("L", (4, 2)).save(stream, "PNG")
        >>> header_of(stream.getvalue())
        Seen(width=4, height=2, mode='L', frames=1, format='PNG')
    """
    if content[:6] == arrays.MAGIC:
        return arrays.array_header(content, kind)
    if is_other(content) or (content[:4] in deep.TIFF and _is_odd(content, kind)):
        sample = decode(content, kind=kind)  # its header is not had without the rest
        return Seen(sample.width, sample.height, sample.mode, sample.frames, sample.format)
    width, height, mode = read_header(content)
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        form, frames = image.format or "", int(getattr(image, "n_frames", 1))
        if mode in ("RGB", "RGBA") and deep.is_sixteen_bit(image, content):
            mode = f"{mode};16"
    return Seen(width, height, mode, frames, form)


def _is_odd(content: bytes, kind: Kind | None) -> bool:
    return kind == "volume" or deep.is_many(content)
