"""A classifier is loaded as it was saved, or refused with what differs; nothing in it can run."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from hubel.artifact import read_artifact
from hubel.classifier import Classifier, load
from hubel.errors import ArtifactError, StorageError
from hubel.storage import sha256_file
from tests.classifiers import FACTS, WEIGHTS, drop, edit, make, nothing, put
from tests.conftest import tree_hash
from tests.places import files_no_longer_than


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make().save(tmp_path / "classifier")
    return tmp_path / "classifier"


@pytest.mark.parametrize("name", ["linear", "convnet"])
def test_a_classifier_comes_back_whole(name: str, tmp_path: Path) -> None:
    saved = make(name)
    saved.save(tmp_path / "run" / "classifier")
    for place in (tmp_path / "run", tmp_path / "run" / "classifier"):
        found = load(place)
        for field in ("architecture", "preprocess", "classes", "temperature", "facts"):
            assert getattr(found, field) == getattr(saved, field), field
        assert found.weights.keys() == saved.weights.keys()
        assert all(torch.equal(found.weights[k], v) for k, v in saved.weights.items())


def test_the_same_classifier_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    make().save(tmp_path / "again")
    for name in (FACTS, WEIGHTS):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_the_format_of_json_may_change_and_its_content_not(folder: Path) -> None:
    document = json.loads((folder / FACTS).read_text())
    (folder / FACTS).write_text(json.dumps(dict(reversed(document.items()))))
    assert load(folder).temperature == 1.5


@pytest.mark.parametrize("name", [FACTS, WEIGHTS])
def test_a_missing_file_is_named(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=rf"no {name} there; expected a run folder or a class"):
        load(folder)


def test_changed_weights_are_refused(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    tensors["fc.bias"] += 1e-6
    save_file(tensors, folder / WEIGHTS)
    message = (
        rf"{WEIGHTS} is not the file that was saved: its SHA-256 is \w+, expected \w+; copy the "
        "folder again from where it was made"
    )
    with pytest.raises(ArtifactError, match=message):
        load(folder)


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_truncated_weights_are_refused(share: float, folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: int(share * len(content))])
    with pytest.raises(ArtifactError, match="is not the file that was saved: its SHA-256 is"):
        load(folder)
    edit(folder, nothing)
    with pytest.raises(ArtifactError, match=r"is not the file that was saved: Error while des"):
        load(folder)


EDITS = [
    put("temperature", value=1.25),
    put("classes", value=["a", "b", "c"]),
    put("preprocess", "mean", value=[0.0, 0.0, 0.0]),
    put("facts", value={}),
    put("architecture", "num_classes", value=4),
]


@pytest.mark.parametrize("change", EDITS)
def test_an_edited_document_is_refused(
    change: Callable[[dict[str, Any]], None], folder: Path
) -> None:
    edit(folder, change, sign=False)
    message = rf"{FACTS} was changed after it was saved: the SHA-256 of its content is"
    with pytest.raises(ArtifactError, match=message):
        load(folder)


@pytest.mark.parametrize("name", [FACTS, WEIGHTS])
def test_a_document_without_a_hash_is_refused(name: str, folder: Path) -> None:
    edit(folder, drop("sha256", name), sign=False)
    with pytest.raises(ArtifactError, match=r"expected none|it says"):
        load(folder)


SCHEMA = [
    (put("extra", value=1), r"classifier\.json: extra: Extra inputs are not permitted"),
    (put("schema_version", value=2), r"is of schema 2; this version of hubel reads 1: install"),
    (put("schema_version", value="1"), r"is of schema '1'; this version of hubel reads 1"),
    (drop("schema_version"), "is of schema None; this version of hubel reads 1"),
    (drop("classes"), r"classifier\.json: classes: Field required"),
    (put("classes", value=["one"]), r"classifier\.json: classes: List should have at least 2"),
    (put("classes", value="abc"), r"classifier\.json: classes: Input should be a valid list"),
    (put("temperature", value=0), r"classifier\.json: temperature: Input should be greater than 0"),
    (put("temperature", value="1"), r"classifier\.json: temperature: Input should be a valid numb"),
    (put("architecture", "depth", value=9), r"classifier\.json can't be followed: .*depth"),
    (drop("architecture", "image_size"), r"classifier\.json can't be followed: 'image_size'"),
    (put("preprocess", "zoom", value=9), r"classifier\.json can't be followed: .*zoom"),
    (put("preprocess", "pixel_rule", value=99), r"can't be followed: these pixels follow rule 99"),
    (put("preprocess", "height", value=0), r"can't be followed: a picture of 0 x 8 pixels"),
]


@pytest.mark.parametrize("sign", [True, False])
@pytest.mark.parametrize(("change", "message"), SCHEMA[:9])
def test_a_document_of_another_schema_is_refused(
    change: Callable[[dict[str, Any]], None], message: str, sign: bool, folder: Path
) -> None:
    edit(folder, change, sign=sign)
    with pytest.raises(ArtifactError, match=message):
        load(folder)


@pytest.mark.parametrize(("change", "message"), SCHEMA[9:])
def test_a_signed_document_that_makes_no_sense_is_refused(
    change: Callable[[dict[str, Any]], None], message: str, folder: Path
) -> None:
    edit(folder, change)
    with pytest.raises(ArtifactError, match=message):
        load(folder)


CLASH = [
    (put("classes", value=["a", "b"]), "classes disagree: 2 given, the network has 3"),
    (put("classes", value=["a", "b", "a"]), r"a class name stands twice: \['a', 'b', 'a'\]"),
    (put("preprocess", "channels", value="grey"), "channels disagree: 1 given, the network has 3"),
    (put("preprocess", "height", value=9), r"size disagree: \(9, 8\) given, the network has"),
    (put("preprocess", "mean", value=[0.5]), "means disagree: 1 given, the network has 3"),
    (put("preprocess", "std", value=[]), "deviations disagree: 0 given, the network has 3"),
    (put("architecture", "name", value="convnet"), "the weights are of another network: "),
    (
        put("architecture", "name", value="resnet"),
        "the weights are of another network: there is no",
    ),
    (put("architecture", "options", value={"x": 1}), "the weights are of another network: .*x"),
]


@pytest.mark.parametrize(("change", "message"), CLASH)
def test_parts_that_do_not_fit_together_are_refused(
    change: Callable[[dict[str, Any]], None], message: str, folder: Path
) -> None:
    edit(folder, change)
    with pytest.raises(ArtifactError, match=message):
        load(folder)


@pytest.mark.parametrize("other", [make(classes=4), make(side=9), make("convnet")])
def test_the_weights_of_another_network_are_refused(
    other: Classifier, folder: Path, tmp_path: Path
) -> None:
    other.save(tmp_path / "other")
    (tmp_path / "other" / WEIGHTS).replace(folder / WEIGHTS)
    with pytest.raises(ArtifactError, match="is not the file that was saved"):
        load(folder)
    edit(folder, nothing)
    with pytest.raises(ArtifactError, match="the weights are of another network: "):
        load(folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '"x"', "{", '{"schema_version": NaN}', "[" * 99_999]
)
def test_what_is_not_the_json_that_was_saved_is_refused(text: str, folder: Path) -> None:
    (folder / FACTS).write_text(text)
    with pytest.raises(ArtifactError, match=rf"{FACTS} is not the JSON that was saved: "):
        load(folder)


class Bomb:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.path, "w"))


AUDIT = """
import sys
seen = []
sys.addaudithook(lambda event, args: seen.append((event, args)))
import pickle, hubel
from hubel.errors import ArtifactError
before = len([e for e, _ in seen if e == "pickle.find_class"])
try:
    hubel.load(sys.argv[1])
