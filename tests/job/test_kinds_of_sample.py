"""Signals, volumes, 16-bit and five-channel sets go through the same commands as photographs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hubel
from hubel.job.climb import ladder
from hubel.runs import Run
from tests.job.runs import hubel as command

EXAMPLES = Path(__file__).parents[2] / "examples"
KINDS = {
    "signals": ("signal", "float32", 1, (2000,)),
    "volumes": ("volume", "float32", 1, (16, 24, 24)),
    "sixteen_bit": ("picture", "uint16", 1, (32, 32)),
    "five_channels": ("picture", "uint8", 5, (24, 24)),
}
every_kind = pytest.mark.parametrize("name", KINDS)


def made(name: str, folder: Path, count: int) -> Path:
    script = EXAMPLES / f"make_{name}.py"
    subprocess.run([sys.executable, script, folder, "--count", str(count)], check=True)
    return folder


def expect_whole(run: Run, data: Path, name: str) -> None:
    """The run has every part, and its answers are those of its classifier on the files."""
    way = hubel.load(run.folder).preprocess
    kind, depth, channels, size = KINDS[name]
    assert (way.kind, way.depth, way.num_channels) == (kind, depth, channels)
    assert len(way.size) == len(size)
    assert len(way.mean) == len(way.std) == channels
    files = sorted(str(path) for path in data.rglob("*.*"))[:3]
    answers = hubel.load(run.folder).predict(files)
    assert [answer.error for answer in answers] == [None] * 3
    page = run.report.read_text()
    assert "data:image/" in page
    assert {"largest class", "linear on pixels"} <= {one["name"] for one in run.ladder["rungs"]}


def trained(name: str, tmp_path: Path, count: int, **settings: Any) -> tuple[Run, Path]:
    data = made(name, tmp_path / name, count)
    run = hubel.train(data, out=tmp_path / "run", device="cpu", workers=0, **settings)
    expect_whole(run, data, name)
    return run, data


@pytest.mark.parametrize(("name", "size"), [("signals", "100"), ("volumes", "8x8x8")])
def test_a_set_goes_all_the_way(name: str, size: str, tmp_path: Path) -> None:
    run, data = trained(name, tmp_path, 8, epochs=1, size=size, batch_size=8)
    assert run.evaluation["n"] > 0
    resumed = hubel.load(run.folder)
    file = next(data.rglob("*.*"))
    by_path = resumed.predict(file)
    by_bytes = resumed.predict(file.read_bytes())
    assert by_path.probabilities == by_bytes.probabilities
    if name == "signals":
        picture = made("sixteen_bit", tmp_path / "other", 1) / "none" / "0.png"
        assert resumed.predict(picture).error == "a picture, where a signal is expected"
    if name == "volumes":
        by_array = resumed.predict(np.load(file))
        assert by_array.probabilities == by_path.probabilities


@pytest.mark.slow
@every_kind
def test_each_example_is_learned_beyond_chance(name: str, tmp_path: Path) -> None:
    run, data = trained(name, tmp_path, 100, epochs=30, seed=1)
    assert run.evaluation["accuracy"]["low"] > 1 / 3
    said = command("predict", run.folder, next(data.rglob("*.*")), "--json")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)[0]["error"] is None
    looked = command("data", data, "--json")
    assert json.loads(looked.stdout)["accepted"] == 300


@pytest.mark.slow
@every_kind
def test_the_ladder_is_climbed_and_what_does_not_fit_is_named(name: str, tmp_path: Path) -> None:
    data = made(name, tmp_path / name, 30)
    run = ladder(data, out=tmp_path / "run", budget="60s", device="cpu", workers=0)
    named = {one["name"] for one in run.ladder["rungs"]}
    assert {"largest class", "linear on pixels", "convnet"} <= named
    reasons = json.dumps(run.ladder["left_out"])
    if name != "sixteen_bit":
        assert "histogram and HOG are for pictures in grey or colour" in reasons
