"""One kind a data set: what is of another is named, and depth, channels and size follow by rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from hubel.data.dataset import choose_preprocess, load_pixels, open_dataset, survey
from hubel.data.form import Seen
from hubel.data.sources import FolderSource
from hubel.data.statistics import statistics
from hubel.data.wish import Wish
from hubel.errors import RecipeError

SIGNAL, VOLUME = "signal float32 x2", "volume uint8 x1"


def way(modes: list[str], wish: Wish | None = None, frames: int = 20) -> Any:
    found = choose_preprocess([(40, 30, mode, frames) for mode in modes], wish or Wish())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("modes", "kind", "depth", "channels", "size"),
    [
        (["RGB", "RGB"], "picture", "uint8", "rgb", (30, 40)),
        (["I;16", "I;16"], "picture", "uint16", "grey", (30, 40)),
        (["I;16", "L"], "picture", "uint8", "grey", (30, 40)),
        (["I;16", "F"], "picture", "float32", "grey", (30, 40)),
        (["RGB;16", "I;16"], "picture", "uint16", "rgb", (30, 40)),
        (["RGB;16", "RGB"], "picture", "uint8", "rgb", (30, 40)),
        (["LA", "L"], "picture", "uint8", "grey", (30, 40)),
        (["picture uint8 x5"], "picture", "uint8", 5, (30, 40)),
        (["picture float32 x1"], "picture", "float32", "grey", (30, 40)),
        ([SIGNAL], "signal", "float32", 2, (40,)),
        ([VOLUME], "volume", "uint8", 1, (20, 30, 40)),
        ([VOLUME, "volume uint16 x1"], "volume", "float32", 1, (20, 30, 40)),
    ],
)
def test_what_a_set_has_decides_depth_channels_and_size(
    modes: list[str], kind: str, depth: str, channels: Any, size: tuple[int, ...]
) -> None:
    found = way(modes)
    assert (found.kind, found.depth, found.channels, found.size) == (kind, depth, channels, size)


def test_long_signals_and_large_volumes_have_a_limit() -> None:
    assert way([SIGNAL], Wish(size=(7, 7))).size == (7,)
    long = choose_preprocess([(90_000, 1, SIGNAL)], Wish())
    assert long is not None
    assert long.size == (16_384,)
    large = choose_preprocess([(256, 128, VOLUME, 32)], Wish())
    assert large is not None
    assert large.size == (8, 32, 64)


def test_a_size_may_be_wished() -> None:
    assert way([VOLUME], Wish(size=(8, 8))).size == (8, 8, 8)
    assert way([VOLUME], Wish(size=(4, 8, 9))).size == (4, 8, 9)
    assert way(["L"], Wish(size=(8, 9))).size == (8, 9)


@pytest.mark.parametrize(
    ("mode", "wish", "message"),
    [
        (SIGNAL, Wish(size=(8, 9)), "signals have a length, as 4000; got 8x9"),
        (VOLUME, Wish(size=(8, 9)), "volumes have planes, height and width, as 32x64x64; got 8x9"),
        ("L", Wish(size=(8, 9, 9)), "pictures have a height and a width, as 96x128; got 8x9x9"),
        (SIGNAL, Wish(channels="rgb"), "'rgb' has no effect on signals of 2 channels"),
        ("L", Wish(channels="5"), "pictures have rgb, grey or rgba; got '5'"),
    ],
)
def test_a_wish_that_does_not_fit_is_refused(mode: str, wish: Wish, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        way([mode], wish)


def test_an_alpha_is_a_channel_where_it_is_asked_for() -> None:
    assert way(["RGBA", "RGB"]).channels == "rgb"
    assert way(["RGBA", "RGB"], Wish(channels="rgba")).num_channels == 4


def save(path: Path, values: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, values, allow_pickle=False)
    elif path.suffix == ".png":
        Image.fromarray(values).save(path)
    else:
        planar = "contig" if values.shape[2:] == (5,) else None
        tifffile.imwrite(path, values, photometric="minisblack", planarconfig=planar)


def opened(root: Path, wish: Wish | None = None) -> Any:
    source = FolderSource(root)
    found = survey(source, wish or Wish(), 1, lambda _: None)
    return open_dataset(source, found, 0)


def draws(number: int, *shape: int) -> Any:
    return np.random.default_rng(number).integers(0, 255, shape, dtype=np.uint8)


def test_what_is_of_another_kind_or_other_channels_is_named_and_left_out(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for number in range(9):
            save(tmp_path / name / f"{number}.npy", draws(number + 50 * (name == "b"), 300, 2))
    save(tmp_path / "a" / "odd.png", draws(1, 9, 9))
    save(tmp_path / "b" / "three.npy", draws(2, 300, 3))
    found = opened(tmp_path)
    reasons = {one["file"]: one["reason"] for one in found.manifest.problems()}
    assert reasons == {
        "a/odd.png": "a picture, in a data set of signals",
        "b/three.npy": "3 channels, in a data set of 2",
    }
    said = "samples are signals, by format and number of axes; --kind"
    assert any(said in note for note in found.notes)


def test_plain_pictures_stay_together_and_others_are_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for number in range(6):
            save(tmp_path / name / f"{number}.png", draws(number + 50 * (name == "b"), 9, 9, 3))
    save(tmp_path / "a" / "grey.png", draws(90, 9, 9))
    save(tmp_path / "a" / "five.tif", draws(91, 9, 9, 5))
    found = opened(tmp_path)
    assert [one["reason"] for one in found.manifest.problems()] == [
        "5 channels, in a data set of grey or colour"
    ]


@pytest.mark.parametrize(("kind", "size"), [(None, (4, 9, 8)), ("picture", (9, 8))])
def test_a_set_of_stacks_is_one_of_volumes_unless_pictures_are_asked_for(
    tmp_path: Path, kind: Any, size: tuple[int, ...]
) -> None:
    for name in ("a", "b"):
        for number in range(6):
            save(tmp_path / name / f"{number}.tif", draws(number + 50 * (name == "b"), 4, 9, 8))
    found = opened(tmp_path, Wish(kind=kind))
    rows = np.arange(len(found.manifest))
    table = found.manifest.table
    columns = (table[name].to_pylist() for name in ("width", "height", "mode", "frames"))
    chosen = choose_preprocess(list(zip(*columns, strict=True)), Wish(kind=kind))
    assert chosen is not None
    assert chosen.size == size
    pixels = load_pixels(found, rows, chosen, lambda _: None)
    first = tifffile.imread(tmp_path / "a" / "0.tif")
    expected = first if kind is None else first[0]
    np.testing.assert_array_equal(pixels.take(np.array([0]))[0, ..., 0], expected)


def test_one_single_page_among_stacks_makes_pictures_of_all(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for number in range(5):
            save(tmp_path / name / f"{number}.tif", draws(number + 50 * (name == "b"), 4, 9, 8))
    save(tmp_path / "a" / "page.tif", draws(99, 9, 8))
    found = opened(tmp_path)
    assert found.manifest.problems() == []
    assert set(found.manifest.table["mode"].to_pylist()) == {"L"}


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_statistics_are_those_of_numpy(tmp_path: Path, dtype: str) -> None:
    for name in ("a", "b"):
        for number in range(6):
            seed = number + 50 * (name == "b")
            values = draws(seed, 9, 8, 5).astype(dtype) * (1 if dtype == "uint8" else 200)
            values[..., 3] = 7  # never changes
            save(tmp_path / name / f"{number}.npy", values)
    wish = Wish(kind="picture", size=(9, 8))
    found = opened(tmp_path, wish)
    chosen = choose_preprocess([Seen(8, 9, f"picture {dtype} x5")], wish)
    assert chosen is not None
    pixels = load_pixels(found, np.arange(12), chosen, lambda _: None)
    full = {"uint8": 255, "uint16": 65_535, "float32": 1}[dtype]
    values = pixels.take(np.arange(12)).reshape(-1, 5) / full
    mean, std = statistics(pixels)
    np.testing.assert_allclose(mean, values.mean(0), rtol=1e-6)
    np.testing.assert_allclose(np.delete(std, 3), np.delete(values.std(0), 3), rtol=1e-6)
    assert std[3] == 1


def test_a_small_spread_about_a_large_mean_is_not_lost(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for number in range(6):
            seed = number + 50 * (name == "b")
            save(tmp_path / name / f"{number}.npy", 1e4 + draws(seed, 99) / 64)
    found = opened(tmp_path)
    chosen = choose_preprocess([Seen(99, 1, "signal float32 x1")], Wish())
    assert chosen is not None
    _, std = statistics(load_pixels(found, np.arange(12), chosen, lambda _: None))
    assert abs(std[0] - 255 / 64 / 12**0.5) < 0.05
