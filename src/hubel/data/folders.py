"""How a tree of folders becomes labels and splits.

The folder that a file stands in is its class, named by its path from the root (`car/black`).
When the folders at the top are all names of splits (train, val, test and their synonyms), the
class begins one level below.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from hubel.errors import DataError

__all__ = ["SPLIT_NAMES", "Entry", "interpret", "is_hidden_folder", "split_of", "walk"]

SPLIT_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev", "eval"),
    "test": ("test", "testing"),
}
_JUNK = {"thumbs.db", "desktop.ini"}
_JUNK_FOLDERS = {"__MACOSX", "@eaDir"}


class Entry(NamedTuple):
    """One file of a source: where it is, what is known of it from outside, why it is left out.

    `path` is relative to the source's root, with `/`, and may hold surrogates for bytes that are
    not UTF-8; `stamp` changes when the file does. A sample of several classes at once has `labels`
    (possibly none of them) in place of `label`; `time` is a number that orders samples.
    """

    path: str
    label: str | None = None
    split: str | None = None
    group: str | None = None
    size: int = 0
    stamp: int = 0
    problem: str | None = None
    labels: tuple[str, ...] | None = None
    time: float | None = None


def split_of(name: str) -> str | None:
    """The split that a folder or table value names, whatever its case; None when it names none.

    Example:
        >>> split_of("Validation"), split_of("cats")
        ('val', None)
    """
    lowered = name.strip().lower()
    return next((split for split, names in SPLIT_NAMES.items() if lowered in names), None)


def walk(root: Path) -> Iterator[Entry]:
    """Every file below `root`, through links, each real folder once, in a fixed order.

    Hidden folders (`.git`, `__MACOSX`) are not entered. A folder that can't be listed, a link to
    a folder that is read already or holds the root (so any loop), and a broken link each give
    one entry with its problem.
    """
    seen = {_identity(folder) for folder in Path(os.path.realpath(root)).parents}
    real, linked = [(os.fspath(root), "")], deque[tuple[str, str]]()
    # Links are followed last: a folder then has the name under which it really stands.
    while real or linked:
        folder, prefix = real.pop() if real else linked.popleft()
        try:
            identity = _identity(folder)
            if identity in seen:
                yield Entry(prefix.rstrip("/"), problem="a link to a folder that is read already")
                continue
            seen.add(identity)
            with os.scandir(folder) as found:
                items = sorted(found, key=lambda item: item.name)
        except OSError as error:
            yield Entry(prefix.rstrip("/"), problem=f"folder can't be listed: {error.strerror}")
            continue
        inside: list[tuple[str, str]] = []
        for item in items:
            path = prefix + item.name
            if not _is_folder(item):
                yield _file(item, path)
            elif not is_hidden_folder(item.name):
                (linked if item.is_symlink() else inside).append((item.path, path + "/"))
        real += reversed(inside)


def _identity(folder: str | Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def is_hidden_folder(name: str) -> bool:
    """Whether a folder belongs to a tool or a system, not to the data."""
    return name.startswith(".") or name in _JUNK_FOLDERS


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:
        return False


def _file(item: os.DirEntry[str], path: str) -> Entry:
    try:
        status = item.stat()
    except FileNotFoundError:
        return Entry(path, problem="a link to nothing")
    except OSError as error:
        return Entry(path, problem=f"can't be reached: {error.strerror}")
    if not stat.S_ISREG(status.st_mode):
        return Entry(path, problem="not a regular file")
    return Entry(path, size=status.st_size, stamp=status.st_mtime_ns)


def interpret(files: Iterable[Entry], name: str) -> tuple[str, list[Entry], list[str]]:
    """Give each file its label and split by where it stands.

    Args:
        files: as `walk` gives them.
        name: of the source, for messages.

    Returns:
        The kind of layout, the entries sorted by path, and notes for the user.

    Raises:
        DataError: there are no files, or folders that name the same split twice.
    """
    entries = sorted(files, key=lambda entry: entry.path)
    if not entries:
        raise DataError(f"{name} holds no files; expected one folder a class with pictures in it")
    notes: list[str] = []
    base = _wrapper(entries)
    if base:
        notes.append(f"everything stands in {base!r}: classes are counted from there")
    splits = _split_folders(entries, base, name)
    labelled = list(_labelled(entries, base, splits))
    nested = next((e.label for e in labelled if e.label and "/" in e.label), None)
    if nested is not None:
        notes.append(f"nested folders: each is a class of its own, by its path, as in {nested!r}")
    return ("split folders" if splits else "class folders"), labelled, notes


def _wrapper(entries: list[Entry]) -> str:
    """The chain of lone folders that only wraps the data, as archives often do."""
    base = ""
    while True:
        heads = {entry.path[len(base) :].partition("/")[0::2] for entry in entries}
        tops = {head for head, rest in heads if rest}
        loose = any(not rest and not head.startswith(".") for head, rest in heads)
        deep = any("/" in rest for _, rest in heads)
        if len(tops) != 1 or loose or not deep or any(split_of(top) for top in tops):
            return base
        (top,) = tops
        # A lone folder is a class when pictures stand in it directly.
        if any("/" not in rest and not _is_hidden(rest) for _, rest in heads if rest):
            return base
        base += top + "/"


def _split_folders(entries: list[Entry], base: str, name: str) -> dict[str, str]:
    inside = (entry.path[len(base) :] for entry in entries)
    tops = sorted({path.partition("/")[0] for path in inside if path.count("/") >= 2})
    splits = {top: split for top in tops if (split := split_of(top)) is not None}
    # With two splits, other folders beside them (annotations, runs) are left out, not classes.
    foreign = len(splits) < len(tops)
    if "train" not in splits.values() or (foreign and len(set(splits.values())) < 2):
        return {}
    for split in set(splits.values()):
        same = [top for top in splits if splits[top] == split]
        if len(same) > 1:
            raise DataError(
                f"{name}: the folders {' and '.join(same)} both name the {split} split; keep one"
            )
    return splits


def _labelled(entries: list[Entry], base: str, splits: dict[str, str]) -> Iterator[Entry]:
    meaning: dict[str, tuple[str | None, str | None]] = {}  # label and split of each folder
    for entry in entries:
        folder, _, file = entry.path[len(base) :].rpartition("/")
        if folder not in meaning:
            meaning[folder] = _meaning(folder, splits)
        label, split = meaning[folder]
        problem = entry.problem
        if problem is None and _is_hidden(file):
            problem = "hidden or system file"
        elif problem is None and label is None:
            problem = _homeless(folder, splits)
        if problem is not None:
            # Nothing is known of a file that has no business here.
            yield entry._replace(split=split if label is None else None, problem=problem)
        else:
            yield entry._replace(label=label, split=split)


def _homeless(folder: str, splits: dict[str, str]) -> str:
    top = folder.partition("/")[0]
    beside = splits and top and top not in splits and split_of(top) is None
    return "beside the split folders" if beside else "not inside a class folder"


def _meaning(folder: str, splits: dict[str, str]) -> tuple[str | None, str | None]:
    if not splits:
        return _shown(folder) or None, None
    top, _, folder = folder.partition("/")
    return (_shown(folder) or None, splits[top]) if top in splits else (None, None)


def _is_hidden(file: str) -> bool:
    return file.startswith(".") or file.lower() in _JUNK


def _shown(text: str) -> str:
    """Text that any file format takes: bytes that are not UTF-8 are written as `\\xNN`."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
