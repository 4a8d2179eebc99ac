"""Files that are whole or absent: written aside, flushed to the disk, then renamed into place."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubel.errors import StorageError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "atomic_folder",
    "canonical_json",
    "json_digest",
    "read_json",
    "read_tensors",
    "reserve",
    "sha256_file",
    "storage_errors",
    "utf8",
    "write_bytes",
    "write_json",
    "write_tensors",
    "write_with",
]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_WAY_OUT = "free some space, or choose another folder"


@contextmanager
def storage_errors(path: Path, way_out: str = _WAY_OUT) -> Generator[None]:
    """Turn the operating system's refusal to write `path` into a `StorageError` with a way out."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            message = f"the disk is full: could not write {path} ({error.strerror}); {way_out}"
        else:
            message = f"could not write {path}: {error.strerror or error}; {way_out}"
        raise StorageError(message) from error


def write_with(path: Path, write: Callable[[Path], None], way_out: str = _WAY_OUT) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place in one step.

    Raises:
        StorageError: the file can't be written; what stood at `path` before is untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with storage_errors(path, way_out):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(temporary)
            _flush(temporary)
            os.replace(temporary, path)
            _flush(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically."""

    def write(temporary: Path) -> None:
        temporary.write_bytes(content)

    write_with(path, write)


def write_json(path: Path, document: Any) -> None:
    """Write `document` as indented strict JSON, atomically."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, utf8(text + "\n"))


def read_json(path: Path) -> Any:
    """Read a JSON file; duplicate keys, NaN and endless nesting are refused with `ValueError`."""
    text = path.read_text(encoding="utf-8")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None


def canonical_json(document: Any) -> bytes:
    """One byte string for one document, whatever the order of its keys, for digests."""
    text = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return utf8(text)


def utf8(json_text: str) -> bytes:
    """JSON as UTF-8, with names of files that are not UTF-8 in JSON's own `\\udcNN`."""
    return json_text.encode("utf-8", "backslashreplace")


def json_digest(document: Any) -> str:
    """The SHA-256 of a document's `canonical_json`, in hexadecimal."""
    return hashlib.sha256(canonical_json(document)).hexdigest()


@contextmanager
def atomic_folder(path: Path) -> Generator[Path]:
    """Give a temporary folder to fill; on success it is flushed and becomes `path`.

    An existing `path` is replaced, and stays as it was when the block fails.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            yield temporary
            mask = _umask()
            for file in temporary.iterdir():
                file.chmod(0o666 & ~mask)  # some writers make files that only their owner reads
                _flush(file)
            temporary.chmod(0o777 & ~mask)
            _flush(temporary)
            _replace_folder(temporary, path)
            _flush(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors of any device as safetensors.

    Raises:
        OSError: it can't be written; the library's own writer would hide that in an error of its
            own.
    """
    from safetensors.torch import save

    whole = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    path.write_bytes(save(whole))


def read_tensors(path: Path, digest: str) -> dict[str, Tensor]:
    """Read tensors whose file has this SHA-256, into memory: the file may go or change afterwards.

    Raises:
        ValueError: the file has another digest, or holds no tensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise ValueError(f"its SHA-256 is {found}, expected {digest}")
    try:
        return load(content)
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def reserve(path: Path, size: int) -> None:
    """Create `path` with `size` bytes that the disk has promised.

    A sparse file would let a memory-mapped write die with SIGBUS when the disk fills.
    """
    with open(path, "wb") as stream:
        if hasattr(os, "posix_fallocate") and size:
            os.posix_fallocate(stream.fileno(), 0, size)
            return
        block = bytes(1 << 20)
        for start in range(0, size, len(block)):
            stream.write(block[: size - start])


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace_folder(source: Path, target: Path) -> None:
    # Folders can't be exchanged atomically by rename: the old one steps aside first.
    if target.exists():
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
        os.replace(target, aside / target.name)
        try:
            os.replace(source, target)
        except OSError:
            os.replace(aside / target.name, target)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    else:
        os.replace(source, target)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice in one JSON object")
    return document


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
