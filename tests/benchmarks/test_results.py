"""The published figures have their provenance, and the page is made from them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = sorted((ROOT / "benchmarks" / "results").glob("*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_result_says_how_when_and_where(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["schema_version"] == 1
    assert document["name"] == path.stem
    assert document["command"].startswith("python benchmarks/")
    assert document["commit"]
    assert {"cores", "platform"} <= document["machine"].keys()
    assert {"torch", "python", "hubel"} <= document["versions"].keys()
    assert document["measured"]


def test_the_page_is_made_from_the_results() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "page.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
