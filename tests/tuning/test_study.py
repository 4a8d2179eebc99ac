"""A study draws what the seed and its trials decide, and takes up what was left."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubel.errors import StorageError
from hubel.tuning.space.space import parse_space
from hubel.tuning.storage import hidden, url_of_file
from hubel.tuning.study import Study

SPACE = parse_space("lr=log(0.01,1) mixup=0|log(0.1,1)")


def study(path: Path, name: str = "one", home: str = "here") -> Study:
    return Study(url_of_file(path), name, home, 0, ("median", 1))


def ended(found: Study, count: int, space: object = SPACE) -> list[dict[str, object]]:
    drawn: list[dict[str, object]] = []
    for _ in range(count):
        trial = found.begin(SPACE)
        assert trial is not None
        found.end(trial, "complete", -abs(trial.settings["lr"] - 0.1))
        drawn.append(trial.settings)
    return drawn


def test_what_is_drawn_depends_on_the_seed_and_the_trials_alone(tmp_path: Path) -> None:
    whole = ended(study(tmp_path / "a.db"), 12)
    parts = [settings for _ in range(4) for settings in ended(study(tmp_path / "b.db"), 3)]
    assert whole == parts


def test_a_trial_that_was_left_is_taken_up_with_its_settings(tmp_path: Path) -> None:
    first = study(tmp_path / "a.db")
    left = first.begin(SPACE)
    assert left is not None
    other = study(tmp_path / "a.db")
    (frozen,) = other.running(here=True)
    assert other.adopt(frozen, SPACE).settings == left.settings
    assert study(tmp_path / "a.db", home="elsewhere").running(here=True) == []


def test_importance_finds_what_alone_decides(tmp_path: Path) -> None:
    found = study(tmp_path / "a.db")
    ended(found, 7)
    assert found.importance() is None
    ended(found, 17)
    shares = found.importance()
    assert shares is not None
    assert max(shares, key=shares.__getitem__) == "lr"
    assert sum(shares.values()) == pytest.approx(1)


def test_a_trial_behind_the_others_is_given_up(tmp_path: Path) -> None:
    found = study(tmp_path / "a.db")
    for value in (0.5, 0.6, 0.7, 0.8):
        trial = found.begin(SPACE)
        assert trial is not None
        assert not found.report(trial, 0.3, 1)
        assert not found.report(trial, value, 2)
        found.end(trial, "complete", value)
    trial = found.begin(SPACE)
    assert trial is not None
    assert not found.report(trial, 0.1, 1)  # within the warm-up
    assert found.report(trial, 0.2, 2)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:////nowhere/x.db", "unable to open database file; see that it is there"),
        ("nothing", "storage: expected the address of a database"),
        ("sqlite+none:///x", "the storage sqlite"),
    ],
)
def test_a_storage_that_can_not_be_opened_is_said(url: str, message: str) -> None:
    with pytest.raises(StorageError, match=message):
        Study(url, "one", "here", 0, ("none", 1))


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("this is text, and long enough to be no header " * 40)
    with pytest.raises(StorageError, match=r"a\.db failed: file is not a database"):
        study(tmp_path / "a.db")


def test_a_password_is_never_shown() -> None:
    assert "secret" not in hidden("postgresql://me:secret@host/db")
