"""Hubel: from labelled pictures to a classifier that its owner can see through."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hubel.analysis.assemble import design
    from hubel.analysis.design import Design
    from hubel.classifier import Classifier, Prediction, load
    from hubel.errors import HubelError
    from hubel.job.climb import ladder
    from hubel.job.search.work import search
    from hubel.job.work import resume, train
    from hubel.runs import Run

__version__ = "0.1.0"

_HOMES = {
    "Classifier": "hubel.classifier",
    "Design": "hubel.analysis.design",
    "HubelError": "hubel.errors",
    "Prediction": "hubel.classifier",
    "Run": "hubel.runs",
    "design": "hubel.analysis.assemble",
    "ladder": "hubel.job.climb",
    "load": "hubel.classifier",
    "resume": "hubel.job.work",
    "search": "hubel.job.search.work",
    "train": "hubel.job.work",
}

__all__ = [
    "Classifier",
    "Design",
    "HubelError",
    "Prediction",
    "Run",
    "design",
    "ladder",
    "load",
    "resume",
    "search",
    "train",
]


def __getattr__(name: str) -> Any:
    # `import hubel` must load neither torch nor anything else that is slow.
    if name not in _HOMES:
        raise AttributeError(f"module 'hubel' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
