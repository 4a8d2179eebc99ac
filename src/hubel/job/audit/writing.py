"""The files of an audit: a page for people, a table and a document for programs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from hubel.data.manifest import write_parquet
from hubel.data.warned import quiet_decoders
from hubel.errors import PictureError, StorageError
from hubel.job.inspect import Examined
from hubel.job.report import decoded_jpeg
from hubel.storage import storage_errors, write_bytes, write_json

__all__ = ["expect_place", "write_audit"]


def expect_place(data: str, out: Path) -> None:
    """Refuse a folder inside the data, before the scan.

    Raises:
        StorageError: it stands there.
    """
    inside, root = Path(os.path.realpath(out)), Path(os.path.realpath(data))
    if root.is_dir() and (inside == root or root in inside.parents):
        raise StorageError(
            f"{out} stands inside the data, {data}, where nothing is written; give another --out"
        )


def write_audit(examined: Examined, out: Path) -> None:
    """Write `audit.html`, `audit.parquet` and `audit.json` into a folder, which is made.

    Raises:
        StorageError: that isn't possible.
    """
    from hubel.reports.audit import audit_page

    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    write_parquet(examined.audit.table, out / "audit.parquet")
    write_json(out / "audit.json", examined.document)
    with quiet_decoders():
        page = audit_page(examined.document, _thumbnails(examined))
    write_bytes(out / "audit.html", page.encode())


def _thumbnails(examined: Examined) -> Callable[[str], bytes | None]:
    """From a picture's shown name to a small JPEG; None where it can't be read."""
    paths = {
        file: entry.path
        for file, entry in zip(
            examined.audit.table["file"].to_pylist(), examined.listing.entries, strict=True
        )
    }

    def thumbnail(file: str) -> bytes | None:
        try:
            return decoded_jpeg(examined.source.read(paths[file]))
        except PictureError:
            return None

    return thumbnail
