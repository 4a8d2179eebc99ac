"""How the rungs stand to each other: what `ladder.json` holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.evaluation import verdict
from hubel.evaluation.comparison import Comparison
from hubel.evaluation.verdict import LadderVerdict, judge, within_one_error
from hubel.job.prepare import Material
from hubel.job.rungs.rung import Rung

__all__ = ["Extras", "choose", "ladder_document", "verdict_on"]


@dataclass(frozen=True, slots=True)
class Extras:
    """What a ladder holds beside its rungs.

    Attributes:
        folders: of the rungs that have one, by name, below the run's.
        left_out: names of rungs and why they are not there.
        chosen: name of the rung that is shipped.
        verdict: in words.
        learning_curve: of one of the rungs, as JSON types.
    """

    folders: dict[str, str] = field(default_factory=dict[str, str])
    left_out: tuple[tuple[str, str], ...] = ()
    chosen: str | None = None
    verdict: LadderVerdict | None = None
    learning_curve: dict[str, Any] | None = None


def ladder_document(
    rungs: Sequence[Rung], material: Material, extras: Extras | None = None
) -> dict[str, Any]:
    """The whole of `ladder.json`; every pair is compared on the test split, corrected together."""
    extras = extras or Extras()
    pairs = _compared(rungs, material, "test")
    return {
        "metric": material.labelling.metric,
        "rungs": [_entry(rung, material, extras.folders.get(rung.name)) for rung in rungs],
        "comparisons": [one.to_json() for one in pairs],
        "left_out": [{"name": name, "why": why} for name, why in extras.left_out],
        "chosen": extras.chosen,
        "verdict": None if extras.verdict is None else extras.verdict.to_json(),
        "learning_curve": extras.learning_curve,
    }


def choose(rungs: Sequence[Rung], material: Material) -> Rung:
    """The cheapest rung that can be shipped and is near the best of those, on validation.

    A constant answer is taken only where none of them does better.
    """
    known = {rung.name: rung for rung in rungs if rung.classifier is not None}
    right = _merits(_by_cost(list(known.values()), material), material, "val")
    best = max(flags.mean() for flags in right.values())
    worth = {
        name: flags
        for name, flags in right.items()
        if known[name].multiply_adds != 0 or flags.mean() == best
    }
    return known[within_one_error(worth)]


def verdict_on(split: str, rungs: Sequence[Rung], material: Material, ship: str) -> LadderVerdict:
    """What one split says of the rung that was chosen."""
    judged = [_judged(rung, split, material) for rung in _by_cost(rungs, material)]
    return judge(judged, _compared(rungs, material, split), ship)


def _by_cost(rungs: Sequence[Rung], material: Material) -> list[Rung]:
    """The cheapest first; of equals the better one on validation, then as they stand."""

    def key(rung: Rung) -> tuple[float, ...]:
        found = rung.evaluation(material, "val")
        cost = _judged(rung, "val", material).cost
        return *cost, -(found.headline.value or 0.0), found.log_loss.value or 0.0

    return sorted(rungs, key=key)


def _judged(rung: Rung, split: str, material: Material) -> verdict.Rung:
    return verdict.Rung(
        rung.name,
        rung.evaluation(material, split).headline,
        rung.parameters,
        rung.parameters if rung.multiply_adds is None else rung.multiply_adds,
        rung.seconds,
    )


def _compared(rungs: Sequence[Rung], material: Material, split: str) -> tuple[Comparison, ...]:
    """The dearer rung first, so that a gain is positive."""
    found = {rung.name: rung.probabilities[split] for rung in rungs[::-1]}
    return material.labelling.compare(material.targets(split), found) if len(found) > 1 else ()


def _merits(
    rungs: Sequence[Rung], material: Material, split: str
) -> dict[str, NDArray[np.float64]]:
    """What each sample says of each rung: their mean is what rungs are compared by."""
    truth, merits = material.targets(split), material.labelling.merits
    return {rung.name: merits(truth, rung.probabilities[split]) for rung in rungs}


def _entry(rung: Rung, material: Material, folder: str | None) -> dict[str, Any]:
    found, labelling = rung.evaluation(material, "test"), material.labelling
    return {
        "name": rung.name,
        **{name: getattr(found, name).to_json() for name in labelling.metrics},
        f"validation_{labelling.metric}": rung.evaluation(material, "val").headline.to_json(),
        "parameters": rung.parameters,
        "multiply_adds": rung.multiply_adds,
        "seconds": round(rung.seconds, 2),
        "note": rung.note,
        "folder": folder,
        "shippable": rung.classifier is not None,
    }
