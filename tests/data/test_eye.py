"""What a report shows of a sample: 8 bits, of its own range, and a word that says how."""

from __future__ import annotations

import numpy as np
import pytest

from hubel.data.eye import caption, for_the_eye
from hubel.data.form import Decoded, Form


def sample(mode: str, *shape: int) -> Decoded:
    form = Form.of_mode(mode)
    values = np.random.default_rng(0).random(shape) * (1 if form.depth == "float32" else 200) + 3
    return Decoded(values.astype(form.depth), mode, "array", 1)


@pytest.mark.parametrize(
    ("mode", "shape", "shown"),
    [
        ("L", (9, 8), (9, 8)),
        ("RGBA", (9, 8, 4), (9, 8, 3)),
        ("I;16", (9, 8), (9, 8)),
        ("RGB;16", (9, 8, 3), (9, 8, 3)),
        ("RGBA;16", (9, 8, 4), (9, 8, 3)),
        ("picture float32 x5", (9, 8, 5), (9, 8, 3)),
        ("picture uint8 x2", (9, 8, 2), (9, 8)),
        ("volume float32 x1", (4, 9, 8, 1), (9, 8)),
        ("signal float32 x2", (500, 2), (64, 96)),
        ("signal uint16 x9", (3, 9), (64, 96)),
    ],
)
def test_every_form_is_a_picture_of_8_bits(
    mode: str, shape: tuple[int, ...], shown: tuple[int, ...]
) -> None:
    found = for_the_eye(sample(mode, *shape))
    assert (found.dtype, found.shape) == (np.uint8, shown)
    assert found.min() < found.max()


@pytest.mark.parametrize("mode", ["I;16", "volume uint16 x1", "picture float32 x5"])
def test_a_narrow_range_is_stretched_to_all_of_8_bits(mode: str) -> None:
    shape = {"I;16": (9, 8), "volume uint16 x1": (3, 9, 8, 1)}.get(mode, (9, 8, 5))
    found = for_the_eye(sample(mode, *shape))
    assert (found.min(), found.max()) == (0, 255)


def test_a_line_goes_up_where_the_signal_does() -> None:
    ramp = Decoded(np.arange(960.0, dtype=np.float32)[:, None], "signal float32 x1", "NPY", 1)
    ink = for_the_eye(ramp) < 128
    heights = ink.argmax(0)
    assert (np.diff(heights) <= 0).all()
    assert heights[0] > heights[-1]
    assert ink.any(0).all()


@pytest.mark.parametrize(
    ("mode", "word"),
    [
        ("RGB", ""), ("L", ""), ("RGBA", ""),
        ("I;16", "stretched to 8 bits"),
        ("picture uint8 x5", "Of 5 channels the first three are shown"),
        ("volume float32 x1", "the middle plane is shown"),
        ("signal float32 x1", "drawn as lines"),
    ],
)  # fmt: skip
def test_what_is_not_shown_as_it_is_is_said(mode: str, word: str) -> None:
    assert word in caption(mode)
    assert bool(caption(mode)) == bool(word)
