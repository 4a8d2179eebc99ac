"""A made-up run folder, of any size, as the contract between the parts lays it down."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image
from pyarrow import parquet
from synthetic_ladder import climbed

TRASH = ("cardboard", "glass", "metal", "paper", "plastic", "trash")
NETWORK = "network (convnet)"


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """What the made-up run is like; `climbed`, that `hubel ladder` made it and not `train`."""

    classes: Sequence[str] = TRASH
    per_class: int = 80
    skill: float = 1.6
    epochs: int = 20
    rejected: int = 8
    rungs: int = 4
    seed: int = 0
    perfect: bool = False
    file: str = "{label}/{label}{k}.jpg"
    size: tuple[int, int] = (512, 384)
    status: str = "done"
    climbed: bool = False

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)


def wilson(right: float, n: int) -> dict[str, float | None]:
    """A share and its 95% interval (Wilson 1927)."""
    if n == 0:
        return {"value": None, "low": None, "high": None}
    z, p = 1.959964, right / n
    middle, half = p + z * z / 2 / n, z * (p * (1 - p) / n + z * z / 4 / n / n) ** 0.5
    scale = 1 + z * z / n
    return {
        "value": p,
        "low": max(0, (middle - half) / scale),
        "high": min(1, (middle + half) / scale),
    }


def write_run(folder: Path, kind: Synthetic) -> Path:
    """Every file of a run that is done."""
    folder.mkdir(parents=True, exist_ok=True)
    labels, probabilities = answers(kind)
    files = [
        kind.file.format(label=label, k=k + 1)
        for label in kind.classes
        for k in range(kind.per_class)
    ]
    predicted = probabilities.argmax(axis=1)
    write_manifest(folder, kind, files, labels)
    write_results(folder, kind)
    evaluation = evaluate(kind, labels, predicted, probabilities)
    _dump(folder / "evaluation.json", evaluation)
    table = {
        "file": files,
        "label": [kind.classes[k] for k in labels],
        "predicted": [kind.classes[k] for k in predicted],
        **{f"probability:{name}": probabilities[:, k] for k, name in enumerate(kind.classes)},
        "error": pa.array([None] * len(files), pa.string()),
    }
    parquet.write_table(pa.table(table), folder / "predictions.parquet")
    steps = climbed() if kind.climbed else ladder(kind, evaluation["accuracy"], len(files))
    _dump(folder / "ladder.json", steps)
    (folder / "classifier").mkdir(exist_ok=True)
    _dump(folder / "classifier" / "classifier.json", {"schema_version": 1})
    (folder / "classifier" / "model.safetensors").write_bytes(b"not weights")
    _dump(folder / "run.json", run(kind, len(files)))
    return folder


def answers(kind: Synthetic) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Labels (n,) and probabilities (n, classes); neighbours in the list are taken for another."""
    k = len(kind.classes)
    labels = np.repeat(np.arange(k), kind.per_class)
    scores = kind.rng.normal(size=(len(labels), k))
    scores[np.arange(len(labels)), labels] += 50 if kind.perfect else kind.skill + 2
    scores[np.arange(len(labels)), (labels + 1) % k] += 0 if kind.perfect else 1.2
    exponentials = np.exp(1.4 * scores)
    return labels, exponentials / exponentials.sum(axis=1, keepdims=True)


def write_manifest(
    folder: Path, kind: Synthetic, files: list[str], labels: NDArray[np.intp]
) -> None:
    """The evaluated files as the test split, three times as many others, and the rejected."""
    names = [kind.classes[k] for k in labels]
    more = [(f"more/{file}", name) for file, name in zip(files, names, strict=True)] * 3
    rows = [(file, name, "test") for file, name in zip(files, names, strict=True)]
    rows += [
        (f"{k}{file}", name, "val" if k % 3 == 2 else "train")
        for k, (file, name) in enumerate(more)
    ]
    reasons = ["cannot be decoded", "same picture in two classes", "too small"]
    bad = [f"bad/scan \u202egnp.{k}.exe" for k in range(kind.rejected)]
    n, m = len(rows), len(bad)
    width, height = kind.size
    turned = kind.rng.random(n) < 0.1
    columns: dict[str, Any] = {
        "file": [row[0] for row in rows] + bad,
        "path": [row[0].encode("utf-8", "surrogateescape") for row in rows] + [b"bad"] * m,
        "label": [row[1] for row in rows] + [None] * m,
        "split": [row[2] for row in rows] + [None] * m,
        "group": pa.array([None] * (n + m), pa.string()),
        "width": pa.array([height if t else width for t in turned] + [0] * m, pa.int32()),
        "height": pa.array([width if t else height for t in turned] + [0] * m, pa.int32()),
        "mode": ["L" if k % 50 == 0 else "RGB" for k in range(n + m)],
        "format": ["JPEG"] * (n + m),
        "bytes": pa.array([18_000] * (n + m), pa.int64()),
        "frames": pa.array([1] * (n + m), pa.int32()),
        "digest": pa.array([b"\0" * 32] * (n + m), pa.binary(32)),
        "problem": [None] * n + [reasons[min(k % 5, 2)] for k in range(m)],
        "error": [None] * n + ["UnidentifiedImageError: cannot identify image file"] * m,
    }
    parquet.write_table(pa.table(columns), folder / "manifest.parquet")


