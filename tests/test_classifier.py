"""One way from any kind of picture to one answer."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hubel.classifier import Classifier, Prediction
from hubel.data.preprocess import Preprocess
from hubel.errors import DataError
from hubel.models.architecture import Architecture
from tests.conftest import picture

CLASSES = ("cat", "dog", "owl")


def make(side: int = 8, channels: str = "rgb", temperature: float = 1.0) -> Classifier:
    grey = channels == "grey"
    count = 1 if grey else 3
    architecture = Architecture(
        name="linear", in_channels=count, num_classes=3, image_size=(side, side)
    )
    draws = torch.Generator().manual_seed(4)
    weights = {
        "fc.weight": 0.05 * torch.randn(3, count * side * side, generator=draws),
        "fc.bias": torch.randn(3, generator=draws),
    }
    preprocess = Preprocess(
        height=side,
        width=side,
        channels="grey" if grey else "rgb",
        mean=(0.4,) * count,
        std=(0.2,) * count,
    )
    return Classifier(architecture, weights, preprocess, CLASSES, temperature)


def as_png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def save(image: Image.Image, folder: Path) -> Path:
    path = folder / "picture.png"
    image.save(path)
    return path


KINDS: dict[str, Callable[[Image.Image, Path], Any]] = {
    "path": save,
    "name": lambda image, folder: str(save(image, folder)),
    "bytes": lambda image, _: as_png(image),
    "image": lambda image, _: image,
    "array": lambda image, _: np.asarray(image),
    "tensor": lambda image, _: torch.from_numpy(np.array(image)),
}


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("channels", ["rgb", "grey"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_gives_one_answer(
    kind: str, channels: str, mode: str, tmp_path: Path
) -> None:
    classifier, image = make(channels=channels), picture(3, 21).convert(mode)
    expected = classifier.predict(as_png(image))
    found = classifier.predict(KINDS[kind](image, tmp_path))
    assert (found.labels, found.probabilities) == (expected.labels, expected.probabilities)
    assert found.error is None
    assert (found.file is None) == (kind not in ("path", "name"))


def test_probabilities_are_those_of_the_plain_module() -> None:
    """The definition: softmax of the module's scores of (x / 255 - mean) / std, by temperature."""
    classifier = make(temperature=2.5)
    image = picture(5, 8)
    x = torch.from_numpy(np.array(image)).float().permute(2, 0, 1)[None] / 255
    logits = classifier.module((x - 0.4) / 0.2)
    expected = torch.softmax(logits.double() / 2.5, 1)[0].detach().numpy()
    found = classifier.predict(image)
    order = np.argsort(-expected)
    assert found.labels == tuple(CLASSES[index] for index in order)
    np.testing.assert_allclose(found.probabilities, expected[order], atol=1e-6)


@given(st.integers(0, 10_000), st.floats(0.05, 20))
def test_probabilities_sum_to_one_and_fall(seed: int, temperature: float) -> None:
    found = make(temperature=temperature).predict(picture(seed, 8))
    assert sum(found.probabilities) == pytest.approx(1)
    assert list(found.probabilities) == sorted(found.probabilities, reverse=True)
    assert sorted(found.labels) == sorted(CLASSES)
    assert found.label == found.labels[0]


def test_the_temperature_changes_no_order() -> None:
    images = [picture(n, 8) for n in range(20)]
    answers = [[a.labels for a in make(temperature=t).predict(images)] for t in (0.3, 1.0, 7.0)]
    assert answers[0] == answers[1] == answers[2]


def test_a_list_gives_a_list_and_one_gives_one() -> None:
    classifier = make()
    images = [picture(n, 8) for n in range(3)]
    answers = classifier.predict(images)
    for answer, image in zip(answers, images, strict=True):
        alone = classifier.predict(image)
        assert answer.labels == alone.labels
        np.testing.assert_allclose(answer.probabilities, alone.probabilities, atol=1e-6)
    assert classifier.predict(tuple(images)) == answers
    assert classifier.predict([]) == []
    assert isinstance(classifier.predict(images[0]), Prediction)


def test_what_cannot_be_read_gives_an_error_and_never_a_substitute(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_bytes(b"I am not a picture")
    good = save(picture(1, 8), tmp_path)
    paths = [tmp_path / "text.png", good, tmp_path / "gone.png", tmp_path]
    answers = make().predict(paths)
    assert [a.error and a.error.split(" (")[0] for a in answers] == [
        "not a picture of a format that Hubel reads",
        None,
        "no such file",
        "a folder, not a file",
    ]
    assert [answer.file for answer in answers] == [str(path) for path in paths]
    for answer in (answers[0], answers[2]):
        assert (answer.labels, answer.probabilities, answer.label) == ((), (), None)


def test_a_long_stream_is_answered_in_order_without_waiting_for_its_end() -> None:
    asked = 0

    def stream() -> Any:
        nonlocal asked
        for number in range(1000):
            asked += 1
            yield b"" if number % 100 == 7 else np.full((8, 8, 3), number % 256, np.uint8)

    answers = iter(make().predict_each(stream()))
    first = next(answers)
    assert asked <= 256
    rest = [first, *answers]
    assert len(rest) == 1000
    assert [n for n, answer in enumerate(rest) if answer.error] == list(range(7, 1000, 100))
    alone = make().predict(np.full((8, 8, 3), 500 % 256, np.uint8))
    assert rest[500].labels == alone.labels
    np.testing.assert_allclose(rest[500].probabilities, alone.probabilities, atol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((8, 8, 3), np.float32),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((3, 8, 8), np.uint8),
        np.zeros(8, np.uint8),
        np.zeros((1, 8, 8, 3), np.uint8),
        torch.zeros(8, 8, 3),
        3,
        None,
    ],
    ids=lambda wrong: f"{type(wrong).__name__} {getattr(wrong, 'shape', '')}",
)
def test_what_is_no_picture_is_refused_with_what_it_is(wrong: Any) -> None:
    with pytest.raises(DataError, match=r"expected a path, bytes, a PIL image, or a uint8 array"):
        make().predict(wrong)


@pytest.mark.parametrize("shape", [(0, 8, 3), (8, 0, 3), (0, 0)])
def test_an_array_without_pixels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        DataError, match=r"of shape \(h, w, 3\) or \(h, w\); got ndarray of uint8, shape \(.*0"
    ):
        make().predict(np.zeros(shape, np.uint8))


def test_no_pictures_have_no_scores() -> None:
    assert make().logits(np.zeros((0, 8, 8, 3), np.uint8)).shape == (0, 3)


def test_json_has_the_top_classes() -> None:
    answer = Prediction("a.png", ("cat", "dog"), (0.75, 0.25))
    assert answer.to_json(1) == {
        "file": "a.png",
        "top": [{"label": "cat", "probability": 0.75}],
        "error": None,
    }
    assert len(answer.to_json(9)["top"]) == 2
    broken = Prediction("b.png", error="no such file")
    assert broken.to_json(3) == {"file": "b.png", "top": [], "error": "no such file"}


def test_names_that_are_no_text_are_shown_escaped(tmp_path: Path) -> None:
    import os

    odd = os.fsencode(tmp_path) + b"/\xff\xfe.png"
    with open(odd, "wb") as stream:
        stream.write(as_png(picture(1, 8)))
    found = make().predict(os.fsdecode(odd))
    assert found.error is None
    assert found.file is not None
    assert found.file.endswith(r"/\xff\xfe.png")
    assert make().predict(picture(1, 8)).probabilities == found.probabilities
