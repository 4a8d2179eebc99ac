"""What classifiers are compared by, and how a report says it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ACCURACY", "Measure", "measure_of"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric in the words of the report.

    Args:
        key: as the files of a run call it.
        name: in a sentence.
        head: of a column with its values.
        validation: of the validation pictures, after "best was" and the like.
        test: how differences in it were tested.
    """

    key: str
    name: str
    head: str
    validation: str
    test: str

    @property
    def column(self) -> str:
        """Of results.csv."""
        return f"val_{self.key}"

    @property
    def title(self) -> str:
        """At the beginning of a sentence."""
        return self.name[0].upper() + self.name[1:]

    def said(self, percent: str) -> str:
        """A value in a sentence."""
        return f"{percent}% right" if self.key == "accuracy" else f"{percent}% {self.name}"


ACCURACY = Measure(
    "accuracy",
    "accuracy",
    "right, %",
    "of the validation pictures right",
    "p is from the exact McNemar test",
)
_MEASURES = (
    ACCURACY,
    Measure(
        "mean_average_precision",
        "mean average precision",
        "mAP, %",
        "mean average precision on the validation pictures",
        "p is from a swap test, which trades the answers to each picture by chance",
    ),
)


def measure_of(key: object) -> Measure:
    """By its key; accuracy where a file names none.

    Example:
        >>> measure_of("mean_average_precision").said("71.2")
        '71.2% mean average precision'
    """
    return next((one for one in _MEASURES if one.key == key), ACCURACY)
