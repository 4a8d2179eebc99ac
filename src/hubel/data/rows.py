"""The rows of a manifest, and what splitting looks at, from a listing and its records."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from hubel.data.folders import Entry
from hubel.data.manifest import SCHEMA
from hubel.data.scan import Records
from hubel.data.sources import Listing
from hubel.data.split import Samples
from hubel.errors import DataError

__all__ = ["manifest_table", "usable_samples"]


def usable_samples(
    listing: Listing, records: Records, given: list[str | None], problems: list[str | None]
) -> tuple[Samples, list[int]]:
    """What splitting looks at, of the files without a problem, and their places.

    Raises:
        DataError: some of them have one label, and some a list.
    """
    usable = [place for place, problem in enumerate(problems) if problem is None]
    entries = [listing.entries[place] for place in usable]
    digests = records.column("digest").take(pa.array(usable, pa.int64())).to_pylist()
    several = any(entry.labels is not None for entry in entries)
    if several:
        _check_task(entries)
    timed = any(entry.time is not None for entry in entries)
    samples = Samples(
        [entry.label or ", ".join(sorted(entry.labels or ())) for entry in entries],
        [digest or b"" for digest in digests],
        [entry.group for entry in entries],
        [given[place] for place in usable],
        [entry.time for entry in entries] if timed else None,
        [entry.labels or () for entry in entries] if several else None,
    )
    return samples, usable


def _check_task(entries: list[Entry]) -> None:
    """Either every sample has `labels`, or none has."""
    one = next((entry for entry in entries if entry.labels is None), None)
    if one is None:
        return
    other = next(entry for entry in entries if entry.labels is not None)
    raise DataError(
        f"{one.path} has one label, {one.label!r}, and {other.path} a list of them, "
        f"{list(other.labels or ())}; give every picture a label, or every picture a list (with "
        "one name in it, or none)"
    )


def manifest_table(
    listing: Listing, records: Records, problems: list[str | None], splits: list[str | None]
) -> Any:
    """The table of a manifest; nothing is in a cluster yet."""
    count = len(records)
    of_entries = {
        name: [getattr(entry, name) for entry in listing.entries]
        for name in ("label", "labels", "group", "time")
    }
    paths = records.column("path")
    columns: dict[str, Any] = {
        "file": pa.chunked_array([pa.array(map(_shown, part.to_pylist()), pa.string())
                                  for part in paths.chunks], pa.string()),
        "cluster": pa.nulls(count, pa.int64()),
        "bytes": records.column("size"),
        "split": splits,
        "problem": problems,
    } | of_entries  # fmt: skip
    for field in SCHEMA:
        if field.name not in columns:
            columns[field.name] = records.column(field.name)
        elif isinstance(columns[field.name], list):
            columns[field.name] = pa.array(columns[field.name], field.type)
    return pa.table(columns).select(SCHEMA.names).cast(SCHEMA)


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
