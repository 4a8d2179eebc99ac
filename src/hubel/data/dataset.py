"""From a source to a checked manifest with splits, and to the pixels of its samples."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubel.caches import cache_folder
from hubel.data.audit.alike import Alike, told, with_clusters
from hubel.data.audit.thumbnails import make_room, thumbnail_store
from hubel.data.decode import decode, quiet_decoders, read_header
from hubel.data.manifest import SCHEMA, Manifest
from hubel.data.pixels import Pixels, PixelStore
from hubel.data.preprocess import Preprocess, Shape
from hubel.data.scan import Progress, Record, ScanCache, scan, unchanged
from hubel.data.sources import Listing, Source
from hubel.data.split import Samples, Shares, assign, contradictions, leaks, settle_given
from hubel.errors import DataError, PictureError

__all__ = [
    "Dataset",
    "Wish",
    "choose_preprocess",
    "load_pixels",
    "open_dataset",
    "pixel_store",
    "survey",
]

_HEADERS = 64
_LARGEST_SIDE = 128
_SAME_RATIO, _MOST = 0.05, 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What the user asked of the pixels; None leaves it to a rule."""

    size: tuple[int, int] | None = None
    channels: str | None = None
    shape: Shape = "squash"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A source whose samples are known, checked, and split.

    `notes` are sentences that the user should read.
    """

    source: Source
    kind: str
    manifest: Manifest
    notes: tuple[str, ...]


def survey(
    source: Source,
    wish: Wish,
    workers: int,
    progress: Progress,
    on_listed: Callable[[int], None] = lambda _: None,
) -> tuple[Listing, list[Record]]:
    """List and scan a source; pixels of new files are kept at the size that they will likely have.

    Args:
        source: of the samples.
        wish: about the pixels.
        workers: threads.
        progress: told how many files are done.
        on_listed: told how many there are.

    Returns:
        The listing, and one record for each of its entries.
    """
    listing = source.list()
    on_listed(len(listing.entries))
    cache = ScanCache(cache_folder() / "scans" / f"{source.key}.parquet")
    known = cache.load()
    guess = choose_preprocess(_headers(source, listing, known), wish)
    store = pixel_store(source, guess) if guess else None
    writer = make_room(store, thumbnail_store(source)) if store else None
    records = scan(source, listing, known, writer=writer, workers=workers, progress=progress)
    if records and any(known.get(record.path) is not record for record in records):
        cache.save(records)
    return listing, records


def open_dataset(
    source: Source,
    found: tuple[Listing, list[Record]],
    seed: int,
    shares: Shares | None = None,
    alike: Alike | None = None,
) -> Dataset:
    """Check what a survey found, and split it.

    Args:
        source: of the samples.
        found: as `survey` gives it.
        seed: of the splits that are drawn.
        shares: what to hold out.
        alike: near-duplicates among them, as `find_alike` gives it: they are kept together where
            a split is drawn. None were looked for where it is None.

    Raises:
        DataError: fewer than two classes, a class too small to split, or classes that the
            training split lacks.
    """
    listing, records = found
    given, given_notes = settle_given([entry.split for entry in listing.entries])
    problems = [record.problem for record in records]
    usable = [place for place, problem in enumerate(problems) if problem is None]
    samples = _samples(listing, records, given, usable)
    for place, other in contradictions(samples).items():
        problems[usable[place]] = f"the same picture is also in class {other!r}"
    for place, (what, split) in leaks(samples).items():
        problems[usable[place]] = f"the same {what} is also in the {split} split"
    usable = [place for place, problem in enumerate(problems) if problem is None]
    samples = _samples(listing, records, given, usable)
    if alike is not None:
        samples = samples.with_clusters(alike.cluster[usable])
    _check_classes(samples, listing, problems, source.name)
    drawn, notes = assign(samples, seed, shares or Shares())
    # A broken picture of a given split keeps it: the evaluation owes it a row with its error.
    splits = list(given)
    for place, split in zip(usable, drawn, strict=True):
        splits[place] = split
    _check_splits(samples.labels, drawn, source.name)
    lost = {entry.label for entry in listing.entries if entry.label} - set(samples.labels)
    if lost:
        names = ", ".join(map(repr, sorted(lost)))
        notes = [*notes, f"no picture can be used of: {names}; no such class is learned"]
    table = _table(listing, records, problems, splits)
    if alike is not None:
        table = with_clusters(table, alike)
        notes = [*notes, *told(alike, splits, given)]
    manifest = Manifest(table)
    return Dataset(source, listing.kind, manifest, (*listing.notes, *given_notes, *notes))


def choose_preprocess(seen: list[tuple[int, int, str]], wish: Wish) -> Preprocess | None:
    """The way to network input, by rule where the user has no wish.

    The longer side is the median one, at most 128 px. The input has the ratio that nine in ten
    pictures share, where there is such a one, and is a square otherwise. It is grey where every
    picture is grey.

    Args:
        seen: width, height and mode of some pictures, or of all.
        wish: what the user asked for.

    Returns:
        None when nothing was seen.
    """
    if not seen:
        return None
    height, width = wish.size or _size(seen)
    grey = all(mode in ("1", "L", "LA") or mode.startswith(("I", "F")) for _, _, mode in seen)
    channels = wish.channels or ("grey" if grey else "rgb")
    assert channels in ("rgb", "grey")
    return Preprocess(height=height, width=width, channels=channels, shape=wish.shape)


def _size(seen: list[tuple[int, int, str]]) -> tuple[int, int]:
    widths, heights = (np.array([one[axis] for one in seen], np.float64) for axis in (0, 1))
    side = min(_LARGEST_SIDE, int(np.median(np.maximum(widths, heights))))
    ratio = float(np.median(widths / heights))
    if np.mean(np.abs(widths / heights / ratio - 1) < _SAME_RATIO) < _MOST:
        return side, side
    other = max(1, round(side * min(ratio, 1 / ratio)))
    return (other, side) if ratio > 1 else (side, other)


def pixel_store(source: Source, preprocess: Preprocess) -> PixelStore:
    """Where the pixels of a source are cached."""
    return PixelStore(cache_folder() / "pixels" / source.key, preprocess)


def load_pixels(
    dataset: Dataset,
    rows: NDArray[np.int64],
    preprocess: Preprocess,
    progress: Progress,
    workers: int = 1,
) -> Pixels:
    """The pixels of some rows of the manifest, from the cache, or decoded now by some threads.

    Raises:
        DataError: a file was changed or taken away since the scan.
        StorageError: the cache has no room.
    """
    store = pixel_store(dataset.source, preprocess)
    digests = dataset.manifest.digests[rows]
    pixels, missing = store.find(digests)
    if len(missing) == 0:
        return pixels
    _, first = np.unique(digests[missing], axis=0, return_index=True)
    missing = missing[np.sort(first)]
    writer = store.writer(len(missing))

    def decode_one(place: int) -> None:
        index = missing[place]
        content = _read_unchanged(dataset, int(rows[index]))
        writer.write(place, decode(content).pixels, digests[index].tobytes())

    try:
        with quiet_decoders(), ThreadPoolExecutor(max(1, workers)) as pool:
            for _ in pool.map(decode_one, range(len(missing))):
                progress(1)
        writer.commit()
    finally:
        writer.discard()
    pixels, missing = store.find(digests)
    assert len(missing) == 0
    return pixels


def _read_unchanged(dataset: Dataset, row: int) -> bytes:
    path = dataset.manifest.path(row)
    try:
        content = dataset.source.read(path)
    except PictureError as error:
        raise DataError(f"{path} was there when the data were scanned; now: {error}") from error
    if hashlib.sha256(content).digest() != dataset.manifest.digests[row].tobytes():
        raise DataError(f"{path} has changed since the data were scanned; start a new run")
    return content


def _headers(
    source: Source, listing: Listing, known: dict[bytes, Record]
) -> list[tuple[int, int, str]]:
    """Width, height and mode of pictures spread over the listing; known ones aren't read."""
    entries = [entry for entry in listing.entries if entry.problem is None]
    step = max(1, len(entries) // _HEADERS)
    seen: list[tuple[int, int, str]] = []
    with quiet_decoders():
        for entry in entries[::step]:
            record = unchanged(known, entry)
            try:
                if record is None:
                    seen.append(read_header(source.read(entry.path)))
                elif record.width and record.height and record.mode:
                    seen.append((record.width, record.height, record.mode))
            except PictureError:
                continue
    return seen


def _samples(
    listing: Listing, records: list[Record], given: list[str | None], usable: list[int]
) -> Samples:
    entries = [listing.entries[place] for place in usable]
    digests = [records[place].digest or b"" for place in usable]
    return Samples(
        [entry.label or "" for entry in entries],
        digests,
        [entry.group for entry in entries],
        [given[place] for place in usable],
    )


def _check_classes(
    samples: Samples, listing: Listing, problems: list[str | None], name: str
) -> None:
    classes = sorted(set(samples.labels))
    if len(classes) >= 2:
        return
    reasons = Counter(problem for problem in problems if problem is not None).most_common(3)
    why = "; ".join(f"{count} x {reason}" for reason, count in reasons)
    left = f" ({len(listing.entries)} files were seen; left out: {why})" if why else ""
    if not classes:
        raise DataError(
            f"{name}: no picture can be used; expected one folder a class with pictures in it{left}"
        )
    raise DataError(
        f"{name}: only one class, {classes[0]!r}; a classifier needs at least two, each in a "
        f"folder of its own{left}"
    )


def _check_splits(labels: list[str], splits: list[str], name: str) -> None:
    pairs = set(zip(splits, labels, strict=True))
    learned = {label for split, label in pairs if split == "train"}
    unknown = sorted({label for _, label in pairs} - learned)
    if unknown:
        raise DataError(
            f"{name}: {', '.join(map(repr, unknown))} has no training pictures; the classes of all "
            f"splits must be among those of train: {', '.join(map(repr, sorted(learned)))}"
        )


def _table(
    listing: Listing, records: list[Record], problems: list[str | None], splits: list[str | None]
) -> Any:
    columns = {
        "file": [_shown(record.path) for record in records],
        "path": [record.path for record in records],
        "label": [entry.label for entry in listing.entries],
        "labels": [entry.labels for entry in listing.entries],
        "split": splits,
        "group": [entry.group for entry in listing.entries],
        "time": [entry.time for entry in listing.entries],
        "cluster": [None] * len(records),
        "bytes": [record.size for record in records],
        "problem": problems,
    }
    for name in ("width", "height", "mode", "format", "frames", "digest", "error"):
        columns[name] = [getattr(record, name) for record in records]
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in SCHEMA})


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
