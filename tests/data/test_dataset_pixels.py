"""The working size that a rule chooses, and the pixels of a dataset at that size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hubel.caches import cache_folder
from hubel.data.dataset import Wish, choose_preprocess, load_pixels
from hubel.data.decode import decode
from hubel.data.preprocess import Preprocess
from hubel.errors import DataError, StorageError
from tests.conftest import picture
from tests.data.test_dataset import opened
from tests.places import files_no_longer_than

SQUARE, WIDE, HIGH = (40, 40, "RGB"), (40, 30, "RGB"), (30, 40, "RGB")
PREPROCESS_RULES = [
    ([SQUARE], Wish(), (40, 40, "rgb")),
    ([WIDE], Wish(), (30, 40, "rgb")),
    ([WIDE] * 9 + [SQUARE], Wish(), (30, 40, "rgb")),
    ([WIDE] * 8 + [SQUARE] * 2, Wish(), (40, 40, "rgb")),
    ([WIDE, HIGH], Wish(), (40, 40, "rgb")),
    ([(40, 30, "RGB"), (41, 31, "RGB"), (400, 300, "RGB")], Wish(), (31, 41, "rgb")),
    ([(4000, 3000, "RGB")], Wish(), (96, 128, "rgb")),
    ([(3000, 1, "RGB")], Wish(), (1, 128, "rgb")),
    ([(28, 28, "L"), (28, 28, "1"), (28, 28, "I;16"), (28, 28, "F")], Wish(), (28, 28, "grey")),
    ([(28, 28, "L"), (28, 28, "P")], Wish(), (28, 28, "rgb")),
    ([(28, 28, "L")], Wish(channels="rgb", size=(5, 7)), (5, 7, "rgb")),
    ([(28, 28, "RGB")], Wish(channels="grey"), (28, 28, "grey")),
]


@pytest.mark.parametrize(("seen", "wish", "expected"), PREPROCESS_RULES)
def test_the_shape_of_the_input_is_what_most_pictures_have(
    seen: list[tuple[int, int, str]], wish: Wish, expected: tuple[int, int, str]
) -> None:
    found = choose_preprocess(seen, wish)
    assert found is not None
    assert (found.height, found.width, found.channels) == expected
    turned = [(height, width, mode) for width, height, mode in seen]
    if wish.size is None:
        found = choose_preprocess(turned, wish)
        assert found is not None
        assert (found.width, found.height) == expected[:2]


def test_of_nothing_seen_there_is_no_preprocess() -> None:
    assert choose_preprocess([], Wish(size=(8, 8))) is None


@pytest.mark.parametrize("size", [16, 9], ids=["as scanned", "decoded now"])
def test_pixels_are_those_of_the_files(two_classes: Path, size: int) -> None:
    dataset = opened(two_classes)
    way = Preprocess(height=size, width=size)
    rows = np.arange(len(dataset.manifest))[::-1].copy()
    for _ in range(2):  # the second time from the cache
        pixels = load_pixels(dataset, rows, way, lambda _: None)
        expected = [
            way.pixels(decode((two_classes / dataset.manifest.path(int(row))).read_bytes()).pixels)
            for row in rows
        ]
        np.testing.assert_array_equal(pixels.take(np.arange(len(rows))), expected)


def test_pixels_of_the_working_size_are_decoded_once(
    two_classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = opened(two_classes)
    way = Preprocess(height=16, width=16)
    other = Preprocess(height=9, width=9)
    rows = np.arange(len(dataset.manifest))
    load_pixels(dataset, rows, other, lambda _: None)
    monkeypatch.setattr(type(dataset.source), "read", lambda *_: pytest.fail("a file was read"))
    for known in (way, other):
        assert len(load_pixels(dataset, rows, known, lambda _: None)) == 60


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.unlink(), r"was there when the data were scanned; now: no such file"),
        (lambda path: picture(999).save(path), r"has changed since the data were scanned"),
    ],
    ids=["gone", "changed"],
)
def test_a_file_that_is_no_longer_the_same_is_named(
    two_classes: Path, change: Any, message: str
) -> None:
    dataset = opened(two_classes)
    rows = np.arange(len(dataset.manifest))
    change(two_classes / "red" / "003.png")
    with pytest.raises(DataError, match=rf"red/003\.png {message}"):
        load_pixels(dataset, rows, Preprocess(height=9, width=9), lambda _: None)
    assert not list(cache_folder().rglob("*.part"))


def test_a_disk_that_fills_while_pixels_are_kept_is_an_error(two_classes: Path) -> None:
    dataset = opened(two_classes)
    rows = dataset.manifest.rows("train")
    with files_no_longer_than(10_000), pytest.raises(StorageError, match="set HUBEL_CACHE to a"):
        load_pixels(dataset, rows, Preprocess(height=99, width=99), lambda _: None)
    assert not list(cache_folder().rglob("*.part"))
