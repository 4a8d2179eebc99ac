"""The stage that writes the report."""

from __future__ import annotations

import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from hubel.data.decode import decode
from hubel.data.manifest import Manifest
from hubel.data.sources import Source, open_source
from hubel.errors import DataError, PictureError
from hubel.runs import Run
from hubel.storage import write_bytes

__all__ = ["rewrite_report", "thumbnails", "write_report"]

_SIDE = 96
_QUALITY = 78


def write_report(run: Run, source: Source | None) -> None:
    """Write `report.html` from what stands in the run's folder.

    Args:
        run: at least scanned and planned.
        source: of the pictures; None when it is gone, the report then has none.
    """
    from hubel.analysis.layers import describe_layers
    from hubel.artifact import read_artifact
    from hubel.models.architecture import Architecture
    from hubel.reports.build import build_report
    from hubel.reports.facts import ReportFacts

    layers = []
    if (run.folder / "classifier").is_dir():
        document, _ = read_artifact(run.folder / "classifier")
        layers = describe_layers(Architecture.from_json(document.architecture))
    facts = ReportFacts.read(run.folder, layers=[layer.to_json() for layer in layers])
    manifest = Manifest.read(run.folder / "manifest.parquet")
    page = build_report(facts, thumbnails(source, manifest))
    write_bytes(run.report, page.encode())


def rewrite_report(run: Run) -> None:
    """Make the report of an earlier run again."""
    try:
        source = open_source(run.facts["data"]["source"])
    except DataError:
        source = None
    write_report(run, source)


def thumbnails(source: Source | None, manifest: Manifest) -> Callable[[str], bytes | None]:
    """A function from a picture's shown name to a small JPEG of it, None when it is gone."""

    def thumbnail(file: str) -> bytes | None:
        row = pc.index(manifest.table["file"], pa.scalar(file)).as_py()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportAttributeAccessIssue]
        if source is None or row < 0:
            return None
        try:
            pixels = decode(source.read(manifest.path(row))).pixels
        except PictureError:
            return None
        image = Image.fromarray(pixels)
        image.thumbnail((_SIDE, _SIDE))
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=_QUALITY)
        return stream.getvalue()

    return thumbnail
