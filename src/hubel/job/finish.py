"""The last stages: the classifier, its evaluation, the ladder, the report."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.classifier import Classifier
from hubel.data.manifest import write_parquet
from hubel.errors import BudgetError, FeatureError, HubelError, RecipeError
from hubel.evaluation.calibration import fit_temperature, softmax
from hubel.evaluation.evaluation import Evaluation
from hubel.job.desk import Desk
from hubel.job.prepare import Material
from hubel.job.rungs.cheap import CHEAP, fit_cheap
from hubel.job.rungs.linear import load_solvers
from hubel.job.rungs.rung import Rung
from hubel.job.rungs.shelf import keep_rung
from hubel.runs import Run, versions
from hubel.storage import write_bytes, write_json
from hubel.training.trainer import Trainer

__all__ = ["Climbed", "answers", "climb_cheap", "evaluate", "make_classifier", "reason", "record"]

# Shares of their seconds; what one leaves over goes to those after it.
_CHEAP = {"largest": 0.1, "neighbours": 1.0, "pixels": 3.0, "features": 6.0}


def make_classifier(trainer: Trainer, material: Material, *, calibrate: bool) -> Classifier:
    """The classifier with the weights of now; calibrated on the validation split if asked."""
    module = trainer.final_module()
    temperature = 1.0
    if calibrate:
        module.to(trainer.device)
        logits = trainer.logits(module, material.pixels["val"])
        temperature = fit_temperature(logits, material.targets("val"))
        module.cpu()
    return Classifier(
        trainer.task.architecture,
        dict(module.state_dict()),
        material.preprocess,
        material.dataset.manifest.classes,
        temperature,
        {"provenance": {"data": material.dataset.source.name, "versions": versions()}},
    )


def evaluate(
    run: Run, classifier: Classifier, material: Material, trainer: Trainer
) -> tuple[Evaluation, dict[str, Any]]:
    """Score the test split, once, and write what came out.

    A test picture that was left out for a flaw has a row with its error.
    """
    found = answers(classifier, material, trainer, "test")
    return record(run, found, classifier.temperature, material)


def answers(
    classifier: Classifier, material: Material, trainer: Trainer, split: str
) -> NDArray[np.float64]:
    """Calibrated probabilities of the pictures of a split, (n, k)."""
    module = classifier.module.to(trainer.device)
    scores = trainer.logits(module, material.pixels[split])
    module.cpu()
    return softmax(scores, classifier.temperature)


def record(
    run: Run, found: NDArray[np.float64], temperature: float, material: Material
) -> tuple[Evaluation, dict[str, Any]]:
    """Write the evaluation and the predictions of the test split, of which `found` are (n, k)."""
    rows = material.rows["test"]
    broken = _broken_rows(material)
    manifest = material.dataset.manifest
    together = np.concatenate([rows, broken])
    index = {name: number for number, name in enumerate(manifest.classes)}
    labels = [index[label] for label in manifest.table["label"].take(together).to_pylist()]
    problems = manifest.table["problem"].take(together).to_pylist()
    blank = np.full((len(broken), len(manifest.classes)), np.nan)
    evaluation = Evaluation(
        files=tuple(manifest.files(together)),
        labels=np.array(labels, np.int64),
        classes=manifest.classes,
        probabilities=np.concatenate([found, blank]),
        errors=tuple(problems),
        split="test",
        temperature=temperature,
    )
    document = evaluation.to_json()
    write_json(run.folder / "evaluation.json", document)
    write_parquet(evaluation.table(), run.folder / "predictions.parquet")
    write_bytes(run.folder / "predictions.csv", evaluation.csv_text().encode())
    return evaluation, document


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
    start = time.monotonic()
    for place, key in enumerate(_CHEAP):
        left = seconds - (time.monotonic() - start)
        share = left * _CHEAP[key] / sum(list(_CHEAP.values())[place:])
        try:
            if left <= 0 and place:
                raise BudgetError("the time that the cheap rungs may take is spent")
            rung = fit_cheap(key, material, share, desk.recipe.seed)
        except (FeatureError, RecipeError) as error:
            found.left_out.append((CHEAP[key], reason(error)))
            desk.reporter.say(f"{CHEAP[key]} is left out: {reason(error)}")
            continue
        keep_rung(desk.run.folder / "rungs" / key, rung, material)
        found.folders[rung.name] = f"rungs/{key}"
        found.rungs.append(rung)
    return found


def reason(error: HubelError) -> str:
    """Why a rung is left out, in one line: of a message that is drawn, what stands above it."""
    text = str(error)
    return (text.partition("\n")[0] if error.drawn else text).rstrip(".")


def _broken_rows(material: Material) -> NDArray[np.int64]:
    """Test samples with a label of a known class that could not be used."""
    table = material.dataset.manifest.table
    known = set(material.dataset.manifest.classes)
    columns = (table[name].to_pylist() for name in ("split", "label", "problem"))
    found = [
        row
        for row, (split, label, problem) in enumerate(zip(*columns, strict=True))
        if split == "test" and problem is not None and label in known
    ]
    return np.array(found, np.int64)
