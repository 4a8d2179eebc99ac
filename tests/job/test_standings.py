"""Which rung is chosen: by cost and validation, never by the clock or the test split."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from hubel.data.dataset import preprocess_for
from hubel.data.sources import open_source
from hubel.job.prepare import Material, gather, open_data
from hubel.job.reporter import Silent
from hubel.job.rungs.pixels import largest_class
from hubel.job.rungs.rung import Rung
from hubel.job.standings import choose, verdict_on


@pytest.fixture
def material(two_classes: Path) -> Material:
    dataset, wish = open_data(open_source(two_classes), {}, Silent())
    return gather(dataset, preprocess_for(dataset, wish), Silent())


def rung(
    material: Material, name: str, wrong: int, *, cost: int = 100, sure: float = 0.9, **more: float
) -> Rung:
    """Wrong on the first few pictures of each split, and equally sure of all answers."""
    answers = {}
    for split in ("val", "test"):
        truth = material.targets(split)
        given = np.where(np.arange(len(truth)) < wrong, 1 - truth, truth)
        answers[split] = np.where(np.arange(2) == given[:, None], sure, 1 - sure)
    shipped = largest_class(material).classifier
    return Rung(name, answers, cost, cost, more.get("seconds", 1.0), "", shipped)


def test_of_equals_in_cost_the_better_on_validation_stands_first(material: Material) -> None:
    rungs = [
        rung(material, "quick", 2, seconds=0.1),
        rung(material, "unsure", 1, sure=0.6),
        rung(material, "sure", 1, seconds=9.0),
    ]
    for order in permutations(rungs):
        chosen = choose(order, material)
        assert chosen.name == "sure"
        below = verdict_on("test", order, material, chosen.name).below
        assert below is None


def test_equals_in_all_stand_as_they_were_given(material: Material) -> None:
    rungs = [rung(material, "a", 1, seconds=9.0), rung(material, "b", 1, seconds=0.1)]
    assert choose(rungs, material).name == "a"
    assert choose(rungs[::-1], material).name == "b"


def test_a_constant_answer_is_shipped_only_where_nothing_does_better(material: Material) -> None:
    half = len(material.rows["val"]) // 2
    constant = rung(material, "constant", half, cost=0)
    better = rung(material, "better", half - 1)
    assert choose([constant, rung(material, "equal", half)], material) is constant
    assert choose([constant, better], material) is better
