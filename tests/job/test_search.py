"""A search is shared, killed, resumed, and ends the same; test pictures are never learned from."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from hubel.cli.tables import search_summary
from hubel.data.manifest import Manifest, read_parquet
from hubel.errors import BudgetError, DataError, Interrupted, RecipeError, StorageError
from hubel.job.desk import Sitting
from hubel.job.search import bench
from hubel.job.search.found import Search
from hubel.job.search.work import resume_search, search
from hubel.tuning import storage as storage_of
from tests.conftest import fill
from tests.job.runs import REPO, Heard, environment, outcome

SPACE = "lr=log(0.01,1) model=conv3x3({4|8}) {bn|} relu gap fc"
SMALL: dict[str, Any] = {"folds": 2, "trials": 3, "epochs": 2, "size": 16, "batch_size": 8}
OPTIONS = ["--folds", "2", "--epochs", "2", "--size", "16", "-b", "8", "--pruner", "none"]


def tried(found: Search) -> list[dict[str, Any]]:
    """Every trial, without the clock."""
    runs = sorted(
        (found.folder / "trials").glob("*/run.json"), key=lambda path: int(path.parent.name)
    )
    trials = [json.loads(path.read_text()) for path in runs]
    for trial in trials:
        for fold in trial["folds"]:
            fold.pop("seconds")
            for row in fold["rows"]:
                row.pop("seconds")
    keys = ("number", "status", "settings", "parameters", "folds", "value")
    return [{key: trial[key] for key in keys} for trial in trials]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole search, made once: most tests only read what it left."""
    root = tmp_path_factory.mktemp("searched")
    fill(root / "two" / "dark", 30)
    fill(root / "two" / "red", 30, hue=120)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUBEL_CACHE", str(root / "cache"))
        before = torch.get_num_threads()
        torch.set_num_threads(1)  # as the processes that it is held against
        search(root / "two", space=SPACE, out=root / "whole", pruner="none", **SMALL)
        torch.set_num_threads(before)
    return root / "whole"


@pytest.fixture
def found(searched: Path, tmp_path: Path) -> Search:
    return Search.open(shutil.copytree(searched, tmp_path / "whole"))


def test_a_search_ends_with_one_test_and_a_page(found: Search) -> None:
    facts = found.facts
    assert (facts["status"], facts["counts"]["complete"]) == ("done", 3)
    best = max(facts["trials"], key=lambda trial: (trial["value"], -trial["number"]))
    assert facts["best"]["number"] == best["number"]
    assert facts["test"]["n"] == 12
    assert facts["test"]["value"] == found.best.evaluation["accuracy"]["value"]
    recipe = found.best.facts["recipe"]
    assert {name: recipe[name]["value"] for name in ("lr", "model")} == facts["best"]["settings"]
    assert found.report.read_text().startswith("<!doctype html>")
    assert not list((found.folder / "trials").glob("*/checkpoints"))


def test_every_picture_outside_of_the_test_is_answered_once_and_none_inside(found: Search) -> None:
    manifest = Manifest.read(found.folder / "manifest.parquet")
    apart = set(manifest.files(manifest.rows("test")))
    for trial in (found.folder / "trials").iterdir():
        parts = [read_parquet(path) for path in trial.glob("predictions-*.parquet")]
        files = [file for part in parts for file in part["file"].to_pylist()]
        assert max(Counter(files).values(), default=1) == 1
        assert not apart & set(files)
        assert len(files) in (0, 48)


def test_the_value_of_a_trial_is_its_share_of_right_answers(found: Search) -> None:
    for trial in tried(found):
        folder = found.folder / "trials" / str(trial["number"])
        rows = [
            row for path in folder.glob("predictions-*") for row in read_parquet(path).to_pylist()
        ]
        right = sum(row["label"] == row["predicted"] for row in rows)
        assert trial["value"] == right / len(rows)


