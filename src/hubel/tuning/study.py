"""A study: the trials of one search, shared by every process that works at it."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from hubel.data.keyed import generator
from hubel.errors import RecipeError
from hubel.tuning.space.errors import SpaceError
from hubel.tuning.space.space import Space
from hubel.tuning.storage import hidden, open_storage, storage_trouble

__all__ = ["ENDINGS", "PRUNERS", "Ending", "Pruner", "Study", "Trial", "ending_of"]

Pruner = Literal["median", "halving", "none"]
PRUNERS: tuple[Pruner, ...] = ("median", "halving", "none")

Ending = Literal["complete", "pruned", "diverged", "impossible", "repeated", "out of time"]
ENDINGS: tuple[Ending, ...] = (
    "complete", "pruned", "diverged", "impossible", "repeated", "out of time",
)  # fmt: skip

_STARTUP = 4
_MOST_WRITTEN_OUT = 20_000  # settings of a space that is tried out


@dataclass(frozen=True, slots=True)
class _Ways:
    """A space that was written out: its text, and its hyperparameters, each with a key."""

    text: str = ""
    all: list[tuple[frozenset[Any], dict[str, Any]]] = field(default_factory=list[Any])


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial that is under way here.

    Attributes:
        number: within the study.
        handle: Optuna's own.
        settings: by name, as drawn; none where they are refused.
        refused: why what was drawn is no value of its setting; None where it is one.
    """

    number: int
    handle: Any
    settings: dict[str, Any]
    refused: str | None = None

    @property
    def params(self) -> dict[str, Any]:
        """The hyperparameters that were drawn."""
        return dict(self.handle.params)


