"""The stage that writes the report."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hubel.artifact import ClassifierFile, read_artifact
from hubel.data.dataset import pixel_store
from hubel.data.decode import decode
from hubel.data.eye import for_the_eye
from hubel.data.form import Decoded, Kind
from hubel.data.manifest import Manifest
from hubel.data.pixels import PixelStore
from hubel.data.preprocess import Preprocess
from hubel.data.sources import Source, open_source
from hubel.data.warned import quiet_decoders
from hubel.errors import DataError, PictureError
from hubel.job.structure import Structure, structure_of
from hubel.runs import Run
from hubel.storage import write_bytes

__all__ = ["decoded_jpeg", "rewrite_report", "thumbnails", "write_report"]

_SIDE = 96
_DRAWING = (96, 64)  # of a signal
_QUALITY = 80


def write_report(run: Run, source: Source | None) -> None:
    """Write `report.html` from what stands in the run's folder.

    Args:
        run: at least scanned and planned.
        source: of the pictures; None when it is gone.
    """
    from hubel.reports.build import build_report
    from hubel.reports.facts import ReportFacts

    store, structure = None, None
    if (run.folder / "classifier").is_dir():
        document, _ = read_artifact(run.folder / "classifier")
        structure = _structure(document, run.code)
        if source is not None:
            store = pixel_store(source, Preprocess.from_json(document.preprocess))
    facts = ReportFacts.read(run.folder, layers=structure.layers if structure else ())
    if structure is not None:
        facts = replace(facts, drawing=structure.drawing, advice=structure.advice)
    manifest = Manifest.read(run.folder / "manifest.parquet")
    with quiet_decoders():
        page = build_report(facts, thumbnails(source, manifest, store))
    write_bytes(run.report, page.encode())


def rewrite_report(run: Run) -> None:
    """Make the report of an earlier run again."""
    try:
        source = open_source(run.facts["data"]["source"])
    except DataError:
        source = None
    write_report(run, source)


def thumbnails(
    source: Source | None, manifest: Manifest, store: PixelStore | None
) -> Callable[[str], bytes | None]:
    """A function from a picture's shown name to a small JPEG of it, None when it is gone.

    Args:
        source: of the pictures; read where the cache has no pixels of one.
        manifest: of the run.
        store: pixels that are decoded already.
    """
    rows = {file: row for row, file in enumerate(manifest.table["file"].to_pylist())}
    kept, missing = store.find(manifest.digests) if store is not None else (None, ())
    absent = {int(row) for row in missing}
    way = store.preprocess if store is not None else Preprocess(height=1, width=1)

    def thumbnail(file: str) -> bytes | None:
        row = rows.get(file)
        if row is None:
            return None
        if kept is not None and row not in absent and manifest.accepted[row]:
            sample = way.sample(kept.take(np.array([row]))[0])
            return _small(for_the_eye(sample), _size(manifest, row, sample))
        try:
            return (
                None if source is None else decoded_jpeg(source.read(manifest.path(row)), way.kind)
            )
        except PictureError:
            return None

    return thumbnail


def _structure(document: ClassifierFile, code: str | None) -> Structure | None:
    from hubel.models.architecture import Architecture

    architecture = Architecture.from_json(document.architecture)
    if code is not None:
        architecture = architecture.with_code(code)
    elif architecture.sha256 is not None:
        return None  # made by the user's own code, which was not given: nothing runs by itself
    return structure_of(architecture)


def _size(manifest: Manifest, row: int, sample: Decoded) -> tuple[int, int]:
    if sample.kind == "signal":
        return _DRAWING
    width, height = (manifest.table[name][row].as_py() for name in ("width", "height"))
    return width, height


def decoded_jpeg(content: bytes, kind: Kind | None = None) -> bytes:
    """A sample as a JPEG of at most 96 px.

    Raises:
        PictureError: it can't be decoded.
    """
    sample = decode(content, kind=kind)
    size = _DRAWING if sample.kind == "signal" else (sample.width, sample.height)
    return _small(for_the_eye(sample), size)


def _small(pixels: NDArray[np.uint8], size: tuple[int, int]) -> bytes:
    """A JPEG of at most 96 px, with the ratio that the picture had before it was squashed."""
    grey = pixels.ndim == 3 and pixels.shape[-1] == 1
    image = Image.fromarray(np.ascontiguousarray(pixels.squeeze(-1) if grey else pixels))
    scale = min(_SIDE, max(image.size)) / max(size)
    across, down = (max(1, round(side * scale)) for side in size)
    stream = io.BytesIO()
    image.resize((across, down)).save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
