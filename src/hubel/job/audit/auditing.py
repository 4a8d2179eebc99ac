"""All findings about a source, in one pass over what its scan left behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.audit.alike import Alike
from hubel.data.audit.columns import audit_columns, described, with_findings
from hubel.data.audit.findings import Finding, make
from hubel.data.audit.screen import in_order, screen
from hubel.data.dataset import Dataset, Wish, load_pixels, preprocess_for
from hubel.data.scan import Records
from hubel.data.sources import Listing
from hubel.data.split import Samples, make_folds
from hubel.errors import DataError
from hubel.evaluation.learning_curve import nested_subsets
from hubel.job.reporter import Reporter

__all__ = ["Audit", "audit"]

_LEAST = 20  # pictures of a class whose labels are judged
_MOST = 20_000  # pictures that are judged


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found.

    Attributes:
        table: Arrow, one row a file, a column a finding.
        findings: those that there are, the gravest first.
        notes: what was not looked at, and why.
        judged: how many labels were judged, and how often the cheap classifier was right; None
            where they were not.
    """

    table: Any
    findings: list[Finding]
    notes: list[str]
    judged: dict[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """All of it but the rows without findings, as JSON types."""
        files: list[str] = self.table["file"].to_pylist()
        return {
            "findings": [finding.to_json(files) for finding in self.findings],
            "about": described(self.table),
            "judged": self.judged,
            "notes": self.notes,
        }


def audit(
    found: tuple[Listing, Records],
    alike: Alike,
    dataset: Dataset | None,
    reporter: Reporter,
    labels: bool = True,
) -> Audit:
    """Look for everything.

    Args:
        found: as `survey` gives it.
        alike: duplicates among it.
        dataset: the same, split; None where it can't be trained on.
        reporter: who listens.
        labels: look for label errors and outliers too, which takes a classifier.
    """
    splits = None if dataset is None else dataset.manifest.table["split"].to_pylist()
    table = audit_columns(*found, splits)
    kinds = screen(table, alike)
    notes: list[str] = []
    judged = None
    if alike.skipped:
        notes.append(alike.note)
    if alike.pairs.unseen:
        notes.append(
            f"these pictures are much alike: of the pairs that could be near-duplicates the "
            f"{alike.pairs.unseen:,} least likely were not looked at"
        )
    if dataset is not None and labels:
        reporter.begin("judging labels", 0)
        suspected, judged, note = _suspected(dataset, alike)
        reporter.end()
        kinds += suspected
        notes += [note] if note else []
    else:
        why = "they were not asked for" if dataset is not None else "the data can't be split"
        notes.append(f"labels were not judged: {why}")
    kept = in_order(kinds)
    return Audit(with_findings(table, kept, alike.cluster), kept, notes, judged)


def _suspected(dataset: Dataset, alike: Alike) -> tuple[list[Finding], dict[str, Any] | None, str]:
    """Findings about labels, on how many pictures they stand, and what was left out."""
    from hubel.job.audit import suspects  # loads torch, which the rest does without

    manifest = dataset.manifest
    if manifest.task != "single-label":
        return [], None, "labels were not judged: only those of one class a picture are"
    targets = manifest.targets
    rows, note = _judgeable(targets, alike)
    kept = np.unique(targets[rows])
    if len(kept) < 2:
        return [], None, f"labels were not judged: that takes two classes of {_LEAST} pictures"
    codes = np.searchsorted(kept, targets[rows])
    preprocess = preprocess_for(dataset, Wish())
    if not preprocess.plain or preprocess.channels not in ("rgb", "grey"):
        return [], None, "labels were not judged: only those of 8-bit pictures are"
    try:
        folds = make_folds(_samples(dataset, alike, rows, codes), suspects.FOLDS, 0)
    except DataError as error:
        return [], None, f"labels were not judged: {error}"
    pixels = load_pixels(dataset, rows, preprocess, lambda _: None)
    found_out = suspects.find_suspects(pixels, codes, folds)
    names = [manifest.classes[index] for index in kept[found_out.likelier]]
    found = [
        make("label-error", rows[found_out.places],
             [f"looks like {name!r} ({margin:+.2f})"
              for name, margin in zip(names, found_out.margins, strict=True)]),
        make("outlier", rows[found_out.outliers],
             [f"{far:.1f} deviations from its class" for far in found_out.distances]),
    ]  # fmt: skip
    return found, {"pictures": len(rows), "accuracy": round(found_out.accuracy, 4)}, note


def _judgeable(targets: NDArray[np.int64], alike: Alike) -> tuple[NDArray[np.int64], str]:
    """Rows of classes that are large enough, at most `_MOST` of them."""
    counts = np.bincount(targets[targets >= 0], minlength=1)
    different = alike.first == np.arange(len(targets))
    large = np.flatnonzero(counts >= _LEAST)
    rows = np.flatnonzero(np.isin(targets, large) & different)
    small = int((counts < _LEAST).sum())
    notes = [f"{small:,} classes of fewer than {_LEAST}"] if small else []
    if len(rows) > _MOST:
        notes.append(f"{len(rows) - _MOST:,} pictures beyond {_MOST:,}")
        codes = np.searchsorted(large, targets[rows])
        rows = np.sort(rows[nested_subsets(codes, [_MOST], 0)[0]])
    return rows, f"labels were not judged in {' and '.join(notes)}" if notes else ""


def _samples(
    dataset: Dataset, alike: Alike, rows: NDArray[np.int64], codes: NDArray[np.int64]
) -> Samples:
    digests = [digest.tobytes() for digest in dataset.manifest.digests[rows]]
    groups: list[str | None] = dataset.manifest.table["group"].take(rows).to_pylist()
    names = [f"{code:09}" for code in codes]
    return Samples(
        names, digests, groups, [None] * len(rows), clusters=alike.numbers(rows.tolist())
    )
