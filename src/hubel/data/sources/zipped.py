"""Pictures in the folders of a zip archive."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path

from hubel.data.folders import Entry, interpret, is_hidden_folder
from hubel.data.sources.base import Found, Listing, check_size, ignore
from hubel.data.sources.blob import Blob, LocalBlob
from hubel.errors import DataError, PictureError

__all__ = ["SAMPLES", "ZipSource", "sample"]

SAMPLES = {"sample:trashnet": "trashnet-128.zip"}


class ZipSource:
    """Pictures in the folders of a zip archive.

    Args:
        archive: the file, on a disk or elsewhere.
        name: how people refer to it.
    """

    def __init__(self, archive: Path | Blob, name: str | None = None) -> None:
        self._blob = LocalBlob(archive) if isinstance(archive, Path) else archive
        self.name = name or self._blob.name
        self._lock = threading.Lock()
        try:
            self._zip = zipfile.ZipFile(archive if isinstance(archive, Path) else archive.open())
        except DataError:
            raise
        except Exception as error:  # foreign bytes
            raise DataError(
                f"{self.name} is not a zip archive that can be read: {error}"
            ) from error

    @property
    def key(self) -> str:
        return self._blob.key

    def list(self, found: Found = ignore) -> Listing:
        files = [
            Entry(path=info.filename, size=info.file_size, stamp=info.CRC)
            for info in self._zip.infolist()
            if not info.is_dir() and not any(map(is_hidden_folder, info.filename.split("/")[:-1]))
        ]
        kind, entries, notes = interpret(files, self.name)
        return Listing(kind, tuple(entries), tuple(notes))

    def read(self, path: str) -> bytes:
        try:
            check_size(self._zip.getinfo(path).file_size)
            with self._lock:
                return self._zip.read(path)
        except PictureError:
            raise
        except KeyError as error:
            raise PictureError("no such file") from error
        except Exception as error:  # foreign bytes: a broken or encrypted member
            detail = f"{type(error).__name__}: {error}"
            raise PictureError("can't be read from the archive", detail) from error


def sample(name: str) -> ZipSource:
    """Pictures that come with the package.

    Raises:
        DataError: there is no such sample.
    """
    if name not in SAMPLES:
        raise DataError(f"there is no built-in sample {name!r}; there are: {', '.join(SAMPLES)}")
    return ZipSource(Path(__file__).parents[1] / "samples" / SAMPLES[name], name)
