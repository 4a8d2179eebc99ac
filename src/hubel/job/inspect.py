"""What a source holds: every file accepted, or named with its reason."""

from __future__ import annotations

from collections import Counter
from typing import Any

from numpy.typing import NDArray

from hubel.data.dataset import Dataset, Wish, open_dataset, survey
from hubel.data.manifest import SPLITS
from hubel.data.sources import open_source
from hubel.data.workers import workers_by_rule
from hubel.errors import DataError
from hubel.job.bucketing import shape_document
from hubel.job.prepare import preprocess_for
from hubel.job.reporter import Reporter, Silent

__all__ = ["inspect"]


def inspect(data: str, seed: int = 0, reporter: Reporter | None = None) -> dict[str, Any]:
    """Scan a source without training on it.

    Args:
        data: as `hubel.train` takes it.
        seed: of the splits that training would draw.
        reporter: who listens.

    Returns:
        JSON types: `files`, `accepted`, `rejected` (the last two add up to the first), `problems`
        with file, reason and the decoder's error, `warnings` with file and what its decoder said
        of it, `classes` with counts by split, `shape` (what every shape would cost, of pictures;
        None of others), and `error`,
        which says why the whole can't be trained on, or None.

    Raises:
        DataError: there is nothing at all.
    """
    reporter = reporter or Silent()
    source = open_source(data)
    reporter.begin(f"scanning {source.name}", 0)
    found = survey(source, Wish(), workers_by_rule(), reporter.advance, on_listed=reporter.resize)
    reporter.end()
    listing, records = found
    document: dict[str, Any] = {"source": source.name, "kind": listing.kind, "error": None}
    try:
        return document | _described(open_dataset(source, found, seed))
    except DataError as error:
        document["error"] = str(error)
    problems = [
        {"file": record.path.decode("utf-8", "backslashreplace"), "reason": record.problem,
         "error": record.error}
        for record in records
        if record.problem is not None
    ]  # fmt: skip
    known = [
        entry.labels or ((entry.label,) if entry.label is not None else ())
        for entry, record in zip(listing.entries, records, strict=True)
        if record.problem is None and (entry.label is not None or entry.labels is not None)
    ]
    labels = [label for found in known for label in found]
    return document | {
        "files": len(records),
        "accepted": len(records) - len(problems),
        "rejected": len(problems),
        "problems": problems,
        "warnings": [
            {"file": record.path.decode("utf-8", "backslashreplace"), "warning": record.warning}
            for record in records
            if record.warning is not None
        ],
        "classes": {name: {"pictures": n} for name, n in sorted(Counter(labels).items())},
        "splits": {"pictures": len(known)},
        "notes": list(listing.notes),
    }


def _described(dataset: Dataset) -> dict[str, Any]:
    manifest = dataset.manifest
    problems = manifest.problems()
    targets = manifest.targets
    by_split = {split: targets[manifest.rows(split)] for split in SPLITS}
    return {
        "files": len(manifest),
        "accepted": len(manifest) - len(problems),
        "rejected": len(problems),
        "problems": problems,
        "task": manifest.task,
        "warnings": manifest.warnings(),
        "classes": {
            name: {split: _count(found, index) for split, found in by_split.items()}
            for index, name in enumerate(manifest.classes)
        },
        "splits": manifest.counts(),
        "shape": _shape(dataset),
        "notes": list(dataset.notes),
    }


def _shape(dataset: Dataset) -> dict[str, Any] | None:
    """What every shape would cost, of pictures."""
    preprocess = preprocess_for(dataset, Wish())
    return shape_document(dataset, preprocess) if preprocess.kind == "picture" else None


def _count(targets: NDArray[Any], index: int) -> int:
    """How many samples are of a class."""
    return int((targets[:, index] if targets.ndim == 2 else targets == index).sum())
