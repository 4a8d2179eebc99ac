"""What a run leaves: every file that is promised, and all of them agree."""

from __future__ import annotations

import csv
import json
from collections import Counter
from html.parser import HTMLParser
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import hubel
from hubel.data.manifest import SCHEMA, Manifest, read_parquet
from hubel.evaluation.evaluation import Evaluation
from hubel.evaluation.intervals import wilson
from hubel.storage import read_json
from hubel.training.recipe import Recipe
from tests.job.conftest import Finished
from tests.job.runs import TINY

INTERVAL = {"value", "low", "high"}
RUN_KEYS = {
    "schema_version", "status", "name", "command", "started", "error", "data", "recipe", "plan",
    "replans", "device", "versions", "machine", "seconds", "parameters", "multiply_adds",
    "budget_seconds", "threads", "epoch",
}  # fmt: skip
DATA_KEYS = {
    *("source", "kind", "classes", "files", "accepted", "rejected", "splits", "imbalance"),
    *("notes", "task", "flaws"),
}
STAGES = {"scan", "pixels", "training", "baselines", "evaluation", "report", "total"}
EVALUATION_KEYS = {
    "schema_version", "split", "n", "errors", "confidence", "accuracy", "balanced_accuracy",
    "log_loss", "ece", "macro_f1", "classes", "confusion", "calibration",
}  # fmt: skip


def rows_of(finished: Finished) -> list[dict[str, Any]]:
    return read_parquet(finished.run.folder / "predictions.parquet").to_pylist()


def test_a_run_leaves_exactly_what_it_says(finished: Finished) -> None:
    folder = finished.run.folder
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoints", "classifier", "evaluation.json", "ladder.json", "manifest.parquet",
        "predictions.csv", "predictions.parquet", "report.html", "results.csv", "run.json",
        "rungs",
    ]  # fmt: skip
    assert sorted(path.name for path in (folder / "classifier").iterdir()) == [
        "classifier.json",
        "model.safetensors",
    ]


def test_run_json_has_the_documented_keys(finished: Finished) -> None:
    facts = finished.run.facts
    assert facts.keys() >= RUN_KEYS
    assert facts["data"].keys() == DATA_KEYS
    assert facts["seconds"].keys() == STAGES
    assert (facts["schema_version"], facts["status"], facts["error"]) == (1, "done", None)
    assert facts["plan"].keys() >= {"epochs", "steps", "seconds", "text"}
    assert facts["device"].keys() == {"name", "text"}
    assert {"hubel", "python", "torch", "numpy", "pillow"} <= facts["versions"].keys()
    assert facts["seconds"]["total"] >= max(v for k, v in facts["seconds"].items() if k != "total")
    assert facts["data"]["source"] == str(finished.data)


def test_the_counts_of_all_files_agree(finished: Finished) -> None:
    data = finished.run.facts["data"]
    manifest = Manifest.read(finished.run.folder / "manifest.parquet")
    files = [path for path in finished.data.rglob("*") if path.is_file()]
    assert data["files"] == len(manifest) == len(files)
    assert data["accepted"] + data["rejected"] == data["files"]
    assert data["rejected"] == len(manifest.problems()) == 2
    assert sum(data["splits"].values()) == data["accepted"] == int(manifest.accepted.sum())
    assert data["splits"] == manifest.counts()
    assert data["splits"]["test"] == 24
    assert data["classes"] == list(manifest.classes) == ["dark", "red"]
    assert manifest.table.schema.equals(SCHEMA)
    names = set(manifest.table["file"].to_pylist())
    assert names == {str(path.relative_to(finished.data)) for path in files}


def test_the_recipe_says_who_set_each_value_and_why(finished: Finished) -> None:
    settings = finished.run.facts["recipe"]
    assert settings.keys() == set(Recipe.__dataclass_fields__)
    for entry in settings.values():
        assert entry.keys() == {"value", "set_by", "why"}
        assert entry["why"]
    by_user = {name for name, entry in settings.items() if entry["set_by"] == "user"}
    assert by_user == TINY.keys()
    assert settings["widths"]["value"] == [8, 8]
    assert settings["channels"] == {
        "value": "rgb", "set_by": "rule", "why": "grey where every picture is grey",
    }  # fmt: skip
    assert Recipe.from_json(settings).epochs == 8


