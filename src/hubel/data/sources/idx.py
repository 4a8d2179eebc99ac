"""IDX files, as MNIST and its relatives come: pairs of images and labels, gzipped or not.

`train` and `t10k` are the training and the test split. The format is described on MNIST's page:
two zero bytes, a byte for the type, one for the number of axes, the axes, and the values, all of
them big-endian.
"""

from __future__ import annotations

import gzip
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from hubel.data.classmap import ClassMap, class_map
from hubel.data.folders import split_of
from hubel.data.sources.arrays import Arrays, ArraySource, Part
from hubel.data.sources.options import Options
from hubel.errors import DataError

__all__ = ["IdxFile", "idx_file", "idx_files", "idx_source", "read_idx"]

_NAME = re.compile(
    r"(?P<set>.*?)(?P<split>train|t10k|[a-z]+)[-_.](?P<role>images|labels)"
    r"[-_.]idx(?P<rank>\d)[-_.](?:ubyte|byte|short|int|float|double)(?P<packed>\.gz)?",
    re.IGNORECASE,
)
_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_MOST = 1 << 33


@dataclass(frozen=True, slots=True)
class IdxFile:
    """What the name of an IDX file says."""

    path: Path
    set: str
    split: str
    images: bool


def idx_file(path: Path) -> IdxFile | None:
    """What a name says, where it is that of an IDX file.

    Example:
        >>> idx_file(Path("t10k-images-idx3-ubyte.gz")).split
        'test'
    """
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    named = match["split"].lower()
    split = "test" if named == "t10k" else split_of(named)
    if split is None:
        return None
    return IdxFile(path, match["set"].strip("-_."), split, match["role"].lower() == "images")


def idx_files(folder: Path) -> list[IdxFile]:
    """The IDX files of a folder, sorted by name; of a file and its gzipped twin the plain one."""
    found = [idx_file(path) for path in sorted(folder.iterdir())]
    names = {one.path.name for one in found if one is not None}
    return [one for one in found if one is not None
            and not (one.path.suffix == ".gz" and one.path.stem in names)]  # fmt: skip


def idx_source(path: Path, options: Options) -> ArraySource:
    """The pairs of a folder; or, of a file, those of the set that its name belongs to.

    Raises:
        DataError: the folder holds several sets (as EMNIST's), or half a pair.
    """
    if path.is_dir():
        files = idx_files(path)
        sets = sorted({one.set for one in files})
        if len(sets) > 1:
            raise DataError(
                f"{path} holds several data sets ({', '.join(sets)}); name one file of the one you "
                f"mean, as {files[0].path}"
            )
    else:
        mine = idx_file(path)
        assert mine is not None
        files = [one for one in idx_files(path.parent) if one.set == mine.set]
    pairs = _pairs(files)
    names = options.class_map(files[0].path.parent)
    return ArraySource(path, [one.path for one in files], lambda: _load(pairs, names))


def _pairs(files: list[IdxFile]) -> list[tuple[IdxFile, IdxFile]]:
    pairs: list[tuple[IdxFile, IdxFile]] = []
    for split in ("train", "val", "test"):
        images = [one for one in files if one.split == split and one.images]
        labels = [one for one in files if one.split == split and not one.images]
        if len(images) > 1 or len(labels) > 1:
            names = ", ".join(one.path.name for one in (*images, *labels))
            raise DataError(f"{files[0].path.parent}: several files of the {split} split: {names}; "
                            "keep one pair")  # fmt: skip
        if len(images) != len(labels):
            there = (images or labels)[0].path
            lacks = "labels" if images else "images"
            other = there.name.replace("images", "labels").replace("idx3", "idx1")
            want = f", as {other}" if images else ""
            raise DataError(f"{there}: there is no file of {lacks} beside it{want}")
        if images:
            pairs.append((images[0], labels[0]))
    return pairs


def _load(pairs: list[tuple[IdxFile, IdxFile]], given: ClassMap | None) -> Arrays:
    parts = tuple(
        Part(_stem(x), read_idx(x.path), read_idx(y.path), _stem(y), x.split) for x, y in pairs
    )
    first = pairs[0][0]
    names = _mapping(first) or given
    notes: list[str] = []
    if first.set.lower().startswith("emnist"):
        notes.append("EMNIST's files hold every picture transposed; they are read as they stand")
    if names is not None:
        notes.append(f"names of the classes from {names.origin}")
    return Arrays(parts, names, tuple(notes))


def _stem(one: IdxFile) -> str:
    return one.path.name.removesuffix(".gz")


def _mapping(one: IdxFile) -> ClassMap | None:
    """EMNIST's own map: a label, and the codes of the characters that it stands for."""
    path = one.path.parent / f"{one.set}-mapping.txt"
    if not one.set or not path.is_file():
        return None
    try:
        rows = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        pairs = [(row[0], "".join(chr(int(code)) for code in row[1:])) for row in rows if row]
    except (ValueError, OverflowError, OSError) as error:
        what = "a mapping of labels to characters"
        raise DataError(f"{path} can't be read as {what}: {error}") from error
    return class_map(pairs, str(path))


def read_idx(path: Path) -> NDArray[Any]:
    """The array in an IDX file, memory-mapped where the file isn't gzipped.

    Raises:
        DataError: it is no such file, is cut short or too long, or can't be read.
    """
    packed = path.suffix.lower() == ".gz"
    try:
        with cast(BinaryIO, gzip.open(path) if packed else open(path, "rb")) as stream:
            dtype, shape, start = _read_header(stream, path)
            expected = dtype.itemsize * math.prod(shape)
            if not packed:
                _check_length(path.stat().st_size - start, expected, path)
                return np.memmap(path, dtype, "r", start, shape)
            if expected > _MOST:
                raise DataError(f"{path} unpacks to {expected:,} bytes; gunzip it first, so that "
                                "it need not stand in memory")  # fmt: skip
            content = stream.read(expected + 1)
    except DataError:
        raise
    except Exception as error:  # foreign bytes
        raise DataError(f"{path} can't be read as an IDX file: {error}") from error
    _check_length(len(content), expected, path)
    return np.frombuffer(content, dtype).reshape(shape)


def _read_header(stream: BinaryIO, path: Path) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or not magic[3]:
        raise DataError(
            f"{path} is no IDX file: it begins with {magic.hex(' ') or 'nothing'}; expected 00 00, "
            f"a type of {', '.join(f'{code:02x}' for code in _TYPES)}, and the number of axes"
        )
    sides = stream.read(4 * magic[3])
    if len(sides) < 4 * magic[3]:
        raise DataError(f"{path} is cut short: it ends within its header")
    shape = tuple(int(side) for side in np.frombuffer(sides, ">u4"))
    return np.dtype(_TYPES[magic[2]]), shape, 4 + len(sides)


def _check_length(found: int, expected: int, path: Path) -> None:
    if found != expected:
        what = "is cut short" if found < expected else "is longer than its header says"
        raise DataError(f"{path} {what}: expected {expected:,} bytes of values, got "
                        f"{'more' if found > expected else f'{found:,}'}")  # fmt: skip
