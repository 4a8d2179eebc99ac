"""Tables that hold the pictures themselves: Parquet and Arrow files, as Hugging Face writes them.

A picture is a structure of `bytes` and `path`, or plain bytes; names of classes stand in the
metadata of the schema. Everything is read with pyarrow, and by row.
"""

from __future__ import annotations

import json
import os
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from hubel.data.folders import Entry
from hubel.data.sources.base import Found, Listing, check_size, digest, ignore, read_file
from hubel.data.tables import LABEL_COLUMNS, Reading, entries_of
from hubel.errors import DataError, PictureError

__all__ = ["ArrowShard", "RowsSource", "holds_pictures"]

_NAMES = ("image", "img", "picture", "bytes", "content", "file", "data")
_GROUPS_KEPT = 4


@dataclass(frozen=True, slots=True)
class ArrowShard:
    """A file, how it is called in the paths of samples, and the split that its name says."""

    path: Path
    name: str
    split: str | None = None


class RowsSource:
    """Pictures in the rows of Parquet or Arrow files.

    Args:
        shards: the files, which have the same columns.
        name: how people refer to them.
        reading: how the user wants the labels read.
    """

    def __init__(
        self, shards: Sequence[ArrowShard], name: str, reading: Reading | None = None
    ) -> None:
        self.shards = {shard.name: shard for shard in shards}
        self.name = name
        self.reading = reading or Reading()
        self._files: dict[str, _Rows] = {}
        self._lock = threading.Lock()

    @property
    def key(self) -> str:
        return digest(*(os.path.realpath(shard.path) for shard in self.shards.values()))

    def list(self, found: Found = ignore) -> Listing:
        entries: list[Entry] = []
        notes: dict[str, None] = {}
        for shard in self.shards.values():
            rows, told = self._entries(shard)
            entries += rows
            notes |= dict.fromkeys(told)
            found(len(entries))
        return Listing("table of pictures", tuple(entries), tuple(notes))

    def read(self, path: str) -> bytes:
        name, _, number = path.removesuffix("]").rpartition("[")
        if name not in self.shards or not number.isdecimal():
            raise PictureError("no such sample")
        content, beside = self._rows(self.shards[name]).read(int(number))
        if content is None and beside:
            return read_file(os.path.join(self.shards[name].path.parent, beside))
        if content is None:
            raise PictureError("no picture in the row")
        return content

    def _rows(self, shard: ArrowShard) -> _Rows:
        with self._lock:
            if shard.name not in self._files:
                self._files[shard.name] = _Rows(shard.path)
            return self._files[shard.name]

    def _entries(self, shard: ArrowShard) -> tuple[list[Entry], list[str]]:
        rows = self._rows(shard)
        columns = rows.columns()
        reading = self.reading
        if reading.label is None:
            label = _only_class_label(rows.classes, columns, shard.path)
            reading = Reading(delimiter=reading.delimiter, label=label, names=reading.names)
        files = [f"{shard.name}[{number}]" for number in range(len(rows))]
        stamp = os.stat(shard.path).st_mtime_ns
        entries, notes = entries_of(columns, shard.path, reading, files)
        return [e._replace(split=e.split or shard.split, stamp=stamp) for e in entries], notes


def _only_class_label(
    classes: dict[str, list[str]], columns: dict[str, list[Any]], path: Path
) -> str | None:
    """The column that holds classes by its type, where none has the usual name."""
    if not classes or any(name.lower() in LABEL_COLUMNS for name in columns):
        return None
    if len(classes) > 1:
        raise DataError(f"{path}: {', '.join(classes)} all hold classes; say which is meant, as "
                        f"?label={next(iter(classes))}")  # fmt: skip
    return next(iter(classes))


