"""What a run writes down about itself, in `run.json`, as it goes."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from hubel.runs import Run, machine, versions

__all__ = ["Ledger"]


class Ledger:
    """The facts of a run and the seconds of its stages; every change can be put on the disk.

    Args:
        started: `time.monotonic()` when the command began.
        facts: of an earlier sitting, when a run goes on.
    """

    def __init__(self, started: float, facts: dict[str, Any] | None = None) -> None:
        self.started = started
        self.facts: dict[str, Any] = facts or {}
        self.seconds: dict[str, float] = dict(self.facts.get("seconds", {}))
        self.before = self.seconds.get("total", 0.0)
        self.run: Run | None = None
        self._open: dict[str, float] = {}

    def begin(self, run: Run, command: list[str]) -> None:
        """Open the book of a new run."""
        self.run = run
        self.facts = {
            "schema_version": 1,
            "status": "running",
            "name": run.folder.name,
            "command": command,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "error": None,
            "replans": [],
            "plan": None,
            "versions": versions(),
            "machine": machine(),
        }

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self.started

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        """Count the seconds of a stage."""
        self._open[name] = time.monotonic()
        try:
            yield
        finally:
            self._count()
            self._open.pop(name, None)

    def _count(self) -> None:
        """Add the seconds since the last time to the stages that are under way."""
        now = time.monotonic()
        for name, since in self._open.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + now - since
            self._open[name] = now

    def write(self, **changes: Any) -> None:
        """Change facts and put all of them on the disk."""
        self.facts.update(changes)
        self._count()  # a run that is killed has what was written last
        self.seconds["total"] = self.before + self.elapsed
        self.facts["seconds"] = {name: round(value, 3) for name, value in self.seconds.items()}
        if self.run is not None:
            self.run.write_facts(self.facts)
