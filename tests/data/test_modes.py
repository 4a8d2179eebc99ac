"""Each mode of Pillow has one rule, a golden picture, and a row in the docs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hubel.data import decode as module
from hubel.data.decode import upright_pixels

DOCS = Path(__file__).parents[2] / "docs" / "data.md"


def one(mode: str, *value: float) -> Image.Image:
    return Image.new(mode, (1, 1), value if len(value) > 1 else value[0])


def sixteen(order: str) -> Image.Image:
    kind = np.dtype(np.uint16).newbyteorder(order)
    values = np.array([[0, 257, 32_896, 65_535]], kind)
    mode = {"<": "I;16L", ">": "I;16B", "=": "I;16N"}[order]
    return Image.frombuffer("I;16B" if order == ">" else "I;16", (4, 1), values.tobytes(), "raw",
                            mode if order != "=" else "I;16N", 0, 1)  # fmt: skip


def palette(mode: str) -> Image.Image:
    image = Image.new("P", (2, 1))
    image.putpalette([9, 8, 7, 100, 0, 0])
    image.putpixel((1, 0), 1)
    return image if mode == "P" else image.convert("PA")


# What becomes of each mode: 8-bit pixels, as a picture that is shown or classified.
GOLDEN: dict[str, tuple[Image.Image, Any]] = {
    "1": (Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1"), [[0, 255]]),
    "L": (Image.fromarray(np.array([[0, 1, 128, 255]], np.uint8)), [[0, 1, 128, 255]]),
    "I;16": (sixteen("<"), [[0, 1, 128, 255]]),
    "I;16B": (sixteen(">"), [[0, 1, 128, 255]]),
    "I;16L": (sixteen("<"), [[0, 1, 128, 255]]),
    "I;16N": (sixteen("="), [[0, 1, 128, 255]]),
    "I": (Image.fromarray(np.array([[-5, 257, 70_000]], np.int32)), [[0, 1, 255]]),
    "F": (Image.fromarray(np.array([[-1, 0, 1, np.nan]], np.float32)), [[0, 128, 255, 0]]),
    "RGB": (one("RGB", 10, 20, 30), [[[10, 20, 30]]]),
    "RGBX": (one("RGBX", 10, 20, 30, 77), [[[10, 20, 30]]]),
    "P": (palette("P"), [[[9, 8, 7], [100, 0, 0]]]),
    "LA": (one("LA", 0, 0), [[255]]),
    "La": (one("LA", 0, 0).convert("La"), [[255]]),
    "PA": (palette("PA"), [[[9, 8, 7], [100, 0, 0]]]),
    "RGBA": (one("RGBA", 0, 0, 0, 128), [[[127, 127, 127]]]),
    "RGBa": (one("RGBA", 0, 0, 0, 128).convert("RGBa"), [[[127, 127, 127]]]),
    "CMYK": (one("CMYK", 255, 0, 0, 0), [[[0, 255, 255]]]),
    "YCbCr": (one("YCbCr", 255, 128, 128), [[[255, 255, 255]]]),
    "HSV": (one("HSV", 0, 255, 255), [[[255, 0, 0]]]),
    "LAB": (one("LAB", 255, 128, 128), [[[255, 255, 255]]]),
}


def rows(text: str) -> list[str]:
    """The rows of the table of modes, from its head to its end."""
    lines = text.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("| Pillow mode "))
    table = lines[begin:]
    end = next((n for n, line in enumerate(table) if not line.startswith("|")), len(table))
    return table[:end]


def modes() -> list[str]:
    """Every mode that the rules name."""
    firsts = [row.split("|")[1] for row in rows(module.__doc__ or "")[2:]]
    return [mode for first in firsts for mode in re.findall(r"`([^`]+)`", first)]


@pytest.mark.parametrize("mode", GOLDEN)
def test_every_mode_gives_its_golden_pixels(mode: str) -> None:
    image, expected = GOLDEN[mode]
    found = upright_pixels(image)
    assert found.dtype == np.uint8
    tolerance = 1 if mode == "LAB" else 0
    np.testing.assert_allclose(found.astype(int), expected, atol=tolerance)


def test_every_mode_of_the_rules_and_of_pillow_has_a_golden_picture() -> None:
    # `RGB;16` and the like are no modes of Pillow, which cuts such files to 8 bits.
    named = {mode for mode in modes() if not re.fullmatch(r"(RGB|RGBA|LA);16", mode)}
    assert named == set(GOLDEN)
    assert set(Image.MODES) - {"BGR;15", "BGR;16", "BGR;24"} <= named


def test_the_docs_have_the_table_of_the_rules() -> None:
    expected = rows(module.__doc__ or "")
    assert rows(DOCS.read_text(encoding="utf-8")) == expected, "copy it from hubel/data/decode.py"
