"""Small classifiers, and ways to tamper with the files of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from hubel.classifier import Classifier
from hubel.data.preprocess import Preprocess
from hubel.models.architecture import Architecture
from hubel.storage import json_digest, sha256_file

FACTS, WEIGHTS = "classifier.json", "model.safetensors"


def make(name: str = "linear", classes: int = 3, side: int = 8) -> Classifier:
    architecture = Architecture(
        name=name, in_channels=3, num_classes=classes, image_size=(side, side)
    )
    torch.manual_seed(0)
    weights = {k: torch.randn_like(v) if v.is_floating_point() else v
               for k, v in architecture.build().state_dict().items()}  # fmt: skip
    preprocess = Preprocess(height=side, width=side, mean=(0.5,) * 3, std=(0.25,) * 3)
    names = tuple(f"class {n}" for n in range(classes))
    return Classifier(architecture, weights, preprocess, names, 1.5, {"metrics": {"n": 7}})


def edit(folder: Path, change: Callable[[dict[str, Any]], None], *, sign: bool = True) -> None:
    """Change the document; with `sign`, as someone who knows how the digests are made."""
    document = json.loads((folder / FACTS).read_text())
    change(document)
    if sign:
        hashes = document.pop("sha256")
        hashes[WEIGHTS] = sha256_file(folder / WEIGHTS)
        document["sha256"] = hashes | {FACTS: json_digest(document)}
    (folder / FACTS).write_text(json.dumps(document))


def nothing(_document: dict[str, Any]) -> None:
    """No change."""


def put(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return change


def drop(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    return change
