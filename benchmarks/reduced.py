"""What decoding large JPEGs at reduced scale does to the pixels, and to accuracy.

    python benchmarks/reduced.py TRASHNET

Every picture at working size, with `reduced` on and off: the differences of their values (0 to
255). Then `histogram + hog` and a logistic regression on both, over the same five folds, each
picture answered once by each: whole, reduced, and learned from whole but tested on reduced.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from record import write
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hubel.data.dataset import load_pixels, preprocess_for
from hubel.data.sources import open_source
from hubel.data.workers import workers_by_rule
from hubel.evaluation.paired import Pair, difference
from hubel.features.notation import parse
from hubel.job.prepare import open_data
from hubel.job.reporter import Silent

FEATURE = "histogram + hog(cell=16)"


def described(pixels: Any) -> Any:
    """FEATURE of pixels, (n, h, w, 3): (n, d)."""
    count, height, width, channels = pixels.shape
    module = parse(FEATURE).build((channels, height, width))
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    with torch.inference_mode():
        blocks = [module(x[at : at + 128].float().div(255)) for at in range(0, count, 128)]
        return torch.cat(blocks).numpy()


def answers(learned: Any, asked: Any, targets: Any) -> Any:
    """Probabilities for `asked`, each from the four folds that its picture is not in."""
    found = np.zeros((len(targets), int(targets.max()) + 1))
    for train, held in StratifiedKFold(5, shuffle=True, random_state=0).split(learned, targets):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200))
        found[held] = model.fit(learned[train], targets[train]).predict_proba(asked[held])
    return found


def compared(targets: Any, one: Any, other: Any) -> dict[str, float]:
    """Balanced accuracy of `one` less that of `other`, with its interval at 95%."""
    found = difference("balanced accuracy", Pair(targets, one, other))
    low, high = found.limits(0.95)
    return {"value": found.value, "low": low, "high": high}


def main(folder: str) -> None:
    """Measure and write down."""
    dataset, wish = open_data(open_source(folder), {"seed": 0}, Silent())
    rows = np.flatnonzero(dataset.manifest.accepted)
    targets = dataset.manifest.targets[rows]
    way = preprocess_for(dataset, wish)
    both: dict[bool, Any] = {}
    for on in (False, True):
        made = replace(way, reduced=on)
        pixels = load_pixels(dataset, rows, made, lambda _: None, workers_by_rule())
        both[on] = pixels.take(np.arange(len(rows)))
    apart = np.abs(both[True].astype(np.int16) - both[False].astype(np.int16))
    features = {on: described(pixels) for on, pixels in both.items()}
    whole = answers(features[False], features[False], targets)
    reduced = answers(features[True], features[True], targets)
    crossed = answers(features[False], features[True], targets)
    measured = {
        "reduced": {"pictures": len(rows), "size": list(way.size), "feature": FEATURE},
        "pixels": {"mean": float(apart.mean()), "most": int(apart.max()),
                   "over 8": float((apart > 8).mean())},
        "accuracy": {name: float((found.argmax(1) == targets).mean())
                     for name, found in (("whole", whole), ("reduced", reduced),
                                         ("crossed", crossed))},
        "reduced less whole": compared(targets, reduced, whole),
        "crossed less whole": compared(targets, crossed, whole),
    }  # fmt: skip
    write("reduced", "python benchmarks/reduced.py TRASHNET", measured)


if __name__ == "__main__":
    main(sys.argv[1])
