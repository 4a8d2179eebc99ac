"""Checkpoints that survive a crash at any moment.

A checkpoint is a folder that appears by one rename after all its files are on the disk. The
newest one that is whole is used; a damaged one is named and passed over, never mistaken for the
beginning.
"""

from __future__ import annotations

import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from hubel.errors import ArtifactError
from hubel.storage import (
    atomic_folder,
    json_digest,
    read_json,
    read_tensors,
    sha256_file,
    write_json,
    write_tensors,
)

__all__ = ["Checkpoint", "Checkpoints"]

_KEEP = 2
_STATE, _FACTS = "state.safetensors", "state.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything that the next step depends on.

    Attributes:
        step: the next one, counted from 0.
        tensors: weights, averages and the optimizer's memory.
        facts: the plan, the results so far: JSON types.
    """

    step: int
    tensors: dict[str, Tensor]
    facts: dict[str, Any]


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: made when the first is saved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint; of the older ones, the last stays.

        Later ones go: they were passed over, or the run would not stand here again.

        Raises:
            StorageError: it can't be written; the older ones are untouched.
        """
        path = self.folder / f"step-{checkpoint.step:010d}"
        with atomic_folder(path) as folder:
            write_tensors(folder / _STATE, checkpoint.tensors)
            content = {"step": checkpoint.step, "facts": checkpoint.facts}
            hashes = {_STATE: sha256_file(folder / _STATE), _FACTS: json_digest(content)}
            write_json(folder / _FACTS, content | {"sha256": hashes})
        found = self._complete()
        here = found.index(path)
        for stale in [*found[:here], *found[here + _KEEP :]]:
            shutil.rmtree(stale, ignore_errors=True)

    def load(self) -> Checkpoint | None:
        """The newest whole checkpoint; None where none was ever finished.

        What a crash left half-written is cleared away.

        Raises:
            ArtifactError: there are checkpoints, and every one is damaged.
        """
        for part in self.folder.glob(".step-*"):
            shutil.rmtree(part, ignore_errors=True)
        found = self._complete()
        for path in found:
            try:
                return _read(path)
            except (OSError, ValueError, KeyError, TypeError) as error:
                warnings.warn(f"{path} is damaged and passed over: {error}", stacklevel=2)
        if found:
            raise ArtifactError(
                f"every checkpoint in {self.folder} is damaged; start a new run (the classifier "
                "folder beside it is checked on its own and may still be good)"
            )
        return None

    def _complete(self) -> list[Path]:
        return sorted(self.folder.glob("step-*"), reverse=True)


def _read(path: Path) -> Checkpoint:
    document = read_json(path / _FACTS)
    content = {"step": document["step"], "facts": document["facts"]}
    if json_digest(content) != document["sha256"][_FACTS]:
        raise ArtifactError(f"{_FACTS} was changed")
    tensors = read_tensors(path / _STATE, document["sha256"][_STATE])
    return Checkpoint(document["step"], tensors, document["facts"])
