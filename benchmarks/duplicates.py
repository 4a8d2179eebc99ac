"""Near-duplicates: how many copies are found, how many pairs are false, and how long it takes.

python benchmarks/duplicates.py --trashnet FOLDER --cifar FOLDER    (class folders of JPEGs)

Copies are re-encoded (quality 30 to 90), resized (0.5 to 1.5 times), cropped to 95% of each side
at a place drawn by chance, or brightened (1.1 to 1.3 times). The rival is imagehash's phash with
every pair compared (`pip install imagehash`), at the usual distances of its 64 bits.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from record import write

from hubel.data.audit.duplicates import near_duplicates
from hubel.data.audit.measures import measure, shrink, thumbnail
from hubel.data.decode import decode
from hubel.data.pixels import Pixels

KINDS = ("reencoded", "resized", "cropped", "brightened")
DISTANCES = (4, 8, 10)
# Pairs of TrashNet's own that show the same scene at nearly the same moment: each was looked at.
# glass127 with glass339, and glass24 with glass74, were found too, and show other bottles, or may.
SAME_SCENE = (
    "cardboard15 cardboard361, metal11 metal221, metal120 metal50, metal141 metal390, "
    "metal394 metal76, metal122 metal57, paper101 paper108, paper123 paper547, paper135 paper496, "
    "paper136 paper148, paper147 paper99, paper152 paper392, paper176 paper549, paper180 paper284, "
    "paper185 paper390, paper2 paper40, paper246 paper349, paper265 paper408, paper305 paper308, "
    "paper314 paper53, paper345 paper451, paper39 paper467, paper457 paper553, paper459 paper466, "
    "paper474 paper89, paper522 paper534, paper540 paper56, paper68 paper74, "
    "plastic118 plastic137, glass115 metal91, glass176 plastic152, glass389 plastic332"
)
Pairs = set[tuple[int, int]]


def altered(content: bytes, kind: str, draws: np.random.Generator) -> bytes:
    """A copy of a JPEG as it comes back from elsewhere."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    width, height = image.size
    quality = 85
    if kind == "reencoded":
        quality = int(draws.integers(30, 91))
    elif kind == "resized":
        scale = draws.uniform(0.5, 1.5)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = image.resize(size, Image.Resampling.BICUBIC)
    elif kind == "cropped":
        across, down = round(0.95 * width), round(0.95 * height)
        left = int(draws.integers(0, width - across + 1))
        top = int(draws.integers(0, height - down + 1))
        image = image.crop((left, top, left + across, top + down))
    else:
        image = ImageEnhance.Brightness(image).enhance(draws.uniform(1.1, 1.3))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def with_copies(files: list[Path], count: int) -> tuple[list[bytes], list[int]]:
    """All files, then copies of some; and of each copy the place of its original."""
    contents = [path.read_bytes() for path in files]
    chosen = np.random.default_rng(0).permutation(len(files))[:count].tolist()
    copies = [
        altered(contents[place], KINDS[number % len(KINDS)], np.random.default_rng(place))
        for number, place in enumerate(chosen)
    ]
    return [*contents, *copies], chosen


def described(contents: list[bytes]) -> tuple[Pixels, NDArray[np.int64]]:
    """Thumbnails and shorter sides, as a scan keeps them."""
    small, sides = [], []
    for content in contents:
        pixels = decode(content).pixels
        small.append(thumbnail(shrink(pixels)))
        sides.append(min(pixels.shape[:2]))
    places = np.stack([np.zeros(len(small), np.int64), np.arange(len(small))], 1)
    return Pixels((np.array(small)[..., None],), places), np.array(sides, np.int64)


def judged(pairs: Pairs, count: int, chosen: list[int], same: Pairs) -> dict[str, Any]:
    """Recall of each kind of copy, and pairs that are none."""
    origin = [*range(count), *chosen]
    hits = {kind: [] for kind in KINDS}
    for number, place in enumerate(chosen):
        hits[KINDS[number % len(KINDS)]].append((place, count + number) in pairs)
    scenes = {(origin[one], origin[other]) for one, other in pairs}
    false = [
        (one, other)
        for one, other in scenes
        if one != other and not {(one, other), (other, one)} & same
    ]
    return {
        "recall": round(float(np.mean([hit for kind in hits.values() for hit in kind])), 4),
        "by kind": {kind: round(float(np.mean(found)), 4) for kind, found in hits.items()},
        "false pairs": len({tuple(sorted(pair)) for pair in false}),
    }


