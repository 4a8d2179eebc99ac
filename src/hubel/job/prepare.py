"""The first stages: from a source to a task, with every setting decided."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubel.data.audit.alike import find_alike
from hubel.data.batches import Batches
from hubel.data.columns import equal, places_of
from hubel.data.dataset import Dataset, Wish, load_pixels, open_dataset, survey
from hubel.data.pixels import Pixels
from hubel.data.preprocess import Preprocess
from hubel.data.scan import Records
from hubel.data.sources import Listing, Source
from hubel.data.split import SplitRule
from hubel.data.statistics import statistics
from hubel.data.workers import workers_by_rule
from hubel.errors import DataError
from hubel.evaluation.labelling import Labelling, labelling_of
from hubel.job.reporter import Reporter
from hubel.models.architecture import Architecture
from hubel.training.network import network_for
from hubel.training.recipe import Recipe
from hubel.training.trainer import Task

__all__ = [
    "Material",
    "as_pretrained",
    "expect_unchanged",
    "gather",
    "make_architecture",
    "make_task",
    "of_one_size",
    "open_data",
    "split_rule",
    "statistics",
]


@dataclass(frozen=True, slots=True)
class Material:
    """The pixels and targets of each split, at working size.

    Attributes:
        dataset: they come from.
        preprocess: with the statistics of the training pixels.
        rows: of the manifest, by split.
        pixels: by split.
    """

    dataset: Dataset
    preprocess: Preprocess
    rows: dict[str, NDArray[np.int64]]
    pixels: dict[str, Pixels]

    def targets(self, split: str) -> NDArray[Any]:
        """Class indices, int64, (n,), or one column a class, uint8, (n, classes)."""
        return self.dataset.manifest.targets[self.rows[split]]

    @property
    def labelling(self) -> Labelling:
        """How many labels a sample has."""
        return labelling_of(self.dataset.manifest.task)

    def strata(self, split: str) -> NDArray[np.int64]:
        """A class of each sample to draw by, (n,): of several the rarest, and -1 for none."""
        found = self.targets(split)
        if found.ndim == 1:
            return found
        held = np.where(found > 0, found.sum(0, dtype=np.int64), len(found) + 1)
        return np.where(found.any(axis=1), held.argmin(axis=1), -1)

    def decision(self, val_probabilities: NDArray[np.float64]) -> dict[str, Any]:
        """What makes answers of probabilities, as arguments of a `Classifier`.

        Args:
            val_probabilities: of the validation split, (n, k); thresholds are chosen on them.
        """
        found = self.labelling.fit_thresholds(self.targets("val"), val_probabilities)
        names = self.dataset.manifest.classes
        thresholds = {} if found is None else dict(zip(names, map(float, found), strict=True))
        return {"task": self.dataset.manifest.task, "thresholds": thresholds}


def open_data(source: Source, chosen: dict[str, Any], reporter: Reporter) -> tuple[Dataset, Wish]:
    """Scan a source, check it, and split it."""
    asked = Recipe(**chosen)
    with _without_collection():
        found, wish = _survey(source, asked, reporter)
        reporter.begin("looking for near-duplicates", len(found[1]))
        alike = find_alike(source, found, _workers(asked), reporter.advance)
        reporter.end()
        return open_dataset(source, found, asked.seed, split_rule(chosen), alike), wish


def split_rule(chosen: dict[str, Any]) -> SplitRule:
    """What to hold out, by the settings of a recipe that somebody set."""
    asked = Recipe(**chosen)
    return SplitRule(
        kind=asked.split,
        test=asked.test_share,
        val=asked.val_share,
        missing=asked.missing_classes,
        asked=frozenset(chosen),
    )


@contextmanager
def _without_collection() -> Generator[None]:
    """Don't look for cycles meanwhile: among millions of plain tuples that costs a third."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def expect_unchanged(dataset: Dataset, recipe: Recipe, reporter: Reporter) -> Wish:
    """Make sure that the pictures of a run are what they were when it began; new ones are ignored.

    Raises:
        DataError: some have changed or gone.
    """
    (_, records), wish = _survey(dataset.source, recipe, reporter)
    table = dataset.manifest.table.filter(dataset.manifest.accepted)
    rows = places_of(table["path"], records.column("path"))
    now = records.column("digest").take(pa.array(rows, mask=rows < 0))
    same = equal(table["digest"], now.cast(table["digest"].type))
    changed = table["file"].filter(pa.array(~same)).to_pylist()
    if changed:
        raise DataError(
            f"{dataset.source.name}: {len(changed):,} of {len(table):,} pictures have changed or "
            f"gone since the run began, the first is {changed[0]!r}; put them back, or start a new "
            "run"
        )
    return wish


