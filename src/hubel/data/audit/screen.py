"""All findings that the columns of a scan can tell, without a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hubel.data.audit.alike import Alike
from hubel.data.audit.columns import audit_columns
from hubel.data.audit.files import file_findings
from hubel.data.audit.findings import FINDINGS, Finding
from hubel.data.audit.sets import group_findings, same_findings
from hubel.data.sources import Listing

if TYPE_CHECKING:
    from hubel.data.scan import Records

__all__ = ["flaws", "in_order", "screen"]

_FILES, _SETS = 12, 6


def screen(table: Any, alike: Alike) -> list[Finding]:
    """The findings that there are, the gravest first.

    Args:
        table: as `audit_columns` gives it.
        alike: near-duplicates among its rows.
    """
    kinds = [*file_findings(table), *same_findings(table, alike), *group_findings(table)]
    return in_order(kinds)


def in_order(found: Sequence[Finding]) -> list[Finding]:
    """Those with files, the gravest first."""
    order = list(FINDINGS)
    return sorted((one for one in found if len(one)), key=lambda one: order.index(one.name))


def flaws(
    found: tuple[Listing, Records], splits: Sequence[str | None], alike: Alike | None
) -> tuple[dict[str, Any], ...]:
    """The findings that a run keeps; none where near-duplicates were not looked for.

    Args:
        found: as `survey` gives it.
        splits: of each file.
        alike: near-duplicates among them.
    """
    if alike is None:
        return ()
    table = audit_columns(*found, splits)
    return tuple(_brief(screen(table, alike), table["file"].to_pylist()))


def _brief(found: Sequence[Finding], files: Sequence[str]) -> list[dict[str, Any]]:
    """As JSON types, with the first files of each."""
    told = [(one.to_json(files), len(one.sets)) for one in found]
    return [
        one | {"files": one["files"][:_FILES], "sets": one["sets"][:_SETS], "num_sets": number}
        for one, number in told
    ]
