"""Make a set of small volumes in three classes: a ball, a hollow shell, and a rod.

    python examples/make_volumes.py /tmp/volumes
    hubel train /tmp/volumes

Arrays of (16, 24, 24) in float32, with noise. All bodies have the same mean brightness, and lie
anywhere; rods point along any axis.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

SIZE = (16, 24, 24)
CLASSES = ("ball", "rod", "shell")


def body(name: str, draws: np.random.Generator) -> np.ndarray:
    """One volume, float32, (d, h, w)."""
    center = [draws.uniform(6, side - 6) for side in SIZE]
    grid = np.meshgrid(*map(np.arange, SIZE), indexing="ij")
    away = [axis - middle for axis, middle in zip(grid, center, strict=True)]
    radius = draws.uniform(3.5, 5.0)
    if name == "rod":
        across = [away[axis] for axis in draws.permutation(3)[:2]]
        inside = across[0] ** 2 + across[1] ** 2 < (radius / 2) ** 2
    else:
        squares = sum(axis**2 for axis in away)
        inside = squares < radius**2
        if name == "shell":
            inside &= squares > (radius - 1.5) ** 2
    bright = inside / max(1, inside.sum()) * 200
    return (bright + 0.25 * draws.standard_normal(SIZE)).astype(np.float32)


def make(folder: Path, count: int, seed: int) -> None:
    """Write `count` volumes of each class."""
    draws = np.random.default_rng(seed)
    for name in CLASSES:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            np.save(folder / name / f"{number}.npy", body(name, draws), allow_pickle=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=100, help="volumes of each class [100]")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    make(given.folder, given.count, given.seed)
