"""What every rung comes to: its answers and its price."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hubel.classifier import Classifier
from hubel.evaluation.labelling import Answered, Judgement
from hubel.job.prepare import Material

__all__ = ["Rung"]


@dataclass(frozen=True, slots=True, eq=False)
class Rung:
    """A way to classify, fitted.

    Attributes:
        name: what people call it.
        probabilities: of the classes, (n, k), by split: "val" and "test".
        parameters: numbers that it learned.
        multiply_adds: for one picture; None where they can't be told.
        seconds: to fit.
        note: how it was fitted.
        classifier: that can be saved and shipped; None where there is none.
    """

    name: str
    probabilities: dict[str, NDArray[np.float64]]
    parameters: int
    multiply_adds: int | None
    seconds: float
    note: str
    classifier: Classifier | None = None

    def fitted_on(self, used: Material, whole: Material) -> Rung:
        """With a note of it, where its pictures had another shape than those of the whole."""
        if used is whole:
            return self
        size = f"{used.preprocess.height} x {used.preprocess.width} px"
        return replace(self, note=f"{self.note}; pictures squashed to {size}")

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Class index of each test picture, (n,)."""
        return self.probabilities["test"].argmax(1).astype(np.int64)

    def evaluation(self, material: Material, split: str) -> Judgement:
        """Its answers beside the truth, for a split."""
        manifest, rows = material.dataset.manifest, material.rows[split]
        labelling = material.labelling
        answered = Answered(
            files=tuple(manifest.files(rows)),
            targets=material.targets(split),
            classes=manifest.classes,
            probabilities=self.probabilities[split],
            errors=(None,) * len(rows),
            split=split,
            thresholds=labelling.fit_thresholds(material.targets("val"), self.probabilities["val"]),
        )
        return labelling.judge(answered)
