"""`hubel models` prints what can be named, and counts what is few."""

from __future__ import annotations

import json

import pytest

from hubel.models.catalogue import CATALOGUE
from tests.cli.conftest import Command


def test_a_few_are_counted(hubel: Command) -> None:
    done = hubel("models", "lenet5*")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0][:3] == ["name", "year", "input"]
    assert lines[1] == ["lenet5", "1998", "1x32x32", "61.7", "k", "417", "k", "16x16"]
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_many_are_names_alone(hubel: Command) -> None:
    done = hubel("models", "torchvision:*")
    assert done.stdout.splitlines()[0] == "torchvision:alexnet"
    assert all(line.startswith("torchvision:") for line in done.stdout.splitlines())
    assert "80 networks; --measure counts them too" in done.stderr


def test_as_json_there_is_one_object_a_network(hubel: Command) -> None:
    found = json.loads(hubel("models", "lenet5*", "--json").stdout)
    assert [row["name"] for row in found] == ["lenet5", "lenet5-1998"]
    assert found[0]["parameters"] == 61_706
    assert found[0]["receptive_field"] == {"size": [16, 16], "kind": "exact"}
    assert found[0]["source"] == CATALOGUE["lenet5"].source
    names = json.loads(hubel("models", "timm:vit*", "--json").stdout)
    assert set(names[0]) == {"name", "title", "year", "source"}


def test_what_cannot_be_counted_is_named_below_the_table(
    hubel: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank = {"parameters": None, "multiply_adds": None, "receptive_field": None}
    failed = {"input": [3, 8, 8], "num_classes": 2, "error": "no rule for aten.fold"} | blank
    monkeypatch.setattr("hubel.analysis.listing.measured", lambda _: failed)
    row, *rest = hubel("models", "lenet5-1998").stdout.splitlines()[1:]
    assert row.split() == ["lenet5-1998", "1998", "3x8x8", "-", "-", "-"]
    assert rest == ["lenet5-1998: no rule for aten.fold"]


def test_no_match_is_the_users_fault(hubel: Command) -> None:
    done = hubel("models", "lenett")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: no network's name matches 'lenett'. Did you mean lenet5")


@pytest.mark.slow
def test_all_of_our_own_are_counted(hubel: Command) -> None:
    done = hubel("models")
    assert [line.split()[0] for line in done.stdout.splitlines()[3:]] == list(CATALOGUE)
    assert " - " not in done.stdout
    assert "timm:NAME and torchvision:NAME" in done.stderr
