"""Files that may take very long to decode are decoded by a process of their own, which has a limit.

A thread that is inside of a C library can't be stopped; a process can. How long a file may take is
told from its header: pixels, times the passes that a progressive JPEG makes over them, times how
slow its format is. What is below the bound takes seconds at most, and is decoded in place.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hubel.errors import PictureError

__all__ = ["decode_apart", "may_be_slow", "serve"]

_MOST = 1e9  # pixels times passes: about ten seconds
_SLOW = {"JPEG2000": 50, "AVIF": 20}  # against a pixel of PNG
_SLOWEST = max(_SLOW.values())
_SCAN = b"\xff\xda"
_SERVE = "from hubel.data.apart import serve; serve()"
_inside: list[bool] = []  # whether this is the process of its own


def may_be_slow(content: bytes, formats: tuple[str, ...]) -> bool:
    """Whether a file could take long, by its header.

    Args:
        content: the bytes of the file.
        formats: that are read.
    """
    if _inside:
        return False
    jpeg = content[:2] == b"\xff\xd8"
    passes = content.count(_SCAN) if jpeg else _SLOWEST
    if passes <= 10 and jpeg:
        return False  # as ordinary files have them: bounded by the pixels
    if content[:4] in (b"\x89PNG", b"II*\0", b"MM\0*", b"GIF8"):
        return False
    try:
        with Image.open(io.BytesIO(content), formats=formats) as image:
            width, height = image.size
            form = image.format or ""
    except Exception:  # foreign bytes: the decoder will say what is wrong
        return False
    return width * height * (passes if jpeg else _SLOW.get(form, 1)) > _MOST


def decode_apart(content: bytes, limits: Any) -> tuple[NDArray[Any], str, str, int]:
    """Decode a file in a process of its own.

    Args:
        content: the bytes of the file.
        limits: `Limits`; its `seconds` are how long it may take.

    Returns:
        Pixels, mode, format and frames.

    Raises:
        PictureError: as `decode`, or it took too long.
    """
    limits_text = json.dumps(dataclasses.asdict(limits))
    try:
        done = subprocess.run(
            [sys.executable, "-c", _SERVE, limits_text],
            input=content,
            capture_output=True,
            timeout=limits.seconds,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PictureError(
            "takes too long to decode", f"more than {limits.seconds:g} seconds"
        ) from error
    head, _, values = done.stdout.partition(b"\n")
    if done.returncode != 0 or not head:
        raise PictureError("broken or truncated", f"its decoder ended with {done.returncode}")
    facts = json.loads(head)
    if "reason" in facts:
        raise PictureError(facts["reason"], facts["detail"])
    pixels = np.load(io.BytesIO(values), allow_pickle=False)
    return pixels, facts["mode"], facts["format"], facts["frames"]


def serve() -> None:
    """Decode the file on standard input, under the limits of the first argument."""
    from hubel.data.decode import Limits, decode

    _inside.append(True)
    out = sys.stdout.buffer
    try:
        found = decode(sys.stdin.buffer.read(), Limits(**json.loads(sys.argv[1])))
    except PictureError as error:
        out.write(json.dumps({"reason": error.reason, "detail": error.detail}).encode() + b"\n")
        return
    facts = {"mode": found.mode, "format": found.format, "frames": found.frames}
    out.write(json.dumps(facts).encode() + b"\n")
    np.save(out, getattr(found, dataclasses.fields(found)[0].name), allow_pickle=False)
