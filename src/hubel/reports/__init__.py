"""One self-contained page from what a run left behind.

Here belong the computed sentences, the charts and the templates. Nothing here trains, scores,
or decodes a picture of the user's: facts come from the run folder, thumbnails from the caller.
"""

from __future__ import annotations

from hubel.reports.build import build_report
from hubel.reports.facts import ReportFacts

__all__ = ["ReportFacts", "build_report"]
