"""HOG and a linear support vector machine on Fashion-MNIST, beside OpenCV's HOG and scikit-learn.

    python benchmarks/fashion_mnist.py FOLDER

FOLDER holds the four `.gz` files. Both sides have cells of 4 pixels. Ours chooses among a few
settings on the last 10,000 training pictures, fitted on the 12,000 first, and is then fitted on all
60,000; the rival is the plain recipe: OpenCV's HOG of 9 unsigned orientations with LinearSVC as it
comes. Test pictures are scored once a side. Processor time, one thread.
"""

from __future__ import annotations

import gzip
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from record import write
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from hubel.evaluation.comparison import compare
from hubel.evaluation.intervals import wilson
from hubel.features.notation import parse
from hubel.training.exact import Effort, LinearObjective, solve

FEATURES = ("hog(cell=4)", "hog(cell=4, orientations=12, signed=yes)")
DECAYS = (1e-3, 3e-4, 1e-4)
FITTED, HELD_OUT = 12_000, 10_000
EFFORT = Effort(svm_tolerance=1e-3, must_converge=False)

Array = NDArray[Any]


def read(folder: Path, split: str) -> tuple[Array, Array]:
    """Pictures uint8, (n, 28, 28), and labels, (n,)."""
    images, labels = (
        gzip.decompress((folder / f"{split}-{kind}-ubyte.gz").read_bytes())
        for kind in ("images-idx3", "labels-idx1")
    )
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28)
    return pixels, np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)


def described(text: str, pixels: Array) -> Array:
    """Our features, (n, d), float32."""
    module = parse(text).build((1, 28, 28))
    with torch.inference_mode():
        parts = torch.from_numpy(pixels).unsqueeze(1).float().div_(255).split(2_000)
        return torch.cat([module(part) for part in parts]).numpy()


def ours(train: tuple[Array, Array], test: tuple[Array, Array]) -> dict[str, Any]:
    """Choose on held-out training pictures, fit on all, answer the test pictures."""
    tried: list[tuple[float, str, float]] = []
    for text in FEATURES:
        x, y = described(text, train[0]), train[1]
        for decay in DECAYS:
            objective = LinearObjective(loss="one_vs_rest", squared=True, weight_decay=decay)
            found = solve(x[:FITTED], y[:FITTED], objective, EFFORT)
            right = found.scores(x[-HELD_OUT:]).argmax(1) == y[-HELD_OUT:]
            tried.append((float(right.mean()), text, decay))
    _, text, decay = max(tried)
    start = time.process_time()
    x = described(text, train[0])
    featuring = time.process_time() - start
    objective = LinearObjective(loss="one_vs_rest", squared=True, weight_decay=decay)
    found = solve(x, train[1], objective, EFFORT)
    seconds = time.process_time() - start
    predicted = found.scores(described(text, test[0])).argmax(1)
    return {
        "setting": f"{text}, weight decay {decay:g}",
        "tried": [{"validation": a, "features": b, "weight_decay": c} for a, b, c in tried],
        "predicted": predicted,
        "features seconds": featuring,
        "seconds": seconds,
    }


def plain(train: tuple[Array, Array], test: tuple[Array, Array]) -> dict[str, Any]:
    """OpenCV and scikit-learn as people combine them."""
    descriptor = cv2.HOGDescriptor((28, 28), (8, 8), (4, 4), (4, 4), 9)

    def features(pixels: Array) -> Array:
        return np.stack([descriptor.compute(picture).ravel() for picture in pixels])

    start = time.process_time()
    x = features(train[0])
    featuring = time.process_time() - start
    model = LinearSVC().fit(x, train[1])
    seconds = time.process_time() - start
    return {
        "setting": "9 unsigned orientations, C = 1",
        "predicted": model.predict(features(test[0])),
        "features seconds": featuring,
        "seconds": seconds,
    }


def main(folder: Path) -> None:
    """Both sides, and how they differ on the same test pictures."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    train, test = read(folder, "train"), read(folder, "t10k")
    with threadpool_limits(1):
        sides = {"hubel": ours(train, test), "OpenCV + LinearSVC": plain(train, test)}
    right = {name: side.pop("predicted") == test[1] for name, side in sides.items()}
    for name, side in sides.items():
        side["accuracy"] = wilson(int(right[name].sum()), len(test[1])).to_json()
    pair = compare(*right.values(), *right)
    write(
        "fashion-mnist",
        "python benchmarks/fashion_mnist.py FOLDER",
        {"hog and svm": sides, "difference": pair.to_json()},
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