class _Rows:
    """The rows of one file: Arrow is memory-mapped, of Parquet some row groups are kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Any] = OrderedDict()
        try:
            self._batches = None if path.suffix == ".parquet" else _record_batches(path)
            schema, self._ends = self._shape()
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{path} can't be read: {error}") from error
        self.classes = _class_names(schema)
        self.picture = _picture_column(schema, path)
        self._plain = [field.name for field in schema if _is_plain(field.type)]

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _shape(self) -> tuple[Any, list[int]]:
        if self._batches is not None:
            counts = [batch.num_rows for batch in self._batches]
            schema = self._batches[0].schema if self._batches else pa.schema([])
        else:
            meta = _parquet(self.path)
            schema = meta.schema_arrow
            counts = [meta.metadata.row_group(g).num_rows for g in range(meta.num_row_groups)]
        ends: list[int] = []
        for count in counts:
            ends.append(count + (ends[-1] if ends else 0))
        return schema, ends

    def columns(self) -> dict[str, list[Any]]:
        """All columns but those that hold pictures, with names in place of numbers of classes."""
        if self._batches is not None:
            table = pa.Table.from_batches(self._batches).select(self._plain)
        else:
            table = _parquet(self.path).read(columns=self._plain)
        found: dict[str, list[Any]] = table.to_pydict()
        for name, names in self.classes.items():
            if name in found:
                found[name] = [_named(value, names) for value in found[name]]
        return found or {"": [None] * len(self)}

    def read(self, row: int) -> tuple[bytes | None, str | None]:
        """The bytes in a row, and the path beside them."""
        if row >= len(self):
            raise PictureError("no such sample")
        group = bisect_right(self._ends, row)
        try:
            column = self._column(group)
            value = column[row - (self._ends[group - 1] if group else 0)]
            if not pa.types.is_struct(column.type):
                content, path = value.as_py(), None
            else:
                content = value["bytes"].as_py()
                path = value["path"].as_py() if "path" in value.keys() else None  # noqa: SIM118
        except (OSError, pa.ArrowException) as error:
            raise PictureError("can't be read", f"{type(error).__name__}: {error}") from error
        check_size(len(content or b""))
        return content, path

    def _column(self, group: int) -> Any:
        if self._batches is not None:
            return self._batches[group].column(self.picture)
        with self._lock:
            if group not in self._kept:
                table = _parquet(self.path).read_row_group(group, columns=[self.picture])
                self._kept[group] = table.column(self.picture)
                if len(self._kept) > _GROUPS_KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(group)
            return self._kept[group]


def holds_pictures(path: Path) -> bool:
    """Whether a Parquet file holds pictures, not only their names."""
    try:
        return bool(_candidates(_parquet(path).schema_arrow))
    except (OSError, pa.ArrowException):
        return False


def _parquet(path: Path) -> Any:
    from pyarrow import parquet

    return parquet.ParquetFile(path)


def _record_batches(path: Path) -> list[Any]:
    """Of an Arrow stream, which `save_to_disk` writes, or of an Arrow file."""
    source = pa.memory_map(str(path))
    try:
        return list(pa.ipc.open_stream(source))
    except pa.ArrowInvalid:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        return [reader.get_batch(number) for number in range(reader.num_record_batches)]


def _is_bytes(kind: Any) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _is_picture(field: Any) -> bool:
    if pa.types.is_struct(field.type):
        place = field.type.get_field_index("bytes")
        return place >= 0 and _is_bytes(field.type.field(place).type)
    return _is_bytes(field.type) and field.name.lower() in _NAMES


def _is_plain(kind: Any) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return not pa.types.is_nested(kind.value_type) and not _is_bytes(kind.value_type)
    return not pa.types.is_nested(kind) and not _is_bytes(kind)


def _candidates(schema: Any) -> list[str]:
    return [field.name for field in schema if _is_picture(field)]


def _picture_column(schema: Any, path: Path) -> str:
    found = _candidates(schema)
    usual = [name for name in found if name.lower() in _NAMES]
    if len(found) != 1 and len(usual) != 1:
        what = f"{', '.join(found)} all hold pictures" if found else "no column holds pictures"
        raise DataError(
            f"{path}: {what}; expected one column of a structure of bytes and path, or one called "
            f"image that holds bytes; the columns are {', '.join(schema.names)}"
        )
    return found[0] if len(found) == 1 else usual[0]


def _class_names(schema: Any) -> dict[str, list[str]]:
    """Names by column, from what Hugging Face's `datasets` writes beside the schema."""
    try:
        document = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features: dict[str, Any] = document.get("info", {}).get("features", {})
    except (ValueError, AttributeError):
        return {}
    found: dict[str, list[str]] = {}
    for name, feature in features.items():
        inner: Any = feature[0] if isinstance(feature, list) and feature else feature
        if isinstance(inner, dict) and isinstance(inner.get("feature"), dict):
            inner = inner["feature"]
        if isinstance(inner, dict) and inner.get("_type") == "ClassLabel" and inner.get("names"):
            found[name] = [str(one) for one in inner["names"]]
    return found


def _named(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_named(item, names) for item in value]
    if not isinstance(value, int):
        return value
    return names[value] if 0 <= value < len(names) else None  # -1 is a row without a label
