"""From a source to a checked manifest with splits, and to the pixels of its samples."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubel.caches import cache_folder
from hubel.data.audit.alike import Alike, told, with_clusters
from hubel.data.audit.columns import audit_columns
from hubel.data.audit.screen import brief, screen
from hubel.data.audit.thumbnails import make_room, thumbnail_store
from hubel.data.decode import decode, read_header
from hubel.data.manifest import SCHEMA, Manifest
from hubel.data.pixels import Pixels, PixelStore
from hubel.data.preprocess import Preprocess, Shape
from hubel.data.scan import Progress, Records, ScanCache, scan
from hubel.data.sources import Listing, Source
from hubel.data.split import (
    Samples,
    SplitRule,
    assign,
    contradictions,
    expect_apart,
    expect_classes,
    expect_no_link_between_splits,
    leaks,
    settle_given,
)
from hubel.data.warned import quiet_decoders
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

    `notes` are sentences that the user should read; `flaws` is what stood out in the files, as
    JSON types, where near-duplicates were looked for.
    """

    source: Source
    kind: str
    manifest: Manifest
    notes: tuple[str, ...]
    flaws: tuple[dict[str, Any], ...] = ()


def survey(
    source: Source,
    wish: Wish,
    workers: int,
    progress: Progress,
    on_listed: Callable[[int], None] = lambda _: None,
) -> tuple[Listing, Records]:
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
    listing = source.list(lambda count: (on_listed(count), progress(0))[1])
    on_listed(len(listing.entries))
    cache = ScanCache(cache_folder() / "scans" / f"{source.key}.parquet")
    guess = choose_preprocess(_headers(source, listing, cache), wish)
    store = pixel_store(source, guess) if guess else None
    writer = make_room(store, thumbnail_store(source)) if store else None
    records = scan(source, listing, cache, writer=writer, workers=workers, progress=progress)
    return listing, records


def open_dataset(
    source: Source,
    found: tuple[Listing, Records],
    seed: int,
    rule: SplitRule | None = None,
    alike: Alike | None = None,
) -> Dataset:
    """Check what a survey found, and split it.

    Args:
        source: of the samples.
        found: as `survey` gives it.
        seed: of the splits that are drawn.
        rule: what to hold out, and how.
        alike: near-duplicates among them, as `find_alike` gives it: they are kept together where
            a split is drawn. None were looked for where it is None.

    Raises:
        DataError: fewer than two classes, a class too small to split, classes that a split lacks,
            or splits that hold the same.
        RecipeError: a setting of the user's would have no effect.
    """
    listing, records = found
    rule = rule or SplitRule()
    given, given_notes = settle_given([entry.split for entry in listing.entries])
    expect_no_link_between_splits(listing, source.name)
    problems: list[str | None] = records.column("problem").to_pylist()
    samples, usable = _usable(listing, records, given, problems)
    for place, other in contradictions(samples).items():
        problems[usable[place]] = f"the same picture is also in class {other!r}"
    leaked = leaks(samples)
    for place, (what, split) in leaked.items():
        problems[usable[place]] = f"the same {what} is also in the {split} split"
    expect_apart(samples, leaked, source.name)
    samples, usable = _usable(listing, records, given, problems)
    samples = samples if alike is None else _clustered(samples, alike, usable)
    _check_classes(samples, listing, problems, source.name)
    drawn, notes = assign(samples, seed, rule)
    # A broken picture of a given split keeps it: the evaluation owes it a row with its error.
    splits = list(given)
    for place, split in zip(usable, drawn, strict=True):
        splits[place] = split
    expect_classes(samples, drawn, rule.missing, source.name)
    lost = {entry.label for entry in listing.entries if entry.label} - set(samples.labels)
    if lost:
        names = ", ".join(map(repr, sorted(lost)))
        notes = [*notes, f"no picture can be used of: {names}; no such class is learned"]
    table = _table(listing, records, problems, splits)
    if alike is not None:
        table = with_clusters(table, alike)
        notes = [*notes, *told(alike, splits, given)]
    blank = sorted(set(drawn) - {split for split in samples.splits if split != "train"})
    manifest = Manifest(table).with_drawn(rule.to_json(), seed, blank)
    flaws = _flaws(found, splits, alike)
    return Dataset(source, listing.kind, manifest, (*listing.notes, *given_notes, *notes), flaws)


def _clustered(samples: Samples, alike: Alike, usable: list[int]) -> Samples:
    numbers = alike.cluster[usable].tolist()
    return replace(samples, clusters=[n if n >= 0 else None for n in numbers])


def _flaws(
    found: tuple[Listing, Records], splits: list[str | None], alike: Alike | None
) -> tuple[dict[str, Any], ...]:
    if alike is None:
        return ()
    table = audit_columns(*found, splits)
    return tuple(brief(screen(table, alike), table["file"].to_pylist()))


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


def _headers(source: Source, listing: Listing, cache: ScanCache) -> list[tuple[int, int, str]]:
    """Width, height and mode of pictures spread over the listing; known ones aren't read."""
    places = [place for place, entry in enumerate(listing.entries) if entry.problem is None]
    entries = [listing.entries[place] for place in places[:: max(1, len(places) // _HEADERS)]]
    seen: list[tuple[int, int, str]] = []
    with quiet_decoders():
        for entry, record in zip(entries, cache.find(entries), strict=True):
            try:
                if record is None:
                    seen.append(read_header(source.read(entry.path)))
                elif record.width and record.height and record.mode:
                    seen.append((record.width, record.height, record.mode))
            except PictureError:
                continue
    return seen


def _usable(
    listing: Listing, records: Records, given: list[str | None], problems: list[str | None]
) -> tuple[Samples, list[int]]:
    """What splitting looks at, of the files without a problem, and their places."""
    usable = [place for place, problem in enumerate(problems) if problem is None]
    entries = [listing.entries[place] for place in usable]
    digests = records.column("digest").take(pa.array(usable, pa.int64())).to_pylist()
    several = any(entry.labels is not None for entry in entries)
    timed = any(entry.time is not None for entry in entries)
    samples = Samples(
        [entry.label or ", ".join(entry.labels or ()) for entry in entries],
        [digest or b"" for digest in digests],
        [entry.group for entry in entries],
        [given[place] for place in usable],
        [entry.time for entry in entries] if timed else None,
        [entry.labels or () for entry in entries] if several else None,
    )
    return samples, usable


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


def _table(
    listing: Listing, records: Records, problems: list[str | None], splits: list[str | None]
) -> Any:
    count = len(records)
    of_entries = {
        name: [getattr(entry, name) for entry in listing.entries]
        for name in ("label", "labels", "group", "time")
    }
    paths = records.column("path")
    columns: dict[str, Any] = {
        "file": pa.chunked_array([pa.array(map(_shown, part.to_pylist()), pa.string())
                                  for part in paths.chunks], pa.string()),
        "cluster": pa.nulls(count, pa.int64()),
        "bytes": records.column("size"),
        "split": splits,
        "problem": problems,
    } | of_entries  # fmt: skip
    for field in SCHEMA:
        if field.name not in columns:
            columns[field.name] = records.column(field.name)
        elif isinstance(columns[field.name], list):
            columns[field.name] = pa.array(columns[field.name], field.type)
    return pa.table(columns).select(SCHEMA.names).cast(SCHEMA)


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
