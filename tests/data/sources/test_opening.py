"""What a user typed becomes a source, and is found again from another folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubel.data.dataset import Wish, survey
from hubel.data.sources import FolderSource, lasting_name, open_source
from tests.conftest import fill
from tests.places import under_permissions


@pytest.mark.parametrize(
    "name", ["sample:trashnet", "hf:pets/two:small", "s3://bucket/photos", "memory://d/t.csv"]
)
def test_what_is_not_on_a_disk_keeps_its_name(name: str) -> None:
    assert lasting_name(name) == name


def test_options_stay_with_a_name_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.csv").write_text("file,label\n1.png,a/b\n")
    monkeypatch.chdir(tmp_path)
    lasting = lasting_name(open_source("t.csv?delimiter=/").name)
    assert lasting == f"{tmp_path}/t.csv?delimiter=/"
    monkeypatch.chdir("/")
    (entry,) = open_source(lasting).list().entries
    assert entry.labels == ("a", "b")


def test_a_folder_that_may_not_be_listed_is_still_a_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0)
    try:
        with under_permissions():
            assert isinstance(open_source(closed), FolderSource)
    finally:
        closed.chmod(0o700)


def test_a_long_listing_says_how_far_it_is(tmp_path: Path) -> None:
    fill(tmp_path / "cat", 2)
    for number in range(2_500):
        (tmp_path / "cat" / f"{number}.txt").touch()
    totals: list[int] = []
    survey(open_source(tmp_path), Wish(), 1, lambda _: None, on_listed=totals.append)
    assert totals == [1_000, 2_000, 2_502]
