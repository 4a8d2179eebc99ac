"""The cheap rungs that networks are held against must themselves be good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import hubel
from hubel.data.dataset import preprocess_for
from hubel.data.sources import open_source
from hubel.errors import FeatureError, RecipeError
from hubel.evaluation.labelling import SINGLE_LABEL
from hubel.job.prepare import Material, gather, open_data
from hubel.job.reporter import Silent
from hubel.job.rungs import linear
from hubel.job.rungs.cheap import CHEAP, fit_cheap, linear_fit
from hubel.job.rungs.linear import Solved
from hubel.training.exact import LinearObjective, solve
from tests.conftest import fill


def material_of(folder: Path) -> Material:
    dataset, wish = open_data(open_source(folder), {}, Silent())
    return gather(dataset, preprocess_for(dataset, wish), Silent())


@pytest.mark.parametrize("key", ["pixels", "pixels-svm", "features"])
def test_a_rare_class_that_pixels_tell_is_found(key: str, tmp_path: Path) -> None:
    """With three quarters in one class, weak fits all answer with that class alike."""
    for name, count, shift in (("common", 225, 0), ("rare", 75, 50)):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(count):
            draws = np.random.default_rng([number, shift])
            pixels = draws.integers(60, 180, (8, 8, 3))
            pixels[2:6, 2:6, 0] += shift
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    material = material_of(tmp_path)
    targets = material.targets("test")
    found = (fit_cheap(key, material, 60, 0).predicted == targets).mean()
    assert found > (fit_cheap("largest", material, 60, 0).predicted == targets).mean() + 0.05


@pytest.mark.parametrize("key", CHEAP)
def test_answers_are_probabilities_of_every_picture(key: str, two_classes: Path) -> None:
    material = material_of(two_classes)
    rung = fit_cheap(key, material, 20, 0)
    assert rung.name == CHEAP[key]
    for split in ("val", "test"):
        assert rung.probabilities[split].shape == (len(material.rows[split]), 2)
        assert rung.evaluation(material, split).accuracy.value is not None


@pytest.mark.parametrize("key", ["largest", "pixels", "pixels-svm", "features"])
def test_what_is_saved_answers_files_as_the_rung_did(
    key: str, two_classes: Path, tmp_path: Path
) -> None:
    material = material_of(two_classes)
    rung = fit_cheap(key, material, 20, 0)
    assert rung.classifier is not None
    rung.classifier.save(tmp_path / "saved")
    files = material.dataset.manifest.files(material.rows["test"])
    answers = hubel.load(tmp_path / "saved").predict([two_classes / file for file in files])
    for row, answer in zip(rung.probabilities["test"], answers, strict=True):
        given = dict(zip(answer.labels, answer.probabilities, strict=True))
        assert [given["dark"], given["red"]] == pytest.approx(row, abs=1e-5)


def test_the_weights_are_those_of_the_exact_solver_with_the_scaling_folded_in(
    two_classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubel.job.rungs.linear._PENALTIES", (1.0,))
    fit = linear_fit("pixels", material_of(two_classes), 0)
    fit.describe(60)
    solved = fit.best(np.arange(len(fit.rows)), 60)
    x = fit.train.double()
    x = (x - x.mean(0)) / x.std(0, correction=0)
    y = fit.material.targets("train")[fit.rows]
    exact = solve(x.numpy(), y, LinearObjective(weight_decay=1.0))
    scores = fit.train @ solved.weights.T + solved.bias
    assert scores.numpy() == pytest.approx(exact.scores(x.numpy()), abs=0.005)


def test_pictures_smaller_than_a_block_of_cells_have_no_such_rung(tmp_path: Path) -> None:
    for name, hue in (("dark", 0), ("red", 120)):
        fill(tmp_path / name, 20, hue=hue, side=6)
    with pytest.raises(FeatureError, match=r"at least 8 x 8 pixels, and these are 6 x 6"):
        fit_cheap("features", material_of(tmp_path), 20, 0)


def test_training_pictures_that_are_too_many_are_drawn_and_the_note_says_so(
    two_classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubel.job.rungs.linear._PILOT", 20)
    rung = fit_cheap("pixels", material_of(two_classes), 0.0, 0)
    assert rung.note.endswith(", fitted on 20 of 42 pictures drawn")


PENALTIES = [
    (10.0, 1, "penalty 10, the only one tried"),
    (10.0, 2, "penalty 10, the strongest of 2 tried on validation"),
    (0.1, 4, "penalty 0.1, the best of 4 tried on validation"),
    (0.1, 3, "penalty 0.1, the weakest of 3 tried on validation before its time was up"),
    (0.001, 5, "penalty 0.001, the weakest of 5 tried on validation"),
]


@pytest.mark.parametrize(("penalty", "tried", "words"), PENALTIES)
def test_the_note_says_among_how_many_penalties_one_was_chosen(
    penalty: float, tried: int, words: str
) -> None:
    none = torch.empty(0)
    assert Solved(none, none, 1.0, penalty, 0.0, tried).choice == words


def test_time_for_three_penalties_comes_before_more_pictures(
    two_classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clock that solving alone moves on: a second for each 20 pictures and penalty."""
    clock = [0.0]
    solve_quickly = linear._Problem.solve

    def slowly(self: Any, objective: LinearObjective) -> Any:
        clock[0] += len(self.x) / 20
        return solve_quickly(self, objective)

    monkeypatch.setattr(linear, "_PILOT", 20)
    monkeypatch.setattr(linear._Problem, "solve", slowly)
    monkeypatch.setattr(linear.time, "monotonic", lambda: clock[0])
    losses = iter([3.0, 2.0, 1.0])
    monkeypatch.setattr(type(SINGLE_LABEL), "log_losses", lambda *_: np.array([next(losses)]))
    rung = fit_cheap("pixels", material_of(two_classes), 9.0, 0)
    assert "weakest of 3 tried on validation before its time" in rung.note
    assert rung.note.endswith("fitted on 31 of 42 pictures drawn")
    assert clock[0] <= 9.0 + linear._GRACE


def test_one_class_alone_among_the_drawn_pictures_is_refused(two_classes: Path) -> None:
    fit = linear_fit("pixels", material_of(two_classes), 0)
    fit.describe(60)
    same = np.flatnonzero(fit.material.targets("train")[fit.rows] == 0)
    with pytest.raises(RecipeError, match="pictures taken are all of one class"):
        fit.best(same, 60)


def test_a_class_without_drawn_pictures_is_never_answered(two_classes: Path) -> None:
    fill(two_classes / "third", 30, hue=60)
    fit = linear_fit("pixels", material_of(two_classes), 0)
    fit.describe(60)
    without = np.flatnonzero(fit.material.targets("train")[fit.rows] != 2)
    solved = fit.best(without, 60)
    assert torch.isfinite(solved.bias).all()
    assert (fit.scores(solved, "test").argmax(1) != 2).all()
