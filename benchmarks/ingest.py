"""From a folder of JPEGs to batches of floats: the first epoch, and the later ones.

    python benchmarks/ingest.py trashnet FOLDER [repeats]
    python benchmarks/ingest.py cifar10 FOLDER [repeats]

Each measurement is a new process, with the files in the system's page cache; the clock starts when
everything is imported.

- hubel, first: nothing in Hubel's cache. List the folder, open, hash and decode every file, write
  the pixels at working size to the cache, find duplicates, draw the splits, then one pass of
  shuffled batches, as normalised float tensors.
- rival, first: torchvision's `ImageFolder` (which lists the folder) with `Resize(antialias=True)`
  to the same size, `ToTensor` and `Normalize`, behind PyTorch's `DataLoader` with shuffling and
  workers that stay; one pass. It hashes, checks and splits nothing. The best number of workers
  of those that are tried counts.
- later: the second pass of the same processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from record import RESULTS, spread, write

WORKERS = (0, 2, 3)
BATCH = 256
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def hubel(folder: str) -> dict[str, Any]:
    """Seconds of two passes, pictures of a pass, and the size of the batches."""
    import numpy as np
    import torch

    from hubel.data.batches import Batches
    from hubel.data.dataset import load_pixels, preprocess_for
    from hubel.data.sources import open_source
    from hubel.data.workers import workers_by_rule
    from hubel.job.prepare import open_data
    from hubel.job.reporter import Silent

    torch.set_num_threads(2)
    start = time.monotonic()
    dataset, wish = open_data(open_source(folder), {"seed": 0}, Silent())
    preprocess = preprocess_for(dataset, wish).with_statistics(MEAN, STD)
    rows = np.flatnonzero(dataset.manifest.accepted)
    pixels = load_pixels(dataset, rows, preprocess, lambda _: None, workers_by_rule())
    batches = Batches(pixels, dataset.manifest.targets[rows], BATCH, 0)

    def one_pass(first: int, last: int) -> int:
        count = 0
        for batch in batches.stream(first, last, 1):
            images = preprocess.tensor(torch.from_numpy(batch.pixels))
            count += len(images)
        return count

    steps = batches.steps(1)
    pictures = min(one_pass(0, steps), batches.count)
    first = time.monotonic() - start
    start = time.monotonic()
    one_pass(steps, 2 * steps)
    later = time.monotonic() - start
    size = [preprocess.height, preprocess.width]
    return {"first": first, "later": later, "pictures": pictures, "size": size}


def rival(folder: str, height: int, width: int, workers: int) -> dict[str, Any]:
    """The same of torchvision's ImageFolder and PyTorch's DataLoader."""
    from torch.utils.data import DataLoader
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import Compose, Normalize, Resize, ToTensor

    start = time.monotonic()
    way = Compose([Resize((height, width), antialias=True), ToTensor(), Normalize(MEAN, STD)])
    stay = workers > 0
    loader = DataLoader(
        ImageFolder(folder, way), BATCH, shuffle=True, num_workers=workers, persistent_workers=stay
    )

    def one_pass() -> int:
        return sum(len(images) for images, _ in loader)

    pictures = one_pass()
    first = time.monotonic() - start
    start = time.monotonic()
    one_pass()
    return {"first": first, "later": time.monotonic() - start, "pictures": pictures}


def measured(side: str, *arguments: object) -> dict[str, Any]:
    """What one side gives in a process of its own, with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, __file__, f"--{side}", *map(str, arguments)],
            env=os.environ | {"HUBEL_CACHE": cache, "OMP_WAIT_POLICY": "PASSIVE"},  # as `hubel` has
            check=True,
            stdout=subprocess.PIPE,
        )
    return json.loads(done.stdout)


def warm_up(folder: str) -> None:
    """Bring every file into the page cache."""
    for path in Path(folder).rglob("*"):
        if path.is_file():
            path.read_bytes()


def compare(folder: str, repeats: int) -> dict[str, Any]:
    """Both sides in turn, every setting of the rival's in each turn."""
    warm_up(folder)
    ours: list[dict[str, Any]] = []
    theirs: dict[int, list[dict[str, Any]]] = {workers: [] for workers in WORKERS}
    for _ in range(repeats):
        ours.append(measured("hubel", folder))
        for workers, found in theirs.items():
            found.append(measured("rival", folder, *ours[-1]["size"], workers))
        print(ours[-1], {w: found[-1] for w, found in theirs.items()}, file=sys.stderr)
    return summary(ours, theirs)


def summary(ours: list[dict[str, Any]], theirs: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    """Seconds of both, and how many times as fast we are as the rival's best setting."""
    document: dict[str, Any] = {
        "size": ours[0]["size"],
        "pictures": {"hubel": ours[0]["pictures"], "rival": theirs[0][0]["pictures"]},
    }
    for epoch in ("first", "later"):
        mine = spread([one[epoch] for one in ours])
        others = {str(w): spread([one[epoch] for one in found]) for w, found in theirs.items()}
        best = min(others, key=lambda workers: others[workers]["median"])
        each = zip(others[best]["values"], mine["values"], strict=True)
        document[epoch] = {
            "hubel": mine,
            "rival": others,
            "best workers": int(best),
            "ratio": spread([rival / hubel for rival, hubel in each]),
        }
    return document


def main(name: str, folder: str, repeats: int) -> None:
    """Measure one folder; what stands in the results of the other stays."""
    path = RESULTS / "ingest.json"
    found = json.loads(path.read_text())["measured"]["ingest"] if path.exists() else {}
    found[name] = compare(folder, repeats)
    write("ingest", "python benchmarks/ingest.py NAME FOLDER", {"ingest": found})


if __name__ == "__main__":
    if sys.argv[1] == "--hubel":
        print(json.dumps(hubel(sys.argv[2])))
    elif sys.argv[1] == "--rival":
        print(json.dumps(rival(sys.argv[2], *map(int, sys.argv[3:6]))))
    else:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 3)
