"""Climbing: one rung after the other, each within its share of the time, each kept when done."""

from __future__ import annotations

import time
from typing import Any

import torch

from hubel.errors import BudgetError, DesignError, DivergedError, FeatureError, RecipeError
from hubel.job.desk import Desk
from hubel.job.prepare import Material
from hubel.job.rungs.beside import reason
from hubel.job.rungs.cheap import CHEAP, fit_cheap, linear_fit
from hubel.job.rungs.curve import curve_of
from hubel.job.rungs.frozen import frozen_fit, weights_at_hand
from hubel.job.rungs.linear import fit_rung
from hubel.job.rungs.networks import NETWORK_RUNGS, Materials, climb_network, mark_failed
from hubel.job.rungs.rung import Rung
from hubel.job.rungs.shelf import keep_rung, kept_curve, kept_rung
from hubel.job.standings import Extras, choose, ladder_document, verdict_on
from hubel.training.exact import Balance

__all__ = ["Stair"]

MEASURED = {
    "accuracy": "of the validation pictures",
    "mean_average_precision": "mean average precision on validation",
}
_CHEAP_SHARE = 0.25
_FIT_SHARE = 0.6  # of the rung whose learning curve is drawn
_WEIGHTS = {
    **{"largest": 0.1, "neighbours": 1.0, "pixels": 2.0, "pixels-svm": 2.0, "features": 5.0},
    **{key: rung.weight for key, rung in NETWORK_RUNGS.items()},
    "frozen": 3.0,
}


