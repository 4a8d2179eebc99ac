"""A user: trains a tiny network, reads what was left out, types commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hubel
from hubel.data.manifest import Manifest
from hubel.runs import Run
from tests.conftest import tree_hash

REPO = Path(__file__).parents[2]


def learn(data: Path, out: Path) -> Run:
    """Train a tiny network; the data folder must come out of it as it went in."""
    before = tree_hash(data)
    try:
        return hubel.train(data, out=out, model="linear", epochs=1, size=16)
    finally:
        assert tree_hash(data) == before


def left_out(run: Run) -> dict[str | None, str | None]:
    problems = Manifest.read(run.folder / "manifest.parquet").problems()
    facts = run.facts["data"]
    assert facts["rejected"] == len(problems)
    assert facts["accepted"] + facts["rejected"] == facts["files"]
    assert sum(facts["splits"].values()) == facts["accepted"]
    assert run.facts["status"] == "done"
    return {problem["file"]: problem["reason"] for problem in problems}


def command(*words: str | Path, first: str = "pass") -> subprocess.CompletedProcess[str]:
    """`hubel` in a process of its own, after some Python."""
    program = f"{first}; from hubel.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=REPO,
        env=os.environ | {"PYTHONIOENCODING": "utf-8:strict", "OMP_NUM_THREADS": "1"},
    )
