"""Tar files: WebDataset shards, whose members are grouped by name, or class folders in one file.

A shard holds samples: the members `0001.jpg` and `0001.cls` (or `.json`, `.txt`) are the picture
and its label. Where no picture has such a member beside it, the folders are the classes. Nothing is
unpickled, and no command is run: members that would need it are named and left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

from hubel.data.classmap import ClassMap
from hubel.data.folders import Entry, interpret, is_hidden_folder, split_of
from hubel.data.label_columns import Label, named, text_of
from hubel.data.sources.base import Found, Listing, check_size, digest, ignore
from hubel.data.sources.blob import Blob, LocalBlob
from hubel.data.sources.options import Options
from hubel.data.sources.tar_index import Member, index_of
from hubel.errors import DataError, PictureError

__all__ = ["TarSource", "expand_braces", "shards_of", "split_in", "tar_source"]

_LABELS = ("cls", "json", "txt", "label")
_FOREIGN = {"pyd", "pickle", "pkl", "pth", "pt", "ten", "tb", "mp", "msg"}
_BESIDE = {"txt", "json", "cls", "label", "index", "meta", "csv", "xml", "yaml", *_FOREIGN}
_MOST_SHARDS = 100_000
_LONGEST_LABEL = 1 << 20
_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(slots=True)
class _Group:
    """The members of one sample."""

    picture: Member | None = None
    entry: Entry | None = None
    others: dict[str, Member] = field(default_factory=dict[str, Member])


class TarSource:
    """Samples in one or more tar files.

    Args:
        shards: the files.
        name: how people refer to them.
        names: of the classes.
    """

    def __init__(self, shards: Sequence[Blob], name: str, names: ClassMap | None = None) -> None:
        self.shards = tuple(shards)
        self.name = name
        self.names = names
        self._distinct = len({shard.base for shard in shards}) == len(shards)
        self._places: dict[str, tuple[Blob, int, int]] | None = None

    @property
    def key(self) -> str:
        return digest(*(shard.key for shard in self.shards))

    def list(self, found: Found = ignore) -> Listing:
        indices = self._index(found)
        if not any(indices):
            raise DataError(f"{self.name} holds no files")
        if not any(map(_has_labels, indices)):
            return self._class_folders(indices)
        entries: list[Entry] = []
        for shard, members in zip(self.shards, indices, strict=True):
            entries += self._samples(shard, members)
        labels = named([e.label if e.labels is None else e.labels for e in entries], self.names)
        renamed = [_with_label(e, label) for e, label in zip(entries, labels, strict=True)]
        return Listing("shards", tuple(renamed), self._told())

    def read(self, path: str) -> bytes:
        if self._places is None:
            self._index(ignore)
        assert self._places is not None
        if path not in self._places:
            raise PictureError("no such file")
        shard, start, size = self._places[path]
        check_size(size)
        try:
            content = shard.read(start, size)
        except OSError as error:
            raise PictureError("can't be read", f"{type(error).__name__}: {error}") from error
        if len(content) < size:
            raise PictureError("can't be read", f"{size - len(content):,} bytes are missing")
        return content

    def _told(self) -> tuple[str, ...]:
        return (f"names of the classes from {self.names.origin}",) if self.names else ()

    def _index(self, found: Found) -> list[list[Member]]:
        total = 0
        indices: list[list[Member]] = []
        places: dict[str, tuple[Blob, int, int]] = {}
        for shard in self.shards:
            before = total
            members = index_of(shard, lambda count, before=before: found(before + count))
            total += len(members)
            found(total)
            indices.append(members)
            places |= {
                self._path(shard, m): (shard, m.start, m.size) for m in members if not m.problem
            }
        self._places = places
        return indices

    def _path(self, shard: Blob, member: Member) -> str:
        if len(self.shards) == 1:
            return member.name
        return f"{shard.base if self._distinct else shard.name}/{member.name}"

    def _entries(self, shard: Blob, members: Sequence[Member], split: str | None) -> list[Entry]:
        """What the members are called; a stamp changes with the shard and with the place in it."""
        stamp = shard.state()[1]
        return [
            Entry(self._path(shard, member), None, split, None, member.size, stamp ^ member.start,
                  member.problem)
            for member in members
        ]  # fmt: skip

    def _class_folders(self, indices: Sequence[Sequence[Member]]) -> Listing:
        if len(self.shards) > 1:
            raise DataError(
                f"{self.name}: {len(self.shards)} tar files without labels (.cls, .json or .txt "
                "members); name one tar file of class folders, or unpack them in one folder"
            )
        files: list[Entry] = []
        for shard, members in zip(self.shards, indices, strict=True):
            seen = [m for m in members if not _is_hidden(m.name)]
            files += self._entries(shard, seen, None)
        kind, entries, notes = interpret(files, self.name)
        return Listing(kind, tuple(entries), tuple(notes))

    def _samples(self, shard: Blob, members: Sequence[Member]) -> list[Entry]:
        groups: dict[str, _Group] = {}
        entries: list[Entry] = []
        blanks = self._entries(shard, members, split_in(shard.base))
        for member, blank in zip(members, blanks, strict=True):
            suffix = _suffix(member.name)
            if member.problem is not None or suffix in _FOREIGN:
                problem = member.problem or "a pickle or the like, which is never read"
                entries.append(blank._replace(problem=problem))
                continue
            group = groups.setdefault(_key(member.name), _Group())
            if suffix in _BESIDE:
                group.others[suffix] = member
                group.entry = group.entry or blank
            elif group.picture is None:
                group.picture, group.entry = member, blank
            else:
                entries.append(blank._replace(problem="a second picture of one sample"))
        with shard.open() as stream:
            entries += [_judged(group, stream) for group in groups.values()]
        return sorted(entries, key=lambda entry: entry.path)


def _judged(group: _Group, stream: BinaryIO) -> Entry:
    entry = group.entry
    assert entry is not None
    if group.picture is None:
        return entry._replace(problem="no picture beside it")
    try:
        label = _label(group, stream)
    except (ValueError, RecursionError) as error:
        return entry._replace(problem=f"its label can't be read: {error}")
    return _with_label(entry._replace(problem=None if label is not None else "no label"), label)


def _with_label(entry: Entry, label: Label) -> Entry:
    one = label if isinstance(label, str) else None
    return entry._replace(label=one, labels=label if isinstance(label, tuple) else None)


def _label(group: _Group, stream: BinaryIO) -> Label:
    """From `.cls` or `.label`, then the object in `.json`, then the text in `.txt`."""
    for suffix in ("cls", "label"):
        if suffix in group.others:
            return text_of(_text(stream, group.others[suffix]))
    if "json" in group.others:
        found = _from_json(json.loads(_text(stream, group.others["json"])))
        if found is not None:
            return found
    return text_of(_text(stream, group.others["txt"])) if "txt" in group.others else None


def _text(stream: BinaryIO, member: Member) -> str:
    if member.size > _LONGEST_LABEL:
        raise ValueError(f"{member.size:,} bytes are more than a label has")
    stream.seek(member.start)
    return stream.read(member.size).decode("utf-8-sig")


def _has_labels(members: Sequence[Member]) -> bool:
    """Whether a picture has its label beside it; a text within folders is a mere caption."""
    labels: set[str] = set()
    for member in members:
        suffix = _suffix(member.name)
        if suffix in _LABELS and (suffix != "txt" or "/" not in member.name):
            labels.add(_key(member.name))
    return any(_key(m.name) in labels and _suffix(m.name) not in _BESIDE for m in members)


def _from_json(document: Any) -> Label:
    if isinstance(document, dict):
        several = document.get("labels")
        if isinstance(several, list):
            texts = [text_of(value) for value in several]
            return tuple(dict.fromkeys(text for text in texts if text is not None))
        names = ("label", "class", "class_name", "cls", "labels", "target")
        document = next((document[name] for name in names if name in document), None)
    if isinstance(document, dict | list):
        raise ValueError(f"expected one name or number, got {str(document)[:40]}")
    return text_of(document)


def _is_hidden(name: str) -> bool:
    return any(map(is_hidden_folder, name.split("/")[:-1]))


def _suffix(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[2].rpartition(".")[2].lower()


def _key(name: str) -> str:
    """WebDataset's rule: up to the first dot of the last part."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]


