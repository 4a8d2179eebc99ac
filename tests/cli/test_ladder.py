"""`hubel ladder` from the command line: the table, the verdict, and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hubel.job.rungs.names import RUNGS
from tests.cli.conftest import Command
from tests.conftest import fill

QUICK = ("--rungs", "largest,pixels,features,frozen", "--budget", "10m")


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "none"))


@pytest.fixture
def enough(tmp_path: Path) -> Path:
    """So many pictures of two classes that validation tells a good rung from the largest class."""
    for name, hue in (("dark", 0), ("red", 120)):
        fill(tmp_path / "enough" / name, 100, hue=hue)
    return tmp_path / "enough"


def test_the_table_the_verdict_and_what_was_left_out_fit_80_columns(
    hubel: Command, enough: Path, tmp_path: Path
) -> None:
    done = hubel("ladder", enough, "--out", tmp_path / "run", *QUICK)
    assert done.returncode == 0
    table, legend, verdict = done.stdout.strip().split("\n\n")[:3]
    lines = table.splitlines()
    assert lines[0].split() == ["right", "%", "interval", "params", "mult-adds", "seconds"]
    assert [line.split("  ")[0] for line in lines[1:]] == [
        "largest class", "linear on pixels *", "linear on histogram + HOG",
    ]  # fmt: skip
    assert legend == "* ships, chosen on the validation pictures; intervals are at 95%"
    assert verdict.startswith("Ship linear on pixels, ")
    assert "Left out: frozen, no weights at hand; " in verdict
    assert max(map(len, f"{table}\n{verdict}".splitlines())) <= 80
    assert "linear on pixels: 100.0% of the validation pictures, " in done.stderr


def test_the_json_holds_the_run_and_the_ladder(
    hubel: Command, enough: Path, tmp_path: Path
) -> None:
    done = hubel("ladder", enough, "--out", tmp_path / "run", *QUICK, "--json")
    document = json.loads(done.stdout)
    assert document["ladder"]["chosen"] == "linear on pixels"
    assert document["kind"] == "ladder"
    assert document["evaluation"]["accuracy"] == document["ladder"]["rungs"][1]["accuracy"]


def test_an_unknown_rung_is_answered_with_the_nearest(
    hubel: Command, two_classes: Path, tmp_path: Path
) -> None:
    done = hubel("ladder", two_classes, "--out", tmp_path / "run", "--rungs", "pixels,hybird")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "error: there is no rung 'hybird'. Did you mean 'hybrid'? There are: " + ", ".join(RUNGS)
    )


def test_resuming_takes_nothing_that_would_change_it(hubel: Command, tmp_path: Path) -> None:
    done = hubel("ladder", "--resume", tmp_path, "--rungs", "mlp", "--seed", "1")
    assert done.returncode == 1
    assert "so --rungs, seed would have no effect; leave that out" in done.stderr


def test_the_help_names_every_rung(hubel: Command) -> None:
    printed = hubel("ladder", "--help").stdout
    assert all(name in printed for name in RUNGS)
