"""What a search was asked for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from hubel.errors import RecipeError
from hubel.job.settings import clean, parse_duration
from hubel.tuning.space.space import DEFAULT_SPACE, Space, parse_space
from hubel.tuning.study import PRUNERS, Pruner

__all__ = ["METRICS", "Asked"]

METRICS = ("accuracy", "balanced_accuracy")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A search, as it was asked for.

    Attributes:
        space: text of the space.
        chosen: settings that are the same in every trial.
        folds: of the cross-validation.
        budget: seconds from the command to the end; None where trials and epochs are set.
        trials: how many at most; None where time decides.
        epochs: of each training; None where a rule decides.
        metric: by which trials are valued, one of `METRICS`; None where a rule decides.
        pruner: which trials are given up early.
        storage: address of the database; None for a file in the run's folder.
        study: its name there; the folder's where it is None.
        nested: whether an outer cross-validation is made around the search.
    """

    space: str
    chosen: dict[str, Any]
    folds: int = 5
    budget: float | None = 1800.0
    trials: int | None = None
    epochs: int | None = None
    metric: str | None = None
    pruner: Pruner = "median"
    storage: str | None = None
    study: str | None = None
    nested: bool = False

    @classmethod
    def of(cls, space: str | None, given: dict[str, Any]) -> Asked:
        """Options of the search, told from settings of the recipe.

        Raises:
            RecipeError: an option or a setting is unknown, impossible, or both fixed and searched.
        """
        given = {name: value for name, value in given.items() if value is not None}
        own = {field.name for field in fields(cls)} - {"space", "chosen"}
        options = {name: value for name, value in given.items() if name in own}
        chosen = clean({name: value for name, value in given.items() if name not in own})
        if isinstance(options.get("budget"), str):
            options["budget"] = parse_duration(options["budget"])
        if "budget" not in options and {"trials", "epochs"} <= options.keys():
            options["budget"] = None
        asked = cls(space=DEFAULT_SPACE if space is None else space, chosen=chosen, **options)
        asked.expect_possible()
        return asked

    def expect_possible(self) -> None:
        """Refuse what can't be.

        Raises:
            RecipeError: see `of`.
        """
        for name, low in (("folds", 2), ("trials", 1), ("epochs", 1), ("budget", 1)):
            value = getattr(self, name)
            if value is not None and value < low:
                raise RecipeError(f"{name}: expected at least {low}, got {value}")
        if self.metric is not None and self.metric not in METRICS:
            raise RecipeError(f"metric: expected {' or '.join(METRICS)}, got {self.metric!r}")
        if self.pruner not in PRUNERS:
            raise RecipeError(f"pruner: expected {', '.join(PRUNERS)}, got {self.pruner!r}")
        twice = [name for name, _, _ in self.read().items if name in self.chosen]
        if twice:
            raise RecipeError(f"{', '.join(twice)}: both set and searched; leave one out")

    def read(self) -> Space:
        """The space."""
        return parse_space(self.space)

    def to_json(self) -> dict[str, Any]:
        """As `search.json` has it; without the storage, whose address may hold a password."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        del found["storage"]
        return found
