"""However a run was stopped, it ends as if it had not been."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hubel
from hubel.errors import ArtifactError, DataError, Interrupted
from hubel.job import learn, work
from hubel.job.desk import Sitting
from hubel.job.work import resume, train
from hubel.runs import Run
from hubel.training.loop import Controls
from tests.conftest import tree_hash
from tests.job.conftest import Finished
from tests.job.runs import STEPS, TINY, Heard, outcome


def fail(*_: Any) -> None:
    raise MemoryError


def interrupted(data: Path, out: Path, step: int) -> str:
    """Press Ctrl-C after a step; what the user then reads."""
    with pytest.raises(Interrupted) as caught:
        train(data, out=out, sitting=Sitting(reporter=Heard(step)), **TINY)
    return str(caught.value)


@pytest.mark.parametrize("step", [1, 6, 20])
def test_an_interrupted_run_goes_on_to_the_same_end(
    step: int, whole: Path, two_classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    message = interrupted(two_classes, out, step)
    assert message.startswith(f"stopped at step {step} of {STEPS}; ")
    assert message.endswith(f"go on with: hubel train --resume {out}")
    facts = Run.open(out).facts
    assert (facts["status"], facts["error"]) == ("interrupted", message)
    assert hubel.load(out).predict(next(two_classes.rglob("*.png"))).error is None
    heard = Heard()
    found = resume(out, sitting=Sitting(reporter=heard))
    assert f"going on at step {step} of {STEPS}" in heard.said
    assert (found.facts["status"], found.facts["error"]) == ("done", None)
    assert outcome(out) == outcome(whole)


def test_two_interrupts_one_after_the_other_end_the_same(
    whole: Path, two_classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    interrupted(two_classes, out, 3)
    with pytest.raises(Interrupted, match="stopped at step 15 of 21"):
        resume(out, sitting=Sitting(reporter=Heard(15)))
    assert resume(out).facts["status"] == "done"
    assert outcome(out) == outcome(whole)


def test_a_second_press_stops_at_once_and_the_checkpoint_before_is_good(
    whole: Path, two_classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(two_classes, out=out, sitting=Sitting(reporter=Heard(5, presses=2)), **TINY)
    assert Run.open(out).facts["status"] == "interrupted"
    resume(out)
    assert outcome(out) == outcome(whole)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_resuming_with_other_workers_ends_the_same(
    workers: int, whole: Path, two_classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    interrupted(two_classes, out, 8)
    run = Run.open(out)
    facts = run.facts
    facts["recipe"]["workers"]["value"] = workers
    run.write_facts(facts)
    resume(out)
    assert outcome(out) == outcome(whole)


@pytest.mark.parametrize("stage", ["save_final", "climb_cheap", "evaluate"])
def test_a_failure_after_training_costs_no_training(
    stage: str, whole: Path, two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(work, stage, fail)
        with pytest.raises(MemoryError):
            train(two_classes, out=out, **TINY)
    facts = Run.open(out).facts
    assert (facts["status"], facts["error"]) == ("failed", "MemoryError")
    assert hubel.load(out).classes == ("dark", "red")
    heard = Heard()
    assert resume(out, sitting=Sitting(reporter=heard)).facts["status"] == "done"
    assert f"going on at step {STEPS} of {STEPS}" in heard.said
    assert outcome(out) == outcome(whole)


@pytest.mark.parametrize("stage", ["gather", "save_final", "climb_cheap", "evaluate"])
def test_ctrl_c_in_any_stage_says_how_to_go_on(
    stage: str,
    whole: Path,
    two_classes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    def press(*_: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    # A script that runs the tests in the background has Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(work, stage, press)
        with pytest.raises(
            Interrupted, match=rf"^stopped; go on with: hubel train --resume {out}$"
        ):
            train(two_classes, out=out, **TINY)
    assert Run.open(out).facts["status"] == "interrupted"
    assert resume(out).facts["status"] == "done"
    assert outcome(out) == outcome(whole)


def test_a_run_that_only_lacks_its_report_gets_it(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(work, "write_report", fail)
        with pytest.raises(MemoryError):
            train(two_classes, out=out, **TINY)
    before = outcome(out)
    assert not Run.open(out).report.exists()
    heard = Heard()
    found = resume(out, sitting=Sitting(reporter=heard))
    assert heard.said == ["only the report was missing"]
    assert "dark" in found.report.read_text(encoding="utf-8")
    assert outcome(out) == before


def test_a_damaged_checkpoint_is_passed_over_and_the_end_is_the_same(
    whole: Path, two_classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    interrupted(two_classes, out, 9)
    newest = max((out / "checkpoints").iterdir())
    (newest / "state.safetensors").write_bytes(b"\0" * 100)
    with pytest.warns(UserWarning, match=rf"{newest.name} is damaged and passed over"):
        resume(out)
    assert outcome(out) == outcome(whole)


@pytest.mark.filterwarnings("ignore:.*is damaged and passed over")
def test_when_all_checkpoints_are_damaged_it_never_begins_anew(
    two_classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    interrupted(two_classes, out, 9)
    for path in (out / "checkpoints").rglob("state.json"):
        path.write_text("{}")
    with pytest.raises(ArtifactError, match=r"every checkpoint in .* is damaged; start a new run"):
        resume(out)
    assert hubel.load(out).classes == ("dark", "red")


def test_without_any_checkpoint_it_says_that_it_begins_anew(
    whole: Path, two_classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    interrupted(two_classes, out, 9)
    shutil.rmtree(out / "checkpoints")
    heard = Heard()
    resume(out, sitting=Sitting(reporter=heard))
    assert "no checkpoint was finished before: training begins anew" in heard.said
    assert outcome(out) == outcome(whole)


def test_a_finished_run_says_so_and_stays_as_it_is(finished: Finished) -> None:
    before = tree_hash(finished.run.folder)
    heard = Heard()
    assert resume(finished.run.folder, sitting=Sitting(reporter=heard)) == finished.run
    assert heard.said == [f"{finished.run.folder} is complete: there is nothing to resume"]
    assert tree_hash(finished.run.folder) == before


def test_what_is_no_run_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no run\.json there"):
        resume(tmp_path)


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def remove(path: Path) -> None:
    path.unlink()


def swap(path: Path) -> None:
    other = next(p for p in sorted(path.parent.iterdir()) if p != path)
    status = path.stat()
    path.write_bytes(other.read_bytes())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("harm", [change, remove, swap])
def test_pictures_that_changed_in_between_are_named(
    harm: Callable[[Path], None],
    cached: bool,
    two_classes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "run"
    interrupted(two_classes, out, 4)
    harm(two_classes / "dark" / "003.png")
    if not cached:
        monkeypatch.setenv("HUBEL_CACHE", str(tmp_path / "empty"))
    message = (
        r"1 of 60 pictures have changed or gone .* the first is 'dark/003\.png'; put them back"
    )
    with pytest.raises(DataError, match=message):
        resume(out)


def test_pictures_that_came_in_between_change_nothing(
    whole: Path, two_classes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    interrupted(two_classes, out, 4)
    shutil.copy(two_classes / "dark" / "003.png", two_classes / "red" / "new.png")
    (two_classes / "dark" / "note.txt").write_text("new")
    resume(out)
    assert outcome(out) == outcome(whole)


def test_data_that_are_gone_are_named(two_classes: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    interrupted(two_classes, out, 4)
    two_classes.rename(tmp_path / "moved")
    with pytest.raises(DataError, match=r"two: no such file or folder"):
        resume(out)


def test_a_run_goes_on_from_any_working_folder_and_place(
    whole: Path, two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    interrupted(Path(two_classes.name), tmp_path / "run", 4)
    (tmp_path / "run").rename(tmp_path / "renamed")
    (tmp_path / "far").mkdir()
    monkeypatch.chdir(tmp_path / "far")
    resume("../renamed")
    assert outcome(tmp_path / "renamed") == outcome(whole)


def test_the_first_checkpoint_is_there_before_the_first_step(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[str] = []

    def spied(desk: Any, _material: Any, _trainer: Any) -> Any:
        folder = desk.run.folder / "checkpoints"

        def look(_journey: Any) -> None:
            saved.extend(path.name for path in folder.glob("step-*"))

        return lambda stop: Controls(stop=lambda: True, on_checkpoint=look)

    monkeypatch.setattr(learn, "_controls", spied)
    with pytest.raises(Interrupted, match="stopped at step 0 of 21"):
        train(two_classes, out=tmp_path / "run", **TINY)
    assert saved[0] == "step-0000000000"
