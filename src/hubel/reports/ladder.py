"""What ladder.json says, in the words of the report; of older ones too, which say less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hubel.reports.facts import Estimate, number
from hubel.reports.measures import ACCURACY, Measure, measure_of

__all__ = ["Comparison", "Curve", "Ladder", "Law", "Point", "Rung", "Verdict", "is_network"]

_TURNED = {"a is better": "b is better", "b is better": "a is better"}


def is_network(name: str) -> bool:
    """Whether a rung is the network that `hubel train` was asked for, and not a baseline."""
    return name.startswith("network")


@dataclass(frozen=True, slots=True)
class Rung:
    """One classifier: how right it is on the test pictures, and its price; None is unknown.

    `accuracy` is whatever the ladder compares by.
    """

    name: str
    accuracy: Estimate
    log_loss: Estimate
    calibration_error: Estimate
    parameters: float | None
    multiply_adds: float | None
    seconds: float | None
    note: str

    @classmethod
    def read(cls, written: Mapping[str, Any], measure: Measure = ACCURACY) -> Rung:
        """From an entry of `rungs`."""
        return cls(
            name=str(written["name"]),
            accuracy=Estimate.read(written.get(measure.key)),
            log_loss=Estimate.read(written.get("log_loss")),
            calibration_error=Estimate.read(written.get("ece")),
            parameters=number(written.get("parameters")),
            multiply_adds=number(written.get("multiply_adds")),
            seconds=number(written.get("seconds")),
            note=str(written.get("note") or ""),
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Classifier `a` beside `b` on the same pictures; the difference is accuracy of a less b.

    Args:
        p_value: after Holm's correction where `corrected`.
        confidence: of the interval.
    """

    a: str
    b: str
    difference: Estimate
    p_value: float | None
    n: int
    verdict: str
    corrected: bool = False
    confidence: float = 0.95

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Comparison:
        """From an entry of `comparisons`."""
        adjusted = number(written.get("p_adjusted"))
        return cls(
            a=str(written["a"]),
            b=str(written["b"]),
            difference=Estimate.read(written.get("difference")),
            p_value=number(written.get("p_value")) if adjusted is None else adjusted,
            n=int(number(written.get("n")) or 0),
            verdict=str(written.get("verdict", "")),
            corrected=adjusted is not None,
            confidence=number(written.get("confidence")) or 0.95,
        )

    @property
    def better(self) -> str | None:
        """The one that these data show to be better, if they do."""
        return {"a is better": self.a, "b is better": self.b}.get(self.verdict)

    def turned(self) -> Comparison:
        """The same with `a` and `b` swapped."""
        old = self.difference
        value, low, high = (
            None if x is None else 0.0 - x  # -0.0 would be shown with its sign
            for x in (old.value, old.high, old.low)
        )
        return Comparison(
            self.b,
            self.a,
            Estimate(value, low, high),
            self.p_value,
            self.n,
            _TURNED.get(self.verdict, self.verdict),
            self.corrected,
            self.confidence,
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Names: of the rung to ship, of those that none beats, and of those a step away in cost."""

    ship: str
    unbeaten: tuple[str, ...]
    below: str | None
    above: str | None

    @classmethod
    def read(cls, written: Mapping[str, Any] | None) -> Verdict | None:
        """From `verdict`; None where there is none."""
        if not written or not written.get("ship"):
            return None
        below, above = written.get("below") or {}, written.get("above") or {}
        return cls(
            ship=str(written["ship"]),
            unbeaten=tuple(map(str, written.get("unbeaten") or ())),
            below=below.get("cheaper"),
            above=above.get("dearer"),
        )


@dataclass(frozen=True, slots=True)
class Law:
    """error = floor + scale * n ** -exponent."""

    floor: float
    scale: float
    exponent: float

    def accuracy(self, n: float) -> float:
        """Expected after n training pictures."""
        return 1 - self.floor - self.scale * n**-self.exponent


@dataclass(frozen=True, slots=True)
class Point:
    """Accuracy after training on so many pictures."""

    n_train: int
    accuracy: Estimate


@dataclass(frozen=True, slots=True)
class Curve:
    """Accuracy of a rung over its training pictures; no law where the data determine none."""

    name: str
    points: tuple[Point, ...]
    law: Law | None
    gain_of_twice: Estimate
    sentence: str

    @classmethod
    def read(cls, written: Mapping[str, Any] | None) -> Curve | None:
        """From `learning_curve`; None where nothing was measured."""
        points = [
            Point(int(point["n_train"]), Estimate.read(point.get("accuracy")))
            for point in (written or {}).get("points") or ()
        ]
        if not written or not points:
            return None
        law = written.get("law") if written.get("determined", True) else None
        return cls(
            name=str(written.get("name") or ""),
            points=tuple(sorted(points, key=lambda point: point.n_train)),
            law=Law(*(float(law[key]) for key in ("floor", "scale", "exponent"))) if law else None,
            gain_of_twice=Estimate.read(written.get("gain_of_twice")),
            sentence=str(written.get("sentence") or ""),
        )


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rungs in the ladder's order, and what was found between them.

    Args:
        left_out: name and reason of the rungs that were not climbed.
        chosen: the rung that validation chose; None where the network was what was asked for.
        measure: what the rungs are compared by.
    """

    rungs: tuple[Rung, ...]
    comparisons: tuple[Comparison, ...]
    left_out: tuple[tuple[str, str], ...]
    chosen: str | None
    verdict: Verdict | None
    curve: Curve | None
    measure: Measure = ACCURACY

    @classmethod
    def read(cls, written: Mapping[str, Any] | None) -> Ladder | None:
        """From ladder.json; None where there is no rung."""
        if not written or not written.get("rungs"):
            return None
        measure = measure_of(written.get("metric"))
        compared = (
            one
            for one in written.get("comparisons") or ()
            if one.get("metric", "accuracy") == measure.name
        )
        return cls(
            rungs=tuple(Rung.read(rung, measure) for rung in written["rungs"]),
            comparisons=tuple(Comparison.read(one) for one in compared),
            left_out=tuple(
                (str(rung["name"]), str(rung.get("why") or ""))
                for rung in written.get("left_out") or ()
            ),
            chosen=written.get("chosen") or None,
            verdict=Verdict.read(written.get("verdict")),
            curve=Curve.read(written.get("learning_curve")),
            measure=measure,
        )

    def main(self, name: str) -> bool:
        """Whether this rung is what the run gives: the chosen one, or else the network."""
        return name == self.chosen if self.chosen else is_network(name)

    def rung(self, name: str | None) -> Rung | None:
        """By its name."""
        return next((rung for rung in self.rungs if rung.name == name), None)

    def between(self, a: str, b: str) -> Comparison | None:
        """The comparison of two rungs, as a less b."""
        for one in self.comparisons:
            if (one.a, one.b) == (a, b):
                return one
            if (one.a, one.b) == (b, a):
                return one.turned()
        return None

    def beats(self, name: str) -> Sequence[Comparison]:
        """Comparisons in which another is better than this rung, beyond doubt, as other less it."""
        found = [self.between(other.name, name) for other in self.rungs if other.name != name]
        return [one for one in found if one is not None and one.better == one.a]
