"""A sample as a small picture for the eye: what a report shows of it.

| sample | is shown as |
|---|---|
| 8-bit picture | as it is; its alpha on white |
| deeper picture | its own range stretched to 8 bits, all channels alike |
| picture of other channels | the first three, or the first, stretched |
| volume | its middle plane, stretched |
| signal | a line a channel, each over its own range, at most four |
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.eight_bit import eight_bit, laid_on_white, stretch
from hubel.data.form import Decoded

__all__ = ["caption", "for_the_eye"]

_WIDTH, _HEIGHT, _LANES = 96, 64, 4
_INK, _PAPER = 40, 255


def for_the_eye(sample: Decoded) -> NDArray[np.uint8]:
    """A sample as an 8-bit picture: (h, w) or (h, w, 3).

    Example:
        >>> beat = Decoded(np.sin(np.arange(500.0))[:, None], "signal float32 x1", "NPY", 1)
        >>> for_the_eye(beat).shape
        (64, 96)
    """
    form, values = sample.form, sample.values
    if form.kind == "signal":
        return _lines(values)
    if form.kind == "picture" and form.depth == "uint8" and (form.alpha or form.channels in (1, 3)):
        return eight_bit(sample)
    if form.kind == "volume":
        values = values[len(values) // 2]
    if form.alpha:
        return laid_on_white(np.stack([stretch(values[..., c].astype(np.float32))
                                       for c in range(values.shape[-1])], -1))  # fmt: skip
    if values.ndim == 3 and values.shape[2] != 3:
        values = values[..., :3] if values.shape[2] > 3 else values[..., 0]
    return stretch(values.astype(np.float32))


def caption(mode: str) -> str:
    """How samples of a mode are shown; empty where they are shown as they are."""
    form = Decoded(np.zeros((1, 1)), mode, "", 1).form
    if form.kind == "signal":
        return "Signals are drawn as lines, each channel over its own range."
    if form.kind == "volume":
        return "Of a volume the middle plane is shown, its range stretched to 8 bits."
    if form.channels not in (1, 3) and not form.alpha:
        shown = "the first three" if form.channels > 3 else "the first"
        return f"Of {form.channels} channels {shown} are shown, stretched to 8 bits."
    return "" if form.depth == "uint8" else "The range of each picture is stretched to 8 bits."


def _lines(values: NDArray[Any]) -> NDArray[np.uint8]:
    """A drawing, (64, 96): in each column the line from the lowest to the highest value there."""
    paper = np.full((_HEIGHT, _WIDTH), _PAPER, np.uint8)
    lanes = min(_LANES, values.shape[1])
    height = _HEIGHT // lanes
    for lane in range(lanes):
        levels = stretch(values[:, lane].astype(np.float32)).astype(np.int64)
        rows = (255 - levels) * (height - 1) // 255 + lane * height
        edges = np.linspace(0, len(rows), _WIDTH + 1).astype(np.int64)
        for column in range(_WIDTH):
            # One more on the right, so that the line has no gaps.
            part = rows[edges[column] : max(edges[column] + 1, edges[column + 1] + 1)]
            part = part if len(part) else rows[-1:]
            paper[part.min() : part.max() + 1, column] = _INK
    return paper
