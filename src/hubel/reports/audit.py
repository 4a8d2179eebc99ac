"""The page of an audit: each question, its computed answer, and the pictures behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from hubel.reports.build import asset, environment
from hubel.reports.charts.tracks import parts
from hubel.reports.flaws import flaw
from hubel.reports.formats import count, percent, sequence
from hubel.reports.pictures import Album, Thumbnail

__all__ = ["audit_page"]

Facts = dict[str, Any]

_SECTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("use", "Can every file be used?",
     ("broken", "empty", "unreadable", "oversized", "foreign", "extension", "animated",
      "other-files")),
    ("leaks", "Does a split hold what it is tested on?",
     ("leak", "group-leak", "near-leak", "name-group")),
    ("copies", "Are there copies?", ("two-classes", "near-two-classes", "equal", "near")),
    ("labels", "Are the labels right?", ("label-error", "outlier")),
    ("pixels", "Do the pictures show something?", ("blank", "dark", "bright", "blurred")),
    ("shapes", "Are the pictures alike in size, and the classes large enough?",
     ("odd-size", "odd-aspect", "small-class")),
)  # fmt: skip
_TITLES = {"use": "Files", "leaks": "Leaks", "copies": "Copies", "labels": "Labels",
           "pixels": "Pixels", "shapes": "Sizes"}  # fmt: skip
_NOTHING = {
    "use": "Yes: every file is a picture that can be decoded to its last row.",
    "leaks": "No: nothing equal, nearly equal or of one group stands in two splits.",
    "copies": "No: no two pictures are equal or nearly so.",
    "labels": "Nothing speaks against them.",
    "pixels": "Yes: none is blank, dark, glaring or blurred.",
    "shapes": "Yes: none stands out.",
}


def audit_page(document: Facts, thumbnail: Thumbnail) -> str:
    """One HTML document that asks for nothing outside of itself.

    Args:
        document: as `hubel data --json` prints it.
        thumbnail: JPEG bytes (longest side at most 96 px) of a picture by its name; None when it
            is gone.
    """
    album = Album(thumbnail, {}, most=500, weight=2_600_000)
    audit = document["audit"]
    found = {one["name"]: one for one in audit["findings"]}
    sections = [_section(document, found, which, album) for which in _SECTIONS]
    page = (
        environment()
        .get_template("audit.html.j2")
        .render(
            name=document["source"],
            style=Markup(asset("style.css")),
            finding=_finding(document),
            error=document["error"],
            notes=[*document["notes"], *audit["notes"]],
            rows=audit["findings"],
            about=_about(audit["about"]),
            classes=_classes(document),
            splits=list(document["splits"]),
            sections=sections,
            symbols=album.symbols,
        )
    )
    return page.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def _finding(document: Facts) -> str:
    grades = {"error": 0, "warning": 0, "note": 0}
    for one in document["audit"]["findings"]:
        grades[one["severity"]] += 1
    used = (
        f"{count(document['accepted'])} of {count(document['files'], 'file')} can be used, in "
        f"{count(len(document['classes']), 'class', 'classes')}"
    )
    told = [
        f"{number} {'kinds' if number != 1 else 'kind'} of {grade}"
        for grade, number in grades.items()
        if number
    ]
    if not told:
        return f"{used}; nothing was found that looks wrong."
    return f"{used}. Found: {sequence(told)}."


def _section(
    document: Facts, found: dict[str, Facts], which: tuple[str, str, tuple[str, ...]], album: Album
) -> Facts:
    name, question, names = which
    here = [found[one] for one in names if one in found]
    answer = _answer(here) if here else _NOTHING[name]
    judged = document["audit"]["judged"]
    note = ""
    if name == "labels":
        note = (
            f"Judged by a cheap classifier (colours and gradients) on {count(judged['pictures'])} "
            f"pictures that it had not seen; it is itself right on {percent(judged['accuracy'])}% "
            "of them. What it suspects is a list to look at, not a verdict."
            if judged
            else ""
        )
        answer = answer if judged or here else "They were not judged."
    return {
        "id": name,
        "short": _TITLES[name],
        "question": question,
        "finding": answer,
        "note": note,
        "parts": [flaw(one, album) for one in here],
    }


def _answer(here: Sequence[Facts]) -> str:
    told = [f"{one['count']:,} {'is' if one['count'] == 1 else 'are'} {one['what']}"
            for one in here]  # fmt: skip
    return f"{'; '.join(told)}."


def _classes(document: Facts) -> list[Facts]:
    totals = {name: sum(splits.values()) for name, splits in document["classes"].items()}
    most = max([1, *totals.values()])
    return [
        {
            "name": name,
            "total": totals[name],
            "bar": parts(
                [
                    (f"{split}: {count(n)}", n / most, f"s{k}")
                    for k, (split, n) in enumerate(splits.items())
                ]
            ),
        }
        for name, splits in list(document["classes"].items())[:60]
    ]


def _about(about: Facts) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for title, key in (("Format", "formats"), ("Mode", "modes")):
        total = max(1, sum(about[key].values()))
        told = [f"{name} {percent(n / total)}%" for name, n in about[key].items()]
        rows.append((title, sequence(told) or "none"))
    for title, key, form in (
        ("Width, pixels", "width", "{:,.0f}"),
        ("Height, pixels", "height", "{:,.0f}"),
        ("Width to height", "aspect", "{:.2f}"),
        ("Brightness, 0 to 255", "brightness", "{:.0f}"),
        ("Contrast", "contrast", "{:.0f}"),
        ("Sharpness, 0 to 1", "sharpness", "{:.2f}"),
        ("Colourfulness", "colourfulness", "{:.0f}"),
    ):
        if about[key]:
            values = [form.format(about[key][end]) for end in ("median", "q05", "q95")]
            rows.append((title, "median {}, nine in ten from {} to {}".format(*values)))
    return rows
