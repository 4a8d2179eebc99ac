"""The split of a manifest, drawn again from nothing but the manifest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubel.data.manifest import Manifest
from hubel.data.split.drawing import assign
from hubel.data.split.rule import SplitRule
from hubel.data.split.samples import Samples
from hubel.errors import ArtifactError

__all__ = ["redraw", "samples_of"]


def samples_of(manifest: Manifest, rows: NDArray[np.int64] | None = None) -> Samples:
    """Some rows of a manifest, by default the accepted ones, as splitting looks at them."""
    chosen = np.flatnonzero(manifest.accepted) if rows is None else rows
    table: Any = manifest.table.take(pa.array(chosen))

    def column(name: str) -> list[Any] | None:
        found = table[name]
        return None if found.null_count == len(found) else found.to_pylist()

    several = column("labels")
    return Samples(
        [label or "" for label in table["label"].to_pylist()],
        [digest or b"" for digest in table["digest"].to_pylist()],
        table["group"].to_pylist(),
        table["split"].to_pylist(),
        column("time"),
        None if several is None else [tuple(labels or ()) for labels in several],
        column("cluster"),
    )


def redraw(manifest: Manifest) -> list[str | None]:
    """Draw the split of a manifest again, by the rule and the seed that it holds.

    Returns:
        A split for each row, as its column `split` has it; also for rows that were left out.

    Raises:
        ArtifactError: the manifest doesn't say how it was split.
    """
    drawn = manifest.drawn
    if drawn is None:
        raise ArtifactError("the manifest doesn't say how its splits were drawn")
    samples = samples_of(manifest)
    blank = set(drawn["splits"])
    given = [None if split in blank else split for split in samples.splits]
    fields = (samples.times, samples.several, samples.clusters)
    blanked = Samples(samples.labels, samples.digests, samples.groups, given, *fields)
    rule = SplitRule(**drawn["rule"])
    splits: list[str | None] = manifest.table["split"].to_pylist()
    for row, split in zip(
        np.flatnonzero(manifest.accepted).tolist(),
        assign(blanked, drawn["seed"], rule)[0],
        strict=True,
    ):
        splits[row] = split
    return splits
