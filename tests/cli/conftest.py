"""The finished run of the job's tests, and the command without the cost of a new process."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from hubel.cli.main import main
from tests.job.conftest import finished, one_thread

__all__ = ["Command", "finished", "hubel", "one_thread"]

Command = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def hubel(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """The entry point in this process: what it prints, and the code that it leaves with."""

    def run(*words: str | Path, input: str | bytes = b"") -> CompletedProcess[str]:
        content = input.encode() if isinstance(input, str) else input
        command = ["hubel", *map(str, words)]
        monkeypatch.setattr(sys, "argv", command)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        printed, errors = capfd.readouterr()
        code = left.value.code
        assert code is None or isinstance(code, int)
        return CompletedProcess(command, code or 0, printed, errors)

    return run
