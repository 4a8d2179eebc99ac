"""Where each member of a tar file stands, so that any of them can be read at once.

The index is made by reading the headers once, and kept in the user's cache under the place, size
and time of the file.
"""

from __future__ import annotations

import tarfile
from contextlib import suppress
from typing import Any, NamedTuple

import pyarrow as pa

from hubel.caches import cache_folder
from hubel.data.manifest import read_parquet, write_parquet
from hubel.data.sources.base import Found, ignore
from hubel.data.sources.blob import Blob
from hubel.errors import ArtifactError, DataError, StorageError

__all__ = ["PACKED_TARS", "Member", "index_of", "refused_packed"]

_SCHEMA: Any = pa.schema(
    [("name", pa.binary()), ("start", pa.int64()), ("size", pa.int64()), ("problem", pa.string())],
    metadata={"version": "1"},
)
_EVERY = 1_000
_BLOCK = 512
PACKED_TARS = (".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst")
_PACKED = {b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd"}


class Member(NamedTuple):
    """A file within a tar file: its name, where its bytes stand, and why it is left out."""

    name: str
    start: int
    size: int
    problem: str | None = None


def index_of(blob: Blob, found: Found = ignore) -> list[Member]:
    """All members that are not folders, in their order.

    Args:
        blob: the tar file.
        found: told how many there are so far.

    Raises:
        DataError: it is compressed, no tar file, or cut short.
    """
    try:
        size, stamp = blob.state()
    except OSError as error:
        raise DataError(f"{blob.name} can't be read: {error.strerror or error}") from error
    path = cache_folder() / "tars" / f"{blob.key}-{size}-{stamp}.parquet"
    try:
        table = read_parquet(path)
    except ArtifactError:
        table = None
    if table is not None and table.schema.equals(_SCHEMA, check_metadata=True):
        columns = [table[name].to_pylist() for name in _SCHEMA.names]
        return [Member(name.decode("utf-8", "surrogateescape"), *rest)
                for name, *rest in zip(*columns, strict=True)]  # fmt: skip
    members = _read(blob, size, found)
    names = [member.name.encode("utf-8", "surrogateescape") for member in members]
    rest = [pa.array([member[place] for member in members], _SCHEMA.field(place).type)
            for place in (1, 2, 3)]  # fmt: skip
    table = pa.Table.from_arrays([pa.array(names, pa.binary()), *rest], schema=_SCHEMA)
    with suppress(StorageError):  # it costs the same time again, and no more
        write_parquet(table, path)
    return members


def _read(blob: Blob, size: int, found: Found) -> list[Member]:
    members: list[Member] = []
    try:
        with blob.open() as stream:
            start = stream.read(6)
            for magic, what in _PACKED.items():
                if start.startswith(magic):
                    raise refused_packed(what, blob.name)
            stream.seek(0)
            with tarfile.open(fileobj=stream, mode="r:", errorlevel=1) as archive:
                while (info := archive.next()) is not None:
                    archive.members = []  # pyright: ignore  # they would all stay in memory
                    if not info.isdir():
                        members.append(_member(info))
                    if len(members) % _EVERY == 0:
                        found(len(members))
                end = archive.offset
            stream.seek(end)
            tail = stream.read(_BLOCK)
    except DataError:
        raise
    except Exception as error:  # foreign bytes
        raise _cut(blob.name, members, str(error)) from error
    past = max((member.start + member.size for member in members), default=0)
    if past > size or tail != bytes(_BLOCK):
        raise _cut(blob.name, members, f"no end mark at byte {end:,} of {size:,}")
    last = {member.name: place for place, member in enumerate(members)}
    return [
        member if last[member.name] == place
        else member._replace(problem=member.problem or "a later member has the same name")
        for place, member in enumerate(members)
    ]  # fmt: skip


def refused_packed(what: str, name: str) -> DataError:
    """What is said of a compressed tar file."""
    return DataError(
        f"{name} is compressed ({what}), and nothing can be read from the middle of it; uncompress "
        "it once (tar files of pictures hardly shrink), or unpack it in a folder"
    )


def _cut(name: str, members: list[Member], why: str) -> DataError:
    last = f"; the last whole member is {members[-1].name!r}" if members else ""
    return DataError(
        f"{name} is no whole tar file: {why}{last}; it is cut short or damaged, get it again"
    )


def _member(info: tarfile.TarInfo) -> Member:
    name = info.name.removeprefix("./")
    problem = None
    if name.startswith("/"):
        problem = "an absolute name in the archive"
    elif ".." in name.split("/"):
        problem = "a name that leads out of the archive"
    elif info.issym() or info.islnk():
        problem = "a link in the archive"
    elif not info.isreg() or info.issparse():
        problem = "not a regular file"
    return Member(name, info.offset_data, info.size, problem)
