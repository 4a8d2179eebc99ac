"""The classifier: a network with its preprocessing, its class names and its calibration.

On disk it is a folder of two files. `model.safetensors` holds the weights; `classifier.json`
holds everything else, the SHA-256 of the weights, and the SHA-256 of itself. Nothing in it can
run.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hubel.artifact import ClassifierFile, read_artifact, write_artifact
from hubel.data.arrays import sample_of
from hubel.data.decode import decode, upright
from hubel.data.form import Decoded
from hubel.data.preprocess import Preprocess
from hubel.errors import ArtifactError, DataError, PictureError, RecipeError
from hubel.models.architecture import Architecture
from hubel.storage import recover_folder

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Classifier", "Picture", "Prediction", "load"]

Picture = "str | os.PathLike[str] | bytes | Image | NDArray[Any] | Tensor"
"""What can be classified: a path, the bytes of a file, a PIL image, an array or tensor: uint8
pictures in RGB or grey, (h, w, 3) or (h, w), or what an `.npy` file of the data could hold."""

_BATCH = 256
_NEUTRAL = 0.5


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one picture.

    Attributes:
        file: its name, or None where it had none.
        labels: class names, the most probable first.
        probabilities: calibrated, one a label, in the same order.
        error: why there is no answer; the lists are then empty.
        given: of a classifier of several labels, those that the picture has by its answer: whose
            probability is their threshold or more, the most probable first. None with one label.
    """

    file: str | None
    labels: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    error: str | None = None
    given: tuple[str, ...] | None = None

    @property
    def label(self) -> str | None:
        """The most probable class."""
        return self.labels[0] if self.labels else None

    def to_json(self, top: int) -> dict[str, Any]:
        """The answer as JSON types, with the `top` most probable classes.

        `labels` is there with a classifier of several labels; empty says that the picture has none.
        """
        pairs = zip(self.labels[:top], self.probabilities[:top], strict=True)
        ranked = [{"label": label, "probability": value} for label, value in pairs]
        named = {} if self.given is None else {"labels": list(self.given)}
        return {"file": self.file, **named, "top": ranked, "error": self.error}


@dataclass(frozen=True)
class Classifier:
    """All that predicting, exporting, serving and looking inside need.

    Attributes:
        architecture: of the network.
        weights: its state, by name.
        preprocess: from decoded pixels to its input.
        classes: names, in the order of the scores.
        temperature: the scores are divided by it before they become probabilities; 1 is
            uncalibrated.
        facts: metrics with intervals and provenance, JSON types.
        task: `single-label`, or `multi-label` where a picture may have several of the classes, or
            none.
        thresholds: of a multi-label classifier, by class: the probability from which on a label is
            given; 1/2 for a class without one.
    """

    architecture: Architecture
    weights: dict[str, Tensor]
    preprocess: Preprocess
    classes: tuple[str, ...]
    temperature: float = 1.0
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    task: str = "single-label"
    thresholds: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def cuts(self) -> NDArray[np.float64] | None:
        """The thresholds in the order of the scores, (classes,); None where one label is given."""
        if self.task == "single-label":
            return None
        return np.array([self.thresholds.get(name, _NEUTRAL) for name in self.classes])

    @functools.cached_property
    def module(self) -> nn.Module:
        """The network: a plain module, on the CPU, in evaluation mode."""
        module = self.architecture.build(fetch=False)
        module.load_state_dict(self.weights)
        layout = self.architecture.memory_format
        return module.to(memory_format=layout).eval()  # pyright: ignore[reportCallIssue]

    def logits(self, pixels_NHWC: NDArray[Any]) -> NDArray[np.float32]:
        """Scores of samples that are at working size.

        Args:
            pixels_NHWC: (n, *size, channels), as `Preprocess.pixels` gives them; of pictures
                (n, height, width, channels).

        Returns:
            float32, (n, classes).
        """
        import torch

        layout = self.architecture.memory_format
        with torch.inference_mode():
            batches = (
                self.preprocess.tensor(torch.from_numpy(pixels_NHWC[i : i + _BATCH]))
                for i in range(0, len(pixels_NHWC), _BATCH)
            )
            parts = [self.module(images.contiguous(memory_format=layout)) for images in batches]
            return (
                torch.cat(parts).numpy() if parts else np.zeros((0, len(self.classes)), np.float32)
            )

    def probabilities(self, pixels_NHWC: NDArray[Any]) -> NDArray[np.float64]:
        """Calibrated probabilities of pixels that are at working size: (n, classes).

        They sum to 1 in a row where a picture has one label, and are each by itself otherwise.
        """
        from hubel.evaluation.labelling import labelling_of

        return labelling_of(self.task).probabilities(self.logits(pixels_NHWC), self.temperature)

    def predict(self, pictures: Any) -> Any:
        """Classify one picture, or a list of them.

        Args:
            pictures: a path, the bytes of a file, a PIL image, a uint8 array (h, w, 3) in RGB or
                (h, w) in grey, an array of the kind that was learned, as a `.npy` file could hold
                it, such a tensor, or a list of any of these.

        Returns:
            A `Prediction`, or a list of them in the same order. A picture that can't be read
            gives a prediction with an `error`, never a substitute.
        """
        many = isinstance(pictures, list | tuple)
        answers = list(self.predict_each(pictures if many else [pictures]))
        return answers if many else answers[0]

    def predict_each(
        self, pictures: Iterable[Any], read: Callable[[Any], bytes] | None = None
    ) -> Iterable[Prediction]:
        """Classify a stream of pictures in batches; memory does not grow with their number."""
        waiting: list[tuple[str | None, NDArray[Any] | str]] = []
        for picture in pictures:
            waiting.append(self._open(picture, read))
            if len(waiting) == _BATCH:
                yield from self._answer(waiting)
                waiting = []
        yield from self._answer(waiting)

    def save(self, folder: Path) -> None:
        """Write the two files; a reader sees the old ones or the new ones, never a mixture.

        Raises:
            StorageError: they can't be written.
        """
        document = ClassifierFile(
            architecture=self.architecture.to_json(),
            preprocess=self.preprocess.to_json(),
            classes=list(self.classes),
            temperature=self.temperature,
            task=self.task,  # pyright: ignore[reportArgumentType]
            thresholds=self.thresholds,
            facts=self.facts,
        )
        write_artifact(folder, document, self.weights)

    def _open(
        self, picture: Any, read: Callable[[Any], bytes] | None
    ) -> tuple[str | None, NDArray[Any] | str]:
        name = _shown(picture) if isinstance(picture, str | os.PathLike) else None
        try:
            return name, self.preprocess.pixels(_decoded(picture, read, self.preprocess))
        except PictureError as error:
            return name, str(error)

    def _rows(self, pixels: list[NDArray[Any]]) -> NDArray[np.float64]:
        """Probabilities of samples that may be of several buckets: (n, classes)."""
        found = np.empty((len(pixels), len(self.classes)))
        for shape in sorted({one.shape for one in pixels}):
            here = [place for place, one in enumerate(pixels) if one.shape == shape]
            found[here] = self.probabilities(np.stack([pixels[place] for place in here]))
        return found

    def _answer(self, waiting: list[tuple[str | None, NDArray[Any] | str]]) -> Iterable[Prediction]:
        pixels = [found for _, found in waiting if not isinstance(found, str)]
        rows, cuts = iter(self._rows(pixels)), self.cuts
        for name, found in waiting:
            if isinstance(found, str):
                yield Prediction(name, error=found)
                continue
            row = next(rows)
            order = np.argsort(-row, kind="stable")
            labels = tuple(self.classes[index] for index in order)
            given = None
            if cuts is not None:
                given = tuple(self.classes[index] for index in order if row[index] >= cuts[index])
            yield Prediction(name, labels, tuple(float(row[index]) for index in order), given=given)


