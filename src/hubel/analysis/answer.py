"""The printed answer to a request: one design, or several side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from hubel.analysis.assemble import Question, design_of
from hubel.analysis.compare import side_by_side
from hubel.analysis.design import Design
from hubel.analysis.extras import Extra, extras
from hubel.analysis.request import Request
from hubel.analysis.subject import Subject, subject_of
from hubel.analysis.tables import markdown, text

__all__ = ["answer", "drawing"]

_LONGEST_TITLE = 40


def answer(request: Request) -> str:
    """What is printed.

    Raises:
        DesignError: a network fails at the input, or an operator has no rule.
    """
    found = [_one(request, network) for network in request.networks]
    if request.form == "json":
        documents = [_document(*one) for one in found]
        whole = documents[0] if len(documents) == 1 else {"designs": documents}
        return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    as_markdown = request.form == "markdown"
    if len(found) > 1:
        parts = _together(found, as_markdown=as_markdown)
    else:
        design, more = found[0]
        show = markdown if as_markdown else text
        told = [_told(extra.lines) for extra in more]
        parts = [show(design, request.view, request.depth)]
        parts += [f"```\n{each}\n```" for each in told] if as_markdown else told
    return "\n\n".join(parts) + "\n"


def _together(found: Sequence[tuple[Design, list[Extra]]], *, as_markdown: bool) -> list[str]:
    """One table, with a row for each figure beyond the design, and what is to be known of those."""
    extra_rows = [
        (each[0].row[0], *(extra.row[1] for extra in each))
        for each in zip(*(more for _, more in found), strict=True)
    ]
    table = side_by_side([design for design, _ in found], extra_rows, as_markdown=as_markdown)
    footnotes = dict.fromkeys(extra.footnote for _, more in found for extra in more)
    return [table, *(_told([note]) for note in footnotes)]


def _one(request: Request, network: str) -> tuple[Design, list[Extra]]:
    subject = subject_of(network, request.input, request.classes, request.init)
    design = design_of(subject, _question(request))
    return design, list(extras(request, subject, design))


def _question(request: Request) -> Question:
    return Question(batch=request.batch, convention=request.count)


def _document(design: Design, more: Sequence[Extra]) -> dict[str, Any]:
    return design.to_json() | {extra.name: extra.document for extra in more}


def _told(lines: Sequence[str]) -> str:
    """Sentences wrapped; lines of a table as they are."""
    return "\n".join(
        "\n".join(wrap(line, 79, break_on_hyphens=False)) if len(line) > 79 else line
        for line in lines
    )


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_TITLE else name[: _LONGEST_TITLE - 3] + "..."


def drawing(request: Request) -> str:
    """The graph of the first network as SVG."""
    from hubel.analysis.drawing import draw

    subject: Subject = subject_of(request.networks[0], request.input, request.classes, request.init)
    found = design_of(subject, Question(formulas=False, sizes=False))
    return draw(found.graph, found.layers, title=_short(found.network))
