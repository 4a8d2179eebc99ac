"""HDF5 files of named arrays, read row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hubel.data.sources.arrays import Arrays, ArraySource
from hubel.data.sources.options import Options
from hubel.data.sources.roles import arrays_by_role
from hubel.errors import DataError

__all__ = ["HDF5_SUFFIXES", "hdf5_source"]

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf")


def hdf5_source(path: Path, options: Options) -> ArraySource:
    """The arrays of an HDF5 file, named as in an `.npz` file, or in groups (`train/images`)."""
    names = options.class_map(path.parent)
    pair = options.take("x"), options.take("y")

    def load() -> Arrays:
        return arrays_by_role(_read(path), str(path), pair, names)

    return ArraySource(path, [path], load)


def _read(path: Path) -> dict[str, Any]:
    try:
        import h5py
    except ImportError as error:
        raise DataError(
            f"{path}: HDF5 needs the library h5py: pip install 'hubel[hdf5]'"
        ) from error
    found: dict[str, Any] = {}

    def keep(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item

    try:
        h5py.File(path, "r").visititems(keep)
    except Exception as error:  # foreign bytes
        raise DataError(f"{path} can't be read as HDF5: {error}") from error
    return found