class Stair:
    """The rungs of one ladder, as far as they are climbed.

    Args:
        desk: of the ladder.
        material: all rungs learn from it.
    """

    def __init__(self, desk: Desk, material: Material) -> None:
        self._desk, self._material = desk, material
        self._materials = Materials(desk, material)
        self._started = time.monotonic()
        self._waiting: list[str] = list(desk.ledger.facts["rungs"])
        self._curve: dict[str, Any] | None = None
        self._left_out: list[tuple[str, str]] = []
        self._folders: dict[str, str] = {}
        # What can't be climbed is given no time.
        self._weights = _WEIGHTS | ({} if weights_at_hand() else {"frozen": 0.0})
        self._kept: Rung | None = None  # whose classifier lies in the folder of the run
        self.rungs: list[Rung] = []

    def climb(self, key: str) -> None:
        """Fit a rung, or read back what was fitted before; or say why it is left out."""
        folder = self._desk.run.folder / "rungs" / key
        rung = kept_rung(folder)
        fitting = rung is None
        if rung is None:
            self._keep_best()  # of those that were read back: fitting may be stopped
            rung, curve, why = self._tried(key)
            if rung is None:
                self._left_out.append((CHEAP.get(key, key), why))
                self._desk.reporter.say(f"{key} is left out: {why}")
                self._waiting.remove(key)
                return
            keep_rung(folder, rung, self._material, curve)
            self._desk.ledger.write()
        self._curve = self._curve or kept_curve(folder)
        self._folders[rung.name] = f"rungs/{key}"
        self.rungs.append(rung)
        self._waiting.remove(key)
        if fitting:
            self._keep_best()
        value = rung.evaluation(self._material, "val").headline.value
        of = MEASURED[self._material.labelling.metric]
        self._desk.reporter.say(f"{rung.name}: {value:.1%} {of}, {rung.seconds:.1f} s")

    def _tried(self, key: str) -> tuple[Rung | None, dict[str, Any] | None, str]:
        """A rung and its learning curve, or why it is left out."""
        try:
            return *self._fitted(key), ""
        except (BudgetError, DesignError, DivergedError, FeatureError, RecipeError) as error:
            return None, None, reason(error)
        except (MemoryError, torch.OutOfMemoryError):
            why = f"{self._desk.ledger.facts['device']['text']} has too little memory for it"
        # Once the error is gone, what it held on to is free for the next rung.
        if self._desk.device.type == "cuda":
            torch.cuda.empty_cache()
        mark_failed(self._desk, key, why)
        return None, None, f"{why}; a smaller --size takes less"

    def _keep_best(self) -> None:
        """Save the classifier that would be chosen now: a ladder that is stopped leaves it."""
        if not any(rung.classifier is not None for rung in self.rungs):
            return
        best = self.choose()
        if best is not self._kept and best.classifier is not None:
            best.classifier.save(self._desk.run.folder / "classifier")
            self._kept = best

    @property
    def stopped(self) -> str:
        """What a ladder that is stopped leaves, and the way on."""
        found = "no rung was finished that can be shipped"
        if self._kept is not None:
            where = self._desk.run.folder / "classifier"
            found = f"of the rungs so far validation chooses {self._kept.name}, which is in {where}"
        return f"stopped; {found}; go on with: {self._desk.way_on}"

    def choose(self) -> Rung:
        """The rung to ship.

        Raises:
            RecipeError: none was climbed that can be shipped.
        """
        if not any(rung.classifier is not None for rung in self.rungs):
            why = "; ".join(f"{name}: {reason}" for name, reason in self._left_out)
            raise RecipeError(f"no rung was climbed that can be shipped: {why}")
        return choose(self.rungs, self._material)

    def document(self, chosen: Rung | None = None) -> dict[str, Any]:
        """What `ladder.json` holds: of all, once one is chosen."""
        verdict = None
        if chosen is not None:
            verdict = verdict_on("test", self.rungs, self._material, chosen.name)
        extras = Extras(
            folders=self._folders,
            left_out=tuple(self._left_out),
            chosen=None if chosen is None else chosen.name,
            verdict=verdict,
            learning_curve=self._curve,
        )
        return ladder_document(self.rungs, self._material, extras)

    def _seconds(self, key: str) -> float:
        """A rung's share of what is left for its kind."""
        left = self._desk.seconds_left
        assert left is not None
        assert self._desk.recipe.budget is not None
        left -= self._desk.closing_seconds
        kin = [name for name in self._waiting if (name in CHEAP) == (key in CHEAP)]
        if key in CHEAP:
            spent = time.monotonic() - self._started
            left = min(left, _CHEAP_SHARE * self._desk.recipe.budget - spent)
        return left * self._weights[key] / sum(self._weights[name] for name in kin)

    def _expect_seconds(self, key: str) -> float:
        seconds = self._seconds(key)
        if seconds <= 0 and key != "largest":
            left = (self._desk.seconds_left or 0.0) - self._desk.closing_seconds
            raise BudgetError(
                "the quarter of the budget that the cheap rungs may take is spent"
                if key in CHEAP and left > 0
                else "no time is left for it"
            )
        return seconds

    def _fitted(self, key: str) -> tuple[Rung, dict[str, Any] | None]:
        seed, balance = self._desk.recipe.seed, Balance.of(self._desk.recipe)
        if key == "frozen":
            fit = frozen_fit(self._materials.plain, seed, balance)
            return self._noted(fit_rung(key, fit, self._expect_seconds(key))), None
        plain = self._materials.plain  # its pictures are not its own time
        if key in NETWORK_RUNGS:
            self._materials.of(NETWORK_RUNGS[key])
        seconds = self._expect_seconds(key)
        if key in NETWORK_RUNGS:
            return climb_network(self._desk, key, self._materials, seconds), None
        if key != self._drawn:
            return self._noted(fit_cheap(key, plain, seconds, seed, balance)), None
        start = time.monotonic()
        fit = linear_fit(key, plain, seed, balance)
        rung = self._noted(fit_rung(CHEAP[key], fit, _FIT_SHARE * seconds))
        return rung, curve_of(fit, rung, seconds - (time.monotonic() - start), seed)

    def _noted(self, rung: Rung) -> Rung:
        return rung.fitted_on(self._materials.plain, self._material)

    @property
    def _drawn(self) -> str:
        """The rung whose learning curve is drawn."""
        return "features" if "features" in self._desk.ledger.facts["rungs"] else "pixels"
