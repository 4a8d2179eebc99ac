"""A disk that fills while training: a clear error, and the checkpoint before it carries on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hubel
from hubel.errors import StorageError
from hubel.job import learn, work
from hubel.job.work import resume
from hubel.runs import Run
from hubel.training.checkpoints import Checkpoints
from tests.job.runs import TINY, outcome
from tests.places import files_no_longer_than


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints after every step."""
    real = learn.Controls
    monkeypatch.setattr(learn, "Controls", lambda **given: real(**given, seconds_between=-1.0))


@pytest.mark.usefixtures("often")
def test_a_disk_that_fills_keeps_the_checkpoint_before(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = hubel.train(two_classes, out=tmp_path / "whole", **TINY)
    out = tmp_path / "run"
    real = Checkpoints.save

    def save(self: Checkpoints, checkpoint: Any) -> None:
        with files_no_longer_than(2000 if checkpoint.step == 7 else 1 << 40):
            real(self, checkpoint)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", save)
        message = r"the disk is full: could not write .*step-0000000007 .*; free some space"
        with pytest.raises(StorageError, match=message):
            hubel.train(two_classes, out=out, **TINY)
    facts = Run.open(out).facts
    assert facts["status"] == "failed"
    assert "the disk is full" in facts["error"]
    names = sorted(path.name for path in (out / "checkpoints").glob("[!.]*"))
    assert names == ["step-0000000005", "step-0000000006"]
    assert hubel.load(out).classes == ("dark", "red")
    assert resume(out).facts["status"] == "done"
    assert outcome(out) == outcome(whole.folder)


def test_a_disk_that_is_full_from_the_start_is_said(two_classes: Path, tmp_path: Path) -> None:
    hubel.train(two_classes, out=tmp_path / "cached", **TINY)
    with (
        files_no_longer_than(1000),
        pytest.raises(StorageError, match=r"the disk is full: could not write .*; .*"),
    ):
        hubel.train(two_classes, out=tmp_path / "run", **TINY)


def test_a_disk_that_fills_at_the_end_costs_no_training(
    two_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = hubel.train(two_classes, out=tmp_path / "whole", **TINY)
    out = tmp_path / "run"
    real = work.evaluate

    def evaluate(*given: Any) -> Any:
        with files_no_longer_than(100):
            return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(work, "evaluate", evaluate)
        with pytest.raises(StorageError, match=r"the disk is full: could not write .*evaluation"):
            hubel.train(two_classes, out=out, **TINY)
    assert Run.open(out).facts["status"] == "failed"
    resume(out)
    assert outcome(out) == outcome(whole.folder)
