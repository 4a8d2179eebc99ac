"""From facts to one self-contained page."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hubel.reports.answers import Answers
from hubel.reports.facts import ReportFacts
from hubel.reports.formats import count, visible
from hubel.reports.pictures import Album, Thumbnail
from hubel.reports.sections import SECTIONS
from hubel.reports.sections.section import Material
from hubel.reports.several import Several


def build_report(facts: ReportFacts, thumbnail: Thumbnail) -> str:
    """The report of a run as HTML that asks for nothing outside itself.

    Args:
        facts: what the run left behind.
        thumbnail: JPEG or PNG bytes (longest side at most 96 px) of a picture by the name in the
            manifest's `file` column; None when it is gone. Called once a picture that is shown,
            for at most about 900 of them.

    Returns:
        a whole document, encodable as UTF-8, under 6 MB for ten classes.
    """
    material = Material(
        facts=facts,
        album=Album(thumbnail, _sizes(facts)),
        answers=None if facts.predictions is None else Answers.read(facts.predictions),
        several=None if facts.predictions is None else Several.read(facts.predictions),
    )
    found = [section for make in SECTIONS if (section := make(material)) is not None]
    loader = environment()
    script, style = asset("script.js"), asset("style.css")
    page = loader.get_template("page.html.j2").render(
        sections=found,
        name=found[0].evidence["name"],
        symbols=material.album.symbols,
        script=Markup(script),  # our own file, not a user's text
        style=Markup(style),
        script_hash=_hash(script),
        hubel=facts.part("versions").get("hubel", ""),
    )
    # A name may hold what UTF-8 or HTML can't: lone surrogates and NUL.
    return page.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def _sizes(facts: ReportFacts) -> dict[str, tuple[int, int]]:
    if facts.manifest is None:
        return {}
    files, widths, heights = (
        cast(list[Any], facts.manifest.column(name).to_pylist())
        for name in ("file", "width", "height")
    )
    return {
        file: (width or 0, height or 0)
        for file, width, height in zip(files, widths, heights, strict=True)
    }


@cache
def environment() -> Environment:
    """Templates with escaping; a name that is not there is an error."""
    made = Environment(
        loader=PackageLoader("hubel.reports"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_finalize,
    )
    made.filters["grouped"] = count  # pyright: ignore[reportUnknownMemberType]
    return made


def _finalize(value: object) -> object:
    """Every text that a template shows passes here, so no control character slips through."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return visible(value)


@cache
def asset(name: str) -> str:
    """The text of a file beside the templates."""
    return resources.files("hubel.reports").joinpath("templates", name).read_text("utf-8")


def _hash(script: str) -> str:
    """The source expression that lets this script, and no other, run."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
