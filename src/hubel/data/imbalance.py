"""How unequal the classes are: three figures, and the sentence that says them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNBALANCED", "Imbalance"]

UNBALANCED = 3.0  # times the pictures of the smallest class that the largest has


@dataclass(frozen=True, slots=True)
class Imbalance:
    """The sizes of the classes of a training split.

    Attributes:
        counts: pictures of each class, (classes,).
    """

    counts: tuple[int, ...]

    @classmethod
    def of(cls, targets: NDArray[np.int64], num_classes: int) -> Imbalance:
        """Of class indices, (n,), or of ones and zeros, (n, classes)."""
        several = targets.ndim == 2
        counts = targets.sum(0) if several else np.bincount(targets, minlength=num_classes)
        return cls(tuple(counts.astype(int).tolist()))

    @property
    def ratio(self) -> float:
        """Pictures of the largest class for one of the smallest; infinite where that has none.

        Example:
            >>> Imbalance((594, 137)).ratio.__round__(2)
            4.34
        """
        least = min(self.counts)
        return max(self.counts) / least if least else math.inf

    @property
    def effective_classes(self) -> float:
        """The number of equal classes whose shares have the same entropy: exp(H).

        Source: Hill 1973, Ecology 54(2), the number of order 1.

        Example:
            >>> round(Imbalance((50, 50)).effective_classes, 2)
            2.0
        """
        shares = np.array([count for count in self.counts if count], np.float64)
        shares /= shares.sum()
        return float(np.exp(-(shares * np.log(shares)).sum()))

    @property
    def majority(self) -> float:
        """Share that always answering the largest class gets right."""
        return max(self.counts) / sum(self.counts)

    @property
    def unbalanced(self) -> bool:
        """Whether accuracy alone says too little: the ratio is 3 or more."""
        return self.ratio >= UNBALANCED

    def sentence(self, classes: tuple[str, ...]) -> str:
        """The three figures in one line.

        Example:
            >>> Imbalance((594, 137)).sentence(("paper", "trash"))
            'paper 594 to trash 137 (4.3 : 1), 1.62 effective classes of 2, always paper: 81.3%'
        """
        large, small = (int(np.argmax(self.counts)), int(np.argmin(self.counts)))
        ratio = f"{self.ratio:.1f} : 1" if self.counts[small] else "it has none"
        if self.counts[large] == self.counts[small]:
            return (
                f"all {len(classes)} have {self.counts[large]:,}, always one: {self.majority:.1%}"
            )
        return (
            f"{classes[large]} {self.counts[large]:,} to {classes[small]} "
            f"{self.counts[small]:,} ({ratio}), {self.effective_classes:.3g} effective classes of "
            f"{len(classes)}, always {classes[large]}: {self.majority:.1%}"
        )

    def to_json(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """The figures as JSON types; the ratio is null where a class has no picture."""
        return {
            "counts": dict(zip(classes, self.counts, strict=True)),
            "ratio": self.ratio if math.isfinite(self.ratio) else None,
            "effective_classes": self.effective_classes,
            "majority": self.majority,
            "unbalanced": self.unbalanced,
            "text": self.sentence(classes),
        }
