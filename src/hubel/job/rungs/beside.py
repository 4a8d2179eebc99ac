"""The cheap rungs beside every training, within its tenth of the budget."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from hubel.errors import BudgetError, FeatureError, HubelError, RecipeError
from hubel.job.desk import Desk
from hubel.job.prepare import Material, of_one_size
from hubel.job.rungs.cheap import CHEAP, fit_cheap
from hubel.job.rungs.linear import load_solvers
from hubel.job.rungs.rung import Rung
from hubel.job.rungs.shelf import keep_rung
from hubel.training.exact import Balance

__all__ = ["Climbed", "climb_cheap", "reason"]

# Shares of their seconds; what one leaves over goes to those after it.
_CHEAP = {"largest": 0.1, "neighbours": 1.0, "pixels": 3.0, "features": 6.0}


@dataclass(frozen=True, slots=True)
class Climbed:
    """The cheap rungs of a training.

    Attributes:
        rungs: that were fitted.
        folders: below the run's, by name of the rung.
        left_out: the others, and why.
    """

    rungs: list[Rung] = field(default_factory=list[Rung])
    folders: dict[str, str] = field(default_factory=dict[str, str])
    left_out: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def climb_cheap(desk: Desk, material: Material, seconds: float) -> Climbed:
    """Fit the cheap rungs of every training within the seconds given, and keep them.

    A rung that these pictures don't allow is left out, with a sentence that says why.
    """
    found = Climbed()
    load_solvers()
    plain = of_one_size(material, desk.reporter, desk.recipe.workers or 1)
    start = time.monotonic()
    for place, key in enumerate(_CHEAP):
        left = seconds - (time.monotonic() - start)
        share = left * _CHEAP[key] / sum(list(_CHEAP.values())[place:])
        try:
            if left <= 0 and place:
                raise BudgetError("the time that the cheap rungs may take is spent")
            balance = Balance.of(desk.recipe)
            fitted = fit_cheap(key, plain, share, desk.recipe.seed, balance)
        except (FeatureError, RecipeError) as error:
            found.left_out.append((CHEAP[key], reason(error)))
            desk.reporter.say(f"{CHEAP[key]} is left out: {reason(error)}")
            continue
        rung = fitted.fitted_on(plain, material)
        keep_rung(desk.run.folder / "rungs" / key, rung, material)
        found.folders[rung.name] = f"rungs/{key}"
        found.rungs.append(rung)
    return found


def reason(error: HubelError) -> str:
    """Why a rung is left out, in one line: of a message that is drawn, what stands above it."""
    text = str(error)
    return (text.partition("\n")[0] if error.drawn else text).rstrip(".")
