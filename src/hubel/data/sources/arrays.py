"""Samples that are rows of arrays, whatever file the arrays stand in.

`read` gives a row as the bytes of a small `.npy` file: little-endian, the axes as in the array.
Two things are settled here, where the whole array is seen. A row of three axes whose first is 1 to
4 long and whose last is longer has its channels first, and is turned to have them last; a single
channel loses its axis. Types that no picture needs become the nearest that does: wide integers the
narrowest of uint8, uint16, int16 and float64 that holds all values of the array, truth values
0 and 255, float16 float32.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.data.classmap import ClassMap
from hubel.data.folders import Entry
from hubel.data.sources.base import Found, Listing, check_size, digest, ignore
from hubel.data.sources.targets import Labels, labels_of
from hubel.errors import DataError, PictureError

__all__ = ["ArraySource", "Arrays", "Part"]

_KEPT = ("u1", "u2", "i2", "f4", "f8")
_MOST_CHANNELS = 4
_CHUNK = 1 << 24


@dataclass(frozen=True, slots=True)
class Part:
    """Samples and targets that belong together.

    `samples` has an axis of n rows first, and may be memory-mapped; `targets` is None where a split
    has no labels; `split` is None where the file doesn't say; `name` stands in the path of a
    sample, as in `train_images[17]`.
    """

    name: str
    samples: Any
    targets: NDArray[Any] | None = None
    targets_name: str = ""
    split: str | None = None


@dataclass(frozen=True, slots=True)
class Arrays:
    """All parts of a data set, the names of its classes where they are known, and notes."""

    parts: tuple[Part, ...]
    names: ClassMap | None = None
    notes: tuple[str, ...] = ()


class ArraySource:
    """Rows of arrays.

    Args:
        path: that the user named.
        files: that are read.
        load: opens them; called once.
    """

    def __init__(self, path: Path, files: Sequence[Path], load: Callable[[], Arrays]) -> None:
        self.path = path
        self.files = tuple(files)
        self.name = str(path)
        self._load = load
        self._lock = threading.Lock()
        self._opened: tuple[Arrays, dict[str, _Rows]] | None = None

    @property
    def key(self) -> str:
        return digest(*(os.path.realpath(path) for path in (self.path, *self.files)))

    def list(self, found: Found = ignore) -> Listing:
        arrays, rows = self._open()
        labels, notes = self._labels(arrays)
        stamp = max(os.stat(path).st_mtime_ns for path in self.files)
        entries: list[Entry] = []
        for part in arrays.parts:
            blank = Entry("", None, part.split, None, rows[part.name].size, stamp)
            given = labels.get(part.name)
            if given is None:
                blank, given = blank._replace(problem="no label"), [None] * len(part.samples)
            for number, label in enumerate(given):
                role = "labels" if isinstance(label, tuple) else "label"
                entries.append(blank._replace(path=f"{part.name}[{number}]", **{role: label}))
            found(len(entries))
        told = [note for row in rows.values() for note in row.notes]
        return Listing("arrays", tuple(entries), (*arrays.notes, *notes, *told))

    def read(self, path: str) -> bytes:
        name, _, number = path.removesuffix("]").rpartition("[")
        rows = self._open()[1].get(name)
        if rows is None or not number.isdecimal() or int(number) >= len(rows.samples):
            raise PictureError("no such sample")
        return rows.read(int(number))

    def _labels(self, arrays: Arrays) -> tuple[dict[str, Labels], list[str]]:
        parts = [part for part in arrays.parts if part.targets is not None]
        targets = [part.targets for part in parts if part.targets is not None]
        found, notes = labels_of(targets, [part.targets_name for part in parts], arrays.names)
        return {part.name: labels for part, labels in zip(parts, found, strict=True)}, notes

    def _open(self) -> tuple[Arrays, dict[str, _Rows]]:
        with self._lock:
            if self._opened is None:
                arrays = self._load()
                for part in arrays.parts:
                    _check_part(part, self.name)
                rows = {part.name: _Rows(part.name, part.samples) for part in arrays.parts}
                self._opened = arrays, rows
            return self._opened


class _Rows:
    """The rows of one array as files."""

    def __init__(self, name: str, samples: Any) -> None:
        self.samples = samples
        self.notes: list[str] = []
        shape = tuple(int(side) for side in samples.shape[1:])
        self._turned = len(shape) == 3 and 1 <= shape[0] <= _MOST_CHANNELS < shape[2]
        if self._turned:
            self.notes.append(f"{name}: rows of {shape} have their channels first, and are turned")
            shape = (*shape[1:], shape[0])
        if len(shape) == 3 and shape[2] == 1:
            shape = shape[:2]
        self._shape = shape
        self._dtype = _narrowest(samples, name)
        if self._dtype.newbyteorder("=") != samples.dtype.newbyteorder("="):
            self.notes.append(f"{name}: {samples.dtype} is read as {self._dtype}")
        self._header = _header(self._dtype, shape)
        self.size = len(self._header) + int(np.prod(shape)) * self._dtype.itemsize

    def read(self, number: int) -> bytes:
        check_size(self.size)
        try:
            row = np.asarray(self.samples[number])
        except Exception as error:  # foreign bytes, as a damaged chunk of HDF5
            raise PictureError("can't be read", f"{type(error).__name__}: {error}") from error
        if self._turned:
            row = np.moveaxis(row, 0, -1)
        if row.dtype.kind == "b":
            row = row * np.uint8(255)
        return self._header + row.reshape(self._shape).astype(self._dtype, order="C").tobytes()


def _narrowest(samples: Any, name: str) -> np.dtype[Any]:
    dtype: np.dtype[Any] = np.dtype(samples.dtype)
    if f"{dtype.kind}{dtype.itemsize}" in _KEPT:
        return dtype.newbyteorder("<")
    if dtype.kind == "b":
        return np.dtype("u1")
    if dtype.kind == "f":
        return np.dtype("<f4" if dtype.itemsize < 4 else "<f8")
    if dtype.kind not in "iu":
        raise DataError(
            f"{name}: expected an array of numbers, got {dtype}; nothing is read that would have "
            "to be run"
        )
    step = max(1, _CHUNK // max(1, int(np.prod(samples.shape[1:]))))
    chunks = [samples[at : at + step] for at in range(0, len(samples), step)]
    low = min((int(np.min(chunk)) for chunk in chunks if np.size(chunk)), default=0)
    high = max((int(np.max(chunk)) for chunk in chunks if np.size(chunk)), default=0)
    for narrow in ("u1", "<u2", "<i2"):
        if np.iinfo(narrow).min <= low and high <= np.iinfo(narrow).max:
            return np.dtype(narrow)
    return np.dtype("<f8")


def _header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    descr = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_1_0(
        stream, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return stream.getvalue()


def _check_part(part: Part, where: str) -> None:
    shape = tuple(part.samples.shape)
    if len(shape) < 2:
        raise DataError(
            f"{where}: {part.name} has shape {shape}; expected an axis of samples, and at "
            "least one axis within a sample"
        )
    if part.targets is not None and len(part.targets) != shape[0]:
        raise DataError(
            f"{where}: {part.name} has {shape[0]:,} samples, and {part.targets_name} has "
            f"{len(part.targets):,} labels; they have to be as many"
        )
