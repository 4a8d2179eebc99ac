"""Measures say what a picture is like, by the definitions that they name."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from hubel.data.audit.measures import Measures, look, look_at_all, measure, shrink, thumbnail
from hubel.data.form import Decoded
from tests.data.audit.pictures import scene


def measured(image: Image.Image) -> Measures:
    pixels = np.asarray(image)
    return measure(pixels, shrink(pixels))


@pytest.mark.parametrize("size", [(1, 1), (5, 900), (900, 5), (32, 32), (640, 480)])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_any_shape_is_measured(size: tuple[int, int], mode: str) -> None:
    found = measured(Image.new(mode, size, 128 if mode == "L" else (128, 128, 128)))
    assert found.brightness == pytest.approx(128)
    assert (found.contrast, found.entropy) == (0, 0)
    assert found.colourfulness == pytest.approx(0, abs=1e-5)
    assert found.sharpness is None


def test_brightness_and_contrast_are_mean_and_deviation_of_luma() -> None:
    image = scene(3)
    grey = np.asarray(image.convert("L").resize((64, 64), Image.Resampling.BOX), np.float64)
    found = measured(image)
    assert found.brightness == pytest.approx(grey.mean(), abs=1.5)
    assert found.contrast == pytest.approx(grey.std(), rel=0.05)


def test_entropy_is_that_of_the_tones() -> None:
    halves = np.zeros((64, 64), np.uint8)
    halves[:, 32:] = 200
    assert measured(Image.fromarray(halves)).entropy == pytest.approx(1.0)


def test_colourfulness_is_that_of_hasler_and_suesstrunk() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, :32, 0] = 255
    pixels[:, 32:, 2] = 255
    one = np.r_[np.full(8, 255.0), np.zeros(8)]
    other = np.r_[np.full(8, 127.5), np.full(8, -255.0)]
    truth = np.hypot(one.std(), other.std()) + 0.3 * np.hypot(one.mean(), other.mean())
    assert measured(Image.fromarray(pixels)).colourfulness == pytest.approx(truth, rel=1e-4)


def test_sharpness_falls_with_every_blur_and_is_one_for_noise() -> None:
    image = scene(5)
    found = [
        measured(image.filter(ImageFilter.GaussianBlur(radius))).sharpness
        for radius in (0, 0.7, 1.5, 3)
    ]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.10 < found[0]
    noise = np.random.default_rng(0).integers(0, 256, (300, 300), np.uint8)
    assert measured(Image.fromarray(noise)).sharpness == pytest.approx(1, abs=0.03)


def test_sharpness_is_no_matter_of_contrast() -> None:
    image = scene(5)
    pale = Image.fromarray((np.asarray(image) // 2 + 60).astype(np.uint8))
    assert measured(pale).sharpness == pytest.approx(measured(image).sharpness, rel=0.05)


def test_a_thumbnail_is_the_picture_in_grey() -> None:
    small = thumbnail(shrink(np.asarray(scene(3))))
    assert (small.shape, small.dtype) == ((64, 64), np.uint8)


def test_signals_and_volumes_are_not_looked_at() -> None:
    for values, mode in ((np.zeros((9, 1), np.float32), "signal float32 x1"),
                         (np.zeros((4, 4, 4, 1), np.uint8), "volume uint8 x1")):  # fmt: skip
        assert look(Decoded(values, mode, "NPY", 1)) is None


def test_deep_pictures_have_a_thumbnail_and_no_measures_of_light() -> None:
    grey = np.asarray(scene(3).convert("L"))
    deep = look(Decoded(grey.astype(np.uint16) * 257, "I;16", "PNG", 1))
    plain = look(Decoded(grey, "L", "PNG", 1))
    assert deep is not None
    assert plain is not None
    assert deep.measures is None
    assert plain.measures is not None
    both = (deep.thumbnail.ravel(), plain.thumbnail.ravel())
    assert np.corrcoef(both)[0, 1] > 0.999


@pytest.mark.parametrize("shape", [(32, 32), (64, 64, 3), (16, 16, 3), (8, 32, 3)])
def test_small_pictures_together_are_as_one_by_one(shape: tuple[int, ...]) -> None:
    draws = np.random.default_rng(0)
    smooth = [
        np.asarray(Image.fromarray(draws.integers(0, 255, (7, 7, *shape[2:]), np.uint8))
                   .resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
        for _ in range(5)
    ]  # fmt: skip
    samples = [Decoded(one, "L" if one.ndim == 2 else "RGB", "PNG", 1) for one in smooth]
    for one, found in zip(smooth, look_at_all(samples), strict=True):
        small = shrink(one)
        assert found is not None
        assert found.measures is not None
        # Pillow rounds colours to whole numbers before it makes them grey.
        np.testing.assert_allclose(found.thumbnail, thumbnail(small).astype(int), atol=1)
        np.testing.assert_allclose(
            np.array(found.measures, float), np.array(measure(one, small), float), rtol=0.01
        )
