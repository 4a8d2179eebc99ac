"""The folder of a search, and what it holds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubel.errors import ArtifactError
from hubel.runs import Run
from hubel.storage import read_json, write_json

__all__ = ["Search"]


@dataclass(frozen=True, slots=True)
class Search:
    """The folder of one search.

    Attributes:
        folder: where it is.
    """

    folder: Path

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Search:
        """An existing search.

        Raises:
            ArtifactError: the folder holds none.
        """
        path = Path(folder).expanduser()
        if not (path / "search.json").is_file():
            raise ArtifactError(f"{path}: no search.json there; expected the folder of a search")
        return cls(path)

    @property
    def facts(self) -> dict[str, Any]:
        """What `search.json` holds now."""
        path = self.folder / "search.json"
        try:
            return read_json(path)
        except (OSError, ValueError) as error:
            raise ArtifactError(f"{path} can't be read: {error}") from error

    @property
    def best(self) -> Run:
        """The run that was trained with the best settings.

        Raises:
            ArtifactError: the search has not come that far.
        """
        return Run.open(self.folder / "best")

    @property
    def report(self) -> Path:
        """Where the page is."""
        return self.folder / "search.html"

    def write_facts(self, facts: dict[str, Any]) -> None:
        """Replace `search.json`."""
        write_json(self.folder / "search.json", facts)
