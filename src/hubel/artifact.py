"""The files of a classifier: strict JSON and safetensors, hashed, written and read as one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

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

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SCHEMA_VERSION", "ClassifierFile", "read_artifact", "write_artifact"]

SCHEMA_VERSION = 1

_WEIGHTS = "model.safetensors"
_FACTS = "classifier.json"


class ClassifierFile(BaseModel):
    """The schema of `classifier.json`; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    schema_version: Literal[1] = SCHEMA_VERSION
    architecture: dict[str, Any]
    preprocess: dict[str, Any]
    classes: list[str] = Field(min_length=2)
    temperature: float = Field(gt=0, allow_inf_nan=False)
    task: Literal["single-label", "multi-label"] = "single-label"
    thresholds: dict[str, float] = Field(default_factory=dict[str, float])
    facts: dict[str, Any] = Field(default_factory=dict[str, Any])
    sha256: dict[str, str] = Field(default_factory=dict[str, str])


def write_artifact(folder: Path, document: ClassifierFile, weights: dict[str, Tensor]) -> None:
    """Write both files into a new folder that then takes the place of `folder`.

    Raises:
        StorageError: they can't be written; what stood there before is untouched.
    """
    with atomic_folder(folder) as temporary:
        write_tensors(temporary / _WEIGHTS, weights)
        content = document.model_dump(exclude={"sha256"})
        hashes = {_WEIGHTS: sha256_file(temporary / _WEIGHTS), _FACTS: json_digest(content)}
        write_json(temporary / _FACTS, content | {"sha256": hashes})


def read_artifact(folder: Path) -> tuple[ClassifierFile, dict[str, Tensor]]:
    """Read both files after checking that they are what was written.

    Raises:
        ArtifactError: a file is missing, was changed, or is of another schema; says which.
    """
    for name in (_FACTS, _WEIGHTS):
        if not (folder / name).is_file():
            raise ArtifactError(
                f"{folder}: no {name} there; expected a run folder or a classifier folder of hubel"
            )
    document = _read_facts(folder / _FACTS)
    try:
        return document, read_tensors(folder / _WEIGHTS, document.sha256.get(_WEIGHTS, "none"))
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"{folder / _WEIGHTS} is not the file that was saved: {error}; copy the folder again "
            "from where it was made"
        ) from error


def _read_facts(path: Path) -> ClassifierFile:
    try:
        content: dict[str, Any] = read_json(path)
        version = content.get("schema_version")
    except (ValueError, AttributeError) as error:
        raise ArtifactError(f"{path} is not the JSON that was saved: {error}") from error
    if version != SCHEMA_VERSION:
        raise ArtifactError(
            f"{path} is of schema {version!r}; this version of hubel reads {SCHEMA_VERSION}: "
            "install the version that made it, or train again"
        )
    try:
        document = ClassifierFile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise ArtifactError(f"{path}: {where}: {first['msg']}") from error
    found = json_digest({name: value for name, value in content.items() if name != "sha256"})
    if found != document.sha256.get(_FACTS):
        raise ArtifactError(
            f"{path} was changed after it was saved: the SHA-256 of its content is {found}, it "
            f"says {document.sha256.get(_FACTS)}"
        )
    return document
