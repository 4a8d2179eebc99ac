"""The manifest: an immutable Arrow table, one row a sample."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubel.data.columns import equal, places_of
from hubel.errors import ArtifactError
from hubel.storage import write_with

__all__ = [
    "SCHEMA",
    "SPLITS",
    "Manifest",
    "Task",
    "natural_order",
    "read_parquet",
    "write_parquet",
]

SPLITS = ("train", "val", "test")
Task = Literal["single-label", "multi-label"]
_DRAWN = b"hubel.drawn"

SCHEMA: Any = pa.schema(
    [
        ("file", pa.string()),
        ("path", pa.binary()),
        ("label", pa.string()),
        ("labels", pa.list_(pa.string())),
        ("split", pa.string()),
        ("group", pa.string()),
        ("time", pa.float64()),
        ("cluster", pa.int64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("mode", pa.string()),
        ("format", pa.string()),
        ("frames", pa.int32()),
        ("bytes", pa.int64()),
        ("digest", pa.binary(32)),
        ("problem", pa.string()),
        ("error", pa.string()),
        ("warning", pa.string()),
    ]
)


@dataclass(frozen=True)
class Manifest:
    """Every sample of a source: where it is, what it is, which split it belongs to.

    `table` follows `SCHEMA`. A row with a `problem` was left out, and has a split only where the
    user gave one. `labels` stands in place of `label` where samples have several classes at once;
    `time` orders samples; near-duplicates share a `cluster`. `file` is what people read; `path`
    holds the bytes of the name, relative to the source's root.
    """

    table: Any

    def __len__(self) -> int:
        return self.table.num_rows

    @functools.cached_property
    def accepted(self) -> NDArray[np.bool_]:
        """(n,), True where a row has no problem."""
        return self.table["problem"].is_null().to_numpy(zero_copy_only=False)

    @property
    def drawn(self) -> dict[str, Any] | None:
        """How the splits were drawn: `rule`, `seed`, and the `splits` that were not given."""
        text = (self.table.schema.metadata or {}).get(_DRAWN)
        return None if text is None else json.loads(text)

    def with_drawn(self, rule: dict[str, Any], seed: int, splits: list[str]) -> Manifest:
        """The same samples, and how their splits were drawn."""
        text = json.dumps({"rule": rule, "seed": seed, "splits": splits})
        return Manifest(self.table.replace_schema_metadata({_DRAWN: text.encode()}))

    @functools.cached_property
    def task(self) -> Task:
        """`multi-label` where samples have `labels`, however many each; else `single-label`.

        The column decides, not its values: a list says that there may be several.
        """
        several = self.table["labels"].filter(pa.array(self.accepted))
        return "multi-label" if several.null_count < len(several) else "single-label"

    @functools.cached_property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes in natural order (`2` before `10`)."""
        used = pa.array(self.accepted)
        labels = set(self.table["label"].filter(used).unique().to_pylist())
        if self.task == "multi-label":
            labels |= set(self.table["labels"].filter(used).combine_chunks().flatten().to_pylist())
        return tuple(sorted(labels - {None}, key=natural_order))

    @functools.cached_property
    def digests(self) -> NDArray[np.uint8]:
        """(n, 32), SHA-256 of each file; zeros where it was not read."""
        column = self.table["digest"].combine_chunks()
        blank = pa.scalar(bytes(32), pa.binary(32))
        content = column.fill_null(blank).buffers()[1]
        rows = np.frombuffer(content, np.uint8).reshape(-1, 32)
        return rows[column.offset : column.offset + len(column)]

    @functools.cached_property
    def targets(self) -> NDArray[Any]:
        """What each row is, as numbers.

        Returns:
            One label a sample: int64, (n,), its index in `classes`; -1 where the row was left out.
            Several: uint8, (n, classes), 1 for each label; all 0 where the row was left out.
        """
        found = self.encode(np.arange(len(self), dtype=np.int64))
        if found.ndim == 2:
            return found * self.accepted[:, None]
        return np.where(self.accepted, found, -1)

    def encode(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """The targets of some rows, also of those that were left out.

        A label that is no class is -1, and none of several.
        """
        classes = pa.array(self.classes, pa.string())
        if self.task == "single-label":
            return places_of(self.table["label"].take(pa.array(rows)), classes)
        lists = self.table["labels"].take(pa.array(rows)).combine_chunks()
        lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        columns = places_of(pa.chunked_array([lists.flatten()]), classes)
        held = columns >= 0
        found = np.zeros((len(rows), len(classes)), np.uint8)
        found[np.repeat(np.arange(len(rows)), lengths)[held], columns[held]] = 1
        return found

    def has_truth(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(n,), where it is known what a row is, and of known classes, whatever its problem."""
        known = set(self.classes)
        column = "label" if self.task == "single-label" else "labels"
        found = self.table[column].take(pa.array(rows)).to_pylist()
        sets = ([one] if isinstance(one, str) else one for one in found)
        return np.array([one is not None and known.issuperset(one) for one in sets], np.bool_)

    def rows(self, split: str) -> NDArray[np.int64]:
        """The row numbers of one split, in the table's order."""
        return np.flatnonzero(equal(self.table["split"], split) & self.accepted)

    def files(self, rows: NDArray[np.int64]) -> list[str]:
        """The shown names of the files of some rows."""
        return self.table["file"].take(pa.array(rows)).to_pylist()

    def path(self, row: int) -> str:
        """The name of one file as its source knows it."""
        return self.table["path"][row].as_py().decode("utf-8", "surrogateescape")

    def counts(self) -> dict[str, int]:
        """How many samples each split has."""
        return {split: len(self.rows(split)) for split in SPLITS}

    def problems(self) -> list[dict[str, str | None]]:
        """What was left out: file, reason, and the decoder's own error where there was one."""
        left = self.table.filter(pa.array(~self.accepted))
        return [
            {"file": file, "reason": reason, "error": error}
            for file, reason, error in zip(
                left["file"].to_pylist(),
                left["problem"].to_pylist(),
                left["error"].to_pylist(),
                strict=True,
            )
        ]

    def warnings(self) -> list[dict[str, str]]:
        """What decoders said of files, used or not: file and warning."""
        said = self.table.filter(self.table["warning"].is_valid()).select(["file", "warning"])
        return said.to_pylist()

    def write(self, path: Path) -> None:
        """Write the table to a Parquet file, atomically."""
        write_parquet(self.table, path)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read a manifest.

        Raises:
            ArtifactError: the file is no manifest of this version.
        """
        table = read_parquet(path)
        if not table.schema.equals(SCHEMA):
            raise ArtifactError(f"{path}: expected the columns {SCHEMA.names}, got "
                                f"{table.schema.names}")  # fmt: skip
        return cls(table)


def natural_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sorting key that reads numbers as numbers.

    Example:
        >>> sorted(["img10", "img9", "Img1"], key=natural_order)
        ['Img1', 'img9', 'img10']
    """
    parts = re.findall(r"([0-9]+)|([^0-9]+)", name)
    # Of two numbers without leading zeros the longer is the larger; int() refuses very long ones.
    key = [
        (1, len(number.lstrip("0")), number.lstrip("0")) if number else (2, 0, text.casefold())
        for number, text in parts
    ]
    return (*key, (0, 0, name))


def read_parquet(path: Path) -> Any:
    """Read an Arrow table.

    Raises:
        ArtifactError: there is no such file, or it can't be read.
    """
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(f"{path} can't be read as Parquet: {error}") from error


def write_parquet(table: Any, path: Path) -> None:
    """Write an Arrow table, atomically."""
    from pyarrow import parquet

    write_with(path, lambda temporary: parquet.write_table(table, temporary, compression="zstd"))
