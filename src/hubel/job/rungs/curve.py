"""What more training pictures would buy, measured with a linear rung on fewer."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from hubel.errors import RecipeError
from hubel.evaluation.learning_curve import Point, fit_power_law, nested_subsets
from hubel.job.rungs.linear import LinearFit
from hubel.job.rungs.rung import Rung

__all__ = ["curve_of"]

_HALVINGS = 5
_LEAST = 2  # pictures a class, on average


def curve_of(fit: LinearFit, rung: Rung, seconds: float, seed: int) -> dict[str, Any] | None:
    """Accuracy on the test split over nested, stratified training sets that double in size.

    Args:
        fit: of the rung, described.
        rung: fitted to all pictures that were described: the last point.
        seconds: after which no larger set is tried.
        seed: draws the sets.

    Returns:
        As `ladder.json` holds it; None where there was no time for a second size, or
        pictures have several labels.
    """
    material = fit.material
    if material.targets("test").ndim == 2:
        return None  # its law is one of right answers and wrong ones
    truth, targets = material.targets("test"), material.targets("train")[fit.rows]
    points = [Point(len(targets), int((rung.predicted == truth).sum()), len(truth))]
    start = last = time.monotonic()
    for halving in range(_HALVINGS, 0, -1):
        size = len(targets) >> halving
        now = time.monotonic()
        if size < _LEAST * fit.num_classes:
            continue
        if now - start + 2 * (now - last) > seconds:
            break
        last = now
        taken = nested_subsets(targets, [size], seed)[0]
        try:
            solved = fit.best(taken, seconds - (now - start))
        except RecipeError:  # so few that they are all of one class
            continue
        right = np.count_nonzero(fit.scores(solved, "test").argmax(1) == truth)
        points.append(Point(size, int(right), len(truth)))
    if len(points) < 2:
        return None
    return {"name": rung.name} | fit_power_law(points, seed).to_json()
