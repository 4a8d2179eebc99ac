"""The rungs that are networks: each a run of its own, on a share of the budget."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import torch

from hubel.data.imbalance import Imbalance
from hubel.data.preprocess import Preprocess
from hubel.errors import BudgetError, RecipeError
from hubel.job.desk import Desk, Sitting
from hubel.job.finish import answers
from hubel.job.learn import learn, save_final
from hubel.job.ledger import Ledger
from hubel.job.prepare import Material, gather, make_architecture, of_one_size
from hubel.job.rungs.rung import Rung
from hubel.job.structure import structure_of
from hubel.models.kinds import line_for
from hubel.runs import Run
from hubel.storage import storage_errors
from hubel.training.budget import in_seconds
from hubel.training.recipe import Recipe
from hubel.training.rules import Facts, resolve

__all__ = [
    "NETWORK_RUNGS",
    "Materials",
    "NetworkRung",
    "climb_network",
    "hybrid_line",
    "mark_failed",
]

_AFTER = 1.0  # seconds for what follows the scoring of a rung
_TOKENS = 16  # a side that the hybrid's convolutions aim at


@dataclass(frozen=True, slots=True)
class NetworkRung:
    """A network that is a rung.

    Attributes:
        model: as a recipe names it; None is the hybrid, whose line follows from the pictures.
        weight: its share of what the cheap rungs leave.
        side: most pixels a side that it is given.
        several_sizes: whether it takes pictures of several sizes, where the data come in buckets.
    """

    model: str | None
    weight: float
    side: int | None = None
    several_sizes: bool = False


NETWORK_RUNGS: MappingProxyType[str, NetworkRung] = MappingProxyType(
    {
        "mlp": NetworkRung("mlp", 1.0, 32),
        "lenet": NetworkRung("lenet5", 1.0, 32),
        "convnet": NetworkRung("convnet", 5.0, several_sizes=True),
        "hybrid": NetworkRung(None, 3.0),
    }
)


class Materials:
    """The same splits at the sizes that rungs ask for, each gathered once."""

    def __init__(self, desk: Desk, whole: Material) -> None:
        self._desk, self._whole = desk, whole
        self._small: dict[int, Material] = {}
        self._plain = whole

    @property
    def plain(self) -> Material:
        """The material at one size; squashed where the whole comes in buckets."""
        if self._plain.preprocess.buckets:
            with self._desk.ledger.stage("pixels"):
                workers = self._desk.recipe.workers or 1
                self._plain = of_one_size(self._whole, self._desk.reporter, workers)
        return self._plain

    def of(self, rung: NetworkRung) -> Material:
        """The material that suits a rung."""
        return self._whole if rung.several_sizes else self.at(rung.side)

    def at(self, side: int | None) -> Material:
        """The plain material with at most so many pixels a side, as it is where that is None."""
        now = self.plain.preprocess
        if side is None or max(now.size) <= _most(now.kind, side):
            return self.plain
        if side not in self._small:
            most = _most(now.kind, side)
            planes, height, width = (min(n, most) for n in (now.planes, now.height, now.width))
            small = replace(now, planes=planes, height=height, width=width, mean=(), std=())
            with self._desk.ledger.stage("pixels"):
                workers = self._desk.recipe.workers or 1
                self._small[side] = gather(self._whole.dataset, small, self._desk.reporter, workers)
        return self._small[side]


def _most(kind: str, side: int) -> int:
    """Positions along an axis: a signal has as many as a picture has pixels, a volume fewer."""
    return {"picture": side, "signal": side * side}.get(kind, side // 2)


def hybrid_line(preprocess: Preprocess) -> str:
    """Convolutions that leave about 16 x 16 tokens, then two layers of a transformer.

    Example:
        >>> hybrid_line(Preprocess(height=128, width=96)).partition(" tokens")[0]
        'conv3x3/2(16) bn relu conv3x3/2(32) bn relu conv3x3/2(64) bn relu'

    Source: the shape of Hassani et al. 2021, arXiv 2104.05704, smaller.
    """
    if preprocess.kind != "picture":
        raise RecipeError(f"the hybrid is for pictures, not {preprocess.kind}s")
    side = max(preprocess.height, preprocess.width)
    halvings = max(0, min(3, math.ceil(math.log2(max(side, 1) / _TOKENS))))
    strided = [f"conv3x3/2({width}) bn relu" for width in (16, 32, 64)[3 - halvings :]]
    plain = {0: ["conv3x3(32) bn relu", "conv3x3(64) bn relu"], 1: ["conv3x3(32) bn relu"]}
    stem = " ".join([*plain.get(halvings, []), *strided])
    layer = "residual(norm attention(4)) residual(norm fc(128) gelu fc(64))"
    return f"{stem} tokens positions [{layer}]*2 norm seqpool fc"


def climb_network(main: Desk, key: str, materials: Materials, seconds: float) -> Rung:
    """Train a network as a run of its own, or go on with it.

    Args:
        main: of the ladder.
        key: one of `NETWORK_RUNGS`.
        materials: to learn from.
        seconds: for all of it.

    Raises:
        BudgetError: not one epoch fits.
        RecipeError: the network doesn't take such pictures.
        DivergedError: the loss stopped being a number.
        Interrupted: the user stopped it.
    """
    started = time.monotonic()
    rung = NETWORK_RUNGS[key]
    material = materials.of(rung)
    left = seconds - (time.monotonic() - started)
    if left < 1:
        share = in_seconds(max(left, 0.0))
        raise BudgetError(f"its share of the time is {share}; give the ladder more time")
    desk = _desk(main, key, material, left)
    try:
        learned = learn(desk, material, after=_AFTER)
    except BudgetError as error:  # its ways out are those of a single training
        raise BudgetError(f"{_too_short(error)}; give the ladder more time") from None
    if learned.problem is not None:
        desk.ledger.write(status="diverged", error=str(learned.problem))
        raise learned.problem
    classifier = save_final(desk, material, learned)
    cost = structure_of(learned.trainer.task.architecture)
    found = {split: answers(classifier, material, learned.trainer, split)
             for split in ("val", "test")}  # fmt: skip
    counts = {"parameters": cost.parameters, "multiply_adds": cost.multiply_adds}
    desk.ledger.write(status="done", error=None, **counts)
    size = _size(material.preprocess)
    epochs = desk.ledger.facts["made"]["epochs"]
    note = f"{epochs:.0f} epochs from scratch, {size}"
    spent = learned.journey.seconds
    return Rung(key, found, cost.parameters, cost.multiply_adds, spent, note, classifier)


def _size(preprocess: Preprocess) -> str:
    unit = " px" if preprocess.kind == "picture" else ""
    size = " x ".join(map(str, preprocess.size)) + unit
    return f"{len(preprocess.buckets)} buckets of about {size}" if preprocess.buckets else size


def mark_failed(main: Desk, key: str, why: str) -> None:
    """Write into the rung's own run, where it has one, that it failed."""
    run = Run(main.run.folder / "rungs" / key)
    if key in NETWORK_RUNGS and (run.folder / "run.json").is_file():
        run.write_facts(run.facts | {"status": "failed", "error": why})


