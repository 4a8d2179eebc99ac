"""Pictures with several shapes at once, and a table that says which: a small multi-label set.

    python examples/shapes.py shapes
    hubel train shapes/labels.jsonl --epochs 10

Each picture has each of five shapes with its own chance, in any colour, size and place; some have
none. Two of them go together: where there is a ring there is more often a cross.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["CHANCES", "make"]

CHANCES = {"circle": 0.5, "square": 0.4, "triangle": 0.3, "ring": 0.2, "cross": 0.1}
_SIDE = 48


def make(folder: Path, count: int = 600, seed: int = 0) -> Path:
    """Write `count` pictures and `labels.jsonl` into a folder; returns the path of the table."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    rows: list[str] = []
    for number in range(count):
        names = [name for name in CHANCES if rng.random() < CHANCES[name]]
        if "ring" in names and "cross" not in names and rng.random() < 0.5:
            names.append("cross")
        file = f"{number:05d}.png"
        _picture(rng, names).save(folder / file)
        rows.append(json.dumps({"file_name": file, "labels": names}))
    table = folder / "labels.jsonl"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return table


def _picture(rng: np.random.Generator, names: list[str]) -> Image.Image:
    shade = rng.integers(20, 60, 3)
    noise = rng.normal(0, 8, (_SIDE, _SIDE, 3)) + shade
    image = Image.fromarray(noise.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for name in rng.permutation(names):
        half = int(rng.integers(6, 11))
        x, y = (int(place) for place in rng.integers(half, _SIDE - half, 2))
        colour = tuple(int(part) for part in rng.integers(110, 256, 3))
        _draw(draw, str(name), (x, y, half), colour)
    return image


def _draw(
    draw: ImageDraw.ImageDraw, name: str, place: tuple[int, int, int], colour: tuple[int, ...]
) -> None:
    x, y, half = place
    box = (x - half, y - half, x + half, y + half)
    if name == "circle":
        draw.ellipse(box, fill=colour)
    elif name == "square":
        draw.rectangle(box, fill=colour)
    elif name == "triangle":
        draw.polygon([(x, y - half), (x + half, y + half), (x - half, y + half)], fill=colour)
    elif name == "ring":
        draw.ellipse(box, outline=colour, width=3)
    else:
        draw.line((*box[:2], *box[2:]), fill=colour, width=3)
        draw.line((box[0], box[3], box[2], box[1]), fill=colour, width=3)


if __name__ == "__main__":
    print(make(Path(sys.argv[1] if len(sys.argv) > 1 else "shapes")))
