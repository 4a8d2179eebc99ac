"""`hubel optimizers` draws a picture and prints the same numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hubel.cli import optimizers
from hubel.errors import RecipeError
from hubel.training.choices import OPTIMIZERS
from hubel.training.walks import digits, walking


@pytest.fixture(autouse=True)
def few_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "RATES", (0.001, 0.01))
    monkeypatch.setattr(digits, "DIGIT_RATES", (0.01,))


def test_the_picture_and_the_table_are_of_all_optimizers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    optimizers.command(out=tmp_path / "walks.png")
    printed = capsys.readouterr().out
    assert all(name in printed for name in OPTIMIZERS)
    assert "Lowest at the end: " in printed
    assert max(map(len, printed.split("\n\n")[0].splitlines())) <= 80
    assert (tmp_path / "walks.png").read_bytes().startswith(b"\x89PNG")


def test_the_json_has_every_walk_and_the_rates_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    optimizers.command(out=tmp_path / "walks.svg", json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["rates"] == {"surfaces": [0.001, 0.01], "digits": [0.01]}
    assert len(document["walks"]) == 4 * len(OPTIMIZERS)
    assert {walk["steps"] for walk in document["walks"]} == {150, 200}


def test_another_kind_of_file_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"walks\.pdf: expected a file that ends in \.svg or"):
        optimizers.command(out=tmp_path / "walks.pdf")
