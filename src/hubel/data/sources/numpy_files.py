"""NumPy's files: an `.npz` of named arrays, or `.npy` files of them side by side.

What isn't compressed is memory-mapped. Nothing is unpickled: arrays of Python objects are refused.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from hubel.data.sources.arrays import ArraySource
from hubel.data.sources.options import Options
from hubel.data.sources.roles import arrays_by_role, role_of
from hubel.errors import DataError

__all__ = ["npy_files", "npy_source", "npz_source", "read_npz"]

_LOCAL_HEADER = 30


def npz_source(path: Path, options: Options) -> ArraySource:
    """The arrays of an `.npz` file, named as MedMNIST, Keras or plain sense (`x`, `y`) do."""
    names = options.class_map(path.parent)
    pair = options.take("x"), options.take("y")
    return ArraySource(path, [path], lambda: arrays_by_role(read_npz(path), str(path), pair, names))


def npy_files(folder: Path) -> list[Path]:
    """The `.npy` files of a folder whose names say which are samples and which are labels."""
    found = [path for path in sorted(folder.glob("*.npy")) if role_of(path.stem) is not None]
    return found if len({_is_samples(path) for path in found}) == 2 else []


def npy_source(path: Path, options: Options) -> ArraySource:
    """`x.npy` and `y.npy` of a folder (or one of them); also `train_images.npy`, and so on.

    Raises:
        DataError: no other file belongs to the one that was named.
    """
    folder = path if path.is_dir() else path.parent
    files = npy_files(folder)
    if not files or (path.is_file() and path not in files):
        raise DataError(
            f"{path} is one array; expected samples and labels side by side, as x.npy and y.npy, "
            "or train_images.npy and train_labels.npy; to classify arrays of one sample each, put "
            "them in a folder a class"
        )
    names = options.class_map(folder)
    pair = options.take("x"), options.take("y")
    return ArraySource(
        path,
        files,
        lambda: arrays_by_role({f.stem: _read_npy(f) for f in files}, str(folder), pair, names),
    )


def _is_samples(path: Path) -> bool:
    role = role_of(path.stem)
    return role is not None and role.samples


def _read_npy(path: Path) -> Any:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # foreign bytes
        raise _problem(str(path), error) from error


def read_npz(path: Path) -> dict[str, Any]:
    """All arrays of an `.npz` file by name; those that are stored as they are, memory-mapped.

    Raises:
        DataError: it can't be read, or an array holds Python objects.
    """
    found: dict[str, Any] = {}
    member = ""
    try:
        with zipfile.ZipFile(path) as archive, open(path, "rb") as stream:
            for info in archive.infolist():
                if not info.filename.endswith(".npy"):
                    continue
                member = info.filename.removesuffix(".npy")
                if info.compress_type == zipfile.ZIP_STORED:
                    found[member] = _mapped(path, stream, info.header_offset)
                else:
                    with archive.open(info) as packed:
                        found[member] = np.lib.format.read_array(packed, allow_pickle=False)
    except Exception as error:  # foreign bytes
        raise _problem(f"{path}, {member}" if member else str(path), error) from error
    return found


def _mapped(path: Path, stream: BinaryIO, offset: int) -> Any:
    stream.seek(offset)
    header = stream.read(_LOCAL_HEADER)
    skipped = sum(int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    stream.seek(skipped, 1)
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError(f"a .npy file of version {version}, which numbers never need")
    shape, fortran, dtype = read[version](stream)
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded when allow_pickle=False")
    if 0 in shape or not shape:
        stream.seek(offset + _LOCAL_HEADER + skipped)
        return np.lib.format.read_array(stream, allow_pickle=False)
    return np.memmap(path, dtype, "r", stream.tell(), shape, "F" if fortran else "C")


def _problem(where: str, error: Exception) -> DataError:
    if any(word in str(error) for word in ("pickle", "Object arrays", "Python objects")):
        return DataError(
            f"{where}: the array holds Python objects, which only running code could read; save "
            "numbers or text, as numpy.stack(list) or array.astype(str) make them"
        )
    return DataError(f"{where} can't be read as NumPy arrays: {type(error).__name__}: {error}")
