"""What a run says of itself when it begins, to people and in its book."""

from __future__ import annotations

from typing import Any

from hubel.data.dataset import Dataset
from hubel.data.imbalance import Imbalance
from hubel.data.preprocess import Preprocess
from hubel.data.sources import lasting_name
from hubel.job.bucketing import bucket_notes, shape_document
from hubel.job.desk import Desk, Sitting
from hubel.runs import versions

__all__ = ["compare_versions", "describe", "headline", "imbalance_of", "introduce"]


def headline(document: dict[str, Any]) -> dict[str, Any]:
    """What a classifier is to know of its own evaluation."""
    names = ("split", "n", "mean_average_precision", "accuracy", "balanced_accuracy", "macro_f1",
             "log_loss", "ece")  # fmt: skip
    several = document.get("task") == "multi-label"
    return {
        name: document[name]
        for name in names
        if name in document and (several or name != "macro_f1")
    }


def imbalance_of(dataset: Dataset) -> Imbalance:
    """Of the training split."""
    manifest = dataset.manifest
    return Imbalance.of(manifest.targets[manifest.rows("train")], len(manifest.classes))


def describe(dataset: Dataset) -> dict[str, Any]:
    """The facts of the data, as `run.json` holds them."""
    accepted = int(dataset.manifest.accepted.sum())
    return {
        "source": lasting_name(dataset.source.name),
        "kind": dataset.kind,
        "task": dataset.manifest.task,
        "classes": list(dataset.manifest.classes),
        "files": len(dataset.manifest),
        "accepted": accepted,
        "rejected": len(dataset.manifest) - accepted,
        "splits": dataset.manifest.counts(),
        "imbalance": imbalance_of(dataset).to_json(dataset.manifest.classes),
        "notes": list(dataset.notes),
        "flaws": list(dataset.flaws),
    }


def introduce(desk: Desk, dataset: Dataset, preprocess: Preprocess, notes: tuple[str, ...]) -> None:
    """Say what a run works on, and where, and write the cost of its shape into its book."""
    data = desk.ledger.facts["data"]
    splits = ", ".join(f"{count:,} {split}" for split, count in data["splits"].items())
    desk.reporter.say(
        f"{data['source']}: {data['accepted']:,} pictures of {len(data['classes'])} classes "
        f"({splits}); {data['rejected']:,} left out"
    )
    balance = desk.ledger.facts["recipe"]["balance"]
    desk.reporter.say(
        f"training classes: {data['imbalance']['text']}; balance {balance['value']} "
        f"({balance['why']})"
    )
    for note in dataset.notes:
        desk.reporter.say(f"  {note}")
    if preprocess.kind == "picture":
        document = shape_document(dataset, preprocess)
        desk.ledger.write(shape=document)
        desk.reporter.say(f"shape: {document['text']}")
    for note in bucket_notes(preprocess):
        desk.reporter.say(f"  {note}")
    for note in notes:
        desk.reporter.say(f"network: {note}")
    desk.reporter.say(desk.ledger.facts["device"]["text"])


def compare_versions(before: dict[str, str], sitting: Sitting) -> None:
    """Say which versions are others than those that a run began with."""
    now = versions()
    changed = [f"{name} {before[name]} -> {now.get(name)}" for name in before
               if before[name] != now.get(name)]  # fmt: skip
    if changed:
        text = "; the weights may differ in their last bits from those of one sitting"
        sitting.reporter.say("versions have changed: " + ", ".join(changed) + text)
