"""The table of an audit: one row a file, what the scan saw in it, and a column a finding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from hubel.data.audit.findings import FINDINGS, Finding
from hubel.data.sources import Listing

if TYPE_CHECKING:
    from hubel.data.scan import Records

__all__ = ["NUMBERS", "audit_columns", "described", "with_findings"]

NUMBERS = ("width", "height", "bytes", "brightness", "contrast", "sharpness", "entropy",
           "colourfulness")  # fmt: skip
"""Columns of numbers that are summarised."""

_SEEN = ("width", "height", "mode", "format", "frames", "problem", "error", "brightness",
         "contrast", "sharpness", "entropy", "colourfulness")  # fmt: skip
_QUANTILES = {"least": 0.0, "q05": 0.05, "median": 0.5, "q95": 0.95, "most": 1.0}


def audit_columns(
    listing: Listing, records: Records, splits: Sequence[str | None] | None = None
) -> Any:
    """An Arrow table of all that is known of each file.

    Args:
        listing: of the source.
        records: of its scan, in the same order.
        splits: that each file came to; those that the user gave where None.
    """
    entries = listing.entries
    given = [entry.split for entry in entries]
    columns: dict[str, Any] = {
        "file": [path.decode("utf-8", "backslashreplace")
                 for path in records.column("path").to_pylist()],
        "label": [
            entry.label if entry.labels is None else ", ".join(entry.labels) for entry in entries
        ],
        "labels": [
            entry.labels or ((entry.label,) if entry.label is not None else ())
            for entry in entries
        ],
        "given": given,
        "split": given if splits is None else list(splits),
        "group": [entry.group for entry in entries],
        "bytes": records.column("size"),
    } | {name: records.column(name) for name in _SEEN}  # fmt: skip
    numbers: dict[str, Any] = dict.fromkeys(NUMBERS, pa.float64())
    numbers["labels"] = pa.list_(pa.string())
    numbers |= dict.fromkeys(("width", "height", "bytes", "frames"), pa.int64())
    kinds = {name: numbers.get(name, pa.string()) for name in columns}
    return pa.table(
        {name: pa.array(column, kinds[name]) if isinstance(column, list)
         else column.cast(kinds[name]) for name, column in columns.items()}
    )  # fmt: skip


def with_findings(table: Any, found: Sequence[Finding], clusters: Any) -> Any:
    """The table with a column of yes and no for each kind of finding, and one of clusters."""
    table = table.append_column("cluster", pa.array(clusters, pa.int64(), mask=clusters < 0))
    by_name = {finding.name: finding.rows for finding in found}
    for name in FINDINGS:
        column = np.zeros(table.num_rows, np.bool_)
        column[by_name.get(name, np.empty(0, np.int64))] = True
        table = table.append_column(name, pa.array(column))
    return table


def described(table: Any) -> dict[str, Any]:
    """What the files are like as a whole, as JSON types: modes, formats, quantiles of numbers."""
    found: dict[str, Any] = {}
    for name in ("mode", "format"):
        counts = table[name].drop_null().value_counts().to_pylist()
        ordered = sorted(counts, key=lambda one: (-one["counts"], one["values"]))
        found[name + "s"] = {one["values"]: one["counts"] for one in ordered}
    for name in NUMBERS:
        values = table[name].drop_null().to_numpy()
        found[name] = _quantiles(values)
    sizes = table.select(["width", "height"]).drop_null()
    width, height = (sizes[name].to_numpy().astype(np.float64) for name in ("width", "height"))
    found["aspect"] = _quantiles(width / np.maximum(height, 1))
    return found


def _quantiles(values: Any) -> dict[str, float] | None:
    if len(values) == 0:
        return None
    ends = np.quantile(values.astype(np.float64), list(_QUANTILES.values()))
    return {name: round(float(end), 3) for name, end in zip(_QUANTILES, ends, strict=True)}
