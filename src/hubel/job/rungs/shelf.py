"""Finished rungs on the disk, so that a ladder that was stopped need not fit them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hubel.classifier import load
from hubel.data.manifest import read_parquet, write_parquet
from hubel.evaluation.labelling import read_judgement
from hubel.job.prepare import Material
from hubel.job.rungs.rung import Rung
from hubel.storage import read_json, storage_errors, write_json

__all__ = ["keep_rung", "kept_curve", "kept_rung"]

_TABLES = {"val": "validation.parquet", "test": "predictions.parquet"}
_FACTS = "rung.json"


def keep_rung(
    folder: Path, rung: Rung, material: Material, curve: dict[str, Any] | None = None
) -> None:
    """Write a rung; it counts once its `rung.json` is there, which is written last.

    Args:
        folder: of the rung.
        rung: finished.
        material: that it was fitted on.
        curve: its learning curve, where it has one.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for split, name in _TABLES.items():
        write_parquet(rung.evaluation(material, split).table(), folder / name)
    if rung.classifier is not None:
        rung.classifier.save(folder / "classifier")
    facts = {
        "name": rung.name,
        "parameters": rung.parameters,
        "multiply_adds": rung.multiply_adds,
        "seconds": rung.seconds,
        "note": rung.note,
        "shippable": rung.classifier is not None,
        "learning_curve": curve,
    }
    write_json(folder / _FACTS, facts)


def kept_rung(folder: Path) -> Rung | None:
    """A rung that was written before; None where it was not finished."""
    if not (folder / _FACTS).is_file():
        return None
    facts = read_json(folder / _FACTS)
    found = {split: read_judgement(read_parquet(folder / name)) for split, name in _TABLES.items()}
    return Rung(
        facts["name"],
        {split: evaluation.probabilities for split, evaluation in found.items()},
        facts["parameters"], facts["multiply_adds"], facts["seconds"], facts["note"],
        load(folder) if facts["shippable"] else None,
    )  # fmt: skip


def kept_curve(folder: Path) -> dict[str, Any] | None:
    """The learning curve of a rung that was written before."""
    return read_json(folder / _FACTS)["learning_curve"]
