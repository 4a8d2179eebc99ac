"""`hubel report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command"]


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
) -> None:
    """Make the report of a run again, from what stands in its folder."""
    from hubel.job.report import rewrite_report
    from hubel.runs import Run

    found = Run.open(run)
    rewrite_report(found)
    print(found.report)
