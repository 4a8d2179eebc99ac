"""The ladder: the same splits for all, chosen on validation, kept as it goes, resumed as it was."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch

import hubel
from hubel.data.manifest import read_parquet
from hubel.errors import BudgetError, DesignError, Interrupted, RecipeError
from hubel.evaluation.evaluation import Evaluation
from hubel.job import climb, stair, work
from hubel.job.climb import ladder, resume_ladder
from hubel.job.desk import Sitting
from hubel.job.rungs.cheap import fit_cheap
from hubel.job.rungs.names import RUNGS
from hubel.models.notation.errors import NotationError
from hubel.models.notation.tree import Span
from hubel.runs import Run
from tests.conftest import fill
from tests.job.conftest import Finished
from tests.job.runs import Heard

QUICK = ("largest", "pixels", "features", "mlp")
BUDGET = "60s"


def climbed(data: Path, out: Path, **more: Any) -> Run:
    settings: dict[str, Any] = {"rungs": QUICK, "budget": BUDGET} | more
    return ladder(data, out=out, **settings)


@pytest.fixture
def quick_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that are done after a few epochs, whatever the time."""
    monkeypatch.setattr("hubel.training.budget._MOST_EPOCHS", 3)


@pytest.fixture
def enough(tmp_path: Path) -> Path:
    """So many pictures of two classes that validation tells a good rung from the largest class."""
    for name, hue in (("dark", 0), ("red", 120)):
        fill(tmp_path / "enough" / name, 100, hue=hue)
    return tmp_path / "enough"


pytestmark = pytest.mark.usefixtures("quick_networks")


def test_every_rung_is_kept_and_every_pair_compared(two_classes: Path, tmp_path: Path) -> None:
    run = climbed(two_classes, tmp_path / "run")
    document = run.ladder
    names = [rung["name"] for rung in document["rungs"]]
    assert names == ["largest class", "linear on pixels", "linear on histogram + HOG", "mlp"]
    assert [rung["folder"] for rung in document["rungs"]] == [f"rungs/{key}" for key in QUICK]
    pairs = {frozenset((c["a"], c["b"])) for c in document["comparisons"]}
    assert pairs == {frozenset(pair) for pair in combinations(names, 2)}
    assert document["left_out"] == []
    for rung in document["rungs"]:
        kept = Evaluation.from_table(
            read_parquet(run.folder / rung["folder"] / "predictions.parquet")
        )
        assert kept.accuracy.to_json() == rung["accuracy"]
        assert hubel.load(run.folder / rung["folder"]).classes == ("dark", "red")
    assert (run.folder / "rungs" / "mlp" / "results.csv").is_file()
    assert run.facts["status"] == "done"
    assert run.report.is_file()


def test_what_is_shipped_is_the_rung_that_was_chosen(enough: Path, tmp_path: Path) -> None:
    run = climbed(enough, tmp_path / "run")
    document = run.ladder
    (chosen,) = [rung for rung in document["rungs"] if rung["name"] == document["chosen"]]
    assert document["verdict"]["ship"] == document["chosen"]
    assert run.evaluation["accuracy"] == chosen["accuracy"]
    own = hubel.load(run.folder / chosen["folder"])
    picture = next(enough.rglob("*.png"))
    assert run.classifier.predict(picture).probabilities == own.predict(picture).probabilities


