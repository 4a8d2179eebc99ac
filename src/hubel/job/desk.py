"""What the stages of one run have at hand."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import torch

from hubel.job.ledger import Ledger
from hubel.job.reporter import Reporter, Silent
from hubel.runs import Run
from hubel.training.recipe import Recipe

__all__ = ["Desk", "Sitting"]

# Six rungs of 505 test pictures took 0.6 s to compare and choose from, and 0.9 s to report on;
# a training with its analysis of the network takes longer.
_CLOSING_SHARE, _CLOSING_LEAST, _CLOSING_MOST = 0.03, 3.0, 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sitting:
    """One sitting at a run.

    Attributes:
        reporter: hears what happens.
        started: `time.monotonic()` when the command began; a budget counts from there.
        command: as it was typed; None where it was a call from Python.
    """

    reporter: Reporter = field(default_factory=Silent)
    started: float = field(default_factory=time.monotonic)
    command: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """The run, its book, its recipe, and the device.

    Attributes:
        resumes: the command line that goes on with an interrupted run; of the run itself where it
            is None.
    """

    run: Run
    ledger: Ledger
    recipe: Recipe
    device: torch.device
    sitting: Sitting
    resumes: str | None = None

    @property
    def way_on(self) -> str:
        """How to go on when the run was cut short."""
        return self.resumes or f"hubel train --resume {self.run.folder}"

    @property
    def closing_seconds(self) -> float:
        """To keep back for the last comparisons and the report."""
        share = _CLOSING_SHARE * (self.recipe.budget or math.inf)
        return min(max(share, _CLOSING_LEAST), _CLOSING_MOST)

    @property
    def reporter(self) -> Reporter:
        """Who listens."""
        return self.sitting.reporter

    @property
    def seconds_left(self) -> float | None:
        """Of the budget; None where there is none."""
        if self.recipe.budget is None:
            return None
        return self.recipe.budget - self.ledger.before - self.ledger.elapsed
