"""Pictures with several labels, from the table to the report, by the same commands."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from hubel.classifier import load
from hubel.cli.tables import summary
from hubel.data.manifest import Manifest, read_parquet
from hubel.errors import ArtifactError, DataError, Interrupted, RecipeError
from hubel.evaluation.labelling import read_judgement
from hubel.job.desk import Sitting
from hubel.job.inspect import inspect
from hubel.job.work import resume, train
from hubel.runs import Run
from hubel.storage import read_json
from tests.job.runs import REPO, Heard, hubel, outcome

TINY = {"size": 16, "widths": "8,8", "epochs": 2, "batch_size": 16, "cutmix": 0.3, "seed": 1}


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table of `examples/shapes.py`, with few pictures."""
    spec = importlib.util.spec_from_file_location("shapes", REPO / "examples" / "shapes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make(tmp_path_factory.mktemp("shapes") / "data", count=90)


@pytest.fixture(scope="session")
def several(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run, of data in which one picture is broken."""
    folder = tmp_path_factory.mktemp("several")
    data = folder / "data"
    shutil.copytree(shapes.parent, data)
    (data / "00007.png").write_bytes((data / "00007.png").read_bytes()[:200])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUBEL_CACHE", str(folder / "cache"))
        return train(data / "labels.jsonl", out=folder / "run", **TINY)


def test_the_task_is_a_fact_of_manifest_run_evaluation_and_classifier(several: Run) -> None:
    assert Manifest.read(several.folder / "manifest.parquet").task == "multi-label"
    assert several.facts["data"]["task"] == several.evaluation["task"] == "multi-label"
    assert several.classifier.task == "multi-label"
    recipe = several.facts["recipe"]["loss"]
    assert (recipe["value"], recipe["set_by"]) == ("binary_cross_entropy", "rule")


def test_stored_answers_are_those_that_the_classifier_gives(several: Run) -> None:
    found = read_judgement(read_parquet(several.folder / "predictions.parquet"))
    classifier = several.classifier
    place = found.errors.index(None)
    path = Path(several.facts["data"]["source"]).parent / found.files[place]
    (answer,) = classifier.predict([path])
    expected = dict(zip(found.classes, found.probabilities[place], strict=True))
    got = dict(zip(answer.labels, answer.probabilities, strict=True))
    assert got == pytest.approx(expected, abs=1e-5)
    assert set(answer.given) == {n for n in got if got[n] >= classifier.thresholds[n]}
    document = answer.to_json(2)
    assert list(document) == ["file", "labels", "top", "error"]
    assert len(document["top"]) == 2


def test_epochs_are_watched_by_ranking_and_exact_match(several: Run) -> None:
    head, *rows = (several.folder / "results.csv").read_text().splitlines()
    assert {"val_accuracy", "val_mean_average_precision", "val_macro_f1"} <= set(head.split(","))
    assert len(rows) == 2


def test_the_rungs_are_compared_by_mean_average_precision(several: Run) -> None:
    ladder = several.ladder
    assert ladder["metric"] == "mean_average_precision"
    assert [rung["name"] for rung in ladder["rungs"]][:2] == [
        "label frequencies",
        "nearest neighbours on pixels",
    ]
    assert {one["metric"] for one in ladder["comparisons"]} == {"mean average precision"}
    assert "mAP" in summary(several)


def test_the_report_says_what_is_missed_and_what_invented(several: Run) -> None:
    page = several.report.read_text(encoding="utf-8")
    for text in ("Which labels does it miss", "label by label", "mean average precision"):
        assert text in page
    assert "What does it confuse?" not in page
    assert "<b>" in several._repr_html_()


def test_a_stopped_training_goes_on_to_the_same_end(shapes: Path, tmp_path: Path) -> None:
    whole = train(shapes, out=tmp_path / "whole", **TINY).folder
    with pytest.raises(Interrupted):
        train(shapes, out=tmp_path / "cut", sitting=Sitting(reporter=Heard(stop_at=3)), **TINY)
    assert outcome(resume(tmp_path / "cut").folder) == outcome(whole)


def test_losses_of_one_label_are_refused_with_those_of_several(
    shapes: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="these pictures have several; give --loss binary_cross"):
        train(shapes, out=tmp_path / "run", **TINY, loss="focal")
    assert not (tmp_path / "run").exists()


def test_a_search_says_that_it_is_for_one_label(shapes: Path, tmp_path: Path) -> None:
    from hubel.job.search.work import search

    with pytest.raises(DataError, match="several labels, and a search is for one label"):
        search(shapes, space="lr=0.1|0.2", out=tmp_path / "search", trials=1)


def test_what_a_source_holds_is_counted_by_label(shapes: Path) -> None:
    found = inspect(str(shapes))
    rows = [json.loads(line)["labels"] for line in shapes.read_text().splitlines()]
    for name, counts in found["classes"].items():
        assert sum(counts.values()) == sum(name in labels for labels in rows)
    assert found["task"] == "multi-label"


def test_predictions_are_printed_with_their_labels(several: Run) -> None:
    data = Path(several.facts["data"]["source"]).parent
    ran = hubel("predict", several.folder, data / "00001.png", data / "00007.png", "--json")
    good, broken = json.loads(ran.stdout)
    assert isinstance(good["labels"], list)
    assert "labels" not in broken
    assert ran.returncode == 1


def test_a_threshold_of_no_class_is_refused(several: Run, tmp_path: Path) -> None:
    classifier = several.classifier
    classifier.thresholds["horse"] = 0.5
    classifier.save(tmp_path / "classifier")
    with pytest.raises(ArtifactError, match="a threshold is given for 'horse', which is no class"):
        load(tmp_path)


@pytest.mark.slow
def test_a_whole_ladder_is_climbed(shapes: Path, tmp_path: Path) -> None:
    from hubel.job.climb import ladder

    run = ladder(shapes, out=tmp_path / "ladder", rungs="largest,pixels,pixels-svm,lenet",
                 budget="60s", size=16)  # fmt: skip
    document = read_json(run.folder / "ladder.json")
    assert document["chosen"] in {rung["name"] for rung in document["rungs"]}
    assert "mean average precision" in document["verdict"]["sentences"][0]
    assert np.isfinite(run.evaluation["mean_average_precision"]["value"])
