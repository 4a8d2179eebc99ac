"""What a section is, and what each is made from."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hubel.reports.answers import Answers
from hubel.reports.facts import ReportFacts
from hubel.reports.formats import percent
from hubel.reports.pictures import Album, Picture
from hubel.reports.several import Several

DIRECTORY = {
    "answer": "Answer",
    "data": "Data",
    "classes": "By class",
    "worth": "Worth it?",
    "confusions": "Confusions",
    "labels": "Labels",
    "worst": "Worst mistakes",
    "confidence": "Confidence",
    "structure": "Made of",
    "training": "Training",
    "use": "Use it",
    "provenance": "Provenance",
}
"""Section names as the side list shows them, by id."""


@dataclass(frozen=True)
class Material:
    """All that a section may draw on."""

    facts: ReportFacts
    album: Album
    answers: Answers | None
    several: Several | None = None


@dataclass(frozen=True)
class Section:
    """A question, its computed answer, and the evidence that its template lays out.

    Args:
        id: anchor, and the name of the template.
        question: the heading.
        finding: the first sentence.
        evidence: what the template shows, under its names there.
        brief: the finding in one sentence, for the first screen; empty to leave it out there.
    """

    id: str
    question: str
    finding: str
    evidence: dict[str, Any] = field(default_factory=dict[str, Any])
    brief: str = ""

    @property
    def short(self) -> str:
        """For the side list."""
        return DIRECTORY[self.id]


@dataclass(frozen=True)
class Card:
    """A picture with the answer it got."""

    picture: Picture
    label: str
    predicted: str
    confidence: str
    label_confidence: str

    @property
    def right(self) -> bool:
        return self.label == self.predicted

    @property
    def told(self) -> str:
        """The whole card as one sentence, for hovering and screen readers."""
        verdict = "right" if self.right else f"wrong, the label is {self.label}"
        sure = f" ({self.confidence})" if self.confidence else ""
        return f"{self.picture.file}: named {self.predicted}{sure}, {verdict}"


def cards(
    material: Material, rows: Sequence[int], beside: Sequence[str] | None = None
) -> list[Card]:
    """Cards of positions in the answers.

    Args:
        material: of the report.
        rows: positions.
        beside: what stands beside each answer; its confidence where it is None.
    """
    answers = material.answers
    if answers is None:
        return []
    return [
        Card(
            picture=material.album.picture(answers.files[row]),
            label=answers.labels[row],
            predicted=answers.predicted[row],
            confidence=_sure(answers.confidence[row]) if beside is None else beside[place],
            label_confidence=_sure(answers.label_probability[row]),
        )
        for place, row in enumerate(rows)
    ]


def _sure(probability: float) -> str:
    # not finite where a predictions file keeps no probabilities
    return f"{percent(float(probability), 0)}%" if math.isfinite(probability) else ""


def resume_command(facts: ReportFacts) -> str:
    """How to go on with a run that was cut short."""
    verb = [str(word) for word in facts.run.get("command") or ()][1:2]
    word = "ladder" if verb == ["ladder"] else "train"
    return shlex.join(["hubel", word, "--resume", str(facts.folder)])
