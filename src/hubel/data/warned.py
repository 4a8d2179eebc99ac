"""What decoders say without failing: kept for each file, and not printed.

Python's warnings come from the thread that decodes, and are kept for it. libtiff prints to the
process's standard error, which all threads share: while it speaks nobody else decodes a TIFF.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

__all__ = ["listening", "quiet_decoders"]

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LONGEST = 300
_MOST = 8_192
_ears = threading.local()
_turn = threading.Lock()
_spoken: list[int] = []  # descriptors of the files that standard error goes to, innermost last


@contextmanager
def quiet_decoders() -> Generator[None]:
    """Print neither Pillow's warnings nor what C libraries write straight to standard error.

    They are about odd files that are then read or refused; `listening` hears them. A progress bar
    that is to be seen meanwhile writes to a duplicate of the descriptor.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as heard:
        try:
            os.dup2(heard.fileno(), 2)
            _spoken.append(heard.fileno())
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                warnings.showwarning = _hear
                yield
        finally:
            _spoken.pop()
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def listening(content: bytes) -> Generator[list[str]]:
    """What the decoders say of one file in this thread, inside of `quiet_decoders`.

    Args:
        content: of the file, before it is decoded.

    Example:
        >>> with quiet_decoders(), listening(b"GIF89a") as said:
        ...     warnings.warn("Truncated File Read")
        >>> said
        ['UserWarning: Truncated File Read']
    """
    said: list[str] = []
    _ears.said = said
    speaks = content[:4] in _TIFF and bool(_spoken)
    with _turn if speaks else nullcontext():
        before = _end() if speaks else 0
        try:
            yield said
        finally:
            _ears.said = None
            if speaks:
                said += _printed(before)


def _hear(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    said = getattr(_ears, "said", None)
    own = issubclass(category, DeprecationWarning)  # of the library, not of the file
    if said is not None and not own and len(said) < 10:
        said.append(f"{category.__name__}: {message}"[:_LONGEST])


def _end() -> int:
    return os.lseek(_spoken[-1], 0, os.SEEK_END)


def _printed(before: int) -> list[str]:
    """The lines that were printed since, with numbers of memory and the like as they came."""
    with suppress(OSError):
        content = os.pread(_spoken[-1], _MOST, before)
        os.ftruncate(_spoken[-1], before)
        os.lseek(_spoken[-1], before, os.SEEK_SET)
        lines = content.decode("utf-8", "backslashreplace").splitlines()
        return [line.strip()[:_LONGEST] for line in lines if line.strip()][:10]
    return []
