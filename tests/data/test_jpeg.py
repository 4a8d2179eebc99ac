"""JPEG: Pillow's very pixels, upright; reduced ones are one rule for all who read the file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from hubel.data.dataset import choose_preprocess, load_pixels, open_dataset, survey
from hubel.data.decode import decode
from hubel.data.jpeg import decode_jpeg, reduction
from hubel.data.preprocess import Preprocess
from hubel.data.sources import open_source
from hubel.data.wish import Wish

SIDES = st.integers(1, 5000)


def photograph(height: int, width: int) -> Image.Image:
    """Smooth and rough parts: noise enlarged, with noise on it."""
    draws = np.random.default_rng([height, width])
    rough = draws.integers(0, 256, (height // 16 + 2, width // 16 + 2, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC))
    return Image.fromarray((smooth * 0.9 + draws.integers(0, 25, smooth.shape)).astype(np.uint8))


def encoded(image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


@given(SIDES, SIDES, st.integers(1, 600), st.integers(1, 600))
def test_a_reduction_leaves_enough_and_as_little_as_it_may(
    height: int, width: int, least: int, across: int
) -> None:
    by = reduction(height, width, (least, across))
    assert by in (1, 2, 4, 8)
    assert by == 1 or (height / by >= least and width / by >= across)
    assert by == 8 or height < 2 * by * least or width < 2 * by * across
    assert reduction(height, width, None) == 1


@pytest.mark.parametrize("by", [2, 4, 8])
@pytest.mark.parametrize("odd", [0, 3])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_reduced_pixels_are_those_of_pillows_draft(by: int, odd: int, mode: str) -> None:
    height, width = 160 + odd, 240 + odd
    content = encoded(photograph(height, width).convert(mode), quality=85)
    with Image.open(io.BytesIO(content)) as image:
        image.draft(None, (-(-width // by) - (odd > 0), -(-height // by) - (odd > 0)))
        expected = np.asarray(image)
    found = decode(content, enough=(height // by, width // by))
    np.testing.assert_array_equal(found.pixels, expected)
    assert (found.width, found.height) == (width, height)


@pytest.mark.parametrize("enough", [None, (48, 32), (12, 8)])
def test_the_eight_orientations_of_one_stream_are_turns_of_one_picture(
    enough: tuple[int, int] | None,
) -> None:
    image = photograph(96, 64)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        content = encoded(image, exif=exif)
        sideways = orientation > 4
        wanted = enough[::-1] if enough and sideways else enough
        found = decode_jpeg(content, 10**6, wanted)
        plain = decode_jpeg(encoded(image), 10**6, enough)
        assert found is not None
        assert plain is not None
        tagged = Image.fromarray(plain.pixels)
        tagged.getexif()[0x0112] = orientation
        np.testing.assert_array_equal(found.pixels, np.asarray(ImageOps.exif_transpose(tagged)))
        if enough:
            assert found.whole == ((96, 64) if sideways else (64, 96))


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_no_picture_at_any_scale(cut: float) -> None:
    content = encoded(photograph(256, 256))
    short = content[: int(len(content) * cut)]
    assert decode_jpeg(short, 10**6, (32, 32)) is None


def test_what_follows_in_a_segment_of_another_kind_is_not_read_as_exif() -> None:
    content = encoded(photograph(32, 32), comment=b"Exif\x00\x00 and http://ns.adobe.com/xap/1.0/")
    found = decode_jpeg(content, 10**6)
    assert found is not None
    np.testing.assert_array_equal(found.pixels, np.asarray(Image.open(io.BytesIO(content))))


@pytest.mark.parametrize("shape", ["squash", "crop", "pad"])
def test_reducing_hardly_shows_at_working_size(shape: str) -> None:
    content = encoded(photograph(400, 512), quality=90)
    whole, reduced = (
        Preprocess(height=96, width=128, shape=shape, reduced=on)  # pyright: ignore
        for on in (False, True)
    )
    one = whole.pixels(decode(content)).astype(int)
    other = reduced.pixels(decode(content, enough=reduced.enough)).astype(int)
    assert decode(content, enough=reduced.enough).pixels.shape == (200, 256, 3)
    assert 0 < np.abs(one - other).max() <= 12
    assert np.abs(one - other).mean() < 1


@pytest.mark.parametrize(
    ("seen", "wish", "expected"),
    [
        ([(512, 384, "RGB", 1, "JPEG")] * 3, Wish(), True),
        ([(512, 384, "RGB", 1, "PNG")] * 3, Wish(), False),
        ([(500, 384, "RGB", 1, "JPEG")] * 3, Wish(), False),
        ([(512, 384, "RGB", 1, "JPEG")] * 3, Wish(reduced=False), False),
        ([(512, 384, "RGB", 1, "JPEG")] * 3, Wish(size=(224, 224)), False),
    ],
)
def test_jpegs_of_four_times_the_input_are_reduced_by_rule(
    seen: list[tuple[int, int, str, int, str]], wish: Wish, expected: bool
) -> None:
    found = choose_preprocess(seen, wish)
    assert found is not None
    assert found.reduced == expected


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Two classes of 12 photographs, in all orientations."""
    for label in ("a", "b"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(12):
            image = photograph(130 + number, 140).rotate(90 * (label == "b"))
            exif = Image.Exif()
            exif[0x0112] = 1 + number % 8
            path = tmp_path / "data" / label / f"{number}.jpg"
            path.write_bytes(encoded(image, exif=exif, quality=90))
    return tmp_path / "data"


def test_what_training_reads_is_what_prediction_reads(photographs: Path) -> None:
    source = open_source(str(photographs))
    found = survey(source, Wish(size=(16, 16)), 2, lambda _: None)
    dataset = open_dataset(source, found, 0)
    way = Preprocess(height=16, width=16, reduced=True)
    rows = np.arange(len(dataset.manifest))
    pixels = load_pixels(dataset, rows, way, lambda _: None, 2).take(rows)
    for row in rows.tolist():
        content = (photographs / dataset.manifest.path(row)).read_bytes()
        np.testing.assert_array_equal(pixels[row], way.pixels(decode(content, enough=way.enough)))
        assert dataset.manifest.table["width"][row].as_py() >= 130


@pytest.mark.slow
def test_prediction_and_evaluation_agree_on_reduced_pictures(
    photographs: Path, tmp_path: Path
) -> None:
    import hubel
    from hubel.data.manifest import read_parquet

    run = hubel.train(photographs, out=tmp_path / "run", size=(16, 16), epochs=1)
    classifier = run.classifier
    assert classifier.preprocess.reduced
    rows = read_parquet(run.folder / "predictions.parquet").to_pylist()
    assert rows
    for row in rows:
        found = classifier.predict(photographs / row["file"])
        for label, probability in zip(found.labels, found.probabilities, strict=True):
            assert probability == pytest.approx(row[f"probability:{label}"], abs=1e-6)
