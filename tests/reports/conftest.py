"""Reports of made-up runs, each built once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hubel.reports import ReportFacts, build_report

# Test modules are imported by path, so helpers beside them have to be put within reach.
sys.path.insert(0, str(Path(__file__).parent))

import headless
from page import Page
from synthetic_run import LAYERS, Synthetic, thumbnail, write_run


@dataclass(frozen=True)
class Report:
    """The text of a report, and its parsed form."""

    html: str
    page: Page


Make = Callable[..., Report]


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """make(Synthetic(...), without=[names], change={key: value}) builds a report, once each."""
    built: dict[str, Report] = {}

    def build(
        kind: Synthetic,
        without: tuple[str, ...] = (),
        change: dict[str, Any] | None = None,
        pictures: Callable[[str], bytes | None] = thumbnail,
    ) -> Report:
        key = repr((kind, without, change, pictures))
        if key not in built:
            folder = write_run(tmp_path_factory.mktemp("run"), kind)
            for name in without:
                (folder / name).unlink()
            written = json.loads((folder / "run.json").read_text("utf-8"))
            (folder / "run.json").write_text(json.dumps({**written, **(change or {})}), "utf-8")
            html = build_report(ReportFacts.read(folder, layers=LAYERS), pictures)
            built[key] = Report(html, Page.read(html))
        return built[key]

    return build


@pytest.fixture(scope="session")
def tab() -> Iterator[headless.Tab]:
    """A browser's tab, where there is a browser."""
    if headless.binary() is None:
        pytest.skip(f"no browser: none of {', '.join(headless.NAMES)} is installed")
    with headless.browser() as opened:
        yield opened