def load(path: str | os.PathLike[str], *, code: str | None = None) -> Classifier:
    """Load a classifier from a run folder or a classifier folder.

    Args:
        path: of the folder.
        code: `path/to/net.py:make`, where the network is a function of the user's own file: such
            code is not in the folder, and runs only when it is named here.

    Raises:
        ArtifactError: there is none, its files were changed, this version can't read it, or its
            code is not given or has changed.
    """
    folder = Path(path).expanduser()
    recover_folder(folder / "classifier")
    if (folder / "classifier").is_dir():
        folder = folder / "classifier"
    document, weights = read_artifact(folder)
    try:
        classifier = Classifier(
            Architecture.from_json(document.architecture),
            weights,
            Preprocess.from_json(document.preprocess),
            tuple(document.classes),
            document.temperature,
            document.facts,
            document.task,
            document.thresholds,
        )
    except (KeyError, TypeError, RecipeError) as error:
        raise ArtifactError(f"{folder}: classifier.json can't be followed: {error}") from error
    if code is not None:
        classifier = replace(classifier, architecture=classifier.architecture.with_code(code))
    _check_fit(classifier, folder)
    return classifier


def _check_fit(classifier: Classifier, folder: Path) -> None:
    architecture, preprocess = classifier.architecture, classifier.preprocess
    pairs = [
        ("classes", len(classifier.classes), architecture.num_classes),
        ("channels", preprocess.num_channels, architecture.in_channels),
        ("size", preprocess.size, tuple(architecture.image_size)),
        ("means", len(preprocess.mean), preprocess.num_channels),
        ("deviations", len(preprocess.std), preprocess.num_channels),
    ]
    for name, found, expected in pairs:
        if found != expected:
            raise ArtifactError(
                f"{folder}: {name} disagree: {found} given, the network has {expected}"
            )
    strange = sorted(classifier.thresholds.keys() - set(classifier.classes))
    if strange:
        raise ArtifactError(f"{folder}: a threshold is given for {strange[0]!r}, which is no class")
    if len(set(classifier.classes)) < len(classifier.classes):
        raise ArtifactError(f"{folder}: a class name stands twice: {list(classifier.classes)}")
    try:
        _ = classifier.module
    except (RuntimeError, RecipeError) as error:
        raise ArtifactError(f"{folder}: the weights are of another network: {error}") from error


def _decoded(
    picture: Any, read: Callable[[Any], bytes] | None, way: Preprocess
) -> Decoded | NDArray[Any]:
    if isinstance(picture, bytes):
        return decode(picture, kind=way.kind, enough=way.enough)
    if isinstance(picture, str | os.PathLike):
        return decode((read or _read)(picture), kind=way.kind, enough=way.enough)
    if hasattr(picture, "getexif"):
        return upright(picture)
    array = np.asarray(picture)
    if not way.plain and array.dtype.kind in "buif":
        return sample_of(array, way.kind, "array")
    shaped = (array.ndim == 2 or array.shape[2:] == (3,)) and array.size > 0
    if array.dtype != np.uint8 or not shaped:
        raise DataError(
            "expected a path, bytes, a PIL image, or a uint8 array of shape (h, w, 3) or (h, w); "
            f"got {type(picture).__name__} of {array.dtype}, shape {array.shape}"
        )
    return array


def _read(path: Any) -> bytes:
    from hubel.data.sources import read_file

    return read_file(os.fspath(path))


def _shown(path: Any) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
