"""A frozen network with a linear classifier at its end is one classifier, made without fetching."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants
from safetensors.torch import save_file
from timm import create_model

import hubel
from hubel.errors import RecipeError
from hubel.job.rungs.frozen import frozen_fit, weights_at_hand
from hubel.job.rungs.linear import fit_rung
from tests.conftest import fill
from tests.job.rungs.test_cheap import material_of

NAME = "test_resnet.r160_in1k"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def weights(cache: Path) -> Path:
    """Weights of timm's smallest residual network, where its cache would have them."""
    path = cache / f"models--timm--{NAME}" / "snapshots" / "1" / "model.safetensors"
    path.parent.mkdir(parents=True)
    network = create_model("test_resnet", pretrained=False)
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name, hue in (("dark", 0), ("red", 120)):
        fill(tmp_path / "data" / name, 30, hue=hue, side=64)
    return tmp_path / "data"


def test_weights_are_found_in_the_cache(weights: Path) -> None:
    found = weights_at_hand()
    assert found is not None
    assert (found.name, found.path) == (NAME, weights)


def test_the_whole_network_is_saved_and_answers_as_the_rung_did(
    weights: Path, pictures: Path, tmp_path: Path
) -> None:
    material = material_of(pictures)
    rung = fit_rung("frozen", frozen_fit(material, 0), 30)
    assert rung.classifier is not None
    rung.classifier.save(tmp_path / "saved")
    weights.unlink()
    files = material.dataset.manifest.files(material.rows["test"])
    answers = hubel.load(tmp_path / "saved").predict([pictures / file for file in files])
    for row, answer in zip(rung.probabilities["test"], answers, strict=True):
        given = dict(zip(answer.labels, answer.probabilities, strict=True))
        assert [given["dark"], given["red"]] == pytest.approx(row, abs=1e-4)


def test_without_weights_it_says_how_to_have_some(cache: Path, pictures: Path) -> None:
    assert not cache.exists()
    with pytest.raises(RecipeError, match=r"no weights at hand; put those of a network of timm"):
        frozen_fit(material_of(pictures), 0)


def test_weights_that_are_damaged_are_named(weights: Path, pictures: Path) -> None:
    weights.write_bytes(b"\0" * 100)
    with pytest.raises(RecipeError, match=rf"{weights} can't be used: "):
        frozen_fit(material_of(pictures), 0)
