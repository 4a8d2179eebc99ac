"""Environment and provenance: versions, machine, time by stage, hashes."""

from __future__ import annotations

from typing import Any

from hubel.reports.charts.tracks import parts
from hubel.reports.facts import ReportFacts, number
from hubel.reports.findings import making
from hubel.reports.formats import duration, percent
from hubel.reports.sections.section import Material, Section

_PALETTE = 7


def section(material: Material) -> Section | None:
    """Versions, machine, seconds by stage, and SHA-256 of the files."""
    facts = material.facts
    seconds = _seconds(facts)
    versions = {str(name): str(value) for name, value in facts.part("versions").items()}
    return Section(
        id="provenance",
        question="Where does it come from?",
        finding=making.provenance(seconds, str(facts.part("device").get("text") or ""), versions),
        evidence={
            **_stages(seconds),
            "budget": duration(number(facts.run.get("budget_seconds"))),
            "versions": list(versions.items()),
            "machine": _machine(facts),
            "digests": list(facts.digests.items()),
        },
    )


def _seconds(facts: ReportFacts) -> dict[str, float]:
    found = {name: number(spent) for name, spent in facts.part("seconds").items()}
    return {name: spent for name, spent in found.items() if spent is not None}


def _stages(seconds: dict[str, float]) -> dict[str, Any]:
    """Each stage's time and part; what no stage claims is named so."""
    stages = {n.replace("_", " "): spent for n, spent in seconds.items() if n != "total"}
    total = max(seconds.get("total", 0.0), sum(stages.values()))
    rest = total - sum(stages.values())
    if total and rest / total > 0.005:
        stages["other"] = rest
    rows = [
        {
            "name": name,
            "look": f"k{place % _PALETTE}",
            "seconds": duration(spent),
            "share": percent(spent / total) if total else "–",
        }
        for place, (name, spent) in enumerate(stages.items())
    ]
    cuts = [
        (f"{name}: {duration(spent)}", spent / total if total else 0.0, f"k{place % _PALETTE}")
        for place, (name, spent) in enumerate(stages.items())
    ]
    return {"stages": rows, "bar": parts(cuts), "total": duration(total) if total else ""}


def _machine(facts: ReportFacts) -> list[tuple[str, str]]:
    machine = facts.part("machine")
    names = {
        "platform": "System",
        "processor": "Processor",
        "cores": "Cores",
        "memory_gb": "Memory, GB",
    }
    rows = [(names[key], str(machine[key])) for key in names if machine.get(key) is not None]
    device = facts.part("device").get("text")
    return [*rows, *([("Trained on", str(device))] if device else [])]
