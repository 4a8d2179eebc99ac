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

import torch
from torch import Tensor

from hubel.errors import ArtifactError
from hubel.storage import (
    atomic_folder,
    json_digest,
    locked,
    read_json,
    read_tensors,
    recover_folder,
    sha256_file,
    write_json,
    write_tensors,
)

__all__ = ["Checkpoint", "Checkpoints"]

_STATE, _FACTS = "state.safetensors", "state.json"
_CLOCK = "seconds"
_DAMAGE = (OSError, ValueError, KeyError, TypeError)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything that the next step depends on.

    Attributes:
        step: the next one, counted from 0.
        tensors: weights, averages and the optimizer's memory.
        facts: the plan, the results so far, the `seconds` that it took: JSON types.
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
        """Write a checkpoint; of the older ones, the newest that is whole stays.

        One that is on the disk already stays as it is, whatever its clock says. Of the later ones,
        those that are damaged go.

        Raises:
            StorageError: it can't be written; the older ones are untouched.
        """
        path = self.folder / f"step-{checkpoint.step:010d}"
        if not _is_saved(path, checkpoint):
            with atomic_folder(path) as folder:
                write_tensors(folder / _STATE, checkpoint.tensors)
                content = {"step": checkpoint.step, "facts": checkpoint.facts}
                hashes = {_STATE: sha256_file(folder / _STATE), _FACTS: json_digest(content)}
                write_json(folder / _FACTS, content | {"sha256": hashes})
        found = self._complete()
        here = found.index(path)
        later, older = found[:here], found[here + 1 :]
        kept = next((other for other in older if _is_whole(other)), None)
        stale = [other for other in later if not _is_whole(other)]
        for other in stale + [other for other in older if other != kept]:
            shutil.rmtree(other, ignore_errors=True)

    def load(self) -> Checkpoint | None:
        """The newest whole checkpoint; None where none was ever finished.

        What killed processes left half-written is cleared away, or put back in its place.

        Raises:
            ArtifactError: there are checkpoints, and every one is damaged.
        """
        self._clear()
        found = self._complete()
        for path in found:
            try:
                return _read(path)
            except _DAMAGE as error:
                warnings.warn(f"{path} is damaged and passed over: {error}", stacklevel=2)
        if found:
            raise ArtifactError(
                f"every checkpoint in {self.folder} is damaged; start a new run (the classifier "
                "folder beside it is checked on its own and may still be good)"
            )
        return None

    def _clear(self) -> None:
        for part in self.folder.glob(".step-*"):
            name, old, _ = part.name[1:].partition(".old.")
            if old:
                recover_folder(self.folder / name)
            with locked(part) as ours:  # else another process may be filling it
                if ours and (not old or (self.folder / name).exists()):
                    shutil.rmtree(part, ignore_errors=True)

    def _complete(self) -> list[Path]:
        return sorted(self.folder.glob("step-*"), reverse=True)


def _read(path: Path) -> Checkpoint:
    document = _read_facts(path)
    tensors = read_tensors(path / _STATE, document["sha256"][_STATE])
    return Checkpoint(document["step"], tensors, document["facts"])


def _read_facts(path: Path) -> dict[str, Any]:
    document = read_json(path / _FACTS)
    content = {"step": document["step"], "facts": document["facts"]}
    if json_digest(content) != document["sha256"][_FACTS]:
        raise ArtifactError(f"{_FACTS} was changed")
    return document


def _is_whole(path: Path) -> bool:
    try:
        return sha256_file(path / _STATE) == _read_facts(path)["sha256"][_STATE]
    except _DAMAGE:
        return False


def _is_saved(path: Path, checkpoint: Checkpoint) -> bool:
    """Whether a folder holds all of a checkpoint but the clock."""
    try:
        found = _read(path)
    except _DAMAGE:
        return False
    facts = [json_digest({**it.facts, _CLOCK: None}) for it in (found, checkpoint)]
    return (
        found.step == checkpoint.step
        and facts[0] == facts[1]
        and found.tensors.keys() == checkpoint.tensors.keys()
        and all(_equal(found.tensors[k], value) for k, value in checkpoint.tensors.items())
    )


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and torch.equal(a, b.detach().cpu())
