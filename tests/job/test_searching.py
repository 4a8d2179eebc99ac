"""A trial is claimed by one process, also where two look at the study in turns."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hubel.job.search.searching import Limits, Searching
from hubel.job.search.trial import Clock
from hubel.tuning.space.parser import read_items
from hubel.tuning.space.space import Space, parse_space, searchable
from hubel.tuning.storage import url_of_file
from hubel.tuning.study import Study
from tests.job.runs import Heard

SPACE = parse_space("lr=log(0.01,1)")


def read(text: str) -> Space:
    """A space whose values are not looked at."""
    return Space(text, tuple(read_items(text, searchable())))


def searching(folder: Path, space: Space = SPACE, trials: int = 9) -> Searching:
    """One process of several on one folder; nothing is trained."""
    study = Study(url_of_file(folder / "study.db"), "one", "here", 0, ("none", 1))
    bench: Any = SimpleNamespace(reporter=Heard(), refusal=lambda _: None)
    return Searching(bench, study, space, folder, Limits(trials, 1, Clock(None), 0.0))


def test_a_trial_that_ends_while_it_is_looked_at_is_not_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = searching(tmp_path), searching(tmp_path)
    with ExitStack() as held:
        begun = first.claim(held)
    assert begun is not None
    lock = second._lock

    def late(own: ExitStack, number: int) -> bool:
        if number == begun.number:  # between the other's look at the study and its lock
            first.study.end(begun, "complete", 0.5)
        return lock(own, number)

    monkeypatch.setattr(second, "_lock", late)
    with ExitStack() as held:
        other = second.claim(held)
    assert other is not None
    assert (begun.number, other.number) == (0, 1)
    assert first.study.count()["complete"] == 1


def test_a_trial_that_was_left_is_claimed_by_one_alone(tmp_path: Path) -> None:
    first, second = searching(tmp_path), searching(tmp_path)
    with ExitStack() as held:
        assert first.claim(held) is not None
    with ExitStack() as one, ExitStack() as two:
        taken = [first.claim(one), second.claim(two)]
        assert [trial.number for trial in taken if trial is not None] == [0, 1]


def test_what_has_ended_keeps_its_end(tmp_path: Path) -> None:
    first, second = searching(tmp_path), searching(tmp_path)
    with ExitStack() as held:
        begun = first.claim(held)
        assert begun is not None
        (frozen,) = second.study.running(here=True)
        twice = second.study.adopt(frozen, SPACE)
        first.study.end(begun, "complete", 0.5)
        assert second.study.report(twice, 0.1, 1) is False
        second.study.end(twice, "pruned")
    assert first.study.count()["complete"] == 1
    assert [trial.value for trial in first.study.trials()] == [0.5]


def test_what_is_drawn_and_is_no_value_ends_as_impossible(tmp_path: Path) -> None:
    space = read("batch_size=8|1O")  # as one that the check of a space lets through
    found = searching(tmp_path, space)
    with ExitStack() as held:
        claimed = [found.claim(held) for _ in range(2)]
    assert [trial and trial.settings for trial in claimed] == [{"batch_size": 8}, None]
    counts = found.study.count()
    assert (counts["impossible"], counts["running"]) == (1, 1)
    (why,) = [
        trial.user_attrs["why"] for trial in found.study.trials() if "why" in trial.user_attrs
    ]
    assert "batch_size: expected a whole number, got '1O'" in why


def test_a_trial_that_was_left_with_no_value_is_not_taken_up(tmp_path: Path) -> None:
    found = searching(tmp_path, read("lr=0.1|x"))
    begun = [found.study.begin(found.space) for _ in range(2)]
    good, bad = sorted((trial for trial in begun if trial), key=lambda trial: bool(trial.refused))
    assert bad.refused is not None
    found.study.end(good, "complete", 0.5)
    with ExitStack() as held:
        assert found.claim(held) is None
    assert found.why == "every setting of the space was tried"
    counts = found.study.count()
    assert (counts["impossible"], counts["running"]) == (1, 0)
