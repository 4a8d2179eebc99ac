"""Files that are whole or absent: written aside, flushed to the disk, then renamed into place."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubel.errors import StorageError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "atomic_folder",
    "canonical_json",
    "claimed",
    "json_digest",
    "lock_folder",
    "locked",
    "read_json",
    "read_tensors",
    "recover_folder",
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
# What platforms and file systems say that don't flush folders or know permission bits.
_CANNOT = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EACCES,
           errno.EBADF, errno.EISDIR}  # fmt: skip
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
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    with storage_errors(path, way_out):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(temporary)
            _flush_file(temporary)
            os.replace(temporary, path)
            _flush_folder(path.parent)
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

    An existing `path` is replaced, and stays as it was when the block fails. Who is killed while
    it is replaced leaves the new one, the old one, or what `recover_folder` makes the old one of.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with claimed(lambda: _temporary_folder(path, "")) as temporary:
            try:
                yield temporary
                mask = _umask()
                for file in temporary.iterdir():
                    _flush_file(file, 0o666 & ~mask)  # some writers let only the owner read
                _set_mode(temporary, 0o777 & ~mask)
                _flush_folder(temporary)
                _replace_folder(temporary, path)
                _flush_folder(path.parent)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)


def recover_folder(path: Path) -> None:
    """Put the old folder back at `path` where a kill came between two steps of a replacement.

    Does nothing where `path` is there, where nothing was set aside, or where it can't be written.
    """
    if os.path.lexists(path):
        return
    name = glob.escape(path.name)
    with suppress(OSError):
        found = list(path.parent.glob(f".{name}.old.*/{name}"))
        for kept in sorted(found, key=lambda kept: kept.parent.stat().st_mtime_ns, reverse=True):
            with locked(kept.parent) as ours:
                if ours is not False:  # else it is being replaced at this moment
                    os.replace(kept, path)
                    kept.parent.rmdir()
                    return


@contextmanager
def lock_folder(path: Path) -> Generator[None]:
    """Keep every other process that asks for it out of a folder; a kill lets them in again.

    Where the platform or the file system has no locks, nobody is kept out.

    Raises:
        StorageError: another process is in it.
    """
    with storage_errors(path):
        try:
            descriptor = _acquire(path / ".lock", os.O_RDWR | os.O_CREAT)
        except BlockingIOError:
            raise StorageError(
                f"{path} is being worked on by another process; wait for it, or stop it"
            ) from None
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def locked(path: Path) -> Generator[bool | None]:
    """Try for the lock of a file or folder, and hold it in the block.

    Yields:
        True when it is ours, False when another has it, None where there are no locks.
    """
    descriptor, ours = None, None
    try:
        descriptor = _acquire(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
        ours = None if descriptor is None else True
    except BlockingIOError:
        ours = False
    except OSError:
        pass  # it is gone, or may not be opened: nothing is known of it
    try:
        yield ours
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def claimed(make: Callable[[], Path]) -> Generator[Path]:
    """Make a temporary file or folder, and hold its lock while it is in use.

    Without a lock, whoever clears away what killed processes left takes it for theirs; `make` is
    called again when that happens before it is locked.
    """
    while True:
        path = make()
        with locked(path) as ours:
            if ours is not False and path.exists():
                yield path
                return


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors of any device as safetensors; those that share memory are written twice.

    Raises:
        OSError: it can't be written; the library's own writer would hide that in an error of its
            own.
    """
    from safetensors.torch import save

    whole: dict[str, Tensor] = {}
    taken: set[int] = set()
    for name, value in tensors.items():
        found = value.detach().cpu().contiguous()
        place = found.untyped_storage().data_ptr()
        whole[name] = found.clone() if place in taken else found
        taken.add(place)
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


def _flush_file(path: Path, mode: int | None = None) -> None:
    with open(path, "r+b") as stream:  # Windows flushes only what is open for writing
        if mode is not None:
            _set_mode(path, mode)
        os.fsync(stream.fileno())


def _flush_folder(path: Path) -> None:
    with _where_possible():
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _set_mode(path: Path, mode: int) -> None:
    with _where_possible():
        path.chmod(mode)


@contextmanager
def _where_possible() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def _acquire(path: Path, flags: int) -> int | None:
    """A descriptor that holds the lock of `path`, or None where there are no locks.

    Raises:
        BlockingIOError: another has it.
    """
    try:
        import fcntl
    except ImportError:  # on Windows
        return None
    descriptor = os.open(path, flags, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return descriptor


def _temporary_folder(path: Path, kind: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f".{path.name}.{kind}", dir=path.parent))


def _replace_folder(source: Path, target: Path) -> None:
    """Put `source` at `target`; afterwards `source` is free, or holds the old one."""
    if not os.path.lexists(target):
        os.replace(source, target)
    elif target.is_symlink() or not target.is_dir() or not _exchange(source, target):
        _step_aside(source, target)


def _exchange(source: Path, target: Path) -> bool:
    """Exchange two folders in one step; False where the system or the file system can't."""
    if sys.platform != "linux":
        return False
    import ctypes

    rename = getattr(ctypes.CDLL(None), "renameat2", None)  # not in every libc
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    names = os.fsencode(source), os.fsencode(target)
    return rename is not None and rename(here, names[0], here, names[1], exchange) == 0


def _step_aside(source: Path, target: Path) -> None:
    with claimed(lambda: _temporary_folder(target, "old.")) as aside:
        kept = aside / target.name
        try:
            os.replace(target, kept)
            os.replace(source, target)
            os.replace(kept, aside / "gone")  # half removed, it must not be taken for whole
        except BaseException:
            if kept.exists() and not target.exists():
                os.replace(kept, target)
            raise
        finally:
            if target.exists():
                shutil.rmtree(aside, ignore_errors=True)


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
