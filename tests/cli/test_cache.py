"""`hubel cache`: what is there is shown; what is asked for goes, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from hubel.data.dataset import survey
from hubel.data.shelves import shelves
from hubel.data.sources import open_source
from hubel.data.wish import Wish
from tests.cli.conftest import Command
from tests.conftest import fill, tree_hash


def cached(folder: Path) -> Path:
    """A small source whose pixels are cached."""
    for label in ("a", "b"):
        fill(folder / label, 3, hue=50 * (label == "b"))
    survey(open_source(str(folder)), Wish(), 1, lambda _: None)
    return folder


def test_all_is_shown_and_only_what_is_meant_goes(hubel: Command, tmp_path: Path) -> None:
    one, two = cached(tmp_path / "one"), cached(tmp_path / "two")
    before = tree_hash(one), tree_hash(two)
    document = json.loads(hubel("cache", "--json").stdout)
    assert document.keys() == {"folder", "bytes", "limit", "shelves"}
    assert {shelf["source"] for shelf in document["shelves"]} == {str(one), str(two)}
    assert sum(shelf["bytes"] for shelf in document["shelves"]) == document["bytes"]
    for shelf in document["shelves"]:
        assert shelf.keys() == {
            *("source", "source_exists", "pixels", "bytes", "last_use", "in_use", "folder"),
        }
        assert shelf["source_exists"]
        assert not shelf["in_use"]
    kept = {"16x16 rgb, squash", "64x64 grey, squash"}  # at working size, and for near-duplicates
    assert {shelf["pixels"] for shelf in document["shelves"]} == kept
    done = hubel("cache", "clear", "--source", os.path.relpath(one), "--dry-run")
    assert "would be deleted" in done.stdout
    assert str(one) in done.stdout
    assert len(shelves()) == 4
    done = hubel("cache", "clear", "--source", os.path.relpath(one))
    assert done.returncode == 0
    assert {shelf.source for shelf in shelves()} == {str(two)}
    assert (tree_hash(one), tree_hash(two)) == before
    shutil.rmtree(two)
    assert "gone" in hubel("cache").stdout


def test_what_was_used_lately_stays(hubel: Command, tmp_path: Path) -> None:
    old, new = cached(tmp_path / "old"), cached(tmp_path / "new")
    for shelf in shelves():
        if shelf.source == str(old):
            os.utime(shelf.folder / ".used", (1e9, 1e9))
    document = json.loads(hubel("cache", "clear", "--older", "30d", "--json").stdout)
    assert {one["source"] for one in document["removed"]} == {str(old)}
    assert document["kept"] == []
    assert {shelf.source for shelf in shelves()} == {str(new)}


@pytest.mark.parametrize("arguments", [(), ("--all", "--older", "1d"), ("--all", "--source", "x")])
def test_clear_wants_to_know_what(hubel: Command, arguments: tuple[str, ...]) -> None:
    done = hubel("cache", "clear", *arguments)
    assert done.returncode == 1
    assert "expected --all, or --source DATA, or --older 30d" in done.stderr


def test_an_age_that_is_none_is_refused(hubel: Command, tmp_path: Path) -> None:
    cached(tmp_path / "one")
    done = hubel("cache", "clear", "--older", "month")
    assert done.returncode == 1
    assert "--older: expected days, hours or minutes as in 30d; got 'month'" in done.stderr