def write_results(folder: Path, kind: Synthetic) -> None:
    """Losses that fall, then rise a little on the validation side."""
    noise = kind.rng.normal(0, 0.012, (kind.epochs, 2))
    with (folder / "results.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["epoch", "seconds", "train_loss", "val_loss", "val_accuracy", "lr"])
        for k in range(kind.epochs):
            x = (k + 1) / max(kind.epochs, 2)
            train, val = 1.7 * np.exp(-3.2 * x) + 0.08, 1.5 * np.exp(-3.6 * x) + 0.42 + 0.3 * x**3
            accuracy = 0.88 - 0.6 * np.exp(-4 * x)
            lr = 0.002 * (0.5 + 0.5 * np.cos(np.pi * x)) + 1e-6
            row = [9.1, train + noise[k, 0], val + noise[k, 1], accuracy + noise[k, 1] / 3, lr]
            writer.writerow([k + 1, *(f"{value:.6g}" for value in row)])


def evaluate(
    kind: Synthetic,
    labels: NDArray[np.intp],
    predicted: NDArray[np.intp],
    probabilities: NDArray[np.float64],
) -> dict[str, Any]:
    """evaluation.json, with intervals that are only about right where Wilson's does not fit."""
    counts = np.zeros((len(kind.classes), len(kind.classes)), int)
    np.add.at(counts, (labels, predicted), 1)
    n = len(labels)
    accuracy = wilson(int(counts.trace()), n)
    bins = reliability(probabilities.max(axis=1), labels == predicted)
    gap = sum(b["n"] / n * abs(b["confidence"] - b["accuracy"]["value"]) for b in bins if b["n"])
    return {
        "schema_version": 1,
        "split": "test",
        "n": n,
        "errors": 0,
        "confidence": 0.95,
        "accuracy": accuracy,
        "balanced_accuracy": accuracy,
        "macro_f1": accuracy,
        "log_loss": {"value": 0.412, "low": 0.351, "high": 0.482},
        "ece": {"value": gap, "low": max(0, gap - 0.01), "high": gap + 0.015},
        "classes": scores(kind, counts),
        "confusion": {"labels": list(kind.classes), "counts": counts.tolist()},
        "calibration": {"temperature": 1.31, "bins": bins},
    }


def scores(kind: Synthetic, counts: NDArray[np.int_]) -> dict[str, Any]:
    """Precision, recall and F1 of each class."""
    found: dict[str, Any] = {}
    for c, name in enumerate(kind.classes):
        hits, said, true = int(counts[c, c]), int(counts[:, c].sum()), int(counts[c].sum())
        found[name] = {
            "n": true,
            "precision": wilson(hits, said),
            "recall": wilson(hits, true),
            "f1": wilson(2 * hits / max(1, said + true) * true, true),
        }
    return found


def reliability(surest: NDArray[np.float64], right: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Ten bins of equal width."""
    bins: list[dict[str, Any]] = []
    for low, high in pairwise(np.linspace(0, 1, 11).tolist()):
        inside = (surest > low) & (surest <= high)
        n = int(inside.sum())
        said = float(surest[inside].mean()) if n else None
        share = wilson(int(right[inside].sum()), n)
        bins.append({"low": low, "high": high, "n": n, "confidence": said, "accuracy": share})
    return bins


def ladder(kind: Synthetic, accuracy: dict[str, Any], n: int) -> dict[str, Any]:
    """Baselines below the network; at most four rungs."""
    top = accuracy["value"]
    steps = [
        ("largest class", 1 / len(kind.classes), 0, 0, 0.01),
        ("linear on pixels", top * 0.55, 18_438, 18_432, 3.2),
        ("linear on HOG", top * 0.8, 48_606, 61_000, 9.4),
        (NETWORK, top, 1_246_374, 45_900_000, 192.4),
    ]
    steps = [*steps[: max(1, kind.rungs - 1)], steps[-1]]
    rungs = [
        {
            "name": name,
            "accuracy": wilson(share * n, n),
            "parameters": parameters,
            "multiply_adds": adds,
            "seconds": seconds,
            "note": None,
        }
        for name, share, parameters, adds, seconds in steps
    ]
    comparisons = [
        {"a": "network", "b": name, "difference": {"value": top - share, "low": top - share - 0.022,
         "high": top - share + 0.022}, "p_value": 1e-9, "n": n, "verdict": "a is better"}
        for name, share, *_ in steps[:-1]
    ]  # fmt: skip
    return {"rungs": rungs, "comparisons": comparisons}


def run(kind: Synthetic, n: int) -> dict[str, Any]:
    """run.json."""
    recipe = {
        "epochs": (kind.epochs, "rule", "what 10 minutes hold at 9.1 s an epoch"),
        "lr": (0.002, "default", "AdamW on small convolutional networks"),
        "batch_size": (64, "rule", "the largest that 2 cores keep fed"),
        "loss": ("cross-entropy", "default", ""),
        "augmentation": (["flip", "crop 0.7 to 1"], "rule", "fewer than 1,000 pictures a class"),
        "seed": (7, "user", "--seed 7"),
    }
    return {
        "schema_version": 1,
        "status": kind.status,
        "name": "trashnet-1",
        "command": ["hubel", "ladder" if kind.climbed else "train",
                    "my photos/trash's", "--budget", "10m", "--seed", "7"],
        "started": "2025-11-22T14:03:11+00:00",
        "error": None,
        "data": {
            "source": "sample:trashnet", "kind": "class folders", "classes": list(kind.classes),
            "files": 4 * n + kind.rejected, "accepted": 4 * n, "rejected": kind.rejected,
            "splits": {"train": 2 * n, "val": n, "test": n},
            "notes": ["12 pictures have a near-duplicate; each pair lies in one split."],
        },
        "recipe": {
            key: dict(zip(("value", "set_by", "why"), row, strict=True))
            for key, row in recipe.items()
        },
        "plan": {"epochs": kind.epochs, "steps": 25 * kind.epochs, "seconds": 182.0,
                 "text": f"{kind.epochs} epochs of 25 steps in about 3 min 2 s of 10 min."},
        "replans": [{"step": 200, "text": "an epoch took 9.6 s rather than 9.1 s"}],
        "device": {"name": "cpu", "text": "cpu: AMD EPYC, 2 threads"},
        "versions": {"hubel": "0.1.0", "python": "3.11.7", "torch": "2.14.1", "numpy": "2.4.6"},
        "machine": {"platform": "Linux 6.1", "processor": "AMD EPYC", "cores": 2, "memory_gb": 8},
        "seconds": {"scan": 4.1, "pixels": 11.8, "baselines": 12.6, "training": 192.4,
                    "evaluation": 3.3, "report": 1.9, "total": 228.0},
        "parameters": 1_246_374,
        "multiply_adds": 45_900_000,
        "budget_seconds": 600.0,
    }  # fmt: skip


LAYERS = tuple(
    {"name": name, "op": op, "output": output, "parameters": parameters, "multiply_adds": adds}
    for name, op, output, parameters, adds in (
        ("features.0", "conv3x3(32)", [32, 64, 64], 896, 3_538_944),
        ("features.1", "batch norm", [32, 64, 64], 64, 131_072),
        ("features.2", "relu", [32, 64, 64], 0, 0),
        ("features.3", "conv3x3(64)/2", [64, 32, 32], 18_496, 18_874_368),
        ("features.4", "relu", [64, 32, 32], 0, 0),
        ("features.5", "conv3x3(128)/2", [128, 16, 16], 73_856, 18_874_368),
        ("features.6", "max pool 2", [128, 8, 8], 0, 0),
        ("flatten", "flatten", [8192], 0, 0),
        ("head.0", "fc(140)", [140], 1_147_020, 1_146_880),
        ("head.1", "fc(6)", [6], 6_042, 5_840),
    )
)


def thumbnail(file: str, side: int = 96) -> bytes:
    """A picture of its own for each name: a JPEG as heavy as a photograph's thumbnail."""
    seed = int.from_bytes(hashlib.sha256(file.encode("utf-8", "backslashreplace")).digest()[:4])
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((side, side * 3 // 4), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _dump(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), "utf-8")
