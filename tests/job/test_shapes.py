"""Pictures in buckets, from the scan to the prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import hubel
from hubel.data.buckets import bucket_of
from hubel.data.manifest import read_parquet
from hubel.data.preprocess import Preprocess
from hubel.errors import Interrupted, RecipeError
from hubel.job.bucketing import bucket_notes
from hubel.job.climb import ladder
from hubel.job.desk import Sitting
from hubel.job.inspect import inspect
from hubel.job.work import resume, train
from hubel.runs import Run
from hubel.storage import read_json
from tests.conftest import fill
from tests.job.runs import TINY, Heard, outcome

BUCKET: dict[str, Any] = TINY | {"shape": "bucket", "size": 32, "epochs": 3}
SIZES = ((48, 36), (36, 48), (56, 28))  # width, height: three ratios


def reshape(folder: Path, sizes: tuple[tuple[int, int], ...]) -> Path:
    """Give the pictures of a folder several ratios."""
    for number, path in enumerate(sorted(folder.rglob("*.png"))):
        Image.open(path).resize(sizes[number % len(sizes)]).save(path)
    return folder


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed") / "data"
    fill(folder / "dark", 42)
    fill(folder / "red", 42, hue=120)
    return reshape(folder, SIZES)


@pytest.fixture(scope="module")
def bucketed(mixed: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("bucketed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUBEL_CACHE", str(root / "cache"))
        before = torch.get_num_threads()
        torch.set_num_threads(1)  # as the run that it is held against
        run = train(mixed, out=root / "run", sitting=Sitting(reporter=Heard()), **BUCKET)
        torch.set_num_threads(before)
        return run


def test_a_new_picture_gets_the_answer_that_the_evaluation_has(bucketed: Run, mixed: Path) -> None:
    classifier = hubel.load(bucketed.folder)
    rows = read_parquet(bucketed.folder / "predictions.parquet").to_pylist()
    found = classifier.predict([mixed / row["file"] for row in rows])
    for row, answer in zip(rows, found, strict=True):
        got = dict(zip(answer.labels, answer.probabilities, strict=True))
        assert got == pytest.approx({name: row[f"probability:{name}"] for name in got}, abs=1e-5)


def test_the_classifier_holds_its_buckets_and_brings_each_picture_to_its_own(
    bucketed: Run, mixed: Path
) -> None:
    preprocess = hubel.load(bucketed.folder).preprocess
    document = read_json(bucketed.folder / "classifier" / "classifier.json")
    assert [tuple(size) for size in document["preprocess"]["buckets"]] == list(preprocess.buckets)
    assert len(preprocess.buckets) == 3
    for path in mixed.rglob("*.png"):
        picture = np.asarray(Image.open(path))
        own = bucket_of(preprocess.buckets, (picture.shape[0], picture.shape[1]))
        assert preprocess.pixels(picture).shape[:2] == own


def test_what_the_shape_costs_is_said_before_training_and_kept(mixed: Path, bucketed: Run) -> None:
    found = bucketed.facts["shape"]
    assert found["chosen"] == "bucket"
    assert found["text"].startswith("bucket drops ")
    costs = {cost["shape"]: cost for cost in found["costs"]}
    assert costs["bucket"]["most_cut"] <= 0.05
    assert costs["bucket"]["padded"] < 0.02
    assert costs["crop"]["cut"] > 0.1


def test_the_cheap_rungs_are_squashed_and_say_so(bucketed: Run) -> None:
    notes = {rung["name"]: rung["note"] for rung in bucketed.ladder["rungs"]}
    assert notes["linear on pixels"].endswith("; pictures squashed to 32 x 32 px")
    assert "squashed" not in notes["network (convnet)"]


@pytest.mark.parametrize(
    "step", [pytest.param(1, marks=pytest.mark.slow), 7, pytest.param(20, marks=pytest.mark.slow)]
)
def test_a_run_in_buckets_that_was_interrupted_ends_the_same(
    step: int, mixed: Path, bucketed: Run, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with pytest.raises(Interrupted):
        train(mixed, out=out, sitting=Sitting(reporter=Heard(step)), **BUCKET)
    resume(out)
    assert outcome(out) == outcome(bucketed.folder)


def test_one_bucket_is_said_to_be_one() -> None:
    way = Preprocess(height=36, width=48, shape="bucket").with_buckets([(36, 48)])
    assert bucket_notes(way) == ("one bucket, 36 x 48 px: nearly all pictures share its ratio",)
    assert bucket_notes(way.squashed()) == ()


@pytest.mark.parametrize(
    "model", ["linear", "patch8(16) positions [residual(norm attention(2))]*1 norm gap fc"]
)
def test_a_network_of_one_size_is_refused_with_those_that_are_not(
    model: str, mixed: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=r"made for one; take the convnet, .* timm:vit"):
        train(mixed, out=tmp_path / "run", model=model, shape="bucket", size=32, epochs=1)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_line_of_notation_learns_from_buckets(mixed: Path, tmp_path: Path) -> None:
    line = "conv3x3/2(8) bn relu tokens [residual(norm attention(2))]*1 norm seqpool fc"
    settings: dict[str, Any] = {"model": line, "shape": "bucket", "size": 32, "epochs": 1}
    run = train(mixed, out=tmp_path / "run", **settings)
    assert len(run.classifier.preprocess.buckets) == 3


@pytest.mark.slow
def test_a_transformer_of_timm_fits_its_positions_to_each_bucket(
    mixed: Path, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"shape": "bucket", "size": 64, "epochs": 1, "batch_size": 8}
    run = train(mixed, out=tmp_path / "run", model="timm:test_vit", **settings)
    preprocess = run.classifier.preprocess
    assert len(preprocess.buckets) == 3
    assert all(side % 16 == 0 for size in preprocess.buckets for side in size)
    assert run.classifier.predict(next(mixed.rglob("*.png"))).error is None


@pytest.mark.slow
def test_a_ladder_gives_buckets_to_the_convnet_and_one_size_to_the_others(
    mixed: Path, tmp_path: Path
) -> None:
    rungs = ["largest", "pixels", "mlp", "convnet"]
    run = ladder(mixed, out=tmp_path / "run", rungs=rungs, budget="60s", shape="bucket", size=32)
    notes = {rung["name"]: rung["note"] for rung in run.ladder["rungs"]}
    assert "3 buckets of about 32 x 32 px" in notes["convnet"]
    assert notes["linear on pixels"].endswith("; pictures squashed to 32 x 32 px")
    assert "buckets" not in notes["mlp"]


def test_hubel_data_says_what_every_shape_would_cost(mixed: Path) -> None:
    found = inspect(str(mixed))["shape"]
    assert [cost["shape"] for cost in found["costs"]] == ["squash", "crop", "pad", "bucket"]
    assert found["chosen"] == "squash"
    assert found["text"].startswith("squash bends 100% of the pictures by up to 100%; crop drops ")
