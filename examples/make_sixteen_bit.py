"""Make a set of 16-bit pictures whose classes are in the lower eight bits alone.

    python examples/make_sixteen_bit.py /tmp/sixteen
    hubel train /tmp/sixteen

Grey PNG files of 32 x 32 pixels: faint stripes across, stripes down, or none, 60 of 65,535 levels
high. Brought to 8 bits nearly every pixel is the same 125.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, LEVEL, HEIGHT, NOISE = 32, 125 * 257, 60, 25
CLASSES = ("across", "down", "none")


def picture(name: str, draws: np.random.Generator) -> np.ndarray:
    """One picture, uint16, (h, w)."""
    phase, turns = draws.uniform(0, 2 * np.pi), draws.uniform(3, 6)
    stripes = HEIGHT * np.sin(phase + 2 * np.pi * turns * np.arange(SIDE) / SIDE)
    flat = np.zeros((SIDE, SIDE))
    shown = {"across": stripes[:, None] + flat, "down": stripes[None] + flat, "none": flat}[name]
    return np.rint(LEVEL + shown + NOISE * draws.standard_normal((SIDE, SIDE))).astype(np.uint16)


def make(folder: Path, count: int, seed: int) -> None:
    """Write `count` pictures of each class."""
    draws = np.random.default_rng(seed)
    for name in CLASSES:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.fromarray(picture(name, draws)).save(folder / name / f"{number}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=100, help="pictures of each class [100]")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    make(given.folder, given.count, given.seed)
