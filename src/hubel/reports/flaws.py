"""One kind of finding about the data, with the pictures or the names that show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hubel.reports.formats import count
from hubel.reports.pictures import Album

__all__ = ["UNSEEN", "flaw"]

UNSEEN = ("broken", "empty", "unreadable", "oversized", "foreign", "other-files")
"""Findings of files that have no picture to show."""

_PICTURES, _SETS, _IN_SET, _NAMES = 24, 12, 4, 60


def flaw(one: Mapping[str, Any], album: Album) -> dict[str, Any]:
    """What a template shows of a finding, and how much it leaves out.

    Args:
        one: as the audit writes it; its lists may be cut, its `count` is of all.
        album: of the page.
    """
    pictured = one["name"] not in UNSEEN
    sets = [
        {"pictures": [album.picture(file) for file in files[:_IN_SET]], "files": files[:_IN_SET],
         "more": max(0, len(files) - _IN_SET)}
        for files in (one["sets"][:_SETS] if pictured else [])
    ]  # fmt: skip
    files = one["files"]
    return {
        "name": one["name"],
        "severity": one["severity"],
        "title": f"{count(one['count'], 'file')} {one['what']}",
        "advice": one["advice"],
        "sets": sets,
        "more_sets": max(0, one.get("num_sets", len(one["sets"])) - len(sets)) if pictured else 0,
        "cards": []
        if sets or not pictured
        else [(album.picture(file["file"]), file["why"]) for file in files[:_PICTURES]],
        "names": [] if pictured else files[:_NAMES],
        "more": max(0, one["count"] - (_PICTURES if pictured else _NAMES)) if not sets else 0,
    }
