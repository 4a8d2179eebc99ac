"""From what a user typed to a source."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

from hubel.data.sources.base import Source
from hubel.data.sources.folder import FolderSource
from hubel.data.sources.hdf5 import HDF5_SUFFIXES, hdf5_source
from hubel.data.sources.hub import HUB, hub_source
from hubel.data.sources.hub_folder import hub_folder
from hubel.data.sources.idx import idx_file, idx_files, idx_source
from hubel.data.sources.numpy_files import npy_files, npy_source, npz_source
from hubel.data.sources.options import Options, split_options
from hubel.data.sources.remote import is_url, remote_source
from hubel.data.sources.table import table_source
from hubel.data.sources.tar_index import PACKED_TARS, refused_packed
from hubel.data.sources.tars import expand_braces, shards_of, tar_source
from hubel.data.sources.zipped import ZipSource, sample
from hubel.data.tables import TABLE_SUFFIXES
from hubel.errors import DataError

__all__ = ["lasting_name", "open_source"]

_EXPECTED = "a folder of pictures, a table, a zip archive or sample:trashnet"
_KINDS = (*TABLE_SUFFIXES, ".tar", ".npz", ".npy", *HDF5_SUFFIXES)


def open_source(data: str | os.PathLike[str]) -> Source:
    """Open what a user named: a folder, a table, an archive, arrays, a name of a hub, or a URL.

    Args:
        data: its name, where need be with options, as in `labels.csv?delimiter=|`.

    Raises:
        DataError: nothing stands there, it is of another kind, or an option has no meaning for it.
    """
    text, options = split_options(os.fspath(data))
    source = _open(text, options)
    options.finish(text)
    if options:
        source.name = os.fspath(data)
    return source


def lasting_name(name: str) -> str:
    """The name of a source under which it is found from any folder.

    Example:
        >>> lasting_name("hf:beans"), lasting_name("/data/t.csv?delimiter=/")
        ('hf:beans', '/data/t.csv?delimiter=/')
    """
    if name.startswith(("sample:", HUB)) or is_url(name):
        return name
    place, _ = split_options(name)
    return os.path.abspath(os.path.expanduser(place)) + name[len(place) :]


def _open(text: str, options: Options) -> Source:
    if text.startswith("sample:"):
        return sample(text)
    if text.startswith(HUB):
        return hub_source(text, options)
    if is_url(text):
        return remote_source(text, options)
    if "{" in text and ".tar" in text and not Path(text).exists():
        return _braces(text, options)
    path = Path(text).expanduser()
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        why = "no such file or folder" if isinstance(error, FileNotFoundError) else error
        raise DataError(f"{text}: {why}; expected {_EXPECTED}") from error
    if stat.S_ISDIR(mode):
        return _open_folder(path, options)
    if stat.S_ISREG(mode):
        found = _open_file(path, options)
        if found is not None:
            return found
    raise DataError(
        f"{text}: expected a folder of pictures, a zip archive, or a table, tar file or arrays "
        f"({' '.join(_KINDS)}); got a {path.suffix or 'file without a suffix'}"
    )


def _braces(text: str, options: Options) -> Source:
    return tar_source([Path(name).expanduser() for name in expand_braces(text)], text, options)


def _open_folder(path: Path, options: Options) -> Source:
    try:
        if idx_files(path):
            return idx_source(path, options)
        if npy_files(path):
            return npy_source(path, options)
        if shards := shards_of(path):
            return tar_source(shards, str(path), options)
        return hub_folder(path, options) or FolderSource(path)
    except OSError:  # a folder that can't be listed: the listing names it
        return FolderSource(path)


def _open_file(path: Path, options: Options) -> Source | None:
    if idx_file(path) is not None:
        return idx_source(path, options)
    if path.name.lower().endswith(PACKED_TARS):
        raise refused_packed(path.name, str(path))
    opener = _OPENERS.get(path.suffix.lower())
    if opener is not None:
        return opener(path, options)
    return ZipSource(path) if zipfile.is_zipfile(path) else None


_OPENERS: dict[str, Callable[[Path, Options], Source]] = {
    ".npy": npy_source,
    ".tar": lambda path, options: tar_source([path], str(path), options),
    ".npz": npz_source,
    ".zip": lambda path, _: ZipSource(path),
    **dict.fromkeys(HDF5_SUFFIXES, hdf5_source),
    **dict.fromkeys(TABLE_SUFFIXES, table_source),
}