def _too_short(error: BudgetError) -> str:
    if error.left is None or error.needed is None:
        return str(error).partition(";")[0]
    return (
        f"of its share {in_seconds(error.left)} are left for training, and one epoch needs "
        f"{in_seconds(error.needed)}"
    )


def _chosen(main: Desk, key: str, preprocess: Preprocess, seconds: float) -> dict[str, Any]:
    """What is set for a rung."""
    model = NETWORK_RUNGS[key].model or hybrid_line(preprocess)
    if key == "convnet" and preprocess.kind != "picture":
        model = line_for(preprocess.size)
    chosen: dict[str, Any] = {
        "model": model,
        "budget": seconds,
        "seed": main.recipe.seed,
        "balance": main.recipe.balance,
        "device": str(main.device),
    }
    if preprocess.buckets:
        chosen["shape"] = "bucket"
    if main.recipe.workers is not None:
        chosen["workers"] = main.recipe.workers
    return chosen


def _desk(main: Desk, key: str, material: Material, seconds: float) -> Desk:
    """The desk of a rung's own run: as it was left, or a new one."""
    run = Run(main.run.folder / "rungs" / key)
    sitting = Sitting(reporter=main.reporter)
    if (run.folder / "checkpoints").is_dir() and (run.folder / "run.json").is_file():
        ledger = Ledger(sitting.started, run.facts)
        ledger.run = run
        ledger.write(status="running", error=None)
        recipe = Recipe.from_json(ledger.facts["recipe"])
        return Desk(run, ledger, recipe, main.device, sitting, main.way_on)
    preprocess = material.preprocess
    chosen = _chosen(main, key, preprocess, seconds)
    classes = len(material.dataset.manifest.classes)
    known = Imbalance.of(material.targets("train"), classes)
    pictures = len(material.rows["train"])
    facts = Facts(pictures, preprocess, main.device, "the ladder's", classes, known)
    recipe, settings = resolve(chosen, replace(facts, task=material.dataset.manifest.task))
    make_architecture(material.dataset, preprocess, recipe).check()
    with storage_errors(run.folder):
        (run.folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    ledger = Ledger(sitting.started)
    ledger.begin(run, main.ledger.facts["command"])
    ledger.write(
        kind="rung",
        data=main.ledger.facts["data"],
        recipe={name: setting.to_json() for name, setting in settings.items()},
        budget_seconds=seconds,
        threads=torch.get_num_threads(),
        device=main.ledger.facts["device"],
        code=None,
    )
    return Desk(run, ledger, recipe, main.device, sitting, main.way_on)
