"""Can its confidence be trusted: reliability of the stated probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hubel.reports.charts.reliability import Bin, reliability_diagram
from hubel.reports.facts import Estimate, number
from hubel.reports.findings import labels, results
from hubel.reports.formats import count, interval, percent
from hubel.reports.sections.section import Material, Section

_SLIGHT = 0.0005  # what would be shown as 0.0 points


def section(material: Material) -> Section | None:
    """Diagram, bins as a table, calibration error and temperature."""
    evaluation = material.facts.evaluation
    calibration: dict[str, Any] = (evaluation or {}).get("calibration") or {}
    if evaluation is None:
        return None
    bins = [
        found for written in calibration.get("bins", ()) if (found := _bin(written)) is not None
    ]
    n = sum(found.n for found in bins)
    if not n:
        return None
    said = sum(found.confidence * found.n for found in bins) / n
    stretches = _stretches(bins)
    several = material.several is not None
    if several:
        true = Estimate.read(calibration.get("overall"))
        brief = labels.confidence(said, true, off=bool(stretches))
    else:
        accuracy = Estimate.read(evaluation.get("accuracy"))
        brief = results.confidence(said, accuracy, off=bool(stretches))
    return Section(
        id="confidence",
        question="Can its confidence be trusted?",
        finding=f"{brief} {results.off_bins(stretches)}".strip(),
        brief=brief,
        evidence={
            "chart": reliability_diagram(bins),
            "error": _error(Estimate.read(evaluation.get("ece"))),
            "temperature": _temperature(number(calibration.get("temperature"))),
            "off": bool(stretches),
            "what": "answers" if several else "pictures",
            "true": "there" if several else "right",
            "by_label": _by_label(evaluation) if several else [],
            "rows": [_row(found) for found in bins if found.n],
        },
    )


def _by_label(evaluation: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Name, calibration error and its interval of each label, the worst first."""
    errors = {name: Estimate.read(row.get("ece")) for name, row in evaluation["classes"].items()}
    order = sorted(errors, key=lambda name: -(errors[name].value or 0.0))
    return [(name, percent(errors[name].value), interval(errors[name])) for name in order]


def _bin(written: dict[str, Any]) -> Bin | None:
    low, high = number(written.get("low")), number(written.get("high"))
    if low is None or high is None:
        return None
    said = number(written.get("confidence"))
    return Bin(
        low=low,
        high=high,
        n=int(written.get("n") or 0),
        confidence=(low + high) / 2 if said is None else said,
        accuracy=Estimate.read(written.get("accuracy")),
    )


def _off(found: Bin) -> bool:
    low, high = found.accuracy.low, found.accuracy.high
    if not found.n or low is None or high is None:
        return False
    return not low - _SLIGHT <= found.confidence <= high + _SLIGHT


def _stretches(bins: Sequence[Bin]) -> list[str]:
    """The bins that are off, neighbours joined."""
    ends: list[tuple[float, float]] = []
    for found in bins:
        if not _off(found):
            continue
        if ends and ends[-1][1] == found.low:
            ends[-1] = (ends[-1][0], found.high)
        else:
            ends.append((found.low, found.high))
    return [f"{percent(low, 0)} to {percent(high, 0)}" for low, high in ends]


def _range(found: Bin) -> str:
    return f"{percent(found.low, 0)} to {percent(found.high, 0)}"


def _error(ece: Estimate) -> str:
    if ece.value is None:
        return ""
    around = f" ({interval(ece)})" if interval(ece) else ""
    return (
        f"Expected calibration error: {percent(ece.value)} points{around}, the mean distance "
        "between what it says and what comes true."
    )


def _temperature(value: float | None) -> str:
    if value is None:
        return "Its probabilities are as the network gave them: no temperature was fitted."
    if value == 1:
        return "Its probabilities are as the network gave them: the temperature stayed at 1."
    return (
        f"Its scores were divided by a temperature of {value:.2f}, fitted on the validation "
        f"pictures, which {'softened' if value > 1 else 'sharpened'} them."
    )


def _row(found: Bin) -> dict[str, str]:
    return {
        "range": _range(found),
        "n": count(found.n),
        "said": percent(found.confidence),
        "right": percent(found.accuracy.value),
        "interval": interval(found.accuracy),
        "off": "off by more than chance" if _off(found) else "",
    }
