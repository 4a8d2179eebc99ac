"""The pictures that a search may learn from, their folds, and one training on some of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubel.data.batches import Batches
from hubel.data.dataset import Dataset, load_pixels, preprocess_for
from hubel.data.imbalance import Imbalance
from hubel.data.manifest import write_parquet
from hubel.data.pixels import Pixels
from hubel.data.preprocess import Preprocess
from hubel.data.split import make_folds, samples_of
from hubel.errors import Interrupted, RecipeError
from hubel.evaluation.calibration import softmax
from hubel.job.bucketing import with_buckets
from hubel.job.prepare import as_pretrained, statistics
from hubel.job.reporter import Reporter
from hubel.models.naming import Kind, kind_of
from hubel.training.budget import measure
from hubel.training.checkpoints import Checkpoints
from hubel.training.device import choose_device
from hubel.training.loop import Controls, Journey, Row, fit, resume_journey
from hubel.training.network import network_for
from hubel.training.plan import Plan
from hubel.training.recipe import Recipe
from hubel.training.rules import Facts, resolve
from hubel.training.trainer import Task, Trainer

__all__ = ["Bench", "FoldFound", "FoldJob", "make_bench"]

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FoldJob:
    """One training of a trial.

    Attributes:
        settings: of the trial.
        epochs: passes over the training pictures.
        train, held: places on the bench that are learned from, and that are answered.
        folder: for the checkpoints, which are gone when it is done.
        on_epoch: told the rows so far; may raise to end the training.
        stop: asked before each step; True ends the training after a checkpoint.
    """

    settings: dict[str, Any]
    epochs: int
    train: Indices
    held: Indices
    folder: Path
    on_epoch: Callable[[list[Row]], None] = lambda _: None
    stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class FoldFound:
    """What one training gave.

    Attributes:
        rows: of results, one an epoch.
        probabilities: (n, classes) of the pictures held out.
        right: (n,) whether each is answered right.
        truth: (n,) their class indices.
        seconds: of training.
    """

    rows: list[Row]
    probabilities: NDArray[np.float64]
    right: NDArray[np.bool_]
    truth: Indices
    seconds: float


@dataclass(frozen=True)
class Bench:
    """Pictures outside of the test split, and their folds; test pictures are never opened.

    Attributes:
        dataset: they come from.
        chosen: settings of every trial.
        rows: (n,) of the manifest.
        folds: (n,) the fold of each.
        reporter: who listens.
        metric: by which trials are valued: `accuracy` or `balanced_accuracy`.
    """

    dataset: Dataset
    chosen: dict[str, Any]
    rows: Indices
    folds: Indices
    reporter: Reporter
    metric: str = "accuracy"
    _pixels: dict[str, Pixels] = field(default_factory=dict[str, Pixels])

    @property
    def count(self) -> int:
        """How many folds."""
        return int(self.folds.max()) + 1

    @property
    def targets(self) -> Indices:
        """(n,) class indices."""
        return self.dataset.manifest.targets[self.rows]

    @property
    def digest(self) -> str:
        """Of the pictures, their labels and folds: processes that share a study must agree."""
        parts = (self.dataset.manifest.digests[self.rows], self.targets, self.folds)
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16]

    def sides(self, fold: int) -> tuple[Indices, Indices]:
        """Places that are learned from, and places held out."""
        return np.flatnonzero(self.folds != fold), np.flatnonzero(self.folds == fold)

    def without(self, fold: int, folds: int, seed: int) -> Bench:
        """The bench without one fold, with folds of its own: the inside of a nested search."""
        rows = self.rows[self.folds != fold]
        inner = make_folds(samples_of(self.dataset.manifest, rows), folds, seed)
        return Bench(self.dataset, self.chosen, rows, inner, self.reporter, self.metric)

    def recipe(self, settings: dict[str, Any], epochs: int) -> tuple[Recipe, Preprocess]:
        """Every setting of a trial, and the way from pictures to the network.

        Raises:
            RecipeError: the settings are not possible together, or for these pictures.
        """
        if "monitor" in settings:
            raise RecipeError(
                "monitor has no effect in a search: each training is scored as it ends, since "
                "choosing an epoch by the pictures that score it would flatter; --set it instead, "
                "for the final training"
            )
        chosen: dict[str, Any] = {**self.chosen, **settings, "epochs": epochs, "monitor": "last"}
        asked = Recipe(**chosen)
        preprocess = preprocess_for(self.dataset, asked.wish)
        fewest = min(int((self.folds != fold).sum()) for fold in range(self.count))
        classes = len(self.dataset.manifest.classes)
        known = Imbalance.of(self.targets, classes)
        facts = Facts.of(fewest, preprocess, asked.device, classes, known)
        recipe = resolve(chosen, facts)[0]
        return recipe, with_buckets(self.dataset, preprocess, recipe)

    def refusal(self, settings: dict[str, Any]) -> str | None:
        """Why settings are not possible; None where they are. Nothing is trained."""
        try:
            recipe, preprocess = self.recipe(settings, 1)
            network_for(recipe, preprocess, len(self.dataset.manifest.classes)).check()
        except RecipeError as error:
            return str(error).split("\n", 1)[0]
        return None

    def trainer(self, job: FoldJob, *, look: bool) -> Trainer:
        """A trainer for one training of a trial."""
        recipe, preprocess = self.recipe(job.settings, job.epochs)
        pixels = self.pixels(preprocess, recipe.workers or 1)
        train = pixels.select(job.train)
        preprocess = as_pretrained(preprocess, recipe)
        if not preprocess.mean:
            preprocess = preprocess.with_statistics(*statistics(train))
        architecture = network_for(recipe, preprocess, len(self.dataset.manifest.classes))
        assert recipe.batch_size is not None
        balanced = recipe.balance == "sampler"
        batches = Batches(
            train, self.targets[job.train], recipe.batch_size, recipe.seed, balanced=balanced
        )
        held = pixels.select(job.held)
        task = Task(architecture, preprocess, batches, held, self.targets[job.held])
        return Trainer(task, recipe, choose_device(recipe.device)[0], look=look)

    def pixels(self, preprocess: Preprocess, workers: int) -> Pixels:
        """Of all places on the bench; decoded once for each geometry."""
        if preprocess.geometry not in self._pixels:
            self.reporter.begin("decoding", len(self.rows))
            advance = self.reporter.advance
            found = load_pixels(self.dataset, self.rows, preprocess, advance, workers)
            self._pixels[preprocess.geometry] = found
            self.reporter.end()
        return self._pixels[preprocess.geometry]

    def epoch_seconds(self, settings: dict[str, Any]) -> float:
        """Seconds of one epoch and its validation, measured now."""
        trainer = self.trainer(FoldJob(settings, 1, *self.sides(0), Path()), look=True)
        return measure(trainer).epoch(trainer)

    def train(self, job: FoldJob) -> FoldFound:
        """Train, or go on training, and answer the pictures held out.

        Raises:
            DivergedError: the loss stopped being a number.
            Interrupted: `stop` asked for it; a checkpoint was saved.
        """
        checkpoints = Checkpoints(job.folder)
        checkpoint = checkpoints.load()
        trainer = self.trainer(job, look=checkpoint is None)
        start = time.monotonic()
        journey = (
            Journey(Plan.of(trainer.task.train.steps(job.epochs)))
            if checkpoint is None
            else resume_journey(trainer, checkpoint)
        )
        controls = Controls(stop=job.stop, on_epoch=job.on_epoch)
        fit(trainer, journey, checkpoints, controls, None)
        if not journey.finished:
            raise Interrupted(f"stopped at step {journey.step:,} of {journey.plan.steps:,}")
        module = trainer.final_module().to(trainer.device)
        logits = trainer.logits(module, trainer.task.val_pixels)
        right = logits.argmax(1) == trainer.task.val_targets
        seconds = max(journey.seconds, time.monotonic() - start)
        truth = trainer.task.val_targets
        return FoldFound(journey.rows, softmax(logits, 1.0), right, truth, seconds)

    def write_answers(self, path: Path, held: Indices, found: FoldFound) -> None:
        """Put what was answered out of fold into a Parquet file."""
        manifest = self.dataset.manifest
        names = np.array(manifest.classes, dtype=object)
        targets = self.targets[held]
        table = pa.table(
            {
                "file": manifest.files(self.rows[held]),
                "label": names[targets].tolist(),
                "predicted": names[found.probabilities.argmax(1)].tolist(),
                "probability": found.probabilities[np.arange(len(held)), targets],
            }
        )
        write_parquet(table, path)


def make_bench(
    dataset: Dataset,
    chosen: dict[str, Any],
    folds: int,
    reporter: Reporter,
    metric: str | None = None,
) -> Bench:
    """All pictures outside of the test split, in folds.

    Where no metric is named, it is balanced accuracy if the classes are unbalanced.

    Raises:
        DataError: a class has fewer pictures than there are folds.
        RecipeError: a setting fixes a network that is a program; folds of it would run it.
    """
    if kind_of(Recipe(**chosen).model) is Kind.PROGRAM:
        raise RecipeError("model: a search takes names and lines, not functions of your own file")
    manifest = dataset.manifest
    rows = np.sort(np.concatenate([manifest.rows("train"), manifest.rows("val")]))
    numbers = make_folds(samples_of(dataset.manifest, rows), folds, Recipe(**chosen).seed)
    if metric is None:
        known = Imbalance.of(manifest.targets[rows], len(manifest.classes))
        metric = "balanced_accuracy" if known.unbalanced else "accuracy"
    return Bench(dataset, chosen, rows, numbers, reporter, metric)
