"""Reading a run folder, whole, cut short, and damaged."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from synthetic_run import LAYERS, Synthetic, write_run

from hubel.errors import ArtifactError
from hubel.reports import ReportFacts
from hubel.reports.answers import Answers
from hubel.reports.facts import Estimate
from hubel.reports.sections.confusions import most_confused

KIND = Synthetic(per_class=6, epochs=3)


def test_all_files_of_a_run_are_read(tmp_path: Path) -> None:
    facts = ReportFacts.read(write_run(tmp_path / "run", KIND), layers=LAYERS)
    assert facts.manifest is not None
    assert facts.predictions is not None
    assert facts.manifest.num_rows == 36 * 4 + KIND.rejected
    assert [row["epoch"] for row in facts.results] == [1, 2, 3]
    assert facts.classes == list(KIND.classes)
    assert facts.totals["parameters"] == 1_246_374
    weights = hashlib.sha256(b"not weights").hexdigest()
    assert facts.digests["classifier/model.safetensors"] == weights


def test_totals_are_summed_where_the_run_has_none(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    facts = ReportFacts.read(tmp_path, layers=LAYERS)
    assert facts.totals["parameters"] == sum(int(str(row["parameters"])) for row in LAYERS)
    assert facts.evaluation is None
    assert facts.results == ()


def test_a_folder_without_run_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no run\.json, so this is not a run folder"):
        ReportFacts.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("evaluation.json", "expected JSON"), ("manifest.parquet", "expected a Parquet table")],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, expected: str) -> None:
    folder = write_run(tmp_path / "run", KIND)
    (folder / name).write_bytes(b"{cut sh")
    with pytest.raises(ArtifactError, match=f"{name}: {expected}, but .*cut short or changed"):
        ReportFacts.read(folder)


def test_losses_that_are_no_numbers_are_undefined(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "results.csv").write_text("epoch,train_loss,val_loss\n1,nan,\n2,inf,0.5\n")
    rows = ReportFacts.read(tmp_path).results
    assert rows == (
        {"epoch": 1, "train_loss": None, "val_loss": None},
        {"epoch": 2, "train_loss": None, "val_loss": 0.5},
    )


def test_an_undefined_estimate_has_no_value() -> None:
    assert Estimate.read({"value": None, "low": None}) == Estimate(None)
    assert Estimate.read(None) == Estimate(None)


def test_answers_come_the_surest_mistake_first(tmp_path: Path) -> None:
    facts = ReportFacts.read(write_run(tmp_path / "run", Synthetic(per_class=40, skill=0.2)))
    assert facts.predictions is not None
    answers = Answers.read(facts.predictions)
    rows = answers.mistakes()
    assert rows
    assert len(rows) == sum(not right for right in answers.right)
    confidences = [answers.confidence[row] for row in rows]
    assert confidences == sorted(confidences, reverse=True)
    right = [answers.confidence[row] for row in answers.cell("glass", "glass")]
    assert right == sorted(right)


def test_the_matrix_shows_all_classes_or_the_pairs_most_often_confused() -> None:
    few = [[3, 1], [0, 4]]
    assert most_confused(few) == [0, 1]
    many = [[0] * 50 for _ in range(50)]
    many[7][41] = 9
    many[30][2] = 5
    shown = most_confused(many)
    assert len(shown) == 20
    assert {7, 41, 30, 2} <= set(shown)