def test_trials_take_no_pixels_of_the_test(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[set[int]] = []
    load = bench.load_pixels

    def spied(dataset: Any, rows: Any, *given: Any) -> Any:
        taken.append(set(rows.tolist()))
        return load(dataset, rows, *given)

    monkeypatch.setattr(bench, "load_pixels", spied)
    monkeypatch.setattr("hubel.job.search.work.finish", lambda *_: None)
    done = search(two_classes, space=SPACE, out=tmp_path / "run", **SMALL)
    manifest = Manifest.read(done.folder / "manifest.parquet")
    assert taken == [{int(row) for split in ("train", "val") for row in manifest.rows(split)}]


# Checkpoints after every step, and steps that take a while: a kill finds every moment.
SLOWLY = """
import time
from hubel.training import loop, trainer
step = trainer.Trainer.step
trainer.Trainer.step = lambda self, *given: (time.sleep({pause}), step(self, *given))[1]
loop.Controls.__init__.__kwdefaults__["seconds_between"] = 0.0
from hubel.cli.main import main
main()
"""


def start(*words: str | Path, pause: float = 0.05) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SLOWLY.format(pause=pause), "search", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment(),
        cwd=REPO,
    )  # fmt: skip


def wait_for(condition: Callable[[], Any], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def test_killed_half_way_it_goes_on_and_finishes_the_same_trials(
    found: Search, two_classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    process = start(two_classes, "--out", out, "--space", SPACE, "--trials", "3", *OPTIONS)
    middle = out / "trials" / "1" / "checkpoints" / "fold-1"
    wait_for(lambda: process.poll() is not None or list(middle.glob("step-*3")))
    process.kill()
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors
    half = json.loads((out / "trials" / "1" / "run.json").read_text())
    assert (half["status"], len(half["folds"])) == ("running", 1)
    assert not (out / "trials" / "2").exists()
    heard = Heard()
    again = resume_search(out, sitting=Sitting(reporter=heard))
    assert "going on with trial 1" in heard.said
    assert tried(again)[1]["parameters"] == half["parameters"]
    assert tried(again) == tried(found)
    assert outcome(again.folder / "best") == outcome(found.folder / "best")
    resumed = json.loads((out / "trials" / "1" / "run.json").read_text())["sittings"]
    assert len({sitting["pid"] for sitting in resumed}) == 2


def test_two_processes_on_one_storage_share_the_work(two_classes: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = start(two_classes, "--out", out, "--space", SPACE, "--trials", "8", *OPTIONS)
    wait_for(lambda: first.poll() is not None or (out / "trials" / "0" / "run.json").exists())
    second = start("--resume", out)
    said = [process.communicate(timeout=240) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    done = Search.open(out)
    assert done.facts["status"] == "done"
    trials = [json.loads(path.read_text()) for path in (out / "trials").glob("*/run.json")]
    assert [len(trial["sittings"]) for trial in trials] == [1] * 8  # none was done twice
    assert {trial["sittings"][0]["pid"] for trial in trials} == {first.pid, second.pid}
    assert len({json.dumps(trial["parameters"]) for trial in trials}) == 8
    assert done.facts["counts"]["complete"] == 8


@pytest.mark.slow
def test_two_folders_on_one_database_share_a_study(two_classes: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    given = SMALL | {"storage": url, "study": "both", "pruner": "none"}
    first = search(two_classes, space=SPACE, out=tmp_path / "a", **given)
    second = search(two_classes, space=SPACE, out=tmp_path / "b", **given | {"trials": 5})
    numbers = [[trial["number"] for trial in tried(one)] for one in (first, second)]
    assert numbers == [[0, 1, 2], [3, 4]]
    with pytest.raises(
        RecipeError, match=r"the study 'both' in .* asks something else: epochs was"
    ):
        search(two_classes, space=SPACE, out=tmp_path / "c", **given | {"epochs": 3})
    assert not (tmp_path / "c").exists()


def test_ctrl_c_stops_at_a_step_and_says_how_to_go_on(
    found: Search, two_classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    process = start(two_classes, "--out", out, "--space", SPACE, "--trials", "3", *OPTIONS)
    wait_for(lambda: process.poll() is not None or (out / "trials" / "1" / "run.json").exists())
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert errors.rstrip().endswith(f"go on with: hubel search --resume {out}")
    assert Search.open(out).facts["status"] == "interrupted"
    assert tried(resume_search(out)) == tried(found)


def test_what_is_impossible_is_never_trained_and_counted(two_classes: Path, tmp_path: Path) -> None:
    space = "model=conv{3|17}x{same}/2({2|4|8},pad=valid) relu gap fc lr=log(0.01,1)"
    done = search(two_classes, space=space, out=tmp_path / "run", **SMALL | {"trials": 6})
    facts = done.facts
    refused = [trial for trial in facts["trials"] if trial["ending"] == "impossible"]
    assert len(refused) == facts["counts"]["impossible"] > 0
    assert all("17" in trial["why"] for trial in refused)
    assert all(trial["parameters"]["model.1"] == 17 or trial["parameters"]["model.1"] == "17"
               for trial in refused)  # fmt: skip
    trained = {trial["number"] for trial in tried(done)}
    assert not trained & {trial["number"] for trial in refused}


def test_a_small_space_is_tried_out_and_no_setting_twice(two_classes: Path, tmp_path: Path) -> None:
    space = "model=conv3x3({2|4|8}) bn relu gap fc"
    done = search(two_classes, space=space, out=tmp_path / "run", **SMALL | {"trials": 9})
    assert done.facts["ended"] == "every setting of the space was tried"
    assert sorted(trial["settings"]["model"] for trial in tried(done)) == [
        f"conv3x3({width}) bn relu gap fc" for width in (2, 4, 8)
    ]


def test_a_space_that_matches_nothing_says_why(two_classes: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"matches no setting that is possible here \(all 2 "):
        search(two_classes, space="model=conv{17|19}x{same}(4,pad=valid) gap fc",
               out=tmp_path / "run", **SMALL)  # fmt: skip
    assert not (tmp_path / "run").exists()


def test_a_class_smaller_than_the_folds_is_named(tmp_path: Path) -> None:
    fill(tmp_path / "data" / "dark", 30)
    fill(tmp_path / "data" / "rare", 5, hue=90)
    with pytest.raises(DataError, match=r"class 'rare' has 4 different pictures .* --folds 4"):
        search(tmp_path / "data", space=SPACE, out=tmp_path / "run", **SMALL | {"folds": 5})


def test_a_budget_that_holds_no_trial_is_refused(two_classes: Path, tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match="the budget is too short for one trial"):
        search(two_classes, space=SPACE, out=tmp_path / "run", budget=10, folds=2, size=16)


def test_a_storage_that_is_gone_is_said(found: Search) -> None:
    found.write_facts(found.facts | {"status": "running"})
    (found.folder / "study.db").unlink()
    with pytest.raises(StorageError, match=r"study\.db is gone, and with it which trials"):
        resume_search(found.folder)


def test_a_storage_that_is_locked_is_said(found: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    monkeypatch.setattr(storage_of, "PATIENCE", 0.1)
    found.write_facts(found.facts | {"status": "running"})
    other = sqlite3.connect(found.folder / "study.db")
    try:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageError, match=r"study\.db failed: database is locked; another"):
            resume_search(found.folder)
    finally:
        other.close()
    assert Search.open(found.folder).facts["status"] == "failed"


def test_trials_start_only_while_they_fit(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hubel.job.search import trial

    monkeypatch.setattr(trial.Clock, "left", property(lambda _: 0.0))
    with pytest.raises(RecipeError, match=r"no trial came to its end .*fits into the 0 s left"):
        search(two_classes, space=SPACE, out=tmp_path / "run", budget=600, folds=2, epochs=1,
               size=16, batch_size=8)  # fmt: skip


def test_nested_folds_are_answered_by_searches_that_never_saw_them(
    two_classes: Path, tmp_path: Path
) -> None:
    done = search(two_classes, space=SPACE, out=tmp_path / "run", nested=True,
                  **SMALL | {"trials": 2})  # fmt: skip
    nested = done.facts["nested"]
    assert nested["accuracy"]["n"] == 48
    assert nested["gain"]["low"] <= nested["gain"]["value"] <= nested["gain"]["high"]
    assert "what the search buys over the plain settings: " in search_summary(done)
    manifest = Manifest.read(done.folder / "manifest.parquet")
    apart = set(manifest.files(manifest.rows("test")))
    seen = []
    for fold in range(2):
        paths = (done.folder / "outer" / str(fold) / "trials").glob("0/predictions-*")
        seen.append({file for path in paths for file in read_parquet(path)["file"].to_pylist()})
    assert not seen[0] & seen[1]  # with two folds, each inside is the other's outside
    assert not apart & (seen[0] | seen[1])


def test_nested_folds_that_can_not_be_are_refused_before_anything(tmp_path: Path) -> None:
    fill(tmp_path / "data" / "dark", 30)
    fill(tmp_path / "data" / "rare", 5, hue=90)
    with pytest.raises(
        DataError,
        match=r"--nested: without the pictures of outer fold \d of 3, class 'rare' has 2 [\s\S]*"
        r"need at least 5 different pictures [\s\S]*\(class 'rare' has 4\); give fewer --folds",
    ):
        search(tmp_path / "data", space=SPACE, out=tmp_path / "run", nested=True,
               **SMALL | {"folds": 3})  # fmt: skip
    assert not (tmp_path / "run").exists()


def test_stopped_between_trials_is_an_interrupt(
    two_classes: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))

    class Presses(Heard):
        def say(self, text: str) -> None:
            if text.startswith("trial 0"):
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match="go on with: hubel search --resume"):
        search(two_classes, space=SPACE, out=tmp_path / "run",
               sitting=Sitting(reporter=Presses()), **SMALL)  # fmt: skip
    assert len(tried(Search.open(tmp_path / "run"))) == 1


def test_where_classes_are_unequal_trials_are_valued_by_balanced_accuracy(tmp_path: Path) -> None:
    fill(tmp_path / "uneven" / "dark", 32)
    fill(tmp_path / "uneven" / "red", 8, hue=120)
    settings = SMALL | {"trials": 1, "epochs": 1}
    done = search(
        tmp_path / "uneven", space="lr=log(0.01,1) balance=none|sampler", out=tmp_path / "run",
        pruner="none", **settings,
    )  # fmt: skip
    facts = done.facts
    trial = tried(done)[0]
    each = [fold["classes"] for fold in trial["folds"]]
    shares = [sum(x["right"][k] for x in each) / sum(x["n"][k] for x in each) for k in (0, 1)]
    assert trial["value"] == pytest.approx(sum(shares) / 2)
    assert (facts["metric"], facts["best"]["metric"]) == ("balanced_accuracy",) * 2
    right = sum(fold["right"] for fold in trial["folds"])
    assert facts["best"]["accuracy"]["value"] == right / sum(fold["n"] for fold in trial["folds"])
    assert f"trial 0, balanced accuracy {trial['value']:.1%}" in search_summary(done)
    assert "balanced accuracy out of fold" in done.report.read_text(encoding="utf-8")


def test_a_metric_or_an_epoch_that_cannot_be_is_refused(two_classes: Path) -> None:
    with pytest.raises(RecipeError, match="metric: expected accuracy or balanced_accuracy, got"):
        search(two_classes, metric="recall")
    with pytest.raises(RecipeError, match="monitor has no effect in a search"):
        search(two_classes, space="monitor=accuracy|last", **SMALL)
