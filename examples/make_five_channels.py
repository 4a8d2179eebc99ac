"""Make a set of pictures of five channels whose classes are in the last two alone.

    python examples/make_five_channels.py /tmp/five
    hubel train /tmp/five

TIFF files of 24 x 24 pixels and five samples each, as a camera with two bands beyond red has them.
A spot is bright in all of the first three; in the fourth, in the fifth, or in both, by its class.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tifffile

SIDE = 24
CLASSES = {"both": (1, 1), "fifth": (0, 1), "fourth": (1, 0)}


def picture(last: tuple[int, int], draws: np.random.Generator) -> np.ndarray:
    """One picture, uint8, (h, w, 5)."""
    down, across = draws.uniform(6, SIDE - 6, 2)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    spot = np.exp(-((rows - down) ** 2 + (columns - across) ** 2) / draws.uniform(8, 20))
    bright = np.array([*draws.uniform(40, 90, 3), *(70 * one for one in last)])
    noisy = 90 + spot[..., None] * bright + 20 * draws.standard_normal((SIDE, SIDE, 5))
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def make(folder: Path, count: int, seed: int) -> None:
    """Write `count` pictures of each class."""
    draws = np.random.default_rng(seed)
    for name, last in CLASSES.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            tifffile.imwrite(
                folder / name / f"{number}.tif",
                picture(last, draws),
                photometric="minisblack",
                planarconfig="contig",
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=100, help="pictures of each class [100]")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    make(given.folder, given.count, given.seed)
