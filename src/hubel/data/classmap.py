"""A class map: what the ids in a table or an array are called.

`classes.json` is a list of names (the place is the id), or an object of names by id or ids by
name; `classes.txt` has a name a line, counted from 0; `classes.csv` has the columns `id` and
`name`. A label that is an id becomes its name; one that is a name already stays.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubel.errors import DataError

__all__ = ["ClassMap", "class_map", "find_class_map", "read_class_map"]

_FILES = ("classes.json", "classes.txt", "classes.csv")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ClassMap:
    """Names by id, and where they were found."""

    names: dict[str, str]
    origin: str

    def name(self, label: str) -> str:
        """What an id is called.

        Raises:
            DataError: the label is neither an id nor a name of the map.
        """
        if label in self.names:
            return self.names[label]
        if label in self.names.values():
            return label
        known = ", ".join(list(self.names)[:_SHOWN])
        more = f" and {len(self.names) - _SHOWN} more" if len(self.names) > _SHOWN else ""
        raise DataError(
            f"{self.origin}: the label {label!r} has no name; the ids there are {known}{more}; "
            "add it, or switch the map off with ?classes=none"
        )


def class_map(names: Iterable[tuple[str, str]], origin: str) -> ClassMap:
    """A map of pairs of id and name.

    Raises:
        DataError: it is empty, an id stands twice, or two ids share a name, which would make one
            class of two.

    Example:
        >>> class_map([("0", "cat"), ("1", "dog")], "classes.txt").name("1")
        'dog'
    """
    found: dict[str, str] = {}
    ids: dict[str, str] = {}
    for key, name in ((str(key).strip(), str(name).strip()) for key, name in names):
        if not name:
            raise DataError(f"{origin}: the id {key!r} has an empty name")
        if key in found:
            raise DataError(f"{origin}: the id {key!r} stands twice")
        if name in ids:
            raise DataError(
                f"{origin}: the ids {ids[name]!r} and {key!r} are both called {name!r}, which "
                "would make one class of two; give each a name of its own"
            )
        found[key], ids[name] = name, key
    if not found:
        raise DataError(f"{origin} names no classes")
    return ClassMap(found, origin)


def find_class_map(folder: Path) -> ClassMap | None:
    """The class map that stands in a folder, where there is one.

    Raises:
        DataError: there are several, or it can't be read.
    """
    found = [folder / name for name in _FILES if (folder / name).is_file()]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise DataError(f"{folder}: {names} both name classes; keep one")
    return read_class_map(found[0]) if found else None


def read_class_map(path: Path) -> ClassMap:
    """Read a `.json`, `.txt` or `.csv` file of class names.

    Raises:
        DataError: it is missing, of another kind, or says something else.
    """
    readers = {".json": _json, ".txt": _lines, ".csv": _csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: expected a class map that ends in {', '.join(readers)}")
    try:
        text = path.read_text(encoding="utf-8-sig")
        return class_map(reader(text), str(path))
    except DataError:
        raise
    except Exception as error:  # foreign bytes
        raise DataError(
            f"{path} can't be read as a class map: {type(error).__name__}: {error}"
        ) from error


def _json(text: str) -> list[tuple[str, str]]:
    document: Any = json.loads(text)
    if isinstance(document, list):
        return [(str(place), _name(name)) for place, name in enumerate(document)]
    if not isinstance(document, dict):
        raise ValueError("expected a list of names, or an object of names by id")
    if all(isinstance(value, int) for value in document.values()):
        return [(str(key), name) for name, key in document.items()]
    return [(key, _name(name)) for key, name in document.items()]


def _name(value: object) -> str:
    if not isinstance(value, str | int):
        raise ValueError(f"expected a name, got {str(value)[:40]}")
    return str(value)


def _lines(text: str) -> list[tuple[str, str]]:
    return [(str(place), line) for place, line in enumerate(text.rstrip().splitlines())]


def _csv(text: str) -> list[tuple[str, str]]:
    rows = list(csv.DictReader(text.splitlines()))
    if not rows or not {"id", "name"} <= rows[0].keys():
        raise ValueError("expected the columns id and name")
    return [(row["id"], row["name"]) for row in rows]
