"""What may be wrong with data: each kind of finding has a name, a severity and a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hubel.errors import RecipeError

__all__ = ["FINDINGS", "SEVERITIES", "Finding", "Kind", "failing", "make", "parse_fail_on"]

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding: how bad it is, the question it answers, and what to do."""

    severity: Severity
    what: str
    advice: str


FINDINGS: dict[str, Kind] = {
    "broken": Kind("error", "broken or truncated", "fetch the files again"),
    "empty": Kind("error", "empty", "fetch the files again"),
    "unreadable": Kind("error", "can't be read", "see the reason beside each"),
    "oversized": Kind("error", "too large to decode", "make them smaller"),
    "two-classes": Kind("error", "equal to a file of another class", "decide which class is right"),
    "leak": Kind("error", "equal to a file of another split", "keep one of each"),
    "group-leak": Kind("error", "of a group that is also in another split", "move the group"),
    "near-leak": Kind("warning", "nearly equal to one of another split",
                      "keep one of each, or leave the split to hubel"),
    "near-two-classes": Kind("warning", "nearly equal to one of another class",
                             "decide which class is right"),
    "label-error": Kind("warning", "labelled other than they look", "look at them"),
    "name-group": Kind("warning", "named as if they belonged to groups",
                       "if so, give a table with a group column"),
    "extension": Kind("warning", "of another format than their names say", "rename the files"),
    "foreign": Kind("warning", "not a picture of a format that is read", "convert or remove them"),
    "blank": Kind("warning", "of nearly one tone", "look whether they show anything"),
    "dark": Kind("warning", "very dark", "look whether they show anything"),
    "bright": Kind("warning", "very bright", "look whether they show anything"),
    "blurred": Kind("warning", "blurred", "look whether they show enough"),
    "small-class": Kind("warning", "in a class of fewer than 20", "add pictures of these classes"),
    "equal": Kind("note", "equal to another file of their class", "one of each is enough"),
    "near": Kind("note", "nearly equal to another of their class", "one of each may be enough"),
    "outlier": Kind("note", "unlike the others of their class", "look whether they belong there"),
    "animated": Kind("note", "of several frames", "the first is used"),
    "odd-size": Kind("note", "of an unusual size", "look whether they are thumbnails or scans"),
    "odd-aspect": Kind("note", "of an unusual shape", "think of --shape"),
    "other-files": Kind("note", "not among the samples", "see the reason beside each"),
}  # fmt: skip
"""Every kind by name, the gravest first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one kind.

    Attributes:
        name: in `FINDINGS`.
        rows: int64, (n,): rows of the audit's table, the clearest first.
        why: what is to be said of each row beside its name; empty where there is nothing.
        sets: rows that belong together (duplicates), where they do.
    """

    name: str
    rows: NDArray[np.int64]
    why: list[str] = field(default_factory=list[str])
    sets: list[list[int]] = field(default_factory=list[list[int]])

    @property
    def kind(self) -> Kind:
        return FINDINGS[self.name]

    def __len__(self) -> int:
        return len(self.rows)

    def to_json(self, files: Sequence[str]) -> dict[str, Any]:
        """All of it as JSON types.

        Args:
            files: the shown name of each row of the table.
        """
        why = self.why or [""] * len(self)
        return {
            "name": self.name,
            "severity": self.kind.severity,
            "what": self.kind.what,
            "advice": self.kind.advice,
            "count": len(self),
            "share": round(len(self) / max(1, len(files)), 6),
            "files": [
                {"file": files[row], "why": text}
                for row, text in zip(self.rows.tolist(), why, strict=True)
            ],
            "sets": [[files[row] for row in rows] for rows in self.sets],
        }


def make(name: str, rows: NDArray[np.int64] | list[int], why: list[str] | None = None) -> Finding:
    """A finding of the rows of one kind."""
    return Finding(name, np.asarray(rows, np.int64), why or [])


def parse_fail_on(text: str | None) -> tuple[str, ...]:
    """The names of findings at which a command is to fail.

    Args:
        text: `error`, `warning` (errors too), `note` (all), or names of findings, with commas.

    Raises:
        RecipeError: there is no such finding.

    Example:
        >>> parse_fail_on("leak,dark"), parse_fail_on(None)
        (('leak', 'dark'), ())
        >>> set(parse_fail_on("error")) < set(parse_fail_on("warning"))
        True
    """
    names: list[str] = []
    for word in (text or "").split(","):
        name = word.strip()
        if not name:
            continue
        if name in SEVERITIES:
            grave = SEVERITIES[: SEVERITIES.index(name) + 1]
            names += [key for key, kind in FINDINGS.items() if kind.severity in grave]
        elif name in FINDINGS:
            names.append(name)
        else:
            known = [*SEVERITIES, *FINDINGS]
            near = get_close_matches(name, known, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise RecipeError(
                f"--fail-on: there is no finding {name!r}{meant} There are: {', '.join(known)}"
            )
    return tuple(dict.fromkeys(names))


def failing(found: list[Finding], names: tuple[str, ...]) -> list[str]:
    """Which of some kinds were found."""
    return [finding.name for finding in found if len(finding) and finding.name in names]
