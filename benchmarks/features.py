"""Hand-designed features beside the libraries that have them: processor time a picture.

    python benchmarks/features.py [repeats]

One thread. Both sides in turn in one process, so that what other programs do to a shared machine
is done to both; processor time, medians.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from record import spread, write
from skimage import color, exposure, feature

from hubel.features.notation import parse

SIDE, BATCH, CALLS = 128, 256, 8
Picture = NDArray[Any]
Library = Callable[[Picture], Any]


def opencv_hog(picture: Picture) -> Any:
    """OpenCV's HOG, of 8 bits."""
    return DESCRIPTOR.compute(picture)


def joint(picture: Picture) -> Any:
    """NumPy's joint histogram of red, green and blue."""
    return np.histogramdd(picture.reshape(-1, 3), 8, [(0, 1)] * 3)


def hue(picture: Picture) -> Any:
    """scikit-image's hue, counted."""
    return exposure.histogram(color.rgb2hsv(picture)[..., 0], nbins=8)


def patterns(picture: Picture) -> Any:
    """scikit-image's patterns, counted."""
    return np.bincount(feature.local_binary_pattern(picture, 8, 1, "uniform").astype(np.int64).flat)


def eight_bits(picture: Picture) -> Picture:
    """The first channel as OpenCV takes it."""
    return (picture[..., 0] * 255).astype(np.uint8)


def grey(picture: Picture) -> Picture:
    """The first channel."""
    return np.ascontiguousarray(picture[..., 0])


def whole(picture: Picture) -> Picture:
    """All channels."""
    return picture


DESCRIPTOR = cv2.HOGDescriptor((SIDE, SIDE), (16, 16), (8, 8), (8, 8), 9)
PAIRS: tuple[tuple[str, int, str, Library, Callable[[Picture], Picture]], ...] = (
    ("hog(convention=skimage)", 1, "skimage.feature.hog", feature.hog, grey),
    ("hog", 1, "skimage.feature.hog", feature.hog, grey),
    ("hog", 1, "cv2.HOGDescriptor", opencv_hog, eight_bits),
    ("histogram(space=rgb)", 3, "np.histogramdd", joint, whole),
    ("histogram(space=hue)", 3, "skimage.color, skimage.exposure.histogram", hue, whole),
    ("lbp", 1, "skimage.feature.local_binary_pattern", patterns, eight_bits),
)


def seconds(call: Callable[[], Any]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def each(library: Library, pictures: list[Picture]) -> None:
    """One call a picture."""
    for one in pictures:
        library(one)


def main(repeats: int) -> None:
    """Measure every pair."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    images = torch.rand(BATCH, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    found: list[dict[str, Any]] = []
    for text, channels, beside, library, prepare in PAIRS:
        module = parse(text).build((channels, SIDE, SIDE))
        batch = images[:, :channels].contiguous()
        some = [prepare(one.permute(1, 2, 0).contiguous().numpy()) for one in images[:CALLS]]
        ours, theirs = [], []
        for _ in range(repeats + 1):
            ours.append(seconds(partial(module, batch)) / BATCH * 1e6)
            theirs.append(seconds(partial(each, library, some)) / CALLS * 1e6)
        ratio = statistics.median(theirs[1:]) / statistics.median(ours[1:])  # the first warms up
        found.append(
            {"feature": text, "beside": beside, "hubel": spread(ours[1:]),
             "other": spread(theirs[1:]), "ratio": round(ratio, 2)}
        )  # fmt: skip
        print(text, beside, round(ratio, 2), flush=True)
    measured = {"threads": 1, "side": SIDE, "batch": BATCH, "repeats": repeats, "features": found}
    write("features", f"python benchmarks/features.py {repeats}", measured)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
