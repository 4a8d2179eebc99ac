"""Make a set of short sounds in three classes: a tone that rises, one that falls, one that stays.

    python examples/make_signals.py /tmp/signals
    hubel train /tmp/signals

WAV files of 16 bits, 2,000 moments at 8 kHz, about as loud as the noise around them. Begin, pitch
and phase are drawn, so that no single moment tells the class.
"""

from __future__ import annotations

import argparse
import wave
from pathlib import Path

import numpy as np

RATE, LENGTH = 8_000, 2_000
CLASSES = {"falling": -1.0, "rising": 1.0, "steady": 0.0}


def sound(slope: float, draws: np.random.Generator) -> np.ndarray:
    """One sound, int16, (t,)."""
    time = np.arange(LENGTH) / RATE
    pitch = draws.uniform(400, 1_200)
    middle = draws.uniform(0.1, 0.15)
    turns = pitch * time + slope * 2_000 * (time - middle) ** 2
    tone = np.sin(2 * np.pi * (turns + draws.random()))
    envelope = np.exp(-(((time - middle) / 0.06) ** 2))
    noisy = 0.3 * envelope * tone + 0.1 * draws.standard_normal(LENGTH)
    return np.clip(noisy * 2**15, -(2**15), 2**15 - 1).astype("<i2")


def make(folder: Path, count: int, seed: int) -> None:
    """Write `count` sounds of each class."""
    draws = np.random.default_rng(seed)
    for name, slope in CLASSES.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            with wave.open(str(folder / name / f"{number}.wav"), "wb") as file:
                file.setparams((1, 2, RATE, LENGTH, "NONE", ""))
                file.writeframes(sound(slope, draws).tobytes())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=100, help="sounds of each class [100]")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    make(given.folder, given.count, given.seed)
