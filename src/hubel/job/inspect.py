"""What a source holds: every file accepted, or named with its reason, and what may be wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from hubel.data.audit.alike import find_alike
from hubel.data.dataset import Dataset, Wish, open_dataset, preprocess_for, survey
from hubel.data.manifest import SPLITS
from hubel.data.scan import Records
from hubel.data.sources import Listing, Source, open_source
from hubel.data.workers import workers_by_rule
from hubel.errors import DataError
from hubel.job.audit.auditing import Audit, audit
from hubel.job.bucketing import shape_document
from hubel.job.reporter import Reporter, Silent

__all__ = ["Examined", "examine", "inspect"]


@dataclass(frozen=True, slots=True)
class Examined:
    """A source, what was found, and the same as JSON types.

    Attributes:
        source: of the files.
        listing: of them.
        audit: what was found.
        document: as `inspect` gives it.
    """

    source: Source
    listing: Listing
    audit: Audit
    document: dict[str, Any]


def inspect(
    data: str, seed: int = 0, reporter: Reporter | None = None, *, labels: bool = True
) -> dict[str, Any]:
    """Scan a source without training on it.

    Args:
        data: as `hubel.train` takes it.
        seed: of the splits that training would draw.
        reporter: who listens.
        labels: judge labels and look for outliers too, which takes a cheap classifier.

    Returns:
        JSON types: `files`, `accepted`, `rejected` (the last two add up to the first), `problems`
        with file, reason and the decoder's error, `warnings` with file and what its decoder
        said of it, `classes` with counts by split, `shape` (what every shape would cost, of
        pictures; None of others), `audit` with all findings, and `error`, which says why the whole
        can't be trained on, or None.

    Raises:
        DataError: there is nothing at all.
    """
    return examine(data, seed, reporter, labels=labels).document


def examine(
    data: str, seed: int = 0, reporter: Reporter | None = None, *, labels: bool = True
) -> Examined:
    """The same as `inspect`, with what the figures stand on.

    Args:
        data: as `hubel.train` takes it.
        seed: of the splits that training would draw.
        reporter: who listens.
        labels: as in `inspect`.

    Raises:
        DataError: there is nothing at all.
    """
    reporter = reporter or Silent()
    source, workers = open_source(data), workers_by_rule()
    reporter.begin(f"scanning {source.name}", 0)
    found = survey(source, Wish(), workers, reporter.advance, on_listed=reporter.resize)
    reporter.end()
    listing, records = found
    reporter.begin("looking for near-duplicates", len(records))
    alike = find_alike(source, found, workers, reporter.advance)
    reporter.end()
    document: dict[str, Any] = {"source": source.name, "kind": listing.kind, "error": None}
    dataset = None
    try:
        dataset = open_dataset(source, found, seed, alike=alike)
        document |= _described(dataset)
    except DataError as error:
        document |= {"error": str(error)} | _counted(listing, records)
    audited = audit(found, alike, dataset, reporter, labels)
    return Examined(source, listing, audited, document | {"audit": audited.to_json()})


def _counted(listing: Listing, records: Records) -> dict[str, Any]:
    """Of a source that can't be split."""
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
    several = any(entry.labels is not None for entry in listing.entries)
    return {
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
        "shape": None,
        "task": "multi-label" if several else "single-label",
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
