"""What a run left behind, read once: everything that a report can say comes from here."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

from hubel.errors import ArtifactError
from hubel.reports.measures import ACCURACY, Measure, measure_of

_DIGESTED = (
    "classifier/model.safetensors",
    "classifier/classifier.json",
    "manifest.parquet",
    "predictions.parquet",
    "evaluation.json",
)


class Table(Protocol):
    """The little of `pyarrow.Table` that a report asks for."""

    @property
    def num_rows(self) -> int: ...
    @property
    def column_names(self) -> list[str]: ...
    def column(self, i: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its interval; each is None where it is undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @classmethod
    def read(cls, written: Mapping[str, Any] | None) -> Estimate:
        """From {"value", "low", "high"}; an absent or non-finite number is undefined."""
        found = written or {}
        return cls(*(number(found.get(key)) for key in ("value", "low", "high")))


def number(written: object) -> float | None:
    """A finite float, or None for what is absent, empty, or not a finite number.

    Example:
        >>> number("0.5"), number(""), number("nan")
        (0.5, None, None)
    """
    if not isinstance(written, int | float | str):
        return None
    try:
        value = float(written)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@dataclass(frozen=True, kw_only=True)
class ReportFacts:
    """The parsed files of a run folder; what the run never wrote is None or empty.

    Args:
        folder: the run folder, as commands should name it.
        run: run.json.
        manifest: manifest.parquet, one row a file.
        results: results.csv, one mapping an epoch, of floats or None.
        evaluation: evaluation.json.
        predictions: predictions.parquet, one row a picture of the evaluated split.
        ladder: ladder.json.
        classifier: classifier/classifier.json.
        layers: {"name", "op", "output", "parameters", "multiply_adds"} for each layer, in order,
            and {"receptive_field"} where it is known.
        drawing: the network as an SVG element; empty where there is none.
        advice: what the arithmetic of the network says, a sentence each.
        totals: {"parameters", "multiply_adds"} of the whole network.
        digests: SHA-256 of the files that the report vouches for, by their path in the folder.
    """

    folder: Path
    run: dict[str, Any]
    manifest: Table | None = None
    results: Sequence[Mapping[str, float | None]] = ()
    evaluation: dict[str, Any] | None = None
    predictions: Table | None = None
    ladder: dict[str, Any] | None = None
    classifier: dict[str, Any] | None = None
    layers: Sequence[Mapping[str, Any]] = ()
    drawing: str = ""
    advice: Sequence[str] = ()
    totals: Mapping[str, int] = field(default_factory=dict[str, int])
    digests: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def read(
        cls,
        folder: Path,
        layers: Sequence[Mapping[str, Any]] = (),
        totals: Mapping[str, int] | None = None,
    ) -> ReportFacts:
        """Read a run folder, whole or cut short.

        Args:
            folder: holds run.json and whatever else the run came to write.
            layers: rows of the layer table, which the run folder does not keep.
            totals: of the network; by default run.json's, else the sum over `layers`.

        Raises:
            ArtifactError: run.json is absent, or one of the files can't be parsed.
        """
        run = _json(folder / "run.json")
        if run is None:
            raise ArtifactError(
                f"{folder}: no run.json, so this is not a run folder. Name one that "
                "`hubel train` made, for instance runs/photos-1."
            )
        return cls(
            folder=folder,
            run=run,
            manifest=_table(folder / "manifest.parquet"),
            results=_results(folder / "results.csv"),
            evaluation=_json(folder / "evaluation.json"),
            predictions=_table(folder / "predictions.parquet"),
            ladder=_json(folder / "ladder.json"),
            classifier=_json(folder / "classifier" / "classifier.json"),
            layers=tuple(layers),
            totals=_totals(run, layers) if totals is None else totals,
            digests=_digests(folder),
        )

    def part(self, name: str) -> dict[str, Any]:
        """A mapping inside run.json; empty where the run did not come that far."""
        found = self.run.get(name)
        return cast(dict[str, Any], found) if isinstance(found, dict) else {}

    @property
    def measure(self) -> Measure:
        """What classifiers are compared by."""
        several = self.part("data").get("task") == "multi-label"
        return measure_of("mean_average_precision" if several else "accuracy")

    @property
    def unbalanced(self) -> bool:
        """Whether the classes are so unequal that accuracy alone says too little."""
        unequal = (self.part("data").get("imbalance") or {}).get("unbalanced")
        return self.measure == ACCURACY and bool(unequal)

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in the run's order."""
        return [str(name) for name in self.part("data").get("classes") or ()]


def _json(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        return cast(dict[str, Any], json.loads(path.read_text("utf-8")))
    except ValueError as error:
        raise _unreadable(path, "JSON", error) from error


def _table(path: Path) -> Table | None:
    if not path.exists():
        return None
    from pyarrow import parquet  # pyright: ignore[reportMissingTypeStubs]  # slow to import

    try:
        return cast(Any, parquet).read_table(path)
    except (OSError, ValueError) as error:  # pyarrow's own errors inherit ValueError
        raise _unreadable(path, "a Parquet table", error) from error


def _unreadable(path: Path, expected: str, error: Exception) -> ArtifactError:
    return ArtifactError(
        f"{path}: expected {expected}, but {type(error).__name__}: {error}. "
        "The file was cut short or changed; run `hubel train` again."
    )


def _results(path: Path) -> tuple[dict[str, float | None], ...]:
    if not path.exists():
        return ()
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [
            {key: number(row[key]) for key in row if isinstance(key, str)}
            for row in csv.DictReader(lines)
        ]
    return tuple(row for row in rows if row.get("epoch") is not None)


def _totals(run: Mapping[str, Any], layers: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {
        key: int(run[key]) if run.get(key) is not None else sum(int(row[key]) for row in layers)
        for key in ("parameters", "multiply_adds")
    }


def _digests(folder: Path) -> dict[str, str]:
    digests: dict[str, str] = {}
    for name in _DIGESTED:
        path = folder / name
        if path.is_file():
            with path.open("rb") as content:
                digests[name] = hashlib.file_digest(content, "sha256").hexdigest()
    return digests