class Study:
    """Trials in a database; every call is one that several processes may make at a time.

    Args:
        url: of the database.
        name: of the study; made where there is none.
        home: names the folder that trials of this process live in.
        seed: decides what is drawn, trial by trial.
        pruner: which trials are given up early, and how many reports are made before any is.

    Raises:
        StorageError: the database is locked, gone, or can't be reached.
    """

    def __init__(
        self, url: str, name: str, home: str, seed: int, pruner: tuple[Pruner, int]
    ) -> None:
        import optuna

        self.url, self.name, self.home, self.seed = url, name, home, seed
        self._ways = _Ways()
        self._database = open_storage(url)
        # Optuna's own cache of it: a trial that is made past the cache is unknown to the study.
        self.storage = optuna.storages.get_storage(self._database)
        with storage_trouble(url):
            self.study = optuna.create_study(
                storage=self.storage, study_name=name, direction="maximize", load_if_exists=True,
                pruner=_pruner(*pruner),
            )  # fmt: skip
            self.id = self.storage.get_study_id_from_name(name)

    def agree(self, question: dict[str, Any]) -> None:
        """Write down what is asked, or make sure that it is what others ask.

        Raises:
            RecipeError: the study was begun with another question.
        """
        with storage_trouble(self.url):
            known = self.study.user_attrs.get("question")
            if known is None:
                self.study.set_user_attr("question", question)
                return
        now = json.loads(json.dumps(question))
        other = sorted(key for key in known.keys() | now.keys() if known.get(key) != now.get(key))
        if other:
            pairs = "; ".join(
                f"{key} was {known.get(key)!r} and is {now.get(key)!r}" for key in other
            )
            raise RecipeError(
                f"the study {self.name!r} in {hidden(self.url)} asks something else: {pairs}; "
                "choose another --study, or ask the same"
            )

    def trials(self) -> list[Any]:
        """All trials, as Optuna has them, by number."""
        with storage_trouble(self.url):
            return self.storage.get_all_trials(self.id)

    def running(self, *, here: bool) -> list[Any]:
        """Trials that are under way, or were when their process was killed."""
        return [trial for trial in self.trials() if trial.state.name == "RUNNING"
                and (trial.user_attrs.get("home") == self.home) == here]  # fmt: skip

    def runs(self, frozen: Any) -> bool:
        """Whether a trial is still under way, now."""
        with storage_trouble(self.url):
            return self.storage.get_trial(frozen._trial_id).state.name == "RUNNING"

    def count(self) -> dict[str, int]:
        """How many trials ended in which way, and how many are running."""
        found: dict[str, int] = dict.fromkeys([*map(str, ENDINGS), "running"], 0)
        for trial in self.trials():
            found[ending_of(trial)] += 1
        return found

    def best(self) -> Any | None:
        """The complete trial of the highest value, the earliest of equals."""
        complete = [trial for trial in self.trials() if ending_of(trial) == "complete"]
        return max(complete, key=lambda trial: (trial.value, -trial.number), default=None)

    def begin(self, space: Space) -> Trial | None:
        """A new trial with settings that no other has; None where all were tried."""
        fixed: dict[str, Any] = {}
        while True:
            trial = self._draw(space, self._new(fixed))
            if not self._known(trial):
                return trial
            self.end(trial, "repeated")
            untried = self._untried(space)
            if untried is None:
                return None
            fixed = untried

    def adopt(self, frozen: Any, space: Space) -> Trial:
        """A trial that a killed process left, with the very settings that it had."""
        return self._draw(space, (frozen._trial_id, frozen.number))

    def settings_of(self, frozen: Any, space: Space) -> dict[str, Any]:
        """The settings of a trial that has ended."""
        import optuna

        return space.draw(optuna.trial.FixedTrial(frozen.params))

    def report(self, trial: Trial, value: float, step: int) -> bool:
        """Write down a value on the way; True where the trial should be given up."""
        with storage_trouble(self.url):
            known = self.storage.get_trial(trial.handle._trial_id)
            if known.state.is_finished():
                return False
            if step not in known.intermediate_values:
                trial.handle.report(value, step)
            trial.handle.set_user_attr("beat", round(time.time()))
            return bool(trial.handle.should_prune())

    def end(
        self,
        trial: Trial,
        ending: Ending,
        value: float | None = None,
        why: str = "",
        right: int | None = None,
    ) -> None:
        """Write down how a trial ended; one that has an end already keeps that.

        Args:
            trial: that ended.
            ending: how.
            value: by which complete ones are ordered.
            why: where it ended early.
            right: answers that were, out of fold.
        """
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        with storage_trouble(self.url), suppress(UpdateFinishedTrialError):
            trial.handle.set_user_attr("ending", ending)
            if why:
                trial.handle.set_user_attr("why", why)
            if right is not None:
                trial.handle.set_user_attr("right", right)
            if ending == "complete":
                self.study.tell(trial.handle, value, skip_if_finished=True)
                return
            unheard = ending in ("repeated", "out of time")  # says nothing of the settings
            state = TrialState.FAIL if unheard else TrialState.PRUNED
            self.study.tell(trial.handle, state=state, skip_if_finished=True)

    def importance(self) -> dict[str, float] | None:
        """Share of each hyperparameter in what sets the best trials apart; None where none can say.

        Source: Watanabe et al. (2023), PED-ANOVA, arXiv 2304.10255; with conditions as in arXiv
        2601.20800.
        """
        import warnings

        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        complete = sum(ending_of(trial) == "complete" for trial in self.trials())
        if complete < 2 * _STARTUP:
            return None
        share = min(0.5, max(0.1, 5 / complete))  # five trials or more among the best, as advised
        with storage_trouble(self.url), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            evaluator = PedAnovaImportanceEvaluator(target_quantile=share)
            found = get_param_importances(self.study, evaluator=evaluator)
        return {name: float(value) for name, value in found.items()}

    def close(self) -> None:
        """Let go of the database."""
        self.storage.remove_session()
        self._database.engine.dispose()

    def _new(self, fixed: dict[str, Any]) -> tuple[int, int]:
        from optuna.trial import TrialState, create_trial

        attrs = {"fixed_params": fixed} if fixed else {}
        begun = {"home": self.home, "beat": round(time.time())}
        template = create_trial(state=TrialState.RUNNING, system_attrs=attrs, user_attrs=begun)
        with storage_trouble(self.url):
            number = self.storage.create_new_trial(self.id, template)
            return number, self.storage.get_trial_number_from_id(number)

    def _draw(self, space: Space, ids: tuple[int, int]) -> Trial:
        """Settings are a function of seed, number and the trials so far: whoever draws."""
        import optuna

        id_, number = ids
        draws = int(generator(self.seed, "search", number).integers(1 << 31))
        with storage_trouble(self.url):
            self.study.sampler = optuna.samplers.TPESampler(
                seed=draws, n_startup_trials=2 * _STARTUP
            )
            handle = optuna.trial.Trial(self.study, id_)
            try:
                return Trial(number, handle, space.draw(handle))
            except SpaceError as error:
                return Trial(number, handle, {}, error.message)

    def _known(self, trial: Trial) -> bool:
        return any(
            other.number != trial.number
            and other.params == trial.params
            and ending_of(other) not in ("repeated", "out of time")
            for other in self.trials()
        )

    def _untried(self, space: Space) -> dict[str, Any] | None:
        """Hyperparameters that no trial has had; the first of them in a keyed order."""
        if space.count is None or space.count > _MOST_WRITTEN_OUT:
            return {}
        if self._ways.text != space.text:
            self._ways = _Ways(space.text, [(_key(params), params) for params in space.ways()])
        tried = [_key(trial.params) for trial in self.trials() if ending_of(trial) != "out of time"]
        known = set(tried)
        left = [params for key, params in self._ways.all if key not in known]
        if not left:
            return None
        return left[int(generator(self.seed, "untried", len(tried)).integers(len(left)))]


def _key(params: dict[str, Any]) -> frozenset[Any]:
    return frozenset(params.items())


def ending_of(trial: Any) -> str:
    """How a trial ended, or `running`."""
    if trial.state.name in ("RUNNING", "WAITING"):
        return "running"
    return trial.user_attrs.get("ending", "out of time")


def _pruner(name: Pruner, warmup: int) -> Any:
    import optuna

    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=_STARTUP, n_warmup_steps=warmup + 1)
    if name == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=max(1, warmup))
    return optuna.pruners.NopPruner()
