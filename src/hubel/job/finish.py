"""The last stages: the classifier, and its evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.classifier import Classifier
from hubel.data.manifest import write_parquet
from hubel.evaluation.calibration import fit_temperature, softmax
from hubel.evaluation.evaluation import Evaluation
from hubel.job.prepare import Material
from hubel.runs import Run, versions
from hubel.storage import write_bytes, write_json
from hubel.training.trainer import Trainer

__all__ = ["answers", "evaluate", "make_classifier", "record"]


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
        {
            "provenance": {"data": material.dataset.source.name, "versions": versions()},
            "balance": trainer.recipe.balance,
        },
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