def _survey(
    source: Source, asked: Recipe, reporter: Reporter
) -> tuple[tuple[Listing, Records], Wish]:
    wish = asked.wish
    reporter.begin(f"scanning {source.name}", 0)
    found = survey(source, wish, _workers(asked), reporter.advance, on_listed=reporter.resize)
    reporter.end()
    return found, wish


def _workers(asked: Recipe) -> int:
    return max(1, asked.workers if asked.workers is not None else workers_by_rule())


def gather(
    dataset: Dataset, preprocess: Preprocess, reporter: Reporter, workers: int = 1
) -> Material:
    """The pixels of all splits, from the cache or decoded now by some threads."""
    manifest = dataset.manifest
    rows = {split: manifest.rows(split) for split in ("train", "val", "test")}
    together = np.concatenate(list(rows.values()))
    reporter.begin("decoding", len(together))
    pixels = load_pixels(dataset, together, preprocess, reporter.advance, workers)
    reporter.end()
    ends = np.cumsum([len(found) for found in rows.values()])
    places = np.arange(len(together), dtype=np.int64)
    parts = np.split(places, ends[:-1])
    by_split = {split: pixels.select(part) for split, part in zip(rows, parts, strict=True)}
    if not preprocess.mean:
        preprocess = preprocess.with_statistics(*statistics(by_split["train"]))
    return Material(dataset, preprocess, rows, by_split)


def of_one_size(material: Material, reporter: Reporter, workers: int = 1) -> Material:
    """The same pictures squashed to one size, for what needs that; as they are without buckets."""
    preprocess = material.preprocess
    if not preprocess.buckets:
        return material
    return gather(material.dataset, preprocess.squashed(), reporter, workers)


def make_architecture(
    dataset: Dataset, preprocess: Preprocess, recipe: Recipe, sha256: str | None = None
) -> Architecture:
    """The network that a recipe names, for these data.

    Args:
        dataset: decides the classes.
        preprocess: decides channels and size.
        recipe: names it.
        sha256: of the user's own file, as it was when the run began.
    """
    return network_for(recipe, preprocess, len(dataset.manifest.classes), sha256)


def as_pretrained(preprocess: Preprocess, recipe: Recipe) -> Preprocess:
    """With the statistics that trained weights expect, or features, where there are such."""
    if recipe.features is not None:
        count = preprocess.num_channels
        return preprocess.with_statistics((0.0,) * count, (1.0,) * count)
    if not recipe.pretrained:
        return preprocess
    from hubel.models.zoo.building import statistics

    return preprocess.with_statistics(*statistics(network_for(recipe, preprocess, 2)))


def make_task(material: Material, recipe: Recipe, sha256: str | None = None) -> Task:
    """What the trainer learns.

    Args:
        material: pixels and targets.
        recipe: names the network.
        sha256: of the user's own file, as it was when the run began.
    """
    preprocess = material.preprocess
    architecture = make_architecture(material.dataset, preprocess, recipe, sha256)
    assert recipe.batch_size is not None
    batches = Batches(
        material.pixels["train"],
        material.targets("train"),
        recipe.batch_size,
        recipe.seed,
        balanced=recipe.balance == "sampler",
    )
    return Task(architecture, preprocess, batches, material.pixels["val"], material.targets("val"))
