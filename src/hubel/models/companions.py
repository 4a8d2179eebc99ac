"""Which files of the user's own a program has brought with it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["PREFIX", "imported_beneath"]

PREFIX = "hubel_program_"  # of the modules that programs become


def imported_beneath(folder: Path) -> list[Path]:
    """Files beneath a folder that modules were imported from, without what is installed."""
    prefix, found = str(folder) + os.sep, list[Path]()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or name.startswith(("hubel.", PREFIX)) or name == "hubel":
            continue
        if (place := os.path.abspath(file)).startswith(prefix) and not _installed(folder, place):
            found.append(Path(place))
    return found


def _installed(folder: Path, file: str) -> bool:
    """Whether a file beneath the folder belongs to an environment there."""
    between = [parent for parent in Path(file).parents if folder in parent.parents]
    marks = ("pyvenv.cfg", "conda-meta")
    return any(
        it.name == "site-packages" or any((it / mark).exists() for mark in marks) for it in between
    )
