"""The last stages: the classifier, and its evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubel.classifier import Classifier
from hubel.data.manifest import write_parquet
from hubel.evaluation.labelling import Answered, Judgement
from hubel.job.prepare import Material
from hubel.runs import Run, versions
from hubel.storage import write_bytes, write_json
from hubel.training.trainer import Trainer

__all__ = ["answers", "evaluate", "make_classifier", "record"]


def make_classifier(trainer: Trainer, material: Material, *, calibrate: bool) -> Classifier:
    """The classifier with the weights of now; calibrated on the validation split if asked."""
    module = trainer.final_module()
    temperature, labelling = 1.0, material.labelling
    decision: dict[str, Any] = {"task": labelling.task}
    if calibrate:
        module.to(trainer.device)
        logits = trainer.logits(module, material.pixels["val"])
        temperature = labelling.fit_temperature(logits, material.targets("val"))
        decision = material.decision(labelling.probabilities(logits, temperature))
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
        **decision,
    )


def evaluate(
    run: Run, classifier: Classifier, material: Material, trainer: Trainer
) -> tuple[Judgement, dict[str, Any]]:
    """Score the test split, once, and write what came out.

    A test picture that was left out for a flaw has a row with its error.
    """
    found = answers(classifier, material, trainer, "test")
    return record(run, found, classifier, material)


def answers(
    classifier: Classifier, material: Material, trainer: Trainer, split: str
) -> NDArray[np.float64]:
    """Calibrated probabilities of the pictures of a split, (n, k)."""
    module = classifier.module.to(trainer.device)
    scores = trainer.logits(module, material.pixels[split])
    module.cpu()
    return material.labelling.probabilities(scores, classifier.temperature)


def record(
    run: Run, found: NDArray[np.float64], classifier: Classifier, material: Material
) -> tuple[Judgement, dict[str, Any]]:
    """Write the evaluation and the predictions of the test split, of which `found` are (n, k)."""
    rows = material.rows["test"]
    broken = _broken_rows(material)
    manifest = material.dataset.manifest
    together = np.concatenate([rows, broken])
    problems = manifest.table["problem"].take(together).to_pylist()
    blank = np.full((len(broken), len(manifest.classes)), np.nan)
    answered = Answered(
        files=tuple(manifest.files(together)),
        targets=manifest.encode(together),
        classes=manifest.classes,
        probabilities=np.concatenate([found, blank]),
        errors=tuple(problems),
        split="test",
        temperature=classifier.temperature,
        thresholds=classifier.cuts,
    )
    evaluation = material.labelling.judge(answered)
    document = evaluation.to_json()
    write_json(run.folder / "evaluation.json", document)
    write_parquet(evaluation.table(), run.folder / "predictions.parquet")
    write_bytes(run.folder / "predictions.csv", evaluation.csv_text().encode())
    return evaluation, document


def _broken_rows(material: Material) -> NDArray[np.int64]:
    """Test samples with a label of a known class that could not be used."""
    manifest = material.dataset.manifest
    splits = np.array(manifest.table["split"].to_pylist(), dtype=object)
    rows = np.flatnonzero((splits == "test") & ~manifest.accepted)
    return rows[manifest.has_truth(rows)]
