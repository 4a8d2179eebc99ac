"""The sections of the page, in the order in which a reader asks.

Here belong functions from facts to a `Section`, or to None where the run left nothing to say.
A new section is a module here, a template of the same name, and a line in `SECTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable

from hubel.reports.sections import (
    answer,
    classes,
    confidence,
    confusions,
    data,
    labels,
    provenance,
    structure,
    training,
    use,
    worst,
    worth,
)
from hubel.reports.sections.section import Material, Section

SECTIONS: tuple[Callable[[Material], Section | None], ...] = (
    answer.section,
    data.section,
    classes.section,
    worth.section,
    confusions.section,
    labels.section,
    worst.section,
    confidence.section,
    structure.section,
    training.section,
    use.section,
    provenance.section,
)
