"""What was predicted beside what was measured, layer by layer."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any

from hubel.analysis.budget.measure import Measurement
from hubel.analysis.budget.roofline import Roofline
from hubel.analysis.budget.timing import Spread
from hubel.errors import DesignError

__all__ = ["Compared", "Comparison", "compare"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """One layer's prediction beside its measurement.

    Attributes:
        name: of the layer.
        predicted: seconds.
        measured: seconds, with their spread.
    """

    name: str
    predicted: float
    measured: Spread

    @property
    def ratio(self) -> float:
        """Predicted over measured: below 1 the prediction was too fast."""
        return self.predicted / self.measured.median if self.measured.median else math.inf


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A whole prediction beside a whole measurement.

    Attributes:
        layers: that both know, in the order of running.
        predicted: seconds of the whole pass.
        measured: seconds of the whole pass.
        spread: median over the layers of the measurements' relative spread.
        unmatched: names of layers that only one of them knows.
    """

    layers: tuple[Compared, ...]
    predicted: float
    measured: Spread
    spread: float
    unmatched: tuple[str, ...] = ()

    @property
    def ratio(self) -> float:
        """Of the whole pass: predicted over measured."""
        return self.predicted / self.measured.median

    @property
    def median_factor(self) -> float:
        """By which factor, up or down, the middle layer's prediction is off; 1 is right."""
        logs = [abs(math.log(x.ratio)) for x in self.layers if 0 < x.ratio < math.inf]
        return math.exp(statistics.median(logs)) if logs else 1.0

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON types."""
        return {
            "predicted": self.predicted,
            "measured": self.measured.to_json(),
            "ratio": self.ratio,
            "median_factor": self.median_factor,
            "spread": self.spread,
            "unmatched": list(self.unmatched),
            "layers": [
                {"name": x.name, "predicted": x.predicted, "measured": x.measured.to_json()}
                for x in self.layers
            ],
        }


def compare(predicted: Roofline, measured: Measurement) -> Comparison:
    """Set a prediction beside a measurement, layer by layer.

    Raises:
        DesignError: they are of different batches.
    """
    if predicted.batch != measured.batch:
        raise DesignError(
            f"the prediction is for a batch of {predicted.batch}, the measurement for "
            f"{measured.batch}; compare equal batches"
        )
    expected = {layer.name: layer.seconds for layer in predicted.layers}
    shared = [name for name in measured.layers if name in expected]
    found = [measured.layers[name] for name in shared]
    return Comparison(
        layers=tuple(
            Compared(name=name, predicted=expected[name], measured=one)
            for name, one in zip(shared, found, strict=True)
        ),
        predicted=predicted.seconds,
        measured=measured.whole,
        spread=statistics.median(one.relative for one in found) if found else 0.0,
        unmatched=tuple(sorted(expected.keys() ^ measured.layers.keys())),
    )