def phash_pairs(contents: list[bytes]) -> Iterator[tuple[int, float, Pairs]]:
    """The rival: pairs within each distance, and seconds of hashing and of comparing."""
    import imagehash

    start = time.perf_counter()
    bits = [imagehash.phash(Image.open(io.BytesIO(c))).hash.ravel() for c in contents]
    words = np.packbits(np.array(bits), axis=1).view(np.uint64).ravel()
    hashing = time.perf_counter() - start
    for distance in DISTANCES:
        start = time.perf_counter()
        found: Pairs = set()
        for row in range(len(words)):
            near = np.bitwise_count(words[row + 1 :] ^ words[row]) <= distance
            found |= {(row, row + 1 + int(place)) for place in np.flatnonzero(near)}
        yield distance, hashing + time.perf_counter() - start, found


def scan_cost(contents: list[bytes]) -> dict[str, float]:
    """Milliseconds a photograph: decoding, bringing to size, and measures with a thumbnail."""
    from hubel.data.preprocess import Preprocess

    way = Preprocess(height=96, width=128)
    pictures = [decode(content).pixels for content in contents]

    def best(work: Any, given: list[Any]) -> float:
        times = []
        for _ in range(5):
            start = time.process_time()
            for one in given:
                work(one)
            times.append(time.process_time() - start)
        return round(1e3 * min(times) / len(given), 3)

    def look(pixels: NDArray[np.uint8]) -> None:
        small = shrink(pixels)
        thumbnail(small)
        measure(pixels, small)

    return {
        "decode": best(decode, contents),
        "to size": best(way.pixels, pictures),
        "measures and thumbnail": best(look, pictures),
    }


def trashnet(root: Path) -> dict[str, Any]:
    """2,527 photographs and 300 copies, both sides."""
    files = sorted(root.rglob("*.jpg"))
    contents, chosen = with_copies(files, 300)
    place = {path.stem: number for number, path in enumerate(files)}
    same = {tuple(sorted(place[name] for name in pair.split())) for pair in SAME_SCENE.split(", ")}
    start = time.perf_counter()
    thumbnails, sides = described(contents)
    describing = time.perf_counter() - start
    start = time.perf_counter()
    pairs = near_duplicates(thumbnails, sides, workers=2)
    seconds = time.perf_counter() - start
    found = {tuple(pair) for pair in pairs.places.tolist()}
    sides_ = {"hubel": judged(found, len(files), chosen, same) | {
        "seconds": round(describing + seconds, 2), "finding alone": round(seconds, 2)}}  # fmt: skip
    for distance, taken, near in phash_pairs(contents):
        name = f"imagehash phash, distance {distance}"
        sides_[name] = judged(near, len(files), chosen, same) | {"seconds": round(taken, 2)}
    own = sum(pair in found for pair in same)
    return {"pictures": len(files), "copies": len(chosen), "same scenes": len(same),
            "same scenes found": own, "sides": sides_,
            "scan milliseconds": scan_cost(contents[:200])}  # fmt: skip


def cifar(root: Path, copies: int) -> dict[str, Any]:
    """60,000 small pictures and 40,000 copies: how long finding takes."""
    files = sorted(root.rglob("*.jpg"))
    contents, chosen = with_copies(files, copies)
    thumbnails, sides = described(contents)
    start = time.perf_counter()
    pairs = near_duplicates(thumbnails, sides, workers=2)
    seconds = time.perf_counter() - start
    found = {tuple(pair) for pair in pairs.places.tolist()}
    facts = judged(found, len(files), chosen, set())
    facts.pop("false pairs")  # CIFAR-10 has many near-duplicates of its own
    own = sum(other < len(files) for _, other in found)
    return facts | {"pictures": len(contents), "seconds": round(seconds, 1), "own pairs": own}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trashnet", type=Path, required=True)
    parser.add_argument("--cifar", type=Path)
    parser.add_argument("--copies", type=int, default=40_000)
    given = parser.parse_args()
    measured: dict[str, Any] = {"near-duplicates": trashnet(given.trashnet)}
    if given.cifar:
        measured["many"] = cifar(given.cifar, given.copies)
    write("near-duplicates", "python benchmarks/duplicates.py --trashnet FOLDER --cifar FOLDER",
          measured)  # fmt: skip


if __name__ == "__main__":
    main()
