"""What to make of unequal classes, and which epoch to ship: held against each other over seeds.

    python benchmarks/balance.py TRASHNET FASHION_MNIST [seeds] [set...]

TRASHNET is the folder of classes, FASHION_MNIST that of the IDX files. Three sets: `trashnet` at
32 px, its own split for each seed (137 to 594 pictures a class); `fashion-50`, pictures of
Fashion-MNIST drawn by key so that the largest class has 50 times those of the smallest, in a
geometric row, which class is how large drawn anew for each seed; `fashion-10` likewise.

One training a set, seed and treatment, of the default recipe with a narrow network. After each
epoch of full size the test pictures are scored too, so that one training answers for every way to
choose its epoch. Test pictures of Fashion-MNIST are even; accuracy, log loss and calibration error
weigh them by the frequencies of training, at which the data came. Intervals are Student's over the
differences of the seeds.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from record import student, write

from hubel.data.batches import Batches
from hubel.data.dataset import preprocess_for
from hubel.data.imbalance import Imbalance
from hubel.data.keyed import permutation
from hubel.data.pixels import Pixels
from hubel.data.preprocess import Preprocess
from hubel.data.sources import open_source
from hubel.evaluation.calibration import fit_temperature, softmax
from hubel.evaluation.metrics import log_losses
from hubel.job.prepare import gather, make_task, open_data
from hubel.job.prepare import statistics as moments
from hubel.job.reporter import Silent
from hubel.training.checkpoints import Checkpoints
from hubel.training.choices import BALANCES
from hubel.training.loop import Controls, Journey, fit
from hubel.training.network import network_for
from hubel.training.plan import Plan
from hubel.training.recipe import Recipe
from hubel.training.rules import Facts, resolve
from hubel.training.selection import MONITORS, Answers, lead
from hubel.training.trainer import Task, Trainer

Array = NDArray[Any]
Test = tuple[Pixels, Array]
WIDTHS = (16, 32, 48)
EPOCHS = 16
MOST, VAL_SHARE, TEST = 600, 0.2, 200  # pictures of the largest class; of each class in the test
METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "ece")


def trashnet(folder: str, seed: int) -> Callable[[Recipe], tuple[Task, Test]]:
    """TrashNet as `hubel train` splits it."""
    dataset, wish = open_data(open_source(folder), {"seed": seed, "size": (32, 32)}, Silent())
    material = gather(dataset, preprocess_for(dataset, wish), Silent())
    test = material.pixels["test"], material.targets("test")
    return lambda recipe: (make_task(material, recipe), test)


def idx(path: Path) -> Array:
    """An IDX file of bytes."""
    data = gzip.decompress(path.read_bytes())
    axes = data[3]
    shape = np.frombuffer(data, ">i4", axes, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(tuple(shape.tolist()))


def fashion(folder: str, seed: int, ratio: float) -> Callable[[Recipe], tuple[Task, Test]]:
    """Fashion-MNIST with classes in a geometric row, and an even test."""
    root = Path(folder)
    images, labels = (
        idx(root / f"train-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1")
    )
    others, truth = (idx(root / f"t10k-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1"))
    order = permutation(seed, 1_000_000, len(labels))
    train: list[Array] = []
    val: list[Array] = []
    test: list[Array] = []
    for place, label in enumerate(permutation(seed, 2_000_000, 10).tolist()):
        count = round(MOST * ratio ** (-place / 9))
        held = max(2, round(VAL_SHARE * count))
        own = order[labels[order] == label]
        train.append(own[:count])
        val.append(own[count : count + held])
        test.append(np.flatnonzero(truth == label)[:TEST])

    def side(pictures: Array, known: Array, parts: list[Array]) -> Test:
        rows = np.sort(np.concatenate(parts))
        stored = np.ascontiguousarray(pictures[rows, ..., None])
        places = np.stack([np.zeros(len(rows), np.int64), np.arange(len(rows), dtype=np.int64)], 1)
        return Pixels((stored,), places), known[rows].astype(np.int64)

    pixels, targets = side(images, labels, train)
    checked, tested = side(images, labels, val), side(others, truth, test)
    way = Preprocess(height=28, width=28, channels="grey").with_statistics(*moments(pixels))

    def made(recipe: Recipe) -> tuple[Task, Test]:
        batches = Batches(
            pixels, targets, recipe.batch_size or 32, recipe.seed,
            balanced=recipe.balance == "sampler",
        )  # fmt: skip
        return Task(network_for(recipe, way, 10), way, batches, *checked), tested

    return made


def one(
    make: Callable[[Recipe], tuple[Task, Test]], balance: str, seed: int, epochs: int
) -> dict[str, Any]:
    """One training: test metrics of the last epoch, and of every way to choose another."""
    chosen = {"epochs": epochs, "seed": seed, "balance": balance, "device": "cpu", "workers": 0,
              "widths": WIDTHS}  # fmt: skip
    start, _ = make(Recipe(seed=seed, batch_size=32))
    classes = start.architecture.num_classes
    known = Imbalance.of(start.train.targets, classes)
    facts = Facts.of(start.train.count, start.preprocess, "cpu", classes, known)
    recipe, _ = resolve(chosen, facts)
    task, (pixels, truth) = make(recipe)
    trainer = Trainer(task, recipe, torch.device("cpu"))
    epochs_seen: list[tuple[Array, Array]] = []
    journey = Journey(Plan.of(task.train.steps(epochs)))

    def look(_rows: Any) -> None:
        if trainer.is_full_size(journey.plan.progress(journey.step - 1)):
            module = trainer.final_module()
            epochs_seen.append(
                (trainer.logits(module, task.val_pixels), trainer.logits(module, pixels))
            )

    with tempfile.TemporaryDirectory() as folder:
        controls = Controls(on_epoch=look, seconds_between=1e9)
        fit(trainer, journey, Checkpoints(Path(folder)), controls, None)
    shares = np.array(known.counts) / sum(known.counts)
    answers = [Answers.of(torch.from_numpy(val), task.val_targets) for val, _ in epochs_seen]
    found = {"last": _metrics(*epochs_seen[-1], task.val_targets, truth, shares)}
    for monitor in MONITORS[:-1]:
        best = 0
        for place, found_then in enumerate(answers):
            best = place if found_then.better(answers[best], monitor) else best
        ahead, error = lead(monitor, answers[best], answers[-1])
        last = len(answers) - 1
        one, two = (best if ahead > times * error else last for times in (1, 2))
        named = {"best": best, "one error": one, "two errors": two}
        for name, place in ((f"{how} {monitor}", place) for how, place in named.items()):
            values = _metrics(*epochs_seen[place], task.val_targets, truth, shares)
            found[name] = values | {"epochs before the last": len(answers) - 1 - place}
    return {"ratio": known.ratio, "pictures": task.train.count, "validation": len(task.val_targets),
            "test": len(truth), "candidates": len(answers), "ways": found}  # fmt: skip


def _metrics(
    val: Array, test: Array, val_truth: Array, truth: Array, shares: Array
) -> dict[str, float]:
    """Metrics of test scores, calibrated as what ships is, at the frequencies of training."""
    probabilities = softmax(test, fit_temperature(val, val_truth))
    answers = Answers.of(torch.from_numpy(test), truth)
    weights = (shares / np.bincount(truth, minlength=len(shares)))[truth]
    right = (answers.predicted == truth).astype(np.float64)
    sure = probabilities.max(1)
    bins = np.minimum((sure * 15).astype(int), 14)
    gaps = np.bincount(bins, weights * (right - sure), 15)
    return {
        "accuracy": float((weights * right).sum()),
        "balanced_accuracy": answers.value("balanced_accuracy"),
        "macro_f1": answers.value("macro_f1"),
        "log_loss": float((weights * log_losses(truth, probabilities)).sum()),
        "ece": float(np.abs(gaps).sum()),
    }


def summary(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Treatments against none at the last epoch; ways to choose the epoch against the last."""

    def values(balance: str, way: str, metric: str) -> list[float]:
        return [run["ways"][way][metric] for run in runs[balance]]

    def apart(first: list[float], second: list[float]) -> dict[str, Any]:
        return student([a - b for a, b in zip(first, second, strict=True)])

    ways = [way for way in runs["none"][0]["ways"] if way != "last"]
    first = runs["none"][0]
    return {
        "ratio": round(first["ratio"], 1),
        **{name: first[name] for name in ("pictures", "validation", "test", "candidates")},
        "treatments": {
            balance: {metric: student(values(balance, "last", metric)) for metric in METRICS}
            for balance in runs
        },
        "against none": {
            balance: {
                metric: apart(values(balance, "last", metric), values("none", "last", metric))
                for metric in METRICS
            }
            for balance in runs
            if balance != "none"
        },
        "against the last": {
            balance: {
                way: {
                    metric: apart(values(balance, way, metric), values(balance, "last", metric))
                    for metric in ("accuracy", "balanced_accuracy")
                }
                | {"epochs before": student(values(balance, way, "epochs before the last"))}
                for way in ways
            }
            for balance in runs
        },
    }


