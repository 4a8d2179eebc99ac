"""What is seen while a command works: on standard error, so that standard output stays clean."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

__all__ = ["Terminal", "print_json", "printable"]

_QUIET_FOR = 1.0


class Terminal:
    """Sentences as lines; progress as one bar for each thing that takes over a second.

    Where standard error is no terminal, only the sentences are written.
    """

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        # Decoders are silenced at descriptor 2; what we say goes past that.
        self._stream = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace")
        self._bar: Any = None
        self._task: Any = None
        self._what = ""
        self._total = 0
        self._done = 0
        self._since = 0.0

    def say(self, text: str) -> None:
        """One finished line."""
        print(printable(text), file=self._stream, flush=True)

    def begin(self, what: str, total: int) -> None:
        """Something that takes a while begins."""
        self._what, self._total, self._done = what, total, 0
        self._since = time.monotonic()

    def advance(self, count: int, note: str = "") -> None:
        """So much more of it is done."""
        self._done += count
        if not self._live:
            return
        if self._bar is None and time.monotonic() - self._since > _QUIET_FOR:
            self._open()
        if self._bar is not None:
            shown = note or (f"{self._total:,} found" if self._done == 0 else "")
            self._bar.update(self._task, completed=self._done, total=self._total, note=shown)

    def resize(self, total: int) -> None:
        """It turned out longer or shorter."""
        self._total = total

    def end(self) -> None:
        """It is done."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing more will be said: no bar is left behind, whatever happened."""
        self.end()
        self._stream.close()

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=Console(file=self._stream),
            transient=True,
        )
        self._bar.start()
        self._task = self._bar.add_task(printable(self._what), total=self._total or None, note="")


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    from hubel.storage import utf8

    print(utf8(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)).decode())


def printable(text: str) -> str:
    """Text in which nothing moves the cursor and every terminal's encoding can take it."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown.encode("utf-8", "backslashreplace").decode()