def test_results_have_a_row_an_epoch(finished: Finished) -> None:
    with open(finished.run.folder / "results.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = ["epoch", "seconds", "train_loss", "val_loss", "val_accuracy", "lr"]
    assert list(rows[0]) == [*names, "val_balanced_accuracy", "val_macro_f1"]
    assert [int(row["epoch"]) for row in rows] == list(range(1, 9))
    assert finished.run.facts["plan"]["epochs"] == 8
    assert all(np.isfinite([float(cell) for cell in row.values()]).all() for row in rows)
    assert float(rows[-1]["lr"]) < float(rows[2]["lr"])


def test_evaluation_json_has_the_documented_keys(finished: Finished) -> None:
    document = finished.run.evaluation
    assert document.keys() == EVALUATION_KEYS
    assert (document["schema_version"], document["split"], document["confidence"]) == (
        1,
        "test",
        0.95,
    )
    for name in ("accuracy", "balanced_accuracy", "log_loss", "ece", "macro_f1"):
        assert document[name].keys() == INTERVAL
        assert document[name]["low"] <= document[name]["value"] <= document[name]["high"]
    for entry in document["classes"].values():
        assert entry.keys() == {"n", "precision", "recall", "f1"}
    assert document["confusion"].keys() == {"labels", "counts"}
    assert document["calibration"].keys() == {"temperature", "bins"}
    classifier = read_json(finished.run.folder / "classifier" / "classifier.json")
    assert document["calibration"]["temperature"] == classifier["temperature"]


def test_predictions_and_evaluation_agree(finished: Finished) -> None:
    document, rows = finished.run.evaluation, rows_of(finished)
    scored = [row for row in rows if row["error"] is None]
    assert document["n"] == len(rows)
    assert document["errors"] == len(rows) - len(scored) == 1
    right = sum(row["label"] == row["predicted"] for row in scored)
    assert document["accuracy"] == wilson(right, len(scored)).to_json()
    counts = Counter((row["label"], row["predicted"]) for row in scored)
    labels = document["confusion"]["labels"]
    expected = [[counts[true, guess] for guess in labels] for true in labels]
    assert document["confusion"]["counts"] == expected
    table = read_parquet(finished.run.folder / "predictions.parquet")
    assert Evaluation.from_table(table).to_json() == document


def test_predictions_csv_holds_the_same_rows(finished: Finished) -> None:
    with open(finished.run.folder / "predictions.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    expected = rows_of(finished)
    assert list(rows[0]) == list(expected[0])
    for row, other in zip(rows, expected, strict=True):
        assert row["file"] == other["file"]
        assert row["predicted"] == (other["predicted"] or "")
        for name in ("probability:dark", "probability:red"):
            assert (float(row[name]) if row[name] else None) == other[name]


def test_a_broken_test_picture_has_a_row_with_its_error(finished: Finished) -> None:
    (row,) = [row for row in rows_of(finished) if row["error"] is not None]
    assert row["file"] == "test/red/broken.png"
    assert row["label"] == "red"
    assert row["predicted"] is row["probability:dark"] is row["probability:red"] is None
    assert "broken" in row["error"]


def test_predicting_the_test_split_from_its_files_gives_the_stored_predictions(
    finished: Finished,
) -> None:
    rows = rows_of(finished)
    classifier = hubel.load(finished.run.folder)
    answers = classifier.predict([finished.data / row["file"] for row in rows])
    assert len(rows) == 25
    for row, answer in zip(rows, answers, strict=True):
        assert answer.label == row["predicted"]
        assert (answer.error is None) == (row["error"] is None)
        for label, probability in zip(answer.labels, answer.probabilities, strict=True):
            assert probability == pytest.approx(row[f"probability:{label}"], abs=1e-6)


NAMES = [
    "largest class", "nearest neighbours on pixels", "linear on pixels",
    "linear on histogram + HOG", "network (convnet)",
]  # fmt: skip
CHEAP_KEYS = ("largest", "neighbours", "pixels", "features")
METRICS = {"accuracy", "balanced_accuracy", "macro_f1", "log_loss", "ece", "validation_accuracy"}


def test_the_ladder_has_the_cheap_rungs_and_the_network(finished: Finished) -> None:
    ladder = finished.run.ladder
    assert ladder.keys() == {
        "rungs", "comparisons", "left_out", "chosen", "verdict", "learning_curve", "metric",
    }  # fmt: skip
    assert [rung["name"] for rung in ladder["rungs"]] == NAMES
    assert (ladder["left_out"], ladder["chosen"], ladder["verdict"]) == ([], None, None)
    for rung in ladder["rungs"]:
        assert rung.keys() == METRICS | {
            "name", "parameters", "multiply_adds", "seconds", "note", "folder", "shippable",
        }  # fmt: skip
        assert all(rung[metric].keys() == INTERVAL for metric in METRICS)
    folders = [rung["folder"] for rung in ladder["rungs"]]
    assert folders == [*(f"rungs/{key}" for key in CHEAP_KEYS), None]
    assert hubel.load(finished.run.folder / "rungs" / "features").classes == ("dark", "red")
    values = {rung["name"]: rung["accuracy"]["value"] for rung in ladder["rungs"]}
    assert ladder["rungs"][-1]["accuracy"] == finished.run.evaluation["accuracy"]
    assert ladder["rungs"][-1]["parameters"] == finished.run.facts["parameters"]
    assert values["largest class"] == 0.5
    assert values["linear on pixels"] == 1.0, "these classes differ in one linear feature"


def test_every_pair_of_rungs_is_compared_and_corrected_together(finished: Finished) -> None:
    ladder = finished.run.ladder
    pairs = {frozenset((c["a"], c["b"])) for c in ladder["comparisons"]}
    assert pairs == {frozenset(pair) for pair in combinations(NAMES, 2)}
    values = {rung["name"]: rung["accuracy"]["value"] for rung in ladder["rungs"]}
    for comparison in ladder["comparisons"]:
        difference = comparison["difference"]
        expected = values[comparison["a"]] - values[comparison["b"]]
        assert difference["value"] == pytest.approx(expected)
        assert difference["low"] <= difference["value"] <= difference["high"]
        assert comparison["n"] == 24
        assert comparison["p_adjusted"] >= comparison["p_value"]
        tells = comparison["verdict"] != "these data can't tell"
        assert tells == (comparison["p_adjusted"] < 0.05)


def test_the_classifier_knows_where_it_comes_from(finished: Finished) -> None:
    facts = finished.run.classifier.facts
    assert facts["metrics"]["accuracy"] == finished.run.evaluation["accuracy"]
    assert facts["provenance"]["data"] == str(finished.data)
    assert facts["provenance"]["versions"]["hubel"] == hubel.__version__


class Links(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href") and value and not value.startswith(("data:", "#")):
                self.fetched.append(f"{tag} {value}")


def test_the_report_stands_alone_and_names_every_class(finished: Finished) -> None:
    page = finished.run.report.read_text(encoding="utf-8")
    links = Links()
    links.feed(page)
    assert links.fetched == []
    assert all(name in page for name in ("dark", "red", "broken.png", "notes.txt"))


def test_the_documents_are_strict_json(finished: Finished) -> None:
    for path in finished.run.folder.rglob("*.json"):
        document = read_json(path)
        assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_predictions_have_their_types(finished: Finished) -> None:
    schema = read_parquet(finished.run.folder / "predictions.parquet").schema
    assert schema.names == [
        "file", "label", "predicted", "probability:dark", "probability:red", "error",
    ]  # fmt: skip
    assert [schema.field(name).type for name in schema.names] == [
        *[pa.string()] * 3,
        *[pa.float64()] * 2,
        pa.string(),
    ]