def main(trash: str, clothes: str, seeds: int, wanted: list[str]) -> None:
    """All sets, seeds and treatments."""
    torch.set_num_threads(1)
    makers: dict[str, Callable[[int], Callable[[Recipe], tuple[Task, Test]]]] = {
        "trashnet": lambda seed: trashnet(trash, seed),
        "fashion-50": lambda seed: fashion(clothes, seed, 50.0),
        "fashion-10": lambda seed: fashion(clothes, seed, 10.0),
    }
    sets: dict[str, Any] = {}
    for name in wanted or list(makers):
        runs: dict[str, list[dict[str, Any]]] = {balance: [] for balance in BALANCES}
        for seed in range(seeds):
            make = makers[name](seed)
            for balance in BALANCES:
                runs[balance].append(one(make, balance, seed, EPOCHS))
                last = runs[balance][-1]["ways"]["last"]
                print(name, seed, balance, *(f"{k} {v:.4f}" for k, v in last.items()), flush=True)
            sets[name] = summary(runs)
            measured = {"balance": sets, "seeds": seed + 1, "widths": WIDTHS, "epochs": EPOCHS}
            _write(measured, seed + 1, wanted)


def _write(measured: dict[str, Any], seeds: int, wanted: list[str]) -> None:
    """After each seed, so that what was measured is never lost."""
    command = " ".join(["python benchmarks/balance.py TRASHNET FASHION_MNIST", str(seeds), *wanted])
    write("-".join(["balance", *wanted]), command, measured)


if __name__ == "__main__":
    main(*sys.argv[1:3], int(sys.argv[3]) if len(sys.argv) > 3 else 5, sys.argv[4:])
