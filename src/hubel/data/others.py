"""Files that are no picture files: which they are by their first bytes, and who decodes them."""

from __future__ import annotations

from collections.abc import Callable

from hubel.data import medical, sound
from hubel.data.form import Decoded, Limits

__all__ = ["decode_other", "is_other"]

_Reader = tuple[Callable[[bytes], bool], Callable[[bytes, Limits], Decoded]]

_READERS: tuple[_Reader, ...] = (
    (sound.is_wav, sound.decode_wav),
    (lambda content: content[:4] in sound.COMPRESSED, sound.decode_compressed),
    (medical.is_dicom, medical.decode_dicom),
    (medical.is_nifti, medical.decode_nifti),
)


def is_other(content: bytes) -> bool:
    """Whether the bytes are sound, NIfTI or DICOM.

    Example:
        >>> is_other(b"RIFF    WAVEfmt "), is_other(b"RIFF    WEBPVP8 ")
        (True, False)
    """
    return any(is_it(content) for is_it, _ in _READERS)


def decode_other(content: bytes, limits: Limits) -> Decoded:
    """The sample in such bytes.

    Raises:
        PictureError: it is broken or too large, or a library that it needs is not installed.
    """
    return next(read(content, limits) for is_it, read in _READERS if is_it(content))