def test_the_choice_never_looks_at_the_test_pictures(
    enough: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every answer on the test split turned round, the same rung is chosen."""
    before = climbed(enough, tmp_path / "one").ladder

    def turned(*given: Any) -> Any:
        rung = fit_cheap(*given)
        rung.probabilities["test"] = rung.probabilities["test"][:, ::-1].copy()
        return rung

    monkeypatch.setattr(stair, "fit_cheap", turned)
    after = climbed(enough, tmp_path / "other").ladder
    assert after["chosen"] == before["chosen"] == "linear on pixels"
    assert after["rungs"][1]["accuracy"]["value"] == 1 - before["rungs"][1]["accuracy"]["value"]


def test_a_ladder_is_the_same_for_the_same_seed(two_classes: Path, tmp_path: Path) -> None:
    rungs = ("largest", "neighbours", "pixels")
    one, other = (climbed(two_classes, tmp_path / name, rungs=rungs).ladder for name in "ab")
    for document in (one, other):
        for rung in document["rungs"]:
            rung["seconds"] = 0
    assert one["rungs"] == other["rungs"]
    assert one["comparisons"] == other["comparisons"]


def test_an_interrupt_keeps_what_there_is_and_resuming_goes_on_from_it(
    two_classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with pytest.raises(Interrupted, match=rf"go on with: hubel ladder --resume {out}$") as stopped:
        climbed(two_classes, out, sitting=Sitting(reporter=Heard(2)))
    assert f"validation chooses linear on pixels, which is in {out / 'classifier'};" in str(
        stopped.value
    )
    picture = next(two_classes.rglob("*.png"))
    answers = [hubel.load(folder).predict(picture) for folder in (out, out / "rungs" / "pixels")]
    assert answers[0].probabilities == answers[1].probabilities
    assert not (out / "evaluation.json").exists()
    facts = Run.open(out).facts
    assert facts["status"] == "interrupted"
    assert len(Run.open(out).ladder["rungs"]) == 3
    kept = {path: path.stat().st_mtime_ns for path in out.glob("rungs/*/rung.json")}
    heard = Heard()
    found = work.resume(out, sitting=Sitting(reporter=heard))
    assert any(text.startswith("going on at step 2 of ") for text in heard.said)
    assert found.facts["status"] == "done"
    assert [rung["name"] for rung in found.ladder["rungs"]][-1] == "mlp"
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


@pytest.mark.parametrize("rungs", ["largest,pixels", "neighbours,pixels"])
def test_stopped_in_a_cheap_rung_it_leaves_what_was_finished_before(
    rungs: str, two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stair, "fit_rung", stop)
    there = rungs.startswith("largest")
    said = "validation chooses largest class" if there else "no rung was finished that can be ship"
    with pytest.raises(Interrupted, match=f"stopped; .*{said}.*; go on with: hubel ladder"):
        climbed(two_classes, tmp_path / "run", rungs=rungs)
    assert (tmp_path / "run" / "classifier").is_dir() == there
    assert Run.open(tmp_path / "run").facts["status"] == "interrupted"


def test_a_failure_at_the_end_costs_no_rung(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise AssertionError

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(climb, "record", fail)
        with pytest.raises(AssertionError):
            climbed(two_classes, out)
    monkeypatch.setattr(stair, "fit_cheap", fail)
    assert resume_ladder(out).facts["status"] == "done"


def test_a_finished_ladder_says_so(two_classes: Path, tmp_path: Path) -> None:
    run = climbed(two_classes, tmp_path / "run", rungs="largest,pixels")
    heard = Heard()
    resume_ladder(run.folder, sitting=Sitting(reporter=heard))
    assert heard.said == [f"{run.folder} is complete: there is nothing to resume"]


def test_a_training_is_no_ladder(finished: Finished) -> None:
    with pytest.raises(RecipeError, match=r"is no ladder; go on with: hubel train --resume"):
        resume_ladder(finished.run.folder)


def test_a_rung_alone_is_gone_on_with_by_its_ladder(two_classes: Path, tmp_path: Path) -> None:
    run = climbed(two_classes, tmp_path / "run", rungs="largest,mlp")
    with pytest.raises(RecipeError, match=rf"go on with: hubel ladder --resume {run.folder}$"):
        work.resume(run.folder / "rungs" / "mlp")


def test_pictures_too_small_for_a_rung_leave_it_out_with_the_reason(tmp_path: Path) -> None:
    for name, hue in (("dark", 0), ("red", 120)):
        fill(tmp_path / "data" / name, 20, hue=hue, side=6)
    run = climbed(tmp_path / "data", tmp_path / "run", rungs="largest,pixels,features,lenet")
    left = {one["name"]: one["why"] for one in run.ladder["left_out"]}
    assert left.keys() == {"linear on histogram + HOG", "lenet"}
    assert "at least 8 x 8 pixels, and these are 6 x 6" in left["linear on histogram + HOG"]
    assert left["lenet"].startswith("conv5x5 valid on 1x1: 1 - 5 + 1 = -3; ")
    assert "\n" not in left["lenet"]
    assert run.ladder["learning_curve"] is None


def test_rungs_that_do_not_fit_into_the_budget_are_left_out_by_name(
    two_classes: Path, tmp_path: Path
) -> None:
    run = climbed(two_classes, tmp_path / "run", budget="2s", rungs="largest,pixels,convnet")
    assert [rung["name"] for rung in run.ladder["rungs"]] == ["largest class"]
    left = [(one["name"], one["why"]) for one in run.ladder["left_out"]]
    names = ("linear on pixels", "convnet")  # as the table would have shown them
    assert left == [(name, "no time is left for it") for name in names]


def test_a_rung_that_needs_more_than_its_share_says_how_long_an_epoch_takes(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: Any, **__: Any) -> None:
        raise BudgetError("the budget is too short for one epoch; give --epochs 1")

    monkeypatch.setattr("hubel.job.rungs.networks.learn", short)
    run = climbed(two_classes, tmp_path / "run", rungs="pixels,mlp")
    (left,) = run.ladder["left_out"]
    assert left["why"] == "the budget is too short for one epoch; give the ladder more time"


def left_out_where_learning_fails(
    error: Exception, data: Path, out: Path, patch: pytest.MonkeyPatch
) -> str:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    patch.setattr("hubel.job.rungs.networks.learn", fail)
    run = climbed(data, out, rungs="pixels,mlp")
    assert [rung["name"] for rung in run.ladder["rungs"]] == ["linear on pixels"]
    assert run.facts["status"] == "done"
    (left,) = run.ladder["left_out"]
    assert left["name"] == "mlp"
    return left["why"]


REASONS: list[tuple[Exception, str]] = [
    (
        BudgetError("too short", left=3.21, needed=14.6),
        "of its share 3.2 s are left for training, and one epoch needs 15 s; give the ladder more "
        "time",
    ),
    (NotationError("7 > 5", "relu conv7x7", Span(5, 12), "use at most 5"), "7 > 5; use at most 5"),
    (DesignError("no such arithmetic."), "no such arithmetic"),
]


@pytest.mark.parametrize(("error", "why"), REASONS, ids=[type(e).__name__ for e, _ in REASONS])
def test_why_a_rung_is_left_out_is_one_true_line(
    error: Exception, why: str, two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert left_out_where_learning_fails(error, two_classes, tmp_path / "run", monkeypatch) == why


@pytest.mark.parametrize("error", [torch.OutOfMemoryError(), MemoryError()], ids=repr)
def test_a_rung_without_memory_is_left_out_and_the_ladder_goes_on(
    error: Exception, two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = left_out_where_learning_fails(error, two_classes, tmp_path / "run", monkeypatch)
    assert why.endswith("has too little memory for it; a smaller --size takes less")
    facts = Run.open(tmp_path / "run" / "rungs" / "mlp").facts
    assert facts["status"] == "failed"
    assert "too little memory" in facts["error"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"rungs": "lennet"}, r"there is no rung 'lennet'\. Did you mean 'lenet'\?"),
    ({"rungs": "mlp,mlp"}, "the rung 'mlp' stands twice"),
    ({"rungs": "neighbours"}, "nothing among neighbours can be shipped; add one of largest"),
    ({"rungs": ()}, "nothing among no rungs can be shipped"),
    ({"epochs": 3}, "epochs is a setting of hubel train, where one network is trained"),
    ({"bugdet": "3m"}, r"there is no setting 'bugdet'\. Did you mean 'budget'\?"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG, ids=[str(s) for s, _ in WRONG])
def test_what_cannot_be_is_refused_before_a_folder_is_made(
    settings: dict[str, Any], message: str, two_classes: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=message):
        climbed(two_classes, tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_a_class_of_few_pictures_is_climbed_over(two_classes: Path, tmp_path: Path) -> None:
    fill(two_classes / "third", 3, hue=60)
    run = climbed(two_classes, tmp_path / "run", rungs="largest,neighbours,pixels,pixels-svm")
    assert len(run.ladder["rungs"]) == 4


def test_the_curve_is_of_nested_sets_up_to_all_of_them(two_classes: Path, tmp_path: Path) -> None:
    run = climbed(two_classes, tmp_path / "run", rungs="pixels")
    curve = run.ladder["learning_curve"]
    assert curve["name"] == "linear on pixels"
    assert [point["n_train"] for point in curve["points"]] == [5, 10, 21, 42]
    assert curve["points"][-1]["accuracy"] == run.ladder["rungs"][0]["accuracy"]


def test_every_rung_has_a_share_and_a_way_to_be_climbed() -> None:
    assert set(stair._WEIGHTS) == set(RUNGS)  # pyright: ignore[reportPrivateUsage]
