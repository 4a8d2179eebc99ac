"""A made-up ladder of ten rungs, judged and fitted by what `hubel ladder` judges and fits with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hubel.evaluation.comparison import compare_all
from hubel.evaluation.intervals import wilson
from hubel.evaluation.learning_curve import Point, fit_power_law
from hubel.evaluation.verdict import Rung, judge, within_one_error

# name, accuracy, parameters, multiply-adds (None: they can't be told), seconds
RUNGS = (
    ("largest", 0.236, 0, 0, 0.01),
    ("neighbours", 0.46, 0, 5_400_000, 0.8),
    ("pixels", 0.52, 18_438, 18_432, 6.5),
    ("pixels-svm", 0.51, 18_438, 18_432, 9.1),
    ("features", 0.74, 24_840, 310_000, 14.2),
    ("mlp", 0.58, 1_640_000, 1_638_000, 38.0),
    ("lenet", 0.68, 61_706, 420_000, 52.4),
    ("convnet", 0.87, 214_816, 27_537_984, 218.3),
    ("hybrid", 0.875, 310_400, 31_000_000, 260.0),
    ("frozen", 0.885, 3_084, 1_820_000_000, 41.0),
)
NOTES = {
    "largest": "always answers 'paper'",
    "pixels": "32 x 32 px, penalty 0.001 chosen on validation",
    "features": "colour histogram + HOG, penalty 0.01 chosen on validation",
}


def climbed(
    n: int = 506,
    rungs: Sequence[tuple[str, float, int, int | None, float]] = RUNGS,
    *,
    chosen: bool = True,
    curve: bool = True,
    seed: int = 0,
) -> dict[str, Any]:
    """ladder.json as `hubel ladder` writes it, of n test pictures."""
    rng = np.random.default_rng(seed)
    hard = rng.random(n)  # the same pictures are hard for all
    right = {
        name: rng.normal(hard, 0.25) < np.quantile(rng.normal(hard, 0.25), accuracy)
        for name, accuracy, *_ in rungs
    }
    found = {name: wilson(int(flags.sum()), n) for name, flags in right.items()}
    judged = [
        Rung(name, found[name], parameters, adds or 0, seconds)
        for name, _, parameters, adds, seconds in rungs
    ]
    comparisons = compare_all(right) if len(rungs) > 1 else ()
    verdict = judge(judged, comparisons)
    if chosen:  # here on the very samples of the verdict, which a job has other ones for
        by_cost = [rung.name for rung in sorted(judged, key=lambda rung: rung.cost)]
        near = within_one_error({name: right[name] for name in by_cost})
        verdict = judge(judged, comparisons, near)
    loss = {name: -np.log(max(found[name].value or 0.0, 0.01)) * 1.2 for name in found}
    return {
        "rungs": [
            {
                "name": name,
                "accuracy": found[name].to_json(),
                "balanced_accuracy": found[name].to_json(),
                "macro_f1": found[name].to_json(),
                "log_loss": _around(loss[name], 0.06),
                "ece": _around(0.05 - 0.03 * accuracy, 0.012),
                "validation_accuracy": found[name].to_json(),
                "parameters": parameters,
                "multiply_adds": adds,
                "seconds": seconds,
                "note": NOTES.get(name, ""),
                "folder": None,
                "shippable": name not in ("largest", "neighbours"),
            }
            for name, accuracy, parameters, adds, seconds in rungs
        ],
        "comparisons": [comparison.to_json() for comparison in comparisons],
        "left_out": [{"name": "pretrained", "why": "no weights are at hand"}],
        "chosen": verdict.ship.name if chosen else None,
        "verdict": verdict.to_json(),
        "learning_curve": _curve() if curve else None,
    }


def _around(value: float, half: float) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + 1.2 * half}


def _curve() -> dict[str, Any]:
    points = [Point(188, 330, 506), Point(377, 366, 506), Point(755, 401, 506)]
    fitted = fit_power_law([*points, Point(1509, 428, 506), Point(94, 290, 506)])
    return {"name": "convnet", **fitted.to_json()}
