"""The near-duplicates of a scanned source, and their clusters; remembered by content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubel.caches import remembered
from hubel.data.audit.duplicates import SAME, Pairs, Progress, cluster, near_duplicates
from hubel.data.audit.thumbnails import find_thumbnails
from hubel.data.form import Form
from hubel.data.sources import Listing, Source

if TYPE_CHECKING:
    from hubel.data.scan import Records

__all__ = ["MOST", "SMALLEST", "Alike", "find_alike"]

MOST = 1_000_000
"""Different pictures up to which near-duplicates are looked for: some ten minutes on two cores."""

SMALLEST = 32
"""Pixels on the shorter side from which on a copy can be told from mere likeness: of the shirts of
Fashion-MNIST (28 px) nearly all would be copies of each other."""
_VERSION = 2  # raised when any answer would come out differently

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Alike:
    """What is the same, or nearly, among the files of a source. Places are those in its listing.

    Attributes:
        pairs: of near-duplicates whose files differ; of equal files the first stands for all.
        first: int64, (n,): the first place of an equal file; its own where a file has a problem.
        cluster: int64, (n,): the lowest place of the cluster, equal files in it; -1 for none.
        skipped: pictures that were compared with none, since they could not be read again, are
            smaller than `SMALLEST`, or since there are more than `MOST`.
    """

    pairs: Pairs
    first: Places
    cluster: Places
    skipped: int = 0

    @property
    def note(self) -> str:
        """What was not compared, and why."""
        why = f"under {SMALLEST} px, too many, or gone"
        return f"near-duplicates: {self.skipped:,} pictures not compared ({why})"

    def numbers(self, places: Sequence[int]) -> list[int | None]:
        """The clusters of some files; None for one that is like no other."""
        return [n if n >= 0 else None for n in self.cluster[places].tolist()]


def find_alike(
    source: Source,
    found: tuple[Listing, Records],
    workers: int = 1,
    progress: Progress = lambda _: None,
) -> Alike:
    """Find equal and nearly equal pictures.

    Args:
        source: of the pictures.
        found: as `survey` gives it.
        workers: threads; they change no result.
        progress: called with the number of pictures whose candidates were found.
    """
    listing, records = found
    read = records.column("problem").is_null().to_numpy()
    usable = np.flatnonzero(read & records.column("digest").is_valid().to_numpy())
    kept = records.table.take(pa.array(usable)).select(["digest", "width", "height", "mode"])
    joined = b"".join(kept["digest"].to_pylist())
    digests = np.frombuffer(joined, np.uint8).reshape(-1, 32)
    sides = np.minimum(kept["width"].to_numpy(), kept["height"].to_numpy()).astype(np.int64)
    count = len(listing.entries)
    if len(usable) == 0:
        return Alike(_none(), np.arange(count), np.full(count, -1, np.int64))
    equal, heads = _equal(digests)
    modes: list[str] = kept["mode"].to_pylist()
    pictures = {mode for mode in set(modes) if Form.of_mode(mode).kind == "picture"}
    first = np.arange(count, dtype=np.int64)
    first[usable] = usable[equal]
    # Signals and volumes have no thumbnails: of them only equal files are found.
    heads = heads[[modes[head] in pictures for head in heads.tolist()]]
    large = heads[sides[heads] >= SMALLEST]
    pairs, skipped = _none(), len(heads)
    if len(large) <= MOST:
        small, heads = len(heads) - len(large), large
        paths = [listing.entries[place].path for place in usable[heads]]
        files = _Files(source, paths, digests[heads], sides[heads])
        pairs, gone = _pairs(files, workers, progress)
        skipped = small + gone
        pairs = replace(pairs, places=usable[heads[pairs.places]])
    return Alike(pairs, first, _clusters(first, pairs), skipped)


def _clusters(first: Places, pairs: Pairs) -> Places:
    count = len(first)
    found = cluster(count, pairs)[first]
    several = np.bincount(first, minlength=count)[first] > 1
    return np.where((found < 0) & several, first, found)


def _equal(digests: NDArray[np.uint8]) -> tuple[Places, Places]:
    """For each picture the first of equal content, and all that are the first."""
    content = np.ascontiguousarray(digests).view("V32").ravel()
    _, heads, codes = np.unique(content, return_index=True, return_inverse=True)
    return heads[codes].astype(np.int64), np.sort(heads).astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Files:
    """Different files of a source: paths, digests (n, 32), and the shorter side of each picture."""

    source: Source
    paths: list[str]
    digests: NDArray[np.uint8]
    sides: Places


def _pairs(files: _Files, workers: int, progress: Progress) -> tuple[Pairs, int]:
    """Remembered by content, whatever the order."""
    digests = files.digests
    order = np.lexsort(digests.T[::-1])
    content = hashlib.sha256(np.ascontiguousarray(digests[order]).tobytes()).hexdigest()
    key = {"content": content, "score": SAME, "version": _VERSION}

    def find() -> dict[str, Any]:
        names = [files.paths[place] for place in order]
        thumbnails, gone = find_thumbnails(files.source, names, digests[order], workers)
        there = np.setdiff1d(np.arange(len(order)), gone)
        sides = files.sides[order][there]
        found = near_duplicates(thumbnails.select(there), sides, workers, progress)
        scores = [round(float(score), 4) for score in found.scores]
        places = there[found.places].tolist()
        return {
            "places": places, "scores": scores, "skipped": len(gone), "unseen": found.unseen,
        }  # fmt: skip

    answer = remembered("duplicates", key, find)
    places = np.array(answer["places"], np.int64).reshape(-1, 2)
    here = np.sort(order[places], axis=1)
    sorted_ = np.lexsort((here[:, 1], here[:, 0]))
    scores = np.array(answer["scores"], np.float32)
    pairs = Pairs(here[sorted_], scores[sorted_], int(answer["unseen"]))
    return pairs, int(answer["skipped"])


def _none() -> Pairs:
    return Pairs(np.empty((0, 2), np.int64), np.empty(0, np.float32))


def with_clusters(table: Any, alike: Alike) -> Any:
    """A manifest's table with its column `cluster`, null for a file that is like no other."""
    numbers = pa.array(alike.cluster, pa.int64(), mask=alike.cluster < 0)
    place = table.schema.get_field_index("cluster")
    return table.set_column(place, "cluster", numbers)


def told(alike: Alike, splits: Sequence[str | None], given: Sequence[str | None]) -> list[str]:
    """What a user should know of near-duplicates: how many are kept together, how many leak."""
    notes: list[str] = []
    one, other = alike.pairs.places.T
    drawn = np.array(splits, object)
    across = (drawn[one] != drawn[other]) & (drawn[one] != None) & (drawn[other] != None)  # noqa: E711
    kept = len(np.unique(alike.pairs.places[~across]))
    if kept:
        notes.append(f"{kept:,} pictures are near-duplicates of others; they stay in one split")
    if across.any():
        leaking = len(np.unique(alike.pairs.places[across]))
        notes.append(
            f"{leaking:,} pictures are near-duplicates of pictures in another split: figures on "
            "test and validation may be too good (`hubel data` shows them)"
        )
    if alike.skipped:
        notes.append(alike.note)
    return notes
