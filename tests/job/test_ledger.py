"""What a run knows of its time, however it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubel.job import ledger
from hubel.job.ledger import Ledger
from hubel.runs import Run


def test_a_stage_counts_both_sittings_even_if_the_first_was_killed_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(ledger.time, "monotonic", lambda: clock[0])
    first = Ledger(0.0)
    first.begin(Run(tmp_path), ["hubel"])
    stage = first.stage("rungs")
    stage.__enter__()  # and never left
    clock[0] = 5.0
    first.write()
    first.write()
    assert Run(tmp_path).facts["seconds"] == {"rungs": 5.0, "total": 5.0}
    clock[0] = 100.0
    second = Ledger(100.0, Run(tmp_path).facts)
    second.run = Run(tmp_path)
    with second.stage("rungs"):
        clock[0] = 103.0
    clock[0] = 104.0
    second.write()
    assert Run(tmp_path).facts["seconds"] == {"rungs": 8.0, "total": 9.0}
