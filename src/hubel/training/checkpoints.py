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

from safetensors.torch import load_file, save_file
from torch import Tensor

from hubel.errors import ArtifactError
from hubel.storage import atomic_folder, read_json, sha256_file, write_json

__all__ = ["Checkpoint", "Checkpoints"]

_KEEP = 2


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

        Raises:
            StorageError: it can't be written; the older ones are untouched.
        """
        path = self.folder / f"step-{checkpoint.step:010d}"
        with atomic_folder(path) as folder:
            tensors = {name: value.detach().cpu().contiguous()
                       for name, value in checkpoint.tensors.items()}  # fmt: skip
            save_file(tensors, folder / "state.safetensors")
            digest = sha256_file(folder / "state.safetensors")
            document = {"step": checkpoint.step, "sha256": digest, "facts": checkpoint.facts}
            write_json(folder / "state.json", document)
        for old in self._complete()[_KEEP:]:
            shutil.rmtree(old, ignore_errors=True)

    def load(self) -> Checkpoint | None:
        """The newest whole checkpoint; None where none was ever finished.

        Raises:
            ArtifactError: there are checkpoints, and every one is damaged.
        """
        found = self._complete()
        for path in found:
            try:
                return _read(path)
            except (OSError, ValueError, KeyError) as error:
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
    document = read_json(path / "state.json")
    found = sha256_file(path / "state.safetensors")
    if found != document["sha256"]:
        raise ArtifactError(f"state.safetensors has SHA-256 {found[:12]}…, expected "
                            f"{document['sha256'][:12]}…")  # fmt: skip
    return Checkpoint(document["step"], load_file(path / "state.safetensors"), document["facts"])
