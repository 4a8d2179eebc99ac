"""Answers that are kept between runs of the program, found by everything they depend on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from hubel.errors import StorageError
from hubel.storage import canonical_json, read_json, write_json

__all__ = ["cache_folder", "code_state", "remembered"]


def cache_folder() -> Path:
    """Where caches live: `$HUBEL_CACHE`, else the user's cache folder."""
    named = os.environ.get("HUBEL_CACHE")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "hubel"


def remembered(kind: str, key: Mapping[str, Any], make: Callable[[], Any]) -> Any:
    """What `make` gives, from the cache where it was asked for before.

    Args:
        kind: folder within the cache.
        key: JSON types; all that the answer depends on.
        make: gives JSON types. Its errors pass; they are not kept.

    Returns:
        The answer. Where the cache can't be written or read, it is made again each time.
    """
    digest = hashlib.sha256(canonical_json(dict(key))).hexdigest()
    path = cache_folder() / kind / f"{digest}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        return read_json(path)["answer"]
    answer = make()
    with suppress(StorageError, OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"key": dict(key), "answer": answer})
    return answer


def code_state(*packages: str, folders: tuple[str, ...] = ()) -> dict[str, str]:
    """Versions of packages, and the state of Hubel's own code in some of its folders.

    Example:
        >>> sorted(code_state("torch", "no-such-package", folders=("models",)))
        ['hubel', 'no-such-package', 'torch']
    """
    state: dict[str, str] = {}
    for name in packages:
        with suppress(metadata.PackageNotFoundError):
            state[name] = metadata.version(name)
        state.setdefault(name, "absent")
    root, digest = Path(__file__).parent, hashlib.sha256()
    for path in sorted(p for folder in folders for p in (root / folder).rglob("*.py")):
        found = path.stat()
        digest.update(f"{path.relative_to(root)} {found.st_size} {found.st_mtime_ns}".encode())
    return state | {"hubel": digest.hexdigest()[:16]}
