"""A run: one folder that people and programs read alike."""

from __future__ import annotations

import csv
import io
import os
import platform
import re
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubel.errors import ArtifactError, StorageError
from hubel.storage import read_json, storage_errors, write_bytes, write_json

if TYPE_CHECKING:
    from hubel.classifier import Classifier

__all__ = ["Run", "expect_room", "machine", "new_folder", "versions"]

_PACKAGES = (
    *("hubel", "torch", "torchvision", "timm", "numpy", "pillow", "simplejpeg"),
    *("scikit-learn", "pyarrow"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """The folder of one training run.

    Attributes:
        folder: where it is.
        code: `path/to/net.py:make`, where the user named a file of their own as the network in
            this very call; a run that is opened later has none, since nothing in a folder runs.
    """

    folder: Path
    code: str | None = None

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Run:
        """An existing run.

        Raises:
            ArtifactError: the folder holds no run.
        """
        path = Path(folder).expanduser()
        if not (path / "run.json").is_file():
            raise ArtifactError(f"{path}: no run.json there; expected the folder of a run")
        return cls(path)

    @property
    def facts(self) -> dict[str, Any]:
        """What `run.json` holds now."""
        try:
            return read_json(self.folder / "run.json")
        except (OSError, ValueError) as error:
            raise ArtifactError(f"{self.folder / 'run.json'} can't be read: {error}") from error

    @property
    def classifier(self) -> Classifier:
        """The trained classifier."""
        from hubel.classifier import load

        return load(self.folder, code=self.code)

    @property
    def evaluation(self) -> dict[str, Any]:
        """What `evaluation.json` holds: each metric with its interval."""
        return self._document("evaluation.json")

    @property
    def ladder(self) -> dict[str, Any]:
        """What `ladder.json` holds: the rungs and their comparisons."""
        return self._document("ladder.json")

    @property
    def report(self) -> Path:
        """Where the report is."""
        return self.folder / "report.html"

    def write_facts(self, facts: dict[str, Any]) -> None:
        """Replace `run.json`."""
        write_json(self.folder / "run.json", facts)

    def write_results(self, rows: list[dict[str, float]]) -> None:
        """Replace `results.csv`, one row an epoch."""
        names = ["epoch", "seconds", "train_loss", "val_loss", "val_accuracy", "lr"]
        names += [name for name in (rows[0] if rows else ()) if name not in names]
        stream = io.StringIO()
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_bytes(self.folder / "results.csv", stream.getvalue().encode())

    def _repr_html_(self) -> str:
        from html import escape

        facts = self.facts
        title = f"{escape(str(facts['name']))}: {escape(str(facts['status']))}"
        if not (self.folder / "evaluation.json").is_file():
            return f"<b>{title}</b>"
        name = self.evaluation.get("headline", "accuracy")
        found = self.evaluation[name]
        return (
            f"<b>{title}</b>, {name.replace('_', ' ')} {found['value']:.1%} ({found['low']:.1%} to "
            f"{found['high']:.1%}), <a href='{escape(str(self.report))}'>report</a>"
        )

    def _document(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        if not path.is_file():
            raise ArtifactError(f"{path} is not there: the run is {self.facts['status']}")
        try:
            return read_json(path)
        except (OSError, ValueError) as error:
            raise ArtifactError(f"{path} can't be read: {error}") from error


def expect_room(data: str, out: str | os.PathLike[str] | None) -> None:
    """Make sure, before anything slow, that a run may be put where it is meant to go.

    Raises:
        StorageError: `out` is not empty, or the run would stand inside the data.
    """
    from hubel.data.sources.options import split_options

    path = Path("runs") if out is None else Path(out).expanduser()
    inside = Path(split_options(data)[0]).expanduser()
    if inside.is_dir() and path.resolve().is_relative_to(inside.resolve()):
        raise StorageError(
            f"the run would be written to {path}, inside the data folder {data}, where nothing is "
            "ever written; choose another --out"
        )
    if out is not None and path.is_dir() and any(path.iterdir()):
        run = (path / "run.json").is_file()
        way = f", or go on with what is there: hubel train --resume {path}" if run else ""
        raise StorageError(f"{path} is not empty; choose another --out{way}")


def new_folder(data: str, out: str | os.PathLike[str] | None) -> Path:
    """Make the folder of a new run: `out`, or the first free `runs/<data>-<n>`.

    Raises:
        StorageError: it can't be made, or must not be (`expect_room`).
    """
    expect_room(data, out)
    if out is not None:
        path = Path(out).expanduser()
        with storage_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        return path
    stem = re.sub(r"[^\w.-]+", "-", Path(data.removeprefix("sample:")).stem).strip("-.") or "data"
    number = 1
    while True:
        path = Path("runs") / f"{stem}-{number}"
        with storage_errors(path, "choose another folder with --out"):
            try:
                path.mkdir(parents=True)
                return path
            except FileExistsError:
                number += 1


def versions() -> dict[str, str]:
    """The versions of what decides the result."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """What this machine is."""
    cores = getattr(os, "sched_getaffinity", None)
    memory = None
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    return {
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": len(cores(0)) if cores is not None else os.cpu_count(),
        "memory_gb": memory,
        "executable": Path(sys.executable).name,
    }
