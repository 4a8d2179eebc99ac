"""What the tests of all sources ask of one."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.sources import Source


def labelled(source: Source) -> dict[str, tuple[str | None, str | None]]:
    """Label and split by path."""
    return {entry.path: (entry.label, entry.split) for entry in source.list().entries}


def row(source: Source, path: str) -> NDArray[Any]:
    """One sample of a source of arrays."""
    return np.load(io.BytesIO(source.read(path)), allow_pickle=False)
