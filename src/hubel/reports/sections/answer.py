"""The answer in one screen."""

from __future__ import annotations

import shlex
from datetime import datetime

from hubel.reports.answers import drawn
from hubel.reports.charts.tracks import bar, told
from hubel.reports.facts import Estimate, ReportFacts
from hubel.reports.findings import labels, making, results
from hubel.reports.findings import ladder as findings
from hubel.reports.formats import count, interval, percent
from hubel.reports.ladder import Ladder
from hubel.reports.measures import ACCURACY
from hubel.reports.sections.section import Card, Material, Section, cards, resume_command

_SHOWN = 9


def section(material: Material) -> Section:
    """Name, task, headline, ladder, nine pictures, command."""
    facts = material.facts
    ladder = Ladder.read(facts.ladder)
    evaluation = facts.evaluation or {}
    measured = Estimate.read(evaluation.get(facts.measure.key))
    first = Estimate.read(evaluation.get("balanced_accuracy")) if facts.unbalanced else measured
    shown = _drawn(material)
    return Section(
        id="answer",
        question="How good is it?",
        finding=_finding(facts, measured, first),
        evidence={
            "name": facts.run.get("name") or facts.folder.name,
            "date": _date(facts.run.get("started")),
            "source": facts.part("data").get("source"),
            "task": making.task(facts.classes, several=material.several is not None),
            "measure": facts.measure,
            "unit": "" if facts.measure == ACCURACY else "mAP",
            "headline": percent(first.value) if facts.evaluation else None,
            "unread": _unread(evaluation),
            "whose": findings.answers(ladder) if ladder and facts.evaluation else "",
            "status": _status(facts),
            "ladder": _rows(ladder) if ladder else [],
            "cards": shown,
            "drawn": _how(shown),
            "command": shlex.join(str(word) for word in facts.run.get("command") or ()),
        },
    )


def _finding(facts: ReportFacts, measured: Estimate, first: Estimate) -> str:
    evaluation = facts.evaluation
    if evaluation is None:
        running = facts.run.get("status") == "running"
        why = "it has not been tested yet" if running else "the run ended before it was tested"
        return f"It can't be told: {why}."
    level = float(evaluation.get("confidence", 0.95))
    if first is not measured:
        return results.balanced(first, measured, int(evaluation["n"]), level)
    split = str(evaluation.get("split", "test"))
    n = int(evaluation["n"])
    if facts.measure == ACCURACY:
        return results.accuracy(measured, n, split, level)
    exact = Estimate.read(evaluation.get("accuracy"))
    return labels.headline(measured, exact, n, split, level)


def _unread(evaluation: dict[str, object]) -> str:
    errors = evaluation.get("errors")
    if not isinstance(errors, int) or not errors:
        return ""
    return f"{count(errors, 'more test picture')} could not be read and got no answer."


def _date(started: object) -> str:
    try:
        found = datetime.fromisoformat(str(started))
    except ValueError:
        return ""
    return f"{found.day} {found:%B %Y, %H:%M}"


def _status(facts: ReportFacts) -> dict[str, str] | None:
    """What the reader must know first about a run that is not whole."""
    status = str(facts.run.get("status", "done"))
    if status == "done":
        return None
    words = {
        "running": "Still running: this page shows what it had when the page was made.",
        "interrupted": "Interrupted: what follows is from what was done before.",
        "diverged": "Diverged: the training loss became infinite or not a number.",
        "failed": "Failed: the run stopped on an error.",
    }
    hints = {"interrupted": "Go on with", "failed": "When mended, go on with"}
    hint = hints.get(status, "")
    return {
        "status": status,
        "text": words.get(status, f"Status: {status}."),
        "error": str(facts.run.get("error") or ""),
        "hint": hint or ("A lower learning rate often helps." if status == "diverged" else ""),
        "command": resume_command(facts) if hint else "",
    }


def _rows(ladder: Ladder) -> list[dict[str, object]]:
    return [
        {
            "name": rung.name,
            "main": ladder.main(rung.name),
            "bar": bar(rung.accuracy, "c1" if ladder.main(rung.name) else "c0"),
            "value": percent(rung.accuracy.value),
            "interval": interval(rung.accuracy),
            "told": told(rung.accuracy),
        }
        for rung in ladder.rungs
    ]


def _drawn(material: Material) -> list[Card]:
    """Nine that nobody picked; where pictures are gone, the first of the draw that are not."""
    answers = material.answers
    if answers is None:
        return []
    found = cards(material, drawn(answers.files, 3 * _SHOWN))
    there = [card for card in found if card.picture.symbol]
    return (there or found)[:_SHOWN]


def _how(shown: list[Card]) -> str:
    if not shown:
        return ""
    right = sum(card.right for card in shown)
    wrong = len(shown) - right
    split = f"{right} right, {wrong} wrong" if wrong else "all right"
    return f"{count(len(shown), 'test picture')} drawn by chance: {split}."