def split_in(base: str) -> str | None:
    """The split that a word in the name of a shard says, as in `imagenet-train-000012.tar`."""
    splits = {split for word in re.split(r"[^A-Za-z]+", base) if (split := split_of(word))}
    return splits.pop() if len(splits) == 1 else None


def expand_braces(pattern: str) -> list[str]:
    """The names that a brace pattern stands for.

    Raises:
        DataError: a range runs backwards, or there are more than 100,000.

    Example:
        >>> expand_braces("{train,val}-{08..10}.tar")[2:4]
        ['train-10.tar', 'val-08.tar']
    """
    pieces = _BRACES.split(pattern)
    choices = [[piece] if place % 2 == 0 else _choices(piece, pattern)
               for place, piece in enumerate(pieces)]  # fmt: skip
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > _MOST_SHARDS:
        raise DataError(f"{pattern} stands for {count:,} files; at most {_MOST_SHARDS:,} are read")
    return ["".join(parts) for parts in product(*choices)]


def _choices(inside: str, pattern: str) -> list[str]:
    match = re.fullmatch(r"(\d+)\.\.(\d+)", inside)
    if match is None:
        return inside.split(",")
    first, last = int(match[1]), int(match[2])
    if last < first or last - first >= _MOST_SHARDS:
        raise DataError(f"{pattern}: the range {inside} is no range of at most {_MOST_SHARDS:,}")
    width = len(match[1]) if match[1].startswith("0") or len(match[1]) == len(match[2]) else 0
    return [f"{number:0{width}}" for number in range(first, last + 1)]


def shards_of(folder: Path) -> list[Path]:
    """The tar files of a folder that holds nothing else but what tells of them."""
    if not any(folder.glob("*.tar")):
        return []
    others = [p for p in folder.iterdir() if p.is_dir() and not is_hidden_folder(p.name)]
    return [] if others else sorted(folder.glob("*.tar"))


def tar_source(paths: Sequence[Path], name: str, options: Options) -> TarSource:
    """Shards on a disk, with the option `classes`."""
    missing = next((path for path in paths if not path.is_file()), None)
    if missing is not None:
        raise DataError(f"{name}: there is no file {missing}")
    names = options.class_map(paths[0].parent)
    return TarSource([LocalBlob(path) for path in paths], name, names)