except ArtifactError as error:
    print(error)
print("found classes:", len([e for e, _ in seen if e == "pickle.find_class"]) - before)
print("compiled:", [a[1] for e, a in seen if e == "compile" and sys.argv[1] in str(a)])
"""


@pytest.mark.parametrize("sign", [True, False])
@pytest.mark.parametrize("name", [FACTS, WEIGHTS])
def test_a_pickle_is_never_opened(name: str, sign: bool, folder: Path, tmp_path: Path) -> None:
    (folder / name).write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    if sign and name == WEIGHTS:
        edit(folder, nothing)
    command = [sys.executable, "-c", AUDIT, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert name in done.stdout
    assert "found classes: 0" in done.stdout
    assert "compiled: []" in done.stdout
    assert not (tmp_path / "exploded").exists()


def test_a_torch_checkpoint_is_refused(folder: Path) -> None:
    torch.save({"fc.bias": torch.zeros(3)}, folder / WEIGHTS)
    edit(folder, nothing)
    with pytest.raises(ArtifactError, match=r"is not the file that was saved: .*header"):
        load(folder)


def test_a_loaded_classifier_outlives_its_files(folder: Path) -> None:
    classifier = load(folder)
    for name in (FACTS, WEIGHTS):
        (folder / name).write_bytes(b"")
    assert all(torch.equal(v, make().weights[k]) for k, v in classifier.weights.items())


@pytest.mark.parametrize("limit", [0, 200, 1200])
def test_a_full_disk_leaves_the_old_classifier(limit: int, folder: Path) -> None:
    before = tree_hash(folder.parent)
    with (
        files_no_longer_than(limit),
        pytest.raises(StorageError, match=r"the disk is full: could not write .*classifier"),
    ):
        make(side=32).save(folder)
    assert tree_hash(folder.parent) == before
    assert load(folder).temperature == 1.5


def test_reading_gives_the_document_and_the_tensors(folder: Path) -> None:
    document, weights = read_artifact(folder)
    assert document.schema_version == 1
    assert set(document.sha256) == {FACTS, WEIGHTS}
    assert document.sha256[WEIGHTS] == sha256_file(folder / WEIGHTS)
    assert weights.keys() == {"fc.weight", "fc.bias"}
