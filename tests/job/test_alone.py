"""One process at a run at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

import hubel
from hubel.errors import StorageError
from hubel.storage import lock_folder


def test_a_run_at_work_is_left_alone(two_classes: Path, tmp_path: Path) -> None:
    run = hubel.train(two_classes, out=tmp_path / "run", epochs=1, size=16, widths="8,8")
    run.write_facts(run.facts | {"status": "interrupted"})
    before = run.facts
    with (
        lock_folder(run.folder / "checkpoints"),
        pytest.raises(StorageError, match="being worked on by another process"),
    ):
        hubel.resume(run.folder)
    assert run.facts == before
    assert hubel.resume(run.folder).facts["status"] == "done"
