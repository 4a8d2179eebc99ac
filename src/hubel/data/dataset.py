"""From a source to a checked manifest with splits, and to the pixels of its samples."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.caches import cache_folder
from hubel.data.audit.alike import Alike, told, with_clusters
from hubel.data.audit.screen import flaws
from hubel.data.audit.thumbnails import make_room, thumbnail_store
from hubel.data.buckets import buckets_of
from hubel.data.choosing import choose_preprocess
from hubel.data.decode import decode
from hubel.data.folders import Entry
from hubel.data.form import Kind, Seen
from hubel.data.headers import header_of
from hubel.data.kinds import are_stacks, as_stack, common, seen_in, settle_kind
from hubel.data.live import LiveSegment
from hubel.data.manifest import Manifest
from hubel.data.pixels import Pixels, PixelStore
from hubel.data.preprocess import Preprocess
from hubel.data.rows import manifest_table, usable_samples
from hubel.data.scan import Progress, Records, ScanCache, scan
from hubel.data.shape_costs import true_sizes
from hubel.data.shelves import CacheFullError, CacheNote, shelves_folder
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
from hubel.data.wish import Wish
from hubel.errors import DataError, PictureError

__all__ = [
    "Dataset",
    "Wish",
    "choose_preprocess",
    "load_pixels",
    "open_dataset",
    "pixel_store",
    "preprocess_for",
    "survey",
]

_HEADERS = 64


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
    listing = replace(listing, reading=wish.kind)
    on_listed(len(listing.entries))
    cache = ScanCache(_scans(source, wish.kind))
    seen = _headers(source, listing, cache)
    if wish.kind is None and are_stacks(seen):
        listing, seen = replace(listing, reading="volume"), [as_stack(one) for one in seen]
        cache = ScanCache(_scans(source, "volume"))
    # Which buckets there are is known when all are scanned; all else takes pictures of one size.
    guess = choose_preprocess(common(seen, wish.kind), _of_one_size(wish))
    writer = make_room(pixel_store(source, guess), thumbnail_store(source)) if guess else None
    records = scan(source, listing, cache, writer=writer, workers=workers, progress=progress)
    return listing, records


def _scans(source: Source, reading: Kind | None) -> Path:
    name = source.key if reading is None else f"{source.key}-{reading}"
    return cache_folder() / "scans" / f"{name}.parquet"


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
    problems, kind_notes = settle_kind(records, listing.reading)
    samples, usable = usable_samples(listing, records, given, problems)
    for place, other in contradictions(samples).items():
        problems[usable[place]] = f"the same picture is also in class {other!r}"
    leaked = leaks(samples)
    for place, (what, split) in leaked.items():
        problems[usable[place]] = f"the same {what} is also in the {split} split"
    expect_apart(samples, leaked, source.name)
    samples, usable = usable_samples(listing, records, given, problems)
    samples = samples if alike is None else replace(samples, clusters=alike.numbers(usable))
    _check_classes(samples, listing, problems, source.name)
    drawn, notes = assign(samples, seed, rule)
    # A broken picture of a given split keeps it: the evaluation owes it a row with its error.
    splits = list(given)
    for place, split in zip(usable, drawn, strict=True):
        splits[place] = split
    expect_classes(samples, drawn, rule.missing, source.name)
    lost = {name for entry in listing.entries for name in _names(entry)} - _classes(samples)
    if lost:
        names = ", ".join(map(repr, sorted(lost)))
        notes = [*notes, f"no picture can be used of: {names}; no such class is learned"]
    table = manifest_table(listing, records, problems, splits)
    if alike is not None:
        table = with_clusters(table, alike)
        notes = [*notes, *told(alike, splits, given)]
    blank = sorted(set(drawn) - {split for split in samples.splits if split != "train"})
    manifest = Manifest(table).with_drawn(rule.to_json(), seed, blank)
    said = (*listing.notes, *kind_notes, *given_notes, *notes)
    return Dataset(source, listing.kind, manifest, said, flaws(found, splits, alike))


def preprocess_for(dataset: Dataset, wish: Wish) -> Preprocess:
    """The way to network input, decided from all accepted samples."""
    table = dataset.manifest.table.filter(dataset.manifest.accepted)
    names = ("width", "height", "mode", "frames", "format")
    columns = (table[name].to_pylist() for name in names)
    preprocess = choose_preprocess(list(zip(*columns, strict=True)), wish)
    if preprocess is None:
        raise DataError(f"{dataset.source.name}: no picture can be used")
    return preprocess


def _of_one_size(wish: Wish) -> Wish:
    return replace(wish, shape="squash") if wish.shape == "bucket" else wish


def pixel_store(source: Source, preprocess: Preprocess) -> PixelStore:
    """Where the pixels of a source are cached."""
    root = shelves_folder()
    return PixelStore(root / source.key, preprocess, source.name, root)


def load_pixels(
    dataset: Dataset,
    rows: NDArray[np.int64],
    preprocess: Preprocess,
    progress: Progress,
    workers: int = 1,
) -> Pixels:
    """The pixels of some rows of the manifest, from the cache, or decoded now by some threads.

    Each bucket has a store of its own.

    Raises:
        DataError: a file was changed or taken away since the scan.
        StorageError: the disk has no room. Where only the cache's limit is in the way, the pixels
            are decoded anew each time they are asked for, and a `CacheNote` says so.
    """
    if not preprocess.buckets:
        return _load(dataset, rows, preprocess, progress, workers)
    own = buckets_of(preprocess.buckets, true_sizes(dataset.manifest, rows))
    parts: list[tuple[NDArray[np.int64], Pixels]] = []
    for number, way in enumerate(preprocess.parts):
        here = np.flatnonzero(own == number)
        if len(here):
            parts.append((here, _load(dataset, rows[here], way, progress, workers)))
    return Pixels.joined(parts)


def _load(
    dataset: Dataset,
    rows: NDArray[np.int64],
    preprocess: Preprocess,
    progress: Progress,
    workers: int,
) -> Pixels:
    """As `load_pixels`, of one size."""
    store = pixel_store(dataset.source, preprocess)
    digests = dataset.manifest.digests[rows]
    pixels, missing = store.find(digests)
    if len(missing) == 0:
        return pixels
    _, first = np.unique(digests[missing], axis=0, return_index=True)
    missing = missing[np.sort(first)]
    try:
        writer = store.writer(len(missing))
    except CacheFullError as error:
        warnings.warn(
            f"every epoch decodes anew, which is slower: {error}", CacheNote, stacklevel=2
        )
        return _live(dataset, rows, preprocess, workers)

    def decode_one(place: int) -> None:
        index = missing[place]
        content = _read_unchanged(dataset, int(rows[index]))
        sample = decode(content, kind=preprocess.kind, enough=preprocess.enough)
        writer.write(place, sample, digests[index].tobytes())

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


def _live(
    dataset: Dataset, rows: NDArray[np.int64], preprocess: Preprocess, workers: int
) -> Pixels:
    """The same pixels, decoded whenever they are asked for."""
    segment: Any = LiveSegment(
        lambda place: _read_unchanged(dataset, int(rows[place])), len(rows), preprocess, workers
    )
    places = np.stack([np.zeros(len(rows), np.int64), np.arange(len(rows))], axis=1)
    return Pixels((segment,), places)


def _read_unchanged(dataset: Dataset, row: int) -> bytes:
    path = dataset.manifest.path(row)
    try:
        content = dataset.source.read(path)
    except PictureError as error:
        raise DataError(f"{path} was there when the data were scanned; now: {error}") from error
    if hashlib.sha256(content).digest() != dataset.manifest.digests[row].tobytes():
        raise DataError(f"{path} has changed since the data were scanned; start a new run")
    return content


def _headers(source: Source, listing: Listing, cache: ScanCache) -> list[Seen]:
    """What the headers of samples say, spread over the listing; known ones aren't read."""
    places = [place for place, entry in enumerate(listing.entries) if entry.problem is None]
    entries = [listing.entries[place] for place in places[:: max(1, len(places) // _HEADERS)]]
    seen: list[Seen] = []
    with quiet_decoders():
        for entry, record in zip(entries, cache.find(entries), strict=True):
            try:
                if record is None:
                    seen.append(header_of(source.read(entry.path), listing.reading))
                elif record.width and record.height and record.mode:
                    seen.append(seen_in(record))
            except PictureError:
                continue
    return seen


def _classes(samples: Samples) -> set[str]:
    """All labels that are used."""
    several = samples.several
    return set(samples.labels if several is None else chain.from_iterable(several))


def _names(entry: Entry) -> tuple[str, ...]:
    return entry.labels or ((entry.label,) if entry.label else ())


def _check_classes(
    samples: Samples, listing: Listing, problems: list[str | None], name: str
) -> None:
    classes = sorted(_classes(samples))
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
