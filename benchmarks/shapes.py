"""What squash, crop, pad and buckets come to on photographs of several ratios.

python benchmarks/shapes.py trashnet.tar FOLDER [--size 80] [--epochs 12] [--folds 3]

The photographs of TrashNet, 384 px wide and 512 high, each in one of three forms: as it is, turned
by 90 degrees, or its middle of 384 x 192. A fifth is the test split, another one in each fold, a
tenth validation; every shape is trained on the same pictures, with the same seed and the same
number of epochs. The test pictures of the folds are different ones, so their answers are compared
together, in pairs.
"""

from __future__ import annotations

import argparse
import csv
import io
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from record import write

from hubel.data.buckets import bucket_of, place
from hubel.data.dataset import preprocess_for
from hubel.data.keyed import permutation
from hubel.data.shape_costs import true_sizes
from hubel.data.sources import open_source
from hubel.evaluation.comparison import compare_all
from hubel.evaluation.intervals import wilson
from hubel.job.bucketing import costs_of, with_buckets
from hubel.job.prepare import gather, make_task, open_data
from hubel.job.reporter import Silent
from hubel.job.settings import clean
from hubel.training.checkpoints import Checkpoints
from hubel.training.loop import Controls, Journey, fit
from hubel.training.plan import Plan
from hubel.training.rules import Facts, resolve
from hubel.training.trainer import Trainer

SHAPES = ("bucket", "squash", "crop", "pad")
FIFTHS = 5


def main() -> None:
    """Make the pictures, train every shape on every fold, and write the result after each fold."""
    parser = argparse.ArgumentParser()
    parser.add_argument("archive", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=80)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--folds", type=int, default=3)
    asked = parser.parse_args()
    names = mixture(asked.archive, asked.folder)
    command = (
        f"python benchmarks/shapes.py trashnet.tar FOLDER --size {asked.size} "
        f"--epochs {asked.epochs} --folds"
    )
    right: dict[str, list[NDArray[np.bool_]]] = {shape: [] for shape in SHAPES}
    seconds: dict[str, list[float]] = {shape: [] for shape in SHAPES}
    facts: dict[str, Any] = {}
    for fold in range(asked.folds):
        table = write_table(asked.folder, names, fold)
        for shape in SHAPES:
            settings = {"size": asked.size, "epochs": asked.epochs, "seed": fold, "shape": shape}
            found, took, described = train(table, settings)
            right[shape].append(found)
            seconds[shape].append(round(took, 1))
            facts |= described
            print(fold, shape, f"{found.mean():.3f}", f"{took:.0f} s", flush=True)
        done = {"size": asked.size, "epochs": asked.epochs, "folds": fold + 1}
        write("shapes", f"{command} {fold + 1}", measured(right, seconds, facts) | done)


def mixture(archive: Path, folder: Path) -> list[str]:
    """Write each photograph in one of its forms; returns the names, below the folder."""
    with tarfile.open(archive) as tar:
        members = sorted((m for m in tar if m.name.endswith(".jpg")), key=lambda m: m.name)
        forms = permutation(0, 0, len(members)) % 3
        names: list[str] = []
        for member, form in zip(members, forms.tolist(), strict=True):
            name = "/".join(member.name.split("/")[-2:])
            names.append(name)
            if (folder / name).exists():
                continue
            stream = tar.extractfile(member)
            assert stream is not None
            image = Image.open(io.BytesIO(stream.read())).convert("RGB")
            if form == 1:
                image = image.transpose(Image.Transpose.ROTATE_90)
            if form == 2:
                rest = (image.height - image.width // 2) // 2
                image = image.crop((0, rest, image.width, rest + image.width // 2))
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            image.save(folder / name, quality=95)
    return names


def write_table(folder: Path, names: list[str], fold: int) -> Path:
    """A table of the pictures with the splits of a fold."""
    places = permutation(1, 0, len(names)) % (2 * FIFTHS)
    path = folder / f"fold-{fold}.csv"
    with open(path, "w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["file_name", "label", "split"])
        for name, at in zip(names, places.tolist(), strict=True):
            split = "test" if at // 2 == fold else "val" if at == 2 * FIFTHS - 1 else "train"
            table.writerow([name, name.split("/")[0], split])
    return path


def train(table: Path, settings: dict[str, Any]) -> tuple[NDArray[np.bool_], float, dict[str, Any]]:
    """Train once: whether each test picture is answered right, the seconds, and the costs."""
    chosen = clean(settings)
    dataset, wish = open_data(open_source(table), chosen, Silent())
    preprocess = preprocess_for(dataset, wish)
    classes = len(dataset.manifest.classes)
    facts = Facts.of(dataset.manifest.counts()["train"], preprocess, "cpu", classes)
    recipe, _ = resolve(chosen, facts)
    preprocess = with_buckets(dataset, preprocess, recipe)
    material = gather(dataset, preprocess, Silent(), 1)
    start = time.monotonic()
    trainer = Trainer(make_task(material, recipe), recipe, facts.device)
    journey = Journey(Plan.of(trainer.task.train.steps(settings["epochs"])))
    with tempfile.TemporaryDirectory() as folder:
        fit(trainer, journey, Checkpoints(Path(folder)), Controls(seconds_between=1e9), None)
    took = time.monotonic() - start
    logits = trainer.logits(trainer.final_module(), material.pixels["test"])
    described: dict[str, Any] = {}
    if preprocess.buckets:
        described["costs"] = [cost.to_json() for cost in costs_of(dataset, preprocess)]
        described["every picture"] = measured_in_pixels(dataset.manifest, preprocess.buckets)
    return logits.argmax(1) == material.targets("test"), took, described


def measured_in_pixels(manifest: Any, buckets: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    """What each picture loses and is padded with, counted in whole pixels as it is executed."""
    lost, filled = [], []
    for height, width in true_sizes(manifest, np.flatnonzero(manifest.accepted)).tolist():
        bucket = bucket_of(buckets, (height, width))
        fit = place((height, width), bucket)
        left, top, right, bottom = fit.box
        lost.append(1 - (right - left) * (bottom - top) / (height * width))
        filled.append(1 - fit.inner[0] * fit.inner[1] / (bucket[0] * bucket[1]))
    return {
        "pictures": len(lost),
        "most_lost": max(lost),
        "mean_lost": float(np.mean(lost)),
        "most_padded": max(filled),
        "mean_padded": float(np.mean(filled)),
    }


def measured(
    right: dict[str, list[NDArray[np.bool_]]],
    seconds: dict[str, list[float]],
    facts: dict[str, Any],
) -> dict[str, Any]:
    """Accuracies with intervals, and every pair compared on the test pictures of all folds."""
    together = {shape: np.concatenate(found) for shape, found in right.items()}
    return facts | {
        "shapes": {
            shape: {
                "accuracy": wilson(int(found.sum()), len(found)).to_json(),
                "folds": [round(float(one.mean()), 4) for one in right[shape]],
                "seconds": seconds[shape],
            }
            for shape, found in together.items()
        },
        "comparisons": [one.to_json() for one in compare_all(together, reference="bucket")],
    }


if __name__ == "__main__":
    main()
